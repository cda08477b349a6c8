"""County outline, town lands and forest cells: a Voronoi net with wiggly, shared borders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.sample.figures import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.figures import Scale

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

GRID_M = 0.0001
_BEYOND = 4  # cells that seeds reach beyond the outline: as far as they shape borders inside
_ROUGH = 0.42  # height of the first bend of a border, as a share of its length


@dataclass(frozen=True, slots=True, kw_only=True)
class Land:
    """Where the county and its towns lie, as functions of the plane (EPSG:4524, m)."""

    centre: Floats
    radius_m: float
    waves: Floats
    seeds: Floats
    pull: Floats
    warp: Floats

    def edge_m(self, xy: Floats) -> Floats:
        """Return the distance to the outline along the ray from the centre; inside > 0."""
        dx, dy = (xy - self.centre).T
        angle = np.arctan2(dy, dx)
        order = np.arange(2, 2 + len(self.waves))
        ripple = np.cos(angle[:, None] * order + self.waves[:, 1]) @ self.waves[:, 0]
        return np.asarray(self.radius_m * (1 + ripple) - np.hypot(dx, dy))

    def town(self, xy: Floats) -> Ints:
        """Return the town (row of the town table) a place belongs to, outline disregarded."""
        bent = xy + np.column_stack(
            [np.sin(xy[:, ::-1] @ w[:2].reshape(2, 1) + w[2]).ravel() * w[3] for w in self.warp]
        )
        gap = np.hypot(*(bent[:, None, :] - self.seeds[None]).transpose(2, 0, 1)) - self.pull
        return np.asarray(np.argmin(gap, axis=1), dtype=np.int64)


def lay_out(scale: Scale, names: list[str], centre: Floats, rng: np.random.Generator) -> Land:
    """Return the outline and the town lands of a layout, towns in the order of `names`.

    centre: middle of the county in EPSG:4524 (m).
    """
    radius_km = scale.radius_km
    rows = table("layout_towns")
    rows = rows[rows["layout"] == scale.layout].set_index("town").loc[names]
    place = rows[["x_km", "y_km"]].to_numpy(float) * 1000 + centre
    order = np.arange(2, 8)
    waves = np.column_stack(
        (rng.uniform(0.4, 1.0, order.size) * 0.17 / order, rng.uniform(0, 2 * np.pi, order.size))
    )
    bend = radius_km * 1000 / 30
    turn = 2 * np.pi / (radius_km * 1000 * 0.45)
    warp = np.array(
        [[turn * rng.uniform(0.7, 1.3), turn * rng.uniform(-0.4, 0.4),
          rng.uniform(0, 2 * np.pi), bend] for _ in range(2)]
    )  # fmt: skip
    return Land(
        centre=centre,
        radius_m=radius_km * 1000,
        waves=waves,
        seeds=place,
        pull=rows["pull_km"].to_numpy(float) * 1000,
        warp=warp,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """Forest cells: their borders (ridges: lines, each once), the seed and town of each cell."""

    ridges: NDArray[np.object_]
    seeds: Floats
    town: Ints

    def towns_at(self, spots: NDArray[np.object_]) -> Ints:
        """Return the town of the cell each point lies in, −1 outside the county."""
        cells = shapely.get_parts(shapely.polygonize(self.ridges))
        tree = shapely.STRtree(cells)
        seed, cell = tree.query(shapely.points(self.seeds), predicate="within")
        town = np.full(len(cells), -1)
        town[cell] = self.town[seed]
        spot, cell = tree.query(spots, predicate="within")
        out = np.full(len(spots), -1)
        out[spot] = town[cell]
        return out


def weave(land: Land, valley_points: Floats, count: int, rng: np.random.Generator) -> Net:
    """Return about `count` forest cells inside the county, denser along the valleys.

    valley_points: (n, 2) places near which cells are small. Borders are fractal, and stay within
    the kite of their two seeds, so that they never cross each other.
    """
    seeds = _seeds(land, valley_points, count, rng)
    lines, left, right = _ridges(seeds, land.centre)
    inside = land.edge_m(seeds) > 0
    keep = inside[left] | inside[right]
    curved = _wiggle(lines[keep], seeds[left[keep]], rng)
    return Net(ridges=curved, seeds=seeds[inside], town=land.town(seeds[inside]))


def _seeds(land: Land, near: Floats, count: int, rng: np.random.Generator) -> Floats:
    reach = land.radius_m * 1.35
    wide = count * (2 * reach) ** 2 / (np.pi * land.radius_m**2)
    n = int(np.sqrt(wide * 0.55))
    step = 2 * reach / n
    gx, gy = np.meshgrid(np.arange(n), np.arange(n))
    grid = (np.column_stack((gx.ravel(), gy.ravel())) + 0.5) * step - reach + land.centre
    grid = grid + rng.uniform(-0.36, 0.36, grid.shape) * step
    grid = grid[land.edge_m(grid) > -_BEYOND * step]
    extra = near[rng.integers(0, len(near), int(count * 0.45))]
    extra = extra + rng.normal(0, land.radius_m / 30, extra.shape)
    extra = extra[land.edge_m(extra) > land.radius_m * 0.04]
    return _spread(np.vstack((grid, extra)), step * 0.18)


def _spread(points: Floats, least: float) -> Floats:
    """Drop points closer than `least` to an earlier one's grid cell: no needle-thin cells."""
    box = np.floor(points / least).astype(np.int64)
    _, first = np.unique(box, axis=0, return_index=True)
    return np.asarray(points[np.sort(first)])


def _ridges(seeds: Floats, centre: Floats) -> tuple[Floats, Ints, Ints]:
    """Return Voronoi edges between two cells: ends (n, 2, 2), and the seeds on both sides."""
    local = seeds - centre
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(local), ordered=True))
    xy, owner = shapely.get_coordinates(cells, return_index=True)
    xy = np.round(xy, 3)
    _, node = np.unique(xy, axis=0, return_inverse=True)
    node = node.ravel()
    same = owner[1:] == owner[:-1]
    a, b, who = node[:-1][same], node[1:][same], owner[1:][same]
    start, end = xy[:-1][same], xy[1:][same]
    real = a != b
    a, b, who, start, end = a[real], b[real], who[real], start[real], end[real]
    key = np.column_stack((np.minimum(a, b), np.maximum(a, b)))
    order = np.lexsort((who, key[:, 1], key[:, 0]))
    key, who = key[order], who[order]
    pair = np.flatnonzero((key[1:] == key[:-1]).all(axis=1))
    ends = np.stack((start[order][pair], end[order][pair]), axis=1) + centre
    return ends, who[pair].astype(np.int64), who[pair + 1].astype(np.int64)


def _wiggle(ends: Floats, seed: Floats, rng: np.random.Generator) -> NDArray[np.object_]:
    """Return each straight border as a fractal line within the kite of its seeds."""
    along = ends[:, 1] - ends[:, 0]
    length = np.hypot(along[:, 0], along[:, 1])
    normal = np.column_stack((-along[:, 1], along[:, 0])) / length[:, None]
    to_seed = seed - ends[:, 0]
    height = np.abs((to_seed * normal).sum(axis=1))
    foot = (to_seed * along).sum(axis=1) / length**2
    levels = np.clip(np.ceil(np.log2(length / 45.0)), 1, 5).astype(int)
    out = np.empty(len(ends), dtype=object)
    for level in range(1, 6):
        at = np.flatnonzero(levels == level)
        if at.size:
            t, shift = _fractal(length[at], height[at], foot[at], level, rng)
            xy = ends[at, None, 0] + t[None, :, None] * along[at, None]
            xy = xy + shift[:, :, None] * normal[at, None]
            out[at] = shapely.linestrings(np.round(xy, 4))
    return out


def _fractal(
    length: Floats, height: Floats, foot: Floats, level: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Midpoint displacement, held to 70 % of the kite's width at each place."""
    n = 2**level
    t = np.arange(n + 1) / n
    shift = np.zeros((len(length), n + 1))
    step, rough = n, _ROUGH * length
    while step > 1:
        half = step // 2
        rough = rough * 0.55
        mid = (shift[:, 0:-1:step] + shift[:, step::step]) / 2
        shift[:, half::step] = mid + rng.normal(0, 0.35, mid.shape) * rough[:, None]
        step = half
    with np.errstate(divide="ignore", invalid="ignore"):
        rising = np.where(foot[:, None] > 0, t / np.maximum(foot[:, None], 1e-9), np.inf)
        falling = np.where(foot[:, None] < 1, (1 - t) / np.maximum(1 - foot[:, None], 1e-9), np.inf)
    room = height[:, None] * np.minimum(np.minimum(rising, falling), np.minimum(t, 1 - t) * 4)
    limit = 0.7 * np.where(np.isfinite(room), room, 0.0)
    return t, np.clip(shift, -limit, limit)

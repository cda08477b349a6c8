"""Two exports of a made county and what truly became of every plot; the same at every run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Transformer

from pipeline import measure
from pipeline.compare import ROUNDED_M

if TYPE_CHECKING:
    from collections.abc import Mapping

CRS = "EPSG:4524"
ORIGIN = np.array((36_589_000.0, 3_700_000.0))
CELL_M, SHAKE_M, WIGGLE_M = 95.0, 20.0, 1.0
EDGE_VERTICES = 20  # 80 per plot: the mean of a county
GRID = 10_000  # steps per metre
ROAD_M, ROADS = 4.0, 0.02  # width, share of pairs with one
CHANGED = 0.06  # share of pairs of plots that change: more than a month brings
REDRAWN, REDRAWN_M = 0.005, 0.15  # share of outlines drawn anew, how far off each vertex is
CODES = ("0101", "0103", "0201", "0301", "0307", "0702", "1101")
VILLAGE = "9900010010010000000"
TRUE_RELATION = {
    "house": "split", "nudged": "recoded", "redrawn": "reshaped", "road": "reshaped",
    "wide": "reshaped",
}  # fmt: skip
"""Steps that aren't called like their relation. house: a small plot cut out of a large one;
redrawn: an outline drawn anew within a few decimetres, its neighbours with it; nudged: so little
that only TBMJ is another; road: a road 4 m
wide that moved a little; wide: a border moved by more than a tenth of the smaller neighbour."""
STEPS = (
    "recoded", "renumbered", "split", "house", "merged", "reshaped", "many", "gone", "new", "road",
    "wide",
)  # fmt: skip
FEW = {"wide": 0.1}  # how often a step comes, compared with the others


@dataclass
class Made:
    """Shapes and steps by BSM, before and after, and the true links."""

    old: dict[str, shapely.Polygon] = field(default_factory=dict)
    new: dict[str, shapely.Polygon] = field(default_factory=dict)
    old_step: dict[str, str] = field(default_factory=dict)
    new_step: dict[str, str] = field(default_factory=dict)
    dlbm: dict[str, str] = field(default_factory=dict)
    links: list[tuple[str, str]] = field(default_factory=list)

    def site(
        self,
        step: str,
        old: Mapping[str, shapely.Polygon],
        new: Mapping[str, shapely.Polygon],
        links: list[tuple[str, str]] | None = None,
    ) -> None:
        """Book plots that changed together; without `links` each old one is in each new one."""
        self.old |= old
        self.new |= new
        self.old_step |= dict.fromkeys(old, step)
        self.new_step |= dict.fromkeys(new, step)
        self.links += [(a, b) for a in old for b in new] if links is None else links


def history(count: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, Made]:
    """Return two exports of about `count` plots, the later one in another order, and the truth."""
    random = np.random.default_rng(611026)
    side = round((count / (1 + ROADS)) ** 0.5) // 2 * 2
    shapes = coverage(side, random).reshape(-1, 2)
    chance = random.random(len(shapes))
    weights = np.array([FEW.get(step, 1.0) for step in STEPS])
    steps = random.choice(STEPS, len(shapes), p=weights / weights.sum())
    made = Made()
    for number, (a, b) in enumerate(shapes):
        names = f"990001200100{2 * number:06d}", f"990001200100{2 * number + 1:06d}"
        made.dlbm |= dict(zip(names, random.choice(CODES, 2).tolist(), strict=True))
        if chance[number] < CHANGED:
            change(made, str(steps[number]), names, (a, b), random)
        else:
            still(made, names, (a, b), crossed=chance[number] < CHANGED + ROADS)
    nudged = redraw(made, random)
    recoded = {bsm: "1202" for bsm, step in made.new_step.items() if step == "recoded"}
    old = export(made.old, made.dlbm)
    new = export(made.new, made.dlbm | recoded)
    before, after = (frame.set_index("bsm")["tbmj"] for frame in (old, new))
    for bsm in nudged:
        if made.new_step[bsm] == "same" and before[bsm] != after[bsm]:
            made.new_step[bsm] = made.old_step[bsm] = "nudged"
    return old, new.sample(frac=1, random_state=1, ignore_index=True), made


def change(
    made: Made,
    step: str,
    names: tuple[str, str],
    pair: tuple[shapely.Polygon, shapely.Polygon],
    random: np.random.Generator,
) -> None:
    """Book what becomes of two neighbours."""
    (a, b), (one, other) = names, pair
    later = names if random.random() < 0.7 else tuple(f"N{name}" for name in names)  # noqa: PLR2004
    if step == "merged":
        made.site(step, {a: one, b: other}, {later[0]: one.union(other)})
    elif step == "many":
        halves = cut(one.union(other), random.uniform(0.3, 0.7), upright=True)
        made.site(step, {a: one, b: other}, dict(zip(later, halves, strict=True)))
    elif step in ("reshaped", "wide"):
        share = np.exp(random.uniform(np.log(0.002), np.log(0.095)))
        strip = border_strip(one, other, random.uniform(0.11, 0.25) if step == "wide" else share)
        new = {later[0]: one.union(strip), later[1]: other.difference(strip)}
        made.site(step, {a: one, b: other}, new, list(zip(names, later, strict=True)))
    else:
        made.site("same", {b: other}, {b: other})
        alone(made, step, a, one, random)


def alone(
    made: Made, step: str, name: str, shape: shapely.Polygon, random: np.random.Generator
) -> None:
    """Book what becomes of one plot."""
    if step == "split":
        parts = cut(shape, random.uniform(0.2, 0.8), upright=bool(random.integers(2)))
        if random.random() < 0.3:  # noqa: PLR2004
            parts = (*cut(parts[0], 0.5, upright=True), *cut(parts[1], 0.5, upright=False))
        names = [name, *(f"S{n}{name}" for n in range(1, len(parts)))]
        made.site(step, {name: shape}, dict(zip(names, parts, strict=True)))
    elif step == "house":
        x, y, half = *shape.representative_point().coords[0], random.uniform(3, 10)
        house = shape.intersection(shapely.box(x - half, y - half, x + half, y + half))
        made.site(step, {name: shape}, {name: shape.difference(house), f"H{name}": house})
    elif step == "road":
        before = road(shape, name, 0.0)
        after = road(shape, name, random.uniform(0.05, 0.35))
        made.site(step, before, after, [(bsm, bsm) for bsm in before])
    elif step in ("gone", "new"):
        there = {name: shape}
        made.site(step, there if step == "gone" else {}, there if step == "new" else {})
    else:
        made.site(step, {name: shape}, {f"R{name}" if step == "renumbered" else name: shape})


def still(
    made: Made,
    names: tuple[str, str],
    pair: tuple[shapely.Polygon, shapely.Polygon],
    *,
    crossed: bool,
) -> None:
    """Book two neighbours that stay as they are, one of them cut by a road."""
    plots = dict(zip(names, pair, strict=True))
    if crossed:
        plots |= road(plots.pop(names[0]), names[0], 0.0)
    made.site("same", plots, plots, [(bsm, bsm) for bsm in plots])


def road(shape: shapely.Polygon, name: str, shift: float) -> dict[str, shapely.Polygon]:
    """Return a plot as a road and what lies on either side of it."""
    left, low, right, high = shape.bounds
    start = (left + right - ROAD_M) / 2 + shift
    boxes = (
        shapely.box(left, low, start, high),
        shapely.box(start, low, start + ROAD_M, high),
        shapely.box(start + ROAD_M, low, right, high),
    )
    names = (name, f"W{name}", f"E{name}")
    return {n: shape.intersection(box) for n, box in zip(names, boxes, strict=True)}


def cut(
    shape: shapely.Polygon, share: float, *, upright: bool
) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Cut a shape across at a share of its width or height."""
    left, low, right, high = shape.bounds
    x, y = left + share * (right - left), low + share * (high - low)
    first = shapely.box(left, low, x, high) if upright else shapely.box(left, low, right, y)
    return shape.intersection(first), shape.difference(first)


def border_strip(a: shapely.Polygon, b: shapely.Polygon, share: float) -> shapely.Polygon:
    """Return the part of b along its lower border that is a share of the smaller plot."""
    wanted = min(a.area, b.area) * share
    left, low, right, high = b.bounds
    bottom = low
    while high - low > 1e-3:  # noqa: PLR2004 - a millimetre is near enough
        middle = (low + high) / 2
        strip = b.intersection(shapely.box(left, bottom, right, middle))
        low, high = (middle, high) if strip.area < wanted else (low, middle)
    return strip


def coverage(side: int, random: np.random.Generator) -> np.ndarray:
    """Return side x side plots without gaps, with crooked shared borders, column by column."""
    at = np.arange(side + 1) * CELL_M
    shake = random.uniform(-SHAKE_M, SHAKE_M, (side + 1, side + 1, 2))
    node = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1) + shake + ORIGIN

    def border(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        part = np.linspace(0, 1, EDGE_VERTICES + 1)[:-1]
        line = start[..., None, :] + (end - start)[..., None, :] * part[:, None]
        line[..., 1:, :] += random.uniform(-WIGGLE_M, WIGGLE_M, line[..., 1:, :].shape)
        return line

    def back(line: np.ndarray, end: np.ndarray) -> np.ndarray:
        return np.concatenate((end[..., None, :], line[..., :0:-1, :]), axis=-2)

    across, along = border(node[:-1], node[1:]), border(node[:, :-1], node[:, 1:])
    ring = np.concatenate(
        (
            across[:, :-1], along[1:],
            back(across[:, 1:], node[1:, 1:]), back(along[:-1], node[:-1, 1:]),
        ),
        axis=-2,
    )  # fmt: skip
    return on_grid(shapely.polygons(ring.reshape(side * side, -1, 2)))


def on_grid(shapes: np.ndarray) -> np.ndarray:
    """Return the shapes on the 0.0001 m grid, where ingest puts every coordinate."""
    return shapely.transform(shapes, lambda xy: np.rint(xy * GRID) / GRID)


def sound(shapes: np.ndarray) -> np.ndarray:
    """Return the shapes with what the grid made invalid mended, as ingest does."""
    wrong = np.flatnonzero(~shapely.is_valid(shapes))
    shapes[wrong] = shapely.make_valid(shapes[wrong], method="structure", keep_collapsed=False)
    return shapes


def redraw(made: Made, random: np.random.Generator) -> list[str]:
    """Move all vertices of some plots' outlines a little, neighbours with them.

    Returns the plots that moved by less than a delivery in degrees rounds.
    """
    names = list(made.new)
    shapes = on_grid(np.array(list(made.new.values()), dtype=object))
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    steps = np.rint((xy - ORIGIN) * GRID).astype(np.int64)
    key = steps[:, 0] * (1 << 32) + steps[:, 1]
    chosen = np.flatnonzero(random.random(len(names)) < REDRAWN)
    moved = np.unique(key[np.isin(owner, chosen)])
    place = np.minimum(np.searchsorted(moved, key), len(moved) - 1)
    hit = moved[place] == key
    off = random.normal(0, REDRAWN_M, (len(moved), 2))
    xy[hit] += off[place[hit]]
    after = on_grid(shapely.set_coordinates(shapes, xy))
    made.new = dict(zip(names, after, strict=True))
    far = hit & (np.hypot(*off[place].T) > ROUNDED_M)
    after_step = {"same": "redrawn", "recoded": "redrawn", "renumbered": "redrawn"}
    forward = {b: a for a, b in made.links}
    for at in np.unique(owner[far]).tolist():
        step = made.new_step[names[at]]
        if step in after_step:
            made.new_step[names[at]] = made.old_step[forward[names[at]]] = "redrawn"
    return [names[at] for at in np.setdiff1d(owner[hit], owner[far]).tolist()]


def export(shapes: Mapping[str, shapely.Polygon], dlbm: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Return a parcels frame with the attributes of a cropland plot, sorted by BSM."""
    plots = gpd.GeoDataFrame(
        {"bsm": list(shapes), "dlbm": [dlbm.get(bsm, "0702") for bsm in shapes]},
        geometry=sound(on_grid(np.array(list(shapes.values()), dtype=object))), crs=CRS,
    ).sort_values("bsm", ignore_index=True)  # fmt: skip
    area = measure.official_area(plots.geometry, CRS)
    return plots.assign(
        dlmc="地类", tbbh=plots["bsm"].str[-5:], qsxz="30", qsdwdm=VILLAGE, qsdwmc="河口村",
        zldwdm=VILLAGE, zldwmc="河口村", gdlx="TT", gdpdjb="2", zzsxdm="LS", kcxs=0.1, bz=None,
        tbmj=area, kcmj=measure.round_half_up(area * 0.1), area_m2=area, base_m2=area,
        town_code="990001001", town="甲镇",
    )  # fmt: skip


def through_degrees(plots: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the export as a GeoJSON with seven decimals of a degree hands it on."""
    there = Transformer.from_crs(CRS, "EPSG:4490", always_xy=True)
    back = Transformer.from_crs("EPSG:4490", CRS, always_xy=True)

    def rounded(xy: np.ndarray) -> np.ndarray:
        degrees = np.round(np.column_stack(there.transform(*xy.T)), 7)
        return np.column_stack(back.transform(*degrees.T))

    shapes = sound(on_grid(shapely.transform(plots.geometry.to_numpy(), rounded)))
    area = measure.official_area(shapes, CRS)
    return plots.set_geometry(gpd.GeoSeries(shapes, crs=CRS)).assign(area_m2=area)


def truth(made: Made) -> tuple[pd.Series, pd.Series]:
    """Return the step of every plot before and after."""
    return pd.Series(made.old_step), pd.Series(made.new_step)

"""Carving the valley network: main rivers by the layout, side valleys until every town has room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.sample.curves import meander, noise, normals, smooth
from pipeline.sample.figures import table
from pipeline.sample.valleys import FIELD, Valley, field_area

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.outline import Land

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_MAIN = {
    1: (("bank", 14.0), (FIELD, 80.0), ("1006", 5.0), (FIELD, 85.0), (FIELD, 95.0)),
    -1: (("1003", 9.0), (FIELD, 75.0), ("1107", 3.0), (FIELD, 90.0), (FIELD, 90.0)),
}
_SIDE = {
    1: ((FIELD, 70.0), (FIELD, 80.0)),
    -1: (("1006", 4.5), (FIELD, 65.0), (FIELD, 85.0)),
}
_SMALL = 0.5  # lanes of an invented little county, as a share of the above
_CLEAR_M = 90.0
_TRIES = 40


def _widths(
    lanes: tuple[tuple[str, float], ...], gauge: Floats, river: Floats, rng: np.random.Generator
) -> Floats:
    """Return the cumulated lane edges; only fields follow the gauge, roads keep their width."""
    edges = [river]
    for kind, width in lanes:
        if kind == FIELD:
            rough = 1 + 0.10 * noise(len(gauge), 9, rng) + 0.07 * noise(len(gauge), 3, rng)
            edges.append(edges[-1] + width * gauge * rough)
        else:
            edges.append(edges[-1] + width)
    return np.array(edges)


@dataclass(slots=True, kw_only=True)
class _Builder:
    """Collects valleys that keep clear of each other."""

    land: Land
    rng: np.random.Generator
    step_m: float
    shrink: float
    factor: Floats
    valleys: list[Valley]
    shapes: list[shapely.Polygon]

    def gauge(self, axis: Floats, town: Ints, *, main: bool) -> Floats:
        """Return the share of the full width at each knot: towns, gorges, valley heads."""
        k = len(axis)
        wide = self.factor[town]
        kernel = np.ones(15) / 15
        wide = np.convolve(np.pad(wide, 7, mode="edge"), kernel, mode="valid")
        border = np.flatnonzero(np.diff(town)) if main else np.array([], int)
        s = np.arange(k) * self.step_m
        for b in border:
            wide = wide * (1 - 0.6 * np.exp(-(((s - s[b]) / (900 * self.shrink)) ** 2)))
        head = np.clip((s[-1] - s) / (800 * self.shrink), 0, 1)
        foot = np.clip(s / (500 * self.shrink), 0, 1)
        ease = np.minimum(head, 1.0 if main else foot)
        return np.asarray(wide * (0.35 + 0.65 * ease * ease * (3 - 2 * ease)))

    def build(self, name: str, axis: Floats, *, parent: int, main: bool) -> Valley:
        town = self.land.town(axis)
        town = _calm(town, int(1500 * self.shrink / self.step_m))
        k = len(axis)
        flow = np.linspace(0.5, 1.0, k) if main else np.linspace(1.0, 0.5, k)
        half = (18.0 if main else 5.0) * (1.0 if self.shrink == 1 else 0.5)
        river = half * flow * (1 + 0.2 * noise(k, 6, self.rng))
        gauge = self.gauge(axis, town, main=main) * self.shrink
        spec = _MAIN if main else _SIDE
        edges = {side: _widths(spec[side], gauge, river, self.rng) for side in (1, -1)}
        lanes = {side: tuple(kind for kind, _ in spec[side]) for side in (1, -1)}
        return Valley(name=name, axis=axis, normal=normals(axis), town=town[:-1], parent=parent,
                      edges=edges, lanes=lanes, step_m=self.step_m)  # fmt: skip

    def accept(self, valley: Valley, *, check_town: bool) -> bool:
        """Keep a valley that lies inside county (and town), and clear of the others."""
        shape = valley.polygon()
        body = np.vstack((valley.line(1, -1), valley.line(-1, -1)))
        if not shape.is_valid or (self.land.edge_m(body) < 200 * self.shrink).any():
            return False
        if check_town and not self._in_one_town(valley):
            return False
        skip = valley.first + 3
        clear = shapely.LineString(valley.axis[skip:]).buffer(
            max(valley.edges[1][-1].max(), valley.edges[-1][-1].max()) + _CLEAR_M * self.shrink
        )
        near = _CLEAR_M * self.shrink * 0.6
        for i, other in enumerate(self.shapes):
            if i != valley.parent and clear.intersects(other):
                return False
            far = _stretch(valley, skip)
            if i == valley.parent and far.distance(other) < near:
                return False
        if valley.parent >= 0 and not self._open_mouth(valley):
            return False
        self.valleys.append(valley)
        self.shapes.append(shape)
        return True

    def _in_one_town(self, valley: Valley) -> bool:
        wide = max(e[-1].max() for e in valley.edges.values()) + 250 * self.shrink
        probe = np.vstack([valley.axis + d * wide * valley.normal for d in (-1, 0, 1)])
        return len(np.unique(self.land.town(probe))) == 1

    def _open_mouth(self, valley: Valley) -> bool:
        """Reserve the stream's way through the parent's lanes."""
        parent = self.valleys[valley.parent]
        gap = np.hypot(*(parent.axis - valley.axis[0]).T)
        i = int(np.argmin(gap))
        s = i * self.step_m
        taken = [abs(s - m[0]) < 420 * self.shrink for m in parent.mouths]
        if any(taken) or i < parent.first + 6 or i > len(parent.axis) - 12:
            return False
        towns = parent.town[max(i - 8, 0) : i + 8]
        if len(set(towns.tolist())) > 1:
            return False
        side = 1 if ((valley.axis[0] - parent.axis[i]) @ parent.normal[i]) > 0 else -1
        half = float(valley.edges[1][0][0])
        self.valleys[valley.parent] = replace(parent, mouths=(*parent.mouths, (s, side, half)))
        return True


def _stretch(valley: Valley, skip: int) -> shapely.Polygon:
    ring = np.vstack((valley.line(1, -1)[skip:], valley.line(-1, -1)[skip:][::-1]))
    return shapely.Polygon(ring)


def _calm(town: Ints, least: int) -> Ints:
    """Give short runs of a town to the run before them."""
    out = town.copy()
    edge = np.r_[0, np.flatnonzero(np.diff(town)) + 1, len(town)]
    for a, b in pairwise(edge):
        if b - a < least:
            out[a:b] = out[a - 1] if a > 0 else out[min(b, len(out) - 1)]
    return out


def carve(
    land: Land, layout: str, demand_m2: Floats, step_m: float, rng: np.random.Generator
) -> list[Valley]:
    """Return the valleys of a layout with room for `demand_m2` of fields in every town.

    Raises GengbaoError when no arrangement gives a town enough room.
    """
    shrink = 1.0 if layout == "nine" else _SMALL
    for _ in range(_TRIES):
        build = _main_valleys(land, layout, demand_m2, (step_m, shrink), rng)
        if build is None:
            continue
        _side_valleys(build, demand_m2 * 1.32)
        if (field_area(build.valleys, len(demand_m2)) >= demand_m2 * 1.12).all():
            return build.valleys
    raise GengbaoError(Finding("示例县水系", "画不下各镇的川道", "换一个随机种子 --seed"))


def _main_valleys(
    land: Land, layout: str, demand_m2: Floats, size: tuple[float, float], rng: np.random.Generator
) -> _Builder | None:
    """Return a builder with the main valleys, or None if they came to lie badly."""
    step_m, shrink = size
    towns = len(demand_m2)
    axes = _rivers(land, layout, shrink, step_m, rng)

    def start(factor: Floats) -> _Builder:
        return _Builder(land=land, rng=rng, step_m=step_m, shrink=shrink, factor=factor,
                        valleys=[], shapes=[])  # fmt: skip

    trial = start(np.ones(towns))
    for name, axis, parent in axes:
        bent = _attach(axis, trial.valleys, parent)
        trial.valleys.append(trial.build(name, bent, parent=parent, main=True))
    full = field_area(trial.valleys, towns)
    build = start(np.clip(np.sqrt(1.2 * demand_m2 / np.maximum(full, 1.0)), 0.45, 1.0))
    for name, axis, parent in axes:
        bent = _attach(axis, build.valleys, parent)
        if not build.accept(build.build(name, bent, parent=parent, main=True), check_town=False):
            return None
    return build


def _rivers(
    land: Land, layout: str, shrink: float, step_m: float, rng: np.random.Generator
) -> list[tuple[str, Floats, int]]:
    rows = table("layout_rivers")
    rows = rows[rows["layout"] == layout]
    out: list[tuple[str, Floats, int]] = []
    names: list[str] = []
    for name, part in rows.groupby("river", sort=False):
        points = part[["x_km", "y_km"]].to_numpy(float) * 1000 + land.centre
        bent = meander(points, 1500 * shrink, 780 * shrink, rng)
        axis = smooth(bent, step_m)
        above = part["parent"].iloc[0]
        parent = names.index(above) if above else -1
        inside = land.edge_m(axis) > 750 * shrink
        axis = axis[np.flatnonzero(inside)[0] : np.flatnonzero(inside)[-1] + 1]
        out.append((str(name), axis, parent))
        names.append(str(name))
    return out


def _attach(axis: Floats, valleys: list[Valley], parent: int) -> Floats:
    """Start a river on its parent's edge, leaving at a right angle."""
    if parent < 0:
        return axis
    above = valleys[parent]
    widest = float(max(e[-1].max() for e in above.edges.values()))
    gap = np.hypot(*(axis[:, None] - above.axis[None]).transpose(2, 0, 1)).min(axis=1)
    first = int(np.argmax(gap > widest))
    i = int(np.argmin(np.hypot(*(above.axis - axis[first]).T)))
    side = 1 if (axis[first] - above.axis[i]) @ above.normal[i] > 0 else -1
    out = side * above.normal[i]
    start = above.axis[i] + out * (above.edges[side][-1][i] - 12)
    step_m = above.step_m
    tail = axis[first + int(9 * widest / step_m) :][:: max(int(2.5 * widest / step_m), 1)]
    lead = [start + out * widest * d for d in (0.0, 1.0, 2.6)]
    return smooth(np.vstack((*lead, tail)), step_m)


def _side_valleys(build: _Builder, goal_m2: Floats) -> None:
    """Add side valleys, each from a place on an existing one, until every town has room."""
    towns = len(goal_m2)
    for attempt in range(4000):
        room = field_area(build.valleys, towns)
        poor = np.flatnonzero(room < goal_m2)
        if not poor.size:
            return
        town = int(poor[attempt % poor.size])
        pick = _source(build, town)
        if pick is None:
            continue
        parent, knot, side = pick
        axis = _side_axis(build, parent, knot, side)
        valley = build.build("支沟", axis, parent=parent, main=False)
        if len(axis) > valley.first + 12:
            build.accept(valley, check_town=True)


def _source(build: _Builder, town: int) -> tuple[int, int, int] | None:
    owner, knot = [], []
    for i, v in enumerate(build.valleys):
        k = np.flatnonzero(v.town == town)
        k = k[(k > v.first + 10) & (k < len(v.axis) - 14)]
        owner.append(np.full(k.size, i))
        knot.append(k)
    owners, knots = np.concatenate(owner), np.concatenate(knot)
    if not owners.size:
        return None
    j = int(build.rng.integers(owners.size))
    return int(owners[j]), int(knots[j]), int(build.rng.choice([-1, 1]))


def _side_axis(build: _Builder, parent: int, knot: int, side: int) -> Floats:
    v = build.valleys[parent]
    out = v.normal[knot] * side
    start = v.axis[knot] + out * (v.edges[side][-1][knot] - 12.0 * build.shrink)
    length = build.rng.uniform(1500, 6500) * build.shrink
    turn = build.rng.normal(0, 0.35)
    far = np.array(
        [
            out[0] * np.cos(turn) - out[1] * np.sin(turn),
            out[0] * np.sin(turn) + out[1] * np.cos(turn),
        ]
    )
    lead = 260 * build.shrink
    points = np.vstack((start, start + out * lead, start + out * lead + far * length))
    bent = meander(points, 650 * build.shrink, 210 * build.shrink, build.rng)
    return smooth(np.vstack((start, start + out * lead, bent[2:])), build.step_m)

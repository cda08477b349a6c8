"""Cutting lanes: parcels of exact official area, one after the other along a valley."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyproj
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.sample.figures import MU_M2
from pipeline.sample.valleys import FIELD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.valleys import Valley

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CRS = "EPSG:4524"
_LEFT_M2 = 700.0  # least area worth leaving at the end of a stretch
_LOOK = 40  # how many units further one may look for one that fits
_LEAST_DEPTH_M = 13.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A strip between two polylines; places on it are given by official area from its start.

    inner, outer: (k, 2); cum: (k,) official area up to each knot (m²); town: (k−1).
    """

    valley: int
    side: int
    row: int
    kind: str
    inner: Floats
    outer: Floats
    cum: Floats
    town: Ints
    first: int

    def locate(self, area: Floats) -> tuple[Ints, Floats]:
        """Return the stretch and the share of it where this much area lies behind."""
        i = np.clip(np.searchsorted(self.cum, area, side="right") - 1, 0, len(self.cum) - 2)
        p, q = self.inner, self.outer
        u, v, w = p[i + 1] - p[i], q[i + 1] - q[i], q[i] - p[i]
        b = _cross(u, w) + _cross(v, w)
        a = _cross(u, v)
        share = (area - self.cum[i]) / (self.cum[i + 1] - self.cum[i])
        c = share * (a + b)
        root = np.sqrt(np.maximum(b * b + 4 * a * c, 0.0))
        t = 2 * c / np.where(b + np.sign(b) * root == 0, 1.0, b + np.sign(b) * root)
        return i, np.clip(t, 0.0, 1.0)

    def point(self, area: Floats, depth: Floats) -> Floats:
        """Return the (n, 2) points at these areas and shares of the depth (0 inner, 1 outer)."""
        i, t = self.locate(area)
        p = self.inner[i] + t[:, None] * (self.inner[i + 1] - self.inner[i])
        q = self.outer[i] + t[:, None] * (self.outer[i + 1] - self.outer[i])
        return np.asarray(p + depth[:, None] * (q - p))

    def area_at(self, s_m: float, step_m: float) -> float:
        """Return the area behind the cross-section at s (straight within a stretch)."""
        i = int(np.clip(s_m // step_m, 0, len(self.cum) - 2))
        t = float(np.clip(s_m / step_m - i, 0, 1))
        p, q = self.inner, self.outer
        u, v, w = p[i + 1] - p[i], q[i + 1] - q[i], q[i] - p[i]
        b = float(_cross(u, w) + _cross(v, w))
        a = float(_cross(u, v))
        return float(self.cum[i] + (self.cum[i + 1] - self.cum[i]) * (t * b + t * t * a) / (a + b))

    def line(self, start: float, end: float, depth: float) -> Floats:
        """Return the polyline at a share of the depth between two places."""
        ends, _ = self.locate(np.array([start, end]))
        knots = np.arange(ends[0] + 1, ends[1] + 1)
        mid = self.inner[knots] + depth * (self.outer[knots] - self.inner[knots])
        tips = self.point(np.array([start, end]), np.full(2, depth))
        return np.vstack((tips[:1], mid, tips[1:]))


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def lanes_of(valleys: list[Valley]) -> list[Lane]:
    """Return all lanes; the river is side 0, with its whole width between its banks."""
    out = []
    for i, v in enumerate(valleys):
        strips = [(0, 0, "1101", v.line(-1, 0), v.line(1, 0))]
        for side, kinds in v.lanes.items():
            strips += [
                (side, row, kind, v.line(side, row), v.line(side, row + 1))
                for row, kind in enumerate(kinds)
            ]
        for side, row, kind, inner, outer in strips:
            out.append(
                Lane(valley=i, side=side, row=row, kind=kind, inner=inner, outer=outer,
                     cum=_cumulate(inner, outer), town=v.town,
                     first=v.first)
            )  # fmt: skip
    return out


def _cumulate(inner: Floats, outer: Floats) -> Floats:
    """Official area up to each knot: plane area over the areal scale of the projection."""
    p, q = inner, outer
    diag1, diag2 = q[1:] - p[:-1], p[1:] - q[:-1]
    plane = np.abs(_cross(diag1, diag2)) / 2
    middle = (p[1:] + p[:-1] + q[1:] + q[:-1]) / 4
    return np.r_[0.0, np.cumsum(plane / areal_scale(middle))]


def areal_scale(xy: Floats) -> Floats:
    """Return the areal scale of the plane (k²) at points of EPSG:4524."""
    proj = pyproj.Proj(CRS)
    lon, lat = proj(xy[:, 0], xy[:, 1], inverse=True)
    return np.asarray(proj.get_factors(lon, lat).areal_scale)


def slots(lanes: list[Lane], valleys: list[Valley]) -> pd.DataFrame:
    """Return free stretches of the field lanes: lane, town, start, end (area), rank.

    Towns end at cross-sections; the streams of side valleys keep their way through.
    """
    rows = []
    for k, lane in enumerate(lanes):
        if lane.kind != FIELD:
            continue
        v = valleys[lane.valley]
        for a, b, town in _runs(lane.town, lane.first):
            cuts = [float(lane.cum[a])]
            for s, side, half in sorted(v.mouths):
                if side == lane.side and a < s / v.step_m < b:
                    cuts += [lane.area_at(s - half, v.step_m), lane.area_at(s + half, v.step_m)]
            cuts.append(float(lane.cum[b]))
            rank = lane.row + (1.5 if v.parent >= 0 else 0.0)
            rows += [(k, town, x, y, rank) for x, y in zip(cuts[::2], cuts[1::2], strict=True)]
    return pd.DataFrame(rows, columns=["lane", "town", "start", "end", "rank"])


def streams(lanes: list[Lane], valleys: list[Valley]) -> pd.DataFrame:
    """Return the side streams' crossings of field lanes, as cells."""
    rows = []
    for k, lane in enumerate(lanes):
        v = valleys[lane.valley]
        for s, side, half in sorted(v.mouths):
            if lane.kind == FIELD and side == lane.side and s / v.step_m > lane.first:
                town = int(lane.town[int(s // v.step_m)])
                ends = [lane.area_at(s + d, v.step_m) for d in (-half, half)]
                rows.append((k, town, *ends, "1101"))
    return pd.DataFrame(rows, columns=["lane", "town", "start", "end", "now"])


def linear(lanes: list[Lane], rng: np.random.Generator) -> pd.DataFrame:
    """Return rivers, banks, roads and ditches as cells, cut at towns and every few km."""
    rows = []
    for k, lane in enumerate(lanes):
        if lane.kind == FIELD:
            continue
        every = 450.0 if lane.kind == "bank" else 2600.0
        for a, b, town in _runs(lane.town, lane.first):
            length = float(np.hypot(*np.diff(lane.inner[a : b + 1], axis=0).T).sum())
            n = max(int(length / every), 1)
            ends = np.linspace(lane.cum[a], lane.cum[b], n + 1)
            kinds = [lane.kind] * n
            if lane.kind == "bank":
                kinds = list(rng.choice(["1106", "0404", "0305", "0307"], n))
            rows += [(k, town, ends[j], ends[j + 1], kinds[j]) for j in range(n)]
    return pd.DataFrame(rows, columns=["lane", "town", "start", "end", "now"])


def _runs(town: Ints, first: int) -> list[tuple[int, int, int]]:
    edge = np.r_[first, np.flatnonzero(np.diff(town[first:])) + 1 + first, len(town)]
    return [(int(a), int(b), int(town[a])) for a, b in zip(edge[:-1], edge[1:], strict=True)]


def place(
    atoms: pd.DataFrame, free: pd.DataFrame, filler_mu: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give every bundle its place; return (bundles: bundle, lane, start, end; fillers).

    fillers: lane, town, start, end of the land left for orchards, villages, ponds. Raises
    GengbaoError when a town's lanes are too short.
    """
    bundles = atoms.groupby("bundle", sort=True).agg(
        town=("town", "first"), unit=("unit", "first"), area=("bundle_m2", "first"),
        pbf=("pbf", "first"), target=("target", "first"),
    )  # fmt: skip
    placed, left = [], []
    for town, own in bundles.groupby("town", sort=True):
        room = free[free["town"] == town].sort_values(["rank", "lane", "start"], kind="stable")
        got, rest = _fill(_units(own, rng), room, filler_mu * MU_M2, rng)
        placed += got
        left += [(lane, town, a, b) for lane, a, b in rest]
    return (
        pd.DataFrame(placed, columns=["bundle", "lane", "start", "end"]),
        pd.DataFrame(left, columns=["lane", "town", "start", "end"]),
    )


def _units(
    own: pd.DataFrame, rng: np.random.Generator
) -> list[tuple[float, list[tuple[int, float]]]]:
    """Return units in the order they are laid: 永农 nearest the river, then the target layer."""
    kind = np.where(own["pbf"], 0, np.where(own["target"], 1, 2))
    order = (
        own.assign(kind=kind, turn=rng.random(len(own)))
        .groupby("unit")
        .agg(kind=("kind", "first"), turn=("turn", "first"), area=("area", "sum"))
    )
    order["key"] = order["kind"] + 0.45 * order["turn"]  # zones keep together without a hard edge
    members: dict[int, list[tuple[int, float]]] = {}
    for bundle, unit, area in zip(own.index, own["unit"], own["area"], strict=True):
        members.setdefault(int(unit), []).append((int(bundle), float(area)))
    order = order.sort_values(["key"], kind="stable")
    return [(float(a), members[int(u)]) for u, a in zip(order.index, order["area"], strict=True)]


def _fill(
    units: list[tuple[float, list[tuple[int, float]]]], room: pd.DataFrame, filler: float,
    rng: np.random.Generator,
) -> tuple[list[tuple[int, int, float, float]], list[tuple[int, float, float]]]:  # fmt: skip
    """Lay units along the slots, with other land between them in its due share."""
    total = float((room["end"] - room["start"]).sum())
    need = sum(a for a, _ in units)
    ratio = max(0.8 * (total - need) / need, 0.0)
    placed: list[tuple[int, int, float, float]] = []
    rest: list[tuple[int, float, float]] = []
    queue, debt, nxt = list(reversed(units)), 0.0, filler
    for lane, start, end in zip(room["lane"], room["start"], room["end"], strict=True):
        at = float(start)
        while queue:
            j = next(
                (j for j in range(len(queue) - 1, max(len(queue) - 1 - _LOOK, -1), -1)
                 if at + queue[j][0] + _LEFT_M2 < end), -1,
            )  # fmt: skip
            if j < 0:
                break
            area, members = queue.pop(j)
            for bundle, size in members:
                placed.append((bundle, int(lane), at, at + size))
                at += size
            debt += area * ratio
            if debt > nxt and at + nxt + _LEFT_M2 < end:
                rest.append((int(lane), at, at + nxt))
                at += nxt
                debt -= nxt
                nxt = float(filler * np.clip(rng.lognormal(-0.2, 0.7), 0.15, 3.0))
        rest += _pieces(int(lane), at, float(end), filler, rng)
    if queue:
        short = sum(a for a, _ in queue) / MU_M2
        raise GengbaoError(
            Finding("示例县川道", f"还有 {short:.1f} 亩地块放不下", "换一个随机种子 --seed")
        )
    return placed, rest


def _pieces(
    lane: int, start: float, end: float, mean: float, rng: np.random.Generator
) -> list[tuple[int, float, float]]:
    n = max(int(round((end - start) / mean / 1.3)), 1)
    share = np.clip(rng.lognormal(0, 0.5, n), 0.3, 3.0)
    ends = np.r_[start, start + np.cumsum((end - start) * share / share.sum())]
    ends[-1] = end
    return [(lane, float(a), float(b)) for a, b in zip(ends[:-1], ends[1:], strict=True)]


def cells(atoms: pd.DataFrame, placed: pd.DataFrame, lanes: list[Lane]) -> pd.DataFrame:
    """Return the atoms with their place: lane, start, end, low, high (shares of the depth).

    A bundle of one plot is cut crosswise by weight; more plots stand in several rows.
    """
    spot = placed.set_index("bundle")
    full = atoms.join(spot, on="bundle").sort_values(["bundle"], kind="stable")
    full = full.reset_index(drop=True)
    size = full.groupby("bundle")["plot"].transform("size").to_numpy()
    plots = full.groupby("bundle")["plot"].transform("nunique").to_numpy()
    order = full.groupby("bundle").cumcount().to_numpy()
    depth = _depth(full, lanes)
    length = full["bundle_m2"].to_numpy() / depth
    rows = np.round(np.sqrt(plots * depth / length))
    rows = np.minimum(rows, np.floor(depth / _LEAST_DEPTH_M))
    rows = np.clip(rows, 1, plots).astype(int)
    rows[plots == 1] = 1
    row = order * rows // size
    in_row = pd.Series(row).groupby([full["bundle"], row]).transform("size").to_numpy()
    nth = pd.Series(row).groupby([full["bundle"], row]).cumcount().to_numpy()
    behind = full.groupby("bundle")["weight"].cumsum().to_numpy() - full["weight"].to_numpy()
    a = np.where(rows == 1, behind, nth / in_row)
    b = np.where(rows == 1, behind + full["weight"], (nth + 1) / in_row)
    last = (rows == 1) & (order == size - 1)
    b = np.where(last, 1.0, b)
    span = full["bundle_m2"].to_numpy()
    base = full["start"].to_numpy()
    return full.assign(
        start=base + a * span, end=base + b * span, low=row / rows, high=(row + 1) / rows
    )


def _depth(full: pd.DataFrame, lanes: list[Lane]) -> Floats:
    out = np.empty(len(full))
    for k, part in full.groupby("lane"):
        at = part["start"].to_numpy()
        lane = lanes[int(k)]
        gap = lane.point(at, np.zeros(len(at))) - lane.point(at, np.ones(len(at)))
        out[part.index] = np.hypot(gap[:, 0], gap[:, 1])
    return out


def outline_of(cells_: pd.DataFrame, lanes: list[Lane]) -> tuple[NDArray[np.object_], Floats]:
    """Return the cut lines of cells and a point inside each cell."""
    lines: list[NDArray[np.object_]] = []
    inside = np.empty((len(cells_), 2))
    for k, part in cells_.groupby("lane"):
        lane = lanes[int(k)]
        start, end, low, high = (part[c].to_numpy(float) for c in ("start", "end", "low", "high"))
        inside[part.index] = lane.point((start + end) / 2, (low + high) / 2)
        for at in (start, end):
            ends = np.stack((lane.point(at, low), lane.point(at, high)), axis=1)
            lines.append(shapely.linestrings(np.unique(ends, axis=0)))
        inner = np.flatnonzero(high < 1)
        lines.append(
            np.array(
                [shapely.LineString(lane.line(start[i], end[i], high[i])) for i in inner],
                dtype=object,
            )
        )
    return np.concatenate(lines), inside

"""Cutting lanes: parcels of exact official area, one after the other along a valley."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.sample.figures import MU_M2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.lanes import Lane

    Floats = NDArray[np.float64]

_LEFT_M2 = 700.0  # least area worth leaving at the end of a stretch
_LOOK = 40  # how many units further one may look for one that fits
_LEAST_DEPTH_M = 13.0


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
    n = max(round((end - start) / mean / 1.3), 1)
    share = np.clip(rng.lognormal(0, 0.5, n), 0.3, 3.0)
    ends = np.r_[start, start + np.cumsum((end - start) * share / share.sum())]
    ends[-1] = end
    return [(lane, float(a), float(b)) for a, b in pairwise(ends)]


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
    for k in np.unique(full["lane"].to_numpy(np.int64)):
        part = full[full["lane"] == k]
        at = part["start"].to_numpy()
        lane = lanes[k]
        gap = lane.point(at, np.zeros(len(at))) - lane.point(at, np.ones(len(at)))
        out[part.index] = np.hypot(gap[:, 0], gap[:, 1])
    return out


def outline_of(cells_: pd.DataFrame, lanes: list[Lane]) -> tuple[NDArray[np.object_], Floats]:
    """Return the cut lines of cells and a point inside each cell."""
    lines: list[NDArray[np.object_]] = []
    inside = np.empty((len(cells_), 2))
    for k in np.unique(cells_["lane"].to_numpy(np.int64)):
        part = cells_[cells_["lane"] == k]
        lane = lanes[k]
        start, end, low, high = (part[c].to_numpy(float) for c in ("start", "end", "low", "high"))
        inside[part.index] = lane.point((start + end) / 2, (low + high) / 2)
        for at in (start, end):
            ends = np.stack((lane.point(at, low), lane.point(at, high)), axis=1)
            lines.append(np.asarray(shapely.linestrings(np.unique(ends, axis=0)), dtype=object))
        inner = np.flatnonzero(high < 1)
        lines.append(
            np.array(
                [shapely.LineString(lane.line(start[i], end[i], high[i])) for i in inner],
                dtype=object,
            )
        )
    return np.concatenate(lines), inside

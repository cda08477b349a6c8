"""Which plots stand on the same ground, and what ground the others share.

Everything here is symmetric: compared the other way round, the same pairs and the same areas come
out. Nothing depends on vertex order, ring start, orientation, single or multi part, row order.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from pipeline import measure
from pipeline.errors import Finding, GengbaoError
from pipeline.overlay import intersections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Shapes = NDArray[np.object_]

GRID_M = 0.0001
"""The coordinate grid (design.md §2): what ingest puts every coordinate on."""
WITHIN_GRID_M = 2 * GRID_M
"""Two exports of one point may round to neighbouring grid points in x and in y (√2 steps); ground
narrower than this is rounding as well."""
ROUNDED_M = 0.008
"""Seven decimals of a degree (RFC 7946) move a point by at most √(5.6² + 4.7²) ≈ 7.3 mm at 33° N.
Up to here an outline is the same, above WITHIN_GRID_M it is reported as a loss of form."""

_MULTIPOLYGON = 6
_BLOCK = 20_000


class Side(NamedTuple):
    """One layer's plots, sorted by BSM."""

    bsm: NDArray[np.object_]
    shape: Shapes


class Same(NamedTuple):
    """Pairs on the same ground: row numbers, largest shift of the outline in m."""

    old: Ints
    new: Ints
    shift_m: Floats


class Shared(NamedTuple):
    """Pairs that share ground: row numbers, the ground, its official area in m² (> 0)."""

    old: Ints
    new: Ints
    shape: Shapes
    area_m2: Floats


def same_ground(old: Side, new: Side) -> Same:
    """Return the one-to-one pairs of plots whose outlines are the same.

    In this order: same BSM and same coordinates (no geometry is touched), same outline on the grid,
    outlines that nowhere differ by more than ROUNDED_M. Of several copies of one outline those of
    the same BSM belong together, the others in the order of BSM; a copy too many stays alone.
    """
    found = _identical(old, new)
    left, right = _others(found.old, len(old.bsm)), _others(found.new, len(new.bsm))
    sides = [
        Side(side.bsm[rows], _on_grid(side.shape[rows]))
        for side, rows in ((old, left), (new, right))
    ]
    for stage in (_equal_on_grid, _near):
        more = stage(*sides)
        found = Same(
            np.concatenate((found.old, left[more.old])),
            np.concatenate((found.new, right[more.new])),
            np.concatenate((found.shift_m, more.shift_m)),
        )
        rest = _others(more.old, len(left)), _others(more.new, len(right))
        sides = [Side(s.bsm[r], s.shape[r]) for s, r in zip(sides, rest, strict=True)]
        left, right = left[rest[0]], right[rest[1]]
    return found


def shared_ground(old: Side, new: Side, crs: object) -> Shared:
    """Return the pairs of plots that share ground wider than the grid, sorted by old, new.

    Raises GengbaoError naming every plot whose geometry is invalid.
    """
    _require_valid(old, new)
    sides = _canonical(old.shape), _canonical(new.shape)
    # GEOS may answer differently in the last digit when its operands change places
    turned = _digest(sides[0]) > _digest(sides[1])
    pairs = intersections(sides[1], sides[0]) if turned else intersections(*sides)
    left, right = (pairs.right, pairs.left) if turned else (pairs.left, pairs.right)
    area = measure.official_area(pairs.shape, crs)
    wide = 2 * shapely.area(pairs.shape) > WITHIN_GRID_M * shapely.length(pairs.shape)
    keep = np.flatnonzero(wide & (area > 0))
    keep = keep[np.lexsort((right[keep], left[keep]))]
    return Shared(left[keep], right[keep], pairs.shape[keep], area[keep])


def of_smaller(shared_m2: ArrayLike, one_m2: ArrayLike, other_m2: ArrayLike, part: int) -> Bools:
    """Return where shared ground is at least 1/part of the smaller of two, exact in hundredths.

    The one test of what belongs together: a tenth makes a link of plots, a half the same task.
    """
    smaller = np.minimum(measure.to_cm2(one_m2), measure.to_cm2(other_m2))
    return np.asarray(measure.to_cm2(shared_m2) * part >= smaller)


def _identical(old: Side, new: Side) -> Same:
    row = pd.Index(new.bsm).get_indexer(pd.Index(old.bsm)).astype(np.int64)
    left = np.flatnonzero(row >= 0)
    right = row[left]
    alike = np.asarray(shapely.equals_identical(old.shape[left], new.shape[right]), dtype=bool)
    return Same(left[alike], right[alike], np.zeros(int(alike.sum())))


def _equal_on_grid(old: Side, new: Side) -> Same:
    """Pair plots whose outlines, in one spelling on the grid, have the same bytes."""
    keys, _ = pd.factorize(shapely.to_wkb(np.concatenate((old.shape, new.shape))))
    count = len(old.bsm)
    sides = [
        pd.DataFrame({"key": key, "bsm": side.bsm, "row": np.arange(len(key))})
        for key, side in ((keys[:count], old), (keys[count:], new))
    ]
    own = sides[0].merge(sides[1], on=["key", "bsm"], suffixes=("_old", "_new"))
    rest = [
        side[~side["row"].isin(own[name])]
        for side, name in zip(sides, ("row_old", "row_new"), strict=True)
    ]
    ranked = [side.assign(rank=side.groupby("key").cumcount()) for side in rest]
    other = ranked[0].merge(ranked[1], on=["key", "rank"], suffixes=("_old", "_new"))
    left, right = (
        np.concatenate((own[name], other[name])).astype(np.int64) for name in ("row_old", "row_new")
    )
    return Same(left, right, np.zeros(len(left)))


def _near(old: Side, new: Side) -> Same:
    """Pair plots whose outlines on the grid nowhere differ by more than ROUNDED_M, likest first."""
    left, right = (np.asarray(i, np.int64) for i in shapely.STRtree(new.shape).query(old.shape))
    off = np.abs(shapely.bounds(old.shape)[left] - shapely.bounds(new.shape)[right])
    close = np.flatnonzero((off <= ROUNDED_M).all(axis=1))
    left, right = left[close], right[close]
    shift = _shift(old.shape[left], new.shape[right])
    close = np.flatnonzero(shift <= ROUNDED_M)
    left, right, shift = left[close], right[close], np.round(shift[close], 4)
    _, rank = np.unique(np.concatenate((old.bsm, new.bsm)), return_inverse=True)
    a, b = rank[left], rank[len(old.bsm) + right]
    order = np.lexsort((np.maximum(a, b), np.minimum(a, b), shift, a != b))
    chosen = _one_to_one(left[order], right[order])
    return Same(left[order][chosen], right[order][chosen], shift[order][chosen])


def _one_to_one(left: Ints, right: Ints) -> Ints:
    """Return the positions of pairs that neither side has in an earlier chosen pair."""
    open_ = np.arange(len(left))
    chosen = [open_[:0]]
    while len(open_):
        first = np.zeros(len(open_), dtype=bool)
        first[np.unique(left[open_], return_index=True)[1]] = True
        also = np.zeros(len(open_), dtype=bool)
        also[np.unique(right[open_], return_index=True)[1]] = True
        taken = open_[first & also]
        chosen.append(taken)
        gone = np.isin(left[open_], left[taken]) | np.isin(right[open_], right[taken])
        open_ = open_[~gone]
    return np.concatenate(chosen)


def _shift(left: Shapes, right: Shapes) -> Floats:
    """Return the largest distance between two outlines in m; inf where clearly not the same."""
    shift = np.full(len(left), np.inf)
    paired = np.flatnonzero(shapely.equals_exact(left, right, ROUNDED_M))
    if len(paired):
        a, owner = shapely.get_coordinates(left[paired], return_index=True)
        step = np.hypot(*(a - shapely.get_coordinates(right[paired])).T)
        shift[paired] = np.maximum.reduceat(step, np.unique(owner, return_index=True)[1])
    # other vertices on the same lines, or a ring that starts elsewhere
    slack = ROUNDED_M * np.maximum(shapely.length(left), shapely.length(right))
    alike = np.abs(shapely.area(left) - shapely.area(right)) <= slack
    open_ = np.flatnonzero(np.isinf(shift) & alike)
    shift[open_] = shapely.hausdorff_distance(left[open_], right[open_])
    return shift


def _canonical(shapes: Shapes) -> Shapes:
    """Return the shapes in one spelling: 2D, single part where there is one, GEOS normal order."""
    flat = _flat(shapes)
    single = np.flatnonzero(
        (shapely.get_type_id(flat) == _MULTIPOLYGON) & (shapely.get_num_geometries(flat) == 1)
    )
    if len(single):
        flat = flat.copy()
        flat[single] = shapely.get_geometry(flat[single], 0)
    return np.asarray(shapely.normalize(flat), dtype=object)


def _flat(shapes: Shapes) -> Shapes:
    """Return the shapes in 2D; those that are need no copy."""
    deep = shapely.has_z(shapes)
    return np.asarray(shapely.force_2d(shapes), dtype=object) if deep.any() else shapes


def _on_grid(shapes: Shapes) -> Shapes:
    """Return the shapes in one spelling on the grid, block by block: each copy costs its size."""
    blocks = [shapes[at : at + _BLOCK] for at in range(0, len(shapes), _BLOCK)]
    return np.concatenate([shapes[:0], *(_canonical(_gridded(block)) for block in blocks)])


def _gridded(shapes: Shapes) -> Shapes:
    flat = _flat(shapes)
    xy = shapely.get_coordinates(flat)
    # + 0.0 turns -0.0, which has other bytes, into 0.0
    grid = np.floor(xy / GRID_M + 0.5) * GRID_M + 0.0
    return np.asarray(shapely.set_coordinates(flat.copy(), grid), dtype=object)


def _digest(shapes: Shapes) -> bytes:
    digest = hashlib.sha256()
    for data in shapely.to_wkb(shapes):
        digest.update(data)
    return digest.digest()


def _others(rows: Ints, count: int) -> Ints:
    free = np.ones(count, dtype=bool)
    free[rows] = False
    return np.flatnonzero(free)


def _require_valid(*sides: Side) -> None:
    bad = [bsm for side in sides for bsm in side.bsm[~shapely.is_valid(side.shape)]]
    raise_each(bad, "图形无效，不能求重叠", "图形应在接收阶段修复或剔除；请把本条信息交给维护人员")


def raise_each(bad: Sequence[object], found: str, advice: str) -> None:
    """Raise GengbaoError with one finding per BSM, if there is any."""
    if len(bad):
        raise GengbaoError(Finding(f"图斑 {bsm}", found, advice) for bsm in bad)

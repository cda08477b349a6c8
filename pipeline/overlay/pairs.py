"""Which polygons share ground, and what ground they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.measure import in_threads
from pipeline.overlay.overlaps import overlaps

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from shapely.geometry.base import BaseGeometry

    from pipeline.overlay.overlaps import Overlaps

    Shapes = NDArray[np.object_]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_EMPTY = shapely.Polygon()
_POLYGON, _MULTIPOLYGON, _COLLECTION = 3, 6, 7
_SHOWN_REASON = 60


class Pairs(NamedTuple):
    """Pairs that share ground, sorted by left, then right.

    left, right: row numbers; shape: the shared ground (polygons); whole: right covers all of left.
    """

    left: Ints
    right: Ints
    shape: Shapes
    whole: Bools

    def only(self, chosen: Bools) -> Pairs:
        """Return the chosen pairs."""
        return Pairs(self.left[chosen], self.right[chosen], self.shape[chosen], self.whole[chosen])


def checked(geometry: ArrayLike, where: str, number: Ints | None = None) -> Shapes:
    """Return the polygons as an array; GengbaoError names every missing or invalid one.

    where: what the rows are, for the message; number: their row numbers where they are a choice.
    """
    shapes = np.asarray(geometry, dtype=object)
    kinds = shapely.get_type_id(shapes)
    polygons = np.isin(kinds, (_POLYGON, _MULTIPOLYGON))
    bad = np.flatnonzero(~(polygons & in_threads(shapely.is_valid, shapes)))
    if len(bad):
        advice = "图形应在接收阶段修复或剔除；请把本条信息连同运行日志交给维护人员"
        rows = bad if number is None else number[bad]
        raise GengbaoError(
            Finding(f"{where}第{row + 1}行", _what_is_wrong(shapes[at]), advice)
            for at, row in zip(bad, rows, strict=True)
        )
    return shapes


def intersections(left: Shapes, right: Shapes, *, settle: bool = False) -> Pairs:
    """Return the pairs of valid polygons that share ground, and the ground.

    settle: where one right polygon covers a left one, keep only that pair (the first of several);
    enough for totals.
    """
    pairs = overlaps(left, right)
    return shared_ground(settled(pairs) if settle else pairs, left, right)


def shared_ground(pairs: Overlaps, left: Shapes, right: Shapes) -> Pairs:
    """Return the ground of pairs that are known to share some.

    It is exact to floating point and not put on the grid, so that the parts of a plot add up to it.
    """
    shape = left[pairs.left]
    crossing = np.flatnonzero(~pairs.whole)
    others = right[pairs.right[crossing]]
    shape[crossing] = polygonal(shapely.intersection(shape[crossing], others))
    found = Pairs(pairs.left, pairs.right, shape, pairs.whole)
    return found.only(~shapely.is_empty(shape))


def settled(pairs: Overlaps) -> Overlaps:
    """Drop all pairs of a covered left row but its first covering one."""
    whole = np.flatnonzero(pairs.whole)
    rows, first = np.unique(pairs.left[whole], return_index=True)
    keep = ~np.isin(pairs.left, rows)
    keep[whole[first]] = True
    return pairs.only(keep)


def polygonal(shapes: object) -> Shapes:
    """Return the shapes with lines and points dropped; nothing left is an empty polygon."""
    result: Shapes = np.array(shapes, dtype=object)
    kinds = shapely.get_type_id(result)
    mixed = np.flatnonzero(kinds == _COLLECTION)
    heaps = result[mixed]
    result[~np.isin(kinds, (_POLYGON, _MULTIPOLYGON))] = _EMPTY
    if len(mixed):
        parts, owner = shapely.get_parts(heaps, return_index=True)
        keep = np.isin(shapely.get_type_id(parts), (_POLYGON, _MULTIPOLYGON))
        rows, united = union_by(parts[keep], owner[keep])
        result[mixed[rows]] = united
    return result


def union_by(shapes: Shapes, group: Ints) -> tuple[Ints, Shapes]:
    """Return the distinct groups in order and the union of the polygons of each.

    A group of one keeps its shape as it is; overlaps within a group count once.
    """
    order = np.argsort(group, kind="stable")
    groups, first, count = np.unique(group[order], return_index=True, return_counts=True)
    united = shapes[order][first]
    several = np.flatnonzero(count > 1)
    if len(several):
        number = np.repeat(np.arange(len(groups)), count)
        member = np.isin(number, several)
        packed = np.searchsorted(several, number[member])
        heaps = np.asarray(shapely.geometrycollections(shapes[order][member], indices=packed))
        united[several] = polygonal(shapely.union_all(heaps[:, None], axis=1))
    return groups.astype(np.int64), united


def merged(pairs: Pairs, count: int) -> Shapes:
    """Return per left row the ground it shares with any right polygon; empty where none.

    count: number of left rows.
    """
    shapes = np.full(count, _EMPTY, dtype=object)
    rows, united = union_by(pairs.shape, pairs.left)
    shapes[rows] = united
    # the left shape itself, not a union of it with more of itself
    shapes[pairs.left[pairs.whole]] = pairs.shape[pairs.whole]
    return shapes


def difference(left: Shapes, right: Shapes) -> Shapes:
    """Return left minus right, row by row, polygons only; untouched where right is empty."""
    rest = left.copy()
    cut = np.flatnonzero(~shapely.is_empty(right) & ~shapely.is_empty(left))
    rest[cut] = polygonal(shapely.difference(left[cut], right[cut]))
    return rest


def _what_is_wrong(shape: BaseGeometry | None) -> str:
    if shape is None:
        return "没有图形"
    if shape.geom_type not in {"Polygon", "MultiPolygon"}:
        return f"不是面，而是 {shape.geom_type}"
    return f"图形无效（{shapely.is_valid_reason(shape)[:_SHOWN_REASON]}）"

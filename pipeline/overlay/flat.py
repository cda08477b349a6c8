"""Polygons as flat arrays: coordinates, rings, and boxes over short runs of edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.overlay.pairs import Shapes

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_RUN = 32
"""Edges under one box: few enough to skip most of a township, many enough to be worth a test."""
_MULTIPOLYGON = 6


class Flat(NamedTuple):
    """Polygons for compiled code, n of them with v vertices in k runs.

    xy (v, 2): coordinates, ring after ring, rings closed; first (n + 1): each polygon's first run;
    run (k, 3): first and last vertex, and the side of the ring its ground lies on (1: left of
    the drawn direction, -1: right); extent (k, 4): each run's west, south, east, north; box (n, 4):
    each polygon's.
    """

    xy: Floats
    first: Ints
    run: Ints
    extent: Floats
    box: Floats


class Rings(NamedTuple):
    """first (r + 1): each ring's first vertex; outer (r); owner (r): its polygon, ascending."""

    first: Ints
    outer: Bools
    owner: Ints


def flat(shapes: Shapes) -> Flat:
    """Return (multi)polygons as flat arrays; an empty or missing one has no runs, box NaN."""
    return from_rings(shapely.get_coordinates(shapes), _rings(shapes), len(shapes))


def from_rings(xy: Floats, rings: Rings, count: int) -> Flat:
    """Return `count` polygons given as closed rings as flat arrays, with their runs of edges."""
    start, stop = rings.first[:-1], rings.first[1:] - 1
    number = -(-(stop - start) // _RUN)
    ring = np.repeat(np.arange(len(start)), number)
    step = np.arange(len(ring)) - np.repeat(np.cumsum(number) - number, number)
    head = start[ring] + step * _RUN
    tail = np.minimum(head + _RUN, stop[ring])
    side = np.where(_doubled_area(xy, rings) > 0, 1, -1) * np.where(rings.outer, 1, -1)
    owner = rings.owner[ring]
    extent = _extents(xy, head, tail)
    first = np.searchsorted(owner, np.arange(count + 1))
    box = np.full((count, 4), np.nan)
    some = np.flatnonzero(first[1:] > first[:-1])
    if len(some):
        begin = first[some]
        box[some, :2] = np.minimum.reduceat(extent[:, :2], begin)
        box[some, 2:] = np.maximum.reduceat(extent[:, 2:], begin)
    run = np.ascontiguousarray(np.stack((head, tail, side[ring]), axis=1), dtype=np.int64)
    return Flat(np.ascontiguousarray(xy), first.astype(np.int64), run, extent, box)


def _rings(shapes: Shapes) -> Rings:
    """Return the rings of shapes, in the order get_coordinates runs through them."""
    points = shapely.get_num_coordinates(shapes)
    several = shapely.get_type_id(shapes) == _MULTIPOLYGON
    several |= shapely.get_num_interior_rings(shapes) > 0
    plain = np.flatnonzero(~several & (points > 0))
    mixed = np.flatnonzero(several)
    parts, of_mixed = shapely.get_parts(shapes[mixed], return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    length = np.concatenate((points[plain], shapely.get_num_coordinates(rings)))
    outer = np.concatenate((np.ones(len(plain), bool), np.diff(part, prepend=-1) > 0))
    owner = np.concatenate((plain, mixed[of_mixed[part]]))
    order = np.argsort(owner, kind="stable")
    filled = order[length[order] > 0]
    first = np.concatenate(([0], np.cumsum(length[filled])))
    return Rings(first.astype(np.int64), outer[filled], owner[filled])


def _doubled_area(xy: Floats, rings: Rings) -> Floats:
    """Return twice the signed area of each ring, measured from its own first vertex."""
    if len(rings.owner) == 0:
        return np.zeros(0)
    length = np.diff(rings.first)
    local = xy - np.repeat(xy[rings.first[:-1]], length, axis=0)
    cross = local[:-1, 0] * local[1:, 1] - local[1:, 0] * local[:-1, 1]
    cross = np.append(cross, 0.0)
    cross[rings.first[1:] - 1] = 0.0  # from one ring's end to the next one's start
    return np.asarray(np.add.reduceat(cross, rings.first[:-1]))


def _extents(xy: Floats, head: Ints, tail: Ints) -> Floats:
    """Return west, south, east, north of the vertices head to tail, both included, of each run."""
    if len(head) == 0:
        return np.zeros((0, 4))
    low, high = np.minimum.reduceat(xy, head), np.maximum.reduceat(xy, head)
    return np.hstack((np.minimum(low, xy[tail]), np.maximum(high, xy[tail])))

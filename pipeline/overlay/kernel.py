"""The ground two polygons share, straight from their edges, compiled.

A polygon is Σ σ·[y < edge(x)] over its edges, σ = +1 for an edge with ground below it and −1 for
one with ground above. So the shared ground is Σᵢ Σⱼ σᵢσⱼ ∫ min(yᵢ, yⱼ) dx over pairs of edges that
share a range of x: continuous in every coordinate, so that shared, collinear and touching borders
are terms like any other and nothing can fail. Holes and parts are only more edges.

Edges are clipped to the box both polygons share and measured from its corner: eastings of 4e7 m
keep the precision of their coordinates. Weighed by 1/k² (measure.AreaScale) the same integral is
the area on the ellipsoid.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import types

from pipeline.measure import AreaScale
from pipeline.measure.compiling import compiled
from pipeline.overlay.runs import FLAT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.overlay.flat import Flat

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Reals = tuple[float, ...]

_REAL, _INT = types.float64, types.int64
_TABLE, _PAIRS = types.float64[:, ::1], types.int64[:, ::1]
_SCALE = types.NamedTuple((_REAL, _REAL, _REAL, _TABLE), AreaScale)
_TWO, _FOUR, _FIVE = (types.UniTuple(_REAL, n) for n in (2, 4, 5))

X0, X1, Y0, SLOPE, SIGN, PIECE = 0, 1, 2, 3, 4, 5
"""Columns of a piece of an edge (range of x, y at its start, slope, σ), and their number."""
PER_EDGE = 3  # most pieces of one edge: below the top, level with it, below it again
_PLAIN = 100  # up to so many pieces it is quicker to look at all than to sort them
_GAUSS = 0.5 / math.sqrt(3.0)  # two points: exact for a cubic, which weight × edge is


@compiled(_INT(_TABLE, _INT, _FIVE))
def _put(pieces: Floats, count: int, piece: Reals) -> int:
    """Add a piece; level ones that follow one another become one. Return the new count."""
    x0, x1, y0, slope, sign = piece
    if x1 <= x0:
        return count
    if count > 0 and slope == 0.0:
        last = pieces[count - 1]
        if last[SLOPE] == 0.0 and last[Y0] == y0 and last[SIGN] == sign:
            if last[X1] == x0:
                last[X1] = x1
                return count
            if last[X0] == x1:
                last[X0] = x0
                return count
    pieces[count, X0], pieces[count, X1], pieces[count, Y0] = x0, x1, y0
    pieces[count, SLOPE], pieces[count, SIGN] = slope, sign
    return count + 1


@compiled(_INT(_TABLE, _INT, _FIVE, _REAL))
def _clip(pieces: Floats, count: int, edge: Reals, top: float) -> int:
    """Add an edge (x0, y0, x1, y1, σ; x0 < x1): level where above the top, nothing below 0."""
    x0, y0, x1, y1, sign = edge
    if y0 <= 0.0 and y1 <= 0.0:
        return count
    if y0 >= top and y1 >= top:
        return _put(pieces, count, (x0, x1, top, 0.0, sign))
    slope = (y1 - y0) / (x1 - x0)
    if y0 < 0.0:
        x0, y0 = min(x0 - y0 / slope, x1), 0.0
    elif y1 < 0.0:
        x1, y1 = max(x0 - y0 / slope, x0), 0.0
    if y0 > top:
        cross = min(max(x0 + (top - y0) / slope, x0), x1)
        count = _put(pieces, count, (x0, cross, top, 0.0, sign))
        return _put(pieces, count, (cross, x1, top, slope, sign))
    if y1 > top:
        cross = min(max(x0 + (top - y0) / slope, x0), x1)
        count = _put(pieces, count, (x0, cross, y0, slope, sign))
        return _put(pieces, count, (cross, x1, top, 0.0, sign))
    return _put(pieces, count, (x0, x1, y0, slope, sign))


@compiled(_INT(_TABLE, _INT, _REAL, _FOUR, _TABLE, _INT))
def _within(xy: Floats, at: int, side: float, window: Reals, pieces: Floats, count: int) -> int:
    """Add the pieces of the edge from a vertex on within the window, measured from its corner."""
    west, south, east, north = window
    wide = east - west
    x0, x1 = xy[at, 0] - west, xy[at + 1, 0] - west
    y0, y1 = xy[at, 1] - south, xy[at + 1, 1] - south
    sign = side
    if x0 < x1:
        sign = -side
    else:
        x0, y0, x1, y1 = x1, y1, x0, y0
    if x0 >= wide or x1 <= 0.0 or x0 == x1:
        return count
    rise, run = y1 - y0, x1 - x0
    if x1 > wide:
        x1, y1 = wide, y0 + rise * ((wide - x0) / run)
    if x0 < 0.0:
        x0, y0 = 0.0, y0 + rise * (-x0 / run)
    return _clip(pieces, count, (x0, y0, x1, y1, sign), north - south)


@compiled(_INT(FLAT, _INT, _FOUR, _TABLE))
def gather(shape: Flat, row: int, window: Reals, pieces: Floats) -> int:
    """Fill in the pieces of a polygon's edges within the window (west, south, east, north)."""
    west, south, east, north = window
    count, k = 0, shape.first[row]
    while k < shape.first[row + 1]:
        box = shape.extent[k]
        head, tail, side, after = shape.run[k]
        if box[0] >= east or box[2] <= west or box[3] <= south:
            k = after
        elif box[1] >= north:  # level with the top all along: what goes to and fro cancels
            x0, x1 = shape.xy[head, 0] - west, shape.xy[tail, 0] - west
            sign = -side if x0 < x1 else side
            x0, x1 = max(min(x0, x1), 0.0), min(max(x0, x1), east - west)
            count = _put(pieces, count, (x0, x1, north - south, 0.0, float(sign)))
            k = after
        elif after > k + 1:  # a group: look at its runs
            k += 1
        else:
            for i in range(head, tail):
                count = _within(shape.xy, i, float(side), window, pieces, count)
            k = after
    return count


@compiled(_FOUR(_SCALE, _REAL, _REAL))
def _local(scale: AreaScale, east: float, north: float) -> Reals:
    """Return the weight near a point: w, ∂w/∂x, ½ ∂²w/∂x², ½ ∂w/∂y (per m)."""
    u, v = (east - scale.east) / scale.half, (north - scale.north) / scale.half
    w, wx, wxx, wy = 0.0, 0.0, 0.0, 0.0
    for i in range(scale.terms.shape[0] - 1, -1, -1):
        term, slope = 0.0, 0.0
        for j in range(scale.terms.shape[1] - 1, -1, -1):
            slope = slope * v + term
            term = term * v + scale.terms[i, j]
        wxx = wxx * u + wx
        wx = wx * u + w
        w = w * u + term
        wy = wy * u + slope
    return w, wx / scale.half, wxx / scale.half**2, wy / (2 * scale.half)


@compiled(_TWO(_REAL, _REAL, _REAL, _REAL, _FOUR))
def _under(x0: float, x1: float, y0: float, y1: float, weight: Reals) -> Reals:
    """Return the area under a line from (x0, y0) to (x1, y1), and the same weighed."""
    w, wx, wxx, wy = weight
    if wx == 0.0 and wy == 0.0:
        plain = (x1 - x0) * 0.5 * (y0 + y1)
        return plain, w * plain
    middle, step = 0.5 * (x0 + x1), _GAUSS * (x1 - x0)
    half, drift = 0.5 * (y0 + y1), _GAUSS * (y1 - y0)
    total = 0.0
    for at, y in ((middle - step, half - drift), (middle + step, half + drift)):
        total += y * (w + at * (wx + at * wxx) + wy * y)
    return (x1 - x0) * half, 0.5 * (x1 - x0) * total


@compiled(_INT(_TABLE, _REAL))
def _before(pieces: Floats, x: float) -> int:
    """Return how many of the pieces, sorted by where they start, start before x."""
    start, stop = 0, len(pieces)
    while start < stop:
        middle = (start + stop) // 2
        if pieces[middle, X0] < x:
            start = middle + 1
        else:
            stop = middle
    return start


@compiled(_TWO(_TABLE, _TABLE, _REAL, _FOUR))
def _shared(left: Floats, right: Floats, longest: float, weight: Reals) -> Reals:
    """Return Σ σσ ∫ min dx over pieces that share a range of x, on the plane and weighed.

    longest: of the right pieces, which are sorted by where they start; 0: they aren't.
    """
    area, weighed = 0.0, 0.0
    start, stop = 0, len(right)
    for i in range(len(left)):
        a_x0, a_x1, a_y0, a_slope = left[i, X0], left[i, X1], left[i, Y0], left[i, SLOPE]
        if longest > 0.0:
            start, stop = _before(right, a_x0 - longest), _before(right, a_x1)
        for j in range(start, stop):
            x0, x1 = max(a_x0, right[j, X0]), min(a_x1, right[j, X1])
            if x0 >= x1:
                continue
            b_x0, b_y0, b_slope = right[j, X0], right[j, Y0], right[j, SLOPE]
            a0, a1 = a_y0 + a_slope * (x0 - a_x0), a_y0 + a_slope * (x1 - a_x0)
            b0, b1 = b_y0 + b_slope * (x0 - b_x0), b_y0 + b_slope * (x1 - b_x0)
            first, last = a0 - b0, a1 - b1
            if first * last < 0.0:
                part = first / (first - last)
                cross, at = x0 + (x1 - x0) * part, a0 + (a1 - a0) * part
                plain, true = _under(x0, cross, min(a0, b0), at, weight)
                more, more_true = _under(cross, x1, at, min(a1, b1), weight)
                plain, true = plain + more, true + more_true
            else:
                plain, true = _under(x0, x1, min(a0, b0), min(a1, b1), weight)
            sign = left[i, SIGN] * right[j, SIGN]
            area += sign * plain
            weighed += sign * true
    return area, weighed


@compiled(_INT(FLAT))
def most_pieces(shape: Flat) -> int:
    """Return how many pieces the edges of one polygon can fall into."""
    most = 0
    for row in range(len(shape.first) - 1):
        if shape.first[row + 1] > shape.first[row]:
            head = shape.run[shape.first[row], 0]
            most = max(most, shape.run[shape.first[row + 1] - 1, 1] - head)
    return PER_EDGE * most


@compiled(_REAL(_TABLE, _REAL, _REAL))
def _share(pieces: Floats, wide: float, high: float) -> float:
    """Return 0 or 1 where no border runs through the window: out of or in the polygon; else −1."""
    inside = 0.0
    for i in range(len(pieces)):
        if pieces[i, SLOPE] != 0.0 or pieces[i, Y0] != high:
            return -1.0
        inside += pieces[i, SIGN] * (pieces[i, X1] - pieces[i, X0])
    return 1.0 if inside > wide / 2 else 0.0


@compiled(types.boolean(FLAT, _INT, FLAT, _INT))
def _alike(left: Flat, i: int, right: Flat, j: int) -> bool:
    """Return whether two polygons, neither empty, are the same, vertex by vertex."""
    for side in range(4):
        if left.box[i, side] != right.box[j, side]:
            return False
    mine = left.run[left.first[i] : left.first[i + 1]]
    theirs = right.run[right.first[j] : right.first[j + 1]]
    if len(mine) != len(theirs):
        return False
    start, other = mine[0, 0], theirs[0, 0]
    for k in range(len(mine)):  # the same rings, with ground on the same side
        if mine[k, 1] - start != theirs[k, 1] - other or mine[k, 2] != theirs[k, 2]:
            return False
    one, two = left.xy[start : mine[-1, 1] + 1], right.xy[other : theirs[-1, 1] + 1]
    return bool(np.array_equal(one, two))


@compiled(types.void(FLAT, FLAT, _PAIRS, _SCALE, _TABLE))
def pair_areas(left: Flat, right: Flat, pairs: Ints, scale: AreaScale, area: Floats) -> None:
    """Fill in per pair of rows (n, 2) the area shared on the plane and the weighed one (n, 2).

    What lies whole in or out of the right polygon is told before anything is integrated: so does
    a polygon that is the same.
    """
    one = np.empty((most_pieces(left), PIECE))
    other = np.empty((most_pieces(right), PIECE))
    plain = np.count_nonzero(scale.terms) == 1
    for p in range(len(pairs)):
        i, j = pairs[p]
        a, b = left.box[i], right.box[j]
        west, south = max(a[0], b[0]), max(a[1], b[1])
        east, north = min(a[2], b[2]), min(a[3], b[3])
        area[p] = 0.0
        if not (west < east and south < north):
            continue
        window = (west, south, east, north)
        if _alike(left, i, right, j):  # as if the whole window were the right one's
            m = _put(other, 0, (0.0, east - west, north - south, 0.0, 1.0))
        else:
            m = gather(right, j, window, other)
        share = _share(other[:m], east - west, north - south)
        if share == 0.0:
            continue
        if share == 1.0 and plain and (west, south, east, north) == (a[0], a[1], a[2], a[3]):
            area[p] = left.area_m2[i], left.area_m2[i] * scale.terms[0, 0]
            continue
        n = gather(left, i, window, one)
        mine, theirs = one[:n], other[:m]
        longest = 0.0
        if m > _PLAIN:
            theirs = theirs[np.argsort(theirs[:, X0])]
            longest = (theirs[:, X1] - theirs[:, X0]).max()
        area[p] = _shared(mine, theirs, longest, _local(scale, west, south))

"""Rings that surely don't touch themselves, compiled: proven edge against edge, or not at all.

A ring falls into chains that run on in one quadrant: such a chain can't meet itself, and its box is
that of its ends. Chains whose boxes are apart don't meet; others are halved until they are, or
until two edges are left. Whether these are apart is told by the sign of a determinant, taken only
where it exceeds what rounding can do to it. Every doubt is a no.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import types

from pipeline.measure.compiling import compiled
from pipeline.overlay.runs import RINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.measure import Rings

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_CHAINS = 512
"""A ring of more is left to GEOS, which keeps an index of them."""
_ROUNDING = 1e-15  # of a determinant of differences, relative: Shewchuk's bound is 3.4e-16
_LEAST = 1e-290  # below it products lose digits
_INT, _TRUTH = types.int64, types.boolean
_TABLE, _CHAIN = types.float64[:, ::1], types.int64[::1]


@compiled(_INT(_TABLE, _INT, _INT, _INT))
def _turn(xy: Floats, a: int, b: int, c: int) -> int:
    """Return on which side of the line a, b the vertex c lies: 1 left, −1 right, 0 not certain."""
    left = (xy[a, 0] - xy[c, 0]) * (xy[b, 1] - xy[c, 1])
    right = (xy[a, 1] - xy[c, 1]) * (xy[b, 0] - xy[c, 0])
    least = _ROUNDING * (abs(left) + abs(right)) + _LEAST
    if left - right > least:
        return 1
    if right - left > least:
        return -1
    return 0


@compiled(_TRUTH(_TABLE, _INT, _INT, _INT))
def _passing(xy: Floats, before: int, at: int, after: int) -> bool:
    """Return whether two edges, and so their chains, run on across their vertex along an axis."""
    west, x, east = xy[before, 0], xy[at, 0], xy[after, 0]
    south, y, north = xy[before, 1], xy[at, 1], xy[after, 1]
    along = west < x < east or west > x > east or south < y < north or south > y > north
    return bool(along)


@compiled(_TRUTH(_TABLE, _INT, _INT, _INT, _INT))
def _edges_apart(xy: Floats, i: int, j: int, start: int, stop: int) -> bool:
    """Return whether the edges from vertices i < j of a ring surely don't touch as they mustn't."""
    if j == i + 1:
        return _passing(xy, i, j, j + 1) or _turn(xy, i, j, j + 1) != 0
    if i == start and j == stop - 1:
        return _passing(xy, j, i, i + 1) or _turn(xy, j, i, i + 1) != 0
    side = _turn(xy, i, i + 1, j)
    if side != 0 and side == _turn(xy, i, i + 1, j + 1):
        return True
    side = _turn(xy, j, j + 1, i)
    return side != 0 and side == _turn(xy, j, j + 1, i + 1)


@compiled(_TRUTH(_TABLE, _INT, _INT, _INT, _INT))
def _boxes_apart(xy: Floats, a: int, b: int, c: int, d: int) -> bool:
    """Return whether the box of the chain from vertex a to b is apart from that from c to d."""
    for axis in range(2):
        p, q, r, s = xy[a, axis], xy[b, axis], xy[c, axis], xy[d, axis]
        if max(p, q) < min(r, s) or min(p, q) > max(r, s):
            return True
    return False


@compiled(_TRUTH(_TABLE, _INT, _INT, _INT, _INT, _INT, _INT))
def _apart(xy: Floats, a: int, b: int, c: int, d: int, start: int, stop: int) -> bool:  # noqa: PLR0913, PLR0917 - two chains of a ring
    """Return whether the chain from vertex a to b surely doesn't touch that from c ≥ b to d."""
    if _boxes_apart(xy, a, b, c, d):
        return True
    if b - a == 1 and d - c == 1:
        return _edges_apart(xy, a, c, start, stop)
    if b - a >= d - c:
        half = (a + b) // 2
        return _apart(xy, a, half, c, d, start, stop) and _apart(xy, half, b, c, d, start, stop)
    half = (c + d) // 2
    return _apart(xy, a, b, c, half, start, stop) and _apart(xy, a, b, half, d, start, stop)


@compiled(_TRUTH(_TABLE, _CHAIN, _INT, _INT))
def _neighbours_pass(xy: Floats, chain: Ints, a: int, b: int) -> bool:
    """Return whether chains a < b follow one another and run on across their common vertex."""
    if b == a + 1:
        at = chain[b]
        return _passing(xy, at - 1, at, at + 1)
    start, stop = chain[0], chain[-1]
    return a == 0 and b == len(chain) - 2 and _passing(xy, stop - 1, start, start + 1)


@compiled(_TRUTH(_TABLE, _INT, _INT, _CHAIN))
def _simple(xy: Floats, start: int, stop: int, chain: Ints) -> bool:
    """Return whether a closed ring from its first to its last vertex surely never meets itself.

    chain: room for MOST_CHAINS + 1 numbers: each chain's first vertex.
    """
    count, last = 0, -1
    for i in range(start, stop):
        east, north = xy[i + 1, 0] - xy[i, 0], xy[i + 1, 1] - xy[i, 1]
        if not 0.0 < abs(east) + abs(north) < math.inf:  # a vertex repeated, or no number
            return False
        quadrant = 2 * (east >= 0.0) + (north >= 0.0)
        if quadrant != last:
            if count == MOST_CHAINS:
                return False
            chain[count] = i
            count, last = count + 1, quadrant
    chain[count] = stop
    chain = chain[: count + 1]
    for a in range(count):
        for b in range(a + 1, count):
            ends = chain[a], chain[a + 1], chain[b], chain[b + 1]
            if not (
                _boxes_apart(xy, *ends)
                or _neighbours_pass(xy, chain, a, b)
                or _apart(xy, *ends, start, stop)
            ):
                return False
    return True


@compiled(types.void(RINGS, types.boolean[::1]))
def simple_rings(rings: Rings, sure: NDArray[np.bool_]) -> None:
    """Fill in per ring whether it surely doesn't touch itself."""
    chain = np.empty(MOST_CHAINS + 1, np.int64)
    for r in range(len(rings.owner)):
        sure[r] = _simple(rings.xy, rings.first[r], rings.first[r + 1] - 1, chain)

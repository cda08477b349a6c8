"""WKB, compiled: polygons' bytes straight into one array of coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import types

from pipeline.measure.compiling import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]

VERTEX = 16
_HEAD, _COUNT = 9, 4  # bytes of byte order, kind and number of members; of a ring's number
_LEAST_VERTICES = 4
RING = _COUNT + _LEAST_VERTICES * VERTEX
"""Bytes of a vertex, and of the least ring."""
_LITTLE_ENDIAN, _POLYGON, _MULTIPOLYGON = 1, 3, 6
_INT = types.int64
_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_ROWS = types.int64[::1]


@compiled(_INT(_BYTES, _INT))
def _number(data: Bytes, at: int) -> int:
    """Return the 32-bit number at a byte."""
    number = 0
    for k in range(4):
        number |= int(data[at + k]) << 8 * k
    return number


@compiled(types.UniTuple(_INT, 2)(_BYTES, _INT, _INT))
def _head(data: Bytes, at: int, stop: int) -> tuple[int, int]:
    """Return kind and number of members of what starts at a byte; −1: nothing we know."""
    if at + _HEAD > stop or data[at] != _LITTLE_ENDIAN:
        return -1, 0
    return _number(data, at + 1), _number(data, at + 5)


@compiled(_INT(_BYTES, _INT, _INT))
def _ring(data: Bytes, at: int, stop: int) -> int:
    """Return how many vertices the ring at a byte has; −1: it isn't closed, or no ring."""
    if at + _COUNT > stop:
        return -1
    vertices = _number(data, at)
    end = at + _COUNT + VERTEX * vertices
    if vertices < _LEAST_VERTICES or end > stop:
        return -1
    for k in range(VERTEX):
        if data[at + _COUNT + k] != data[end - VERTEX + k]:
            return -1
    return vertices


@compiled(
    types.UniTuple(_INT, 2)(
        _BYTES, _ROWS, types.float64[::1], _ROWS, types.boolean[::1], types.int64[::1]
    )
)
def unpack(
    data: Bytes,
    offset: Ints,
    xy: NDArray[np.float64],
    first: Ints,
    outer: NDArray[np.bool_],
    owner: Ints,
) -> tuple[int, int]:
    """Fill in the rings of the values between offsets; return how many rings and vertices.

    An empty value has none. Rings −1: some value isn't a little-endian 2D (multi)polygon of closed
    rings of at least four vertices, so that a reader of every form has to say what it is.
    """
    ring, vertex = 0, 0
    first[0] = 0
    for row in range(len(offset) - 1):
        at, stop = offset[row], offset[row + 1]
        if at == stop:
            continue
        kind, parts = _head(data, at, stop)
        if kind == _MULTIPOLYGON:
            at += _HEAD
        else:
            parts = 1
        for _ in range(parts):
            kind, rings = _head(data, at, stop)
            if kind != _POLYGON:
                return -1, 0
            at += _HEAD
            for number in range(rings):
                vertices = _ring(data, at, stop)
                if vertices < 0:
                    return -1, 0
                numbers = data[at + _COUNT : at + _COUNT + VERTEX * vertices].view(np.float64)
                at += _COUNT + VERTEX * vertices
                xy[2 * vertex : 2 * (vertex + vertices)] = numbers
                outer[ring], owner[ring] = number == 0, row
                ring, vertex = ring + 1, vertex + vertices
                first[ring] = vertex
        if at != stop:
            return -1, 0
    return ring, vertex

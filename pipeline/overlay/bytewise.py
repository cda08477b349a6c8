"""Values as bytes, compiled: fingerprints of them, and whether two are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import types

from pipeline.measure.compiling import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]

_BYTES = types.Array(types.uint8, 1, "C", readonly=True)
_ROWS = types.int64[::1]
_WORD = 8
_PRIME, _FOLD = np.uint64(0x9E3779B97F4A7C15), np.uint64(29)


@compiled(types.void(_BYTES, _ROWS, types.uint64[::1]))
def fingerprints(data: Bytes, offset: Ints, key: NDArray[np.uint64]) -> None:
    """Fill in a 64-bit fingerprint of each value; different values nearly always differ."""
    for row in range(len(key)):
        start, stop = offset[row], offset[row + 1]
        whole = start + (stop - start) // _WORD * _WORD
        found = np.uint64(stop - start)
        for word in data[start:whole].view(np.uint64):
            found = (found ^ word) * _PRIME
            found ^= found >> _FOLD
        for i in range(whole, stop):
            found = (found ^ np.uint64(data[i])) * _PRIME
        key[row] = found ^ (found >> _FOLD)


@compiled(types.void(_BYTES, _ROWS, _BYTES, _ROWS, types.int64[:, ::1], types.boolean[::1]))
def equal(
    data: Bytes, offset: Ints, other: Bytes, other_offset: Ints, rows: Ints, same: NDArray[np.bool_]
) -> None:
    """Fill in whether the values of pairs of rows (n, 2) are the same; empty ones never are."""
    for p in range(len(rows)):
        start, begin = offset[rows[p, 0]], other_offset[rows[p, 1]]
        length = offset[rows[p, 0] + 1] - start
        same[p] = length > 0 and length == other_offset[rows[p, 1] + 1] - begin
        if same[p]:
            whole = length // _WORD * _WORD
            one = data[start : start + whole].view(np.uint64)
            two = other[begin : begin + whole].view(np.uint64)
            differing = np.uint64(0)
            for i in range(len(one)):  # without a way out: several words at a time
                differing |= one[i] ^ two[i]
            for i in range(whole, length):
                differing |= np.uint64(data[start + i] ^ other[begin + i])
            same[p] = differing == 0

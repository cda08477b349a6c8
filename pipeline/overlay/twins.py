"""Which polygons of one layer are in another byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import shapely

from pipeline.measure import bytes_of, for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Shapes = NDArray[np.object_]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_MULTIPOLYGON = 6


class _Part(NamedTuple):
    """A chunk of binary values: its bytes and where each value starts."""

    data: NDArray[np.uint8]
    offset: Ints


def twins(left: Shapes, right: Shapes) -> Ints:
    """Return per left polygon the first right one of the same bytes, −1 where there is none.

    A multipolygon of one part, as FileGDB delivers every plot, is that part.
    """
    return same_bytes(_bytes(left), _bytes(right))


def same_bytes(left: pa.ChunkedArray, right: pa.ChunkedArray) -> Ints:
    """Return per left WKB the first right one that is the same, −1 where there is none.

    Found by fingerprints, then held byte against byte.
    """
    one, other = _parts(left), _parts(right)
    mine, theirs = _fingerprints(one), _fingerprints(other)
    known, first = np.unique(theirs, return_index=True)
    if len(known) == 0:
        return np.full(len(mine), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(known, mine), len(known) - 1)
    twin = np.where(known[at] == mine, first[at], -1)
    row = np.flatnonzero(twin >= 0)
    twin[row[~_equal(one, row, other, twin[row])]] = -1
    return twin.astype(np.int64)


def _bytes(shapes: Shapes) -> pa.ChunkedArray:
    lone = np.flatnonzero(
        (shapely.get_type_id(shapes) == _MULTIPOLYGON) & (shapely.get_num_geometries(shapes) == 1)
    )
    plain = shapes.copy()
    plain[lone] = shapely.get_geometry(shapes[lone], 0)
    return pa.chunked_array([pa.array(shapely.to_wkb(plain), pa.large_binary())])


def _parts(values: pa.ChunkedArray) -> list[_Part]:
    return [_Part(*bytes_of(chunk)) for chunk in values.chunks]


def _fingerprints(parts: list[_Part]) -> NDArray[np.uint64]:
    from pipeline.overlay.bytewise import fingerprints  # noqa: PLC0415 - compiled: when asked for

    def made(part: _Part) -> NDArray[np.uint64]:
        key = np.empty(len(part.offset) - 1, np.uint64)
        fingerprints(part.data, part.offset, key)
        return key

    return np.concatenate([np.zeros(0, np.uint64), *for_each(made, parts)])


def _equal(left: list[_Part], row: Ints, right: list[_Part], other: Ints) -> Bools:
    """Return whether the values of these pairs of rows are the same, and not empty."""
    from pipeline.overlay.bytewise import equal  # noqa: PLC0415 - as above

    starts = [np.cumsum([0, *(len(p.offset) - 1 for p in parts)]) for parts in (left, right)]
    of, of_other = (
        np.searchsorted(start, rows, side="right") - 1
        for start, rows in zip(starts, (row, other), strict=True)
    )
    same = np.zeros(len(row), dtype=np.bool_)

    def compared(pair: tuple[int, int]) -> None:
        i, j = pair
        chosen = np.flatnonzero((of == i) & (of_other == j))
        rows = np.column_stack((row[chosen] - starts[0][i], other[chosen] - starts[1][j]))
        answer = np.empty(len(rows), np.bool_)
        equal(*left[i], *right[j], rows, answer)
        same[chosen] = answer

    for_each(compared, sorted(set(zip(of.tolist(), of_other.tolist(), strict=True))))
    return same

"""Polygons as one array of coordinates, ring after ring."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

_MULTIPOLYGON = 6


class Rings(NamedTuple):
    """Rings of polygons, in order; an empty or missing polygon has none.

    xy (v, 2): coordinates, every ring closed; first (r + 1): each ring's first vertex; outer (r);
    owner (r): its polygon, ascending; polygons: their number.
    """

    xy: Floats
    first: Ints
    outer: Bools
    owner: Ints
    polygons: int


def rings_of(shapes: Shapes) -> Rings:
    """Return the rings of (multi)polygons; an outer one comes before its holes."""
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
    return Rings(
        np.ascontiguousarray(shapely.get_coordinates(shapes)),
        first.astype(np.int64), outer[filled], owner[filled].astype(np.int64), len(shapes),
    )  # fmt: skip


def rings_of_wkb(values: pa.Array) -> Rings:
    """Return the rings of (multi)polygons given as WKB, as rings_of does of the shapes.

    No shape is made, and the GIL let go of, where all are plain: little-endian, without Z. Raises
    shapely.errors.GEOSException on bytes that aren't WKB or a ring that isn't closed.
    """
    from pipeline.measure.wkb import RING, VERTEX, unpack  # noqa: PLC0415 - for who needs it

    data, offset = bytes_of(values)
    size = int(offset[-1] - offset[0])
    most = size // RING
    xy = np.empty((size // VERTEX, 2))
    first, owner = np.empty(most + 1, np.int64), np.empty(most, np.int64)
    outer = np.empty(most, np.bool_)
    rings, vertices = unpack(data, offset, xy.reshape(-1), first, outer, owner)
    if rings < 0:
        return rings_of(shapely.from_wkb(values.to_numpy(zero_copy_only=False)))
    return Rings(xy[:vertices], first[: rings + 1], outer[:rings], owner[:rings], len(values))


def bytes_of(values: pa.Array) -> tuple[Bytes, Ints]:
    """Return the bytes of Arrow's binary values as they lie, and where each value starts (n + 1).

    A missing value is empty.
    """
    _, offsets, data = values.buffers()
    wide = np.int64 if str(values.type).startswith("large") else np.int32
    at = np.frombuffer(offsets, wide)[values.offset : values.offset + len(values) + 1]
    return np.frombuffer(data or b"", np.uint8), at.astype(np.int64)

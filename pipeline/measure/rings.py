"""Polygons as one array of coordinates, ring after ring."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

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

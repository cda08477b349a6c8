"""Whether plots cover the ground once: where they overlap, where there is none.

A boundary that two plots share runs once each way and cancels. What is left over (an outer edge,
the rim of a gap or of an overlap) cuts the plane into faces of constant depth, so that GEOS meets
only the plots that really overlap, and no union of all plots is ever built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from pipeline.overlay.pairs import Pairs, intersections, polygonal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Shapes = NDArray[np.object_]
    Ints = NDArray[np.int64]

REPORTED_M2 = 0.01


class Coverage(NamedTuple):
    """overlaps: pairs of rows (left < right) with the ground they share; gaps: polygons."""

    overlaps: Pairs
    gaps: Shapes


def coverage(geometry: ArrayLike, extent: ArrayLike, grid_m: float) -> Coverage:
    """Return where valid polygons overlap each other and where they leave `extent` bare.

    geometry: polygons on the grid; extent: polygons to be covered, in the same CRS. Overlaps and
    gaps below 0.01 m² (planar) are left out.
    """
    shapes = np.asarray(geometry, dtype=object)
    faces = _faces(_loose_edges(shapes, grid_m), grid_m)
    inside = shapely.point_on_surface(faces)
    depth = np.bincount(
        shapely.STRtree(shapes).query(inside, predicate="intersects")[0], minlength=len(faces)
    )
    whole = shapely.union_all(np.asarray(extent, dtype=object))
    bare = shapely.difference(whole, shapely.union_all(faces[depth > 0]))
    gaps = shapely.get_parts(polygonal(np.array([bare])))
    deep = faces[(depth > 1) & (shapely.area(faces) >= REPORTED_M2)]
    return Coverage(_overlaps(shapes, deep), gaps[shapely.area(gaps) >= REPORTED_M2])


def _loose_edges(shapes: Shapes, grid_m: float) -> Shapes:
    """Return as lines the edges that don't run exactly once each way."""
    parts = shapely.orient_polygons(shapely.get_parts(shapes))
    rings = shapely.get_rings(parts)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    steps = np.rint((xy - xy.min(axis=0)) / grid_m).astype(np.int64)
    span = int(steps[:, 1].max()) + 1
    vertex, _ = pd.factorize(steps[:, 0] * span + steps[:, 1])
    first = np.flatnonzero((ring[1:] == ring[:-1]) & (vertex[1:] != vertex[:-1]))
    a, b = vertex[first], vertex[first + 1]
    edge, _ = pd.factorize(np.minimum(a, b) * (int(vertex.max()) + 1) + np.maximum(a, b))
    forward = np.bincount(edge, weights=a < b)
    backward = np.bincount(edge, weights=a > b)
    loose = np.flatnonzero(((forward != 1) | (backward != 1))[edge])
    return np.asarray(
        shapely.linestrings(np.stack((xy[first[loose]], xy[first[loose] + 1]), axis=1))
    )


def _faces(lines: Shapes, grid_m: float) -> Shapes:
    """Return the polygons that lines bound, noded on the grid."""
    noded = shapely.get_parts(shapely.union_all(lines, grid_size=grid_m))
    return np.asarray(shapely.get_parts(shapely.polygonize(noded)), dtype=object)


def _overlaps(shapes: Shapes, deep: Shapes) -> Pairs:
    """Return the pairs of rows that share ground in the faces covered more than once."""
    rows = np.unique(shapely.STRtree(shapes).query(deep, predicate="intersects")[1])
    pairs = intersections(shapes[rows], shapes[rows])
    once = pairs.left < pairs.right
    pairs = pairs.only(once & (shapely.area(pairs.shape) >= REPORTED_M2))
    return pairs._replace(left=rows[pairs.left], right=rows[pairs.right])

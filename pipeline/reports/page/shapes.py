"""Polygons as the page carries them: rings of whole millionths of a degree, as differences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Transformer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Shapes = NDArray[np.object_]
    Ints = NDArray[np.int64]
    Ring = list[int]
    Point = list[int]

MILLION = 1_000_000
LEAST_POINTS = 3
"""A ring of fewer is no area any more: it was smaller than 1e-6°, about 0.1 m."""


def to_degrees(shapes: Shapes, crs: str) -> Shapes:
    """Return shapes of the working CRS in CGCS2000 longitude and latitude, degrees."""
    plane = CRS(crs)
    turn = Transformer.from_crs(plane, plane.geodetic_crs, always_xy=True).transform
    return np.asarray(
        shapely.transform(shapes, lambda xy: np.column_stack(turn(xy[:, 0], xy[:, 1])))
    )


def simplified(shapes: Iterable[shapely.Geometry | None], detail_m: float) -> Shapes:
    """Return shapes of the working CRS without bends smaller than `detail_m` metres."""
    return np.asarray(shapely.simplify(np.asarray(shapes, dtype=object), detail_m))


def millionths(degrees: NDArray[np.float64]) -> Ints:
    """Return degrees as whole millionths."""
    return np.rint(degrees * MILLION).astype(np.int64)


def coded_rings(shapes: Shapes, origin: Point) -> list[list[Ring]]:
    """Return for each shape its rings as x, y, dx, dy, dx, dy …; holes are rings like any other.

    shapes: polygons in degrees, missing or empty ones have no ring. A ring starts as the
    difference from the origin (millionths of a degree) and isn't closed; points that fall together
    stand once. Filled by the even-odd rule, they are the shapes.
    """
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    degrees, ring = shapely.get_coordinates(rings, return_index=True)
    points = millionths(degrees)
    keep = np.ones(len(points), bool)
    keep[1:] = (ring[1:] != ring[:-1]) | (points[1:] != points[:-1]).any(axis=1)
    points, ring = points[keep], ring[keep]
    last = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
    points, ring = points[~last], ring[~last]  # the first point again
    sizes = np.bincount(ring, minlength=len(rings))
    points, ring = points[sizes[ring] >= LEAST_POINTS], ring[sizes[ring] >= LEAST_POINTS]
    steps = np.diff(points, axis=0, prepend=points[:1])
    starts = np.flatnonzero(np.append(True, ring[1:] != ring[:-1])[: len(ring)])
    steps[starts] = points[starts] - np.asarray(origin)
    owner = of_part[of_ring[ring[starts]]]
    coded: list[list[Ring]] = [[] for _ in shapes]
    for shape, (start, end) in zip(owner, pairwise([*starts, len(steps)]), strict=True):
        coded[shape].append(steps[start:end].ravel().tolist())
    return coded


def inner_points(shapes: Shapes) -> list[Point | None]:
    """Return a point inside each shape (degrees) in millionths; None for a missing or empty one."""
    found = millionths(shapely.get_coordinates(shapely.point_on_surface(shapes)))
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    points = iter(found.tolist())
    return [next(points) if here else None for here in there]


def extent(shapes: Sequence[Shapes]) -> list[int]:
    """Return west, south, east, north of all shapes (degrees) in millionths."""
    bounds = np.array([shapely.total_bounds(group) for group in shapes if len(group)])
    edges = [*np.nanmin(bounds[:, :2], axis=0), *np.nanmax(bounds[:, 2:], axis=0)]
    return [int(edge) for edge in millionths(np.array(edges))]

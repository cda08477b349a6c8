"""Polygons as the page carries them: differences in millionths of a degree, written as text."""

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
    Point = list[int]

MILLION = 1_000_000
DIGITS = np.frombuffer(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", dtype=np.uint8
)
DIGIT_BITS, MOST_DIGITS = 5, 6
"""Base64 VLQ as in source maps: five bits a digit, the lowest first; 30 bits hold any degree."""
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


def coded_rings(shapes: Shapes, origin: Point) -> list[str]:
    """Return each shape's rings as text, a blank between them; holes are rings like any other.

    shapes: polygons in degrees, missing or empty ones are "". A ring is x, y, dx, dy, dx, dy … in
    base64 VLQ; it starts as the difference from the origin (millionths of a degree) and isn't
    closed; points that fall together stand once. Filled by the even-odd rule, they are the shapes.
    """
    points, ring, owner = _ring_points(shapes)
    steps = np.diff(points, axis=0, prepend=points[:1])
    starts = np.flatnonzero(np.append(True, ring[1:] != ring[:-1])[: len(ring)])
    steps[starts] = points[starts] - np.asarray(origin)
    text, ends = numbers_text(steps.ravel())
    cuts = np.append(0, ends)[2 * np.append(starts, len(steps))]
    coded: list[list[str]] = [[] for _ in shapes]
    for shape, (start, end) in zip(owner[starts], pairwise(cuts), strict=True):
        coded[shape].append(text[start:end])
    return [" ".join(rings) for rings in coded]


def _ring_points(shapes: Shapes) -> tuple[Ints, Ints, Ints]:
    """Return the points of all rings in millionths, the ring and the shape each is of."""
    parts, of_part = shapely.get_parts(shapes, return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    degrees, ring = shapely.get_coordinates(rings, return_index=True)
    points = millionths(degrees)
    keep = np.ones(len(points), bool)
    keep[1:] = (ring[1:] != ring[:-1]) | (points[1:] != points[:-1]).any(axis=1)
    points, ring = points[keep], ring[keep]
    last = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
    points, ring = points[~last], ring[~last]  # the first point again
    enough = np.bincount(ring, minlength=len(rings))[ring] >= LEAST_POINTS
    return points[enough], ring[enough], of_part[of_ring[ring[enough]]]


def numbers_text(numbers: Ints) -> tuple[str, Ints]:
    """Return whole numbers below 2^29 in base64 VLQ, one after the other, and where each ends."""
    signed = np.abs(numbers) * 2 + (numbers < 0)
    digits = signed[:, None] >> (DIGIT_BITS * np.arange(MOST_DIGITS + 1))
    there = np.column_stack((np.ones(len(numbers), bool), digits[:, 1:-1] > 0))
    values = (digits[:, :-1] & 31) + 32 * (digits[:, 1:] > 0)
    return DIGITS[values[there]].tobytes().decode(), there.sum(axis=1).cumsum()


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

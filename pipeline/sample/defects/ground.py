"""Ground moved by hand: edges, corners, strips, and what is cut off or given away."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import Polygon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import Geometry

    from pipeline.sample.defects.bed import Bed

    Point2 = NDArray[np.float64]
    Edge = tuple[tuple[float, float], tuple[float, float]]


def edge(shape: Polygon, within: Geometry | None = None) -> tuple[Point2, Point2]:
    """Return the ends of a polygon's longest outer edge, in ring order; within: of those there.

    Without any there: twice the first node.
    """
    ring = shapely.get_coordinates(shape.exterior)
    length = np.linalg.norm(np.diff(ring, axis=0), axis=1)
    if within is not None:
        lines = shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1))
        shapely.prepare(within)
        length = np.where(shapely.covers(within, lines), length, 0.0)
    place = int(np.argmax(length))
    return ring[place], ring[place + 1] if length[place] > 0 else ring[place]


def inward(shape: Polygon, start: Point2, end: Point2) -> Point2:
    """Return the unit vector across an edge that points into the polygon."""
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    probe = shapely.Point((start + end) / 2 + across * 0.01)
    return across if shape.contains(probe) else -across


def reshaped(shape: Polygon, start: Point2, more: Sequence[Point2]) -> Polygon:
    """Return the polygon with nodes put in after the node `start` of its outer ring."""
    ring = shapely.get_coordinates(shape.exterior)[:-1]
    place = int(np.argmin(np.linalg.norm(ring - start, axis=1))) + 1
    return Polygon(np.vstack([ring[:place], np.array(more), ring[place:]]), list(shape.interiors))


def corner(shape: Polygon, side: float) -> Polygon:
    """Return a square that covers a corner of the polygon, its middle at the corner."""
    start, _ = edge(shape)
    return shapely.box(*(start - side / 2), *(start + side / 2))


def split_off(
    bed: Bed, kind: str, plot: int, cutter: Geometry, *, most: float, least: float
) -> None:
    """Make what `cutter` covers of a plot a plot of its own, where its area fits."""
    whole = bed.outlines[plot]
    part, rest = shapely.intersection(whole, cutter), shapely.difference(whole, cutter)
    single = part.geom_type == rest.geom_type == "Polygon"
    if single and least < part.area < most:
        bed.put(plot, rest)
        bed.note(kind, bed.add(plot, part), part, other=plot)


def _edges(shape: Geometry) -> list[Edge]:
    """Return the edges of a polygon's outer ring, in ring order; none of another shape's."""
    if not isinstance(shape, Polygon):
        return []
    ring = [(float(x), float(y)) for x, y in shapely.get_coordinates(shape.exterior)]
    return list(pairwise(ring))


def shared(bed: Bed, plot: int, least: float) -> tuple[int, Point2, Point2] | None:
    """Return a neighbour and the ends, in ring order, of the longest edge that both have.

    None where no edge of at least `least` m is an outer edge of both.
    """
    own = set(_edges(bed.outlines[plot]))
    best: tuple[float, int, Edge] | None = None
    for other in bed.around(plot):
        for end, start in _edges(bed.outlines[other]):
            length = math.dist(start, end)
            if (start, end) in own or (end, start) in own:
                edge_here = (start, end) if (start, end) in own else (end, start)
                if length >= least and (best is None or length > best[0]):
                    best = length, int(other), edge_here
    return None if best is None else (best[1], np.array(best[2][0]), np.array(best[2][1]))


def moved(
    shape: Polygon, ends: tuple[Point2, Point2], profile: Sequence[tuple[float, float]]
) -> Polygon:
    """Return the polygon with its edge from ends[0] to ends[1] led over other nodes.

    ends: an edge of its outer ring, either way round; profile: of each node the distance along the
    edge from ends[0] and to the left of it, m.
    """
    start, end = ends
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    nodes = [np.round(start + a * along + b * across, 4) for a, b in profile]
    ring = shapely.get_coordinates(shape.exterior)[:-1]
    first = int(np.argmin(np.linalg.norm(ring - start, axis=1)))
    last = int(np.argmin(np.linalg.norm(ring - end, axis=1)))
    forward = last == (first + 1) % len(ring)
    place, nodes = (first, nodes) if forward else (last, nodes[::-1])
    more = [ring[: place + 1], np.array(nodes), ring[place + 1 :]]
    return Polygon(np.vstack(more), list(shape.interiors))


def outward(shape: Polygon, ends: tuple[Point2, Point2]) -> float:
    """Return 1 where the polygon lies to the right of an edge of its own, else -1."""
    start, end = ends
    along = end - start
    return -1.0 if float(np.dot(inward(shape, start, end), [-along[1], along[0]])) > 0 else 1.0


def ground(ends: tuple[Point2, Point2], profile: Sequence[tuple[float, float]]) -> Polygon:
    """Return the ground between an edge and the nodes that `moved` leads it over."""
    start, end = ends
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([-along[1], along[0]])
    return Polygon([np.round(start + a * along + b * across, 4) for a, b in profile])

"""Ground moved by hand: edges, corners, strips, and what is cut off or given away."""

from __future__ import annotations

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


def edge(shape: Polygon) -> tuple[Point2, Point2]:
    """Return the ends of a polygon's longest outer edge, in ring order."""
    ring = shapely.get_coordinates(shape.exterior)
    place = int(np.argmax(np.linalg.norm(np.diff(ring, axis=0), axis=1)))
    return ring[place], ring[place + 1]


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
    return Polygon(np.vstack([ring[:place], *[[xy] for xy in more], ring[place:]]), shape.interiors)


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
        bed.note(kind, bed.add(plot, part), part)


def shared(bed: Bed, plot: int) -> tuple[int, shapely.LineString] | None:
    """Return a free-standing plot's neighbour with the longest straight piece of common border."""
    best: tuple[float, int, shapely.LineString] | None = None
    for other in bed.around(plot):
        common = shapely.line_merge(
            shapely.intersection(bed.outlines[plot].boundary, bed.outlines[other].boundary)
        )
        for line in shapely.get_parts(common):
            if line.geom_type == "LineString" and (best is None or line.length > best[0]):
                best = line.length, int(other), line
    return None if best is None else best[1:]

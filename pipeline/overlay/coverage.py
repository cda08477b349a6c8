"""Whether plots cover the ground once: where they overlap, where there is none.

A boundary that two plots share runs once each way and cancels. What is left over (an outer edge,
the rim of a gap or of an overlap) cuts the plane into faces of constant depth, so that GEOS meets
only the plots that really overlap, and no union of all plots is ever built.

An edge that runs as often one way as the other has the same depth on its two sides and may be
dropped wherever that is seen: how much more often it runs one way is the same before and after.
So a stretch of neighbours is looked at by halves, these by halves again, and only what doesn't
cancel there goes on. How plots are grouped has a say in the memory alone, which hardly grows with
their number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import pandas as pd
import shapely

from pipeline import measure
from pipeline.overlay.nearby import near_one_another
from pipeline.overlay.pairs import Pairs, intersections, polygonal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

REPORTED_M2 = 0.01
NEIGHBOURS = 4_096
"""Plots that are looked at together."""


class Pile(Protocol):
    """Valid polygons that are decoded as they are asked for."""

    @property
    def boxes(self) -> Floats:
        """Return west, south, east, north of each."""

    def geometry(self, rows: NDArray[Any]) -> Shapes:
        """Return the polygons of these rows."""


@dataclass(frozen=True, slots=True)
class Held:
    """Polygons that are in memory anyway, as a pile."""

    shapes: Shapes

    @property
    def boxes(self) -> Floats:
        """Return west, south, east, north of each."""
        return np.asarray(shapely.bounds(self.shapes), dtype=np.float64)

    def geometry(self, rows: NDArray[Any]) -> Shapes:
        """Return the polygons of these rows."""
        return np.asarray(self.shapes[rows], dtype=object)


class Coverage(NamedTuple):
    """overlaps: pairs of rows (left < right) with the ground they share; gaps: polygons."""

    overlaps: Pairs
    gaps: Shapes


class _Edges(NamedTuple):
    """Directed edges: ends as numbers of grid points, and their coordinates (n, 2, 2)."""

    start: Ints
    stop: Ints
    xy: Floats

    def only(self, rows: Ints) -> _Edges:
        """Return these edges."""
        return _Edges(self.start[rows], self.stop[rows], self.xy[rows])

    def joined(self, other: _Edges) -> _Edges:
        """Return these edges, then the others."""
        return _Edges(*(np.concatenate(both) for both in zip(self, other, strict=True)))


def coverage(
    plots: Pile, extent: ArrayLike, grid_m: float, neighbours: int = NEIGHBOURS
) -> Coverage:
    """Return where valid polygons overlap each other and where they leave `extent` bare.

    plots: on the grid; extent: polygons to be covered, in the same CRS; neighbours: how many plots
    are looked at together, which has no say in the result. Overlaps and gaps below 0.01 m² (planar)
    are left out.
    """
    boxes = np.asarray(plots.boxes, dtype=np.float64)
    faces = _faces(_left_over(plots, boxes, grid_m, neighbours), grid_m)
    whole = shapely.union_all(np.asarray(extent, dtype=object))
    depth = _depth(plots, boxes, faces, neighbours)
    bare = shapely.difference(whole, shapely.union_all(faces[depth > 0]))
    gaps = shapely.get_parts(polygonal(np.array([bare])))
    deep = faces[(depth > 1) & (shapely.area(faces) >= REPORTED_M2)]
    overlaps = _overlaps(plots, boxes, deep, neighbours)
    return Coverage(overlaps, gaps[shapely.area(gaps) >= REPORTED_M2])


def _left_over(plots: Pile, boxes: Floats, grid_m: float, neighbours: int) -> _Edges:
    """Return the edges that don't cancel."""
    origin, span = boxes[:, :2].min(axis=0), float(np.ptp(boxes[:, 1::2]))
    rows = round(span / grid_m) + 1

    def among(near: Ints) -> _Edges:
        """Return what doesn't cancel among plots that follow each other: of either half, then."""
        if len(near) <= neighbours:
            return _loose(_edges(plots.geometry(np.sort(near)), origin, grid_m, rows))
        half = len(near) // 2
        return _loose(among(near[:half]).joined(among(near[half:])))

    return among(near_one_another(boxes, neighbours))


def _edges(shapes: Shapes, origin: Floats, grid_m: float, rows: int) -> _Edges:
    """Return the edges of polygons, their insides to the left; rows: of grid points in all."""
    rings = measure.rings_of(shapes)
    xy = rings.xy - origin
    steps = np.rint(xy / grid_m).astype(np.int64)
    vertex = steps[:, 0] * rows + steps[:, 1]
    ring = np.repeat(np.arange(len(rings.outer)), np.diff(rings.first))
    cross = xy[:-1, 0] * xy[1:, 1] - xy[1:, 0] * xy[:-1, 1]
    within = ring[1:] == ring[:-1]
    turns = np.bincount(ring[:-1][within], cross[within], minlength=len(rings.outer)) > 0
    first = np.flatnonzero(within & (vertex[1:] != vertex[:-1]))
    second = first + 1
    back = (turns != rings.outer)[ring[first]]
    first[back], second[back] = second[back], first[back]
    return _Edges(vertex[first], vertex[second], np.stack((rings.xy[first], rings.xy[second]), 1))


def _loose(edges: _Edges) -> _Edges:
    """Return the edges that run more often one way than the other."""
    vertex, points = pd.factorize(np.concatenate((edges.start, edges.stop)))
    a, b = np.split(vertex, 2)
    edge, _ = pd.factorize(np.minimum(a, b) * len(points) + np.maximum(a, b))
    more = np.bincount(edge, weights=np.sign(b - a))
    return edges.only(np.flatnonzero((more != 0)[edge]))


def _faces(edges: _Edges, grid_m: float) -> Shapes:
    """Return the polygons that edges bound, noded on the grid.

    Edges are taken once each and in one order, so that nothing depends on how they were found.
    """
    ends = np.sort(np.stack((edges.start, edges.stop), axis=1), axis=1)
    _, first = np.unique(ends, axis=0, return_index=True)
    lines = edges.xy[first]
    back = edges.start[first] > edges.stop[first]
    lines[back] = lines[back, ::-1]
    noded = shapely.get_parts(shapely.union_all(shapely.linestrings(lines), grid_size=grid_m))
    return np.asarray(shapely.get_parts(shapely.polygonize(noded)), dtype=object)


def _depth(plots: Pile, boxes: Floats, faces: Shapes, at_once: int) -> Ints:
    """Return how many plots lie over each face."""
    inside = shapely.point_on_surface(faces)
    depth = np.zeros(len(faces), dtype=np.int64)
    for face, _ in _meeting(plots, boxes, inside, at_once):
        depth += np.bincount(face, minlength=len(faces))
    return depth


def _overlaps(plots: Pile, boxes: Floats, deep: Shapes, at_once: int) -> Pairs:
    """Return the pairs of rows that share ground in the faces covered more than once."""
    shapely.prepare(deep)
    found = [plot for _, plot in _meeting(plots, boxes, deep, at_once)]
    rows = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *found]))
    shapes = plots.geometry(rows)
    pairs = intersections(shapes, shapes)
    once = pairs.left < pairs.right
    pairs = pairs.only(once & (shapely.area(pairs.shape) >= REPORTED_M2))
    return pairs._replace(left=rows[pairs.left], right=rows[pairs.right])


def _meeting(
    plots: Pile, boxes: Floats, shapes: Shapes, at_once: int
) -> Iterator[tuple[Ints, Ints]]:
    """Yield the pairs of shapes and plots that meet: rows of both, never of many plots at once."""
    tree = shapely.STRtree(shapes)
    for start in range(0, len(boxes), at_once):
        near, shape = tree.query(shapely.box(*boxes[start : start + at_once].T))
        for first in range(0, len(near), at_once):
            some = slice(first, first + at_once)
            rows, place = np.unique(near[some] + start, return_inverse=True)
            meets = shapely.intersects(shapes[shape[some]], plots.geometry(rows)[place])
            yield shape[some][meets], rows[place][meets]

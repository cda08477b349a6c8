"""Whether plots cover the ground once: where they overlap, where there is none.

A boundary that two plots share runs once each way and cancels. What is left over (an outer edge,
the rim of a gap or of an overlap) cuts the plane into faces of constant depth, so that GEOS meets
only the plots that really overlap, and no union of all plots is ever built.

Plots are looked at neighbourhood by neighbourhood, and only what doesn't cancel there goes on. An
edge that runs as often one way as the other may be dropped wherever that is seen: the depth on its
two sides is the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import measure
from pipeline.overlay.pairs import Pairs, intersections, polygonal

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import ArrayLike, NDArray

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

REPORTED_M2 = 0.01
NEIGHBOURS = 16_384
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


def coverage(
    plots: Pile, extent: ArrayLike, grid_m: float, neighbours: int = NEIGHBOURS
) -> Coverage:
    """Return where valid polygons overlap each other and where they leave `extent` bare.

    plots: on the grid; extent: polygons to be covered, in the same CRS; neighbours: how many plots
    are looked at together, which has no say in the areas. Overlaps and gaps below 0.01 m² (planar)
    are left out.
    """
    boxes = np.asarray(plots.boxes, dtype=np.float64)
    faces = _faces(_loose(_left_over(plots, boxes, grid_m, neighbours)).xy, grid_m)
    tree = shapely.STRtree(np.asarray(shapely.box(*boxes.T), dtype=object))
    whole = shapely.union_all(np.asarray(extent, dtype=object))
    depth = _depth(plots, tree, faces)
    bare = shapely.difference(whole, shapely.union_all(faces[depth > 0]))
    gaps = shapely.get_parts(polygonal(np.array([bare])))
    deep = faces[(depth > 1) & (shapely.area(faces) >= REPORTED_M2)]
    return Coverage(_overlaps(plots, tree, deep), gaps[shapely.area(gaps) >= REPORTED_M2])


def _left_over(plots: Pile, boxes: Floats, grid_m: float, neighbours: int) -> _Edges:
    """Return the edges that don't cancel among neighbours."""
    middle = shapely.points((boxes[:, :2] + boxes[:, 2:]) / 2)
    order = np.argsort(gpd.GeoSeries(middle).hilbert_distance().to_numpy(), kind="stable")
    origin, span = boxes[:, :2].min(axis=0), float(np.ptp(boxes[:, 1::2]))
    rows = round(span / grid_m) + 1

    parts = []
    for start in range(0, len(order), neighbours):
        shapes = plots.geometry(np.sort(order[start : start + neighbours]))
        parts.append(_loose(_edges(shapes, origin, grid_m, rows)))
    return _Edges(
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.stop for part in parts]),
        np.concatenate([part.xy for part in parts]),
    )


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
    """Return the edges that don't run exactly once each way."""
    vertex, points = pd.factorize(np.concatenate((edges.start, edges.stop)))
    a, b = np.split(vertex, 2)
    edge, _ = pd.factorize(np.minimum(a, b) * len(points) + np.maximum(a, b))
    forward = np.bincount(edge, weights=a < b)
    backward = np.bincount(edge, weights=a > b)
    return edges.only(np.flatnonzero(((forward != 1) | (backward != 1))[edge]))


def _faces(edges: Floats, grid_m: float) -> Shapes:
    """Return the polygons that edges bound, noded on the grid."""
    noded = shapely.get_parts(shapely.union_all(shapely.linestrings(edges), grid_size=grid_m))
    return np.asarray(shapely.get_parts(shapely.polygonize(noded)), dtype=object)


def _depth(plots: Pile, tree: shapely.STRtree, faces: Shapes) -> Ints:
    """Return how many plots lie over each face; tree: of the plots' boxes."""
    inside = shapely.point_on_surface(faces)
    face, plot = tree.query(inside)
    over = shapely.intersects(inside[face], plots.geometry(plot))
    return np.bincount(face[over], minlength=len(faces))


def _overlaps(plots: Pile, tree: shapely.STRtree, deep: Shapes) -> Pairs:
    """Return the pairs of rows that share ground in the faces covered more than once."""
    face, plot = tree.query(deep)
    touched = shapely.intersects(deep[face], plots.geometry(plot))
    rows = np.unique(plot[touched])
    shapes = plots.geometry(rows)
    pairs = intersections(shapes, shapes)
    once = pairs.left < pairs.right
    pairs = pairs.only(once & (shapely.area(pairs.shape) >= REPORTED_M2))
    return pairs._replace(left=rows[pairs.left], right=rows[pairs.right])

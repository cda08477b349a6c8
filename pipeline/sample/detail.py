"""A survey's wealth of vertices: borders bent and set with points, clearings in the forest.

A real county's plots have about 80 vertices each and some have holes; the lines this one is made
of have far fewer. Every border is bent once for both its plots, as much to one side as to the
other: plots keep their areas and the coverage stays free of gaps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.sample.outline import GRID_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Objects = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_BENDS = np.array([0.015, 0.008])  # most of either wave, as a share of the edge's length
_BLOCK = 50_000  # borders, polygons: what is worked out of them together
_CLEAR_M, _CLEAR_VERTICES = (18.0, 30.0), 24


class _Borders(NamedTuple):
    """Edges of polygons, each border once.

    ring, face: offsets of rings in the coordinates, of faces in the rings; border, against: of each
    edge, ring after ring: its border, and whether it runs from that one's end to its start;
    ends (n, 2, 2): of the borders.
    """

    ring: Ints
    face: Ints
    border: Ints
    against: NDArray[np.bool_]
    ends: Floats


def detailed(
    faces: gpd.GeoDataFrame, vertex_m: float, clear_every: int, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Return the coverage with vertices at most `vertex_m` apart, and clearings in its forest.

    Every `clear_every`th forest cell that has room gets one.

    faces: cell (−1: forest), town, geometry (a coverage of polygons on the grid). Areas stay as
    they are but for rounding to the grid; clearings are forest cells of their own at the end.
    """
    faces = _with_clearings(faces, clear_every)
    borders = _borders(faces.geometry.to_numpy())
    length = np.hypot(*(borders.ends[:, 1] - borders.ends[:, 0]).T)
    count = np.maximum(np.ceil(length / vertex_m).astype(np.int64), 1)
    bends = rng.uniform(-_BENDS, _BENDS, (len(length), len(_BENDS)))
    face = np.repeat(np.arange(len(faces)), np.diff(_edge_offsets(borders.ring)[borders.face]))
    bent = _bent(borders, count, bends)
    while len(crossed := np.flatnonzero(~shapely.is_valid(bent))):
        count[borders.border[np.isin(face, crossed)]] = 1  # as it was: rare, sharp corners
        del bent  # a million plots are 2 GB: not twice
        bent = _bent(borders, count, bends)
    return faces.set_geometry(gpd.GeoSeries(bent, crs=faces.crs))


def _edge_offsets(ring: Ints) -> Ints:
    """Return the offsets of rings in edges: one fewer than vertices in each ring."""
    return ring - np.arange(len(ring))


def _borders(faces: Objects) -> _Borders:
    _, xy, (ring, face) = shapely.to_ragged_array(faces)
    start = np.delete(np.arange(len(xy)), ring[1:] - 1)
    step = np.rint((xy - xy.min(axis=0)) / GRID_M).astype(np.int64)
    _, first, node = np.unique(
        step[:, 0] * (int(step[:, 1].max()) + 1) + step[:, 1],
        return_index=True, return_inverse=True,
    )  # fmt: skip
    a, b = node[start], node[start + 1]
    key, border = np.unique(np.minimum(a, b) * len(first) + np.maximum(a, b), return_inverse=True)
    ends = xy[first[np.column_stack(np.divmod(key, len(first)))]]
    return _Borders(np.asarray(ring), np.asarray(face), border, a > b, ends)


def _bent(borders: _Borders, count: Ints, bends: Floats) -> Objects:
    """Return the polygons with each border in `count` parts, off its line by waves along it."""
    first = np.cumsum(count) - count
    points = np.empty((int(count.sum()), 2))
    for some in _blocks(len(count)):
        at = slice(first[some][0], first[some][-1] + count[some][-1])
        points[at] = _points(borders.ends[some], count[some], bends[some])
    return np.concatenate(
        [
            _polygons(_part(borders, some), count, points, first)
            for some in _blocks(len(borders.face) - 1)
        ]
    )


def _blocks(total: int) -> list[slice]:
    return [slice(at, min(at + _BLOCK, total)) for at in range(0, total, _BLOCK)]


def _points(ends: Floats, count: Ints, bends: Floats) -> Floats:
    """Return the points of borders but their last, one border after the other."""
    along = ends[:, 1] - ends[:, 0]
    row = np.repeat(np.arange(len(count)), count)
    share = (np.arange(len(row)) - (np.cumsum(count) - count)[row]) / count[row]
    wave = np.sin(2 * np.pi * share[:, None] * (1 + np.arange(bends.shape[1])))
    off = (wave * bends[row]).sum(axis=1)
    points = ends[row, 0] + share[:, None] * along[row]
    points += off[:, None] * np.column_stack((-along[row, 1], along[row, 0]))
    return np.asarray(np.round(points, 4))


def _part(borders: _Borders, faces: slice) -> _Borders:
    """Return the edges of some polygons, of all borders."""
    face = borders.face[faces.start : faces.stop + 1]
    ring = borders.ring[face[0] : face[-1] + 1]
    edges = slice(*_edge_offsets(borders.ring)[face[[0, -1]]])
    return _Borders(
        ring - ring[0], face - face[0], borders.border[edges], borders.against[edges], borders.ends
    )


def _polygons(borders: _Borders, count: Ints, points: Floats, first: Ints) -> Objects:
    """Return polygons along the points of their borders; first: row of each border's points."""
    number = count[borders.border]
    edge = np.repeat(np.arange(len(number)), number)
    place = np.arange(len(edge)) - np.repeat(np.cumsum(number) - number, number)
    against, of = borders.against[edge], borders.border[edge]
    xy = points[first[of] + np.where(against, (count[of] - place) % count[of], place)]
    turned = against & (place == 0)  # such an edge starts at its border's end
    xy[turned] = borders.ends[of[turned], 1]
    stop = np.concatenate(([0], np.cumsum(number)))[_edge_offsets(borders.ring)]
    ring = stop + np.arange(len(stop))
    xy = np.insert(xy, stop[1:], xy[stop[:-1]], axis=0)  # rings close
    return np.asarray(
        shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy, (ring, borders.face))
    )


def _with_clearings(faces: gpd.GeoDataFrame, every: int) -> gpd.GeoDataFrame:
    """Return the coverage with round clearings in every so manieth forest cell that has room."""
    forest = np.flatnonzero(faces["cell"].to_numpy() < 0)
    spot = shapely.point_on_surface(faces.geometry.to_numpy()[forest])
    room = shapely.distance(shapely.boundary(faces.geometry.to_numpy()[forest]), spot)
    wide = np.flatnonzero(room > _CLEAR_M[0])[::every]
    around = np.linspace(0, 2 * np.pi, _CLEAR_VERTICES, endpoint=False)
    reach = np.minimum(room[wide] / 2, _CLEAR_M[1])[:, None, None]
    centre = shapely.get_coordinates(spot[wide])[:, None]
    circle = shapely.polygons(
        np.round(centre + reach * np.column_stack((np.cos(around), np.sin(around))), 4)
    )
    geometry = faces.geometry.to_numpy().copy()
    geometry[forest[wide]] = shapely.difference(geometry[forest[wide]], circle)
    cleared = faces.iloc[forest[wide]].set_geometry(circle, crs=faces.crs)
    return gpd.GeoDataFrame(
        pd.concat([faces.set_geometry(geometry, crs=faces.crs), cleared], ignore_index=True),
        crs=faces.crs,
    )

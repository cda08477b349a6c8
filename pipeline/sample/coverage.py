"""From lines to a gap-free coverage: everything is noded once, so shared borders are identical."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.measure import adjust, official_area_cm2
from pipeline.sample.lanes import CRS
from pipeline.sample.outline import GRID_M

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.outline import Net
    from pipeline.sample.valleys import Valley

    Objects = NDArray[np.object_]
    Ints = NDArray[np.int64]

_ROUNDS = 8


def mouths(valleys: list[Valley]) -> gpd.GeoDataFrame:
    """Return the first stretch of every side valley: both sides and the stream, clipped.

    Columns: town, now (DLBM), geometry (a point inside).
    """
    rows = []
    for v in valleys:
        if v.parent < 0:
            continue
        above = valleys[v.parent].polygon()
        upto = v.first + 1
        for inner, outer, now in (
            (v.line(1, 0), v.line(1, -1), "0404"),
            (v.line(1, 0), v.line(-1, 0), "1101"),
            (v.line(-1, 0), v.line(-1, -1), "0305"),
        ):
            ring = np.vstack((inner[:upto], outer[:upto][::-1]))
            parts = shapely.get_parts(shapely.Polygon(ring) - above)
            largest = parts[np.argmax(shapely.area(parts))]
            rows.append((int(v.town[v.first]), now, largest.representative_point()))
    frame = pd.DataFrame(rows, columns=["town", "now", "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def _skeleton(valleys: list[Valley]) -> list[shapely.Geometry]:
    """Return lane edges and the cross-sections where valleys begin and end."""
    lines: list[shapely.Geometry] = []
    for v in valleys:
        rows = {s: len(v.edges[s]) for s in (1, -1)}
        across = [
            np.array([v.line(1, r)[k] for r in range(rows[1] - 1, -1, -1)]
                     + [v.line(-1, r)[k] for r in range(rows[-1])])
            for k in (v.first, len(v.axis) - 1)
        ]  # fmt: skip
        lines += [shapely.LineString(a) for a in across]
        for side in (1, -1):
            lines += [shapely.LineString(v.line(side, r)[v.first :]) for r in range(rows[side])]
        if v.parent >= 0:
            above = valleys[v.parent].polygon()
            lines += [
                shapely.LineString(v.line(side, r)[: v.first + 1]) - above
                for side in (1, -1)
                for r in (0, rows[side] - 1)
            ]
    return lines


def _outside(ridges: Objects, valleys: list[Valley]) -> Objects:
    """Return the ridges without what lies on valley floors."""
    floors = np.array([v.polygon() for v in valleys], dtype=object)
    floor_i, ridge_i = shapely.STRtree(ridges).query(floors, predicate="intersects")
    out = ridges.copy()
    for f, r in zip(floor_i, ridge_i, strict=True):
        out[r] = shapely.difference(out[r], floors[f])
    return np.asarray(out[~shapely.is_empty(out)])


def assemble(
    valleys: list[Valley], cuts: Objects, inside: Objects, town: Ints, net: Net, least_m2: float
) -> gpd.GeoDataFrame:
    """Return the coverage: geometry, cell (row of `inside`, −1 for forest), town.

    cuts: lines between cells; inside: one point per cell; town: of each cell; least_m2: forest
    smaller than this joins its neighbours. Raises GengbaoError when a cell isn't exactly one face.
    """
    faces = _faces(valleys, cuts, net.ridges)
    tree = shapely.STRtree(faces)
    cell_i, face_i = tree.query(inside, predicate="within")
    if len(np.unique(cell_i)) < len(inside) or len(np.unique(face_i)) < len(face_i):
        lost = len(inside) - len(np.unique(cell_i))
        double = len(face_i) - len(np.unique(face_i))
        found = f"{lost} 个地块没有图形，{double} 个图形重复"
        raise GengbaoError(Finding("示例县图形", found, "换一个随机种子 --seed"))
    cell = np.full(len(faces), -1)
    cell[face_i] = cell_i
    land = np.full(len(faces), -1)
    land[face_i] = town[cell_i]
    free = np.flatnonzero(cell < 0)
    land[free] = net.towns_at(shapely.point_on_surface(faces[free]))
    keep = land >= 0
    out = gpd.GeoDataFrame({"cell": cell[keep], "town": land[keep]}, geometry=faces[keep], crs=CRS)
    out = _absorb(out, np.array([v.polygon() for v in valleys], dtype=object), least_m2)
    return _without_exclaves(out)


def _faces(valleys: list[Valley], cuts: Objects, ridges: Objects) -> Objects:
    """Return what all lines together enclose."""
    lines = np.concatenate(
        (np.array(_skeleton(valleys), dtype=object), cuts, _outside(ridges, valleys))
    )
    noded = shapely.get_parts(shapely.unary_union(lines, grid_size=GRID_M))
    return np.asarray(shapely.get_parts(shapely.polygonize(noded)))


def _absorb(faces: gpd.GeoDataFrame, floors: Objects, least_m2: float) -> gpd.GeoDataFrame:
    """Give small leftovers beside valleys to forest, one after the other until none is left over.

    Where several lie side by side, only the outermost touches forest at first.
    """
    for _ in range(_ROUNDS):
        fewer = _absorbed(faces, floors, least_m2)
        if len(fewer) == len(faces):
            break
        faces = fewer
    return faces


def _absorbed(faces: gpd.GeoDataFrame, floors: Objects, least_m2: float) -> gpd.GeoDataFrame:
    """Give each small leftover that touches forest to that it shares the longest border with."""
    geometry = faces.geometry.to_numpy()
    tree = shapely.STRtree(geometry)
    forest = (faces["cell"] < 0).to_numpy()
    loose = np.zeros(len(faces), dtype=bool)
    candidates = np.flatnonzero(forest)
    spots = shapely.STRtree(shapely.point_on_surface(geometry[candidates]))
    _, hit = spots.query(floors, predicate="contains")  # the few large ones ask: they are prepared
    loose[candidates[hit]] = True
    small = np.flatnonzero(forest & ((shapely.area(geometry) < least_m2) | loose))
    left, right = tree.query(geometry[small], predicate="touches")
    ok = forest[right] & ~np.isin(right, small)
    left, right = small[left[ok]], right[ok]
    shared = shapely.length(
        shapely.intersection(shapely.boundary(geometry[left]), shapely.boundary(geometry[right]))
    )
    pairs = pd.DataFrame({"left": left, "right": right, "shared": shared})
    best = pairs[pairs["shared"] > 0].sort_values("shared").groupby("left").last()
    group = np.arange(len(faces))
    group[best.index.to_numpy()] = best["right"].to_numpy()
    return _merge(faces, group)


def _merge(faces: gpd.GeoDataFrame, group: Ints) -> gpd.GeoDataFrame:
    """Union the faces of one group; the attributes of the face the group is named after."""
    named, geometry = union_by(faces.geometry.to_numpy(), group)
    out = pd.DataFrame(faces.drop(columns="geometry")).iloc[named].reset_index(drop=True)
    return gpd.GeoDataFrame(out, geometry=geometry, crs=CRS)


def town_shapes(faces: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Return the outline of every town with all its vertices, in the order of the town table."""
    town = faces["town"].to_numpy(np.int64)
    towns = np.unique(town)
    shapes = [shapely.coverage_union_all(faces.geometry.to_numpy()[town == t]) for t in towns]
    return gpd.GeoSeries(shapes, index=towns, crs=CRS)


def _without_exclaves(faces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give forest cut off from its town to the town around it, until every town is one piece."""
    out = faces.copy()
    for _ in range(_ROUNDS):
        shapes = town_shapes(out)
        parts = shapes.explode(index_parts=False)
        size = parts.area
        extra = parts[(size < size.groupby(level=0).transform("max")).to_numpy()]
        if extra.empty:
            return out
        for town, part in extra.items():
            others = shapes.drop(town)
            touch = others.boundary.intersection(part.boundary).length
            spots = out.geometry.representative_point()
            moved = spots.within(part) & (out["town"] == town) & (out["cell"] < 0)
            out["town"] = out["town"].mask(
                moved, touch.index.to_numpy(np.int64)[touch.to_numpy().argmax()]
            )
    raise GengbaoError(Finding("示例县镇界", "有镇不成一片", "换一个随机种子 --seed"))


def closed_areas(faces: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], pd.Series]:
    """Return areas in hundredths of a m² after 平差, and the control area of each town."""
    area = official_area_cm2(faces.geometry.to_numpy(), CRS)
    shapes = town_shapes(faces)
    control = pd.Series(official_area_cm2(shapes.to_numpy(), CRS), index=shapes.index)
    out = area.copy()
    for number, total in zip(control.index, control.to_numpy(), strict=True):
        rows = np.flatnonzero(faces["town"].to_numpy() == number)
        out[rows] = adjust(area[rows], int(total))
    return out, control


def union_by(geometry: Objects, key: Ints) -> tuple[Ints, Objects]:
    """Return the distinct keys in order and the union of each key's (touching) polygons."""
    order = np.argsort(key, kind="stable")
    keys, start, count = np.unique(key[order], return_index=True, return_counts=True)
    out = geometry[order[start]].copy()
    for i in np.flatnonzero(count > 1):
        out[i] = shapely.coverage_union_all(geometry[order[start[i] : start[i] + count[i]]])
    return keys, out

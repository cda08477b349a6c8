"""Plots against each other and against the ground they should cover. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from pipeline import overlay

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

SAME_M2 = 0.01
MAJORITY = 0.5


class Cover(NamedTuple):
    """Pairs of rows that share ground (left < right), which of them are twice the same, gaps."""

    left: Ints
    right: Ints
    shape: Shapes
    same: Bools
    gaps: Shapes


class Around(NamedTuple):
    """Per row: town that holds most of it (position, -1 none), ground in others and outside, m².

    second: the other town with the most of it (-1 none); beyond: the ground outside all towns.
    """

    town: Ints
    second: Ints
    second_m2: Floats
    beyond: dict[int, shapely.Geometry]


def only(shapes: Shapes, chosen: Bools) -> Shapes:
    """Return the chosen shapes, None for the others."""
    kept = shapes.copy()
    kept[~chosen] = None
    return kept


def cover(shapes: Shapes, usable: Ints, extent: Shapes, grid_m: float) -> Cover:
    """Return overlaps from 0.01 m² and gaps of `extent`; shapes: polygons, valid where usable."""
    if not len(usable):
        none = np.empty(0, dtype=np.int64)
        empty = np.empty(0, dtype=object)
        return Cover(none, none, empty, none.astype(bool), empty)
    plots = shapes[usable]
    pairs, gaps = overlay.coverage(overlay.Held(plots), extent, grid_m)
    shared = shapely.area(pairs.shape)
    rest = np.maximum(shapely.area(plots[pairs.left]), shapely.area(plots[pairs.right])) - shared
    return Cover(usable[pairs.left], usable[pairs.right], pairs.shape, rest < SAME_M2, gaps)


def around(shapes: Shapes, usable: Ints, towns: gpd.GeoDataFrame) -> Around:
    """Return where plots lie among the towns; only plots on a border meet an intersection."""
    count = len(shapes)
    polygons = np.asarray(towns.geometry.to_numpy(), dtype=object)
    plots = shapes[usable]
    tree = shapely.STRtree(plots)
    town = np.full(count, -1, dtype=np.int64)
    whole = np.zeros(len(plots), dtype=bool)
    crossing: list[tuple[Ints, int]] = []
    for at, polygon in enumerate(polygons):
        inside = tree.query(polygon, predicate="contains")
        town[usable[inside]] = at
        whole[inside] = True
        hit = np.setdiff1d(tree.query(polygon, predicate="intersects"), inside)
        crossing.append((hit.astype(np.int64), at))
    rows = np.concatenate([hit[~whole[hit]] for hit, _ in crossing] or [np.empty(0, np.int64)])
    which = np.concatenate([np.full((~whole[hit]).sum(), at) for hit, at in crossing])
    parts = overlay.polygonal(shapely.intersection(plots[rows], polygons[which]))
    shared = shapely.area(parts)
    order = np.lexsort((which, -shared, rows))
    rows, which, shared = rows[order], which[order], shared[order]
    first = np.r_[True, rows[1:] != rows[:-1]][: len(rows)]
    then = np.r_[False, first[:-1] & ~first[1:]][: len(rows)]
    full = shapely.area(plots)
    most = first & (shared > MAJORITY * full[rows])
    town[usable[rows[most]]] = which[most]
    second, second_m2 = np.full(count, -1, dtype=np.int64), np.zeros(count)
    second[usable[rows[then]]], second_m2[usable[rows[then]]] = which[then], shared[then]
    covered = np.bincount(rows, weights=shared, minlength=len(plots))
    out = np.flatnonzero(~whole & (full - covered >= SAME_M2))
    county = shapely.union_all(polygons) if len(out) else None
    beyond = overlay.polygonal(shapely.difference(plots[out], county)) if len(out) else out
    return Around(town, second, second_m2, dict(zip(usable[out].tolist(), beyond, strict=True)))

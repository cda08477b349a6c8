"""What lies under the plots on a page without basemap: towns with names, water, roads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from pipeline.reports.page.shapes import coded_rings, inner_points, simplified, to_degrees

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.reports.page.shapes import Point, Shapes

KINDS = (
    ("村庄、城镇", ("05", "06", "07"), "#EADFD8", 0.0),
    ("水面", ("1101", "1102", "1103", "1104"), "#A9CFE6", 0.8),
    ("道路", ("1001", "1002", "1003", "1004", "1006"), "#B9B2A6", 0.8),
)
"""Label, first digits of DLBM, colour, line width in px; drawn in this order."""
DETAIL_M = 3.0
"""Bends smaller than this aren't drawn: a pixel at 1∶1 万."""
LEAST_M2 = 400.0
"""Smaller plots of a kind that is no line on the ground aren't drawn."""


def ground(
    towns: pd.DataFrame, land: pd.DataFrame, crs: str, origin: Point
) -> dict[str, list[dict[str, Any]]]:
    """Return the layers under the plots: `towns` (name, at, rings) and `layers` (of KINDS).

    towns: town, geometry; land: dlbm, geometry; polygons of the working CRS. Simplified towns
    keep their common borders.
    """
    outlines = np.asarray(towns["geometry"], dtype=object)
    drawn = to_degrees(shapely.coverage_simplify(outlines, DETAIL_M), crs)
    rings = coded_rings(drawn, origin)
    places = inner_points(_middles(drawn))
    return {
        "towns": [
            {"name": name, "at": at, "rings": own}
            for name, at, own in zip(towns["town"], places, rings, strict=True)
            if own
        ],
        "layers": [
            {"label": label, "colour": colour, "weight": weight, "rings": rings}
            for label, colour, weight, rings in _layers(land, crs, origin)
            if rings
        ],
    }


def _layers(land: pd.DataFrame, crs: str, origin: Point) -> list[tuple[str, str, float, list[str]]]:
    """Return each kind's plots, coded."""
    codes = land["dlbm"].fillna("").astype(str)
    layers = []
    for label, starts, colour, weight in KINDS:
        shapes = simplified(land["geometry"][codes.str.startswith(starts)], DETAIL_M)
        if not weight:
            shapes = shapes[shapely.area(shapes) >= LEAST_M2]
        coded = coded_rings(to_degrees(shapes, crs), origin)
        layers.append((label, colour, weight, [rings for rings in coded if rings]))
    return layers


def _middles(shapes: Shapes) -> Shapes:
    """Return the largest part of each shape, where its name belongs."""
    middles = np.empty(len(shapes), dtype=object)
    for place, shape in enumerate(shapes):
        parts = shapely.get_parts(shape)
        if len(parts):
            circle = shapely.maximum_inscribed_circle(parts[shapely.area(parts).argmax()], 0.001)
            middles[place] = shapely.Point(circle.coords[0])
    return middles

"""The survey as orientation on small-scale maps: water, roads, settlements, in quiet tones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.render.style import STYLE

if TYPE_CHECKING:
    import geopandas as gpd

    from pipeline.render.frame import MapFrame
    from pipeline.render.sheet import Sheet

LAYERS = (
    ("耕地", ("01",), "#FAF5DC", 0.0),
    ("村庄、城镇", ("05", "06", "07", "08", "09"), "#EBC7BF", 0.0),
    ("水面", ("1101", "1102", "1103", "1104", "1107"), STYLE.water, 0.25),
    ("道路", ("1001", "1002", "1003", "1004", "1006"), "#A9A49B", 0.3),
)
"""Label, first digits of DLBM, colour, least line width in pt; drawn in this order."""
_DETAIL_MM = 0.08
_LEAST_MM2 = 0.04


def draw_context(sheet: Sheet, land: gpd.GeoDataFrame, frame: MapFrame) -> list[tuple[str, str]]:
    """Draw the layers within the frame; return (label, colour) of those there are.

    land: plots with dlbm. Detail below 0.08 mm on paper goes, and so does what is too small to be
    seen; kinds that are lines on the ground keep a least width.
    """
    codes = land["dlbm"].fillna("").astype(str)
    shown = []
    for label, starts, colour, least_pt in LAYERS:
        own = np.asarray(land.geometry, dtype=object)[codes.str.startswith(starts).to_numpy()]
        shapes = frame.to_page(own)
        shapes = shapely.simplify(shapes, _DETAIL_MM / sheet.zoom)
        shapes = shapely.clip_by_rect(shapes, *frame.box)
        areas = np.asarray(shapely.area(shapes))
        shapes = shapes[areas > (0.0 if least_pt else _LEAST_MM2 / sheet.zoom**2)]
        if not len(shapes):
            continue
        sheet.fill(shapes, colour, f"context:{label}")
        if least_pt:
            sheet.lines(list(shapely.boundary(shapes)), least_pt, colour, label)
        shown.append((label, colour))
    return shown

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
    ("耕地", ("01",), "#FAF5DC", 0.1),
    ("村庄、城镇", ("05", "06", "07", "08", "09"), "#EBC7BF", 0.1),
    ("水面", ("1101", "1102", "1103", "1104", "1107"), STYLE.water, 0.25),
    ("道路", ("1001", "1002", "1003", "1004", "1006"), "#A9A49B", 0.3),
)
"""Label, first digits of DLBM, colour, width of its rim in pt; drawn in this order.

The rim has the colour of its ground: it lies under the next layer, so that no paper shines through
where two layers meet, and it keeps a least width for what is a line on the ground.
"""
CODES = tuple(start for _, starts, *_ in LAYERS for start in starts)
"""First digits of what is drawn."""
_DETAIL_MM = 0.15
_LEAST_MM2 = 0.04
_LINE_PT = 0.2
"""Layers with a rim of this or more are lines on the ground, drawn however small."""


def draw_context(sheet: Sheet, land: gpd.GeoDataFrame, frame: MapFrame) -> list[tuple[str, str]]:
    """Draw the layers within the frame; return (label, colour) of those there are.

    land: plots with dlbm. All layers are simplified as one coverage: what two plots share stays
    shared, and plots that don't fit together are simplified each for itself. Detail below 0.15 mm
    on paper goes (by the area of its triangles, shapely.coverage_simplify), and so does what is
    too small to be seen.
    """
    codes = land["dlbm"].fillna("").astype(str)
    layer = np.full(len(land), -1)
    for n, (_, starts, *_) in enumerate(LAYERS):
        layer[codes.str.startswith(starts).to_numpy()] = n
    drawn, layer = np.asarray(land.geometry, dtype=object)[layer >= 0], layer[layer >= 0]
    shapes = shapely.coverage_simplify(frame.to_page(drawn), _DETAIL_MM / sheet.zoom)
    shapes = shapely.clip_by_rect(shapes, *frame.box)
    areas = np.asarray(shapely.area(shapes))
    shown = []
    for n, (label, _, colour, rim_pt) in enumerate(LAYERS):
        least = 0.0 if rim_pt >= _LINE_PT else _LEAST_MM2 / sheet.zoom**2
        own = shapes[(layer == n) & (areas > least)]
        if len(own):
            sheet.fill(own, colour, f"context:{label}", rim_pt=rim_pt)
            shown.append((label, colour))
    return shown

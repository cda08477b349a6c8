"""Inset: the county in small, its towns tinted by 督导组, and where on earth it lies.

No outside boundary data: none is at hand whose licence and datum are settled.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import shapely
from pyproj import CRS, Transformer

from pipeline.render.frame import MapFrame
from pipeline.render.gap_table import whole_mu
from pipeline.render.ground import ground
from pipeline.render.sheet import Box, Ink, Sheet
from pipeline.render.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from pipeline.render.data import MapData

_ROW_MM = 4.6
_TEXT_MM = 9.5


def locator(
    sheet: Sheet, panel: Box, data: MapData, sums: dict[str, tuple[int, Decimal | None]]
) -> None:
    """Draw the inset and beneath it the groups (towns, 亩) and the county's extent in degrees.

    sums: group → (number of towns, 亩); one nameless group draws one tint without a row.
    """
    named = [group for group in sums if group]
    box = panel._replace(bottom=panel.bottom + _TEXT_MM + _ROW_MM * len(named))
    frame = _whole(box, tuple(data.towns.total_bounds))
    land = ground(data.towns, frame)
    sheet.rect(box, STYLE.around)
    tints = {group: STYLE.groups[n % len(STYLE.groups)] for n, group in enumerate(sums)}
    groups = {town.code: town.group for town in data.county.towns}
    for code, shape in land.shapes.items():
        sheet.fill([shape], tints.get(groups.get(code, ""), STYLE.around), "locator")
    if not land.borders.is_empty:
        sheet.lines(land.borders, STYLE.hair_pt, STYLE.town_line, "locator")
    sheet.lines(shapely.boundary(land.county), STYLE.frame_pt, STYLE.ink, "locator")
    sheet.rect(box, "none", STYLE.ink, STYLE.rule_pt)
    y = box.bottom - 1.0
    for group in named:
        y -= _ROW_MM
        count, total = sums[group]
        swatch = Box(panel.left, y + 0.4, panel.left + 6, y + 3.2)
        sheet.rect(swatch, tints[group], STYLE.town_line, STYLE.hair_pt)
        right = f"{count}个 {whole_mu(total)}" + ("亩" if total is not None else "")
        ink = Ink(STYLE.note_pt)
        sheet.text((panel.right, y + 1), right, Ink(STYLE.note_pt, ha="right"))
        room = panel.width - 9 - sheet.width(right, ink)
        sheet.fitted((panel.left + 7.4, y + 1), group, ink, room)
    for text in extent_texts(data):
        y -= 3.4
        ink = Ink(STYLE.small_pt + 0.3, colour=STYLE.quiet)
        sheet.fitted((panel.left, y), text, ink, panel.width)


def _whole(box: Box, bounds: tuple[float, ...]) -> MapFrame:
    """Return a frame that shows the bounds with a small margin; its scale is not a printed one."""
    west, south, east, north = bounds
    room = box.inset(3)
    scale = math.ceil(max((east - west) / room.width, (north - south) / room.height) * 1000)
    return MapFrame(box, scale, (west + east) / 2, (south + north) / 2)


def extent_texts(data: MapData) -> tuple[str, str]:
    """Return the county's extent in CGCS2000 longitude and latitude, outward to whole minutes."""
    crs = CRS(data.county.crs)
    west, south, east, north = Transformer.from_crs(
        crs, crs.geodetic_crs, always_xy=True
    ).transform_bounds(*data.towns.total_bounds)
    return (
        f"东经{_minutes(west, math.floor)}—{_minutes(east, math.ceil)}",
        f"北纬{_minutes(south, math.floor)}—{_minutes(north, math.ceil)}",
    )


def _minutes(degrees: float, rounding: Callable[[float], int]) -> str:
    """Return degrees as 109°06′."""
    minutes = rounding(degrees * 60)
    return f"{minutes // 60}°{minutes % 60:02d}′"

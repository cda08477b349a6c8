"""The map frame: a true scale from a list, kilometre grid, scale bar, 坐标北."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import CRS, Proj, Transformer

from pipeline.errors import Finding, InputError
from pipeline.render.sheet import Box, Ink
from pipeline.render.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.render.sheet import Sheet

    Marks = Sequence[tuple[float, str]]

SCALES = (
    *(
        int(step * 10**power)
        for power in range(3, 7)
        for step in (1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7.5)
    ),
    10_000_000,  # the widest province on A3
)
_STEPS_M = tuple(step * 10**power for power in range(1, 6) for step in (1, 2, 5))
_GRID_MM = 22.0
_BAR_MM = 72.0
_CROSS_MM = 1.2
_CORNER_MM = 5.0
_PREFIXED_M = 1e6
_BAR_SEGMENTS = 4
_KM = 1000
_ALBERS = (
    "Longitude of false origin", "Latitude of 1st standard parallel",
    "Latitude of 2nd standard parallel",
)  # fmt: skip
"""EPSG names of what makes an Albers equal-area projection one's own."""
_GROUPED_FROM = 10_000
"""Scales from here have their digits in threes."""


@dataclass(frozen=True, slots=True)
class MapFrame:
    """A window of ground on the page: box in mm, scale 1:N, ground coordinates of its centre.

    zoom: of the sheet; scale is that of the printed paper.
    """

    box: Box
    scale: int
    east_m: float
    north_m: float
    zoom: float = 1.0

    @property
    def mm_per_m(self) -> float:
        """Length of a metre of ground in mm of the design."""
        return 1000 / (self.scale * self.zoom)

    def to_page(self, geometry: Any) -> Any:  # noqa: ANN401 - one geometry or an array, as shapely has it
        """Return geometries in working coordinates (m) as page mm."""
        origin, centre = np.array([self.east_m, self.north_m]), np.array(self.box.centre)
        return shapely.transform(geometry, lambda xy: (xy[:, :2] - origin) * self.mm_per_m + centre)

    @property
    def ground(self) -> tuple[float, float, float, float]:
        """West, south, east, north limits in m."""
        half_w, half_h = (mm / self.mm_per_m / 2 for mm in (self.box.width, self.box.height))
        east, north = self.east_m, self.north_m
        return east - half_w, north - half_h, east + half_w, north + half_h


def fit_frame(
    box: Box, bounds: tuple[float, float, float, float], margin_mm: float, zoom: float = 1.0
) -> MapFrame:
    """Return the frame at the largest listed scale that shows the bounds with a margin.

    Raises InputError when even the smallest scale doesn't (the coordinates can't be a county's).
    """
    west, south, east, north = bounds
    room = box.inset(margin_mm)
    needed = max((east - west) / room.width, (north - south) / room.height) * 1000 / zoom
    scale = next((n for n in SCALES if n >= needed), None)
    if scale is None:
        raise InputError(
            Finding(
                "图层 towns",
                f"范围 {(east - west) / 1000:.0f} × {(north - south) / 1000:.0f} 公里，不是一个县",
                "请检查镇界图层的坐标",
            )
        )
    return MapFrame(box, scale, (west + east) / 2, (south + north) / 2, zoom)


def _step_m(frame: MapFrame, wanted_mm: float) -> float:
    """Return the first round distance at least so long on the sheet."""
    return next(float(step) for step in _STEPS_M if step * frame.mm_per_m >= wanted_mm)


def projection(crs: str) -> tuple[int, float, float]:
    """Return (3° zone, central meridian in degrees, false easting in m) of a Gauss-Krüger CRS."""
    operation = CRS(crs).coordinate_operation
    params = {} if operation is None else {p.name: p.value for p in operation.params}
    meridian = float(params.get("Longitude of natural origin", 0.0))
    return round(meridian / 3), meridian, float(params.get("False easting", 0.0))


def prefix_m(crs: str) -> float:
    """Return what to add to an easting so that it carries its zone; 0 where it does already."""
    zone, _, false_easting = projection(crs)
    return 0.0 if false_easting >= _PREFIXED_M else zone * _PREFIXED_M


def gauss(crs: str) -> bool:
    """Tell whether a CRS is a Gauss-Krüger zone: it has a kilometre grid of its own."""
    operation = CRS(crs).coordinate_operation
    return operation is not None and operation.method_name == "Transverse Mercator"


def crs_text(crs: str) -> str:
    """Return a CRS as printed: the zone, or the projection for the counties of several."""
    zone, meridian, _ = projection(crs)
    if gauss(crs):
        return f"CGCS2000 3°带第{zone}带（中央经线{meridian:g}°E）"
    operation = CRS(crs).coordinate_operation
    values = {p.name: f"{p.value:g}°" for p in operation.params} if operation else {}
    middle, *parallels = (values[name] for name in _ALBERS)
    return f"CGCS2000 阿尔伯斯等积圆锥投影（{middle}E；{'、'.join(parallels)}N）"


def neat_grid(sheet: Sheet, frame: MapFrame, crs: str, avoid: Sequence[Box]) -> float:
    """Draw crosses of the kilometre grid, ticks and labels on the frame; return the step in m.

    Eastings carry the zone prefix. Crosses under one of the boxes to avoid are left out.
    """
    step = _step_m(frame, _GRID_MM)
    west, south, east, north = frame.ground
    eastings = np.arange(np.ceil(west / step), np.floor(east / step) + 1) * step
    northings = np.arange(np.ceil(south / step), np.floor(north / step) + 1) * step
    draw_crosses(sheet, frame, [(e, n) for e in eastings for n in northings], avoid)
    shift = prefix_m(crs)
    decimals = next((n for n in range(3) if step * 10**n % 1000 == 0), 3)
    across = [
        (frame.to_page(shapely.Point(easting, north)).x, f"{(easting + shift) / 1000:.{decimals}f}")
        for easting in eastings
    ]
    upward = [
        (frame.to_page(shapely.Point(east, northing)).y, f"{northing / 1000:.{decimals}f}")
        for northing in northings
    ]
    edge_labels(sheet, frame.box, (across, across), (upward, upward))
    return step


def edge_labels(
    sheet: Sheet, box: Box, across: tuple[Marks, Marks], upward: tuple[Marks, Marks]
) -> None:
    """Draw ticks and labels on the edges where grid lines meet them: x or y in mm, and the label.

    across: on the lower and the upper edge; upward: on the left and the right one.
    """
    ink = Ink(STYLE.grid_pt, colour=STYLE.quiet, ha="center")
    ticks = []
    for marks, edge, way, gap in zip(
        across, (box.bottom, box.top), (-1, 1), (-3.6, 1.9), strict=True
    ):
        for x, label in marks:
            ticks.append([(x, edge), (x, edge + way * _CROSS_MM)])
            if box.left + _CORNER_MM < x < box.right - _CORNER_MM:
                sheet.text((x, edge + gap), label, ink)
    for marks, edge, way, gap in zip(
        upward, (box.left, box.right), (-1, 1), (-1.9, 3.7), strict=True
    ):
        for y, label in marks:
            ticks.append([(edge, y), (edge + way * _CROSS_MM, y)])
            if box.bottom + _CORNER_MM < y < box.top - _CORNER_MM:
                sheet.text((edge + gap, y), label, ink, rotation=90)
    sheet.strokes(ticks, STYLE.rule_pt)


def draw_crosses(
    sheet: Sheet, frame: MapFrame, at: Sequence[tuple[float, float]], avoid: Sequence[Box]
) -> None:
    """Draw a cross at each point of the ground (m), but under the boxes to avoid."""
    if not at:
        return
    crosses = frame.to_page(shapely.points(list(at)))
    taken = shapely.union_all([area.inset(-1).shape() for area in avoid])
    clear = crosses[~shapely.intersects(taken, shapely.buffer(crosses, _CROSS_MM))]
    arms = [
        [(cross.x - dx, cross.y - dy), (cross.x + dx, cross.y + dy)]
        for cross in clear
        for dx, dy in ((_CROSS_MM, 0), (0, _CROSS_MM))
    ]
    sheet.strokes(arms, STYLE.hair_pt)


def distance_text(metres: float) -> str:
    """Return a round distance as 公里 or 米."""
    return f"{metres / 1000:g}公里" if metres >= _KM else f"{metres:g}米"


def scale_text(scale: int) -> str:
    """Return the numeric scale as printed, such as 1∶5000, 1∶300 000."""
    return f"1∶{scale}" if scale < _GROUPED_FROM else "1∶" + f"{scale:,}".replace(",", " ")


def scale_bar(sheet: Sheet, frame: MapFrame, left: float, bottom: float) -> float:
    """Draw an alternating bar of four equal parts with its distances; return its right end.

    Kilometres, or metres where the whole bar is shorter than one.
    """
    longest = _BAR_MM / _BAR_SEGMENTS / frame.mm_per_m
    part_m = float(max(step for step in _STEPS_M if step <= longest))
    part = part_m * frame.mm_per_m
    unit_m, unit = (1, "米") if part_m * _BAR_SEGMENTS < _KM else (_KM, "公里")
    ink = Ink(STYLE.grid_pt, ha="center")
    for n in range(_BAR_SEGMENTS):
        face = STYLE.ink if n % 2 == 0 else STYLE.paper
        start = left + n * part
        sheet.rect(Box(start, bottom, start + part, bottom + 1.5), face, STYLE.ink, STYLE.rule_pt)
    for n in range(_BAR_SEGMENTS + 1):
        label = f"{n * part_m / unit_m:g}"
        sheet.text((left + n * part, bottom + 2.5), label, ink)
    end = left + _BAR_SEGMENTS * part
    sheet.text((end + 3.5, bottom + 2.5), unit, Ink(STYLE.grid_pt))
    return end + 9


def grid_north(sheet: Sheet, frame: MapFrame, crs: str, at: tuple[float, float]) -> Box:
    """Draw the arrow of grid north with the meridian convergence; return the ground it takes.

    Convergence: angle from true north to grid north, positive east (PROJ).
    """
    x, y = at
    sheet.rect(Box(x - 8, y - 5, x + 8, y + 16.5), STYLE.paper, STYLE.rule, STYLE.hair_pt)
    sheet.polygon([(x, y + 15), (x - 3, y + 4), (x, y + 6.4)], STYLE.ink, STYLE.rule_pt)
    sheet.polygon([(x, y + 15), (x + 3, y + 4), (x, y + 6.4)], STYLE.paper, STYLE.rule_pt)
    sheet.text((x, y), "坐标北", Ink(STYLE.body_pt, bold=True, ha="center"))
    lonlat = Transformer.from_crs(crs, CRS(crs).geodetic_crs, always_xy=True).transform(
        frame.east_m, frame.north_m
    )
    angle = float(Proj(crs).get_factors(*lonlat).meridian_convergence)
    tenths = round(angle * 10)
    sign = "−" if tenths < 0 else "+" if tenths else ""
    text = f"收敛角 {sign}{abs(tenths) / 10:.1f}°"
    sheet.text((x, y - 3.2), text, Ink(STYLE.small_pt, colour=STYLE.quiet, ha="center"))
    return Box(x - 9, y - 5, x + 9, y + 17)

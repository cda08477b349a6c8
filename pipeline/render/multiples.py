"""Small multiples: the county again and again in small, one scale, one legend, one sheet A3."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import shapely

from pipeline.render import furniture as kit
from pipeline.render.frame import MapFrame
from pipeline.render.ground import Ground, ground
from pipeline.render.labels import Wanted, write
from pipeline.render.labels import place as placed
from pipeline.render.sheet import Box, Ink, new_sheet
from pipeline.render.style import STYLE, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

    from pipeline.render.data import MapData
    from pipeline.render.sheet import Sheet

_FOOT_MM = 44.0
_GAP_MM = 4.0
_HEAD_MM = 11.5


@dataclass(frozen=True, slots=True)
class Mark:
    """What a town shows in a panel: fill, its figure in a few characters."""

    colour: str
    figure: str
    hatch: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One small map: heading, figure beneath it, marks by town code; accent: its swatch."""

    title: str
    figure: str
    marks: dict[str, Mark]
    accent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What stands around the panels; legend rows sum to the total."""

    title: str
    headline: str
    legend_title: str
    heads: tuple[str, ...]
    legend: Sequence[kit.LegendRow]
    total: kit.LegendRow
    notes: Sequence[str]
    fingerprint: str


def draw(
    data: MapData,
    panels: Sequence[Panel],
    words: Words,
    extra: Callable[[Sheet, Box], None] | None = None,
) -> Figure:
    """Draw the panels over legend, notes and title block; extra draws into what the row leaves."""
    sheet = new_sheet(page("A3"))
    room = kit.neatlines(sheet)
    top = kit.titles(
        sheet, room, words.title, words.headline,
        kit.subtitle(data),
    )  # fmt: skip
    area = Box(room.left + 4, room.bottom + _FOOT_MM + 22, room.right - 4, top)
    boxes = _grid(area, len(panels) + (extra is not None))
    frame = _common_frame(boxes[0], data)
    for box, panel in zip(boxes, panels, strict=False):
        _panel(sheet, box, panel, replace(frame, box=_map_box(box)), data)
    if extra is not None:
        extra(sheet, boxes[-1]._replace(right=area.right))
    _foot(sheet, data, frame, words)
    if data.county.sample:
        kit.sample_mark(sheet, (room.right - 50, room.top - 17))
    kit.run_line(sheet, room, data.product_id, words.fingerprint)
    return sheet.figure


def _grid(area: Box, count: int) -> list[Box]:
    """Return boxes for the panels, rows of equal length, the nearest to square."""
    columns = next(n for n in range(1, count + 1) if n * max(1, round(n / 2.2)) >= count)
    rows = math.ceil(count / columns)
    width = (area.width - _GAP_MM * (columns - 1)) / columns
    height = (area.height - _GAP_MM * (rows - 1)) / rows
    lefts = [area.left + n * (width + _GAP_MM) for n in range(columns)]
    tops = [area.top - n * (height + _GAP_MM) for n in range(rows)]
    return [Box(x, y - height, x + width, y) for y in tops for x in lefts][:count]


def _map_box(box: Box) -> Box:
    return box._replace(top=box.top - _HEAD_MM)


def _common_frame(box: Box, data: MapData) -> MapFrame:
    """Return the frame of a panel: the whole county, at a scale of two digits."""
    west, south, east, north = (float(v) for v in data.towns.total_bounds)
    room = _map_box(box).inset(2.5)
    needed = max((east - west) / room.width, (north - south) / room.height)
    unit = 10 ** max(0, math.floor(math.log10(needed * 1000)) - 1)
    scale = math.ceil(needed * 1000 / unit) * unit
    return MapFrame(_map_box(box), scale, (west + east) / 2, (south + north) / 2)


def _panel(sheet: Sheet, box: Box, panel: Panel, frame: MapFrame, data: MapData) -> None:
    """Draw one small map with its heading."""
    sheet.rect(box, STYLE.around)
    sheet.rect(Box(box.left, frame.box.top, box.right, box.top), STYLE.paper)
    left = box.left + 2
    if panel.accent:
        sheet.rect(
            Box(left, box.top - 5.2, left + 5, box.top - 1.8), panel.accent, STYLE.town_line,
            STYLE.hair_pt,
        )  # fmt: skip
        left += 7
    width = box.right - left - 2
    sheet.fitted((left, box.top - 5), panel.title, Ink(STYLE.panel_pt, bold=True), width)
    sheet.fitted((box.left + 2, box.top - 10), panel.figure, Ink(STYLE.body_pt), box.width - 4)
    land = ground(data.towns, frame)
    for code, shape in land.shapes.items():
        mark = panel.marks.get(code, Mark(STYLE.nodata, "无数据", STYLE.nodata_hatch))
        sheet.fill([shape], mark.colour, f"town:{code}", mark.hatch)
    _borders(sheet, land)
    names = dict(zip(data.towns["town_code"], data.towns["town"], strict=True))
    wanted = [
        Wanted(shape, names[code], panel.marks[code].figure, "", panel.marks[code].colour)
        for code, shape in land.shapes.items()
        if code in panel.marks
    ]
    write(sheet, placed(sheet, wanted, frame.box, ()))
    sheet.rect(box, "none", STYLE.rule, STYLE.rule_pt)


def _borders(sheet: Sheet, land: Ground) -> None:
    """Draw borders thinner than on a large map, with a light edge that shows on dark fills."""
    if not land.borders.is_empty:
        sheet.lines(land.borders, STYLE.frame_pt, STYLE.paper, "towns")
        sheet.lines(land.borders, STYLE.hair_pt, STYLE.town_line, "towns")
    sheet.lines(shapely.boundary(land.county), STYLE.frame_pt, STYLE.ink, "county")


def _foot(sheet: Sheet, data: MapData, frame: MapFrame, words: Words) -> None:
    """Draw legend, notes and title block beneath the panels."""
    room = sheet.room.inset(14)
    low, high = room.bottom + 2, room.bottom + _FOOT_MM + 14
    wide = Box(room.left, low, room.left + 112, high)
    panel = kit.band(sheet, wide, words.legend_title)
    kit.legend(sheet, panel, ("分级", *words.heads), words.legend, words.total)
    notes_box = Box(wide.right + 5, low, wide.right + 152, high)
    place = kit.band(sheet, notes_box, "说明")
    texts = [*words.notes, "各小图比例尺相同。", kit.BOUNDARY_NOTE]
    if data.county.sample:
        texts.append(f"{kit.SAMPLE_MARK}：界线与图斑均为合成，非真实成果。")
    kit.notes(sheet, place._replace(top=place.top - 2.2), texts)
    block = kit.band(sheet, Box(notes_box.right + 5, low, room.right, high), "图件信息")
    kit.title_block(sheet, block, data, frame.scale)

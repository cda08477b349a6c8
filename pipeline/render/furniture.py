"""What stands around every map: neatline, titles, panels, legend, bars, title block, notes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP
from typing import TYPE_CHECKING

from pipeline.render.frame import crs_text, scale_text
from pipeline.render.pdf import PAGE_URL
from pipeline.render.scope import COUNTY
from pipeline.render.sheet import Box, Ink, Sheet
from pipeline.render.style import PT_MM, STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from decimal import Decimal

    from pipeline.render.data import MapData

BOUNDARY_NOTE = COUNTY.note
SAMPLE_MARK = "示例数据"
_BAND_MM = 6.8
_WIDE_ROW_MM = 7.0
_LEGEND_ROW_MM = 5.7


@dataclass(frozen=True, slots=True)
class LegendRow:
    """A class in the legend: swatch (colour, hatch), label, and its columns as printed."""

    colour: str
    label: str
    columns: tuple[str, ...]
    hatch: str = ""


@dataclass(frozen=True, slots=True)
class BarRow:
    """A town in the ranking: printed figures; share of the longest bar from 0 to 1."""

    rank: str
    name: str
    length: float
    colour: str
    value: str
    columns: tuple[str, ...]


def chinese_date(day: date) -> str:
    """Return a date as 2023年9月30日."""
    return f"{day.year}年{day.month}月{day.day}日"


def issue_text(data: MapData) -> str:
    """Return which issue this is: the count of exports from the ledger's on, and the date."""
    if data.scope.issue:
        return data.scope.issue
    number = sum(data.county.ledger <= day <= data.export for day in data.county.exports)
    name = "，台账首期" if data.export == data.county.ledger else ""
    return f"第{number}期（{data.export.isoformat()}{name}）"


def subtitle(data: MapData) -> str:
    """Return the line beneath a title: of when the data is, which issue, until when to do it."""
    text = f"数据截至{chinese_date(data.export)} · {issue_text(data)}"
    limit = f" · 整改期限{chinese_date(data.county.deadline)}"
    return text + (limit if data.scope.deadline else "")


def neatlines(sheet: Sheet) -> Box:
    """Draw the thick outer and thin inner line; return the room within."""
    outer = sheet.room.inset(8)
    sheet.rect(outer, "none", STYLE.ink, STYLE.neatline_outer_pt)
    inner = outer.inset(2)
    sheet.rect(inner, "none", STYLE.ink, STYLE.neatline_inner_pt)
    return inner


def titles(sheet: Sheet, room: Box, title: str, headline: str, subtitle: str) -> float:
    """Write title, finding and subtitle, centred below the upper neatline; return the y beneath."""
    middle, width = room.centre[0], room.width - 12
    lines = (
        (title, Ink(STYLE.title_pt, bold=True, ha="center"), 13.5),
        (headline, Ink(STYLE.headline_pt, bold=True, colour=STYLE.accent, ha="center"), 22.3),
        (subtitle, Ink(STYLE.subtitle_pt, colour=STYLE.quiet, ha="center"), 28.6),
    )
    for text, ink, down in lines:
        sheet.fitted((middle, room.top - down), text, ink, width)
    return room.top - 31


def band(sheet: Sheet, panel: Box, text: str) -> Box:
    """Draw a panel's heading; return the room beneath it."""
    bottom = panel.top - _BAND_MM
    sheet.rect(Box(panel.left, bottom, panel.right, panel.top), STYLE.band)
    ink = Ink(STYLE.panel_pt, bold=True, colour=STYLE.paper)
    sheet.fitted((panel.left + 3, bottom + 2.1), text, ink, panel.width - 6)
    return Box(panel.left, panel.bottom, panel.right, bottom)


def legend(
    sheet: Sheet, panel: Box, heads: tuple[str, ...], rows: Sequence[LegendRow], total: LegendRow,
    *, step: float = 27.0,
) -> float:  # fmt: skip
    """Write the legend's classes, worst first, with their columns and the total; return the y.

    heads: of the labels, then of the columns; step: width of a column in mm.
    """
    of, *heads_of_columns = heads
    stops = _stops(panel, len(heads_of_columns), step)
    narrow = len(stops) > 2  # noqa: PLR2004 - the swatch makes room
    swatch = Box(panel.left + 3, 0, panel.left + (9 if narrow else 15), 0)
    y = panel.top - 4.4
    columns(sheet, y, stops, heads_of_columns, Ink(STYLE.note_pt, colour=STYLE.quiet, ha="right"))
    sheet.text((swatch.right + 3, y), of, Ink(STYLE.note_pt, colour=STYLE.quiet))
    size = _fitting_pt(sheet, [*rows, total], step - 1.6) if narrow else STYLE.body_pt
    for row in rows:
        y -= _LEGEND_ROW_MM
        area = Box(swatch.left, y - 1.0, swatch.right, y + 3.2)
        sheet.rect(area, row.colour, STYLE.town_line, STYLE.rule_pt, hatch=row.hatch)
        width = stops[0] - swatch.right - (11 if narrow else 15)
        sheet.fitted((swatch.right + 3, y), row.label, Ink(STYLE.body_pt), width)
        columns(sheet, y, stops, row.columns, Ink(size, ha="right"))
    y -= _LEGEND_ROW_MM + 0.6
    _rule(sheet, panel, y + 4.3)
    sheet.text((swatch.right + 3, y), total.label, Ink(STYLE.body_pt, bold=True))
    columns(sheet, y, stops, total.columns, Ink(size, bold=True, ha="right"))
    return y - 1.6


def _fitting_pt(sheet: Sheet, rows: Sequence[LegendRow], width_mm: float) -> float:
    """Return the size at which every figure keeps clear of the column before it."""
    ink = Ink(STYLE.body_pt, bold=True)
    widest = max(sheet.width(text, ink) for row in rows for text in row.columns)
    return max(STYLE.small_pt, STYLE.body_pt * min(1.0, width_mm / widest))


def line_legend(
    sheet: Sheet, panel: Box, y: float, lines: Sequence[tuple[str, float, str]]
) -> float:
    """Write the legend's line signs (label, width in pt, colour) side by side; return the y."""
    y -= 4.2
    share = (panel.width - 6) / len(lines)
    for n, (label, width_pt, colour) in enumerate(lines):
        left = panel.left + 3 + n * share
        sheet.line([(left, y + 1.1), (left + 12, y + 1.1)], width_pt, colour)
        sheet.text((left + 14, y), label, Ink(STYLE.note_pt + 1))
    return y - 2.4


def bar_rows(panel: Box, count: int, least_mm: float = 3.2) -> int:
    """Return how many of so many rows have bars of their own; the rest shares the last one."""
    most = max(1, int((panel.height - 7) / least_mm - 1.4))
    return count if count <= most else most - 1


def bars(
    sheet: Sheet, panel: Box, heads: tuple[str, ...], rows: Sequence[BarRow], total: BarRow,
    *, most_mm: float = _WIDE_ROW_MM,
) -> None:  # fmt: skip
    """Draw the ranking: rank, name, bar with its figure, columns; rows share the height.

    most_mm: the highest row, where there are few.
    """
    step = min(most_mm, (panel.height - 7) / (len(rows) + 1.4))
    most_pt = STYLE.panel_pt if step > _WIDE_ROW_MM else STYLE.body_pt
    size = max(STYLE.small_pt, min(most_pt, step / PT_MM * 0.62))
    plain, quiet = Ink(size), Ink(STYLE.note_pt, colour=STYLE.quiet, ha="right")
    stops = _stops(panel, len(heads) - 1, 15)
    name_at = panel.left + 8.5
    names = max(sheet.width(row.name, plain) for row in rows) if rows else 0.0
    names = min(names, panel.width * 0.36)
    bar_at = name_at + names + 2.5
    longest = stops[0] - 13 - bar_at - max((sheet.width(r.value, plain) for r in rows), default=0)
    y = panel.top - 4.2
    sheet.text((bar_at, y), heads[0], Ink(STYLE.note_pt, colour=STYLE.quiet))
    columns(sheet, y, stops, heads[1:], quiet)
    y -= 1.4
    top = y
    for row in rows:
        y -= step
        foot = y + step / 2 - size * PT_MM * 0.37
        sheet.text((panel.left + 6, foot), row.rank, Ink(size, colour=STYLE.quiet, ha="right"))
        sheet.fitted((name_at, foot), row.name, plain, names + 0.2)
        if row.length:
            bar = Box(bar_at, y + step * 0.17, bar_at + longest * row.length, y + step * 0.83)
            sheet.rect(bar, row.colour, STYLE.town_line, STYLE.hair_pt)
        sheet.text((bar_at + longest * row.length + 1.2, foot), row.value, plain)
        columns(sheet, foot, stops, row.columns, Ink(size, ha="right"))
    sheet.line([(bar_at, top), (bar_at, y)], STYLE.rule_pt, STYLE.rule)
    _rule(sheet, panel, y - 0.6)
    strong, y = Ink(size, bold=True), y - step * 0.9
    sheet.text((name_at, y), total.name, strong)
    sheet.fitted((bar_at, y), total.value, strong, stops[0] - 13 - bar_at)
    columns(sheet, y, stops, total.columns, Ink(size, bold=True, ha="right"))


def _stops(panel: Box, count: int, step: float) -> list[float]:
    """Return the right edges of the last `count` columns of a panel."""
    return [panel.right - 3 - step * n for n in reversed(range(count))]


def columns(sheet: Sheet, y: float, stops: Sequence[float], texts: Sequence[str], ink: Ink) -> None:
    """Write texts against their right edges."""
    for stop, text in zip(stops, texts, strict=True):
        sheet.text((stop, y), text, ink)


def _rule(sheet: Sheet, panel: Box, y: float) -> None:
    """Draw a thin line across a panel."""
    sheet.line([(panel.left + 3, y), (panel.right - 3, y)], STYLE.rule_pt, STYLE.ink)


def title_block(sheet: Sheet, panel: Box, data: MapData, scale: int) -> None:
    """Draw the table of particulars; 密级 and 审图号 stay blank for a person."""
    rows = (
        ("坐标系", crs_text(data.county.crs)),
        (
            "比例尺",
            f"{scale_text(scale)}（A3原大）" if sheet.page.name == "A3" else scale_text(scale),
        ),
        ("面积口径", "椭球面积；1亩=2000/3平方米"),
        ("编制单位", data.county.publisher),
        ("制图时间", f"{chinese_date(data.export)}（数据日期）"),
        ("数据期次", issue_text(data)),
        ("密级", ""),
        ("审图号", ""),
    )
    step, split = panel.height / len(rows), panel.left + 15
    for n, (name, value) in enumerate(rows):
        row = Box(panel.left, panel.top - (n + 1) * step, panel.right, panel.top - n * step)
        sheet.rect(Box(row.left, row.bottom, split, row.top), STYLE.around)
        sheet.rect(row, "none", STYLE.rule, STYLE.rule_pt)
        foot = row.bottom + step / 2 - STYLE.note_pt * PT_MM * 0.37
        sheet.text((row.left + 1.6, foot), name, Ink(STYLE.note_pt, bold=True))
        if value:
            sheet.fitted((split + 1.4, foot), value, Ink(STYLE.note_pt), row.right - split - 2)
    sheet.line([(split, panel.top), (split, panel.bottom)], STYLE.rule_pt, STYLE.rule)


def notes(sheet: Sheet, panel: Box, texts: Sequence[str]) -> None:
    """Write numbered notes; a smaller size is taken when they don't fit at the usual one."""
    for size in (STYLE.note_pt + 0.8, STYLE.note_pt, STYLE.small_pt):
        ink = Ink(size)
        wrapped = [sheet.wrapped(text, ink, panel.width - 3.4) for text in texts]
        if sum(map(len, wrapped)) * size * PT_MM * 1.42 <= panel.height:
            break
    y = panel.top
    for n, text in enumerate(texts, 1):
        sheet.text((panel.left, y - ink.size_pt * PT_MM), f"{n}.", ink)
        y = sheet.paragraph((panel.left + 3.4, y), text, ink, panel.width - 3.4)


def sample_mark(sheet: Sheet, at: tuple[float, float]) -> Box:
    """Stamp 示例数据 in a red frame with its lower left corner at a point; return the stamp."""
    stamp = Box(at[0], at[1], at[0] + 46, at[1] + 15)
    sheet.rect(stamp, STYLE.paper, STYLE.accent, STYLE.county_pt)
    middle = stamp.centre[0]
    mark = Ink(20, bold=True, colour=STYLE.accent, ha="center")
    sheet.text((middle, stamp.bottom + 6.6), SAMPLE_MARK, mark)
    ink = Ink(STYLE.note_pt, colour=STYLE.accent, ha="center")
    sheet.text((middle, stamp.bottom + 2.2), "界线与图斑均为合成，非真实成果", ink)
    return stamp


def run_line(sheet: Sheet, room: Box, product_id: str, fingerprint: str = "") -> None:
    """Write the product's id and the break table's hash, if any, small, at the page's foot."""
    text = f"产品编号 {product_id}" + (f"  分级表 {fingerprint}" if fingerprint else "")
    sheet.text((room.left + 6, room.bottom + 2.4), text, Ink(STYLE.small_pt, colour=STYLE.quiet))


def page_url(number: int) -> str:
    """Return the address that `join` turns into a jump to a page of the same book."""
    return f"{PAGE_URL}{number}"


def decimal_text(value: Decimal, step: Decimal) -> str:
    """Return a figure half-up to a step, with thousands separated."""
    return f"{value.quantize(step, ROUND_HALF_UP):,}"


def page_foot(sheet: Sheet, data: MapData, number: int, pages: int) -> None:
    """Write the foot of a book's page: product id, what areas and borders are, page number."""
    room = sheet.room.inset(10)
    ink = Ink(STYLE.small_pt, colour=STYLE.quiet)
    text = (
        f"产品编号 {data.product_id}  {crs_text(data.county.crs)}，"
        f"公里网单位公里  面积为椭球面积，1亩=2000/3平方米  {BOUNDARY_NOTE}"
    )
    sheet.text((room.left + 4, room.bottom + 2.2), text, ink)
    right = Ink(STYLE.note_pt + 1, ha="right")
    sheet.text((room.right - 4, room.bottom + 2.2), f"第{number}页 共{pages}页", right)

"""排名图: every county of a province by completion rate, the three indicators side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.render import furniture as kit
from pipeline.render.breaks import load_breaks
from pipeline.render.chart import INDICATORS, cells, chart_page
from pipeline.render.data import MapSpec
from pipeline.render.gap_table import GapTable, done, gap_table, whole_mu
from pipeline.render.sheet import Box, Ink
from pipeline.render.style import STYLE, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.figure import Figure

    from pipeline.render.breaks import Breaks
    from pipeline.render.data import MapData
    from pipeline.render.gap_table import TownGap
    from pipeline.render.scope import Scope
    from pipeline.render.sheet import Sheet

_ROOM = Box(14.0, 24.0, 406.0, 250.0)
_ROWS = 34
_MOST_ROW_MM = 18.0
_CLASSES = "cropland_rate"
_HEADS = ("完成率", "已恢复亩", "剩余亩")


def draw(data: MapData) -> Iterator[Figure]:
    """Yield as many pages as the counties need, each indicator's in its own order."""
    tables = [gap_table(data, indicator.value) for indicator, _ in INDICATORS]
    breaks = load_breaks(_CLASSES)
    count = max(1, *(len(table.towns) for table in tables))
    for first in range(0, count, _ROWS):
        sheet = chart_page(data, "整改完成率排名图", headline(tables, data.scope))
        boxes = cells(_ROOM, len(tables), len(tables), 4.0)
        for box, table, (_, label) in zip(boxes, tables, INDICATORS, strict=True):
            room = kit.band(sheet, box, label)
            own = standings(table, breaks)[first : first + _ROWS]
            kit.bars(sheet, room, _HEADS, own, _total(table), most_mm=_MOST_ROW_MM)
        _note(sheet, tables, data.scope.part, range(first, count))
        yield sheet.figure


def standings(table: GapTable, breaks: Breaks) -> list[kit.BarRow]:
    """Return the counties by rate, the highest first; ties share a rank; without data last."""
    order = sorted(table.known, key=lambda town: (-(town.done_pct or 0), town.code))
    rows = [
        kit.BarRow(
            str(1 + sum((other.done_pct or 0) > (town.done_pct or 0) for other in order)),
            town.town, float((town.done_pct or 0) / 100),
            breaks.of(town.permille).colour if town.permille is not None else STYLE.nodata,
            done(town), (whole_mu(town.restored), whole_mu(town.remaining)),
        )
        for town in order
    ]  # fmt: skip
    missing = [town for town in table.towns if town.remaining is None]
    return rows + [kit.BarRow("", town.town, 0.0, "", "无数据", ("", "")) for town in missing]


def headline(tables: Sequence[GapTable], scope: Scope) -> str:
    """Say how far the whole is in each indicator, and who is first and last in the first."""
    parts = [
        f"{label}{done(table.county)}"
        for table, (_, label) in zip(tables, INDICATORS, strict=True)
        if table.county is not None
    ]
    if not parts:
        return f"{scope.whole}没有完成率数据"
    text = f"{scope.whole}完成率：{'、'.join(parts)}"
    order: list[TownGap] = sorted(tables[0].known, key=lambda town: town.done_pct or 0)
    if len(order) > 1 and order[0].done_pct != order[-1].done_pct:
        ends = [[t for t in order if t.done_pct == end.done_pct] for end in (order[-1], order[0])]
        first, last = (
            own[0].town if len(own) == 1 else f"{len(own)}个{scope.part}" for own in ends
        )
        text += f"；{INDICATORS[0][1]}{first}居首，{last}居末"
    return text


def _total(table: GapTable) -> kit.BarRow:
    county = table.county
    restored = whole_mu(county.restored if county else None)
    rate = done(county) if county else "—"
    return kit.BarRow("", "合计", 0.0, "", rate, (restored, whole_mu(table.remaining)))


def _note(sheet: Sheet, tables: Sequence[GapTable], part: str, places: range) -> None:
    """Write beneath what the figures are, and which places (from 0, of the last) the page has."""
    missing, count = len(tables[0].towns) - len(tables[0].known), places.stop
    text = f"完成率=已恢复÷应恢复，由高到低，同率同名次，颜色分级同完成率图；各{part}取其最新一期。"
    text += f"无数据的{missing}个{part}未计入合计。" if missing else ""
    if count > _ROWS:
        last = min(places.start + _ROWS, count)
        text += f"本页第{places.start + 1}—{last}位，共{count}个{part}。"
    ink = Ink(STYLE.note_pt, colour=STYLE.quiet)
    sheet.fitted((_ROOM.left + 2, 17.5), text, ink, _ROOM.width - 4)


SPECS = (
    MapSpec(
        name="league",
        title="县区整改完成率排名图",
        size=page("A3"),
        needs=("gaps",),
        draw=draw,
        answers="全省三项任务各完成了百分之几，哪些县区领先、哪些落后",
        command="province",
    ),
)

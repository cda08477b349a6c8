"""整改进度图: every export's completion rates side by side, one sheet per indicator."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pipeline.model import Indicator
from pipeline.render import furniture as kit
from pipeline.render.breaks import half_up, load_breaks
from pipeline.render.data import MapSpec
from pipeline.render.gap_table import GapTable, done, gap_table, whole_mu
from pipeline.render.multiples import Mark, Panel, Words
from pipeline.render.multiples import draw as draw_panels
from pipeline.render.style import STYLE, page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from matplotlib.figure import Figure

    from pipeline.render.breaks import Breaks
    from pipeline.render.data import MapData
    from pipeline.render.sheet import Box, Sheet

MOST = 7
"""Panels a sheet holds beside the ranking: the ledger's export and the newest ones."""
_ROW_MM = 3.2


class Named(NamedTuple):
    """An indicator in words, and its classes in breaks.csv."""

    indicator: str
    what: str
    breaks: str


def draw(data: MapData, *, named: Named) -> Iterator[Figure]:
    """Yield the sheet: completion rates of gaps.csv at each export up to the one shown."""
    breaks = load_breaks(named.breaks)
    days = [day for day in data.county.exports if data.county.ledger <= day <= data.export]
    shown = days if len(days) <= MOST else [days[0], *days[-(MOST - 1) :]]
    tables = {day: gap_table(data, named.indicator, day) for day in shown}
    panels = [_panel(table, breaks, day, days) for day, table in tables.items()]
    now = tables[data.export]
    notes = [
        "完成率=已恢复÷应恢复（台账任务面积），以各期调查成果为准；仍有剩余的不印100%。",
        "各小图分级界限相同，各期不变。图例所列为最新一期；比上期为百分点，▲提高、▼下降。",
    ]
    if len(shown) < len(days):
        notes.append(f"共{len(days)}期，图上为台账首期和最近{len(shown) - 1}期。")
    words = Words(
        title=f"{data.county.name}{named.what}整改进度图（{data.county.ledger.year}年度）",
        headline=_headline(tables, named.what),
        legend_title=f"图例（完成率，{data.export.isoformat()}）",
        heads=("镇办数", "剩余合计"),
        legend=_legend(now, breaks),
        total=kit.LegendRow(
            STYLE.paper, "合计", (f"{len(now.known)} 个", f"{whole_mu(now.remaining)} 亩")
        ),
        notes=notes,
        fingerprint=breaks.fingerprint,
    )
    before = tables[shown[-2]] if len(shown) > 1 else None
    yield draw_panels(data, panels, words, partial(_ranking, now=now, before=before, breaks=breaks))


def _ranking(
    sheet: Sheet, box: Box, *, now: GapTable, before: GapTable | None, breaks: Breaks
) -> None:
    """Draw the last cell: the newest rates, best first, with the change since the export before."""
    panel = kit.band(sheet, box, "最新一期，完成率由高到低")
    rates = {town.code: town.done_pct or Decimal(0) for town in now.known}
    earlier = {town.code: town.done_pct for town in before.known} if before else {}
    order = sorted(now.known, key=lambda town: (-rates[town.code], town.code))
    most = max(1, int((panel.height - 7) / _ROW_MM - 1.4))
    rows = [
        kit.BarRow(
            str(1 + sum(rate > rates[town.code] for rate in rates.values())), town.town,
            float(rates[town.code]) / 100, breaks.of(town.permille or Decimal(0)).colour,
            done(town), (_step(rates[town.code], earlier.get(town.code)), whole_mu(town.remaining)),
        )
        for town in (order if len(order) <= most else order[: most - 1])
    ]  # fmt: skip
    if len(rows) < len(order):
        left = sum((town.remaining or Decimal(0) for town in order[len(rows) :]), Decimal(0))
        name = f"其余{len(order) - len(rows)}个镇办"
        rows.append(kit.BarRow("", name, 0.0, "", "", ("", whole_mu(left))))
    county, past = now.county, before.county if before else None
    change = _step(county.done_pct, past.done_pct if past else None) if county else "—"
    total = kit.BarRow(
        "", "全县", 0.0, "", done(county) if county else "—", (change, whole_mu(now.remaining))
    )
    kit.bars(sheet, panel, ("完成率", "比上期", "剩余亩"), rows, total)


def _step(now: Decimal | None, before: Decimal | None) -> str:
    """Return the change of a rate in percentage points, with a mark for its way."""
    if now is None or before is None:
        return "—"
    change = half_up(now, 1) - half_up(before, 1)
    return f"{'▲' if change > 0 else '▼'}{abs(change)}" if change else "0.0"


def _panel(table: GapTable, breaks: Breaks, day: date, days: list[date]) -> Panel:
    """Return one export's panel."""
    marks = {
        town.code: Mark(breaks.of(town.permille or Decimal(0)).colour, done(town))
        for town in table.known
    }
    county = table.county
    figure = f"全县完成{done(county) if county else '—'}，剩余{whole_mu(table.remaining)}亩"
    return Panel(f"第{days.index(day) + 1}期 {kit.chinese_date(day)}", figure, marks)


def _legend(table: GapTable, breaks: Breaks) -> list[kit.LegendRow]:
    """Return the classes, worst first, with towns and what remains at the newest export."""
    rows = []
    for item in breaks.classes:
        own = [town for town in table.known if breaks.of(town.permille or Decimal(0)) == item]
        left = sum((town.remaining or Decimal(0) for town in own), Decimal(0))
        rows.append(
            kit.LegendRow(item.colour, item.label, (f"{len(own)} 个", f"{whole_mu(left)} 亩"))
        )
    return rows


def _headline(tables: dict[date, GapTable], what: str) -> str:
    """Say how far the county came since the export before, from the figures alone."""
    *earlier, now = tables.values()
    if now.county is None or now.county.done_pct is None:
        return f"{what}没有完成率数据"
    text = f"{what}整改完成{done(now.county)}，剩余{whole_mu(now.remaining)}亩"
    if not earlier or earlier[-1].county is None or earlier[-1].county.done_pct is None:
        return text + "，首期尚无进度可比"
    step = half_up(now.county.done_pct, 1) - half_up(earlier[-1].county.done_pct, 1)
    if not step:
        return text + "，与上期持平"
    return f"{text}，比上期{'提高' if step > 0 else '下降'}{abs(step)}个百分点"


SPECS = tuple(
    MapSpec(
        name=f"{short}_progress",
        title=f"{title}整改进度图",
        size=page("A3"),
        needs=("towns", "gaps"),
        draw=partial(draw, named=Named(indicator, title, f"{short}_rate")),
        answers=f"{title}整改一期一期完成了多少",
        newest_only=True,
    )
    for short, indicator, title in (
        ("cropland", Indicator.CROPLAND, "耕地保护目标"),
        ("pbf", Indicator.PBF, "永久基本农田"),
        ("balance", Indicator.IN_OUT_BALANCE, "进出平衡"),
    )
)

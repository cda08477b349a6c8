"""一月一通报: the monthly bulletin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.aggregate.standings import LABELS
from pipeline.model import GAP_INDICATORS
from pipeline.reports.bulletin.document import (
    Annex,
    Document,
    Heading,
    Notes,
    Paragraph,
    numeral,
)
from pipeline.reports.bulletin.files import bulletin_files
from pipeline.reports.bulletin.movement import movement_sentence, movement_table, movements
from pipeline.reports.bulletin.outlook import deadline_sentence, outlook_sentences
from pipeline.reports.bulletin.period import month
from pipeline.reports.bulletin.plan import (
    next_steps,
    plan_notes,
    plan_sentences,
    reopened_sentences,
)
from pipeline.reports.bulletin.published import published_sentence
from pipeline.reports.bulletin.ranking import rank_sentence, standing_table
from pipeline.reports.bulletin.sources import (
    ASSESSED,
    MOVED,
    PROJECTED,
    RANKED,
    source_annex,
)
from pipeline.reports.bulletin.standing import judged, standing_sentence, standings
from pipeline.reports.bulletin.verdicts import verdict_sentence, verdict_table
from pipeline.reports.bulletin.words import compared, full_day, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.reports.bulletin.document import Block
    from pipeline.reports.bulletin.period import Period
    from pipeline.reports.bulletin.standing import Standings
    from pipeline.reports.data import ReportData

MAPS = {
    "cropland_gap": "耕地保护目标缺口分布图",
    "pbf_gap": "永久基本农田缺口分布图",
    "balance_gap": "进出平衡任务分布图",
}


def make(data: ReportData) -> dict[str, bytes]:
    """Return the bulletin as PDF and DOCX."""
    name = f"月通报_{month(data.export, judged(data)).name}"
    return bulletin_files(data, name, document(data))


def document(data: ReportData) -> Document:
    """Return the bulletin; data: progress, history, waterfall, indicators, reconcile."""
    period = month(data.export, judged(data))
    found = standings(data, period.since)
    intro = say(
        "monthly_intro",
        date=full_day(data.export),
        month=period.name,
        compared=compared(period.since, data.export),
    )
    blocks: list[Block] = [Paragraph(intro)]
    for number, (title, parts) in enumerate(_chapters(data, period, found), 1):
        blocks += [Heading(f"{numeral(number)}、{title}", 1), *parts]
    notes = ("note_rate", "note_rank", *plan_notes(found), "note_rounding")
    blocks.append(Notes("说明", (*map(say, notes), published_sentence(data))))
    return Document(
        title=(f"{data.county.name}耕地保护目标责任考核", f"整改情况通报（{period.name}）"),
        period=f"（数据日期：{full_day(data.export)}）",
        publisher=data.county.publisher,
        addressee=say("addressee_towns"),
        blocks=tuple(blocks),
        annexes=tuple(_annexes(data, found)),
        signed=True,
        sample=data.county.sample,
        stamp=data.stamp,
        export=data.export,
    )


def _chapters(
    data: ReportData, period: Period, found: Standings
) -> Iterator[tuple[str, Iterable[Block]]]:
    """Yield title and blocks of each chapter."""
    since = found.since_words
    overall = [standing_sentence(name, row, since) for _, name, row in found.indicators()]
    yield "总体进展", map(Paragraph, [deadline_sentence(data.county, found), *overall])
    yield "完成率排名", map(Paragraph, [rank_sentence(found, one) for one in GAP_INDICATORS])
    yield "缺口变化", _movement_blocks(data, period)
    steps = next_steps(found)
    planned = [*plan_sentences(found), *([steps] if steps else [])]
    yield "对照倒排工期", map(Paragraph, planned)
    yield "反弹", map(Paragraph, reopened_sentences(found))
    yield "期限推算", map(Paragraph, outlook_sentences(found))
    indicators = data.whole("indicators")
    yield (
        "五项考核指标",
        [
            Paragraph(verdict_sentence(indicators)),
            verdict_table(indicators, "五项考核指标表"),
        ],
    )


def _movement_blocks(data: ReportData, period: Period) -> Iterator[Block]:
    """Yield why the gaps moved."""
    moves = movements(data, period.since)
    if period.since is None or not moves:
        yield Paragraph(say("moved_idle" if period.since else "moved_first"))
        return
    for one in moves:
        yield Paragraph(movement_sentence(one, period.since, data.export))
    yield movement_table(moves, "缺口变化表")


def _annexes(data: ReportData, found: Standings) -> Iterator[Annex]:
    """Yield the towns' figures, the maps, the sources."""
    tables = tuple(standing_table(found, one, f"{LABELS[one]}整改进度") for one in GAP_INDICATORS)
    yield Annex("各镇办整改进度表", tables)
    yield source_annex(data, (*RANKED, *MOVED, *PROJECTED, *ASSESSED))
    for name, title in MAPS.items():
        yield Annex(title, map_name=name)

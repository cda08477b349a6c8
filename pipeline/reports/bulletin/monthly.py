"""一月一通报: the monthly bulletin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.aggregate.standings import LABELS
from pipeline.model import GAP_INDICATORS
from pipeline.reports.bulletin.document import Annex, Notes, Paragraph
from pipeline.reports.bulletin.files import bulletin_files
from pipeline.reports.bulletin.frame import chapters, framed, map_annexes, opening
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
from pipeline.reports.bulletin.words import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.reports.bulletin.document import Block, Document
    from pipeline.reports.bulletin.frame import Chapters
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
    notes = ("note_rate", "note_rank", "note_change", *plan_notes(found), "note_rounding")
    blocks: tuple[Block, ...] = (
        opening(data, period, "monthly_intro", month=period.name),
        *chapters(_chapters(data, period, found)),
        Notes("说明", (*map(say, notes), published_sentence(data))),
    )
    return framed(
        data, f"整改情况通报（{period.name}）", blocks, _annexes(data, found),
        addressee=say("addressee_towns"),
    )  # fmt: skip


def _chapters(data: ReportData, period: Period, found: Standings) -> Chapters:
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
    """Yield the towns' figures, the sources, the maps."""
    tables = tuple(standing_table(found, one, f"{LABELS[one]}整改进度") for one in GAP_INDICATORS)
    yield Annex("各镇办整改进度表", tables)
    yield source_annex(data, (*RANKED, *MOVED, *PROJECTED, *ASSESSED))
    yield from map_annexes(MAPS)

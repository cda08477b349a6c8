"""一周一排名: the ranking page of the newest export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.reports.bulletin.document import Notes, Paragraph
from pipeline.reports.bulletin.files import bulletin_files
from pipeline.reports.bulletin.frame import chapters, framed, map_annexes, opening
from pipeline.reports.bulletin.period import week
from pipeline.reports.bulletin.plan import plan_notes, plan_sentences, reopened_sentences
from pipeline.reports.bulletin.ranking import rank_table
from pipeline.reports.bulletin.sources import RANKED, source_annex
from pipeline.reports.bulletin.standing import judged, standing_sentence, standings
from pipeline.reports.bulletin.words import say

if TYPE_CHECKING:
    from pipeline.reports.bulletin.document import Block, Document
    from pipeline.reports.bulletin.frame import Chapters
    from pipeline.reports.bulletin.standing import Standings
    from pipeline.reports.data import ReportData

MAPS = {
    "cropland_rate": "耕地整改完成率图",
    "pbf_rate": "永久基本农田整改完成率图",
    "balance_rate": "进出平衡完成率图",
}


def make(data: ReportData) -> dict[str, bytes]:
    """Return the ranking as PDF and DOCX."""
    return bulletin_files(data, f"周排名_{data.export.isoformat()}", document(data))


def document(data: ReportData) -> Document:
    """Return the ranking; data: progress, history."""
    period = week(data.export, judged(data))
    found = standings(data, period.since)
    blocks: tuple[Block, ...] = (
        opening(data, period, "weekly_intro"),
        rank_table(found, "各镇办完成率排名表"),
        Notes("说明", (say("note_rate"), say("note_rank"))),
        *chapters(_chapters(found)),
        Notes("说明", tuple(map(say, (*plan_notes(found), "note_rounding")))),
    )
    annexes = [source_annex(data, RANKED), *map_annexes(MAPS)]
    return framed(data, "整改进度周排名", blocks, annexes)


def _chapters(found: Standings) -> Chapters:
    """Yield title and blocks of each chapter."""
    since = found.since_words
    overall = [standing_sentence(name, row, since) for _, name, row in found.indicators()]
    yield "全县进展", map(Paragraph, overall)
    yield "对照倒排工期", map(Paragraph, plan_sentences(found))
    yield "反弹", map(Paragraph, reopened_sentences(found))

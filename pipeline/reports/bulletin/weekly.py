"""一周一排名: the ranking page of the newest export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.reports.bulletin.document import Annex, Document, Heading, Notes, Paragraph
from pipeline.reports.bulletin.files import bulletin_files
from pipeline.reports.bulletin.period import week
from pipeline.reports.bulletin.plan import plan_notes, plan_sentences, reopened_sentences
from pipeline.reports.bulletin.ranking import rank_table
from pipeline.reports.bulletin.sources import RANKED, source_annex
from pipeline.reports.bulletin.standing import judged, standing_sentence, standings
from pipeline.reports.bulletin.words import compared, full_day, say

if TYPE_CHECKING:
    from pipeline.reports.bulletin.document import Block
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
    intro = say(
        "weekly_intro", date=full_day(data.export), compared=compared(period.since, data.export)
    )
    blocks: list[Block] = [
        Paragraph(intro),
        rank_table(found, "各镇办完成率排名表"),
        Notes("说明", (say("note_rate"), say("note_rank"))),
        Heading("一、全县进展", 1),
        *(
            Paragraph(standing_sentence(name, row, found.since_words))
            for _, name, row in found.indicators()
        ),
        Heading("二、对照倒排工期", 1),
        *map(Paragraph, plan_sentences(found)),
        Heading("三、反弹", 1),
        *map(Paragraph, reopened_sentences(found)),
        Notes("说明", tuple(map(say, (*plan_notes(found), "note_rounding")))),
    ]
    return Document(
        title=(f"{data.county.name}耕地保护目标责任考核", "整改进度周排名"),
        period=f"（数据日期：{full_day(data.export)}）",
        publisher=data.county.publisher,
        addressee="",
        blocks=tuple(blocks),
        annexes=(
            source_annex(data, RANKED),
            *(Annex(title, map_name=name) for name, title in MAPS.items()),
        ),
        signed=False,
        sample=data.county.sample,
        stamp=data.stamp,
        export=data.export,
    )

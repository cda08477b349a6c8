"""半月一督查: the inspection note, a chapter per 督导组."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.aggregate.summary import UNDECIDED
from pipeline.reports.bulletin.document import (
    Annex,
    Document,
    Heading,
    Notes,
    Paragraph,
    numeral,
)
from pipeline.reports.bulletin.files import bulletin_files
from pipeline.reports.bulletin.inspection import (
    RESULT,
    claims_sentence,
    planting_sentence,
    reopened_table,
    restoring,
    restoring_sentence,
    restoring_table,
    unresolved,
    unresolved_sentences,
)
from pipeline.reports.bulletin.period import half_month
from pipeline.reports.bulletin.plan import reopened_sentences
from pipeline.reports.bulletin.sources import VISITED, source_annex
from pipeline.reports.bulletin.standing import judged, standings
from pipeline.reports.bulletin.words import compared, full_day, listed, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.reports.bulletin.document import Block
    from pipeline.reports.bulletin.inspection import Restoring
    from pipeline.reports.bulletin.period import Period
    from pipeline.reports.bulletin.standing import Standings
    from pipeline.reports.data import ReportData

MAPS = {"categories": "整改任务分类分布图"}


def make(data: ReportData) -> dict[str, bytes]:
    """Return the note as PDF and DOCX."""
    name = f"半月督查_{half_month(data.export, judged(data)).name}"
    return bulletin_files(data, name, document(data))


def document(data: ReportData) -> Document:
    """Return the note; data: progress, history, summary, ledger, returned."""
    period = half_month(data.export, judged(data))
    found = standings(data, period.since)
    groups, towns = (restoring(data, period.since, level) for level in ("group", "town"))
    intro = say(
        "half_intro",
        date=full_day(data.export),
        period=period.name,
        compared=compared(period.since, data.export),
    )
    blocks: list[Block] = [Paragraph(intro)]
    for number, group in enumerate(groups, 1):
        blocks += _chapter(data, found, (group, towns), number)
    blocks.append(Notes("说明", (say("note_restored"), say("note_rounding"))))
    return Document(
        title=(f"{data.county.name}耕地保护目标责任考核", "整改半月督查情况"),
        period=f"（{period.name}，数据日期：{full_day(data.export)}）",
        publisher=data.county.publisher,
        addressee=say("addressee_groups"),
        blocks=tuple(blocks),
        annexes=tuple(_annexes(data, period)),
        signed=True,
        sample=data.county.sample,
        stamp=data.stamp,
        export=data.export,
    )


def _chapter(
    data: ReportData,
    found: Standings,
    work: tuple[Restoring, tuple[Restoring, ...]],
    number: int,
) -> Iterator[Block]:
    """Yield what the note says of one group; work: its restoring, and that of all towns."""
    group, all_towns = work
    since, towns = found.since_words, _towns(data, group.place)
    name = {"": say("no_group"), UNDECIDED: say("unknown_group")}.get(group.place, group.place)
    yield Heading(f"{numeral(number)}、{name}", 1)
    if towns:
        yield Paragraph(say("group_towns", towns=listed(towns)))
    yield Heading("（一）就地恢复", 2)
    yield Paragraph(restoring_sentence(group, since))
    rows = [row for row in all_towns if row.place in towns]
    if group.plots and rows:
        yield restoring_table(rows, group, f"{name}恢复类任务与种植责任落实情况表", since)
    yield Heading("（二）种植责任落实", 2)
    yield Paragraph(planting_sentence(data, group))
    yield Heading("（三）反弹", 2)
    for text in reopened_sentences(found, "group", group.place):
        yield Paragraph(text)
    yield Heading("（四）未解决的问题", 2)
    for text in unresolved_sentences(unresolved(data, group.place)):
        yield Paragraph(text)
    tasks = [category.name for category in data.classes if category.task]
    yield Paragraph(claims_sentence(data, group.place, RESULT, tasks)[0])


def _towns(data: ReportData, group: str) -> list[str]:
    """Return the towns of a group in the county's order."""
    return [town.name for town in data.county.towns if town.group == group]


def _annexes(data: ReportData, period: Period) -> Iterator[Annex]:
    """Yield the list of reopened plots, the map, the sources."""
    table = reopened_table(data, period.since)
    if table is not None:
        yield Annex("反弹图斑清单", (table,))
    yield source_annex(data, VISITED)
    for name, title in MAPS.items():
        yield Annex(title, map_name=name)

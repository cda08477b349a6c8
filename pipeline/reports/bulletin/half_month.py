"""半月一督查: the inspection note, a chapter per 督导组."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.aggregate.summary import UNDECIDED
from pipeline.reports.bulletin.document import Annex, Heading, Notes, Paragraph
from pipeline.reports.bulletin.files import bulletin_files
from pipeline.reports.bulletin.frame import chapters, framed, map_annexes, opening
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
from pipeline.reports.bulletin.words import listed, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.reports.bulletin.document import Block, Document
    from pipeline.reports.bulletin.frame import Chapters
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
    blocks: tuple[Block, ...] = (
        opening(data, period, "half_intro", period=period.name),
        *chapters(_chapters(data, period)),
        Notes("说明", (say("note_restored"), say("note_rounding"))),
    )
    return framed(
        data, "整改半月督查情况", blocks, _annexes(data, period),
        named=period.name, addressee=say("addressee_groups"),
    )  # fmt: skip


def _chapters(data: ReportData, period: Period) -> Chapters:
    """Yield name and blocks of each group, then of what belongs to none."""
    found = standings(data, period.since)
    groups, towns = (restoring(data, period.since, level) for level in ("group", "town"))
    for group in groups:
        name = {"": say("no_group"), UNDECIDED: say("unknown_group")}.get(group.place, group.place)
        yield name, _inspected(data, found, name, group, towns)


def _inspected(
    data: ReportData,
    found: Standings,
    name: str,
    group: Restoring,
    all_towns: tuple[Restoring, ...],
) -> Iterator[Block]:
    """Yield what the note says of one group; all_towns: the restoring of every town."""
    since, towns = found.since_words, _towns(data, group.place)
    if towns:
        yield Paragraph(say("group_towns", towns=listed(towns)))
    yield Heading("（一）就地恢复", 2)
    yield Paragraph(restoring_sentence(group, since))
    rows = [row for row in all_towns if row.place in towns]
    if group.plots and rows:
        yield restoring_table(rows, group, f"{name}恢复类任务与种植责任落实情况表")
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
    """Yield the list of reopened plots, the sources, the maps."""
    table = reopened_table(data, period.since)
    if table is not None:
        yield Annex("反弹图斑清单", (table,))
    yield source_annex(data, VISITED)
    yield from map_annexes(MAPS)

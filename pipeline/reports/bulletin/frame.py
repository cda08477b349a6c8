"""What the bulletins share: numbered chapters, the head with its dates and marks, maps as 附件."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.reports.bulletin.document import Annex, Document, Heading, Paragraph, numeral
from pipeline.reports.bulletin.words import compared, full_day, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.reports.bulletin.document import Block
    from pipeline.reports.bulletin.period import Period
    from pipeline.reports.data import ReportData

    Chapters = Iterable[tuple[str, Iterable[Block]]]


def opening(data: ReportData, period: Period, sentence: str, /, **words: str) -> Paragraph:
    """Return the first paragraph: the data date, the export compared with, words of its own."""
    return Paragraph(
        say(
            sentence,
            date=full_day(data.export),
            compared=compared(period.since, data.export),
            **words,
        )
    )


def chapters(parts: Chapters) -> Iterator[Block]:
    """Yield titles and blocks as chapters that are numbered 一、 二、 三、."""
    for number, (title, blocks) in enumerate(parts, 1):
        yield Heading(f"{numeral(number)}、{title}", 1)
        yield from blocks


def map_annexes(maps: Mapping[str, str]) -> Iterator[Annex]:
    """Yield maps as 附件; maps: titles by name."""
    for name, title in maps.items():
        yield Annex(title, map_name=name)


def framed(
    data: ReportData,
    title: str,
    blocks: Iterable[Block],
    annexes: Iterable[Annex],
    *,
    named: str = "",
    addressee: str = "",
) -> Document:
    """Return the document: title below the county's, blocks, 附件.

    named: what stands before the data date; addressee: to whom it goes, who is to be told by a
    signed letter; a page that is only posted has none.
    """
    dated = f"数据日期：{full_day(data.export)}"
    return Document(
        title=(f"{data.county.name}耕地保护目标责任考核", title),
        period=f"（{named}，{dated}）" if named else f"（{dated}）",
        publisher=data.county.publisher,
        addressee=addressee,
        blocks=tuple(blocks),
        annexes=tuple(annexes),
        signed=bool(addressee),
        sample=data.county.sample,
        stamp=data.stamp,
        export=data.export,
    )

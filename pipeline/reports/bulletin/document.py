"""The text model of a bulletin: what stands on the paper, in which order; nothing of its look."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

WHOLE_ROWS = 14
"""A table of so many rows stands on one page."""
Align = Literal["left", "center", "right"]
_DIGITS = "零一二三四五六七八九"
_TEN = 10
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading with its number already in it; level 1: 一、 level 2: （一）."""

    text: str
    level: Literal[1, 2]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of the body, its first line indented by two characters."""

    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: head, width in mm, alignment; group: the head above several columns."""

    head: str
    width_mm: float
    align: Align = "center"
    group: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; sums: how many of its last rows are totals; notes stand below it."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    unit: str = ""
    sums: int = 0
    notes: tuple[str, ...] = ()

    def grouped(self) -> Iterator[tuple[str, int]]:
        """Yield the heads above the columns with how many columns each spans."""
        name, span = None, 0
        for column in self.columns:
            if name is not None and (column.group != name or not name):
                yield name, span
                span = 0
            name, span = column.group, span + 1
        if name is not None:
            yield name, span


@dataclass(frozen=True, slots=True)
class Notes:
    """Small print: how the figures are defined."""

    title: str
    items: tuple[str, ...]


Block = Heading | Paragraph | Table | Notes


@dataclass(frozen=True, slots=True)
class Annex:
    """附件: with blocks on pages of their own, or a finished A3 map (a name of ReportData.maps)."""

    title: str
    blocks: tuple[Block, ...] = ()
    map_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One bulletin.

    title: its lines, each centred; period: the line below; publisher: red head and signature, ""
    leaves both to the office; addressee: 主送, "" for none; signed: room for the date of signing;
    stamp: on every page (data date, product id, 示例数据); export: the data date.
    """

    title: tuple[str, ...]
    period: str
    publisher: str
    addressee: str
    blocks: tuple[Block, ...]
    annexes: tuple[Annex, ...]
    signed: bool
    sample: bool
    stamp: str
    export: date

    def listed(self) -> tuple[str, ...]:
        """Return the titles of the 附件 with their numbers: none if there is only one."""
        if len(self.annexes) == 1:
            return (self.annexes[0].title,)
        return tuple(f"{n}. {annex.title}" for n, annex in enumerate(self.annexes, 1))

    def annex_mark(self, number: int) -> str:
        """Return what stands in the corner of an 附件; number: counted from 1."""
        return "附件" if len(self.annexes) == 1 else f"附件{number}"


def plain(text: str) -> str:
    """Return text without what can't be seen: control and format characters, lone surrogates."""
    return "".join(char for char in text if unicodedata.category(char) not in _UNSEEN)


def numeral(number: int) -> str:
    """Return 1 … 99 in Chinese: 一, 十, 十二, 二十, 二十一."""
    tens, ones = divmod(number, _TEN)
    if not tens:
        return _DIGITS[ones]
    head = "" if tens == 1 else _DIGITS[tens]
    return f"{head}十{_DIGITS[ones] if ones else ''}"

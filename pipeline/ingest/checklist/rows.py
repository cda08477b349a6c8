"""Which rows of a sheet are plots, and what stands around them: titles, totals, notes, headings."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.ingest.checklist.columns import (
    Header,
    find_header,
    is_personal,
    meaning_of,
    read_header,
    stated_unit,
)
from pipeline.ingest.checklist.numbers import amount
from pipeline.ingest.checklist.sheets import EMPTY, OWN, Cell, Line, Sheet
from pipeline.tables.checklist import load_checklist_words
from pipeline.tables.lists import normal

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLE, HEADER, DATA, TOTAL, HEADING, NOTE, NUMBERED = (
    "标题", "表头", "图斑", "小计合计", "分段标题", "说明", "只有序号的空行",
)  # fmt: skip
KEYS = ("bsm", "task_id", "tbbh", "point", "x", "y", "lon", "lat")
REPEATED = ("town", "town_code", "village", "category", "status", "zldwdm")
"""Fields whose cells may say "same as above"."""
_LONG_ID = re.compile(r"[0-9A-Za-z]{12,}")
_NOTE_HEAD = 14


@dataclass(frozen=True, slots=True)
class Record:
    """A row that names a plot: its sheet, row, cells by field, and the texts it stands under.

    context: sheet name, title and heading, nearest last, for what no column says; excess: more
    cells than the header has columns.
    """

    sheet: str
    row: int
    cells: Mapping[str, Cell]
    header: Header
    context: tuple[str, ...]
    unit: str
    excess: bool = False

    def text(self, name: str) -> str:
        """Return a field's text, "" where there is none."""
        return self.cells.get(name, EMPTY).text

    def is_number(self, name: str) -> bool:
        """Whether a workbook keeps a field's cell as a number."""
        return self.cells.get(name, EMPTY).decimals is not None


@dataclass(frozen=True, slots=True)
class Reading:
    """A sheet as read: its records, how many rows of each kind there were, its first header."""

    sheet: Sheet
    records: tuple[Record, ...]
    kinds: Mapping[str, int]
    header: Header | None
    titles: tuple[str, ...] = ()


@dataclass(slots=True)
class _State:
    header: Header
    title: tuple[str, ...]
    unit: str
    heading: str = ""
    above: dict[str, Cell] = field(default_factory=dict)


def read_rows(sheet: Sheet) -> Reading:
    """Read the rows of a sheet. Every row that isn't blank is of exactly one kind."""
    header = find_header(sheet.lines)
    if header is None:
        return Reading(sheet, (), {}, None)
    titles = tuple(c.text for line in sheet.lines[: header.first] for c in line.cells if _own(c))
    kinds = Counter({TITLE: header.first, HEADER: header.last - header.first + 1})
    state = _State(header, titles, stated_unit(titles))
    records = []
    rest = iter(enumerate(sheet.lines[header.last + 1 :], header.last + 1))
    for at, line in rest:
        again = _new_header(sheet, at, state)
        if again is not None:
            kinds[HEADER] += again.last - again.first + 1
            for _ in range(again.last - again.first):
                next(rest)
            state.header, state.above = again, {}
            continue
        kind = _kind(line, state.header)
        kinds[kind] += 1
        if kind == HEADING:
            state.heading = next(c.text for c in line.cells if _own(c))
            state.unit = stated_unit([state.heading]) or state.unit
        elif kind == DATA:
            records.append(_record(sheet, line, state))
    return Reading(sheet, tuple(records), dict(kinds), header, titles)


def _own(cell: Cell) -> bool:
    return bool(cell.text) and cell.source == OWN


def _new_header(sheet: Sheet, at: int, state: _State) -> Header | None:
    """Return the header that starts at a row: the same one repeated, or that of another table."""
    named = sum(meaning_of(cell.text) is not None for cell in sheet.lines[at].cells)
    if named < min(2, len(state.header.columns)):
        return None
    depth = state.header.last - state.header.first
    for last in (at + depth, at):
        if last < len(sheet.lines) and (header := read_header(sheet.lines, at, last)).usable:
            return header
    return None


def _kind(line: Line, header: Header) -> str:
    """Return the kind of a row below the header."""
    words = load_checklist_words().words
    own = [(at, cell.text) for at, cell in enumerate(line.cells) if _own(cell)]
    keys = [_text(line, header, name) for name in KEYS]
    if any(_LONG_ID.fullmatch(normal(text)) for text in keys):
        return DATA
    if any(_is_total(text) for _, text in own[:3]):
        return TOTAL
    serial = header.columns.get("serial")
    if serial is not None and [at for at, _ in own] == [serial.at] and _is_digits(own[0][1]):
        return NUMBERED
    used = {column.at for name, column in header.columns.items() if name != "serial"}
    if not any(_says_key(text) for text in keys) and not amount(_text(line, header, "area")):
        if any(_is_note(text, words["note"]) for _, text in own):
            return NOTE
        if len(own) == 1:
            return HEADING
    return DATA if any(at in used for at, _ in own) else NOTE


def _text(line: Line, header: Header, name: str) -> str:
    column = header.columns.get(name)
    return "" if column is None else line.cell(column.at).text


def _is_digits(text: str) -> bool:
    return normal(text).strip(".、)").isdigit()


def _says_key(text: str) -> bool:
    """Whether a cell of a key column may be a key: it has digits and isn't “电话：……”."""
    spelled = normal(text)
    return ":" not in spelled and any(character.isdigit() for character in spelled)


def _is_total(text: str) -> bool:
    spelled = normal(text).strip(":")
    totals = load_checklist_words().words["total"]
    return spelled.startswith(totals) or spelled.endswith(totals)


def _is_note(text: str, words: tuple[str, ...]) -> bool:
    """Whether a text is a remark or a signature line （“填表人：……”）."""
    head, colon, _ = normal(text).partition(":")
    if head.startswith(words) and (colon or head in words):
        return len(head) <= _NOTE_HEAD
    return bool(colon) and is_personal([head])


def _record(sheet: Sheet, line: Line, state: _State) -> Record:
    columns = state.header.columns
    same = load_checklist_words().words["same"]
    cells = {}
    for name, column in columns.items():
        cell = line.cell(column.at)
        if name in REPEATED and name in state.above and normal(cell.text) in same:
            cell = cell._replace(text=state.above[name].text)
        cells[name] = cell
    state.above = cells
    context = (sheet.name, *state.title, state.heading)
    return Record(
        sheet=sheet.name,
        row=line.number,
        cells=cells,
        header=state.header,
        context=tuple(text for text in context if text),
        unit=(columns["area"].unit or state.unit) if "area" in columns else "",
        excess=sheet.ragged and any(_own(cell) for cell in line.cells[state.header.width :]),
    )

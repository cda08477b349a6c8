"""Where a list's header stands and what its columns mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.ingest.names import personal
from pipeline.tables.checklist import ListColumn, load_checklist_words
from pipeline.tables.lists import normal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.ingest.checklist.sheets import Line

SEARCHED = 40
"""Rows of a sheet among which its first header must stand."""
SAME_AREA = "area_too"
"""A second column of the same area in another unit."""
DEEPEST = 3
"""Rows a header may consist of."""
UNIT_WORDS = (
    ("万亩", "万亩"), ("公顷", "公顷"), ("HM2", "公顷"), ("HA", "公顷"), ("平方米", "㎡"),
    ("平米", "㎡"), ("M2", "㎡"), ("亩", "亩"),
)  # fmt: skip
_BRACKETS = re.compile(r"[(\[{<【〔][^)\]}>】〕]*[)\]}>】〕]")
_MARKS = re.compile(r"[_/、:·.\-—]")
_LATIN_UNIT = r"(?<![A-Z0-9]){}(?![A-Z0-9])"


@dataclass(frozen=True, slots=True)
class Column:
    """A column in use: its place, its name as printed, the unit of an area ("" when unstated)."""

    at: int
    name: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """A header: its first and last place among the sheet's rows, what its columns mean.

    width: columns up to the last that has a name; columns: field → column; dropped: names of
    columns about persons, never read; unused: names of the others that no field asks for.
    """

    first: int
    last: int
    width: int
    columns: Mapping[str, Column]
    dropped: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def score(self) -> float:
        """How much a header explains: its fields, and half for a stated unit."""
        return len(self.columns) + sum(0.5 for column in self.columns.values() if column.unit)

    @property
    def usable(self) -> bool:
        """Whether rows below can name a plot."""
        have = set(self.columns)
        pairs = ({"x", "y"}, {"lon", "lat"})
        return bool(have & {"bsm", "task_id", "tbbh", "point"}) or any(p <= have for p in pairs)


def find_header(lines: Sequence[Line], start: int = 0) -> Header | None:
    """Return the best header among the first rows: most fields, then fewest rows, then topmost."""
    found = [
        header
        for first in range(start, min(start + SEARCHED, len(lines)))
        for last in range(first, min(first + DEEPEST, len(lines)))
        if (header := read_header(lines, first, last)).usable
    ]
    return min(found, key=lambda h: (-h.score, h.last - h.first, h.first)) if found else None


def read_header(lines: Sequence[Line], first: int, last: int) -> Header:
    """Return what the columns would mean if the rows first..last were the header."""
    stacks = _stacks(lines[first : last + 1])
    dropped = [at for at, parts in stacks.items() if is_personal(parts)]
    chosen: dict[str, tuple[int, Column]] = {}
    for at, parts in stacks.items():
        meaning = None if at in dropped else _meaning(parts)
        if meaning is None:
            continue
        column = Column(at, "".join(parts), _unit(parts, meaning))
        rank = 2 * meaning.rank + (column.unit != "㎡")  # of two areas the finer one
        before = chosen.get(meaning.field)
        if before is None or rank < before[0]:
            chosen[meaning.field] = (rank, column)
        if meaning.field == "area" and before is not None and before[0] // 2 == meaning.rank:
            other = before[1] if rank < before[0] else column
            if other.unit != chosen["area"][1].unit:
                chosen[SAME_AREA] = (rank, other)
    used = {column.at for _, column in chosen.values()}
    return Header(
        first=first,
        last=last,
        width=max(stacks, default=-1) + 1,
        columns={name: column for name, (_, column) in chosen.items()},
        dropped=tuple("".join(stacks[at]) for at in dropped),
        unused=tuple(
            "".join(p) for at, p in stacks.items() if at not in used and at not in dropped
        ),
    )


def is_personal(parts: Sequence[str]) -> bool:
    """Whether a column is about persons; by any part of its name."""
    marks = load_checklist_words().words["personal"]
    return bool(personal(parts)) or any(m in normal(part) for part in parts for m in marks)


def unit_of(text: str) -> str:
    """Return the unit of area a text names, "" for none."""
    spelled = normal(text)
    for word, unit in UNIT_WORDS:
        pattern = _LATIN_UNIT.format(word) if word.isascii() else word
        if re.search(pattern, spelled):
            return unit
    return ""


def stated_unit(texts: Sequence[str]) -> str:
    """Return the unit a title line states （“单位：亩”）, "" for none or several."""
    units = {unit_of(tail) for t in texts for head, _, tail in [t.partition("单位")] if tail}
    units.discard("")
    return units.pop() if len(units) == 1 else ""


def _stacks(rows: Sequence[Line]) -> dict[int, tuple[str, ...]]:
    """Return the texts above one another by column; a name over several columns goes to each."""
    width = max(len(row.cells) for row in rows)
    grid = [
        [row.cells[at].text if at < len(row.cells) else "" for at in range(width)] for row in rows
    ]
    for upper, lower in pairwise(grid):
        for at in range(1, width):
            if lower[at] and lower[at - 1] and not upper[at]:  # a group's first column has a name
                upper[at] = upper[at - 1]
    stacks = {}
    for at in range(width):
        parts = dict.fromkeys("".join(row[at].split()) for row in grid if row[at])
        if parts:
            stacks[at] = tuple(parts)
    return stacks


def _meaning(parts: Sequence[str]) -> ListColumn | None:
    """Return what a stacked name stands for: all of it, its last part, or all but a unit."""
    names = ["".join(parts), parts[-1]]
    if len(parts) > 1 and _is_unit(parts[-1]):
        names.append("".join(parts[:-1]))
    return next((found for name in names if (found := meaning_of(name))), None)


@lru_cache(maxsize=4096)
def meaning_of(name: str) -> ListColumn | None:
    """Return what a column name stands for, None if no spelling of it is known."""
    words = load_checklist_words().columns
    return next((words[spelled] for spelled in _spellings(name) if spelled in words), None)


def _spellings(name: str) -> list[str]:
    """Return a name as it may stand in the table: as it is, without brackets, marks and unit."""
    whole = normal(name)
    bare = _BRACKETS.sub("", whole)
    plain = _MARKS.sub("", bare)
    for word, _ in UNIT_WORDS:
        if plain.endswith(word) and plain != word:
            plain = plain.removesuffix(word)
            break
    return [whole, bare, re.sub(r"[()\[\]【】]", "", whole), plain]


def _is_unit(part: str) -> bool:
    spelled = normal(part).strip("()[]【】:")
    return any(spelled == word for word, _ in UNIT_WORDS)


def _unit(parts: Sequence[str], meaning: ListColumn) -> str:
    if meaning.field != "area":
        return ""
    return next((unit for part in reversed(parts) if (unit := unit_of(part))), meaning.unit)

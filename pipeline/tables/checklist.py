"""How people write lists of plots: column names, categories, states, words around a table.

The tables stand in checklists/; one row is one way to write one thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipeline.tables.lists import load_classes, normal
from pipeline.tables.reader import Row, hint, one_of, package_file, raise_all, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable

    from pipeline.errors import Finding

FOLDER = "checklists"
FIELDS = (
    "bsm", "task_id", "tbbh", "zldwdm", "town_code", "town", "village", "category", "status",
    "area", "serial", "point", "x", "y", "lon", "lat",
)  # fmt: skip
STATUSES = ("open", "partial", "closed", "reopened", "withdrawn")
UNITS = ("", "亩", "㎡", "公顷", "万亩")
KINDS = ("total", "note", "empty", "same", "personal")


@dataclass(frozen=True, slots=True)
class ListColumn:
    """What a column name stands for; unit: of an area by its name alone; rank: lower wins."""

    field: str
    unit: str
    rank: int


@dataclass(frozen=True, slots=True)
class ChecklistWords:
    """All spellings, keyed as `normal` writes them.

    columns: name → column; categories: spelling → the categories it can mean (several where it
    names a sum or leaves the kind open); statuses: spelling → the statuses it covers; words: kind
    → words.
    """

    columns: Mapping[str, ListColumn]
    categories: Mapping[str, tuple[str, ...]]
    statuses: Mapping[str, tuple[str, ...]]
    words: Mapping[str, tuple[str, ...]]


@cache
def load_checklist_words() -> ChecklistWords:
    """Return the spellings of checklists/; ConfigError with every fault in them."""
    return read_checklist_words(package_file(FOLDER))


def read_checklist_words(folder: Traversable) -> ChecklistWords:
    """Return the spellings of a folder of tables; ConfigError with every fault in them.

    Checked: fields, units, categories, statuses and kinds are known, no spelling stands twice or
    for another category than its name and labels in classes.csv do.
    """
    findings: list[Finding] = []

    def rows(name: str, *columns: str) -> list[Row]:
        return read_rows(folder.joinpath(name), f"{FOLDER}/{name}", columns, findings)

    columns = rows("columns.csv", "field", "alias", "unit")
    for row in columns:
        one_of(row, "field", FIELDS, findings)
        one_of(row, "unit", UNITS, findings)
    words = rows("words.csv", "kind", "word")
    for row in words:
        one_of(row, "kind", KINDS, findings)
    statuses = rows("statuses.csv", "statuses", "alias")
    _known(statuses, "statuses", STATUSES, findings)
    categories = rows("categories.csv", "categories", "alias")
    _known(categories, "categories", [c.name for c in load_classes()], findings)
    own = _own_names()
    for table, column in ((columns, "alias"), (statuses, "alias"), (categories, "alias")):
        _once(table, column, findings)
    for kind in KINDS:
        _once([row for row in words if row["kind"] == kind], "word", findings)
    for row in categories:
        if normal(row["alias"]) in own:
            found = f"{row['alias']} 就是 classes.csv 里的名称"
            findings.append(row.finding("alias", found, "删去这一行"))
    raise_all(findings)
    return ChecklistWords(
        columns={
            normal(row["alias"]): ListColumn(row["field"], row["unit"], rank)
            for rank, row in enumerate(columns)
        },
        categories=own | _meanings(categories, "categories"),
        statuses=_meanings(statuses, "statuses"),
        words={k: tuple(normal(r["word"]) for r in words if r["kind"] == k) for k in KINDS},
    )


def _own_names() -> dict[str, tuple[str, ...]]:
    """Return every category by its name, short name and labels."""
    return {
        normal(name): (category.name,)
        for category in load_classes()
        for name in (category.name, category.short, category.label, category.label_long)
    }


def _meanings(rows: Sequence[Row], column: str) -> dict[str, tuple[str, ...]]:
    return {normal(row["alias"]): tuple(row[column].split("|")) for row in rows}


def _once(rows: Sequence[Row], column: str, findings: list[Finding]) -> None:
    """Append findings for empty spellings and those written twice, case and blanks aside."""
    seen: dict[str, int] = {}
    for row in rows:
        spelled = normal(row[column])
        first = seen.setdefault(spelled, row.line)
        if not spelled:
            findings.append(row.finding(column, "为空", "填写写法，或删去这一行"))
        elif first != row.line:
            found = f"{row[column]} 与第 {first} 行重复"
            findings.append(row.finding(column, found, "一种写法只写一行，删去一处"))


def _known(
    rows: Sequence[Row], column: str, allowed: Sequence[str], findings: list[Finding]
) -> None:
    findings += [
        row.finding(column, f"{name or '（空）'} 不认识", hint(name, allowed))
        for row in rows
        for name in row[column].split("|")
        if name not in allowed
    ]

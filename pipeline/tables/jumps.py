"""Changes of class that can't be, or need a document, within a year: class_jumps.csv, checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipeline.tables.lists import load_land_codes
from pipeline.tables.reader import one_of, package_file, raise_all, read_rows

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from pipeline.errors import Finding

NAME = "class_jumps.csv"
COLUMNS = ("from", "to", "level", "why")
LEVELS = ("错误", "警告")
ANY = "*"


@dataclass(frozen=True, slots=True)
class ClassJump:
    """One row: first digits of DLBM before and after ("*": any other class), level, reason."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    level: str
    why: str


@cache
def load_class_jumps() -> tuple[ClassJump, ...]:
    """Return class_jumps.csv in order; ConfigError with every fault in it."""
    return read_class_jumps(package_file(NAME))


def read_class_jumps(source: Traversable) -> tuple[ClassJump, ...]:
    """Return a table of jumps. ConfigError: first digits of no class, another level, no reason."""
    findings: list[Finding] = []
    rows = read_rows(source, NAME, COLUMNS, findings)
    codes = [code.code for code in load_land_codes()]
    for row in rows:
        one_of(row, "level", LEVELS, findings)
        if not row["why"]:
            findings.append(row.finding("why", "没有写明理由", "写一句话，会印在问题里"))
        for column in ("from", "to"):
            findings += [
                row.finding(column, f"没有以“{start}”开头的地类", "写地类编码或其前几位，任意写 *")
                for start in row[column].split("|")
                if start != ANY and not any(code.startswith(start) for code in codes if start)
            ]
    raise_all(findings)
    return tuple(
        ClassJump(
            tuple(row["from"].split("|")), tuple(row["to"].split("|")), row["level"], row["why"]
        )
        for row in rows
    )

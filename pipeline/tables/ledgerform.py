"""tables/ledger_columns.csv: the columns of a town's 问题台账, as written and as read back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipeline.tables.reader import one_of, package_file, raise_all, read_rows, unique

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.errors import Finding

NAMES = ("name", "label", "width", "fill", "kind", "options")
KINDS = ("count", "text", "number", "date", "list", "link", "person", "note", "mark")
SEALED = ("text", "number", "link")
"""Kinds of locked columns that the check mark of a row seals."""
SHEET, GUIDE = "问题台账", "填表说明"
HEADER_ROW = 4
"""The header's row in the workbook, from 1."""
COUNTY, ISSUED, TASKS, MERGED = "县代码", "数据日期", "任务数", "已并入"
"""Words before the particulars that a workbook carries, so that it is known when it comes back."""
MARK_DIGITS, DIGEST_DIGITS = 8, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerColumn:
    """A column: its name, Chinese head, width in characters, whether people fill it, its kind.

    options: of a drop-down list.
    """

    name: str
    label: str
    width: float
    fill: bool
    kind: str
    options: tuple[str, ...]


@cache
def load_ledger_columns() -> tuple[LedgerColumn, ...]:
    """Return the columns in their order; ConfigError with every fault of the table."""
    findings: list[Finding] = []
    file = "ledger_columns.csv"
    rows = read_rows(package_file(file), file, NAMES, findings)
    for column in ("name", "label"):
        unique(rows, column, findings)
    for row in rows:
        one_of(row, "fill", ("yes", "no"), findings)
        one_of(row, "kind", KINDS, findings)
        if not row["width"].isdigit():
            findings.append(row.finding("width", f"{row['width']} 不是整数", "写字符数"))
        if (row["kind"] == "list") != bool(row["options"]):
            findings.append(row.finding("options", "下拉列才有、也必须有选项", "用 | 隔开"))
    raise_all(findings)
    return tuple(
        LedgerColumn(
            name=row["name"],
            label=row["label"],
            width=float(row["width"]),
            fill=row["fill"] == "yes",
            kind=row["kind"],
            options=tuple(filter(None, row["options"].split("|"))),
        )
        for row in rows
    )


def sealed() -> tuple[LedgerColumn, ...]:
    """Return the locked columns that tell what a task is and how it stands."""
    return tuple(c for c in load_ledger_columns() if not c.fill and c.kind in SEALED)


def seal(texts: Iterable[str]) -> str:
    """Return the check mark over the texts of a row's sealed columns, in their order.

    Blanks don't count, and numbers do by their value to 0.01: programs save them in several ways.
    """
    plain = "\x1f".join(_plain(text) for text in texts)
    return hashlib.sha256(plain.encode()).hexdigest()[:MARK_DIGITS]


def _plain(text: str) -> str:
    bare = "".join(text.split()).lstrip("'")
    try:
        return f"{float(bare):.2f}" if len(bare) < 15 else bare  # noqa: PLR2004 - a BSM is longer
    except ValueError:
        return bare

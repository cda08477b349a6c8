"""tables/statuses.csv: the states of a task in words, colours and marks."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pipeline.model import Status
from pipeline.tables.reader import one_of, package_file, raise_all, read_rows, unique

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from pipeline.errors import Finding

COLUMNS = ("name", "label", "short", "order", "colour", "mark")
NAMES = ("open", "partial", "closed", "reopened", "withdrawn")
"""The states a ledger knows (ledger.parquet, column status)."""


@cache
def load_statuses() -> tuple[Status, ...]:
    """Return the states in their order; ConfigError with every fault of the table."""
    return read_statuses(package_file("statuses.csv"))


def read_statuses(source: Traversable) -> tuple[Status, ...]:
    """Return the states of a table; ConfigError with every fault in it.

    Checked: each state once and none missing, words, colours and marks unique, orders 1..n.
    """
    findings: list[Finding] = []
    rows = read_rows(source, "statuses.csv", COLUMNS, findings)
    for column in COLUMNS:
        unique(rows, column, findings)
    for number, row in enumerate(rows, 1):
        one_of(row, "name", NAMES, findings)
        one_of(row, "order", (str(number),), findings)
        if not re.fullmatch(r"#[0-9A-F]{6}", row["colour"]):
            found = f"{row['colour'] or '（空）'} 不是颜色"
            findings.append(row.finding("colour", found, "写成 #RRGGBB，大写十六进制"))
    missing = set(NAMES) - {row["name"] for row in rows}
    if rows:
        findings += [
            rows[-1].finding("name", f"缺少状态 {name}", "补上这一行") for name in sorted(missing)
        ]
    raise_all(findings)
    return tuple(
        Status(
            name=row["name"], label=row["label"], short=row["short"], order=int(row["order"]),
            colour=row["colour"], mark=row["mark"],
        )
        for row in rows
    )  # fmt: skip

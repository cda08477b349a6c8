"""What a published figure is made of: published_items.csv, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.tables.lists import load_classes
from pipeline.tables.reader import one_of, package_file, raise_all, read_rows

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from pipeline.errors import Finding

COLUMNS = ("item", "kind", "parts", "reason")
KINDS = ("definition", "sum", "compare")


@dataclass(frozen=True, slots=True)
class PublishedItem:
    """One way to check a published figure.

    kind definition: the figure is the sum of these categories; sum: it must equal the printed
    parts; compare: it is often set against these, and `reason` says why they may differ.
    """

    item: str
    kind: str
    parts: tuple[str, ...]
    reason: str


def load_published_items(source: Traversable | None = None) -> tuple[PublishedItem, ...]:
    """Return the rows of published_items.csv (or of `source`); ConfigError with every fault."""
    findings: list[Finding] = []
    name = "published_items.csv"
    rows = read_rows(source or package_file(name), name, COLUMNS, findings)
    known = {c.name for c in load_classes()} | {row["item"] for row in rows}
    defined = {row["item"] for row in rows if row["kind"] == "definition"}
    for row in rows:
        one_of(row, "kind", KINDS, findings)
        findings += [
            row.finding("parts", f"“{part}”不是类别或已定义的项", "改正拼写")
            for part in row["parts"].split("|")
            if part not in known
        ]
        if row["item"] not in defined:
            advice = "先写一行 definition，说明它由哪些类别组成"
            findings.append(row.finding("item", f"{row['item']} 没有 definition 行", advice))
    raise_all(findings)
    return tuple(
        PublishedItem(row["item"], row["kind"], tuple(row["parts"].split("|")), row["reason"])
        for row in rows
    )

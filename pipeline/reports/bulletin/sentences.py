"""What bulletins say: sentences.csv, each sentence with the figures it may name."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError
from pipeline.tables.reader import hint, raise_all, read_rows, unique

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from pipeline.tables.reader import Row

COLUMNS = ("key", "figures", "text")


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences by key; who rewords one may leave figures out, but not invent any."""

    texts: Mapping[str, str]
    figures: Mapping[str, tuple[str, ...]]

    def say(self, key: str, **figures: str) -> str:
        """Return a sentence with its figures; GengbaoError unless they are those it declares."""
        if set(figures) != set(self.figures[key]):
            given, wanted = "、".join(sorted(figures)), "、".join(sorted(self.figures[key]))
            found = f"给出的数为 {given or '无'}，应为 {wanted or '无'}"
            raise GengbaoError(Finding(f"sentences.csv {key}", found, "请把本条信息交给维护人员"))
        return self.texts[key].format(**figures)


@cache
def sentences() -> Sentences:
    """Return sentences.csv; ConfigError with every fault in it."""
    return read_sentences(resources.files("pipeline.reports.bulletin") / "sentences.csv")


def read_sentences(source: Traversable) -> Sentences:
    """Return a table of sentences; ConfigError with every fault in it.

    Checked: no key twice, no empty text, braces that close, and figures that the row declares.
    """
    findings: list[Finding] = []
    rows = read_rows(source, "sentences.csv", COLUMNS, findings)
    unique(rows, "key", findings)
    for row in rows:
        findings += _faults(row)
    raise_all(findings)
    return Sentences(
        texts={row["key"]: row["text"] for row in rows},
        figures={row["key"]: tuple(row["figures"].split()) for row in rows},
    )


def _faults(row: Row) -> list[Finding]:
    if not row["text"]:
        return [row.finding("text", "没有句子", "填写句子")]
    try:
        parts = list(string.Formatter().parse(row["text"]))
    except ValueError:
        return [row.finding("text", "花括号不成对", "写成 {名称}")]
    known = row["figures"].split()
    return [
        row.finding("text", f"没有叫 {name or '（空）'} 的数", hint(name, known))
        for _, name, form, conversion in parts
        if name is not None and (name not in known or form or conversion)
    ]

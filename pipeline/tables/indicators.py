"""The five assessment indicators: their terms, tests and words, read from two tables and checked.

indicators.csv has a row per figure that is tested (an indicator of two figures has two rows);
indicator_terms.csv says where each term of its formula comes from, in the order of computation.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipeline.model import Indicator, TargetKind
from pipeline.tables.lists import load_classes
from pipeline.tables.reader import Row, hint, one_of, package_file, raise_all, read_rows

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from pipeline.errors import Finding

COLUMNS = (
    "indicator", "number", "name", "label", "aliases", "unit", "value", "least", "most", "limit",
    "test", "formula", "edge", "basis",
)  # fmt: skip
TERM_COLUMNS = ("indicator", "term", "label", "unit", "from", "what", "source")
TESTS = ("at_least", "at_most", "below")
STATED = "target"
"""A term taken from targets.csv: what = the kinds to look for, in this order."""
MEASURED = "plots"
"""A term measured on plots: what = the measure."""
TABLED = "summary"
"""A term of summary.csv: what = categories:column."""
OPERATIONS = {"sum": 2, "difference": 2, "shortfall": 2, "least": 2, "percent": 2, "share": 2}
"""Terms made of earlier ones: name → how many."""
MEASURES = (
    "cropland_net", "cropland_undecided", "pbf_kept", "pbf_moved_out", "pbf_supplied",
    "pbf_undecided", "balance_out", "balance_in", "taken", "illegal", "taken_undecided",
)  # fmt: skip
TABLE_COLUMNS = ("area_mu", "restored_mu", "remaining_mu", "open_plots", "plots")


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a formula: where it comes from, in words (source) and for the code."""

    name: str
    label: str
    unit: str
    origin: str
    what: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Tested:
    """One tested figure.

    aliases: what people call it, joined by a bar; value, limit: terms; least, most: terms between
    which the value lies when some plots can't be decided; edge: what to say when the value is
    exactly the limit; formula: words with {term}.
    """

    indicator: Indicator
    number: int
    name: str
    label: str
    aliases: str
    unit: str
    value: str
    least: str
    most: str
    limit: str
    test: str
    formula: str
    edge: str
    basis: str
    terms: tuple[Term, ...]


@cache
def assessed() -> tuple[Tested, ...]:
    """Return the tested figures in the order of the five indicators."""
    return read_assessed(package_file("indicators.csv"), package_file("indicator_terms.csv"))


def read_assessed(source: Traversable, terms_source: Traversable) -> tuple[Tested, ...]:
    """Return the rows of the two tables; ConfigError with every fault in them."""
    findings: list[Finding] = []
    rows = read_rows(source, "indicators.csv", COLUMNS, findings)
    term_rows = read_rows(terms_source, "indicator_terms.csv", TERM_COLUMNS, findings)
    names = {row["indicator"] for row in rows}
    for row in term_rows:
        one_of(row, "indicator", names, findings)
    terms: dict[str, list[Term]] = {}
    for row in term_rows:
        known = terms.setdefault(row["indicator"], [])
        findings += _term_findings(row, known)
        what = tuple(row["what"].replace(":", "|").split("|"))
        known.append(Term(row["term"], row["label"], row["unit"], row["from"], what, row["source"]))
    for row in rows:
        findings += _row_findings(row, terms.get(row["indicator"], []))
    raise_all(findings)
    return tuple(_tested(row, terms[row["indicator"]]) for row in rows)


def _tested(row: Row, terms: list[Term]) -> Tested:
    texts = {name: row[name] for name in COLUMNS[2:]}
    return Tested(
        indicator=Indicator(row["indicator"]), number=int(row["number"]), **texts,
        terms=tuple(terms),
    )  # fmt: skip


def _term_findings(row: Row, known: list[Term]) -> list[Finding]:
    """Return what is wrong with a term; it may rest on terms above it only."""
    findings: list[Finding] = []
    if row["term"] in {term.name for term in known}:
        findings.append(row.finding("term", f"{row['term']} 重复", "同一指标的项只写一行"))
    if not one_of(row, "from", (STATED, MEASURED, TABLED, *OPERATIONS), findings):
        return findings
    tabled, _, column = row["what"].partition(":")
    parts = tabled.split("|")
    allowed = {
        STATED: [kind.value for kind in TargetKind],
        MEASURED: list(MEASURES),
        TABLED: [c.name for c in load_classes()],
    }.get(row["from"], [term.name for term in known])
    for part in parts:
        if part not in allowed:
            found = f"“{part}”不是可用的数"
            findings.append(row.finding("what", found, hint(part, allowed)))
    if row["from"] in OPERATIONS and len(parts) != OPERATIONS[row["from"]]:
        findings.append(row.finding("what", f"写了 {len(parts)} 项", "写两项，用 | 隔开"))
    if row["from"] == TABLED and column not in TABLE_COLUMNS:
        found = f"“{column}”不是汇总表可用的列"
        findings.append(row.finding("what", found, hint(column, TABLE_COLUMNS)))
    return findings


def _row_findings(row: Row, terms: list[Term]) -> list[Finding]:
    findings: list[Finding] = []
    one_of(row, "indicator", list(Indicator), findings)
    one_of(row, "test", TESTS, findings)
    if not row["number"].isdigit():
        findings.append(row.finding("number", f"“{row['number']}”不是序号", "填写 1 至 5"))
    known = [term.name for term in terms]
    for column in ("value", "least", "most", "limit"):
        one_of(row, column, known, findings)
    try:
        named = [name for _, name, *_ in string.Formatter().parse(row["formula"]) if name]
    except ValueError as error:
        return [*findings, row.finding("formula", f"括号不成对（{error}）", "项写作 {项名}")]
    findings += [
        row.finding("formula", f"{{{name}}} 不是本指标的项", hint(name, known))
        for name in named
        if name not in known
    ]
    return findings

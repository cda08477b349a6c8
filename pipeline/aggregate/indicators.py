"""The five assessment indicators: formula, limit, verdict and headroom, each traceable.

What is tested, against what and in which words stands in tables/indicators.csv; here its rows are
walked, in exact fractions. A missing figure is 缺数 and names what is missing; an area that can't
be decided makes 待核 where it could turn the verdict; nothing is guessed.
Source: docs/decisions/0046-five-indicators.md.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from pipeline.aggregate.members import PIECES as MEMBER_PIECES
from pipeline.aggregate.members import sums
from pipeline.aggregate.summary import WHOLE_COUNTY
from pipeline.aggregate.terms import COLUMNS as TERM_COLUMNS
from pipeline.aggregate.terms import Sources, exact, said, sources, term_table, values_of
from pipeline.tables.indicators import STATED, assessed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pipeline.aggregate.terms import Values
    from pipeline.model import County
    from pipeline.tables.indicators import Term, Tested

PASS, FAIL, REVIEW, MISSING, VOID = "达标", "不达标", "待核", "缺数", "不适用"
WORST_FIRST = (FAIL, MISSING, REVIEW, PASS, VOID)
PIECES = (*MEMBER_PIECES, "scheme_known")
"""What `measured` reads of the pieces; of the parcels it is what `members` reads."""
COLUMNS = (
    "indicator", "number", "name", "label", "value", "limit", "unit", "headroom", "rate_pct",
    "verdict", "overall", "formula", "note", "missing", "terms", "basis", "export",
)  # fmt: skip
_TESTS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "at_least": lambda value, limit: value >= limit,
    "at_most": lambda value, limit: value <= limit,
    "below": lambda value, limit: value < limit,
}


class Measured(NamedTuple):
    """What is measured on the plots of an export: sums of its members, and whether 进出平衡 was.

    behind: as `sums` gives them; scheme: whether a 进出平衡 scheme was delivered.
    """

    behind: pd.DataFrame
    scheme: bool


class Assessment(NamedTuple):
    """The indicators of one export, and their terms."""

    indicators: pd.DataFrame
    terms: pd.DataFrame


def measured(grounds: Iterable[tuple[pd.DataFrame, pd.DataFrame]]) -> Measured:
    """Measure an export block by block: its pieces (PIECES) and the parcels (PLOTS) they lie in.

    At least one block; all of a plot in one.
    """
    parts, scheme = [], False
    for pieces, parcels in grounds:
        parts.append(sums(pieces, parcels))
        scheme |= bool(pieces["scheme_known"].any())
    return Measured(pd.concat(parts).groupby(level=["measure", "town_code"]).sum(), scheme)


def assess(measured: Measured, summary: pd.DataFrame, *, county: County) -> Assessment:
    """Return the assessment of one export (the newest, as a rule).

    summary: rows of summary.csv, figures as text; of several exports the latest counts.
    indicators: COLUMNS, a row per tested figure; value and limit in `unit` (ratios in %), exact to
    six decimals as text, missing where unknown; headroom: how far the value is on the right side of
    the limit (negative: on the wrong one); overall: the verdict of an indicator that has two
    figures. terms: a row per term, measured ones also per town and 督导组.
    """
    day = str(summary["export"].max())
    behind = measured.behind.reset_index()
    found = sources(behind, summary[summary["export"] == day], county, scheme=measured.scheme)
    values = {tested.indicator.value: values_of(tested, found) for tested in assessed()}
    table = pd.DataFrame(
        [_row(tested, values[tested.indicator.value], found) for tested in assessed()]
    ).assign(export=day)
    table["overall"] = table.groupby("number")["verdict"].transform(
        lambda own: min(own, key=WORST_FIRST.index)
    )
    terms = term_table(values, found, behind, county).assign(export=day)
    return Assessment(table[list(COLUMNS)], terms[list(TERM_COLUMNS)])


def _row(tested: Tested, values: Values, found: Sources) -> dict[str, object]:
    """Return one row of indicators.csv."""
    value, limit = values[tested.value], values[tested.limit]
    missing = [_absent(tested, term) for term in _asked(tested) if values[term.name] is None]
    verdict = MISSING if missing else _verdict(tested, values)
    room = None
    if value is not None and limit is not None:
        room = value - limit if tested.test == "at_least" else limit - value
    words = {term.name: said(values[term.name], term.unit) for term in tested.terms}
    return {
        "indicator": tested.indicator.value,
        "number": tested.number,
        "name": tested.name,
        "label": tested.label,
        "value": exact(value),
        "limit": exact(limit),
        "unit": tested.unit,
        "headroom": exact(room),
        "rate_pct": exact(value if tested.unit == "%" else values.get("rate")),
        "verdict": verdict,
        "formula": tested.formula.format_map(words),
        "note": "；".join(_notes(tested, values, verdict, found)) or None,
        "missing": "；".join(missing) or None,
        "terms": "；".join(f"{t.label} {words[t.name]} {t.unit}" for t in tested.terms),
        "basis": tested.basis,
    }


def _asked(tested: Tested) -> Iterator[Term]:
    """Yield the terms of targets.csv without which there is no verdict."""
    needed = {tested.value, tested.limit}
    return (term for term in tested.terms if term.name in needed and term.origin == STATED)


def _absent(tested: Tested, term: Term) -> str:
    kinds = " 或 ".join(term.what)
    return f"targets.csv 缺 {WHOLE_COUNTY} {tested.indicator} {kinds}（{term.label}，{term.unit}）"


def _verdict(tested: Tested, values: Values) -> str:
    """Judge the figure, exactly; where its bounds are judged differently it is to be verified."""
    limit, bounds = values[tested.limit], (values[tested.least], values[tested.most])
    passes = _TESTS[tested.test]
    judged = {passes(bound, limit) for bound in bounds if bound is not None and limit is not None}
    if not judged:
        return VOID
    if len(judged) > 1:
        return REVIEW
    return PASS if judged == {True} else FAIL


def _notes(tested: Tested, values: Values, verdict: str, found: Sources) -> Iterator[str]:
    """Yield what a reader must know beside the verdict."""
    value, limit, unit = values[tested.value], values[tested.limit], tested.unit
    if verdict == VOID:
        yield "没有新增建设用地占用耕地，无从计算比例"
    if verdict == REVIEW:
        least, most = (said(values[name], unit) for name in (tested.least, tested.most))
        yield f"有面积不能判定，实际在 {least} 至 {most} {unit}之间，两侧都有可能，请先核实待核图斑"
    if value is None or limit is None:
        return
    if value == limit and tested.edge:
        yield tested.edge
    elif value != limit and said(value, unit) == said(limit, unit):
        yield f"取整后与限值同为 {said(limit, unit)} {unit}，判定按未取整的数 {exact(value)}"
    yield from _limit_notes(tested, value, limit, found)


def _limit_notes(tested: Tested, value: Fraction, limit: Fraction, found: Sources) -> Iterator[str]:
    """Yield where the limit comes from if not from its usual row, and what its rounding hides."""
    term = next(term for term in tested.terms if term.name == tested.limit)
    target = found.target(tested, term)
    if target is None:
        return
    if target.kind.value != term.what[0]:
        stated = f"{target.value} {target.unit}（{target.source}）"
        yield f"没有另行下达任务数，以公布的缺口 {stated}作任务"
    half = Fraction(1, 2) * Fraction(10) ** int(target.value.as_tuple().exponent)
    if tested.test == "at_least" and 0 < limit - value <= half:
        yield f"所差在印出的任务数取整之内（±{exact(half)} {tested.unit}），判定仍按印出的数"

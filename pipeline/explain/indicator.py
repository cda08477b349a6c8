"""What stands behind an assessment indicator: every term of its formula worked out a second time.

Stated terms come from the county's targets, measured ones are added up from their pieces, tabled
ones from the tasks, the rest is the formula's own arithmetic: written apart from `aggregate`, on
purpose, and held against indicators.csv and indicator_terms.csv.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError, OutputError, UsageError
from pipeline.explain.adding import counted, totals
from pipeline.explain.cells import AGAIN, Cell, number
from pipeline.explain.words import COUNTY, GROUP, UNDECIDED, WHOLE_COUNTY
from pipeline.tables.indicators import MEASURED, STATED, TABLED, assessed

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
    from datetime import date

    from pipeline.explain.words import Asked
    from pipeline.model import County, Target
    from pipeline.tables.indicators import Term, Tested

    Values = dict[str, Fraction | None]

INDICATORS, TERMS = "indicators.csv", "indicator_terms.csv"
PLACES = 6
MU_PER_CM2 = Fraction(15, 1_000_000)
_KG_PER_UNIT = 10_000
_MADE: Mapping[str, Callable[[Fraction, Fraction], Fraction | None]] = {
    "sum": lambda one, other: one + other,
    "difference": lambda one, other: one - other,
    "shortfall": lambda one, other: max(one - other, Fraction(0)),
    "least": min,
    "percent": lambda part, whole: 100 * part / whole if whole else Fraction(100) if part else None,
    "share": lambda one, other: one * other / 100,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraised:
    """A question about an indicator and what is needed to answer it.

    indicators, terms: the two products, all cells text; members: measure, bsm, piece, town_code,
    cm2 of the export; tasks: the county's tasks known at the export (adding.ROWS); scheme: whether
    a 进出平衡 scheme was delivered.
    """

    asked: Asked
    export: date
    indicators: pd.DataFrame
    terms: pd.DataFrame
    members: pd.DataFrame
    tasks: pd.DataFrame
    county: County
    scheme: bool

    @property
    def tested(self) -> Tested:
        """The indicator's row of tables/indicators.csv."""
        return tested_of(self.asked)

    @property
    def term(self) -> Term | None:
        """The term asked for; None for the indicator itself."""
        return term_of(self.asked)

    @property
    def line(self) -> pd.Series:
        """The indicator's row of indicators.csv; OutputError where there is none."""
        own = self.indicators[self.indicators["indicator"] == self.tested.indicator.value]
        if len(own) != 1:
            found = f"没有 {self.tested.indicator.value} 这一行"
            raise OutputError(Finding(INDICATORS, found, AGAIN))
        line: pd.Series = own.iloc[0]
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class Appraisal:
    """An indicator with everything behind it.

    cells: what was worked out again; listed: the pieces and tasks behind the terms (term, bsm,
    piece, task_id, town_code, counted in hundredths of a m² or in plots); checked: how many cells
    per product.
    """

    question: Appraised
    cells: tuple[Cell, ...]
    listed: pd.DataFrame
    checked: Mapping[str, int]


def tested_of(asked: Asked) -> Tested:
    """Return the indicator a question is about."""
    return next(t for t in assessed() if t.label == asked.figure.label)


def term_of(asked: Asked) -> Term | None:
    """Return the term a question is about; of a place below the county what is tested itself."""
    tested = tested_of(asked)
    name = asked.measure.name if asked.measure else None
    if name is None and asked.place.level != COUNTY:
        name = tested.value
    return next((term for term in tested.terms if term.name == name), None)


def tabled_categories(asked: Asked) -> list[str]:
    """Return the categories of tasks the indicator's terms are taken from."""
    terms = [term for term in tested_of(asked).terms if term.origin == TABLED]
    return list(dict.fromkeys(name for term in terms for name in term.what[:-1]))


def check_place(asked: Asked) -> None:
    """Raise UsageError where a place below the county has no such term, naming those it has."""
    tested, term = tested_of(asked), term_of(asked)
    if asked.place.level == COUNTY or (term is not None and term.origin == MEASURED):
        return
    have = [t.label for t in tested.terms if t.origin == MEASURED]
    label = term.label if term else tested.label
    advice = f"镇办、督导组可问：{'、'.join(have)}；" if have else ""
    advice += f"其余写 {WHOLE_COUNTY} {tested.label}；任务的进度写 {asked.place.name} 和缺口名"
    found = f"{label}是全县的数，没有分到{asked.place.name}"
    raise UsageError(Finding("trace", found, advice))


def appraise(question: Appraised) -> Appraisal:
    """Return an indicator with all its terms, worked out again and held against both products.

    Raises UsageError as `check_place`, OutputError where a product has no such row, GengbaoError
    naming every cell that isn't what pieces, tasks and targets give.
    """
    check_place(question.asked)
    values = _values(question)
    cells = [*_line_cells(question, values), *_term_cells(question, values)]
    wrong = [cell for cell in cells if not cell.agrees]
    if wrong:
        raise GengbaoError(cell.finding(question.export) for cell in wrong)
    return Appraisal(
        question=question,
        cells=tuple(cells),
        listed=_listed(question),
        checked=Counter(cell.product for cell in cells),
    )


def _values(question: Appraised) -> Values:
    """Work out every term in its order; None where something is missing."""
    values: Values = {}
    for term in question.tested.terms:
        if term.origin == STATED:
            values[term.name] = _stated(question, term)
        elif term.origin == MEASURED:
            cm2 = int(_of_term(question, term)["cm2"].sum())
            known = question.scheme or term.what[0] != "balance_in"
            values[term.name] = cm2 * MU_PER_CM2 if known else None
        elif term.origin == TABLED:
            values[term.name] = Fraction(totals(_tasks(question, term))[term.what[-1]])
        else:
            one, other = (values[name] for name in term.what)
            make = _MADE[term.origin]
            values[term.name] = None if one is None or other is None else make(one, other)
    return values


def _stated(question: Appraised, term: Term) -> Fraction | None:
    target = target_of(question, term)
    if target is None:
        return None
    to_unit = _KG_PER_UNIT if (target.unit, term.unit) == ("公斤", "万公斤") else 1
    return Fraction(target.value) / to_unit


def target_of(question: Appraised, term: Term) -> Target | None:
    """Return the county's row of targets.csv a term is: the first of its kinds that is stated."""
    own = {
        t.kind.value: t
        for t in question.county.targets
        if t.town == WHOLE_COUNTY and t.indicator is question.tested.indicator
    }
    return next((own[kind] for kind in term.what if kind in own), None)


def _of_term(question: Appraised, term: Term) -> pd.DataFrame:
    own: pd.DataFrame = question.members[question.members["measure"] == term.what[0]]
    return own


def _tasks(question: Appraised, term: Term) -> pd.DataFrame:
    own: pd.DataFrame = question.tasks[question.tasks["category"].isin(term.what[:-1])]
    return own


def _line_cells(question: Appraised, values: Values) -> Iterator[Cell]:
    """Yield the figures of the indicator's row of indicators.csv."""
    tested, line = question.tested, question.line
    value, limit = values[tested.value], values[tested.limit]
    room = None
    if value is not None and limit is not None:
        room = value - limit if tested.test == "at_least" else limit - value
    rate = value if tested.unit == "%" else values.get("rate")
    found = {"value": value, "limit": limit, "headroom": room, "rate_pct": rate}
    for column, amount in found.items():
        yield Cell(
            product=INDICATORS, place=WHOLE_COUNTY, row=tested.indicator.value, column=column,
            stated=number(line[column]), found=_written(amount),
        )  # fmt: skip


def _term_cells(question: Appraised, values: Values) -> Iterator[Cell]:
    """Yield the value of every term, of measured ones by place and with their plots."""
    own = question.terms[question.terms["indicator"] == question.tested.indicator.value]
    for term in question.tested.terms:
        rows = own[own["term"] == term.name]
        if rows.empty:
            raise OutputError(Finding(TERMS, f"没有 {term.label} 这一行", AGAIN))
        for line in rows.to_dict("records"):
            value, plots = values[term.name], None
            if term.origin == MEASURED and value is not None:
                here = _of_term(question, term)
                here = here[here["town_code"].fillna(UNDECIDED).isin(_codes(question, line))]
                value, plots = int(here["cm2"].sum()) * MU_PER_CM2, here["bsm"].nunique()
            found = {"value": _written(value), "plots": None if plots is None else Decimal(plots)}
            for column, amount in found.items():
                yield Cell(
                    product=TERMS, place=line["town"], row=term.name, column=column,
                    stated=number(line[column]), found=amount,
                )  # fmt: skip


def _codes(question: Appraised, line: Mapping[Hashable, object]) -> Sequence[str]:
    """Return the towns of a row of indicator_terms.csv."""
    towns = question.county.towns
    if line["level"] == COUNTY:
        return (*(town.code for town in towns), UNDECIDED)
    if line["level"] == GROUP:
        return [town.code for town in towns if town.group == line["town"]]
    return [town.code for town in towns if town.name == line["town"]] or [UNDECIDED]


def _written(value: Fraction | None) -> Decimal | None:
    """Return a value as the products write it: six decimals, half away from zero."""
    if value is None:
        return None
    whole = int(abs(value) * 10**PLACES + Fraction(1, 2))
    return Decimal(whole if value >= 0 else -whole).scaleb(-PLACES)


def behind(tested: Tested, name: str) -> list[Term]:
    """Return the terms with plots that a term is made of, itself if it has plots."""
    terms = {term.name: term for term in tested.terms}
    term = terms[name]
    if term.origin in (MEASURED, TABLED):
        return [term]
    parts = [] if term.origin == STATED else [behind(tested, part) for part in term.what]
    found = {one.name: one for part in parts for one in part}
    return list(found.values())


LISTED = ("term", "bsm", "piece", "task_id", "town_code", "counted", "unit")


def _listed(question: Appraised) -> pd.DataFrame:
    """Return the pieces and tasks behind the term asked for, or behind what is tested: LISTED."""
    term = question.term
    terms = behind(question.tested, term.name if term else question.tested.value)
    parts = [pd.DataFrame({name: pd.Series(dtype="object") for name in LISTED})]
    for one in terms:
        own = _task_list(question, one) if one.origin == TABLED else _piece_list(question, one)
        parts.append(own.assign(term=one.name, unit=one.unit)[list(LISTED)])
    filled = [part for part in parts if len(part)] or parts[:1]
    table = pd.concat(filled, ignore_index=True)
    towns = table["town_code"].fillna(UNDECIDED)
    here: pd.DataFrame = table[towns.isin(list(question.asked.place.towns))]
    return here.reset_index(drop=True)


def _piece_list(question: Appraised, term: Term) -> pd.DataFrame:
    own = _of_term(question, term).rename(columns={"cm2": "counted"}).assign(task_id=None)
    return own.sort_values(["town_code", "bsm", "piece"], kind="stable")


def _task_list(question: Appraised, term: Term) -> pd.DataFrame:
    tasks = _tasks(question, term)
    amounts = counted(tasks)[term.what[-1]]
    own: pd.DataFrame = tasks.assign(counted=amounts, piece=np.nan)[amounts != 0]
    return own.sort_values(["town_code", "bsm", "task_id"], kind="stable")


def amount(counted_amount: int, unit: str) -> Decimal:
    """Return what a row counts in its term's unit: 亩 exactly, or plots."""
    if unit != "亩":
        return Decimal(counted_amount)
    return Decimal(counted_amount) * 15 / 1_000_000

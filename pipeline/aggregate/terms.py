"""The terms of the indicators' formulas: where each comes from, and what it comes to, exactly."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from pipeline.aggregate.summary import UNDECIDED, WHOLE_COUNTY, place_codes, place_names, places
from pipeline.model import TargetKind
from pipeline.tables.indicators import MEASURED, STATED, TABLED, assessed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.model import County, Indicator, Target
    from pipeline.tables.indicators import Term, Tested

    Values = dict[str, Fraction | None]

MU_PER_CM2 = Fraction(15, 1_000_000)
"""亩 in 0.01 m²: 3/2000 of a m²."""
PLACES = 6
"""Digits of a written value: 0.01 m² is 0.000015 亩."""
PRINTED = {"亩": 2, "%": 2, "万公斤": 5, "个": 0}
"""Digits of a value in a sentence, by unit."""
COLUMNS = (
    "export", "indicator", "term", "label", "level", "town_code", "town", "value", "unit",
    "plots", "origin", "source",
)  # fmt: skip
UNSTATED = "（缺）"


class Sources(NamedTuple):
    """What terms are taken from: the county's targets, sums of members in 亩, summary.csv."""

    targets: Mapping[tuple[Indicator, TargetKind], Target]
    measured: Mapping[str, Fraction | None]
    tabled: pd.DataFrame

    def target(self, tested: Tested, term: Term) -> Target | None:
        """Return the county's row of targets.csv for a term: the first kind that is stated."""
        keys = ((tested.indicator, TargetKind(kind)) for kind in term.what)
        return next((self.targets[key] for key in keys if key in self.targets), None)


class Operation(NamedTuple):
    """How two terms make a third, and how that is said."""

    compute: Callable[[Fraction, Fraction], Fraction | None]
    words: str


def _percent(part: Fraction, whole: Fraction) -> Fraction | None:
    """Return part/whole in %; nothing of nothing is no ratio, something of nothing is all."""
    if whole:
        return 100 * part / whole
    return Fraction(100) if part else None


OPERATIONS: Mapping[str, Operation] = {
    "sum": Operation(lambda a, b: a + b, "{} ＋ {}"),
    "difference": Operation(lambda a, b: a - b, "{} − {}"),
    "shortfall": Operation(lambda a, b: max(a - b, Fraction(0)), "{} − {}，不小于 0"),
    "least": Operation(min, "{}、{} 取小"),
    "percent": Operation(_percent, "{} ÷ {} × 100"),
    "share": Operation(lambda a, b: a * b / 100, "{} × {} ÷ 100"),
}


def sources(
    behind: pd.DataFrame, summary: pd.DataFrame, county: County, *, scheme: bool
) -> Sources:
    """Return what the terms of one export are taken from.

    behind: measure, town_code, cm2, plots (`members.sums`); summary: rows of summary.csv of that
    export; scheme: whether a 进出平衡 scheme was delivered (else what it lists can't be measured).
    """
    cm2 = behind.groupby("measure")["cm2"].sum()
    names = {t.what[0] for tested in assessed() for t in tested.terms if t.origin == MEASURED}
    measured = {name: int(cm2.get(name, 0)) * MU_PER_CM2 for name in names}
    return Sources(
        {(t.indicator, t.kind): t for t in county.targets if t.town == WHOLE_COUNTY},
        {**measured, **({} if scheme else {"balance_in": None})},
        summary[summary["level"] == "county"].set_index("category"),
    )


def values_of(tested: Tested, found: Sources) -> Values:
    """Compute the terms of a figure in their order; None where something is missing."""
    values: Values = {}
    for term in tested.terms:
        if term.origin == STATED:
            target = found.target(tested, term)
            values[term.name] = None if target is None else _in_unit(target, term.unit)
        elif term.origin == MEASURED:
            values[term.name] = found.measured[term.what[0]]
        elif term.origin == TABLED:
            cells = found.tabled.loc[list(term.what[:-1]), term.what[-1]]
            values[term.name] = sum((Fraction(str(cell)) for cell in cells), Fraction(0))
        else:
            parts = [values[name] for name in term.what]
            known = [part for part in parts if part is not None]
            compute = OPERATIONS[term.origin].compute
            values[term.name] = compute(*known) if len(known) == len(parts) else None
    return values


def _in_unit(target: Target, unit: str) -> Fraction:
    value = Fraction(target.value)
    return value / 10_000 if (target.unit, unit) == ("公斤", "万公斤") else value


def term_table(
    values: Mapping[str, Values], found: Sources, behind: pd.DataFrame, county: County
) -> pd.DataFrame:
    """Return a row per term, measured terms also per town and 督导组: COLUMNS but export.

    values: by indicator. plots: distinct plots behind a measured term.
    """
    by_place = _by_place(behind, county)
    rows = []
    for tested in assessed():
        for term in tested.terms:
            plain: dict[str, object] = {
                "indicator": tested.indicator.value, "term": term.name, "label": term.label,
                "unit": term.unit, "origin": term.origin,
                "source": _source(tested, term, found),
            }  # fmt: skip
            value = values[tested.indicator.value][term.name]
            whole = {"level": "county", "town_code": county.code, "town": WHOLE_COUNTY}
            if term.origin != MEASURED or value is None:
                rows.append(plain | whole | {"value": exact(value)})
                continue
            here = by_place[by_place["measure"] == term.what[0]].to_dict("records")
            rows += [plain | {str(name): cell for name, cell in row.items()} for row in here]
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "export"])
    return table.astype({"plots": "Int64"})


def _by_place(behind: pd.DataFrame, county: County) -> pd.DataFrame:
    """Return every measure by town, 督导组 and county: value in 亩 as text, distinct plots."""
    names, codes = place_names(county), place_codes(county)
    measures = sorted({t.what[0] for one in assessed() for t in one.terms if t.origin == MEASURED})
    parts = []
    for level, place, known in places(behind["town_code"].fillna(UNDECIDED), county):
        keys = ["measure", "place"]
        groups = behind.assign(place=place).groupby(keys)
        order = [*known, *([UNDECIDED] if place.eq(UNDECIDED).any() else [])]
        wanted = pd.MultiIndex.from_product([measures, order], names=keys)
        sums = pd.DataFrame({"cm2": groups["cm2"].sum(), "plots": groups["plots"].sum()})
        part = sums.reindex(wanted).fillna(0).astype(np.int64).reset_index()
        parts.append(part.assign(level=level))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(
        town_code=table["place"].map(codes),
        town=table["place"].map(names),
        value=table["cm2"].map(lambda cm2: exact(int(cm2) * MU_PER_CM2)),
    ).drop(columns=["place", "cm2"])


def _source(tested: Tested, term: Term, found: Sources) -> str:
    """Say in Chinese where a term comes from."""
    if term.origin == STATED:
        target = found.target(tested, term)
        if target is None:
            kinds = "、".join(term.what)
            return f"targets.csv 没有这一行（{WHOLE_COUNTY} {tested.indicator} {kinds}）"
        where = f"targets.csv {WHOLE_COUNTY} {target.indicator} {target.kind}"
        return f"{where}：{target.value} {target.unit}，{target.source}"
    if term.origin in OPERATIONS:
        labels = {other.name: other.label for other in tested.terms}
        made = OPERATIONS[term.origin].words.format(*(labels[name] for name in term.what))
        return f"{made}（{term.source}）" if term.source else made
    return term.source


def exact(value: Fraction | None) -> str | None:
    """Return a value as plain decimal text, half-up to six decimals, no idle zeros."""
    if value is None:
        return None
    text = f"{_rounded(value, PLACES):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def said(value: Fraction | None, unit: str) -> str:
    """Return a value as a sentence prints it."""
    if value is None:
        return UNSTATED
    places = PRINTED[unit]
    return f"{_rounded(value, places):.{places}f}" if unit != "万公斤" else str(exact(value))


def _rounded(value: Fraction, places: int) -> Decimal:
    """Round half away from zero; never a negative zero."""
    scaled = abs(value) * 10**places
    whole = int(scaled + Fraction(1, 2))
    return Decimal(whole if value >= 0 else -whole).scaleb(-places) if whole else Decimal(0)

"""Wrong values, row by row of tables/defects.csv: which plots, and what is written into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.sample.figures import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pipeline.sample.defects.bed import Bed

    Bools = NDArray[np.bool_]

_TERM = re.compile(r"(?P<field>[A-Z]+)(?P<op>!~|~|>|=)(?P<value>.*)")
_CHANGE = re.compile(r"(?P<field>[A-Z]+)(?P<op><<|<|=\^|=|\*|\+)(?P<value>.*)")
_LONG = "林" * 61
ANYWHERE = frozenset({"DLMC", "YSDM", "MSSM", "QSDWMC", "SJNF"})
"""Fields whose faults can stand on any plot, whatever else is wrong with it."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A kind of wrong value.

    where: terms joined by &: FIELD~pattern, FIELD!~pattern, FIELD>number, FIELD=number; changes:
    joined by ;: FIELD=text (~ none, {n} a number, {long} 61 letters, another field's name its
    value), FIELD=^text before, FIELD<n first n letters, FIELD<<n without them, FIELD*x, FIELD+x.
    """

    kind: str
    label: str
    where: tuple[re.Match[str], ...]
    changes: tuple[re.Match[str], ...]

    @property
    def fields(self) -> frozenset[str]:
        """The fields it looks at or changes: two kinds that share none go together on a plot."""
        return frozenset(match["field"] for match in (*self.where, *self.changes))


def wrongs() -> tuple[Wrong, ...]:
    """Return every kind of wrong value. Raises GengbaoError for a row that can't be read."""
    rows = table("defects").fillna("").to_dict("records")
    return tuple(
        Wrong(
            row["kind"], row["label"], _parsed(_TERM, row["where"], "&"),
            _parsed(_CHANGE, row["set"], ";"),
        )
        for row in rows
    )  # fmt: skip


def _parsed(grammar: re.Pattern[str], text: str, joint: str) -> tuple[re.Match[str], ...]:
    """Return the parts of a cell; GengbaoError for one that isn't written as `Wrong` says."""
    parts = [part for part in text.split(joint) if part]
    found = [grammar.fullmatch(part) for part in parts]
    unread = [
        Finding(f"defects.csv “{text}”", f"看不懂“{part}”", "写法见 sample/defects/values.py")
        for part, match in zip(parts, found, strict=True)
        if match is None
    ]
    if unread:
        raise GengbaoError(unread)
    return tuple(match for match in found if match)


def plant(bed: Bed, every: tuple[Wrong, ...], count: int) -> None:
    """Plant each kind on `count` plots, half of them alone there, half with another kind.

    Rare kinds choose first. Kinds on one plot share no field. Where no company is found a kind
    stands alone; where there are no more plots it stays below `count`.
    """
    able = {wrong.kind: _holds(bed, wrong) for wrong in every}
    rare_first = sorted(every, key=lambda wrong: int(able[wrong.kind].sum()))
    left = dict.fromkeys((wrong.kind for wrong in every), count)
    for wrong in rare_first:
        for plot in bed.take(able[wrong.kind], count - count // 2):
            _write(bed, wrong, plot)
            left[wrong.kind] -= 1
    for wrong in rare_first:
        for plot in bed.take(able[wrong.kind], left[wrong.kind]):
            if not left[wrong.kind]:
                break
            fitting = [
                one for one in every
                if left[one.kind] and able[one.kind][plot] and not one.fields & wrong.fields
            ]  # fmt: skip
            both = [wrong, *sorted(fitting, key=lambda one: -left[one.kind])[:1]]
            for one in both:
                _write(bed, one, plot, company=len(both) > 1)
                left[one.kind] -= 1


def plant_beside(bed: Bed, every: tuple[Wrong, ...]) -> None:
    """Give every second defect so far the company of a wrong value that any plot can have."""
    anywhere = [wrong for wrong in every if wrong.fields <= ANYWHERE]
    there = set(bed.frame["plot"])
    for number, one in enumerate(bed.truth.copy()):
        if number % 2 and one["plot"] in there:
            one["company"] = True
            _write(bed, anywhere[number // 2 % len(anywhere)], one["plot"], company=True)


def _holds(bed: Bed, wrong: Wrong) -> Bools:
    """Return which plots, by number, fulfil all terms."""
    holds = np.zeros(int(bed.frame["plot"].max()) + 1, dtype=bool)
    good = np.ones(len(bed.frame), dtype=bool)
    for term in wrong.where:
        good &= _term(bed.frame[term["field"]], term["op"], term["value"])
    holds[bed.frame["plot"].to_numpy()[good]] = True
    return holds[: len(bed.whole)]


def _term(column: pd.Series, sign: str, value: str) -> Bools:
    if sign in {">", "="}:
        numbers = pd.to_numeric(column).to_numpy(float)
        return numbers > float(value) if sign == ">" else numbers == float(value)
    matches = column.fillna("").astype(str).str.match(value).to_numpy(bool)
    return ~matches if sign == "!~" else matches


def _write(bed: Bed, wrong: Wrong, plot: int, *, company: bool = False) -> None:
    for change in wrong.changes:
        name = change["field"]
        bed.write(plot, {name: _changed(bed, plot, change)})
    bed.note(wrong.kind, plot, company=company)


def _changed(bed: Bed, plot: int, change: re.Match[str]) -> Any:  # noqa: ANN401 - a cell
    """Return what a change makes of a cell."""
    name, sign, value = change["field"], change["op"], change["value"]
    old = bed.value(plot, name)
    reckoned: dict[str, Callable[[], Any]] = {
        "*": lambda: round(old * float(value), 2),
        "+": lambda: round(old + float(value), 6),
        "<": lambda: old[: int(value)],
        "<<": lambda: old[int(value) :],
        "=^": lambda: value + old,
    }
    if sign in reckoned:
        return reckoned[sign]()
    if value == "~" or value in bed.frame:
        return None if value == "~" else bed.value(plot, value)
    text = value.replace("{n}", f"{plot:06d}").replace("{long}", _LONG)
    return float(text) if pd.api.types.is_numeric_dtype(bed.frame[name]) else text

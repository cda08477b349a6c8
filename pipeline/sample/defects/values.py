"""Wrong values, row by row of tables/defects.csv: which plots, and what is written into them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.sample.figures import table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.defects.bed import Bed

    Bools = NDArray[np.bool_]

_TERM = re.compile(r"(?P<field>[A-Z]+)(?P<op>!~|~|>|=)(?P<value>.*)")
_CHANGE = re.compile(r"(?P<field>[A-Z]+)(?P<op><<|<|=\^|=|\*|\+)(?P<value>.*)")
_LONG = "林" * 61


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
    """Return every kind of wrong value."""
    rows = table("defects").fillna("").to_dict("records")
    return tuple(
        Wrong(
            row["kind"], row["label"], _parsed(_TERM, row["where"], "&"),
            _parsed(_CHANGE, row["set"], ";"),
        )
        for row in rows
    )  # fmt: skip


def _parsed(grammar: re.Pattern[str], text: str, joint: str) -> tuple[re.Match[str], ...]:
    found = [grammar.fullmatch(part) for part in text.split(joint) if part]
    return tuple(match for match in found if match)


def plant(bed: Bed, wrong: Wrong, count: int) -> None:
    """Plant a kind on `count` plots of its own; fewer where there are no more."""
    for plot in bed.take(_holds(bed, wrong), count):
        _write(bed, wrong, plot)
        bed.note(wrong.kind, plot)


def plant_in_company(bed: Bed, every: tuple[Wrong, ...], count: int) -> None:
    """Plant each kind again on plots that bear another, of other fields; each plot bears two."""
    by_kind = {wrong.kind: wrong for wrong in every}
    hosts: dict[int, str] = {
        one["plot"]: one["kind"] for one in bed.truth if one["kind"] in by_kind
    }
    for wrong in every:
        holds = _holds(bed, wrong)
        able = [p for p, kind in hosts.items() if not wrong.fields & by_kind[kind].fields]
        for plot in bed.rng.permutation([p for p in able if holds[p]])[:count]:
            _write(bed, wrong, int(plot))
            bed.note(wrong.kind, int(plot), company=True)
            for one in bed.truth:
                one["company"] |= one["plot"] == plot
            del hosts[int(plot)]


def _holds(bed: Bed, wrong: Wrong) -> Bools:
    """Return which plots (by number) fulfil all terms."""
    holds = np.zeros(int(bed.frame["plot"].max()) + 1, dtype=bool)
    good = np.ones(len(bed.frame), dtype=bool)
    for term in wrong.where:
        good &= _term(bed.frame[term["field"]], term["op"], term["value"])
    holds[bed.frame["plot"].to_numpy()[good]] = True
    return holds


def _term(column: pd.Series, sign: str, value: str) -> Bools:
    if sign in {">", "="}:
        numbers = pd.to_numeric(column).to_numpy(float)
        return numbers > float(value) if sign == ">" else numbers == float(value)
    matches = column.fillna("").astype(str).str.match(value).to_numpy(bool)
    return ~matches if sign == "!~" else matches


def _write(bed: Bed, wrong: Wrong, plot: int) -> None:
    row = bed.row(plot)
    for change in wrong.changes:
        name = change["field"]
        old = bed.frame.loc[row, name]
        bed.frame.loc[row, name] = _changed(bed, row, old, (change["op"], change["value"], plot))


def _changed(bed: Bed, row: int, old: Any, change: tuple[str, str, int]) -> Any:  # noqa: ANN401 - a cell
    sign, value, plot = change
    reckoned = {
        "*": lambda: round(old * float(value), 2),
        "+": lambda: round(old + float(value), 6),
        "<": lambda: old[: int(value)],
        "<<": lambda: old[int(value) :],
        "=^": lambda: value + old,
    }
    if sign in reckoned:
        return reckoned[sign]()
    if value == "~" or value in bed.frame:
        return None if value == "~" else bed.frame.loc[row, value]
    text = value.replace("{n}", f"{plot:06d}").replace("{long}", _LONG)
    return type(old)(text) if isinstance(old, int | float | np.number) else text

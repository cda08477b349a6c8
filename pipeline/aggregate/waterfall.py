"""Why a gap moved: opening → restored → newly lost → reclassified → revised → withdrawn → closing.

Every movement of a task's remaining area that history.csv books is one step of one indicator, in
integer hundredths of a m², so the steps add up exactly: per place, per export, to the cent.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.aggregate.summary import UNDECIDED, WHOLE_COUNTY, exact_m2, exact_mu
from pipeline.aggregate.transfers import LEAST_CM2, transfers
from pipeline.errors import Finding, GengbaoError
from pipeline.measure import to_cm2
from pipeline.model import GAP_INDICATORS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from pipeline.model import Category, County

STEPS = ("restored", "newly_lost", "relapsed", "reclassified", "revised", "withdrawn")
"""In the order of the chart; restored and withdrawn are negative, the others as they come."""
FIRST_ENTRY = "首次入库"
BOOKED = {
    "new_step_m2": 1, "relapsed_step_m2": 1, "restored_step_m2": -1, "withdrawn_step_m2": -1,
    "adjusted_step_m2": 1,
}  # fmt: skip
"""Columns of history.csv that book a movement of the remaining area, with their sign."""
COLUMNS = (
    "export", "since", "task_id", "bsm", "town_code", "town", "category", "indicator", "step",
    "change_cm2", "reason", "other_task", "other_category",
)  # fmt: skip
_INTO = ("new_step_m2", "relapsed_step_m2")


def movements(
    history: pd.DataFrame, tasks: gpd.GeoDataFrame, classes: Sequence[Category]
) -> pd.DataFrame:
    """Return every movement after the ledger's export: COLUMNS, in the order of the history.

    history: history.csv (text or numbers), all exports; tasks: the newest ledger (task_id,
    geometry), which never lost a task. Categories of no indicator have no rows of their own; where
    ground changed category, a movement is several rows: one per task on the other side
    (other_task, other_category), and the rest. A task whose remaining area stayed has no row.
    """
    gap_of = {c.name: c.gap for c in classes if c.gap}
    moves = _booked(history)
    moves = pd.concat([_split(moves, own, tasks, classes) for own in _by_export(moves)] or [moves])
    moves["indicator"] = moves["category"].map(gap_of)
    moves["step"] = _steps(moves)
    moves = moves[moves["indicator"].notna() & (moves["change_cm2"] != 0)]
    order = moves["step"].map({step: n for n, step in enumerate(STEPS)})
    moves = moves.assign(order=order).sort_values(["at", "order", "other_task"], kind="stable")
    moves["reason"] = moves["reason"].fillna("")
    return moves[list(COLUMNS)].reset_index(drop=True)


def _booked(history: pd.DataFrame) -> pd.DataFrame:
    """Return a row per movement that history.csv books after the first export, signed, in cm2."""
    days = sorted(set(history["export"]))
    before = dict(zip(days[1:], days[:-1], strict=True))
    rows = history[history["export"].isin(days[1:])].reset_index(drop=True)
    found = []
    for name, sign in BOOKED.items():
        change = sign * to_cm2(rows[name].astype(float))
        part = rows.assign(since=rows["export"].map(before), change_cm2=change, booked=name)
        found.append(part[part["change_cm2"] != 0].assign(at=lambda own: own.index))
    moves = pd.concat(found, ignore_index=True)
    return moves.assign(part="", other_task=None, other_category=None)


def _by_export(moves: pd.DataFrame) -> list[pd.DataFrame]:
    return [own for _, own in moves.groupby("export", sort=True)]


def _split(
    moves: pd.DataFrame, own: pd.DataFrame, tasks: gpd.GeoDataFrame, classes: Sequence[Category]
) -> pd.DataFrame:
    """Return one export's movements, those of ground that changed category as several rows.

    What is left of a movement after its transfers is a correction below 10 m² (part = rest).
    """
    listed = [c.name for c in classes if c.task and not c.gap]
    cleared = own["category"].isin(listed) & (own["booked"] == "adjusted_step_m2")
    out = own[((own["booked"] == "withdrawn_step_m2") | cleared) & (own["change_cm2"] < 0)]
    came = own[own["booked"].isin(_INTO)]
    gone, into = (
        side[["task_id", "category"]].assign(cm2=side["change_cm2"].abs()) for side in (out, came)
    )
    over = transfers(gone, into, tasks)
    labels = {c.name: c.label for c in classes}
    sides = [
        _handed(moves, over["gone"], over["into"], -over["cm2"], "改为{}", labels),
        _handed(moves, over["into"], over["gone"], over["cm2"], "由{}改来", labels),
    ]
    handed = pd.concat(sides)
    moved = handed["change_cm2"].groupby(handed.index).sum().reindex(own.index, fill_value=0)
    left = own["change_cm2"] - moved
    small = (moved != 0) & (left.abs() < LEAST_CM2)
    rest = own.assign(change_cm2=left, part=np.where(small, "rest", ""))
    return pd.concat([rest, handed])


def _handed(
    moves: pd.DataFrame, own: pd.Series, other: pd.Series, change: pd.Series, why: str,
    labels: dict[str, str],
) -> pd.DataFrame:  # fmt: skip
    """Return the rows of one side of the transfers, naming the other."""
    theirs = moves.loc[other]
    return moves.loc[own].assign(
        change_cm2=change.to_numpy(),
        part="handed",
        other_task=theirs["task_id"].to_numpy(),
        other_category=theirs["category"].to_numpy(),
        reason=[why.format(labels[name]) for name in theirs["category"]],
    )


def _steps(moves: pd.DataFrame) -> pd.Series:
    """Name the step of every movement."""
    booked, part = moves["booked"], moves["part"]
    first = moves["reason"].fillna("").str.contains(FIRST_ENTRY, regex=False)
    names = np.select(
        [
            part == "handed", part == "rest", booked == "restored_step_m2",
            booked == "relapsed_step_m2", booked == "withdrawn_step_m2",
            (booked == "adjusted_step_m2") | ((booked == "new_step_m2") & first),
        ],
        ["reclassified", "revised", "restored", "relapsed", "withdrawn", "revised"],
        default="newly_lost",
    )  # fmt: skip
    return pd.Series(names, index=moves.index, dtype="str")


def waterfall(moves: pd.DataFrame, history: pd.DataFrame, county: County,
              classes: Sequence[Category]) -> pd.DataFrame:  # fmt: skip
    """Sum the movements: rows of waterfall.csv per export after the ledger's, place, indicator.

    Columns: export, since, level, town_code, town, indicator, opening_mu, STEPS as NAME_mu with
    their sign, closing_mu (exact 亩), and STEPS as NAME_tasks. Raises GengbaoError unless opening
    and steps give the closing that the history states, everywhere.
    """
    gap_of = {c.name: c.gap for c in classes if c.gap}
    days = sorted(set(history["export"]))
    rows = history[history["category"].isin(list(gap_of))]
    stock = rows.assign(
        indicator=rows["category"].map(gap_of),
        cm2=to_cm2(rows["remaining_m2"].astype(float)),
    )
    tables = [_step_table(moves, stock, county, since, export) for since, export in pairwise(days)]
    if not tables:
        return pd.DataFrame(columns=_columns())
    return pd.concat(tables, ignore_index=True)[_columns()]


def _columns() -> list[str]:
    head = ["export", "since", "level", "town_code", "town", "indicator", "opening_mu"]
    return [
        *head, *(f"{step}_mu" for step in STEPS), "closing_mu", *(f"{step}_tasks" for step in STEPS)
    ]  # fmt: skip


def _step_table(
    moves: pd.DataFrame, stock: pd.DataFrame, county: County, since: str, export: str
) -> pd.DataFrame:
    """Return one step's rows of all places and indicators."""
    own = moves[moves["export"] == export]
    places = _places(county, stock)
    rows = []
    for level, code, name, towns in places:
        for indicator in GAP_INDICATORS:
            here = own[own["town_code"].fillna("").isin(towns) & (own["indicator"] == indicator)]
            held = stock[stock["town_code"].fillna("").isin(towns)]
            held = held[held["indicator"] == indicator]
            opening, closing = (
                int(held.loc[held["export"] == day, "cm2"].sum()) for day in (since, export)
            )
            sums = {step: int(here.loc[here["step"] == step, "change_cm2"].sum()) for step in STEPS}
            _check(opening, sums, closing, f"{export} {name} {indicator.value}")
            rows.append(
                {
                    "export": export, "since": since, "level": level, "town_code": code,
                    "town": name, "indicator": indicator.value, "opening_mu": exact_mu(opening),
                    **{f"{step}_mu": exact_mu(value) for step, value in sums.items()},
                    "closing_mu": exact_mu(closing),
                    **{
                        f"{step}_tasks": int(here.loc[here["step"] == step, "task_id"].nunique())
                        for step in STEPS
                    },
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _places(
    county: County, stock: pd.DataFrame
) -> list[tuple[str, str | None, str, tuple[str, ...]]]:
    """Return level, code, name and town codes of every place, 未定 where tasks have no town."""
    known = tuple(town.code for town in county.towns)
    loose = tuple(sorted(set(stock["town_code"].fillna("")) - set(known)))
    groups = dict.fromkeys(town.group for town in county.towns if town.group)
    places: list[tuple[str, str | None, str, tuple[str, ...]]] = [
        ("town", town.code, town.name, (town.code,)) for town in county.towns
    ]
    if loose:
        places.append(("town", None, UNDECIDED, loose))
    for group in groups:
        own = tuple(town.code for town in county.towns if town.group == group)
        places.append(("group", None, group, own))
    return [*places, ("county", county.code, WHOLE_COUNTY, (*known, *loose))]


def _check(opening: int, sums: dict[str, int], closing: int, where: str) -> None:
    """Fail loudly when the steps don't lead from opening to closing."""
    if opening + sum(sums.values()) != closing:
        raise GengbaoError(
            Finding(
                f"缺口变动 {where}",
                f"期初 {exact_m2(opening)} ㎡ 加各步 {exact_m2(sum(sums.values()))} ㎡ "
                f"不等于期末 {exact_m2(closing)} ㎡",
                "请保留现场文件并联系开发者",
            )
        )


def printed_movements(moves: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of waterfall_tasks.csv: signed m² with two decimals and exact 亩."""
    columns = [name for name in moves.columns if name != "change_cm2"]
    table = moves[columns].copy()
    at = columns.index("reason")
    table.insert(at, "change_m2", [exact_m2(int(v)) for v in moves["change_cm2"]])
    table.insert(at + 1, "change_mu", [exact_mu(int(v)) for v in moves["change_cm2"]])
    return table

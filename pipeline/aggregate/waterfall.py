"""Why a gap moved: opening → restored → newly lost → reclassified → revised → withdrawn → closing.

Every movement of a task's remaining area that history.csv books is one step of one indicator, in
integer hundredths of a m², so the steps add up exactly: per place, per export, to the cent.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import measure, overlay
from pipeline.aggregate.summary import UNDECIDED, WHOLE_COUNTY, exact_m2, exact_mu
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
SAME_GROUND = 0.5
"""A withdrawn task and a new one of another category are one ground: share of the smaller."""
_BOOKED = {
    "new_step_m2": 1, "relapsed_step_m2": 1, "restored_step_m2": -1, "withdrawn_step_m2": -1,
    "adjusted_step_m2": 1,
}  # fmt: skip


def movements(
    history: pd.DataFrame, tasks: gpd.GeoDataFrame, classes: Sequence[Category]
) -> pd.DataFrame:
    """Return every movement: export, since, task_id, …, indicator, step, change_cm2, reason.

    history: history.csv (text or numbers), all exports; tasks: the newest ledger (task_id,
    geometry), which never lost a task. Categories of no indicator are left out. Rows are in the
    order of the history; a task whose remaining area stayed has no row.
    """
    gap_of = {c.name: c.gap for c in classes if c.gap}
    rows = history[history["category"].isin(list(gap_of))].reset_index(drop=True)
    days = sorted(set(history["export"]))
    before = dict(zip(days[1:], days[:-1], strict=True))
    found = []
    for name, sign in _BOOKED.items():
        change = sign * to_cm2(rows[name].astype(float))
        part = rows.assign(since=rows["export"].map(before), change_cm2=change, booked=name)
        found.append(part[(part["change_cm2"] != 0) & part["since"].notna()])
    moves = pd.concat(found).sort_index(kind="stable").reset_index(drop=True)
    moves["indicator"] = moves["category"].map(gap_of)
    moves["step"] = _steps(moves, tasks)
    columns = [
        "export", "since", "task_id", "bsm", "town_code", "town", "category", "indicator", "step",
        "change_cm2", "reason",
    ]  # fmt: skip
    return moves[columns].assign(reason=moves["reason"].fillna(""))


def _steps(moves: pd.DataFrame, tasks: gpd.GeoDataFrame) -> pd.Series:
    """Name each movement's step: a new task on ground another one left is a reclassification."""
    booked = moves["booked"]
    new, gone = booked == "new_step_m2", booked == "withdrawn_step_m2"
    renamed = pd.Series(np.zeros(len(moves), dtype=bool), index=moves.index)
    for _, day in moves.groupby("export", sort=True):
        out, into = day.index[gone[day.index]], day.index[new[day.index]]
        left, right = _pairs(moves.loc[out, "task_id"], moves.loc[into, "task_id"], tasks)
        renamed[out[left]] = True
        renamed[into[right]] = True
    first = moves["reason"].fillna("").str.contains(FIRST_ENTRY, regex=False)
    names = np.select(
        [
            renamed, booked == "restored_step_m2", booked == "relapsed_step_m2", gone,
            (booked == "adjusted_step_m2") | (new & first),
        ],
        ["reclassified", "restored", "relapsed", "withdrawn", "revised"],
        default="newly_lost",
    )  # fmt: skip
    return pd.Series(names, index=moves.index, dtype="str")


def _pairs(
    gone: pd.Series, new: pd.Series, tasks: gpd.GeoDataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Return which withdrawn and new tasks stand on one ground, as positions."""
    outlines = tasks.set_index("task_id").geometry
    left, right = outlines.reindex(gone), outlines.reindex(new)
    if left.empty or right.empty:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    pairs = overlay.overlap_area(np.asarray(left), np.asarray(right), tasks.crs)
    areas = [measure.official_area(side, tasks.crs) for side in (left, right)]
    smaller = np.minimum(areas[0][pairs["left"]], areas[1][pairs["right"]])
    same = pairs[pairs["area_m2"].to_numpy() >= SAME_GROUND * smaller]
    return same["left"].unique(), same["right"].unique()


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
    groups = dict.fromkeys(town.group for town in county.towns)
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

"""How a gap went from export to export, added up again from the tasks: the cells of progress.csv.

Work of a step: how far the open area of a task fell, tasks withdrawn then or now left out; a new
task counts against it. Written apart from `aggregate`, on purpose.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from pipeline.explain import stated, wording
from pipeline.explain.adding import OPEN, WITHDRAWN, printed, totals
from pipeline.explain.cells import (
    PROGRESS,
    RANK,
    Case,
    Cell,
    cell,
    lines,
    number,
    ranks,
    towns_with_gap,
)
from pipeline.explain.words import TOWN
from pipeline.tables.figures import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

COPIED = ("gap_mu", "restored_mu", "remaining_mu", "done_pct")
SUMMED = ("open_plots", "open_mu", "done_mu", "reopened_plots", "reopened_mu")
CHANGES = ("restored_change_mu", "remaining_change_mu", "newly_reopened_plots")
PACES = ("pace_mu_week", "last_pace_mu_week")
ESTIMATES = ("low_mu", "high_mu")
COLUMNS = (
    *COPIED, RANK, "rank_area", *CHANGES, "done_pct_change", "rank_change", *SUMMED, "planned_mu",
    "behind_mu", "next_mu", "days_left", "needed_mu_week", *PACES, "left_mu",
)  # fmt: skip
"""Columns of progress.csv that are added up again."""
LISTED = {
    "done_pct": "gap_mu", RANK: "gap_mu", "rank_area": "restored_mu",
    "done_pct_change": "restored_change_mu", "rank_change": "restored_change_mu",
    "behind_mu": "open_mu", "needed_mu_week": "open_mu", "left_mu": "open_mu", "low_mu": "open_mu",
    "high_mu": "open_mu", wording.OUTLOOK: "open_mu", wording.NOTE: "open_mu",
}  # fmt: skip
"""Measures that are no sum of plots → the sum whose plots stand behind them."""
LEAST_STEPS, WEEK = 3, 7
_EXACT, _CENT = Decimal("0.000001"), Decimal("0.01")


class Step(NamedTuple):
    """From one export to the next: when it ended, its days, and what each task adds, in cm2."""

    end: date
    days: int
    work: Ints
    restored: Ints
    remaining: Ints
    reopened: Bools


def steps(case: Case) -> list[Step]:
    """Return the steps up to the export, aligned with the case's rows."""
    days = [*case.earlier, case.export]
    states = [_state(case, table) for table in (*case.earlier.values(), case.rows)]
    return [
        Step(
            end=days[n],
            days=(days[n] - days[n - 1]).days,
            work=np.where(
                (now["status"] != WITHDRAWN) & (was["status"] != WITHDRAWN) & (now["status"] != ""),
                was["open"] - now["open"],
                0,
            ).astype(np.int64),
            restored=(now["restored"] - was["restored"]).to_numpy(np.int64),
            remaining=(now["remaining"] - was["remaining"]).to_numpy(np.int64),
            reopened=((now["status"] == "reopened") & (was["status"] != "reopened")).to_numpy(),
        )
        for n, (was, now) in enumerate(pairwise(states), 1)
    ]


def _state(case: Case, table: pd.DataFrame) -> pd.DataFrame:
    """Return status and areas of the case's tasks at an export; those not yet known are empty."""
    here = table["status"] != WITHDRAWN
    state = pd.DataFrame(
        {
            "status": table["status"],
            "restored": table["restored_cm2"].where(here, 0),
            "remaining": table["remaining_cm2"].where(here, 0),
            "open": table["remaining_cm2"].where(table["status"].isin(OPEN), 0),
        }
    ).set_index(table["task_id"])
    found = state.reindex(case.rows["task_id"]).reset_index(drop=True)
    return found.fillna({"status": ""} | dict.fromkeys(("restored", "remaining", "open"), 0))


def weights(case: Case, measure: str) -> Ints:
    """Return what each of the case's rows adds to a change or a pace, in plots or cm2."""
    taken = steps(case)
    if not taken:
        return np.zeros(len(case.rows), np.int64)
    if measure == "pace_mu_week":
        total: Ints = np.sum([step.work for step in taken], axis=0, dtype=np.int64)
        return total
    last = taken[-1]
    own = {
        "restored_change_mu": last.restored,
        "remaining_change_mu": last.remaining,
        "newly_reopened_plots": last.reopened.astype(np.int64),
        "last_pace_mu_week": last.work,
    }
    return own[measure]


def progress_cells(case: Case) -> Iterator[Cell]:
    """Yield the cells of progress.csv of a gap indicator: the place's and its towns'."""
    if GAP not in case.asked.figure.kinds:
        return
    name, taken = case.asked.figure.name, steps(case)
    with_gap = towns_with_gap(case)
    before = max(case.earlier, default=None)
    placed = {
        RANK: ranks(case, case.export).set_index("town")[RANK],
        "rank_area": ranks(case, case.export, "restored_mu").set_index("town")[RANK],
        "before": ranks(case, before or case.export).set_index("town")[RANK],
    }
    if before is None:
        placed["before"] = placed["before"].iloc[:0]
    for line, _ in lines(case, case.products.progress, PROGRESS, [("indicator", name)]):
        inside = case.within(line)
        found: dict[str, Decimal | None] = {**totals(case.rows[inside])}
        plans = stated.plans(line["level"], line["town"], name, with_gap, case.county)
        found["planned_mu"] = None if plans is None else stated.due(plans, case.export)
        found["next_mu"] = None if plans is None else stated.following(plans, case.export)
        found |= _placed(line, placed) | _changed(case, inside, taken, found)
        found |= _ahead(case, inside, taken, found)
        for column in COLUMNS:
            yield cell(PROGRESS, line, name, column, found.get(column))
        for column in ESTIMATES:
            found[column] = number(line[column])
            yield Cell(
                product=PROGRESS, place=line["town"], row=name, column=column,
                stated=found[column], found=None, added=False,
            )  # fmt: skip
        coming = None if plans is None else stated.next_date(plans, case.export)
        for column, words in _words(case, line, found, coming).items():
            yield Cell(
                product=PROGRESS, place=line["town"], row=name, column=column,
                stated=None if pd.isna(line[column]) else line[column], found=words,
            )  # fmt: skip


def _words(
    case: Case, line: pd.Series, found: dict[str, Decimal | None], coming: date | None
) -> dict[str, str | None]:
    """Return what the columns that are no number must say; coming: the plan's next date."""
    numbers = dict.fromkeys((*COLUMNS, *ESTIMATES)) | found
    judged = wording.outlook(line[wording.OUTLOOK], numbers, len(case.earlier))
    since = max(case.earlier, default=None)
    return {
        wording.PHASE: wording.phase_on(case.county, case.export),
        wording.SINCE: since.isoformat() if since else None,
        wording.NEXT_DATE: coming.isoformat() if coming else None,
        wording.OUTLOOK: judged,
        wording.NOTE: wording.note(line[wording.NOTE], numbers, judged),
    }


def _placed(line: pd.Series, placed: dict[str, pd.Series]) -> dict[str, Decimal | None]:
    """Return the ranks of a town and how many places it rose."""
    place, town = str(line["town"]), line["level"] == TOWN
    own: dict[str, Decimal | None] = {
        name: Decimal(int(table[place])) if town and place in table.index else None
        for name, table in placed.items()
    }
    now, was = own[RANK], own.pop("before")
    return own | {"rank_change": None if now is None or was is None else was - now}


def _changed(
    case: Case, inside: Bools, taken: list[Step], now: dict[str, Decimal | None]
) -> dict[str, Decimal | None]:
    """Return what changed since the export before; nothing where there is none."""
    if not taken:
        return dict.fromkeys((*CHANGES, "done_pct_change")) | {"newly_reopened_plots": Decimal(0)}
    last, names = taken[-1], set(case.rows["task_id"][inside])
    before = case.earlier[max(case.earlier)]
    was = totals(before[before["task_id"].isin(names)])["done_pct"]
    share = now["done_pct"]
    return {
        "restored_change_mu": printed(int(last.restored[inside].sum()), "_mu"),
        "remaining_change_mu": printed(int(last.remaining[inside].sum()), "_mu"),
        "newly_reopened_plots": Decimal(int(last.reopened[inside].sum())),
        "done_pct_change": None if share is None else share - was,
    }


def _ahead(
    case: Case, inside: Bools, taken: list[Step], now: dict[str, Decimal | None]
) -> dict[str, Decimal | None]:
    """Return what is behind the plan, the paces, and what is left at the deadline."""
    ahead = (case.county.deadline - case.export).days
    rest, done = now["open_mu"] or Decimal(0), now["done_mu"] or Decimal(0)
    found: dict[str, Decimal | None] = {"days_left": Decimal(ahead)}
    if now["planned_mu"] is not None:
        behind = max(min(now["planned_mu"], rest + done) - done, Decimal(0))
        found["behind_mu"] = behind.quantize(_EXACT)
    works = [printed(int(step.work[inside].sum()), "_mu") for step in taken]
    days = sum(step.days for step in taken)
    if taken:
        found["pace_mu_week"] = _cent(sum(works, Decimal(0)) * WEEK / days)
        found["last_pace_mu_week"] = _cent(works[-1] * WEEK / taken[-1].days)
    if now["open_plots"] and ahead > 0:
        found["needed_mu_week"] = _cent(rest * WEEK / ahead)
        if len(taken) >= LEAST_STEPS:
            left = rest - sum(works, Decimal(0)) * ahead / days
            found["left_mu"] = _cent(max(left, Decimal(0)))
    return found


def _cent(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)

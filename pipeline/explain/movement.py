"""Why a gap moved since the export before, added up again: waterfall.csv, from its tasks.

Which step a task's movement is comes from waterfall_tasks.csv; that it is the movement of the
task's remaining area is checked with the ledgers, written apart from `aggregate`, on purpose.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from pipeline.explain import course
from pipeline.explain.adding import printed
from pipeline.explain.cells import Case, Cell, lines
from pipeline.explain.words import UNDECIDED
from pipeline.tables.figures import GAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

WATERFALL, TASKS = "waterfall.csv", "waterfall_tasks.csv"
STEPS = ("restored", "newly_lost", "relapsed", "reclassified", "revised", "withdrawn")
OPENING, CLOSING = "opening_mu", "closing_mu"
AREAS = {f"{step}_step_mu": step for step in STEPS}
"""Measure → step, as area of waterfall.csv's column STEP_mu."""
COUNTS = {f"{step}_step_tasks": step for step in STEPS}
"""Measure → step, as number of tasks of waterfall.csv's column STEP_tasks."""
MEASURES = (OPENING, *AREAS, CLOSING, *COUNTS)
SAID = ("why", "other_task")
"""Columns that say why a task moved, and which other task its ground went to or came from."""
JOIN = "|"


def movements(case: Case) -> pd.DataFrame:
    """Return the rows of waterfall_tasks.csv of the figure, place and export, with cm2."""
    table = case.products.waterfall_tasks
    own = table[
        (table["export"] == case.export.isoformat())
        & (table["indicator"] == case.asked.figure.name)
        & table["town_code"].fillna(UNDECIDED).isin(list(case.asked.place.towns))
    ]
    cm2 = [int(Decimal(text) * 100) for text in own["change_m2"]]
    return own.assign(cm2=np.array(cm2, np.int64)).reset_index(drop=True)


def weights(case: Case, measure: str) -> Ints:
    """Return what each of the case's rows adds to a step, in tasks or cm2."""
    if measure in (OPENING, CLOSING):
        here = _closing(case)
        taken = course.steps(case)
        return here if measure == CLOSING or not taken else here - taken[-1].remaining
    moves = movements(case)
    own = moves[moves["step"] == (AREAS | COUNTS)[measure]]
    cm2 = own.groupby("task_id")["cm2"].sum()
    amounts = cm2.reindex(case.rows["task_id"], fill_value=0).to_numpy(np.int64)
    return amounts if measure in AREAS else (amounts != 0).astype(np.int64)


def _closing(case: Case) -> Ints:
    """Return the remaining area of every row; a withdrawn task has none."""
    left = case.rows["remaining_cm2"].to_numpy(np.int64)
    return np.where(case.rows["status"] == "withdrawn", 0, left).astype(np.int64)


def told(case: Case, measure: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with SAID, where the measure is a step; else as they are."""
    if measure not in AREAS | COUNTS:
        return rows
    moves = movements(case)
    own = moves[moves["step"] == (AREAS | COUNTS)[measure]].fillna({"reason": ""})
    named = own.assign(other_task=own["other_task"].fillna("")).groupby("task_id")
    joined = named.agg(
        why=("reason", lambda texts: JOIN.join(dict.fromkeys(filter(None, texts)))),
        other_task=("other_task", lambda texts: JOIN.join(filter(None, texts))),
    )
    return rows.merge(joined, left_on="task_id", right_index=True, how="left")


def waterfall_cells(case: Case) -> Iterator[Cell]:
    """Yield the cells of waterfall.csv of a gap indicator, the place's and its towns', and tasks.

    The ledger's own export has none; nor has 未定 without a task, nor a ledger without any.
    """
    table = case.products.waterfall
    idle = case.rows.empty and (case.asked.place.name == UNDECIDED or table.empty)
    if GAP not in case.asked.figure.kinds or not case.earlier or idle:
        return
    name = case.asked.figure.name
    amounts = {measure: weights(case, measure) for measure in MEASURES}
    columns = {OPENING: OPENING, CLOSING: CLOSING}
    columns |= {measure: f"{step}_mu" for measure, step in AREAS.items()}
    columns |= {measure: f"{step}_tasks" for measure, step in COUNTS.items()}
    for line, _ in lines(case, table, WATERFALL, [("indicator", name)]):
        inside = case.within(line)
        for measure in MEASURES:
            found = printed(int(amounts[measure][inside].sum()), measure)
            yield Cell(
                product=WATERFALL, place=line["town"], row=name, column=measure,
                stated=Decimal(line[columns[measure]]), found=found,
            )  # fmt: skip
    yield from _task_cells(case)


def _task_cells(case: Case) -> Iterator[Cell]:
    """Yield every task's booked movements beside the change of its remaining area."""
    moves = movements(case)
    booked = moves.groupby("task_id")["cm2"].sum()
    place = moves.drop_duplicates("task_id").set_index("task_id")["town"].fillna(UNDECIDED)
    change = dict(zip(case.rows["task_id"], course.steps(case)[-1].remaining, strict=True))
    towns = dict(zip(case.rows["task_id"], case.rows["town"], strict=True)) | place.to_dict()
    moved = [task for task, cm2 in change.items() if cm2]
    for task in dict.fromkeys([*booked.index, *moved]):
        found = change.get(task)
        yield Cell(
            product=TASKS, place=str(towns[task]), row=str(task), column="change_m2",
            stated=printed(int(booked.get(task, 0)), "_m2"),
            found=None if found is None else printed(int(found), "_m2"),
        )  # fmt: skip

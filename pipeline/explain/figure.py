"""What stands behind a figure: its plots, added up again and held against every product."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import Finding, GengbaoError, UsageError
from pipeline.explain import course, movement, stated, wording
from pipeline.explain.adding import SUMS, counted, in_order, piece_rows, task_rows
from pipeline.explain.cells import (
    RANK_AREA,
    RECONCILE,
    gap_cells,
    ranks,
    reconcile_cells,
    summary_cells,
)
from pipeline.explain.course import progress_cells
from pipeline.explain.movement import waterfall_cells
from pipeline.tables.figures import GAP, INDICATOR, load_measures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.explain.cells import Case, Cell
    from pipeline.explain.words import Asked
    from pipeline.model import Category, County, Planned, Target

    Ints = NDArray[np.int64]

UNCOUNTED = (*stated.TARGETS, *stated.PLANNED, "days_left", wording.PHASE, wording.SINCE)
"""Measures behind which there is no plot."""
AT_LEDGER = ("plots", "distinct_plots", "area_m2", "area_mu", "gap_mu", *stated.TARGETS)
"""Measures that are asked of the ledger's date unless said otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A figure and everything behind it.

    listed: the case's rows that count in the measure, in order, with `counted` (plots, or
    hundredths of a m²); cells: the figure's own cells; checked: per product, how many cells were
    added up again; printed: rows of reconcile.csv about it; targets, plan: what targets.csv and
    plan.csv state; ranks: towns by done_pct; steps: (end, days, net work in hundredths of a m²).
    """

    case: Case
    listed: pd.DataFrame
    cells: tuple[Cell, ...]
    checked: Mapping[str, int]
    printed: pd.DataFrame
    targets: tuple[Target, ...] = ()
    plan: tuple[Planned, ...] = ()
    ranks: pd.DataFrame | None = None
    steps: tuple[tuple[date, int, int], ...] = ()

    @property
    def asked(self) -> Asked:
        """What was asked for."""
        return self.case.asked

    @property
    def measure(self) -> str:
        """The measure's name; plots where none was asked for."""
        return self.case.asked.measure.name if self.case.asked.measure else "plots"


def default_export(asked: Asked, county: County) -> date:
    """Return the export a figure is of unless said otherwise.

    What 附件2 and the notice state is of the ledger's date, how far the work is and the five
    indicators are of the newest.
    """
    own = asked.measure is None or asked.measure.name in AT_LEDGER
    own = own and INDICATOR not in asked.figure.kinds
    return county.ledger if own else county.newest


def stand_behind(
    asked: Asked,
    *,
    ledger: pd.DataFrame,
    pieces: pd.DataFrame,
    classes: Sequence[Category],
    export: date,
) -> pd.DataFrame:
    """Return the plots of a figure's categories in its place, as adding.ROWS, in order.

    ledger: the tasks known at the export; pieces: its classified pieces (may be empty where the
    figure has only tasks). Tasks count by the ledger, everything else by this export's pieces.
    """
    tasks = [c.name for c in classes if c.task and c.name in asked.figure.parts]
    others = [name for name in asked.figure.parts if name not in tasks]
    rows = task_rows(ledger, tasks)
    if others:
        found = piece_rows(pieces, others, export.isoformat())
        rows = pd.concat([rows, found], ignore_index=True) if tasks else found
    return in_order(rows[rows["town_code"].isin(list(asked.place.towns))], classes)


def trace(case: Case) -> Trace:
    """Return a figure with the plots behind it, added up against every product that holds it.

    Every cell of the figure and of its terms (each category, each town of the place) is added up
    from the plots. Raises UsageError for a measure the figure hasn't, OutputError when a product
    lacks the figure, GengbaoError naming every cell that isn't the sum of its plots.
    """
    asked, county = case.asked, case.county
    cells = [
        *summary_cells(case), *gap_cells(case), *reconcile_cells(case), *progress_cells(case),
        *waterfall_cells(case),
    ]  # fmt: skip
    own = tuple(c for c in cells if c.place == asked.place.name and c.row == asked.figure.name)
    own += tuple(c for c in cells if c.product == RECONCILE)
    _check_measure(asked, own)
    wrong = [cell for cell in cells if not cell.agrees]
    if wrong:
        raise GengbaoError(cell.finding(case.export) for cell in wrong)
    table = case.products.reconcile
    about = (table["town"] == asked.place.name) & table["item"].isin(list(asked.figure.published))
    found = Trace(
        case=case,
        listed=_listed(case),
        cells=own,
        checked=Counter(cell.product for cell in cells if cell.added),
        printed=table[about & (case.export == county.ledger)],
    )
    if GAP not in asked.figure.kinds:
        return found
    taken = course.steps(case)
    by = "restored_mu" if found.measure == RANK_AREA else "done_pct"
    return replace(
        found,
        targets=stated.target_rows(asked.place, asked.figure.name, county),
        plan=stated.plan_rows(asked.place, asked.figure.name, county),
        ranks=ranks(case, case.export, by),
        steps=tuple((step.end, step.days, int(step.work.sum())) for step in taken),
    )


def _listed(case: Case) -> pd.DataFrame:
    """Return the rows that count in the measure, with what each adds to it."""
    name = case.asked.measure.name if case.asked.measure else "plots"
    if name in UNCOUNTED:
        return case.rows.iloc[:0].assign(counted=0)
    amounts = weights(case, name)
    own: pd.DataFrame = case.rows.assign(counted=amounts)[amounts != 0]
    return movement.told(case, name, own.reset_index(drop=True))


def weights(case: Case, measure: str) -> Ints:
    """Return what each of the case's rows adds to a measure, in plots or hundredths of a m²."""
    name = course.LISTED.get(measure, measure)
    if name in (*course.CHANGES, *course.PACES):
        return course.weights(case, name)
    if name in movement.MEASURES:
        return movement.weights(case, name)
    return counted(case.rows)[name]


def _check_measure(asked: Asked, cells: Iterable[Cell]) -> None:
    """Raise UsageError when the figure has no such measure: sums go with every figure."""
    have = {*SUMS, *(cell.column for cell in cells)}
    if asked.measure and asked.measure.name not in have:
        found = f"{asked.place.name}的{asked.figure.label}没有“{asked.measure.label}”这一项"
        labels = [measure.label for measure in load_measures() if measure.name in have]
        raise UsageError(Finding("--measure", found, f"可用：{'、'.join(labels)}"))

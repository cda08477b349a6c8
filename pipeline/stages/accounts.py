"""Accounts of the stages that judge plots: what came in, what went on, what stands aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.model import AccountRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    import geopandas as gpd
    import pandas as pd

TALLIED = ["bsm", "base_m2"]
"""What is counted and added up."""


class Tally(NamedTuple):
    """How many plots there are, and their base area."""

    plots: int
    cm2: int


def tally(blocks: Iterable[pd.DataFrame]) -> Tally:
    """Count plots and add up base areas of rows (TALLIED) that come block by block, by BSM."""
    from pipeline import storage
    from pipeline.measure import to_cm2

    plots, cm2 = 0, 0
    for rows in storage.whole(blocks):
        plots += int(rows["bsm"].nunique())
        cm2 += int(to_cm2(rows["base_m2"]).sum())
    return Tally(plots, cm2)


def passed(stage: str, day: date, before: Tally, after: Tally) -> AccountRow:
    """Return the account of a stage that passes every plot on."""
    return AccountRow(
        stage=stage,
        export=day.isoformat(),
        read_plots=before.plots,
        accepted_plots=after.plots,
        rejected_plots=0,
        in_cm2=before.cm2,
        out_cm2=after.cm2,
        aside_cm2=0,
    )


def opening_account(
    day: date, blocks: Iterable[pd.DataFrame], ledger: gpd.GeoDataFrame
) -> AccountRow:
    """Return the opening's account: pieces that are no task stand aside (none, inflow, 待核 …).

    blocks: the pieces (TALLIED, category), all of a plot in one block.
    """
    from pipeline.measure import to_cm2

    tasks, with_task = ledger["category"].unique(), ledger["bsm"].unique()
    plots, rejected, in_cm2, aside_cm2 = 0, 0, 0, 0
    for pieces in blocks:
        own, cm2 = pieces["bsm"].drop_duplicates(), to_cm2(pieces["base_m2"])
        plots += len(own)
        rejected += int((~own.isin(with_task)).sum())
        in_cm2 += int(cm2.sum())
        aside_cm2 += int(cm2[~pieces["category"].isin(tasks)].sum())
    return AccountRow(
        stage="ledger",
        export=day.isoformat(),
        read_plots=plots,
        accepted_plots=len(with_task),
        rejected_plots=rejected,
        in_cm2=in_cm2,
        out_cm2=int(to_cm2(ledger["area_m2"]).sum()),
        aside_cm2=aside_cm2,
    )


def tracking_account(day: date, history: pd.DataFrame) -> AccountRow:
    """Return a later export's account, in tasks and remaining area.

    in = opening + new + relapsed + adjusted; out = closing; aside = restored + withdrawn.
    """
    from pipeline.measure import to_cm2

    def total(column: str) -> int:
        return int(to_cm2(history[column]).sum())

    return AccountRow(
        stage="ledger",
        export=day.isoformat(),
        read_plots=len(history),
        accepted_plots=int(history["task_id"].nunique()),
        rejected_plots=0,
        in_cm2=sum(
            total(name)
            for name in ("opening_m2", "new_step_m2", "relapsed_step_m2", "adjusted_step_m2")
        ),
        out_cm2=total("remaining_m2"),
        aside_cm2=total("restored_step_m2") + total("withdrawn_step_m2"),
    )

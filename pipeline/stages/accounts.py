"""Accounts of the stages that judge plots: what came in, what went on, what stands aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.model import AccountRow

if TYPE_CHECKING:
    from datetime import date

    import geopandas as gpd
    import pandas as pd


def account(stage: str, day: date, before: pd.DataFrame, after: pd.DataFrame) -> AccountRow:
    """Return the account of a stage that passes every plot on: base areas, plots by BSM."""
    from pipeline.measure import to_cm2

    return AccountRow(
        stage=stage,
        export=day.isoformat(),
        read_plots=int(before["bsm"].nunique()),
        accepted_plots=int(after["bsm"].nunique()),
        rejected_plots=0,
        in_cm2=int(to_cm2(before["base_m2"]).sum()),
        out_cm2=int(to_cm2(after["base_m2"]).sum()),
        aside_cm2=0,
    )


def opening_account(day: date, pieces: pd.DataFrame, ledger: gpd.GeoDataFrame) -> AccountRow:
    """Return the opening's account: pieces that are no task stand aside (none, inflow, 待核 …)."""
    import pandas as pd

    from pipeline.measure import to_cm2

    aside = pieces[~pieces["category"].isin(ledger["category"].unique())]
    plots, with_task = pieces["bsm"].unique(), ledger["bsm"].unique()
    return AccountRow(
        stage="ledger",
        export=day.isoformat(),
        read_plots=len(plots),
        accepted_plots=len(with_task),
        rejected_plots=int((~pd.Index(plots).isin(with_task)).sum()),
        in_cm2=int(to_cm2(pieces["base_m2"]).sum()),
        out_cm2=int(to_cm2(ledger["area_m2"]).sum()),
        aside_cm2=int(to_cm2(aside["base_m2"]).sum()),
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

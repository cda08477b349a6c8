"""How the plots behind a figure add up: every measure of our town tables, from the plots alone.

Written apart from `aggregate`, on purpose: a figure is traced by adding it up a second time.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import numpy as np

from pipeline.measure import to_cm2

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.model import Category

    Ints = NDArray[np.int64]

ROWS = (
    "task_id", "bsm", "town_code", "town", "village", "category", "area_cm2", "restored_cm2",
    "remaining_cm2", "status", "rule_id", "basis", "case_no", "flags", "first_seen", "closed_on",
)  # fmt: skip
LEDGER = (*(name.replace("_cm2", "_m2") for name in ROWS),)
"""Columns of a ledger that are read."""
PIECES = (
    "bsm", "piece", "town_code", "town", "village", "category", "base_m2", "rule_id", "basis",
    "case_no", "flags",
)  # fmt: skip
"""Columns of classified pieces that are read."""
WITHDRAWN, CLOSED, REOPENED = "withdrawn", "closed", "reopened"
OPEN = ("open", "partial", REOPENED)
UNDECIDED = "未定"
_TEXTS = ("rule_id", "basis", "case_no", "flags")
_MU = Decimal(15) / 1_000_000


def task_rows(ledger: pd.DataFrame, names: Collection[str]) -> pd.DataFrame:
    """Return the tasks of some categories as ROWS, withdrawn ones too; ledger: LEDGER columns."""
    rows = ledger[ledger["category"].isin(list(names))].copy()
    for name in ("area", "restored", "remaining"):
        rows[f"{name}_cm2"] = to_cm2(rows[f"{name}_m2"])
    return _ordered(rows)


def piece_rows(pieces: pd.DataFrame, names: Collection[str], day: str) -> pd.DataFrame:
    """Return plots of categories that are no task as ROWS: one row per plot and category.

    pieces: PIECES columns. Such a plot has no status; it counts at this export alone.
    """
    own = pieces[pieces["category"].isin(list(names))].sort_values(["bsm", "category", "piece"])
    keys = ["bsm", "category"]
    groups = own.assign(area_cm2=to_cm2(own["base_m2"])).groupby(keys, sort=True)
    rows = groups.first().assign(area_cm2=groups["area_cm2"].sum())
    several = own[own.duplicated(keys, keep=False)].groupby(keys, sort=True)
    for name in _TEXTS if several.ngroups else ():
        rows[name] = rows[name].astype(object)
        said = several[name].agg(lambda texts: "|".join(dict.fromkeys(texts.dropna())))
        rows.loc[said.index, name] = said
    rows = rows.reset_index().assign(
        task_id=None, restored_cm2=0, remaining_cm2=0, status="", first_seen=day, closed_on=None
    )
    return _ordered(rows)


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    rows["town_code"] = rows["town_code"].fillna(UNDECIDED)
    rows["town"] = rows["town"].fillna(UNDECIDED)
    return rows[list(ROWS)].reset_index(drop=True)


def in_order(rows: pd.DataFrame, classes: Sequence[Category]) -> pd.DataFrame:
    """Return rows by town, category in the order of 附件2, BSM, task."""
    order = rows["category"].map({c.name: c.order for c in classes})
    keys = ["town_code", "_order", "bsm", "task_id"]
    return rows.assign(_order=order).sort_values(keys, ignore_index=True).drop(columns="_order")


def counted(rows: pd.DataFrame) -> dict[str, Ints]:
    """Return per measure (SUMS) what each row adds to it: plots, or hundredths of a m²."""
    status = rows["status"].to_numpy(dtype=object)
    here = status != WITHDRAWN
    area, restored, remaining = (
        rows[f"{name}_cm2"].to_numpy(np.int64) for name in ("area", "restored", "remaining")
    )
    left = np.isin(status, OPEN)
    again = status == REOPENED
    once = here & ~rows["bsm"].where(here).duplicated().to_numpy()
    amounts = {
        "plots": here,
        "area_m2": area * here,
        "area_mu": area * here,
        "gap_mu": area,
        "closed_plots": status == CLOSED,
        "restored_mu": restored * here,
        "open_plots": left,
        "open_mu": remaining * left,
        "done_mu": (restored + remaining) * here - remaining * left,
        "reopened_plots": again,
        "reopened_mu": remaining * again,
        "withdrawn_plots": ~here,
        "withdrawn_mu": area * ~here,
        "remaining_mu": remaining * here,
        "distinct_plots": once,
    }
    return {name: amount.astype(np.int64) for name, amount in amounts.items()}


SUMS = (
    "plots", "area_m2", "area_mu", "gap_mu", "closed_plots", "restored_mu", "open_plots",
    "open_mu", "done_mu", "reopened_plots", "reopened_mu", "withdrawn_plots", "withdrawn_mu",
    "remaining_mu", "distinct_plots",
)  # fmt: skip
"""Measures that are sums over plots."""


def printed(amount: int, measure: str) -> Decimal:
    """Return an amount in the measure's own unit, exact."""
    if measure.endswith("_mu"):
        return Decimal(amount) * _MU
    return Decimal(amount) / 100 if measure.endswith("_m2") else Decimal(amount)


def totals(rows: pd.DataFrame) -> dict[str, Decimal]:
    """Return every measure of some rows in its own unit, exact; done_pct in %, two decimals."""
    sums = {name: int(amount.sum()) for name, amount in counted(rows).items()}
    gap, done = sums["gap_mu"], sums["restored_mu"]
    share = Decimal(done) / Decimal(gap) * 100 if gap else Decimal(100)
    exact = {name: printed(amount, name) for name, amount in sums.items()}
    return exact | {"done_pct": share.quantize(Decimal("0.01"), ROUND_HALF_UP)}

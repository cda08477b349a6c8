"""The page's sums against summary.csv, added up once more before anything is written."""

from __future__ import annotations

import pandas as pd

from pipeline.aggregate import exact_mu
from pipeline.errors import GengbaoError
from pipeline.measure import to_cm2
from pipeline.measure.numbers import own_fault

WITHDRAWN = "withdrawn"


def require_same_sums(ledger: pd.DataFrame, summary: pd.DataFrame) -> None:
    """Raise GengbaoError unless the tasks add up to the county's rows of summary.csv.

    ledger: tasks with areas in m²; summary: its rows at the same export, as text. Compared are
    plots and exact 亩 of every task category.
    """
    rows = summary[summary["level"] == "county"].set_index("category").to_dict("index")
    here = ledger["status"] != WITHDRAWN
    amounts = pd.DataFrame(
        {
            "plots": here.astype("int64"),
            "area_mu": to_cm2(ledger["area_m2"]) * here,
            "restored_mu": to_cm2(ledger["restored_m2"]) * here,
            "remaining_mu": to_cm2(ledger["remaining_m2"]) * here,
            "withdrawn_plots": (~here).astype("int64"),
            "withdrawn_mu": to_cm2(ledger["area_m2"]) * ~here,
        }
    )
    sums = amounts.groupby(ledger["category"].to_numpy()).sum().to_dict("index")
    findings = [
        own_fault(f"离线页 {category} {name}", f"图斑合计 {found}，summary.csv 为 {wanted}")
        for category, own in sums.items()
        for name, amount in own.items()
        if (found := _printed(str(name), int(amount))) != (wanted := rows[category][name])
    ]
    if findings:
        raise GengbaoError(findings)


def _printed(name: str, amount: int) -> str:
    """Return a sum as summary.csv has it: hundredths of a m² as exact 亩, plots as they are."""
    return exact_mu(amount) if name.endswith("_mu") else str(amount)

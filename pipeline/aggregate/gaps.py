"""Ledger × targets: every town's gap, what is done of it, and its rank."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.aggregate.schedule import place_schedules
from pipeline.model import GAP_INDICATORS, TargetKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model import Category, County


def gaps(summary: pd.DataFrame, *, county: County, classes: Sequence[Category]) -> pd.DataFrame:
    """Hold each place's gap against its target: rows of gaps.csv, towns, groups and county.

    summary: rows of `summarise`, one or several exports. The gap of an indicator is the sum of its
    categories' tasks opened up to the export, withdrawn ones too (classes.csv, column gap), never
    target − actual: gap = restored + remaining + withdrawn. done_pct of a gap of 0 is 100. Towns
    are ranked by done_pct descending within export and indicator, ties sharing a rank.
    planned_mu is what plan.csv has due by the export's date; missing where nothing is planned.
    """
    leaf = {c.name: c.gap for c in classes if c.gap}
    rows = summary[summary["category"].isin(list(leaf))].copy()
    rows["indicator"] = rows["category"].map(leaf)
    for name in ("area_mu", "withdrawn_mu", "restored_mu", "remaining_mu"):
        rows[name] = rows[name].map(Decimal)
    rows["gap_mu"] = rows["area_mu"] + rows["withdrawn_mu"]
    keys = ["export", "level", "town_code", "town", "indicator"]
    table = rows.groupby(keys, sort=False, dropna=False, as_index=False).agg(
        gap_mu=("gap_mu", "sum"), restored_mu=("restored_mu", "sum"),
        remaining_mu=("remaining_mu", "sum"),
    )  # fmt: skip
    table["target_mu"] = _stated(table, county, TargetKind.TARGET)
    table["published_gap_mu"] = _stated(table, county, TargetKind.GAP)
    table["done_pct"] = pd.Series(
        map(done_pct, table["restored_mu"], table["gap_mu"]), index=table.index, dtype=object
    )
    table["rank"] = _ranks(table)
    table["planned_mu"] = _planned(table, county)
    columns = [
        "export", "level", "town_code", "town", "indicator", "target_mu", "published_gap_mu",
        "gap_mu", "restored_mu", "remaining_mu", "done_pct", "planned_mu", "rank",
    ]  # fmt: skip
    return table[columns]


def _stated(table: pd.DataFrame, county: County, kind: TargetKind) -> pd.Series:
    """Return what targets.csv states for each place; groups sum their towns when all are stated."""
    stated = {(t.town, t.indicator.value): t.value for t in county.targets if t.kind is kind}
    for group in {town.group for town in county.towns}:
        towns = [town.name for town in county.towns if town.group == group]
        for indicator in GAP_INDICATORS:
            values = [stated.get((town, indicator.value)) for town in towns]
            known = [value for value in values if value is not None]
            if len(known) == len(towns):
                stated[group, indicator.value] = sum(known, Decimal(0))
    keys = zip(table["town"], table["indicator"], strict=True)
    return pd.Series([stated.get(key) for key in keys], index=table.index, dtype=object)


def _planned(table: pd.DataFrame, county: County) -> pd.Series:
    """Return what each place has to have done by the date of each export."""
    plans = place_schedules(table, county)
    keys = table[["export", "level", "town", "indicator"]].itertuples(index=False, name=None)
    due = [plans[key].due(date.fromisoformat(key[0])) if key in plans else None for key in keys]
    return pd.Series(due, index=table.index, dtype=object)


def done_pct(done: Decimal, gap: Decimal) -> Decimal:
    """Return the share done in %, two decimals half-up; a gap of 0 is done."""
    share = done / gap * 100 if gap else Decimal(100)
    return share.quantize(Decimal("0.01"), ROUND_HALF_UP)


def ranked(done: pd.Series, within: Sequence[pd.Series]) -> pd.Series:
    """Rank shares done, the highest first, within groups: 1, 2, 2, 4."""
    ranks = done.astype("float64").groupby(list(within)).rank(method="min", ascending=False)
    return ranks.astype("Int64")


def _ranks(table: pd.DataFrame) -> pd.Series:
    """Rank the towns of an export and indicator; other levels have no rank."""
    towns = table[(table["level"] == "town") & table["town_code"].notna()]
    return ranked(towns["done_pct"], [towns["export"], towns["indicator"]]).reindex(table.index)

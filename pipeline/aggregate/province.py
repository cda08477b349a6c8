"""Counties' tables stacked into a province's: every row under its county, sums that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.aggregate.gaps import done_pct, ranked
from pipeline.model import WHOLE_PROVINCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

KEYS = ("county_code", "county")
SUMMED = {
    "summary": (
        "plots", "area_m2", "area_mu", "closed_plots", "restored_mu", "open_plots",
        "withdrawn_plots", "remaining_mu", "distinct_plots", "withdrawn_mu",
    ),
    "gaps": (
        "target_mu", "published_gap_mu", "gap_mu", "restored_mu", "remaining_mu", "planned_mu",
    ),
}  # fmt: skip
VERDICTS = ("达标", "不达标", "待核", "缺数", "不适用")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountyTables:
    """A finished county's tables as they were written: every cell text, missing ones missing."""

    code: str
    name: str
    newest: date
    tables: Mapping[str, pd.DataFrame]


def stacked(counties: Sequence[CountyTables], name: str) -> pd.DataFrame:
    """Return a table of all counties, rows and columns as each county's own, the county before."""
    parts = [
        county.tables[name].assign(county_code=county.code, county=county.name)
        for county in counties
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[[*KEYS, *table.columns.difference(list(KEYS), sort=False)]]


def province_summary(counties: Sequence[CountyTables]) -> pd.DataFrame:
    """Return a row per county and category at the county's newest export, then their sums.

    county_code, county, export, category, label and the figures of summary.csv as exact decimals,
    in its order; the sums stand under county 全省 without code and export. Plots of two counties
    are never one plot.
    """
    rows = _newest(counties, "summary")
    table = _with_sums(rows, "summary", ["category", "label"])
    return table[[*KEYS, "export", "category", "label", *SUMMED["summary"]]]


def province_gaps(counties: Sequence[CountyTables]) -> pd.DataFrame:
    """Return a row per county and indicator at the county's newest export, then their sums.

    As gaps.csv; rank: among the counties, by done_pct descending, ties sharing a rank. A sum is
    missing where a county has none of it: a part is not the whole.
    """
    rows = _newest(counties, "gaps")
    table = _with_sums(rows, "gaps", ["indicator"])
    shares = map(done_pct, table["restored_mu"], table["gap_mu"])
    table["done_pct"] = pd.Series(list(shares), index=table.index, dtype=object)
    counted = table[~table["whole"]]
    table["rank"] = ranked(counted["done_pct"], [counted["indicator"]]).reindex(table.index)
    return table[[*KEYS, "export", "indicator", *SUMMED["gaps"], "done_pct", "rank"]]


def province_indicators(counties: Sequence[CountyTables]) -> pd.DataFrame:
    """Return how many counties meet each figure of the five indicators, by verdict.

    indicator, number, name, label, counties, then one column per verdict; they add up to counties.
    """
    rows = stacked(counties, "indicators")
    words = ["indicator", "number", "name", "label"]
    lines = []
    for key, own in rows.groupby(words, sort=False):
        said = Counter(own["verdict"])
        lines.append(
            dict(zip(words, key, strict=True))
            | {"counties": len(own)}
            | {verdict: said[verdict] for verdict in VERDICTS}
        )
    return pd.DataFrame(lines, columns=[*words, "counties", *VERDICTS])


def _newest(counties: Sequence[CountyTables], name: str) -> pd.DataFrame:
    """Return every county's own rows (level county) at its newest export, numbers as decimals."""
    rows = stacked(counties, name)
    newest = {county.code: county.newest.isoformat() for county in counties}
    own = rows[(rows["level"] == "county") & (rows["export"] == rows["county_code"].map(newest))]
    numbers = {
        column: own[column].map(Decimal, na_action="ignore").astype(object)
        for column in SUMMED[name]
    }
    return own.assign(**numbers).reset_index(drop=True)


def _with_sums(rows: pd.DataFrame, name: str, keys: list[str]) -> pd.DataFrame:
    """Return the rows, then one per key with the sums over all counties (column whole)."""
    sums = [
        dict(zip(keys, key, strict=True))
        | {column: _sum(own[column]) for column in SUMMED[name]}
        | {"county": WHOLE_PROVINCE, "whole": True}
        for key, own in rows.groupby(keys, sort=False)
    ]
    table = pd.concat([rows.assign(whole=False), pd.DataFrame(sums)], ignore_index=True)
    return table.astype({"whole": bool})


def _sum(values: pd.Series) -> Decimal | None:
    """Return the exact sum; missing where any value is."""
    return None if values.isna().any() else sum(values, Decimal(0))

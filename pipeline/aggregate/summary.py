"""Ledger → town tables: counts and areas. Integers inside, exact decimals out.

Areas are summed in hundredths of a m² and written as exact 亩 (m² × 3/2000 has at most six
decimals), so every column adds up; rounding to the printed 亩 is a matter of the printed page.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.measure import mu_text, to_cm2

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.model import Category, County

SUBTOTALS = {
    "pbf_subtotal": "永久基本农田保护小计",
    "cropland_subtotal": "耕地保护目标小计",
    "total": "合计",
    "work_needed": "需整改合计（不含自提）",
}
WHOLE_COUNTY = "全县"
UNDECIDED = "未定"
MEASURES = (
    "plots",
    "area",
    "closed_plots",
    "restored",
    "open_plots",
    "withdrawn_plots",
    "withdrawn",
    "remaining",
)


def exact_mu(cm2: int) -> str:
    """Return hundredths of a m² as exact 亩: six decimals hold it (0.01 m² = 0.000015 亩)."""
    return mu_text(cm2, 6)


def exact_m2(cm2: int) -> str:
    """Return hundredths of a m² as m² with two decimals."""
    return str((Decimal(int(cm2)) / 100).quantize(Decimal("0.01")))


def summarise(
    ledger: pd.DataFrame,
    pieces: Iterable[pd.DataFrame],
    *,
    county: County,
    classes: Sequence[Category],
    export: date,
) -> pd.DataFrame:
    """Count and measure every category per town, 督导组 and county at one export.

    ledger: tasks; pieces: classified pieces of the same export (for what isn't a task), block by
    block, all of a plot in one; a plot lies in one town. Returns the rows of summary.csv: level
    (town, group, county), then category in the order of 附件2 with its subtotals; plots counts a
    plot once per category, distinct_plots once per row. Withdrawn tasks stand in withdrawn_plots
    and withdrawn_mu only. Raises GengbaoError when towns and county disagree.
    """
    items = pd.concat([_task_items(ledger), _other_items(pieces, classes)], ignore_index=True)
    items["town_code"] = items["town_code"].fillna(UNDECIDED)
    items = pd.concat([items, *_subtotal_items(items, classes)], ignore_index=True)
    names = [c.name for c in classes if c.task] + list(SUBTOTALS)
    names += [c.name for c in classes if not c.task]
    labels = {c.name: c.label_long for c in classes} | SUBTOTALS
    levels = [
        _level(items, place, names, known).assign(level=level)
        for level, place, known in places(items["town_code"], county)
    ]
    table = pd.concat(levels, ignore_index=True)
    _check_levels(table)
    return pd.DataFrame(
        {
            "export": export.isoformat(),
            "level": table["level"],
            "town_code": table["place"].map(place_codes(county)),
            "town": table["place"].map(place_names(county)),
            "category": table["category"],
            "label": table["category"].map(labels),
            "plots": table["plots"],
            "area_m2": table["area"].map(exact_m2),
            "area_mu": table["area"].map(exact_mu),
            "closed_plots": table["closed_plots"],
            "restored_mu": table["restored"].map(exact_mu),
            "open_plots": table["open_plots"],
            "withdrawn_plots": table["withdrawn_plots"],
            "remaining_mu": table["remaining"].map(exact_mu),
            "distinct_plots": table["distinct_plots"],
            "withdrawn_mu": table["withdrawn"].map(exact_mu),
        }
    )


def _task_items(ledger: pd.DataFrame) -> pd.DataFrame:
    """Return one row per task: counts and areas in hundredths of a m²; bsm where it is counted."""
    status = ledger["status"]
    withdrawn = (status == "withdrawn").to_numpy()
    here = ~withdrawn
    return pd.DataFrame(
        {
            "town_code": ledger["town_code"].to_numpy(),
            "category": ledger["category"].to_numpy(),
            "bsm": ledger["bsm"].where(here).to_numpy(),
            "plots": here.astype("int64"),
            "area": np.where(here, to_cm2(ledger["area_m2"]), 0),
            "closed_plots": (status == "closed").to_numpy().astype("int64"),
            "restored": np.where(here, to_cm2(ledger["restored_m2"]), 0),
            "open_plots": status.isin(["open", "partial", "reopened"]).to_numpy().astype("int64"),
            "withdrawn_plots": withdrawn.astype("int64"),
            "withdrawn": np.where(withdrawn, to_cm2(ledger["area_m2"]), 0),
            "remaining": np.where(here, to_cm2(ledger["remaining_m2"]), 0),
        }
    )


def _other_items(blocks: Iterable[pd.DataFrame], classes: Sequence[Category]) -> pd.DataFrame:
    """Return one row per town × category that is no task: plots and area, nothing to close."""
    tasks, keys = [c.name for c in classes if c.task], ["town_code", "category"]
    parts = []
    for pieces in blocks:
        others = pieces[~pieces["category"].isin(tasks)]
        groups = others.assign(
            town_code=others["town_code"].fillna(UNDECIDED), area=to_cm2(others["base_m2"])
        ).groupby(keys)
        parts.append(pd.DataFrame({"plots": groups["bsm"].nunique(), "area": groups["area"].sum()}))
    items = pd.concat(parts).groupby(keys).sum().reset_index()
    idle = {name: 0 for name in MEASURES if name not in items}
    return items.assign(**idle, distinct_plots=items["plots"])


def _subtotal_items(items: pd.DataFrame, classes: Sequence[Category]) -> Iterable[pd.DataFrame]:
    """Yield the task rows again under each subtotal they count in (附件2's order of columns)."""
    members = {
        "pbf_subtotal": [c.name for c in classes if c.subtotal == "pbf_subtotal"],
        "cropland_subtotal": [c.name for c in classes if c.subtotal == "cropland_subtotal"],
        "total": [c.name for c in classes if c.task],
        "work_needed": [c.name for c in classes if c.task and c.work_needed],
    }
    for name, leaves in members.items():
        yield items[items["category"].isin(leaves)].assign(category=name)


def places(town_codes: pd.Series, county: County) -> Iterable[tuple[str, pd.Series, Sequence[str]]]:
    """Yield each level: its name, the place every item counts in, the places in their order.

    Items of no known town stand in 未定.
    """
    groups = {town.code: town.group for town in county.towns}
    known = town_codes.isin(list(groups))
    yield "town", town_codes.where(known, UNDECIDED), list(groups)
    yield "group", town_codes.map(groups).fillna(UNDECIDED), list(dict.fromkeys(groups.values()))
    yield "county", pd.Series(WHOLE_COUNTY, index=town_codes.index), [WHOLE_COUNTY]


def _level(
    items: pd.DataFrame, place: pd.Series, names: Sequence[str], known: Sequence[str]
) -> pd.DataFrame:
    """Sum the items of every place and category; places without any are rows of zeros."""
    rows = items.assign(place=place)
    keys = ["place", "category"]
    groups = rows.groupby(keys)
    sums = groups[list(MEASURES)].sum()
    sums["distinct_plots"] = groups["bsm"].nunique() + groups["distinct_plots"].sum()
    order = [*known, *([UNDECIDED] if place.eq(UNDECIDED).any() else [])]
    wanted = pd.MultiIndex.from_product([order, names], names=keys)
    return sums.reindex(wanted).fillna(0).astype("int64").reset_index()


def _check_levels(table: pd.DataFrame) -> None:
    """Fail loudly unless towns, groups and county hold the same plots and areas."""
    sums = table.groupby(["level", "category"], sort=True)[list(MEASURES)].sum()
    county = sums.xs("county", level="level")
    for level in ("town", "group"):
        if not np.array_equal(sums.xs(level, level="level").to_numpy(), county.to_numpy()):
            raise GengbaoError(
                Finding("汇总表", f"{level} 级合计与全县不等", "请保留现场文件并联系开发者")
            )


def place_codes(county: County) -> dict[str, str]:
    """Return the code of each place: towns and the county have one, groups and 未定 none."""
    return {t.code: t.code for t in county.towns} | {WHOLE_COUNTY: county.code}


def place_names(county: County) -> dict[str, str]:
    """Return the printed name of each place that `places` yields."""
    names = {t.code: t.name for t in county.towns} | {t.group: t.group for t in county.towns}
    return names | {WHOLE_COUNTY: WHOLE_COUNTY, UNDECIDED: UNDECIDED}

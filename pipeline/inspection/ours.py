"""Our side of an inspection: every task of the ledger and every other piece, one item each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.measure import to_cm2

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.model import Category, County

OPEN = ("open", "partial", "reopened")
COUNTED = (*OPEN, "closed")
WITHDRAWN = "withdrawn"
STATUS_LABELS = {
    "open": "未销号",
    "partial": "部分恢复",
    "closed": "已销号",
    "reopened": "销号后反弹",
    WITHDRAWN: "已撤出",
}
ITEM_COLUMNS = (
    "task_id", "bsm", "town_code", "village", "category", "cm2", "remaining_cm2", "rule_id",
    "basis", "flags", "status", "closed_on", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What we hold at one export.

    items: columns ITEM_COLUMNS and geometry, index 0..n-1: the ledger's tasks (status set) and,
    per plot and category, the pieces that are none (status ""); reason: why a task was withdrawn.
    plots: parcels of the export; rejects: bsm, reason of plots set aside at ingest; elsewhere: by
    date, plots of other exports that the list names (bsm, geometry). statuses: those that count.
    """

    county: County
    classes: Sequence[Category]
    export: date
    items: gpd.GeoDataFrame
    plots: gpd.GeoDataFrame
    rejects: pd.DataFrame
    elsewhere: Mapping[date, gpd.GeoDataFrame]
    statuses: tuple[str, ...] = COUNTED

    def label(self, category: str) -> str:
        """Return the Chinese name of a category, or of several joined by a bar."""
        labels = {c.name: c.label for c in self.classes}
        return "／".join(labels.get(name, name) for name in category.split("|") if name)

    def town(self, code: str) -> str:
        """Return the county's own name of a town, "" for none."""
        return next((town.name for town in self.county.towns if town.code == code), "")


def items_of(
    ledger: gpd.GeoDataFrame,
    pieces: gpd.GeoDataFrame,
    history: pd.DataFrame,
    classes: Sequence[Category],
) -> gpd.GeoDataFrame:
    """Return the items of one export: the ledger's tasks, then the pieces that are no task.

    ledger, pieces: of that export; history: rows of history.csv up to it, as text.
    """
    gone = history[history["entry"] == WITHDRAWN].drop_duplicates("task_id", keep="last")
    why = gone.set_index("task_id")["reason"]
    tasks = ledger.assign(
        cm2=to_cm2(ledger["area_m2"]),
        remaining_cm2=to_cm2(ledger["remaining_m2"]),
        reason=ledger["task_id"].map(why),
    )
    items = pd.concat([tasks, _others(pieces, classes)], ignore_index=True)
    numbers = dict.fromkeys(("cm2", "remaining_cm2"), np.int64)
    texts = [name for name in ITEM_COLUMNS if name not in numbers]
    items[texts] = items[texts].astype(object).where(items[texts].notna(), "")
    items = items.astype(numbers)[[*ITEM_COLUMNS, "geometry"]]
    return gpd.GeoDataFrame(items, geometry="geometry", crs=ledger.crs)


def _others(pieces: gpd.GeoDataFrame, classes: Sequence[Category]) -> pd.DataFrame:
    tasks = [c.name for c in classes if c.task]
    rest = pd.DataFrame(pieces[~pieces["category"].isin(tasks)].drop(columns="geometry"))
    rest = rest.assign(cm2=to_cm2(rest["base_m2"]))
    groups = rest.sort_values(["bsm", "category", "piece"]).groupby(["bsm", "category"])
    first = groups[["town_code", "village", "rule_id", "basis", "flags"]].first()
    return first.assign(
        cm2=groups["cm2"].sum(), remaining_cm2=0, task_id="", status="", geometry=None
    ).reset_index()

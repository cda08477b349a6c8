"""What moved in each place between exports, from the history of the tasks, in 0.01 m²."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.aggregate.summary import UNDECIDED, place_names, places
from pipeline.measure import to_cm2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model import Category, County

OPEN = ("open", "partial", "reopened")
AREAS = ("restored", "remaining", "alive", "open", "work", "reopened")
COUNTS = ("open_plots", "reopened_plots", "newly_reopened_plots")


def flows(
    history: pd.DataFrame, *, county: County, classes: Sequence[Category]
) -> dict[tuple[str, str, str, str], dict[str, int]]:
    """Return AREAS and COUNTS by export, level, place and indicator.

    history: rows of history.csv as text. alive: area of the tasks that aren't withdrawn; open:
    remaining area of those that aren't closed either; work: fall of `open` since the export
    before, new tasks counting against it, tasks withdrawn then or now not at all; reopened: open
    area of reopened tasks. Only tasks of gap indicators.
    """
    leaf = {c.name: c.gap for c in classes if c.gap}
    tasks = history[history["category"].isin(list(leaf))].sort_values(["task_id", "export"])
    status = tasks["status"]
    was = status.groupby(tasks["task_id"]).shift()
    remaining, restored = (
        pd.Series(to_cm2(tasks[f"{name}_m2"].astype(float)), index=tasks.index)
        for name in ("remaining", "restored")
    )
    is_open, again, here = status.isin(OPEN), status == "reopened", status != "withdrawn"
    left = remaining.where(is_open, 0)
    earlier = left.groupby(tasks["task_id"]).shift(fill_value=0)
    items = pd.DataFrame(
        {
            "export": tasks["export"], "indicator": tasks["category"].map(leaf),
            "restored": restored, "remaining": remaining,
            "alive": (restored + remaining).where(here, 0), "open": left,
            "work": (earlier - left).where(here & (was != "withdrawn"), 0),
            "reopened": left.where(again, 0), "open_plots": is_open, "reopened_plots": again,
            "newly_reopened_plots": again & (was != "reopened"),
        }
    ).astype(dict.fromkeys((*AREAS, *COUNTS), np.int64))  # fmt: skip
    names = place_names(county)
    found: dict[tuple[str, str, str, str], dict[str, int]] = {}
    for level, place, _ in places(tasks["town_code"].fillna(UNDECIDED), county):
        keys = ["export", "place", "indicator"]
        sums = (
            items.assign(place=place.map(names))
            .groupby(keys)[[*AREAS, *COUNTS]]
            .sum()
            .reset_index()
        )
        for export, town, indicator, *row in sums.itertuples(index=False, name=None):
            found[export, level, town, indicator] = dict(zip((*AREAS, *COUNTS), row, strict=True))
    return found

"""Rows of a list and our items, one to one: what means the same ground, best fit first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from pipeline import measure, overlay
from pipeline.inspection.locating import shapes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.inspection.ours import Ours

SAME_TASK_SHARE = 0.5
"""Of the smaller of two grounds; as the ledger follows its tasks."""
CATEGORY, COUNTED, AREA, DIRECT = 8, 4, 2, 1
"""What speaks for a link, strongest first."""


def link(rows: pd.DataFrame, found: pd.DataFrame, ours: Ours) -> pd.DataFrame:
    """Return every pair of a located row and an item on its ground: row, item, direct.

    direct: by BSM or task number; else by overlap, where the plot was renumbered or cut anew.
    """
    items = ours.items
    numbers = pd.DataFrame({"item": items.index, "plot": items["bsm"], "task_id": items["task_id"]})
    located = found[found["plot"] != ""]
    asked = pd.DataFrame({"row": located.index, "plot": located["plot"]})
    asked["task_id"] = rows.loc[located.index, "task_id"].to_numpy()
    by_task = asked["task_id"].isin(numbers["task_id"]) & (asked["task_id"] != "")
    named = asked[by_task].merge(numbers[numbers["task_id"] != ""], on="task_id")[["row", "item"]]
    by_bsm = asked[~by_task].merge(numbers, on="plot")[["row", "item"]]
    direct = pd.concat([named, by_bsm], ignore_index=True).assign(direct=True)
    tasks = set(items.index[items["status"] != ""])
    have_task = set(direct.loc[direct["item"].isin(tasks), "row"])
    rest = located[~located.index.isin(have_task)]
    links = pd.concat([direct, _by_ground(rest, ours)], ignore_index=True)
    links = links.drop_duplicates(["row", "item"]).astype({"row": np.int64, "item": np.int64})
    return links.sort_values(["row", "item"], ignore_index=True)


def _by_ground(found: pd.DataFrame, ours: Ours) -> pd.DataFrame:
    """Return links of plots without a task of their own number to the items on their ground."""
    shapes = shapes_of(found, ours)
    there = ~shapely.is_missing(shapes)
    found, shapes = found[there], shapes[there]
    tasks = ours.items[ours.items["status"] != ""]
    links = [_overlapping(found.index, shapes, tasks.index, tasks.geometry.to_numpy(), ours)]
    elsewhere = (found["found_in"] != ours.export.isoformat()).to_numpy()
    plots = ours.plots
    on_plots = _overlapping(
        found.index[elsewhere], shapes[elsewhere], plots.index, plots.geometry.to_numpy(), ours
    )
    others = ours.items[ours.items["status"] == ""]
    on_plots["bsm"] = plots["bsm"].reindex(on_plots["item"]).to_numpy()
    numbers = pd.DataFrame({"item": others.index, "bsm": others["bsm"]})
    links.append(on_plots[["row", "bsm"]].merge(numbers, on="bsm")[["row", "item"]])
    return pd.concat(links, ignore_index=True).assign(direct=False)


def _overlapping(
    rows: pd.Index,
    shapes: NDArray[np.object_],
    items: pd.Index,
    grounds: NDArray[np.object_],
    ours: Ours,
) -> pd.DataFrame:
    crs = ours.county.crs
    near = np.unique(shapely.STRtree(grounds).query(shapes, predicate="intersects")[1])
    pairs = overlay.overlap_area(shapes, grounds[near], crs)
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    sizes = [measure.official_area(part, crs) for part in (shapes, grounds[near])]
    smaller = np.minimum(sizes[0][left], sizes[1][right])
    same = pairs["area_m2"].to_numpy() >= SAME_TASK_SHARE * smaller
    return pd.DataFrame(
        {"row": rows.to_numpy()[left[same]], "item": items.to_numpy()[near[right[same]]]}
    )


def pair(links: pd.DataFrame) -> pd.Series:
    """Return the item of each row that gets one (row → item), each item given once.

    links: row, item, score. In rounds: a row and an item that are each other's best are a pair;
    equal scores go to the earlier row and item.
    """
    found: list[pd.DataFrame] = []
    rest = links.sort_values(["score", "row", "item"], ascending=[False, True, True])
    while len(rest):
        best = rest.drop_duplicates("row")
        best = best[best.index.isin(rest.drop_duplicates("item").index)]
        found.append(best)
        rest = rest[~rest["row"].isin(best["row"]) & ~rest["item"].isin(best["item"])]
    pairs = pd.concat(found) if found else links.iloc[:0]
    return pairs.set_index("row")["item"].sort_index()

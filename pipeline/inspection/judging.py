"""A list against our items: what agrees, what only one side has, what differs and in what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.inspection import areas
from pipeline.inspection.differing import cells, contradictions, differences, verdicts
from pipeline.inspection.locating import locate
from pipeline.inspection.pairing import AREA, CATEGORY, DIRECT, link, pair
from pipeline.inspection.pairing import COUNTED as COUNTS
from pipeline.inspection.records import (
    DUPLICATE,
    MATCHED,
    NEITHER,
    ONLY_OURS,
    ONLY_THEIRS,
    PART,
    UNREAD,
    Judged,
)

if TYPE_CHECKING:
    from pipeline.inspection.ours import Ours
    from pipeline.reconcile import Printed


def judge(rows: pd.DataFrame, ours: Ours) -> Judged:
    """Hold the rows of a list against our items. rows: of a Checklist; index 0..n-1."""
    read = rows[rows["readable"]]
    found = locate(read, ours)
    links = link(read, found, ours)
    printed, unit = _printed(read, links, ours)
    counted = _counted(read, ours)
    links = links.assign(score=_scores(links, read, ours, printed))
    item = pair(_serious(links)).reindex(rows.index).fillna(-1).astype(np.int64)
    judged = rows.join(found).join(pd.DataFrame({"item": item}))
    texts = list(found.columns.difference(["off_m", "hit"]))
    judged[texts] = judged[texts].astype(object).where(judged[texts].notna(), "")
    judged["counted"] = pd.Series(counted, read.index).reindex(rows.index, fill_value=False)
    judged["first"] = _firsts(judged)
    items = _items(judged, links, ours, counted_categories(read, ours))
    judged["relation"] = _relations(judged, items, links)
    judged["verdict"] = verdicts(judged, ours, printed, links)
    judged["contradicts"] = contradictions(judged, printed)
    judged["differs"] = differences(judged, ours)
    judged[["town_cell", "category_cell"]] = cells(judged, ours)
    return Judged(rows=judged, items=items, links=links, printed=printed, unit=unit)


def counted_categories(rows: pd.DataFrame, ours: Ours) -> set[str]:
    """Return the categories that are compared: the tasks', and others that the list names."""
    named = {name for text in rows["categories"].unique() for name in text.split("|")}
    return {c.name for c in ours.classes if c.task} | (named - {"", "none"})


def _counted(rows: pd.DataFrame, ours: Ours) -> list[bool]:
    """Return which rows stand in their figures: all but those they say are closed or withdrawn."""
    stated = {text: set(text.split("|")) for text in rows["statuses"].unique()}
    return [text == "" or bool(stated[text] & set(ours.statuses)) for text in rows["statuses"]]


def _printed(
    rows: pd.DataFrame, links: pd.DataFrame, ours: Ours
) -> tuple[dict[int, Printed], areas.Unit]:
    without = (rows["area"] != "") & (rows["unit"] == "")
    one = links.drop_duplicates("row").set_index("row")["item"]
    told = rows[without & rows.index.isin(one.index)]
    unit = areas.settle_unit(told, ours.items["cm2"].reindex(one.reindex(told.index)).tolist())
    if not unit.why and without.any():
        unit = areas.Unit("", "面积没有写单位，也没有能对上的图斑，没有比较面积")
    found = {
        at: areas.printed(area, decimals, stated or unit.unit)
        for at, area, decimals, stated in zip(
            rows.index, rows["area"], rows["decimals"], rows["unit"], strict=True
        )
    }
    return {at: cell for at, cell in found.items() if cell is not None}, unit


def _scores(
    links: pd.DataFrame, rows: pd.DataFrame, ours: Ours, printed: dict[int, Printed]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    items = ours.items.loc[links["item"]]
    wanted = rows["categories"].loc[links["row"]]
    same = [c in w.split("|") for c, w in zip(items["category"], wanted, strict=True)]
    counts = items["status"].isin(ours.statuses).to_numpy()
    fits = [
        areas.verdict(printed.get(row), cm2) in {areas.EQUAL, areas.ROUNDING, areas.CONVERTED}
        for row, cm2 in zip(links["row"], items["cm2"], strict=True)
    ]
    weights = ((CATEGORY, same), (COUNTS, counts), (AREA, fits), (DIRECT, links["direct"]))
    score = np.zeros(len(links), np.int64)
    for weight, holds in weights:
        score += weight * np.asarray(holds, dtype=np.int64)
    return score


def _serious(links: pd.DataFrame) -> pd.DataFrame:
    """Return the links by which a row may be paired.

    Where its plot has an item that counts, one that doesn't needs the row's own category.
    """
    counts = (links["score"] & COUNTS) > 0
    same = (links["score"] & CATEGORY) > 0
    return links[counts | same | ~links["row"].isin(links.loc[counts, "row"])]


def _firsts(judged: pd.DataFrame) -> pd.Series:
    """Return for each row that repeats a plot the first row that has it, else -1."""
    key = judged["plot"].where(judged["plot"] != "", judged["bsm"])
    key = key.where(judged["readable"] & (key != ""), "#" + judged.index.astype(str))
    first = key.index.to_series().groupby(key.to_numpy()).transform("min")
    return first.where(first != first.index, -1).astype(np.int64)


def _items(
    judged: pd.DataFrame, links: pd.DataFrame, ours: Ours, categories: set[str]
) -> pd.DataFrame:
    """Return our items with the row each is paired with, and what becomes of those that count."""
    items = pd.DataFrame(ours.items.drop(columns="geometry"))
    paired = judged[judged["item"] >= 0]
    items["row"] = pd.Series(paired.index, paired["item"]).reindex(items.index).fillna(-1)
    items["row"] = items["row"].astype(np.int64)
    stands = items["status"].isin(ours.statuses) | (items["status"] == "")
    stands &= items["category"].isin(categories)
    theirs = items["row"].isin(judged.index[judged["counted"]])
    unread = items["bsm"].isin(set(judged.loc[~judged["readable"], "bsm"]) - {""})
    items["counted"] = stands
    items["relation"] = np.select(
        [stands & theirs, stands & unread, stands], [MATCHED, UNREAD, ONLY_OURS], ""
    )
    also = links[~links["row"].isin(paired.index) | (links["item"].map(items["row"]) < 0)]
    named = [also[["row", "item"]]]
    maybe = judged.loc[judged["maybe"] != "", "maybe"].str.split("|").explode()
    numbers = pd.DataFrame({"item": items.index, "bsm": items["bsm"]})
    guesses = pd.DataFrame({"row": maybe.index, "bsm": maybe.to_numpy()})
    named.append(guesses.merge(numbers, on="bsm")[["row", "item"]])
    bad = judged.loc[~judged["readable"] & (judged["bsm"] != ""), ["bsm"]]
    named.append(bad.rename_axis("row").reset_index().merge(numbers, on="bsm")[["row", "item"]])
    rows_of = {
        item: tuple(sorted(set(rows))) for item, rows in pd.concat(named).groupby("item")["row"]
    }
    items["named"] = [rows_of.get(item, ()) for item in items.index]
    return items


def _relations(judged: pd.DataFrame, items: pd.DataFrame, links: pd.DataFrame) -> pd.Series:
    ours_count = judged["item"].isin(items.index[items["counted"]])
    paired = judged["item"] >= 0
    linked = judged.index.isin(links["row"])
    relation = np.select(
        [
            ~judged["readable"],
            paired & judged["counted"] & ours_count,
            paired & ~judged["counted"],
            ~paired & (judged["first"] >= 0),
            ~paired & linked,
            ~paired & ~judged["counted"],
        ],
        [UNREAD, MATCHED, NEITHER, DUPLICATE, PART, NEITHER],
        ONLY_THEIRS,
    )
    return pd.Series(relation, judged.index)

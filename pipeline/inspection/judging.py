"""A list against our items: what agrees, what only one side has, what differs and in what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from pipeline.inspection import areas
from pipeline.inspection.locating import locate
from pipeline.inspection.pairing import AREA, CATEGORY, DIRECT, link, pair
from pipeline.inspection.pairing import COUNTED as COUNTS

if TYPE_CHECKING:
    from pipeline.inspection.ours import Ours
    from pipeline.reconcile import Printed

MATCHED, ONLY_THEIRS, ONLY_OURS, DUPLICATE, PART, UNREAD, NEITHER = (
    "matched", "only_theirs", "only_ours", "duplicate", "part", "unread", "neither",
)  # fmt: skip
RELATIONS = {
    MATCHED: "对上",
    ONLY_THEIRS: "仅清单有",
    ONLY_OURS: "仅本方有",
    DUPLICATE: "清单重复",
    PART: "同一任务的另一部分",
    UNREAD: "清单行读不出",
    NEITHER: "双方都不计",
}


class Row(NamedTuple):
    """A row of the list with what became of it; see `Judged`."""

    sheet: str
    row: int
    bsm: str
    tbbh: str
    village: str
    town_code: str
    categories: str
    statuses: str
    bsm_unread: str
    plot: str
    found_in: str
    by: str
    hint: str
    off_m: float
    hit: object
    item: int
    first: int
    relation: str
    counted: bool
    verdict: str
    differs: str
    town_cell: str
    category_cell: str


class Item(NamedTuple):
    """One of our items with what became of it; see `Judged`."""

    task_id: str
    bsm: str
    town_code: str
    village: str
    category: str
    cm2: int
    remaining_cm2: int
    rule_id: str
    basis: str
    flags: str
    status: str
    closed_on: str
    reason: str
    row: int
    named: tuple[int, ...]
    counted: bool
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A list held against our items.

    rows: all rows of the list, with plot, found_in, by, trouble, hint, maybe, off_m, hit, item (-1:
    none), relation, counted (stands in their figures), verdict (of the area), differs (what
    differs, joined by a bar), first (row that has the same plot, -1: none), town_cell and
    category_cell (where it counts). items: ours, with row (-1: none), relation ("" where it
    counts in nothing), named (rows that may mean it). printed: areas of the rows as intervals of
    亩. unit: what was taken where the list states none.
    """

    rows: pd.DataFrame
    items: pd.DataFrame
    links: pd.DataFrame
    printed: dict[int, Printed]
    unit: areas.Unit

    def row_records(self) -> dict[int, Row]:
        """Return the rows of the list by number."""
        table = self.rows[list(Row._fields)]
        return {at: Row(*cells) for at, *cells in table.itertuples(name=None)}

    def item_records(self) -> dict[int, Item]:
        """Return the items that count, or that a row means, by number."""
        asked = self.items.index.isin(self.links["item"])
        table = self.items.loc[asked | (self.items["relation"] != ""), list(Item._fields)]
        return {at: Item(*cells) for at, *cells in table.itertuples(name=None)}


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
    judged["verdict"] = _verdicts(judged, ours, printed, links)
    judged["differs"] = _differences(judged, ours)
    judged[["town_cell", "category_cell"]] = _cells(judged, ours)
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


def _verdicts(
    judged: pd.DataFrame, ours: Ours, printed: dict[int, Printed], links: pd.DataFrame
) -> list[str]:
    """Return how the area of each paired row agrees; parts of one task are added up first."""
    cm2 = ours.items["cm2"].to_numpy()
    parts = judged.index[judged["relation"] == PART]
    first = links[links["row"].isin(parts)].drop_duplicates("row").set_index("row")["item"]
    more: dict[int, list[int]] = {}
    for row, item in first.items():
        more.setdefault(int(item), []).append(int(str(row)))
    verdicts = []
    for row, item in zip(judged.index, judged["item"], strict=True):
        if item < 0:
            verdicts.append("")
            continue
        cells = [printed.get(int(at)) for at in (row, *more.get(int(item), []))]
        known = [cell for cell in cells if cell is not None]
        whole = areas.total(known) if len(known) == len(cells) else None
        verdicts.append(areas.verdict(whole, int(cm2[item])))
    return verdicts


def _differences(judged: pd.DataFrame, ours: Ours) -> list[str]:
    """Return what differs between each paired row and its item: 类别 镇办 面积 状态 位置."""
    items = ours.items.reindex(judged["item"]).set_axis(judged.index)
    paired = judged["item"] >= 0
    differs = {
        "类别": [
            bool(wanted) and have not in wanted.split("|")
            for wanted, have in zip(judged["categories"], items["category"], strict=True)
        ],
        "镇办": (judged["town_code"] != "") & (judged["town_code"] != items["town_code"]),
        "面积": judged["verdict"] == areas.DIFFERENT,
        "状态": [
            bool(wanted) and have not in wanted.split("|")
            for wanted, have in zip(judged["statuses"], items["status"], strict=True)
        ],
        "位置": judged["off_m"] > 0,
    }
    table = pd.DataFrame(differs, index=judged.index).astype(bool)
    table.loc[~paired] = False
    names = table.columns.to_numpy()
    return ["|".join(names[holds]) for holds in table.to_numpy()]


def _cells(judged: pd.DataFrame, ours: Ours) -> pd.DataFrame:
    """Return the town and category under which each row counts: theirs, else ours of the plot."""
    items = ours.items.reindex(judged["item"]).set_axis(judged.index)
    plots = ours.plots.drop_duplicates("bsm").set_index("bsm")["town_code"]
    by_plot = judged["plot"].map(plots).astype(object)
    own = items["town_code"].astype(object).where(judged["item"] >= 0, by_plot)
    own = own.where(own.notna(), "")
    town = judged["town_code"].where(judged["town_code"] != "", own)
    inside = [
        have in wanted.split("|") if wanted else isinstance(have, str)
        for wanted, have in zip(judged["categories"], items["category"], strict=True)
    ]
    category = judged["categories"].where(~np.asarray(inside, dtype=bool), items["category"])
    return pd.DataFrame({"town_cell": town, "category_cell": category})

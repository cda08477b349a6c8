"""How a row and its item differ, and where the row counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.inspection import areas
from pipeline.inspection.records import PART

if TYPE_CHECKING:
    from pipeline.inspection.ours import Ours
    from pipeline.reconcile import Printed


def verdicts(
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


def contradictions(judged: pd.DataFrame, printed: dict[int, Printed]) -> list[bool]:
    """Return which rows write one area twice, and not the same."""
    twice = zip(
        judged.index, judged["area_too"], judged["decimals_too"], judged["unit_too"], strict=True
    )
    return [
        areas.contradict(printed.get(int(at)), areas.printed(area, decimals, unit))
        for at, area, decimals, unit in twice
    ]


def differences(judged: pd.DataFrame, ours: Ours) -> list[str]:
    """Return what differs between each paired row and its item: 类别 镇办 面积 状态 位置."""
    items = ours.items.reindex(judged["item"]).set_axis(judged.index)
    paired = judged["item"] >= 0
    differs = {
        "类别": [
            bool(wanted) and have not in wanted.split("|")
            for wanted, have in zip(judged["categories"], items["category"], strict=True)
        ],
        "镇办": (judged["town_code"] != "") & (judged["town_code"] != items["town_code"]),
        "面积": (judged["verdict"] == areas.DIFFERENT) | judged["contradicts"],
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


def cells(judged: pd.DataFrame, ours: Ours) -> pd.DataFrame:
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

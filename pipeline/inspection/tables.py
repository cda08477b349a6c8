"""The tables of an inspection: every row, every difference with its reason, repeated plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline.inspection import areas
from pipeline.inspection.ours import STATUS_LABELS
from pipeline.inspection.reasons import Reasons, states
from pipeline.inspection.records import (
    DUPLICATE,
    MATCHED,
    ONLY_OURS,
    ONLY_THEIRS,
    PART,
    RELATIONS,
    UNREAD,
)
from pipeline.measure import mu_text

if TYPE_CHECKING:
    from pipeline.inspection.ours import Ours
    from pipeline.inspection.records import Judged

DIFFERS = "differs"
KINDS = {
    DIFFERS: "双方都有但不同",
    ONLY_THEIRS: RELATIONS[ONLY_THEIRS],
    DUPLICATE: RELATIONS[DUPLICATE],
    PART: RELATIONS[PART],
    UNREAD: RELATIONS[UNREAD],
    ONLY_OURS: RELATIONS[ONLY_OURS],
}
"""Kinds of differences in the order they are listed."""
IN_SCOPE, NO_SUCH_TOWN, NO_SUCH_CATEGORY = "清单范围内", "清单没有该镇办", "清单没有该类别"
ACCEPTED, SET_ASIDE = "采用", "读不出"
ROW_COLUMNS = {
    "sheet": "工作表", "row": "行", "state": "读入", "relation": "对照结果", "differs": "不同处",
    "their_bsm": "清单标识码", "their_tbbh": "清单图斑编号", "bsm": "认定图斑",
    "matched_by": "认定依据", "found_in": "见于", "task_id": "本方任务", "their_town": "清单镇办",
    "town_from": "镇办来自", "their_category": "清单类别", "category_from": "类别来自",
    "their_status": "清单状态", "their_area": "清单面积", "unit": "单位",
    "their_area_mu": "清单面积（亩）", "our_area_mu": "本方面积（亩）", "area_verdict": "面积比较",
    "our_town": "本方镇办", "our_category": "本方类别", "our_status": "本方状态", "note": "说明",
}  # fmt: skip
DIFFERENCE_COLUMNS = {
    "kind": "差异", "differs": "不同处", "sheet": "工作表", "row": "行", "bsm": "图斑",
    "task_id": "本方任务", "town": "镇办", "village": "村", "their_category": "清单类别",
    "our_category": "本方类别", "their_status": "清单状态", "our_status": "本方状态",
    "their_area_mu": "清单面积（亩）", "our_area_mu": "本方面积（亩）",
    "diff_area_mu": "清单−本方（亩）", "scope": "范围", "reason": "原因",
}  # fmt: skip
UNREAD_COLUMNS = {
    "sheet": "工作表", "row": "行", "field": "字段", "found": "问题", "advice": "处理办法",
}  # fmt: skip
REPEAT_COLUMNS = {"bsm": "图斑", "rows": "出现的行", "times": "次数", "note": "说明"}
AREA_VERDICTS = {
    areas.EQUAL: "相同", areas.ROUNDING: "相同（取整）",
    areas.CONVERTED: "相同（按 666.67 ㎡换算）", areas.DIFFERENT: "不同", areas.UNSTATED: "没写",
    "": "",
}  # fmt: skip


def row_table(judged: Judged, ours: Ours) -> pd.DataFrame:
    """Return every row of the list with what became of it: ROW_COLUMNS."""
    rows = judged.rows
    paired = rows["item"] >= 0
    items = judged.items.reindex(rows["item"]).set_axis(rows.index)
    mine = {
        name: items[name].astype(object).where(paired, "")
        for name in ("task_id", "town_code", "category", "status")
    }
    their_mu = [_mu(judged, at) for at in rows.index]
    unit = rows["unit"].where(rows["unit"] != "", judged.unit.unit)
    table = pd.DataFrame(
        {
            "sheet": rows["sheet"],
            "row": rows["row"],
            "state": rows["readable"].map({True: ACCEPTED, False: SET_ASIDE}),
            "relation": rows["relation"].map(RELATIONS),
            "differs": _listed(rows["differs"].where(rows["relation"] == MATCHED, "")),
            "their_bsm": rows["bsm"],
            "their_tbbh": rows["tbbh"],
            "bsm": rows["plot"],
            "matched_by": rows["by"],
            "found_in": rows["found_in"],
            "task_id": mine["task_id"],
            "their_town": rows["town_code"].map(ours.town),
            "town_from": rows["town_from"],
            "their_category": rows["categories"].map(ours.label),
            "category_from": rows["category_from"],
            "their_status": rows["statuses"].map(states),
            "their_area": rows["area"],
            "unit": unit.where(rows["area"] != "", ""),
            "their_area_mu": their_mu,
            "our_area_mu": [
                mu_text(int(cm2), 6) if own else ""
                for cm2, own in zip(items["cm2"].fillna(0), paired, strict=True)
            ],
            "area_verdict": rows["verdict"].map(AREA_VERDICTS),
            "our_town": mine["town_code"].map(ours.town),
            "our_category": mine["category"].map(ours.label),
            "our_status": [STATUS_LABELS.get(status, "") for status in mine["status"]],
            "note": _notes(judged),
        }
    )
    return table[list(ROW_COLUMNS)].reset_index(drop=True)


def _notes(judged: Judged) -> list[str]:
    """Return what a person should know of a row that was taken."""
    rows = judged.rows
    return [
        "；".join(text for text, holds in zip(_ROW_NOTES, marks, strict=True) if holds)
        for marks in zip(
            (rows["bsm_unread"] != "") & (rows["plot"] != ""),
            rows["status_unknown"],
            rows["short"] & rows["verdict"].isin([areas.ROUNDING, areas.CONVERTED]),
            rows["hint"] != "",
            strict=True,
        )
    ]


_ROW_NOTES = (
    "标识码列读不出，按别的列认定",
    "状态写法不认识，没有比较状态",
    "面积比同列少写小数位，只在该精度内相符",
    "见差异图斑的原因",
)


def difference_table(judged: Judged, ours: Ours) -> pd.DataFrame:
    """Return every plot on which the two sides don't agree: DIFFERENCE_COLUMNS.

    Sorted by kind, town, category, BSM and row. scope: whether the list deals with that town and
    category at all.
    """
    reasons = Reasons(judged, ours)
    found = [*_row_differences(judged, ours, reasons), *_item_differences(judged, ours, reasons)]
    if not found:
        return pd.DataFrame(columns=list(DIFFERENCE_COLUMNS))
    table = pd.DataFrame(found)
    order = {c.name: c.order for c in ours.classes}
    towns = {town.code: number for number, town in enumerate(ours.county.towns)}
    kinds = {kind: number for number, kind in enumerate(KINDS.values())}
    by = pd.DataFrame(
        {
            "kind": table["kind"].map(kinds),
            "town": table["town_code"].map(towns).fillna(len(towns)),
            "category": table["category"].map(lambda n: order.get(n.split("|")[0], len(order) + 1)),
            "bsm": table["bsm"],
            "at": table["at"],
        }
    ).sort_values(["kind", "town", "category", "bsm", "at"])
    return table.loc[by.index, list(DIFFERENCE_COLUMNS)].reset_index(drop=True)


def _row_differences(judged: Judged, ours: Ours, reasons: Reasons) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for at, row in reasons.rows.items():
        matched = row.relation == MATCHED
        if not (row.differs if matched else row.relation in (ONLY_THEIRS, DUPLICATE, PART)):
            continue
        item = reasons.items.get(row.item)
        theirs = judged.printed.get(at)
        cm2 = item.cm2 if matched and item else 0
        found.append(
            {
                "at": at,
                "town_code": row.town_cell,
                "category": row.category_cell,
                "kind": KINDS[DIFFERS if matched else row.relation],
                "differs": row.differs.replace("|", "、") if matched else "",
                "sheet": row.sheet,
                "row": row.row,
                "bsm": row.plot or row.bsm or row.tbbh,
                "task_id": item.task_id if item else "",
                "town": ours.town(row.town_cell),
                "village": item.village if item else "",
                "their_category": ours.label(row.categories),
                "our_category": ours.label(item.category) if item else "",
                "their_status": states(row.statuses),
                "our_status": STATUS_LABELS.get(item.status, "") if item else "",
                "their_area_mu": areas.plain(theirs.value) if theirs else "",
                "our_area_mu": mu_text(cm2, 6) if matched else "",
                "diff_area_mu": areas.plain(theirs.value - areas.MU_PER_CM2 * cm2)
                if theirs
                else "",
                "scope": IN_SCOPE,
                "reason": reasons.of_row(at),
            }
        )
    return found


def _item_differences(judged: Judged, ours: Ours, reasons: Reasons) -> list[dict[str, object]]:
    rows = judged.rows[judged.rows["readable"]]
    towns = set(rows["town_cell"])
    categories = {name for text in rows["category_cell"].unique() for name in text.split("|")}
    found: list[dict[str, object]] = []
    for at, item in reasons.items.items():
        if item.relation not in (ONLY_OURS, UNREAD):
            continue
        scope = IN_SCOPE if item.category in categories else NO_SUCH_CATEGORY
        found.append(
            dict.fromkeys(DIFFERENCE_COLUMNS, "")
            | {
                "at": at,
                "town_code": item.town_code,
                "category": item.category,
                "kind": KINDS[item.relation],
                "bsm": item.bsm,
                "task_id": item.task_id,
                "town": ours.town(item.town_code),
                "village": item.village,
                "our_category": ours.label(item.category),
                "our_status": STATUS_LABELS.get(item.status, ""),
                "our_area_mu": mu_text(item.cm2, 6),
                "diff_area_mu": areas.plain(-areas.MU_PER_CM2 * item.cm2),
                "scope": scope if item.town_code in towns else NO_SUCH_TOWN,
                "reason": reasons.of_item(item),
            }
        )
    return found


def repeat_table(judged: Judged) -> pd.DataFrame:
    """Return plots that stand in several rows, with all of them: REPEAT_COLUMNS."""
    rows = judged.rows
    again = rows[rows["first"] >= 0]
    found = []
    for first, more in again.groupby("first"):
        own = rows.loc[[first, *more.index]]
        found.append(
            {
                "bsm": own["plot"].iloc[0] or own["bsm"].iloc[0],
                "rows": "、".join(
                    f"“{s}”第 {r} 行" for s, r in zip(own["sheet"], own["row"], strict=True)
                ),
                "times": len(own),
                "note": _repeat_note(own),
            }
        )
    return pd.DataFrame(found, columns=list(REPEAT_COLUMNS))


def _repeat_note(own: pd.DataFrame) -> str:
    """Return whether rows of one plot are repetitions or stand for its several tasks."""
    matched = own["relation"] == MATCHED
    if matched.all():
        return "各行对上该图斑的不同任务，各计一次"
    if len(set(own["categories"])) > 1:
        return "各行类别不同，只有一行能对上"
    return "类别相同，清单重复"


def _listed(texts: pd.Series) -> pd.Series:
    return texts.str.replace("|", "、", regex=False)


def _mu(judged: Judged, at: int) -> str:
    printed = judged.printed.get(at)
    return "" if printed is None else areas.plain(printed.value)

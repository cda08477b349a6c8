"""Why a row and our ledger don't agree, in an inspector's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.inspection import areas
from pipeline.inspection.locating import LEDGER
from pipeline.inspection.ours import STATUS_LABELS, WITHDRAWN
from pipeline.inspection.records import DUPLICATE, MATCHED, PART, UNREAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.inspection.ours import Ours
    from pipeline.inspection.records import Item, Judged, Row

_FLAGS = {
    "TOWN_MISMATCH": "图斑过半落在另一镇，按坐落代码归镇",
    "TOWN_BY_PLACE": "坐落代码所指的镇已撤并，按位置归镇",
}
_PLOT_AREAS = {
    "整个图斑的图斑面积（TBMJ），本方只计落在该类范围内的部分": "tbmj",
    "图斑地类面积（TBDLMJ，扣除田坎）": "tbdlmj",
    "图斑椭球面积": "area_m2",
    "图斑平面面积（投影面积，不是椭球面积）": "planar_m2",
}


class Reasons:
    """Sentences about one judged list."""

    def __init__(self, judged: Judged, ours: Ours) -> None:
        """Take what was judged; plots are looked up by BSM."""
        self.judged, self.ours = judged, ours
        self.rows, self.items = judged.row_records(), judged.item_records()
        asked = {item.bsm for item in self.items.values()}
        plots = pd.DataFrame(ours.plots.drop(columns="geometry"))
        plots = plots[plots["bsm"].isin(asked)].drop_duplicates("bsm")
        self.plots: dict[str, dict[Any, Any]] = {
            str(record["bsm"]): record for record in plots.to_dict("records")
        }

    def where(self, rows: Iterable[int]) -> str:
        """Return rows of the list as a person finds them."""
        return "、".join(f"“{self.rows[r].sheet}”第 {self.rows[r].row} 行" for r in rows)

    def ours_is(self, item: Item) -> str:
        """Return what an item is with us: category, rule, clause, status."""
        said = f"本方：{self.ours.label(item.category)}，规则 {item.rule_id}，依据 {item.basis}"
        if not item.status:
            return f"{said}；不是任务，不进台账"
        said += f"；状态：{STATUS_LABELS[item.status]}"
        if item.closed_on:
            said += f"（{item.closed_on}）"
        if item.status == WITHDRAWN and item.reason:
            said += f"（{item.reason}）"
        return said

    def of_row(self, at: int) -> str:
        """Return why a row has no counterpart, or how it differs from it."""
        row = self.rows[at]
        parts = [row.hint]
        if row.bsm_unread and row.plot:
            parts.append(f"标识码{row.bsm_unread}，按{row.by}认定为 {row.plot}")
        if row.relation == DUPLICATE:
            parts.insert(0, f"与{self.where([row.first])}是同一图斑")
        elif row.relation == PART:
            parts.insert(0, self._part(at))
        if row.contradicts:
            twice = f"{row.area} {row.unit}、{row.area_too} {row.unit_too}"
            parts.append(f"清单自己的两列面积不一致：{twice}")
        item = self.items.get(row.item)
        if item is not None:
            parts += self._differing(at, row, item)
            parts += [self.ours_is(item), _renumbered(row, item)]
        return "；".join(part for part in parts if part)

    def _part(self, at: int) -> str:
        links = self.judged.links
        item = self.items[int(links.loc[links["row"] == at, "item"].iloc[0])]
        rows = sorted({item.row, *item.named} - {-1})
        return (
            f"是任务 {item.task_id} 的一部分，该任务在清单中写了 {len(rows)} 行：{self.where(rows)}"
        )

    def _differing(self, at: int, row: Row, item: Item) -> list[str]:
        differs, said = row.differs.split("|"), []
        if "类别" in differs:
            theirs, mine = self.ours.label(row.categories), self.ours.label(item.category)
            said.append(f"清单记为“{theirs}”，本方记为“{mine}”")
        if "镇办" in differs:
            said.append(self._towns(row, item))
        if row.verdict == areas.DIFFERENT and row.relation == MATCHED:
            said.append(self._areas(at, row, item))
        if "状态" in differs and item.status:
            said.append(f"清单状态为“{states(row.statuses)}”，本方为“{STATUS_LABELS[item.status]}”")
        if "位置" in differs:
            hit = f"，落在图斑 {row.hit}" if isinstance(row.hit, str) else ""
            said.append(f"清单坐标在该图斑之外 {row.off_m:.1f} 米{hit}")
        return said

    def _towns(self, row: Row, item: Item) -> str:
        theirs, mine = (self.ours.town(c) or "未定" for c in (row.town_code, item.town_code))
        said = f"清单写{theirs}，本方在{mine}"
        if item.bsm in self.plots:
            said += f"（坐落单位代码 {self.plots[item.bsm]['zldwdm']}）"
        flags = item.flags.split("|")
        return said + "".join(f"，{text}" for flag, text in _FLAGS.items() if flag in flags)

    def _areas(self, at: int, row: Row, item: Item) -> str:
        links = self.judged.links
        rows = links.loc[links["item"] == row.item, "row"].tolist()
        parts = [r for r in rows if self.rows[r].relation == PART]
        whole = areas.total([self.judged.printed[r] for r in (at, *parts)])
        said = areas.explain_area(whole, item.cm2, self._other_areas(item))
        return said + (f"（连同{self.where(parts)}）" if parts else "")

    def _other_areas(self, item: Item) -> dict[str, int]:
        """Return other areas of ours that a list may mean."""
        same = [i.cm2 for i in self.items.values() if i.bsm == item.bsm and i.status]
        found = {
            "本方剩余面积": item.remaining_cm2,
            "本方已恢复面积": item.cm2 - item.remaining_cm2,
            "该图斑各类任务之和": sum(same) if len(same) > 1 else 0,
        }
        plot = self.plots.get(item.bsm, {})
        for name, column in _PLOT_AREAS.items():
            area = plot.get(column)
            found[name] = 0 if area is None or pd.isna(area) else round(float(area) * 100)
        return found

    def of_item(self, item: Item) -> str:
        """Return why we have a task that the list doesn't."""
        parts = []
        if item.row >= 0:
            stated = states(self.rows[item.row].statuses)
            parts.append(f"{self.where([item.row])}写明“{stated}”，不计入清单")
        unread = [r for r in item.named if self.rows[r].relation == UNREAD]
        rest = [r for r in item.named if r not in unread]
        if unread:
            parts.append(f"{self.where(unread)}写的是此图斑，但该行读不出")
        if rest:
            parts.append(f"{self.where(rest)}可能指此图斑")
        if not parts:
            parts.append("清单没有此图斑")
        parts.append(self.ours_is(item))
        if item.status == "closed" and item.row < 0:
            parts.append("清单可能只列未销号的")
        return "；".join(parts)


def _renumbered(row: Row, item: Item) -> str:
    if row.plot == item.bsm:
        return ""
    when = "" if row.found_in == LEDGER else f"（{row.found_in} 一期）"
    return f"清单图斑 {row.plot}{when}与本方 {item.bsm} 是同一地块，已重新编号"


def states(covered: str) -> str:
    """Return in Chinese the statuses that a list's word covers."""
    return "／".join(STATUS_LABELS[name] for name in covered.split("|") if name)

"""What an inspection found, in Chinese, for the terminal and the workbook's first page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline.inspection import tables
from pipeline.inspection.cells import NO_TOWN, ROUNDED, SAME, SUBTOTAL_LABELS, WHOLE_COUNTY
from pipeline.inspection.ours import COUNTED
from pipeline.terminal import aligned

if TYPE_CHECKING:
    from pipeline.inspection.products import Inspection

SHOWN = 10
CELL_COLUMNS = (
    "town", "label", "their_plots", "their_area_mu", "our_plots", "our_area_mu", "diff_plots",
    "diff_area_mu", "verdict",
)  # fmt: skip
CELL_HEADS = ("镇办", "类别", "清单个数", "清单亩", "本方个数", "本方亩", "差个数", "差亩", "结论")


def summary_text(found: Inspection, folder: str = "") -> str:
    """Return the findings: what was read, side by side, differences by kind, what to look at."""
    parts = [_read(found), _side_by_side(found), _differences(found), _repeats(found)]
    parts += [_unread(found), _remarks(found)]
    if folder:
        parts.append(f"全部表格：{folder}")
    return "\n\n".join(part for part in parts if part)


def head(found: Inspection) -> str:
    """Return one line: which list against which ledger."""
    ours = found.ours
    which = "全部任务（已撤出的除外）" if ours.statuses == COUNTED else "未销号的任务"
    sample = "（示例数据）" if ours.county.sample else ""
    return (
        f"清单 {found.checklist.name} 对照 {ours.county.name}{sample} "
        f"{ours.export.isoformat()} 台账的{which}"
    )


def _read(found: Inspection) -> str:
    total = len(found.checklist.rows)
    said = f"读入图斑 {total} 行：采用 {found.accepted} 行，读不出 {len(found.unread)} 行"
    if found.equal:
        said += "\n逐个图斑完全相符"
    return f"{head(found)}\n{said}"


def _side_by_side(found: Inspection) -> str:
    """Return the county's lines and the unequal ones of towns, of what the list deals with."""
    cells = found.cells
    rows = found.judged.rows[found.judged.rows["counted"]]
    towns = {*(found.ours.town(code) or NO_TOWN for code in rows["town_cell"]), WHOLE_COUNTY}
    named = {name for text in rows["category_cell"].unique() for name in text.split("|")}
    own = [bool(set(c.split("|")) & named) or c == "total" for c in cells["category"]]
    county = cells["level"] == "county"
    leaf = ~cells["category"].isin(list(SUBTOTAL_LABELS))
    dealt = pd.Series(own, cells.index) & cells["town"].isin(towns)
    shown = cells[dealt & (county | (leaf & ~cells["verdict"].isin([SAME, ROUNDED])))]
    table = [
        (town, label, theirs, their_mu, ours, our_mu, f"{plots:+d}" if plots else "0", mu, verdict)
        for town, label, theirs, their_mu, ours, our_mu, plots, mu, verdict in zip(
            *(shown[name] for name in CELL_COLUMNS), strict=True
        )
    ]
    text = "个数与面积（各镇只列不相同的类别）\n" + aligned(CELL_HEADS, table)
    left = int(((~dealt) & leaf & ~county).sum())
    return text + (
        f"\n  清单没有而本方有的镇办、类别另有 {left} 格，见 分镇分类对照.csv" if left else ""
    )


def _differences(found: Inspection) -> str:
    table = found.differences
    if table.empty:
        return ""
    lines = []
    for name, kind in tables.KINDS.items():
        own = table[table["kind"] == kind]
        if own.empty:
            continue
        line = f"{kind}：{len(own)} 个"
        if name == tables.DIFFERS:
            counts = own["differs"].str.split("、").explode().value_counts(sort=False)
            line += "（" + "，".join(f"{what} {n}" for what, n in counts.items()) + "）"
        outside = own[own["scope"] != tables.IN_SCOPE]
        if len(outside):
            counts = outside["scope"].value_counts(sort=False)
            line += "（其中" + "，".join(f"{what} {n}" for what, n in counts.items()) + "）"
        lines.append(line)
        inside = own[own["scope"] == tables.IN_SCOPE]
        names = ("sheet", "row", "bsm", "town", "reason")
        shown = zip(*(inside[name].head(SHOWN) for name in names), strict=True)
        lines += [f"  {_named(s, r, bsm, town)}：{reason}" for s, r, bsm, town, reason in shown]
        if len(inside) > SHOWN:
            lines.append(f"  ……共 {len(inside)} 个，见 差异图斑.csv")
    return "\n".join(lines)


def _named(sheet: str, row: object, bsm: str, town: str) -> str:
    where = f"“{sheet}”第 {row} 行 " if sheet else ""
    return f"{where}{bsm or '（未认定）'} {town}".strip()


def _repeats(found: Inspection) -> str:
    table = found.repeats
    if table.empty:
        return ""
    lines = [f"清单中 {len(table)} 个图斑写了不止一行"]
    lines += [
        f"  {bsm}：{rows}（{note}）"
        for bsm, rows, note in zip(
            table["bsm"][:SHOWN], table["rows"][:SHOWN], table["note"][:SHOWN], strict=True
        )
    ]
    if len(table) > SHOWN:
        lines.append("  ……其余见 重复图斑.csv")
    return "\n".join(lines)


def _unread(found: Inspection) -> str:
    table = found.unread
    if table.empty:
        return ""
    lines = ["读不出的行（不计入上表；改正后重新对照）"]
    lines += [
        f"  “{row['sheet']}”第 {row['row']} 行 {row['field']}：{row['found']}；"
        f"处理办法：{row['advice']}"
        for row in table.head(SHOWN).to_dict("records")
    ]
    if len(table) > SHOWN:
        lines.append(f"  ……共 {len(table)} 行，见 读不出的行.csv")
    return "\n".join(lines)


def _remarks(found: Inspection) -> str:
    notes: list[str] = []
    ours, rows = found.ours, found.judged.rows
    loud = found.reading[found.reading["item"].isin(LOUD)]
    notes += [
        f"{'工作表“' + sheet + '”' if sheet else ''}{item}：{text}"
        for sheet, item, text in zip(loud["sheet"], loud["item"], loud["text"], strict=True)
    ]
    if found.checklist.open_only and ours.statuses == COUNTED:
        notes.append("清单名称或标题像是只列未销号的图斑；如是，请加 --open 再对照")
    read = rows[rows["readable"]]
    for column, label in (("town_code", "镇办"), ("categories", "类别"), ("area", "面积")):
        blank = int((read[column] == "").sum())
        if blank:
            notes.append(f"{blank} 行没写{label}" + _FALLBACK[label])
    unknown = int(read["status_unknown"].sum())
    if unknown:
        notes.append(f"{unknown} 行的状态写法不认识，没有比较状态（行号见 逐行对照.csv）")
    return "\n".join(["说明", *(f"  {note}" for note in notes)]) if notes else ""


LOUD = ("未读的工作表", "类别列", "状态列", "面积单位", "丢弃的列（个人信息）")
_FALLBACK = {
    "镇办": "，按本方图斑所在镇办计",
    "类别": "，按本方该图斑的类别计",
    "面积": "，没有比较面积",
}

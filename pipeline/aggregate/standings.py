"""The standings of one export in a page of Chinese text: ranking, plan, pace, what stands out."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from pipeline.model import GAP_INDICATORS
from pipeline.terminal import aligned

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.model import County, Indicator

LABELS = dict(zip(GAP_INDICATORS, ("耕地保护目标", "永久基本农田", "进出平衡"), strict=True))
HEAD = (
    "镇办", "名次", "升降", "完成率%", "增减", "完成亩", "面积名次", "剩余亩", "增减", "未销号",
    "反弹", "计划亩", "低于计划", "需亩/周", "现亩/周",
)  # fmt: skip
_COLUMNS = (
    ("rank", None), ("rank_change", "+"), ("done_pct", 1), ("done_pct_change", "+1"),
    ("restored_mu", 2), ("rank_area", None), ("remaining_mu", 2), ("remaining_change_mu", "+2"),
    ("open_plots", None), ("reopened_plots", None), ("planned_mu", 2), ("behind_mu", 2),
    ("needed_mu_week", 2), ("pace_mu_week", 2),
)  # fmt: skip


def standings(table: pd.DataFrame, *, county: County) -> str:
    """Return the page of one export; table: its rows of progress.csv, as text.

    Towns in the order of their rank, groups and the county below; then one line for every place
    of which there is something to say. 亩 are rounded half-up to two decimals.
    """
    first = table.iloc[0]
    parts = [_title(first, county)]
    parts += [_indicator(table[table["indicator"] == name], name) for name in GAP_INDICATORS]
    return "\n\n".join(part for part in parts if part)


def _title(row: pd.Series, county: County) -> str:
    phase = row["phase"] if isinstance(row["phase"], str) else "不在任何阶段"
    left = int(row["days_left"])
    said = [f"{county.name}进度 {row['export']}" + ("（示例数据）" if county.sample else "")]
    said += [f"阶段：{phase}"] if county.phases else []
    said.append(f"距整改期限 {county.deadline} 还有 {left} 天" if left > 0 else
                f"整改期限 {county.deadline} 已到")  # fmt: skip
    said.append(f"与 {row['since']} 相比" if isinstance(row["since"], str) else "第一期，无从比较")
    return "；".join(said)


def _indicator(rows: pd.DataFrame, name: Indicator) -> str:
    if rows.empty:
        return ""
    order = rows["rank"].astype("Float64").fillna(len(rows))
    level = rows["level"].map({"town": 0, "group": 1, "county": 2})
    rows = rows.assign(level=level, order=order).sort_values(["level", "order"], kind="stable")
    cells = [
        (row["town"], *(_cell(row[column], style) for column, style in _COLUMNS))
        for row in rows.to_dict("records")
    ]
    notes = [f"  {row['town']}：{row['note']}" for row in rows.to_dict("records")]
    return "\n".join([LABELS[name], aligned(HEAD, cells), *notes])


def _cell(value: object, style: int | str | None) -> str:
    """Return a cell: a number with decimals, "+" with its sign; "-" where there is none."""
    if not isinstance(value, str):
        return "-"
    if style is None:
        return value
    sign, places = ("+", str(style)[1:]) if isinstance(style, str) else ("", str(style))
    number = Decimal(value).quantize(Decimal(1).scaleb(-int(places or 0)), ROUND_HALF_UP) + 0
    return "0" if sign and number == 0 else f"{number:{sign}f}"

"""The comparison of two exports in a page of Chinese text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.compare.changes import WHOLE_COUNTY
from pipeline.compare.classes import GROUPS, class_label
from pipeline.compare.lineage import RELATIONS
from pipeline.measure import mu_text
from pipeline.terminal import aligned

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.compare.products import Comparison

_EXACT = 6  # decimals of a 亩 that hold every hundredth of a m²
_SIDES = {"old": "前期", "new": "后期"}
_SHOWN = 10


def summary_text(comparison: Comparison) -> str:
    """Return counts by relation, the towns, the flow of land classes, losses of form and renames.

    Areas in 亩 with all six decimals, so that every line adds up as printed.
    """
    parts = [
        _relations(comparison.towns),
        _towns(comparison.towns),
        _classes(comparison.account, comparison.matrix),
        _losses(comparison.losses),
        _renames(comparison.renames),
    ]
    if comparison.empty:
        parts.insert(0, "两期没有任何变化。")
    return "\n\n".join(part for part in parts if part)


def _relations(towns: pd.DataFrame) -> str:
    county = towns[towns["town_code"] == WHOLE_COUNTY]
    rows = [
        (row["label"], row["old_plots"], row["new_plots"], _mu(row["old_cm2"]), _mu(row["new_cm2"]))
        for row in county.to_dict("records")
    ]
    total = county[["old_plots", "new_plots", "old_cm2", "new_cm2"]].sum()
    rows.append(("合计", *total[:2], _mu(total["old_cm2"]), _mu(total["new_cm2"])))
    head = ("谱系", "前期图斑", "后期图斑", "前期亩", "后期亩")
    return "图斑谱系（每个图斑恰有一种）\n" + aligned(head, rows)


def _towns(towns: pd.DataFrame) -> str:
    """Return plots before → after of each town, for relations that occur."""
    plots = towns.groupby("relation")[["old_plots", "new_plots"]].sum().sum(axis=1)
    shown = [name for name in RELATIONS if plots[name]]
    rows = []
    for _, own in towns.groupby("town_code", sort=False):
        counts = own.set_index("relation").loc[shown, ["old_plots", "new_plots"]]
        cells = (f"{int(before)}→{int(after)}" for before, after in counts.to_numpy().tolist())
        rows.append((own["town"].iloc[0], *cells))
    head = ("镇办", *(RELATIONS[name] for name in shown))
    return "分镇图斑（前期→后期）\n" + aligned(head, rows)


def _classes(account: pd.DataFrame, matrix: pd.DataFrame) -> str:
    own = account[account["level"] == "group"].set_index("class")
    columns = [f"{name}_cm2" for name in ("opening", "decrease", "increase", "closing")]
    sums = own.loc[[name for name in GROUPS if name in own.index], columns]
    rows = [(GROUPS[str(name)], *map(_mu, cm2)) for name, *cm2 in sums.itertuples(name=None)]
    rows.append(("合计", *map(_mu, sums.sum().tolist())))
    moved = matrix[(matrix["level"] == "group") & (matrix["source"] != matrix["target"])]
    flows = [
        (
            f"{class_label('group', row['source'])} → {class_label('group', row['target'])}",
            _mu(row["area_cm2"]),
        )
        for row in moved.to_dict("records")
    ]
    text = "地类流量（亩；年初 − 减少 + 增加 = 年末，逐类恰好相等）\n"
    text += aligned(("地类", "年初", "减少", "增加", "年末"), rows)
    return text + ("\n" + aligned(("由 → 到", "亩"), flows) if flows else "")


def _losses(losses: pd.DataFrame) -> str:
    lines = [
        f"  {row['field_label']}：{row['label']}"
        + (f"（{_SIDES[row['poorer']]}）" if row["poorer"] in _SIDES else "")
        + f"，{row['plots']} 个图斑"
        for row in losses.to_dict("records")
    ]
    return "\n".join(["格式损失（不是变化，另列于 格式损失.csv）", *lines]) if lines else ""


def _renames(renames: pd.DataFrame) -> str:
    lines = [
        f"  {row['label']}（{row['code']}）：“{row['old_name']}”改称“{row['new_name']}”，"
        f"{row['new_plots']} 个图斑"
        for row in renames.head(_SHOWN).to_dict("records")
    ]
    if len(renames) > _SHOWN:
        lines.append(f"  ……共 {len(renames)} 处")
    head = "更名（代码未变而名称整体改变，不算图斑变化，另列于 更名.csv）"
    return "\n".join([head, *lines]) if lines else ""


def _mu(cm2: int) -> str:
    return mu_text(int(cm2), _EXACT)

"""The lines of a page that tell a table of plots: rules and clauses, files, plots one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline.explain.ground import JOIN, SUPPLEMENT
from pipeline.explain.plot import village_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.model import County


def rules(table: pd.DataFrame) -> Iterator[str]:
    """Yield every rule with its clause and how many of the plots it decided."""
    if table.empty:
        return
    yield "规则与依据："
    keys = ["rule_id", "case_no", "basis"]
    said = table[keys].fillna("").groupby(keys).size().reset_index(name="plots")
    for line in said.to_dict("records"):
        case = f"情形 {line['case_no']}；" if line["case_no"] else ""
        yield f"  {line['rule_id'] or '无规则'}（{line['plots']} 个）：{case}{line['basis']}"


def sources(table: pd.DataFrame, title: str = "来源文件（首次入账那一期）") -> Iterator[str]:
    """Yield every delivered file with how many of the plots it holds."""
    if table.empty:
        return
    yield f"{title}："
    for file, count in table.groupby("source_file").size().items():
        yield f"  {file}：{count} 行"


def plots(table: pd.DataFrame, county: County, limit: int | None) -> Iterator[str]:
    """Yield the first plots (limit None: all) with their source; the rest are counted."""
    if table.empty:
        return
    shown = table if limit is None else table.head(limit)
    rest = len(table) - len(shown)
    yield f"图斑（共 {len(table)} 个{f'，列出前 {len(shown)} 个' if rest else ''}）："
    for number, row in enumerate(shown.to_dict("records"), 1):
        name = row["bsm"] if pd.isna(row["task_id"]) else f"{row['task_id']}（BSM {row['bsm']}）"
        place = f"{row['town']} {village_name(county, row['town'], row['village'])}".strip()
        share = "" if row["counted"] in ("1", row["area_mu"]) else f"（本项计 {row['counted']}）"
        kind = f"{row['label']} {row['status_label']} {row['rule_id']}"
        yield f"  {number}. {name} {place} {row['area_mu']} 亩{share} {kind}"
        if isinstance(row.get("why"), str):
            other = (
                f"（对方任务 {row['other_task'].replace(JOIN, '、')}）" if row["other_task"] else ""
            )
            yield f"     变动：{row['why'] or '剩余面积变化'}{other}"
        yield f"     来源：{row['source_file']} 第 {row['source_row']} 行"
        for column, said in ((SUPPLEMENT, "补划"), ("now", "本期"), ("now_source", "本期来源")):
            if isinstance(row.get(column), str):
                yield f"     {said}：{row[column].replace(JOIN, '；')}"
    if rest:
        yield f"  ……另有 {rest} 个未列出：--all 全部列出，--csv、--gpkg 写成文件"

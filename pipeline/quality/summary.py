"""Findings counted: by rule, by town, in Chinese for the terminal. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline.quality.check import ERROR, WARNING
from pipeline.quality.checks import discover
from pipeline.quality.intake import INTAKE
from pipeline.terminal import aligned

if TYPE_CHECKING:
    import geopandas as gpd

NO_TOWN = "（未定）"
SHOWN = 30


def rule_texts() -> dict[str, str]:
    """Return what every rule demands, by its code, checks in order, then those of reading."""
    return {check.code: check.text for check in discover()} | {r.code: r.text for r in INTAKE}


def by_rule(findings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return one row per rule and level: rule, severity, text, count, new, size, unit, first.

    first: position of its first finding; sorted as the findings are, errors first.
    """
    rows = findings.assign(new=findings["known"].isna(), first=range(len(findings)))
    table = (
        rows.groupby(["severity", "rule"], sort=False)
        .agg(
            count=("rule", "size"),
            new=("new", "sum"),
            size=("size", "sum"),
            unit=("unit", "first"),
            first=("first", "min"),
        )
        .reset_index()
    )
    table = table.assign(text=table["rule"].map(rule_texts()).fillna(""))
    return table.sort_values(["severity", "first"], ascending=[False, True], ignore_index=True)


def by_town(findings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return one row per town: town_code, town, errors, warnings, new, rules; 未定 last."""
    rows = findings.assign(
        town=findings["town"].fillna(NO_TOWN),
        town_code=findings["town_code"].fillna("~"),
        errors=findings["severity"] == ERROR,
        warnings=findings["severity"] == WARNING,
        new=findings["known"].isna(),
    )
    table = (
        rows.groupby(["town_code", "town"], sort=True)
        .agg(
            errors=("errors", "sum"),
            warnings=("warnings", "sum"),
            new=("new", "sum"),
            rules=("rule", "nunique"),
        )
        .reset_index()
    )
    return table.assign(town_code=table["town_code"].replace("~", ""))


def by_rule_and_town(findings: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return counts: a row per rule (severity, rule), a column per town."""
    town = findings["town"].fillna(NO_TOWN)
    order = by_town(findings)["town"].tolist()
    table = pd.crosstab([findings["severity"], findings["rule"]], town)
    table = table.reindex(columns=order, fill_value=0).reset_index()
    return table.sort_values(["severity", "rule"], ascending=[False, True], ignore_index=True)


def as_text(findings: gpd.GeoDataFrame, stale: int) -> str:
    """Return what was found, as a person reads it in a terminal."""
    new = findings[findings["known"].isna()]
    errors, warnings = ((new["severity"] == level).sum() for level in (ERROR, WARNING))
    known = len(findings) - len(new)
    lines = []
    if len(findings):
        table = by_rule(findings)
        shown = table.head(SHOWN)
        words = shown["severity"] + " " + shown["text"]
        rows = zip(words, shown["rule"], shown["count"], shown["new"], strict=True)
        lines += [aligned(("规则", "编号", "处", "其中新的"), rows), ""]
        if len(table) > SHOWN:
            lines += [f"另有 {len(table) - SHOWN} 条规则，见 problems.csv", ""]
    said = f"错误 {errors} 处，警告 {warnings} 处" if errors + warnings else "没有新的问题"
    lines.append(said + (f"；已认可 {known} 处" if known else ""))
    if stale:
        lines.append(f"基线中有 {stale} 行已没有对应的问题，可以删去（见 检查汇总.xlsx）")
    return "\n".join(lines)

"""The county's own lists, towns.csv and targets.csv, checked cell by cell. Stdlib only."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.errors import Finding
from pipeline.ingest.text import Row, nearest, read_rows
from pipeline.model import Indicator, Target, TargetKind, Town

if TYPE_CHECKING:
    from pathlib import Path

TOWN_COLUMNS = ("code", "name", "aliases", "group", "basin")
TARGET_COLUMNS = ("town", "indicator", "kind", "value", "unit", "source")
WHOLE_COUNTY = "全县"
UNITS: dict[Indicator, tuple[str, ...]] = {
    Indicator.CROPLAND: ("亩",),
    Indicator.PBF: ("亩",),
    Indicator.IN_OUT_BALANCE: ("亩",),
    Indicator.REPLENISHMENT_AREA: ("亩",),
    Indicator.REPLENISHMENT_GRAIN: ("万公斤", "公斤"),
    Indicator.ILLEGAL_RATIO: ("%",),
    Indicator.ILLEGAL_AREA: ("亩",),
}
"""Units allowed per indicator: 万亩 would be rounded, so it is refused rather than converted."""


def load_towns(path: Path, code: str | None) -> tuple[tuple[Town, ...], list[Finding]]:
    """Read towns.csv; codes have 9 digits and begin with the county's `code` (None: unknown)."""
    rows, findings = read_rows(path, TOWN_COLUMNS)
    towns = []
    used: dict[str, int] = {}
    for row in rows:
        town = Town(
            code=row.cells["code"],
            name=row.cells["name"],
            aliases=tuple(filter(None, (a.strip() for a in row.cells["aliases"].split("|")))),
            group=row.cells["group"],
            basin=row.cells["basin"],
        )
        towns.append(town)
        where = f"{path.name} 第 {row.line} 行"
        findings += _check_code(town.code, code, where)
        findings += _check_names(town, used, row.line, where)
    if not rows and not findings:
        findings.append(Finding(path.name, "没有一个镇办", "每个镇办写一行"))
    return tuple(towns), findings


def _check_code(town_code: str, code: str | None, where: str) -> list[Finding]:
    if not re.fullmatch(r"[0-9]{9}", town_code):
        found = f"code“{town_code}”不是 9 位数字"
        return [Finding(where, found, "填写统计用区划代码前 9 位，单元格设为文本")]
    if code is not None and not town_code.startswith(code):
        found = f"code“{town_code}”不以县代码 {code} 开头"
        return [Finding(where, found, "核对该镇办代码与 county.toml 的 code")]
    return []


def _check_names(town: Town, used: dict[str, int], line: int, where: str) -> list[Finding]:
    findings = []
    if not town.name:
        findings.append(Finding(where, "name 为空", "填写镇办名称"))
    if town.name == WHOLE_COUNTY:
        advice = "“全县”专指县级数字，请改用镇办名称"
        findings.append(Finding(where, "name 写成了“全县”", advice))
    for name in dict.fromkeys((town.code, town.name, *town.aliases)):
        if name and used.setdefault(name, line) != line:
            found = f"“{name}”与第 {used[name]} 行重复"
            findings.append(Finding(where, found, "代码、名称和别名在全表中只能出现一次"))
    return findings


def load_targets(path: Path, towns: tuple[Town, ...]) -> tuple[tuple[Target, ...], list[Finding]]:
    """Read targets.csv; towns by name or alias (kept under the county's own name) or 全县."""
    rows, findings = read_rows(path, TARGET_COLUMNS)
    names = {name: town.name for town in towns for name in (town.name, *town.aliases)}
    names[WHOLE_COUNTY] = WHOLE_COUNTY
    targets = []
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        found = _check_target(row, names, f"{path.name} 第 {row.line} 行")
        findings += found
        if found:
            continue
        target = _target(row, names)
        key = (target.town, target.indicator, target.kind)
        if seen.setdefault(key, row.line) != row.line:
            text = f"{target.town} 的 {target.indicator}/{target.kind} 与第 {seen[key]} 行重复"
            where = f"{path.name} 第 {row.line} 行"
            findings.append(Finding(where, text, "每个镇办每项指标每种数字只写一行，删去多余的"))
        targets.append(target)
    return tuple(targets), findings + _check_due(targets, path.name)


def _check_due(targets: list[Target], name: str) -> list[Finding]:
    """Find a year's task that is more than all that is due, arrears included."""
    in_wan = {"公斤": Decimal("0.0001")}
    stated = {(t.town, t.indicator, t.kind): t.value * in_wan.get(t.unit, 1) for t in targets}
    advice = "due 填欠账与当年任务之和，target 只填当年任务"
    return [
        Finding(
            f"{name} {town} {indicator}", f"当年任务（target）{task} 大于应补总数（due）", advice
        )
        for (town, indicator, kind), task in stated.items()
        if kind is TargetKind.TARGET and task > stated.get((town, indicator, TargetKind.DUE), task)
    ]


def _target(row: Row, names: dict[str, str]) -> Target:
    return Target(
        town=names.get(row.cells["town"], row.cells["town"]),
        indicator=Indicator(row.cells["indicator"]),
        kind=TargetKind(row.cells["kind"]),
        value=Decimal(row.cells["value"]),
        unit=row.cells["unit"],
        source=row.cells["source"],
    )


def _check_target(row: Row, names: dict[str, str], where: str) -> list[Finding]:
    cells, findings = row.cells, []
    known = len(names) > 1  # an unreadable towns.csv is reported once, not once per row
    if known and cells["town"] not in names:
        advice = nearest(cells["town"], names) + "；或在 towns.csv 的 aliases 中登记该叫法"
        findings.append(Finding(where, f"town“{cells['town']}”不在 towns.csv 中", advice))
    for column, allowed in (("indicator", list(Indicator)), ("kind", list(TargetKind))):
        if cells[column] not in allowed:
            found = f"{column}“{cells[column]}”不认识"
            findings.append(Finding(where, found, nearest(cells[column], allowed)))
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", cells["value"]):
        advice = "填写不带千分号、单位和正负号的十进制数，如 104665 或 5.45"
        findings.append(Finding(where, f"value“{cells['value']}”不是普通十进制数", advice))
    units = UNITS.get(Indicator(cells["indicator"])) if cells["indicator"] in UNITS else None
    if units and cells["unit"] not in units:
        found = f"unit“{cells['unit']}”与指标 {cells['indicator']} 不符"
        findings.append(Finding(where, found, f"换算后改用 {'、'.join(units)}"))
    return findings

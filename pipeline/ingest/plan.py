"""plan.csv: what each town has to have done by each date (倒排工期). Stdlib only."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import Finding
from pipeline.ingest.lists import WHOLE_COUNTY
from pipeline.ingest.text import Row, nearest, read_rows
from pipeline.model import GAP_INDICATORS, Indicator, Planned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.model import Town

COLUMNS = ("town", "indicator", "date", "planned_mu")
_DATE = re.compile(r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})")


class _Line(NamedTuple):
    """A readable row and its place in the file."""

    planned: Planned
    line: int


def load_plan(
    path: Path, towns: tuple[Town, ...], span: tuple[date | None, date | None]
) -> tuple[tuple[Planned, ...], list[Finding]]:
    """Read plan.csv (optional), sorted by town, indicator and date.

    Towns by name or alias (kept under the county's own name) or 全县; dates within `span` (the
    ledger's date and the deadline, None where county.toml is wrong). planned_mu counts from the
    ledger's date on, so within a town and indicator it never falls.
    """
    if not path.is_file():
        return (), []
    rows, findings = read_rows(path, COLUMNS)
    names = {name: town.name for town in towns for name in (town.name, *town.aliases)}
    names[WHOLE_COUNTY] = WHOLE_COUNTY
    lines = []
    for row in rows:
        day, found = _check(row, names, span, f"{path.name} 第 {row.line} 行")
        findings += found
        if day is not None and not found:
            lines.append(_Line(_planned(row, names, day), row.line))
    lines.sort(key=lambda item: (_key(item.planned), item.planned.date, item.line))
    return tuple(item.planned for item in lines), findings + _check_course(lines, path.name)


def _key(planned: Planned) -> tuple[str, str]:
    return planned.town, planned.indicator.value


def _planned(row: Row, names: Mapping[str, str], day: date) -> Planned:
    return Planned(
        town=names.get(row.cells["town"], row.cells["town"]),
        indicator=Indicator(row.cells["indicator"]),
        date=day,
        planned_mu=Decimal(row.cells["planned_mu"]),
    )


def _check(
    row: Row, names: Mapping[str, str], span: tuple[date | None, date | None], where: str
) -> tuple[date | None, list[Finding]]:
    """Return the row's date, if readable, and what is wrong with the row."""
    cells, findings = row.cells, []
    known = len(names) > 1  # an unreadable towns.csv is reported once, not once per row
    if known and cells["town"] not in names:
        advice = nearest(cells["town"], names) + "；或在 towns.csv 的 aliases 中登记该叫法"
        findings.append(Finding(where, f"town“{cells['town']}”不在 towns.csv 中", advice))
    if cells["indicator"] not in GAP_INDICATORS:
        found = f"indicator“{cells['indicator']}”不能排工期"
        findings.append(Finding(where, found, nearest(cells["indicator"], GAP_INDICATORS)))
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", cells["planned_mu"]):
        advice = "填写到这一天累计应完成的亩数，不带千分号、单位和正负号，如 120 或 30.5"
        findings.append(
            Finding(where, f"planned_mu“{cells['planned_mu']}”不是普通十进制数", advice)
        )
    day = _date(cells["date"])
    if day is None:
        advice = "写成 年-月-日，如 2023-10-31"
        return None, [*findings, Finding(where, f"date“{cells['date']}”不是有效日期", advice)]
    first, last = span
    if first and day < first:
        advice = "工期从建台账（ledger）之日起算，改正日期或删去这一行"
        findings.append(Finding(where, f"date {day} 早于建台账的 {first}", advice))
    if last and day > last:
        advice = "工期应排在整改期限（deadline）之内，改正日期或 county.toml 的 deadline"
        findings.append(Finding(where, f"date {day} 晚于整改期限 {last}", advice))
    return day, findings


def _date(text: str) -> date | None:
    """Return the date of year-month-day, with hyphens or the slashes of spreadsheets."""
    match = _DATE.fullmatch(text)
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


def _check_course(lines: list[_Line], name: str) -> list[Finding]:
    """Return dates written twice and plans that fall."""
    findings = []
    for (town, indicator), group in groupby(lines, key=lambda item: _key(item.planned)):
        for before, after in pairwise(group):
            where = f"{name} 第 {after.line} 行"
            old, new = before.planned, after.planned
            what = f"{town} 的 {indicator}"
            if old.date == new.date:
                found = f"{what} 在 {new.date} 与第 {before.line} 行重复"
                findings.append(Finding(where, found, "同一镇办同一指标同一天只写一行"))
            elif new.planned_mu < old.planned_mu:
                found = (
                    f"{what} 到 {new.date} 累计 {new.planned_mu} 亩，"
                    f"少于第 {before.line} 行到 {old.date} 的 {old.planned_mu} 亩"
                )
                advice = "planned_mu 是累计数，不会减少；如填的是各段的数，请逐段累加"
                findings.append(Finding(where, found, advice))
    return findings

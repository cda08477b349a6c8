"""published.csv: figures as printed, kept as text, checked cell by cell. Stdlib only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import Finding
from pipeline.ingest.lists import WHOLE_COUNTY
from pipeline.ingest.text import Row, nearest, read_rows
from pipeline.model import Published

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.model import Town

COLUMNS = ("table", "town", "item", "plots", "area_mu")


def load_published(
    path: Path, towns: tuple[Town, ...]
) -> tuple[tuple[Published, ...], list[Finding]]:
    """Read published.csv (optional): towns by name or alias or 全县; numbers stay as printed."""
    if not path.is_file():
        return (), []
    rows, findings = read_rows(path, COLUMNS)
    names = {name: town.name for town in towns for name in (town.name, *town.aliases)}
    names[WHOLE_COUNTY] = WHOLE_COUNTY
    published: dict[tuple[str, str, str], Published] = {}
    for row in rows:
        where = f"{path.name} 第 {row.line} 行"
        found = _check(row, names if len(names) > 1 else {}, where)
        cell = Published(**{**row.cells, "town": names.get(row.cells["town"], row.cells["town"])})
        key = (cell.table, cell.town, cell.item)
        if key in published:
            text = f"{cell.table} {cell.town} {cell.item} 重复"
            found.append(Finding(where, text, "同一张表的同一格只写一行"))
        published.setdefault(key, cell)
        findings += found
    return tuple(published.values()), findings


def _check(row: Row, names: dict[str, str], where: str) -> list[Finding]:
    cells, findings = row.cells, []
    if names and cells["town"] not in names:
        found = f"town“{cells['town']}”不在 towns.csv 中"
        findings.append(Finding(where, found, nearest(cells["town"], names)))
    if cells["plots"] and not re.fullmatch(r"[0-9]+", cells["plots"]):
        found = f"plots“{cells['plots']}”不是整数"
        findings.append(Finding(where, found, "照抄印刷的图斑数，没有印的留空"))
    if cells["area_mu"] and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", cells["area_mu"]):
        found = f"area_mu“{cells['area_mu']}”不是普通十进制数"
        findings.append(Finding(where, found, "照抄印刷的亩数（保留小数位），不带千分号和单位"))
    return findings

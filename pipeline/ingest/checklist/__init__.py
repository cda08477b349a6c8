"""Lists of plots as inspectors write them: any sensible columns, sheets and spellings.

Nothing about persons is kept: only columns that name a plot, its place, category, state and size
are read at all.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import Finding, InputError, UsageError
from pipeline.ingest.checklist.rows import Reading, Record, read_rows
from pipeline.ingest.checklist.sheets import SAVE_AS, SUFFIXES, Line, Sheet, read_sheets
from pipeline.ingest.checklist.values import COLUMNS, parse
from pipeline.ingest.checklist.words import category_of, is_empty, status_of
from pipeline.ingest.names import vocabulary
from pipeline.tables import classes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from pipeline.model import County

__all__ = ["COLUMNS", "Checklist", "Remark", "read_checklist"]

FIELD_LABELS = {
    "bsm": "标识码", "task_id": "任务编号", "tbbh": "图斑编号", "zldwdm": "坐落单位代码",
    "town_code": "镇办代码", "town": "镇办", "village": "村", "category": "类别", "status": "状态",
    "area": "面积", "area_too": "同一面积", "serial": "序号", "point": "坐标", "x": "X", "y": "Y",
    "lon": "经度", "lat": "纬度",
}  # fmt: skip
OPEN_ONLY = ("未整改", "未销号", "未完成", "未恢复", "剩余", "欠账")
HEADER_ADVICE = (
    "表头须有标识码（BSM）、图斑编号（TBBH）、任务编号或坐标中的一列；"
    "别的叫法可在 pipeline/tables/checklists/columns.csv 加一行"
)


class Remark(NamedTuple):
    """How a list was read: sheet ("" for the file), what it is about, in Chinese words."""

    sheet: str
    item: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """A list as read.

    name: of the file; sha256: of its bytes; rows: one per row that means a plot, the columns
    COLUMNS, in the order of the file; remarks: how it was read; open_only: its titles say it lists
    what is still to be done.
    """

    name: str
    sha256: str
    rows: pd.DataFrame
    remarks: tuple[Remark, ...]
    open_only: bool = False


def read_checklist(path: Path, county: County) -> Checklist:
    """Read a list. Every row that isn't blank is a plot, or title, header, total, heading, note.

    Raises UsageError where there is no such file; InputError for a file that is no list, holds no
    usable column, no plot at all, or none that can be read.
    """
    if not path.is_file():
        advice = "检查路径和文件名（含空格时用引号括起）"
        raise UsageError(Finding(f"--list {path}", "没有这个文件", advice))
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(Finding(path.name, f"不支持的格式“{path.suffix}”", SAVE_AS))
    data = _bytes(path)
    words = vocabulary(county) | {label for c in classes() for label in (c.label, c.label_long)}
    sheets = read_sheets(data, path.name, words)
    readings = [read_rows(sheet) for sheet in sheets]
    _require_plots(readings, path)
    settled = [_settled(reading) for reading in readings]
    rows = parse([record for reading, _ in settled for record in reading.records], county)
    _require_readable(rows, path)
    titles = [path.stem, *(text for r in readings for text in (r.sheet.name, *r.titles))]
    return Checklist(
        name=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        rows=rows,
        remarks=tuple(remark for reading, own in settled for remark in (*_remarks(reading), *own)),
        open_only=any(mark in title for title in titles for mark in OPEN_ONLY),
    )


def _bytes(path: Path) -> bytes:
    """Read the whole file; nothing is ever written beside it."""
    try:
        return path.read_bytes()
    except OSError as error:
        found = f"文件读不出来（{error.strerror or error}）"
        advice = "关闭占用它的 Excel、WPS，确认有读取权限后重新运行"
        raise InputError(Finding(path.name, found, advice)) from error


def _require_plots(readings: list[Reading], path: Path) -> None:
    """Raise InputError where no sheet has a usable header, or none has a row below it."""
    if any(reading.records for reading in readings):
        return
    if not any(reading.header for reading in readings):
        raise InputError(
            Finding(
                f"{path.name} 工作表“{reading.sheet.name}”",
                f"找不到能指认图斑的列；表格开头是：{_first_names(reading.sheet)}",
                HEADER_ADVICE,
            )
            for reading in readings
        )
    where = "、".join(f"“{r.sheet.name}”" for r in readings if r.header)
    found = f"工作表{where}只有表头，没有一行图斑"
    raise InputError(Finding(path.name, found, "检查是否发错文件，或内容在别的文件里"))


def _first_names(sheet: Sheet) -> str:
    """Return the short texts of the first rows, for a message; no digits, as rows have them."""

    def names(lines: Iterable[Line]) -> list[str]:
        return [c.text for line in lines for c in line.cells if c.text and not c.source]

    shown = [t for t in names(sheet.lines[:2]) if not any(c.isdigit() for c in t)][:12]
    return "、".join("".join(text.split())[:16] for text in shown) or "（空）"


def _require_readable(rows: pd.DataFrame, path: Path) -> None:
    if rows["readable"].any():
        return
    raise InputError(
        Finding(f"{path.name} “{sheet}”第 {row} 行 {field}", found, advice)
        for sheet, row, field, found, advice in zip(
            rows["sheet"], rows["row"], rows["field"], rows["found"], rows["advice"], strict=True
        )
    )


def _settled(reading: Reading) -> tuple[Reading, list[Remark]]:
    """Set aside a column of categories or states in which not one cell is such a word."""
    remarks = []
    for name, known in (("category", category_of), ("status", status_of)):
        texts = {t for r in reading.records if not is_empty(t := r.text(name))}
        if texts and not any(known(text) for text in texts):
            reading = replace(reading, records=tuple(_without(r, name) for r in reading.records))
            label = FIELD_LABELS[name]
            said = f"该列 {len(texts)} 种写法都不是{label}，没有采用；按清单未写{label}比较"
            remarks.append(Remark(reading.sheet.name, f"{label}列", said))
    return reading, remarks


def _without(record: Record, name: str) -> Record:
    return replace(record, cells={n: cell for n, cell in record.cells.items() if n != name})


def _remarks(reading: Reading) -> list[Remark]:
    """Say how a sheet was read: header, columns, what was left out, rows by kind."""
    sheet, header = reading.sheet, reading.header
    total = len(sheet.lines)
    found: list[tuple[str, str]] = [("隐藏的工作表", "已读入")] if sheet.hidden else []
    if header is None:
        found.append(
            ("未读的工作表", f"没有能指认图斑的列，{total} 行未作图斑" if total else "空表")
        )
        return [Remark(sheet.name, item, text) for item, text in found]
    numbers = [sheet.lines[at].number for at in (header.first, header.last)]
    found.append(("表头", "第 " + "、".join(str(n) for n in dict.fromkeys(numbers)) + " 行"))
    used = [
        f"{FIELD_LABELS[name]}＝“{column.name}”" + (f"（{column.unit}）" if column.unit else "")
        for name, column in header.columns.items()
    ]
    found.append(("采用的列", "；".join(used)))
    if header.dropped:
        found.append(("丢弃的列（个人信息）", "、".join(header.dropped)))
    if header.unused:
        found.append(("未用的列", "、".join(header.unused)))
    kinds = Counter(reading.kinds)
    said = "，".join(f"{kind} {count}" for kind, count in kinds.items() if count)
    found.append(("非空行", f"共 {total} 行：{said}"))
    hidden = sum(line.hidden for line in sheet.lines)
    if hidden:
        found.append(("隐藏的行", f"{hidden} 行，照常读入"))
    return [Remark(sheet.name, item, text) for item, text in found]

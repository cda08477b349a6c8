"""Lists without geometry: CSV and XLSX, every cell as text."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.utils.exceptions import InvalidFileException

from pipeline.errors import Finding, InputError
from pipeline.ingest.encoding import Sample, decide
from pipeline.ingest.raw import FLOAT, NUMBER, TEXT, Delivery, LayerInfo, RawLayer
from pipeline.storage import Register

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SUFFIXES = (".csv", ".xlsx")
MARKS: tuple[bytes, ...] = ()
EXACT_DIGITS = 10**15  # a spreadsheet keeps 15 digits of a number; beyond, digits are already lost
BOM = b"\xef\xbb\xbf"

Grid = list[tuple[int, list[object]]]


def layers(delivery: Delivery) -> tuple[LayerInfo, ...]:
    """Return the CSV or the sheets that hold anything. Raises InputError for unreadable files."""
    grids, _ = _load(delivery)
    return tuple(
        LayerInfo(name=name, columns=tuple(_header(grid, delivery)), spatial=False)
        for name, grid in grids.items()
        if grid
    )


def read(delivery: Delivery, layer: str, columns: Sequence[str]) -> RawLayer:
    """Read one sheet; blank lines skipped, rows numbered as in the file."""
    grids, encoding = _load(delivery)
    grid = grids[layer]
    header = _header(grid, delivery)
    body = grid[1:]
    ragged = [line for line, cells in body if any(map(_filled, cells[len(header) :]))]
    if ragged:
        where = f"{delivery.where} 第 {ragged[0]} 行"
        found = f"列数多于表头的 {len(header)} 列（共 {len(ragged)} 行）"
        raise InputError(Finding(where, found, "内容含逗号时用英文双引号括起；删去多余的列"))
    cells = {
        name: [row[at] if at < len(row) else None for _, row in body]
        for at, name in enumerate(header)
        if name in columns
    }
    texts = {name: pd.Series([_text(v) for v in cells[name]], dtype="str") for name in columns}
    return RawLayer(
        table=Register.by_column(len(body), texts.items()),
        rows=np.array([line for line, _ in body], dtype=np.int64),
        wkb=None,
        claimed=len(body),
        kinds={name: _kind(cells[name]) for name in columns},
        encoding=encoding,
    )


def _load(delivery: Delivery) -> tuple[dict[str, Grid], str]:
    if delivery.copy.suffix == ".csv":
        grid, encoding = _csv(delivery)
        return {delivery.name: grid}, encoding
    return _xlsx(delivery), "UTF-8:XLSX 标准规定"


def _csv(delivery: Delivery) -> tuple[Grid, str]:
    data = delivery.copy.read_bytes().removeprefix(BOM)
    samples = [
        Sample("整行", row, line)
        for row, line in enumerate(data.splitlines(), 1)
        if not line.isascii()
    ]
    decision = decide(
        samples,
        witnesses=None,
        words=delivery.words,
        stated=delivery.encoding,
        where=delivery.where,
    )
    if decision.findings:
        raise InputError(decision.findings)
    reader = csv.reader(io.StringIO(data.decode(decision.encoding), newline=""), strict=True)
    grid: Grid = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                grid.append((reader.line_num, list(cells)))
    except csv.Error as error:
        where = f"{delivery.where} 第 {reader.line_num} 行"
        found = f"不是规范的 CSV（{error}）"
        raise InputError(Finding(where, found, "检查引号是否成对")) from error
    return grid, decision.evidence


def _xlsx(delivery: Delivery) -> dict[str, Grid]:
    try:
        book = openpyxl.load_workbook(delivery.copy, read_only=True, data_only=True)
        for sheet in book:
            sheet.reset_dimensions()  # a stale size in the file would cut rows off
        grids = {sheet.title: _grid(sheet.iter_rows(values_only=True)) for sheet in book}
        book.close()
    except (zipfile.BadZipFile, InvalidFileException, KeyError, OSError, ValueError) as error:
        found = f"XLSX 损坏或读不出来（{error}）"
        raise InputError(Finding(delivery.where, found, "用 Excel 或 WPS 打开后另存")) from error
    return grids


def _grid(rows: Iterable[Sequence[object]]) -> Grid:
    return [(line, list(cells)) for line, cells in enumerate(rows, 1) if any(map(_filled, cells))]


def _filled(cell: object) -> bool:
    return cell is not None and bool(str(cell).strip())


def _header(grid: Grid, delivery: Delivery) -> list[str]:
    if not grid:
        raise InputError(Finding(delivery.where, "是空表，连表头也没有", "补上表头和内容"))
    cells = ["" if cell is None else str(cell).strip() for cell in grid[0][1]]
    names = list(reversed([*_drop_blank(reversed(cells))]))
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        found = f"表头有重名或空列：{'、'.join(name or '（空）' for name in doubled)}"
        raise InputError(Finding(f"{delivery.where} 第 {grid[0][0]} 行", found, "改名或删去"))
    return names


def _drop_blank(cells: Iterable[str]) -> list[str]:
    cells = list(cells)
    return cells[len([*takewhile(lambda cell: not cell, cells)]) :]


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, int | float) and abs(value) >= EXACT_DIGITS:
        return f"{value:.14e}"  # shown as damaged, so that it is refused where an id is asked
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _kind(cells: Iterable[object]) -> str:
    types = {type(value) for value in cells}
    if float in types:
        return FLOAT
    return NUMBER if int in types else TEXT

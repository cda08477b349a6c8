"""Sheets of a list as people keep them: every cell as text, merged cells filled, rows numbered."""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import openpyxl

from pipeline.errors import Finding, InputError
from pipeline.ingest.encoding import Sample, decide

if TYPE_CHECKING:
    from collections.abc import Collection

    from openpyxl.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

SUFFIXES = (".xlsx", ".xlsm", ".csv")
SAVE_AS = "用 Excel 或 WPS 打开原表，另存为 .xlsx 或“CSV UTF-8”后重试"
LOCKED = "文件有打开密码，程序读不了（请先取消密码）"
OLD = "其实是旧版 .xls（或 .doc、.et）文件，只是改了后缀"
UNCALCULATED = "公式未计算"
"""Stands for a formula whose value was never computed: no parser takes it for anything."""

OWN, BELOW, BESIDE = 0, 1, 2
"""Where a cell's text comes from: itself, the top or the left of its merged range."""

MAX_BYTES = 500_000_000
DELIMITERS = (",", "\t", ";")
_BOM = b"\xef\xbb\xbf"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = b"PK\x03\x04"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_OTHER_OFFICE = {
    "word/": " Word 文档（.docx）",
    "ppt/": "演示文稿（.pptx）",
    "content.xml": " OpenDocument 表格（.ods）",
}


class Cell(NamedTuple):
    """One cell: its text ("" when empty), decimals shown (numbers only), where it comes from."""

    text: str = ""
    decimals: int | None = None
    source: int = OWN


EMPTY = Cell()


@dataclass(frozen=True, slots=True)
class Line:
    """One row that isn't blank: its number in the file, its cells, whether it is hidden."""

    number: int
    cells: tuple[Cell, ...]
    hidden: bool = False

    def cell(self, at: int) -> Cell:
        """Return a cell, empty beyond the row's end or where it only continues its left one."""
        cell = self.cells[at] if 0 <= at < len(self.cells) else EMPTY
        return EMPTY if cell.source == BESIDE else cell


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with its rows that aren't blank; a CSV is one sheet of its file's name.

    ragged: rows may have more cells than the header because a comma wasn't quoted (CSV).
    """

    name: str
    lines: tuple[Line, ...]
    hidden: bool = False
    ragged: bool = False


def read_sheets(data: bytes, name: str, words: Collection[str]) -> tuple[Sheet, ...]:
    """Read all sheets of a file. Raises InputError saying what the file really is.

    name: of the file, for messages, its format and a CSV's one sheet; words: known beforehand, to
    tell encodings apart.
    """
    stem, _, suffix = name.rpartition(".")
    found = _disguise(data, suffix.lower())
    if found:
        raise InputError(Finding(name, found, SAVE_AS))
    return (_csv(data, name, stem, words),) if suffix.lower() == "csv" else _workbook(data, name)


def _disguise(data: bytes, suffix: str) -> str:
    """Return in Chinese what a file is when it isn't what its suffix says, else ""."""
    if not data.strip():
        return "是空文件（0 字节或只有空白）"
    if data.startswith(_OLE):
        locked = "EncryptedPackage".encode("utf-16-le") in data
        return LOCKED if locked else OLD
    return _no_csv(data) if suffix == "csv" else _no_xlsx(data)


def _no_csv(data: bytes) -> str:
    if data.startswith(_ZIP):
        return "其实是 .xlsx 或压缩包，只是改了后缀"
    if data.startswith(_UTF16):
        return "是 UTF-16 编码（Excel 的“Unicode 文本”），不是 UTF-8 或 GBK"
    return "含有空字节，不是文本" if b"\0" in data else ""


def _no_xlsx(data: bytes) -> str:
    head = data[:1024].lstrip().lower()
    if head.startswith((b"<html", b"<!doctype html", b"<table", b"<meta")):
        return "其实是网页（HTML），只是改了后缀"
    if head.startswith(b"<?xml"):
        return "其实是 XML 表格，只是改了后缀"
    return _inside(data) if data.startswith(_ZIP) else "不是 XLSX 文件（文件头不对）"


def _inside(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            size = sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        return f"XLSX 损坏，打不开（{error}）"
    for part, kind in _OTHER_OFFICE.items():
        if any(name.startswith(part) for name in names):
            return f"其实是{kind}，只是改了后缀"
    if not any(name.startswith("xl/") for name in names):
        return "是压缩包，里面没有 Excel 工作表"
    return "展开后超过 500 MB，不像一份清单" if size > MAX_BYTES else ""


def _csv(data: bytes, where: str, stem: str, words: Collection[str]) -> Sheet:
    data = data.removeprefix(_BOM)
    samples = [
        Sample("整行", number, line)
        for number, line in enumerate(data.splitlines(), 1)
        if not line.isascii()
    ]
    decision = decide(samples, witnesses=None, words=words, stated=None, where=where)
    if decision.findings:
        raise InputError(replace(finding, advice=SAVE_AS) for finding in decision.findings)
    text = data.decode(decision.encoding)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        lines = [
            Line(reader.line_num, tuple(Cell(_unquoted(cell)) for cell in cells))
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        place = f"{where} 第 {reader.line_num} 行"
        raise InputError(
            Finding(place, f"不是规范的 CSV（{error}）", "检查引号是否成对")
        ) from error
    return Sheet(stem, tuple(lines), ragged=True)


def _delimiter(text: str) -> str:
    """Return the separator that most of the first lines hold; a comma where they tie."""
    head = text.splitlines()[:50]
    counts = [sum(mark in line for line in head) for mark in DELIMITERS]
    return DELIMITERS[counts.index(max(counts))]


def _unquoted(cell: str) -> str:
    """Return a cell without the marks by which spreadsheets are told to keep digits as text."""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"'):
        return text[2:-1].strip()
    return text.removeprefix("'").removeprefix("\u2019") if text[1:2].isdigit() else text


def _workbook(data: bytes, where: str) -> tuple[Sheet, ...]:
    book = _load(data, where, values=True)
    sheets = book.worksheets
    formulas = _load(data, where, values=False) if _has_formulas(data) else None
    return tuple(
        _sheet(sheet, None if formulas is None else formulas[sheet.title]) for sheet in sheets
    )


def _load(data: bytes, where: str, *, values: bool) -> Workbook:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # charts and validations left aside
            return openpyxl.load_workbook(io.BytesIO(data), data_only=values)
    except Exception as error:  # openpyxl raises whatever its parser met
        found = f"XLSX 损坏或读不出来（{type(error).__name__}：{error}）"
        raise InputError(Finding(where, found, SAVE_AS)) from error


def _has_formulas(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return any(b"<f" in archive.read(name) for name in names)


def _sheet(sheet: Worksheet, formulas: Worksheet | None) -> Sheet:
    grid: dict[int, dict[int, Cell]] = {}
    for number, row in enumerate(sheet.iter_rows(), 1):
        for at, cell in enumerate(row, 1):
            formula = formulas is not None and formulas.cell(number, at).data_type == "f"
            filled = _cell(cell.value, cell.number_format if cell.value is not None else "")
            if filled is not None or formula:
                grid.setdefault(number, {})[at] = filled or Cell(UNCALCULATED)
    _fill_merged(sheet, grid)
    lines = [
        Line(
            number,
            tuple(cells.get(at, EMPTY) for at in range(1, max(cells) + 1)),
            hidden=bool(sheet.row_dimensions[number].hidden),
        )
        for number, cells in sorted(grid.items())
        if any(cell.source == OWN for cell in cells.values())
    ]
    return Sheet(sheet.title, tuple(lines), hidden=sheet.sheet_state != "visible")


def _cell(value: object, number_format: str) -> Cell | None:
    """Return a workbook's value as text; None where there is none."""
    if value is None:
        return None
    if isinstance(value, bool):
        return Cell("是" if value else "否")
    if isinstance(value, int | float):
        return Cell(_digits(value), _format_decimals(number_format))
    text = _unquoted(str(value))
    return Cell(text) if text else None


def _digits(value: float) -> str:
    """Return a number as a spreadsheet holds it: 15 digits, no exponent for the size of a plot."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.15g}"
    exponent = "e" in text and abs(value) < 1
    return f"{value:.15f}".rstrip("0").rstrip(".") if exponent else text


def _format_decimals(code: str) -> int:
    """Return how many decimals a number format shows at least."""
    first = code.partition(";")[0]
    tail = first.partition(".")[2]
    return len(tail) - len(tail.lstrip("0")) if "%" not in first else 0


def _fill_merged(sheet: Worksheet, grid: dict[int, dict[int, Cell]]) -> None:
    """Give every cell of a merged range the range's text, marked as not its own."""
    last = max(grid, default=0)
    for area in sheet.merged_cells.ranges:
        anchor = grid.get(area.min_row, {}).get(area.min_col)
        if anchor is None:
            continue
        for row in range(area.min_row, min(area.max_row, last) + 1):
            for column in range(area.min_col, area.max_col + 1):
                source = BELOW if column == area.min_col else BESIDE
                if (row, column) != (area.min_row, area.min_col):
                    grid.setdefault(row, {})[column] = anchor._replace(source=source)

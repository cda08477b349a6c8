"""The inspection as one workbook: a page to read, then every table, Chinese heads, text as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from pipeline import storage
from pipeline.inspection import tables
from pipeline.inspection.cells import AREA_ONLY, STEPS
from pipeline.inspection.products import NUMBERS
from pipeline.inspection.summary import summary_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from openpyxl.worksheet.header_footer import HeaderFooterItem
    from openpyxl.worksheet.worksheet import Worksheet

    from pipeline.inspection.products import Inspection

CELL_COLUMNS = {
    "town": "镇办", "label": "类别", "their_plots": "清单个数", "their_area_mu": "清单面积（亩）",
    "our_plots": "本方个数", "our_area_mu": "本方面积（亩）", "our_closed_plots": "本方其中已销号",
    "diff_plots": "差（个）", "diff_area_mu": "差（亩）", "verdict": "结论",
} | {
    f"{name}_{measure}": f"{label}（{unit}）"
    for name, label in STEPS.items()
    for measure, unit in (("plots", "个"), ("mu", "亩"))
    if measure == "mu" or name not in AREA_ONLY
}  # fmt: skip
READING_COLUMNS = {"sheet": "工作表", "item": "项目", "text": "内容"}
MU_FORMAT = "0.00####"
WIDEST, NARROWEST = 60, 8
READ_WIDTH, LINE_PT = 118, 15
FITS_A4 = 160
"""Characters side by side that a page of A4 still holds legibly."""
_EVEN = Font(name="宋体")  # a Chinese character is two Latin ones wide: columns of text line up
_HEAD = PatternFill("solid", start_color="DDEBF7")
_TOP, _WRAPPED = (Alignment(wrap_text=wrap, vertical="top") for wrap in (False, True))


def workbook(found: Inspection, run_id: str) -> bytes:
    """Return the bytes of the workbook; equal content gives equal bytes."""
    book = Workbook()
    first = book.worksheets[0]
    first.title = "摘要"
    title = f"数据日期 {found.ours.export.isoformat()}　产品编号 {run_id}"
    for number, line in enumerate([title, *summary_text(found).splitlines()], 1):
        lines = -(-_text(first, number, 1, line) // READ_WIDTH)
        first.cell(number, 1).font = _EVEN
        first.row_dimensions[number].height = LINE_PT * max(lines, 1)
    first.column_dimensions["A"].width = READ_WIDTH + 2
    _printed(first)
    pages = (
        ("分镇分类对照", found.cells, CELL_COLUMNS),
        ("差异图斑", found.differences, tables.DIFFERENCE_COLUMNS),
        ("读不出的行", found.unread, tables.UNREAD_COLUMNS),
        ("重复图斑", found.repeats, tables.REPEAT_COLUMNS),
        ("逐行对照", found.rows, tables.ROW_COLUMNS),
        ("读表说明", found.reading, READING_COLUMNS),
    )
    for name, table, columns in pages:
        _page(book.create_sheet(name), table, columns)
    return storage.workbook_bytes(book)


def _page(page: Worksheet, table: pd.DataFrame, columns: Mapping[str, str]) -> None:
    """Write a table under a frozen head with filters; columns as wide as they need."""
    for at, (name, label) in enumerate(columns.items(), 1):
        head = page.cell(1, at, label)
        head.font, head.fill = Font(bold=True), _HEAD
        head.alignment = Alignment(wrap_text=True, vertical="center")
        widest = _width(label)
        for number, value in enumerate(table[name].tolist(), 2):
            widest = max(widest, _put(page, number, at, name, value))
        page.column_dimensions[get_column_letter(at)].width = min(
            WIDEST, max(NARROWEST, widest + 2)
        )
    page.freeze_panes = "A2"
    page.auto_filter.ref = page.dimensions
    page.print_title_rows = "1:1"
    _printed(page)


def _printed(page: Worksheet) -> None:
    """Set a sheet up for printing: across, one page wide, its name and number at the foot."""
    wide = sum(column.width for column in page.column_dimensions.values()) > FITS_A4
    page.page_setup.paperSize = page.PAPERSIZE_A3 if wide else page.PAPERSIZE_A4
    page.page_setup.orientation = page.ORIENTATION_LANDSCAPE
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    footer = cast("HeaderFooterItem", page.oddFooter)  # every sheet has one
    footer.left.text, footer.right.text = "&A", "第 &P 页，共 &N 页"


def _put(page: Worksheet, row: int, at: int, name: str, value: object) -> int:
    """Write a cell, numbers as numbers; return its width."""
    number = name in ("row", "times") or name.endswith(NUMBERS)
    if not number or value == "":
        return _text(page, row, at, str(value))
    mu = name.endswith("_mu")
    cell = page.cell(row, at, float(str(value)) if mu else int(str(value)))
    cell.number_format = MU_FORMAT if mu else "0"
    return len(str(value))


def _text(page: Worksheet, row: int, at: int, text: str) -> int:
    """Write text that stays text: never a formula, never characters a workbook can't hold."""
    if not text:
        return 0
    cell = page.cell(row, at)
    cell.value = storage.cell_text(text)
    cell.data_type = "s"
    cell.quotePrefix = True
    width = _width(text)
    cell.alignment = _WRAPPED if width > WIDEST else _TOP
    return width


def _width(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)  # noqa: PLR2004 - where CJK starts

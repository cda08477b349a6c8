"""A town's 问题台账 as a workbook: one head with filters, locked and open cells, drop-downs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.reports.book import (
    A3,
    A4,
    HEAD,
    LINE_PT,
    PLAIN,
    ROW_PT,
    TITLE_FONT,
    Book,
    book_of,
    line_count,
)
from pipeline.reports.ledgers.sums import sums
from pipeline.tables import statuses
from pipeline.tables.ledgerform import (
    COUNTY,
    GUIDE,
    HEADER_ROW,
    MERGED,
    SHEET,
    TASKS,
    load_ledger_columns,
)

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

    from pipeline.reports.data import ReportData
    from pipeline.reports.ledgers.rows import Row
    from pipeline.tables.ledgerform import LedgerColumn

BOOK_LINK = "external:../../../../maps/图册.pdf#page={page}"
OPEN_FILL = {"bg_color": "#FFFBE6"}
SMALL = {"font_size": 10}  # 5.8 points on paper, at PRINT_PERCENT
NUMBER = "#,##0.00"
AFTER_NUMBER = "rule"
"""Text that stands right of a number, kept apart from it."""
LAST_FOR_PRINT = "remaining_mu"
"""Last column of the first of the two pages that print side by side."""
_FIRST = HEADER_ROW
KEYS = 3
"""Columns that stay in sight and print on both pages: number, task, BSM."""
PRINT_PERCENT = 58
"""At which either half of the columns fills an A3 page."""
LEAST_ROW_PT = 32
PROTECTED = {
    "autofilter": True, "sort": True, "format_columns": True, "format_rows": True,
    "select_locked_cells": True, "select_unlocked_cells": True,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A town's name, its rows, the digests of the ledgers that came back and were taken in."""

    name: str
    rows: list[Row]
    merged: tuple[str, ...]


def workbook(data: ReportData, town: Town) -> bytes:
    """Return the workbook; no password protects it, the check marks tell of changes."""
    book = book_of(data, f"{town.name}问题台账")
    page = book.sheet(SHEET)
    columns = load_ledger_columns()
    _above(book, page, town, len(columns) - 1)
    for at, column in enumerate(columns):
        style = {**HEAD, **(OPEN_FILL if column.fill else {})}
        book.put(page, (HEADER_ROW - 1, at), column.label, **style)
        page.set_column(at, at, column.width)
    page.set_row(HEADER_ROW - 1, 34)
    for number, row in enumerate(town.rows, _FIRST):
        for at, column in enumerate(columns):
            _cell(book, page, (number, at), column, row)
        lines = max(line_count(str(row[c.name]), c.width * 1.1) for c in columns)
        page.set_row(number, max(LEAST_ROW_PT, 13.5 * min(lines, 8) + 3))
    last = max(_FIRST, _FIRST + len(town.rows) - 1)
    page.autofilter(HEADER_ROW - 1, 0, last, len(columns) - 1)
    for at, column in enumerate(columns):
        _guard(page, (_FIRST, at, last, at), column)
    _colours(book, page, columns, last)
    page.protect("", PROTECTED)
    page.freeze_panes(HEADER_ROW, KEYS)
    _print(book, page, columns, last)
    _guide(book, town)
    return book.close()


def _above(book: Book, page: Worksheet, town: Town, last: int) -> None:
    """Write title, the particulars it is known by when it comes back, and the sums."""
    county = book.data.county
    left = next(n for n, c in enumerate(load_ledger_columns()) if c.name == LAST_FOR_PRINT)
    book.merged(
        page, (0, KEYS, 0, left), f"{county.name}{town.name}耕地保护问题台账",
        font_name=TITLE_FONT, font_size=18, border=0, align="center",
    )  # fmt: skip
    page.set_row(0, 30)
    book.merged(page, (1, KEYS, 1, left), f"{_particulars(book, town)}　单位：亩", border=0)
    book.merged(page, (2, KEYS, 2, left), sums(town.rows), border=0, bold=True)
    filling = "淡黄的列由镇办和督导组填，其余锁定；填好原样交回县里，放入 data/raw/returned/。"
    book.merged(page, (1, left + 1, 1, last), filling, border=0)
    note = "自报不改变销号，以调查为准；任务编号、校验码不要改。"
    book.merged(page, (2, left + 1, 2, last), note, border=0)


def _particulars(book: Book, town: Town) -> str:
    """Return what the workbook is known by when it comes back."""
    return f"{COUNTY} {book.data.county.code}　{TASKS} {len(town.rows)}　{book.data.stamp}"


def _cell(book: Book, page: Worksheet, at: tuple[int, int], column: LedgerColumn, row: Row) -> None:
    """Write a cell as its column asks for it."""
    value = row[column.name]
    style: dict[str, Any] = {**SMALL, "text_wrap": True, "locked": not column.fill}
    style |= OPEN_FILL if column.fill else {}
    if column.kind == "link" and row["page"] is not None:
        link = BOOK_LINK.format(page=row["page"])
        blue = book.style(**style, font_color="#1F5A96", underline=1)
        page.write_url(*at, link, blue, value, "打开图册的这一页")
    elif column.kind == "date":
        style |= {"num_format": "yyyy-mm-dd", "align": "center"}
        if value:
            page.write_datetime(*at, date.fromisoformat(value), book.style(**style))
        else:
            book.put(page, at, "", **style)
    elif column.kind == "count":
        book.put(page, at, value, **style, num_format="0", align="center")
    elif column.kind == "number":
        book.put(page, at, value, **style, num_format=NUMBER)
    else:
        style |= {"num_format": "@"} if column.kind in ("text", "mark") else {}
        style |= {"indent": 1} if column.name == AFTER_NUMBER else {}
        book.put(page, at, value, **style)


def _guard(page: Worksheet, box: tuple[int, int, int, int], column: LedgerColumn) -> None:
    """Let only what can be read back be filled in."""
    if column.kind == "list":
        rule: dict[str, Any] = {
            "validate": "list", "source": list(column.options),
            "error_message": "请从下拉表里选",
        }  # fmt: skip
    elif column.kind == "date":
        rule = {
            "validate": "date", "criteria": "between", "minimum": date(2000, 1, 1),
            "maximum": date(2099, 12, 31), "error_message": "写成 2023-11-30 这样的日期",
        }  # fmt: skip
    else:
        return
    page.data_validation(*box, rule | {"error_title": column.label})


def _colours(book: Book, page: Worksheet, columns: tuple[LedgerColumn, ...], last: int) -> None:
    """Colour states, and rows on which something is to be looked at."""
    at = {column.name: number for number, column in enumerate(columns)}
    where = (_FIRST, at["status"], last, at["status"])
    for status in statuses():
        dark = status.colour in ("#B2182B", "#542788", "#4393C3")
        shown = {"bg_color": status.colour, "font_color": "#FFFFFF" if dark else "#000000"}
        page.conditional_format(
            *where,
            {
                "type": "cell", "criteria": "==", "value": f'"{status.label}"',
                "format": book.workbook.add_format(shown),
            },
        )  # fmt: skip
    page.conditional_format(
        _FIRST, at["checked"], last, at["checked"],
        {"type": "no_blanks", "format": book.workbook.add_format({"bg_color": "#F9D2C8"})},
    )  # fmt: skip
    for name, colour in (("claim", "#DDEFE3"), ("inspected", "#DDEFE3")):
        good = '"已恢复"' if name == "claim" else '"符合"'
        page.conditional_format(
            _FIRST, at[name], last, at[name],
            {
                "type": "cell", "criteria": "==", "value": good,
                "format": book.workbook.add_format({"bg_color": colour}),
            },
        )  # fmt: skip


def _print(book: Book, page: Worksheet, columns: tuple[LedgerColumn, ...], last: int) -> None:
    """Print two pages side by side: what we know, then what is filled; number and BSM on both."""
    cut = next(n for n, column in enumerate(columns) if column.name == LAST_FOR_PRINT) + 1
    book.page_setup(page, paper=A3, heads=(HEADER_ROW - 1, HEADER_ROW - 1))
    page.fit_page = False
    page.set_print_scale(PRINT_PERCENT)
    page.set_v_pagebreaks([cut])
    page.repeat_columns(0, KEYS - 1)
    page.print_area(0, 0, last, len(columns) - 2)  # the check marks are for programs
    page.print_across()


def _guide(book: Book, town: Town) -> None:
    """Write how to fill it in, and what this issue had taken in."""
    page = book.sheet(GUIDE)
    page.set_column(0, 0, 20)
    page.set_column(1, 1, 90)
    lines = [
        (
            "怎么填",
            "只填淡黄的列；有下拉表的从表里选，日期写成 2023-11-30；其余列锁定，不要增删行列。",
        ),
        (
            "怎么交",
            "存盘后原样交回县里，放入 data/raw/returned/；文件名随意，几份都留着，先后由程序判断。",
        ),
        ("责任人", "由县里的 contacts.csv 提供，表中不填；没有就空着。"),
        ("自报状态", "是镇办自己的说法；销号只看调查成果，两者不同时在“核对提示”里并列。"),
        (
            "图册页",
            "点开是 maps/图册.pdf 的那一页，软件不认页码时按页码翻；整个成果文件夹一起拷走。",
        ),
    ]
    lines += [
        (column.label, f"可选：{'、'.join(column.options)}")
        for column in load_ledger_columns()
        if column.options
    ]
    lines.append(("本表", _particulars(book, town)))
    lines.append(
        (MERGED, f"{len(town.merged)} 份：{' '.join(town.merged)}" if town.merged else "无")
    )
    book.merged(
        page, (0, 0, 0, 1), f"{book.data.county.name}{town.name}问题台账填表说明",
        font_name=TITLE_FONT, font_size=16, border=0,
    )  # fmt: skip
    page.set_row(0, 30)
    for number, (item, text) in enumerate(lines, 1):
        book.put(page, (number, 0), item, **{**PLAIN, "bold": True})
        book.put(page, (number, 1), text, **PLAIN)
        page.set_row(number, max(ROW_PT, LINE_PT * line_count(text, 90) + 3))
    page.protect("", PROTECTED)
    book.page_setup(page, paper=A4, heads=(0, 0), across="portrait")

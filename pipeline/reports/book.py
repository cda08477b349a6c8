"""A workbook as offices print it: XlsxWriter with our fonts, page set-up, and text that is text."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import xlsxwriter
from xlsxwriter.utility import xl_range

from pipeline.storage import BOOK_CLOCK, FORMULA_STARTS, cell_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from pipeline.reports.data import ReportData


FONT, TITLE_FONT = "宋体", "黑体"
"""Fonts the reader has; a workbook holds only their names."""
A3, A4 = 8, 9
WHOLE, EXACT = "#,##0", "#,##0.00"
LINE_PT, ROW_PT = 14.5, 19.0
"""Height of a line of text and of a row with one."""
BASE: Mapping[str, Any] = {
    "font_name": FONT, "font_size": 11, "valign": "vcenter", "border": 1,
    "border_color": "#8A9299",
}  # fmt: skip
HEAD: Mapping[str, Any] = {
    "bold": True, "align": "center", "text_wrap": True, "bg_color": "#DCE6EE",
}  # fmt: skip
TITLE: Mapping[str, Any] = {
    "font_name": TITLE_FONT, "font_size": 18, "align": "center", "border": 0,
}  # fmt: skip
PLAIN: Mapping[str, Any] = {"border": 0, "text_wrap": True, "valign": "top"}
BOLD: Mapping[str, Any] = {"bold": True, "bg_color": "#EEF2F5"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its head, width in characters, format of numbers ("" for text).

    number: one format, or that of a row; value: its cell of a row (a record by name); formula: the
    row's formula, its cached value being `value`, given the number of the sheet's row from 1.
    """

    head: str
    width: float
    value: Callable[[Mapping[str, Any]], object]
    number: str | Callable[[Mapping[str, Any]], str] = ""
    formula: Callable[[int], str] | None = None
    align: str = ""


@dataclass(slots=True, kw_only=True)
class Pages:
    """A workbook in the making; every format is made once.

    owner: whose it is, a county or a province; stamp: the line that every product carries.
    """

    owner: str
    title: str
    stamp: str
    _raw: io.BytesIO = field(default_factory=io.BytesIO)
    _formats: dict[tuple[tuple[str, Any], ...], Format] = field(default_factory=dict)
    workbook: xlsxwriter.Workbook = field(init=False)

    def __post_init__(self) -> None:
        """Open the workbook; no text of ours is ever guessed to be a formula, number or link."""
        options = dict.fromkeys(
            ("strings_to_formulas", "strings_to_numbers", "strings_to_urls"), False
        )
        self.workbook = xlsxwriter.Workbook(self._raw, {"in_memory": True, **options})
        self.workbook.set_properties(
            {
                "title": cell_text(f"{self.owner}{self.title}"),
                "subject": self.stamp,
                "author": "耕保",
                "created": BOOK_CLOCK,
            }
        )

    def style(self, **properties: Any) -> Format:  # noqa: ANN401 - XlsxWriter's own properties
        """Return the format with these properties over BASE."""
        wanted = {**BASE, **properties}
        key = tuple(sorted(wanted.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(wanted)
        return self._formats[key]

    def sheet(self, name: str) -> Worksheet:
        """Add a sheet without grid lines."""
        page = self.workbook.add_worksheet(sheet_name(name))
        page.hide_gridlines(2)
        page.set_default_row(ROW_PT)
        return page

    def put(self, page: Worksheet, at: tuple[int, int], value: object, **style: Any) -> None:  # noqa: ANN401 - what XlsxWriter takes
        """Write a value: numbers as numbers, text as text, also when a person edits the cell."""
        if value is None or (not isinstance(value, str) and pd.isna(value)) or value == "":  # type: ignore[call-overload]
            page.write_blank(*at, None, self.style(**style))
        elif isinstance(value, int | float | Decimal):
            page.write_number(*at, float(value), self.style(**style))
        else:
            said = cell_text(str(value))
            if said.startswith(FORMULA_STARTS):
                style["quote_prefix"] = True
            page.write_string(*at, said, self.style(**style))

    def formula(
        self,
        page: Worksheet,
        at: tuple[int, int],
        formula: str,
        value: Decimal | float,
        **style: Any,  # noqa: ANN401 - what XlsxWriter takes
    ) -> None:
        """Write a formula with the value it has, which previews and LibreOffice show."""
        page.write_formula(*at, formula, self.style(**style), float(value))

    def merged(
        self,
        page: Worksheet,
        box: tuple[int, int, int, int],
        text: str,
        **style: Any,  # noqa: ANN401 - what XlsxWriter takes
    ) -> None:
        """Write text over rows and columns (first row, first column, last row, last column)."""
        if box[:2] == box[2:]:
            self.put(page, box[:2], text, **style)
            return
        said = cell_text(text)
        if said.startswith(FORMULA_STARTS):
            style["quote_prefix"] = True
        page.merge_range(*box, "", self.style(**style))
        page.write_string(*box[:2], said, self.style(**style))

    def heading(self, page: Worksheet, title: str, unit: str, last: int) -> int:
        """Write title and the line of unit and stamp over columns 0..last; return the next row."""
        self.merged(page, (0, 0, 0, last), title, **TITLE)
        page.set_row(0, 30)
        self.merged(page, (1, 0, 1, last), f"{self.stamp}　　{unit}", border=0, align="right")
        return 2

    def heads(self, page: Worksheet, row: int, heads: Sequence[tuple[str, float]]) -> None:
        """Write heads from column 0, set the columns' widths and as high a row as they need."""
        lines = 1
        for at, (head, width) in enumerate(heads):
            text = head_lines(head, width)
            self.put(page, (row, at), text, **HEAD)
            page.set_column(at, at, width)
            lines = max(lines, line_count(text, width))
        page.set_row(row, max(LINE_PT * lines + 3, ROW_PT))

    def table(
        self,
        page: Worksheet,
        row: int,
        columns: Sequence[Column],
        rows: Iterable[Mapping[str, Any]],
        *,
        bold: Callable[[Mapping[str, Any]], bool] = lambda _row: False,
    ) -> int:
        """Write a head with its rows below, filters on it; return the row after the last."""
        self.heads(page, row, [(column.head, column.width) for column in columns])
        number = row
        for number, record in enumerate(rows, row + 1):
            base, lines = dict(BOLD) if bold(record) else {}, 1
            for at, column in enumerate(columns):
                style = base | _cell_style(column, record)
                value = column.value(record)
                lines = max(lines, line_count(value, column.width))
                if column.formula is not None and isinstance(value, Decimal):
                    self.formula(page, (number, at), column.formula(number + 1), value, **style)
                else:
                    self.put(page, (number, at), value, **style)
            if lines > 1:
                page.set_row(number, LINE_PT * lines + 3)
        page.autofilter(row, 0, number, len(columns) - 1)
        return number + 1

    def notes(self, page: Worksheet, row: int, last: int, lines: Sequence[str]) -> int:
        """Write numbered notes below a table, wrapped over columns 0..last; the row after them."""
        room = sum(page.col_info[at].width for at in range(last + 1) if at in page.col_info)
        for number, line in enumerate(lines, 1):
            text = f"{number}. {line}" if len(lines) > 1 else line
            self.merged(page, (row, 0, row, last), text, **PLAIN)
            page.set_row(row, LINE_PT * line_count(text, room) + 2)
            row += 1
        return row

    def page_setup(
        self,
        page: Worksheet,
        *,
        paper: int,
        heads: tuple[int, int],
        across: Literal["landscape", "portrait"] = "landscape",
    ) -> None:
        """Set paper, one page wide, head rows on every page, name and page number at its foot."""
        page.set_paper(paper)
        page.set_landscape() if across == "landscape" else page.set_portrait()
        page.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        page.fit_to_pages(1, 0)
        page.center_horizontally()
        page.repeat_rows(*heads)
        named = cell_text(f"{self.owner}{self.title}　{self.stamp}").replace("&", "&&")
        page.set_footer(f"&L&9{named}&R&9第 &P 页，共 &N 页")

    def close(self) -> bytes:
        """Return the finished workbook."""
        self.workbook.close()
        return self._raw.getvalue()


@dataclass(slots=True, kw_only=True)
class Book(Pages):
    """A county's workbook, with what it is made from."""

    data: ReportData


def book_of(data: ReportData, title: str) -> Book:
    """Return a new workbook of a county."""
    return Book(owner=data.county.name, title=title, stamp=data.stamp, data=data)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by column name."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _cell_style(column: Column, record: Mapping[str, Any]) -> dict[str, Any]:
    number = column.number if isinstance(column.number, str) else column.number(record)
    if number:
        return {"num_format": number, "align": column.align or "right"}
    return {"text_wrap": True, "align": column.align or "left"}


def sheet_name(text: str) -> str:
    """Return text as a sheet may be called: at most 31 characters, no brackets or slashes."""
    plain = re.sub(r"[\[\]:*?/\\]", "-", cell_text(text))
    return plain[:31].strip("' ") or "表"


def text_width(text: str) -> int:
    """Return how many Latin characters wide a text is; a Chinese character is two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in text)  # noqa: PLR2004 - where CJK starts


def line_count(value: object, width: float) -> int:
    """Return how many lines a value takes in a column so many characters wide."""
    if not isinstance(value, str):
        return 1
    room = max(int(width) - 1, 1)
    return sum(max(1, -(-text_width(line) // room)) for line in value.split("\n"))


def head_lines(head: str, width: float) -> str:
    """Return a head with its unit on a line of its own where both don't fit the column."""
    words, sign, unit = head.partition("（")
    broken = "\n" in head or line_count(head, width) == 1
    return head if broken or not sign else f"{words}\n{sign}{unit}"


def sum_of(cells: Iterable[str]) -> str:
    """Return the formula that adds cells."""
    return "=" + "+".join(cells)


def sum_down(column: int, rows: range) -> str:
    """Return the formula that adds a column's rows (from 0)."""
    return f"=SUM({xl_range(rows[0], column, rows[-1], column)})"

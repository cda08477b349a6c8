"""A workbook as offices print it: XlsxWriter with our fonts, page set-up, and text that is text."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import xlsxwriter

from pipeline.storage import BOOK_CLOCK, FORMULA_STARTS, cell_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

    from pipeline.reports.data import ReportData

FONT, TITLE_FONT = "宋体", "黑体"
"""Fonts the reader has; a workbook holds only their names."""
A3, A4 = 8, 9
WHOLE, TENTH, EXACT = "#,##0", "#,##0.0", "#,##0.00"
BASE: Mapping[str, Any] = {
    "font_name": FONT, "font_size": 11, "valign": "vcenter", "border": 1,
    "border_color": "#8A9299",
}  # fmt: skip


@dataclass(slots=True)
class Book:
    """A workbook in the making; every format is made once."""

    data: ReportData
    title: str
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
                "title": cell_text(f"{self.data.county.name}{self.title}"),
                "subject": self.data.stamp,
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
        """Add a sheet."""
        return self.workbook.add_worksheet(sheet_name(name))

    def text(
        self,
        page: Worksheet,
        row: int,
        column: int,
        text: str | None,
        **properties: Any,  # noqa: ANN401
    ) -> None:
        """Write text that stays text, also when a person edits the cell."""
        said = cell_text(text or "")
        if said.startswith(FORMULA_STARTS):
            properties["quote_prefix"] = True
        if said:
            page.write_string(row, column, said, self.style(**properties))
        else:
            page.write_blank(row, column, None, self.style(**properties))

    def page_setup(
        self,
        page: Worksheet,
        *,
        paper: int,
        heads: tuple[int, int],
        across: Literal["landscape", "portrait"] = "landscape",
    ) -> None:
        """Set paper, one page wide, head rows on every page, stamp and page number at its foot."""
        page.set_paper(paper)
        page.set_landscape() if across == "landscape" else page.set_portrait()
        page.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.7)
        page.fit_to_pages(1, 0)
        page.repeat_rows(*heads)
        page.set_footer(f"&L&9{self.data.stamp}&R&9第 &P 页，共 &N 页")

    def close(self) -> bytes:
        """Return the finished workbook."""
        self.workbook.close()
        return self._raw.getvalue()


def sheet_name(text: str) -> str:
    """Return text as a sheet may be called: at most 31 characters, no brackets or slashes."""
    plain = re.sub(r"[\[\]:*?/\\]", "-", cell_text(text))
    return plain[:31].strip("' ") or "表"

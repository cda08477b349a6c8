"""任务清单.xlsx, sheet by sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.reports.book import A3, Book
from pipeline.reports.data import REPORTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.reports.data import ReportData

TITLE = "任务清单"


def make(data: ReportData) -> Mapping[str, bytes]:
    """Return the workbook."""
    book = Book(data, TITLE)
    page = book.sheet("清单")
    rows = data.table("summary", data.county.ledger)
    for number, row in enumerate(rows[["town", "label", "plots", "area_mu"]].itertuples(), 1):
        for at, text in enumerate(row[1:]):
            book.text(page, number, at, text)
    book.page_setup(page, paper=A3, heads=(0, 0))
    return {f"{REPORTS}/{TITLE}.xlsx": book.close()}

"""任务清单.xlsx, sheet by sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.reports.book import book_of
from pipeline.reports.data import REPORTS
from pipeline.reports.tasklist import basis, checks, groups, listing, standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.reports.data import ReportData

TITLE = "任务清单"


def make(data: ReportData) -> Mapping[str, bytes]:
    """Return the workbook; GengbaoError where a formula would not give the figure of our tables."""
    book = book_of(data, TITLE)
    for part in (
        listing.write, standing.write, standing.forecast, checks.indicators, groups.write,
        checks.reconciled, checks.movements, basis.write,
    ):  # fmt: skip
        part(book)
    return {f"{REPORTS}/{TITLE}.xlsx": book.close()}

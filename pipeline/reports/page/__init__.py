"""The offline page: every task on a map and in a list, in one file that fetches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.reports.data import SAMPLE_MARK
from pipeline.reports.page.assemble import assemble
from pipeline.reports.page.check import require_same_sums
from pipeline.reports.page.document import document

if TYPE_CHECKING:
    from pipeline.reports.data import ReportData

FILES = {"maps/plots.html": True, "maps/plots_无坐标.html": False}
"""The page with coordinates, and the one to be mailed that has none."""


def make(data: ReportData) -> dict[str, bytes]:
    """Return both pages by path. Raises GengbaoError when they don't add up to summary.csv."""
    require_same_sums(data.whole("ledger"), data.table("summary"))
    mark = SAMPLE_MARK if data.county.sample else ""
    return {
        path: assemble(
            document(data, coordinates=coordinates),
            title=f"{data.county.name}耕地保护任务图斑",
            stamp=[part for part in data.stamp.split("　") if part != mark],
            mark=mark,
        )
        for path, coordinates in FILES.items()
    }

"""Office products: workbooks, bulletins, the offline page. Values in, bytes out; nothing drawn."""

from pipeline.reports.data import ReportData, ReportSpec
from pipeline.reports.products import discover, make

__all__ = ["ReportData", "ReportSpec", "discover", "make"]

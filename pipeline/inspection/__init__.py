"""Inspectors' lists against the ledger: side by side, then plot by plot with the reason."""

from pipeline.inspection.ours import COUNTED, OPEN, Ours, items_of
from pipeline.inspection.products import Inspection, csv_tables, inspect
from pipeline.inspection.summary import summary_text
from pipeline.inspection.workbook import workbook

__all__ = [
    "COUNTED",
    "OPEN",
    "Inspection",
    "Ours",
    "csv_tables",
    "inspect",
    "items_of",
    "summary_text",
    "workbook",
]

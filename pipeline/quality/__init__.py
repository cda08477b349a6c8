"""Checks with rule codes: every finding with plots, place, size and what to do about it."""

from pipeline.quality.check import ERROR, WARNING, Check
from pipeline.quality.checks import discover, groups
from pipeline.quality.findings import COLUMNS, of_intake, run, settled
from pipeline.quality.intake import INTAKE
from pipeline.quality.subject import Column, Subject

__all__ = [
    "COLUMNS",
    "ERROR",
    "INTAKE",
    "WARNING",
    "Check",
    "Column",
    "Subject",
    "discover",
    "groups",
    "of_intake",
    "run",
    "settled",
]

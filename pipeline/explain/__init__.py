"""Why a plot is what it is; what stands behind a figure."""

from pipeline.explain.adding import LEDGER, PIECES, task_rows
from pipeline.explain.cells import Case, Products
from pipeline.explain.figure import Trace, default_export, stand_behind, trace
from pipeline.explain.ground import MOVED_OUT, now_on, supplements_of
from pipeline.explain.indicator import (
    Appraisal,
    Appraised,
    appraise,
    check_place,
    tabled_categories,
)
from pipeline.explain.indicator_page import indicator_report, piece_table
from pipeline.explain.plot import OVERLAPS, explain, nearest, standing, village_name
from pipeline.explain.reasons import Reasons, reasons
from pipeline.explain.report import report
from pipeline.explain.table import SOURCE, Provenance, plot_table
from pipeline.explain.words import UNDECIDED, Asked, Place, ask, places
from pipeline.tables.figures import GAP, INDICATOR

__all__ = [
    "GAP",
    "INDICATOR",
    "LEDGER",
    "MOVED_OUT",
    "OVERLAPS",
    "PIECES",
    "SOURCE",
    "UNDECIDED",
    "Appraisal",
    "Appraised",
    "Asked",
    "Case",
    "Place",
    "Products",
    "Provenance",
    "Reasons",
    "Trace",
    "appraise",
    "ask",
    "check_place",
    "default_export",
    "explain",
    "indicator_report",
    "nearest",
    "now_on",
    "piece_table",
    "places",
    "plot_table",
    "reasons",
    "report",
    "stand_behind",
    "standing",
    "supplements_of",
    "tabled_categories",
    "task_rows",
    "trace",
    "village_name",
]

"""Why a plot is what it is; what stands behind a figure."""

from pipeline.explain.adding import LEDGER, PIECES
from pipeline.explain.cells import Case, Products
from pipeline.explain.figure import Trace, default_export, stand_behind, trace
from pipeline.explain.ground import MOVED_OUT, now_on, supplements_of
from pipeline.explain.plot import OVERLAPS, explain, nearest, standing, village_name
from pipeline.explain.reasons import Reasons, reasons
from pipeline.explain.report import report
from pipeline.explain.table import SOURCE, Provenance, plot_table
from pipeline.explain.words import UNDECIDED, Asked, Place, ask, places
from pipeline.tables.figures import GAP

__all__ = [
    "GAP",
    "LEDGER",
    "MOVED_OUT",
    "OVERLAPS",
    "PIECES",
    "SOURCE",
    "UNDECIDED",
    "Asked",
    "Case",
    "Place",
    "Products",
    "Provenance",
    "Reasons",
    "Trace",
    "ask",
    "default_export",
    "explain",
    "nearest",
    "now_on",
    "places",
    "plot_table",
    "reasons",
    "report",
    "stand_behind",
    "standing",
    "supplements_of",
    "trace",
    "village_name",
]

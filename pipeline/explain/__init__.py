"""Why a plot is what it is; what stands behind a figure."""

from pipeline.explain.adding import LEDGER, PIECES
from pipeline.explain.figure import Products, Trace, stand_behind, trace
from pipeline.explain.ground import MOVED_OUT, now_on, supplements_of
from pipeline.explain.plot import explain, nearest
from pipeline.explain.report import SOURCE, Provenance, plot_table, report
from pipeline.explain.words import UNDECIDED, Asked, Place, ask, places

__all__ = [
    "LEDGER",
    "MOVED_OUT",
    "PIECES",
    "SOURCE",
    "UNDECIDED",
    "Asked",
    "Place",
    "Products",
    "Provenance",
    "Trace",
    "ask",
    "explain",
    "nearest",
    "now_on",
    "places",
    "plot_table",
    "report",
    "stand_behind",
    "supplements_of",
    "trace",
]

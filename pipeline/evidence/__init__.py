"""Everything a rule may ask about a piece, gathered before any rule is asked."""

from pipeline.evidence.gathering import COLUMNS, PLOTS, PREVIOUS, gather_part
from pipeline.evidence.lists import concerning, follow_lists, list_problems, named
from pipeline.evidence.supplements import SUPPLEMENTED, make_good, reach

__all__ = [
    "COLUMNS",
    "PLOTS",
    "PREVIOUS",
    "SUPPLEMENTED",
    "concerning",
    "follow_lists",
    "gather_part",
    "list_problems",
    "make_good",
    "named",
    "reach",
]

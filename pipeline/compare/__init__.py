"""Two exports of one county: the lineage of every plot, what changed, where the ground went."""

from pipeline.compare.attributes import COMPARED, differing
from pipeline.compare.changes import changes, format_losses, summary_by_town
from pipeline.compare.classes import class_account, class_flow, class_label
from pipeline.compare.forms import LOSSES
from pipeline.compare.ground import GRID_M, ROUNDED_M, WITHIN_GRID_M, of_smaller
from pipeline.compare.lineage import (
    LINK_SHARE,
    MIRROR,
    RELATIONS,
    SAME_GROUND,
    Match,
    lineage,
    match,
)
from pipeline.compare.products import Comparison, compare_products, csv_tables
from pipeline.compare.renames import renames
from pipeline.compare.summary import summary_text

__all__ = [
    "COMPARED",
    "GRID_M",
    "LINK_SHARE",
    "LOSSES",
    "MIRROR",
    "RELATIONS",
    "ROUNDED_M",
    "SAME_GROUND",
    "WITHIN_GRID_M",
    "Comparison",
    "Match",
    "changes",
    "class_account",
    "class_flow",
    "class_label",
    "compare_products",
    "csv_tables",
    "differing",
    "format_losses",
    "lineage",
    "match",
    "of_smaller",
    "renames",
    "summary_by_town",
    "summary_text",
]

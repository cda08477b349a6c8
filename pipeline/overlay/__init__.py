"""Plots × zones: exact overlaps, and the pieces that rules classify. The hot path.

Boxes, identity and prepared predicates settle most pairs; only pairs whose borders cross meet a
GEOS intersection. Nothing unites a whole zone. `areas` gives areas without handing out shapes, so
that a kernel may replace it; `pairs` gives the shapes.
"""

from pipeline.overlay.areas import covered_area, overlap_area
from pipeline.overlay.coverage import Coverage, coverage
from pipeline.overlay.cut import cut
from pipeline.overlay.pairs import (
    Pairs,
    checked,
    difference,
    intersections,
    merged,
    polygonal,
    union_by,
)

__all__ = [
    "Coverage",
    "Pairs",
    "checked",
    "coverage",
    "covered_area",
    "cut",
    "difference",
    "intersections",
    "merged",
    "overlap_area",
    "polygonal",
    "union_by",
]

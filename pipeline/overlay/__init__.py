"""Plots × zones: exact overlaps, and the pieces that rules classify. The hot path.

`overlaps` gives areas straight from edges (kernel), without shapes; only ground that somebody wants
as a shape, or that several polygons cover together, meets GEOS. Nothing unites a whole zone.
"""

from pipeline.overlay.areas import covered_area, overlap_area, scale_of, united_area
from pipeline.overlay.coverage import Coverage, Held, Pile, coverage
from pipeline.overlay.cut import cut
from pipeline.overlay.flat import flat
from pipeline.overlay.nearby import near_one_another
from pipeline.overlay.overlaps import Layer, Overlaps, boxes, layer, overlaps
from pipeline.overlay.pairs import (
    Pairs,
    checked,
    difference,
    intersections,
    merged,
    polygonal,
    settled,
    shared_ground,
    union_by,
)
from pipeline.overlay.twins import same_bytes, twins
from pipeline.overlay.validity import surely_valid, valid_rings

__all__ = [
    "Coverage",
    "Held",
    "Layer",
    "Overlaps",
    "Pairs",
    "Pile",
    "boxes",
    "checked",
    "coverage",
    "covered_area",
    "cut",
    "difference",
    "flat",
    "intersections",
    "layer",
    "merged",
    "near_one_another",
    "overlap_area",
    "overlaps",
    "polygonal",
    "same_bytes",
    "scale_of",
    "settled",
    "shared_ground",
    "surely_valid",
    "twins",
    "union_by",
    "united_area",
    "valid_rings",
]

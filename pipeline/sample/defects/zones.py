"""Faults of 永农 and 耕地保护目标: copies, overlaps, ground outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely
from shapely.affinity import translate

from pipeline.sample.defects.ground import edge, inward

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.sample.defects.bed import Bed

_MINIMUM = 1500.0
_BARE_M2 = 50.0
_FAR_M = 60_000.0
"""Wider than the county."""


def _wide(bed: Bed, count: int) -> Iterator[int]:
    return bed.take(shapely.area(bed.outlines) > _MINIMUM, count, apart=True)


def copied(bed: Bed, count: int) -> None:
    """Put a polygon in twice, under a new number."""
    for plot in _wide(bed, count):
        twin = bed.add(plot, bed.outlines[plot], measured=False)
        bed.note("zone_copied", twin, bed.outlines[plot], other=plot)


def overlapping(bed: Bed, count: int) -> None:
    """Add a polygon that shares a half of another's ground."""
    for plot in _wide(bed, count):
        west, south, east, north = bed.outlines[plot].bounds
        half = shapely.box(west, south, (west + east) / 2, north)
        part = shapely.intersection(bed.outlines[plot], half)
        if part.geom_type == "Polygon" and 100 < part.area < 0.8 * bed.outlines[plot].area:  # noqa: PLR2004 - wide
            added = bed.add(plot, part, measured=False)
            bed.note("zone_overlap", added, part, other=plot)


def outside(bed: Bed, count: int) -> None:
    """Shift polygons out of the county."""
    for plot in _wide(bed, count):
        moved = translate(bed.outlines[plot], xoff=_FAR_M)
        bed.put(plot, moved, measured=False)
        bed.note("zone_outside", plot)


def beyond_target(bed: Bed, count: int) -> None:
    """Let 永农 reach 25 m over its longest edge, out of the target layer that has the same edge."""
    target = shapely.union_all([] if bed.beside is None else bed.beside)
    for plot in _wide(bed, count):
        start, end = edge(bed.outlines[plot])
        out = -25 * inward(bed.outlines[plot], start, end)
        strip = shapely.Polygon([start, end, end + out, start + out])
        grown = shapely.union(bed.outlines[plot], strip)
        if grown.geom_type == "Polygon" and strip.difference(target).area > _BARE_M2:
            bed.put(plot, grown, measured=False)
            bed.note("pbf_beyond_target", plot, strip)


ZONES: dict[str, tuple[str, Callable[[Bed, int], None]]] = {
    "zone_copied": ("范围图斑有两份", copied),
    "zone_overlap": ("范围图斑互相重叠", overlapping),
    "zone_outside": ("范围图斑整个移到县外", outside),
    "pbf_beyond_target": ("永农伸到保护目标以外", beyond_target),
}

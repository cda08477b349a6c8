"""Where the parts of a sheet stand: one design lying, one standing, enlarged for A2 to A0.

A4 has designs of its own: enlarging works down to A3 only, beneath it text can't be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.render.sheet import Box

if TYPE_CHECKING:
    from pipeline.render.style import Page

_A3_LONG_MM = 420.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Boxes in mm of the design; zoom: paper mm per design mm.

    ranking None: no room for it; locator: width of the inset, None: no room; least_row_mm: the
    lowest readable row of the ranking.
    """

    zoom: float
    map: Box
    legend: Box
    ranking: Box | None
    foot: Box
    locator: float | None
    least_row_mm: float = 3.2


def layout_of(page: Page) -> Layout:
    """Return the layout of a page."""
    lying = page.width_mm > page.height_mm
    if page.name == "A4":
        return _A4_LYING if lying else _A4_STANDING
    zoom = max(page.width_mm, page.height_mm) / _A3_LONG_MM
    parts = _LYING if lying else _STANDING
    return Layout(
        zoom=zoom, map=parts.map, legend=parts.legend, ranking=parts.ranking, foot=parts.foot,
        locator=parts.locator,
    )  # fmt: skip


_LYING = Layout(
    zoom=1.0,
    map=Box(20.0, 30.0, 297.0, 253.0),
    legend=Box(304.0, 14.0, 407.0, 253.0),
    ranking=Box(304.0, 98.0, 407.0, 253.0),
    foot=Box(304.0, 14.0, 407.0, 98.0),
    locator=42.0,
)
_STANDING = Layout(
    zoom=1.0,
    map=Box(20.0, 162.0, 277.0, 375.0),
    legend=Box(14.0, 86.0, 116.0, 146.0),
    ranking=Box(121.0, 14.0, 283.0, 146.0),
    foot=Box(14.0, 14.0, 116.0, 82.0),
    locator=None,
)
_A4_LYING = Layout(
    zoom=1.0,
    map=Box(20.0, 30.0, 190.0, 166.0),
    legend=Box(196.0, 14.0, 284.0, 166.0),
    ranking=None,
    foot=Box(196.0, 14.0, 284.0, 96.0),
    locator=None,
)
_A4_STANDING = Layout(
    zoom=1.0,
    map=Box(20.0, 112.0, 190.0, 253.0),
    legend=Box(14.0, 14.0, 102.0, 96.0),
    ranking=None,
    foot=Box(106.0, 14.0, 196.0, 96.0),
    locator=None,
)

"""One frozen style for every sheet: pages, weights, sizes, colours; nothing is set globally."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib.style

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

PT_MM = 25.4 / 72
DPI = 300
PNG_DPI = {"A0": 150, "A1": 200}
"""Pictures of large sheets: to look at; their PDF is printed."""

_ISO_216_MM = {
    "A0": (841, 1189),
    "A1": (594, 841),
    "A2": (420, 594),
    "A3": (297, 420),
    "A4": (210, 297),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet of paper, in mm."""

    name: str
    width_mm: float
    height_mm: float


def page(name: str, *, landscape: bool = True) -> Page:
    """Return A0 … A4, lying or standing. Raises KeyError for any other name."""
    short, long = _ISO_216_MM[name]
    return Page(name, long, short) if landscape else Page(name, short, long)


@dataclass(frozen=True, slots=True)
class Style:
    """Line widths in pt, text sizes in pt (none below 5.5), distances in mm, colours as hex."""

    neatline_outer_pt: float = 2.2
    neatline_inner_pt: float = 0.6
    frame_pt: float = 0.9
    county_pt: float = 1.8
    town_pt: float = 0.7
    hair_pt: float = 0.3
    rule_pt: float = 0.5
    leader_pt: float = 0.6

    title_pt: float = 30.0
    headline_pt: float = 15.0
    subtitle_pt: float = 9.5
    panel_pt: float = 10.5
    body_pt: float = 8.5
    note_pt: float = 6.4
    small_pt: float = 5.5
    grid_pt: float = 6.2
    label_sizes_pt: tuple[float, ...] = (13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.2, 5.6)
    callout_pt: float = 8.0
    rate_ratio: float = 0.68

    generalise_mm: float = 0.1
    glow_mm: tuple[float, ...] = (6.5, 3.5)

    ink: str = "#1A1F24"
    quiet: str = "#5A636B"
    rule: str = "#9AA3AB"
    band: str = "#2F4A62"
    accent: str = "#97131F"
    link: str = "#1F5A96"
    paper: str = "#FFFFFF"
    around: str = "#F3F4F0"
    glow: tuple[str, ...] = ("#ECE4F0", "#DDD0E5")
    town_line: str = "#3F464D"
    water: str = "#A9CBE3"
    nodata: str = "#FFFFFF"
    nodata_hatch: str = "////"
    groups: tuple[str, ...] = ("#C9D8E8", "#D9E3C6", "#EBDDC3", "#DCCDE3", "#C6E0DC", "#E6CBCB")


STYLE = Style()

_RC: dict[str, Any] = {
    "axes.unicode_minus": False,
    "hatch.linewidth": 0.5,
    "path.simplify": False,
    "text.hinting": "no_hinting",
    "text.parse_math": False,
}


def context() -> AbstractContextManager[None]:
    """Return a context in which matplotlib has its defaults and ours; a user's rc has no say."""
    return matplotlib.style.context(["default", _RC])


def on_dark(colour: str) -> bool:
    """Tell whether text on this fill is white: relative luminance (WCAG 2.1) below 0.25."""
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]  # noqa: PLR2004 - sRGB, IEC 61966-2-1
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.25  # noqa: PLR2004 - the docstring's limit

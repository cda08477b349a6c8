"""A drawn page before it has a file: its operators, and what they take for granted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

PAGE_URL = "gengbao:page/"
"""What the address of a jump to a page of the same file starts with; the page's number follows."""


Bounds = tuple[int, int, int, int]
"""Left, bottom, right, top."""


class Link(NamedTuple):
    """Where on a page (pt: left, bottom, right, top) a click leads to which address."""

    box: tuple[float, float, float, float]
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A page: size in pt, operators (compressed), what they name.

    characters: by font file, all that is written with it; patterns: operators by name; marks:
    shapes that stand in many places, operators and bounds (steps of a pt) by name.
    """

    width_pt: float
    height_pt: float
    content: bytes
    characters: dict[str, str]
    patterns: dict[str, str]
    marks: dict[str, tuple[str, Bounds]]
    links: tuple[Link, ...]

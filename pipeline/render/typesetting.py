"""Measuring and breaking text without a canvas, as matplotlib sets it."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from matplotlib.font_manager import FontProperties, get_font
from matplotlib.ft2font import LoadFlags

_REFERENCE_PT = 100.0
_NO_LINE_STARTS_WITH = "，；：）%，。；：、）》”’"


@lru_cache(maxsize=50_000)
def width_em(text: str, file: str) -> float:
    """Return how wide a text is, in its own size: without hinting, widths grow with the size."""
    font = get_font(file)
    font.set_size(_REFERENCE_PT, 72)
    font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    width, _ = font.get_width_height()
    return float(width) / 64 / _REFERENCE_PT  # FreeType counts in 26.6


@lru_cache(maxsize=256)
def font_of(file: str, size_pt: float) -> FontProperties:
    """Return a font of a size; texts copy it, so that one may be shared."""
    return FontProperties(fname=file, size=size_pt)


def breakable(text: str) -> list[str]:
    """Cut a text where a line may end: between Chinese characters, not within numbers or words."""
    cuts = [0]
    for n, (left, right) in enumerate(pairwise(text), 1):
        joined = left.isascii() and right.isascii() and " " not in (left, right)
        if not joined and right not in _NO_LINE_STARTS_WITH:
            cuts.append(n)
    return [text[a:b] for a, b in pairwise([*cuts, len(text)])]

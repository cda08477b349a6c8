"""Measuring, breaking and setting text without a canvas, as matplotlib sets it."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from matplotlib.colors import to_rgba
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.ft2font import LoadFlags
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox

if TYPE_CHECKING:
    from matplotlib.backend_bases import RendererBase

_NO_LINE_STARTS_WITH = "，；：）%，。；：、）》”’"
_BEFORE = {"left": 0.0, "center": 0.5, "right": 1.0}
"""Share of a line's width that stands before its point."""


class Line(Text):
    """One line, its baseline at its point: drawn at once, half of a page's time without it.

    matplotlib lays every text out as a paragraph first, and asks the canvas for its size.
    """

    def draw(self, renderer: RendererBase) -> None:
        """Draw the line in the renderer's pixels."""
        text, font = self.get_text(), self.get_fontproperties()
        if not text:
            return
        x, y = self._start(renderer)
        if renderer.flipy():
            y = renderer.get_canvas_width_height()[1] - y
        gc = renderer.new_gc()
        gc.set_foreground(to_rgba(self.get_color()), isRGBA=True)
        gc.set_url(self.get_url())
        renderer.draw_text(gc, x, y, text, font, self.get_rotation(), mtext=self)
        gc.restore()

    def get_window_extent(
        self,
        renderer: RendererBase | None = None,
        dpi: float | None = None,  # noqa: ARG002 - matplotlib's signature
    ) -> Bbox:
        """Return the box in pixels that the renderer needs for the line where `draw` puts it."""
        assert renderer is not None  # noqa: S101 - tests measure with one
        text, font = self.get_text(), self.get_fontproperties()
        width, height, below = renderer.get_text_width_height_descent(text, font, ismath=False)
        flat = Bbox.from_bounds(0, -below, width, height)
        x, y = self._start(renderer)
        return flat.transformed(Affine2D().rotate_deg(self.get_rotation()).translate(x, y))

    def _start(self, renderer: RendererBase) -> tuple[float, float]:
        """Return where the baseline starts, in pixels."""
        font = self.get_fontproperties()
        size_px = float(renderer.points_to_pixels(font.get_size_in_points()))  # type: ignore[arg-type]  # a number for a number
        before = _BEFORE[self.get_horizontalalignment()] * size_px
        before *= width_em(self.get_text(), str(font.get_file()))
        turn = math.radians(self.get_rotation())
        x, y = self.get_transform().transform(self.get_position())
        return x - before * math.cos(turn), y - before * math.sin(turn)


def width_em(text: str, file: str) -> float:
    """Return how wide a text is, in its own size: the sum of its characters, none is kerned."""
    return sum(_advance_em(char, file) for char in text)


@lru_cache(maxsize=50_000)
def _advance_em(char: str, file: str) -> float:
    """Return how far a character moves the pen, in its own size."""
    font = get_font(file)
    flags = LoadFlags.NO_SCALE | LoadFlags.NO_HINTING
    return float(font.load_char(ord(char), flags).horiAdvance) / font.units_per_EM


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

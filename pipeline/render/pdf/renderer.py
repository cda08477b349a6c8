"""A figure's page as PDF operators, through the interface that matplotlib has for own formats."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

from pipeline.render.pdf.embedding import encoded, resource_name
from pipeline.render.pdf.leaf import Leaf, Link
from pipeline.render.pdf.operators import UNITS, path_operators
from pipeline.render.typesetting import width_em

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.backend_bases import GraphicsContextBase
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.text import Text
    from matplotlib.transforms import Transform

    from pipeline.render.pdf.leaf import Bounds

    Colour = Sequence[float]
    Face = Any  # a colour as matplotlib's own signature has it

PT_PER_INCH = 72
_CAPS = {"butt": 0, "round": 1, "projecting": 2}
_JOINS = {"miter": 0, "round": 1, "bevel": 2}
_DESCENT, _ASCENT = 0.2, 0.9
"""Of a line of text, in its size: how far down and up a click on it counts."""
_LEVEL = 6
"""Of compression: 9 takes twice the time for a three-hundredth of the size."""
_TILE = 72
"""Side of a hatch's tile in pt, as matplotlib has it."""


def leaf_of(figure: Figure) -> Leaf:
    """Return a figure's page; the figure keeps its resolution."""
    own = figure.get_dpi()
    figure.set_dpi(PT_PER_INCH)
    width, height = (float(inch) * PT_PER_INCH for inch in figure.get_size_inches())
    renderer = PdfRenderer(width, height)
    figure.draw(renderer)
    figure.set_dpi(own)
    return renderer.leaf()


class PdfRenderer(RendererBase):
    """Writes down what is drawn, in pt from the lower left corner; colours are opaque."""

    def __init__(self, width_pt: float, height_pt: float) -> None:
        """Begin an empty page."""
        super().__init__()
        self._size = width_pt, height_pt
        self._written = [f"{1 / UNITS} 0 0 {1 / UNITS} 0 0 cm\n"]
        self._state: dict[str, str] = {}
        self._characters: dict[str, set[str]] = {}
        self._patterns: dict[str, str] = {}
        self._marks: dict[str, tuple[str, Bounds]] = {}
        self._links: list[Link] = []

    def leaf(self) -> Leaf:
        """Return what has been drawn."""
        characters = {file: "".join(sorted(self._characters[file])) for file in self._characters}
        return Leaf(
            width_pt=self._size[0],
            height_pt=self._size[1],
            content=zlib.compress("".join(self._written).encode("ascii"), _LEVEL),
            characters=dict(sorted(characters.items())),
            patterns=dict(sorted(self._patterns.items())),
            marks=dict(sorted(self._marks.items())),
            links=tuple(self._links),
        )

    def flipy(self) -> bool:
        """Tell that y goes up."""
        return False

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Return the page's size in pt."""
        return self._size

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,
        rgbFace: Face | None = None,  # noqa: N803 - matplotlib's name
    ) -> None:
        """Fill a path, hatch it, draw its line: whatever of these is asked for."""
        _check_whole(gc)
        fill = rgbFace is not None and _seen(rgbFace)
        line = gc.get_linewidth() > 0 and _seen(gc.get_rgb())
        hatch = gc.get_hatch()
        if not (fill or line or hatch) or not len(np.asarray(path.vertices)):
            return
        shape = path_operators(path, transform)
        if fill and rgbFace is not None:
            self._set("fill", f"{_colour(rgbFace)} rg\n")
        if line:
            self._set_line(gc)
        if hatch:
            self._written += [shape, "f\n"] if fill else []
            self._set("fill", f"/Pattern cs /{self._pattern(gc)} scn\n")
            self._written += [shape, "f\n", *((shape, "S\n") if line else ())]
        else:
            self._written += [shape, "B\n" if fill and line else "f\n" if fill else "S\n"]

    def draw_path_collection(self, *given: Any, **more: Any) -> None:  # noqa: ANN401 - matplotlib's
        """Draw shapes one by one, but one shape in many places as marks."""
        gc, ground, paths, transforms, offsets, to_page, faces, edges, widths, dashes, *_ = given
        alike = len(paths) == 1 and max(map(len, (transforms, faces, edges, widths, dashes))) <= 1
        if not alike or gc.get_hatch() or any(lengths for _, lengths in dashes):
            super().draw_path_collection(*given, **more)
            return
        own = self.new_gc()
        own.copy_properties(gc)
        own.set_linewidth(widths[0] if len(widths) and len(edges) else 0.0)
        if len(edges):
            own.set_foreground(edges[0], isRGBA=True)
        turned = Affine2D(transforms[0]) + ground if len(transforms) else ground
        face = faces[0] if len(faces) else None
        self.draw_markers(own, paths[0], turned, Path(offsets), to_page, face)

    def draw_markers(
        self,
        gc: GraphicsContextBase,
        marker_path: Path,
        marker_trans: Transform,
        path: Path,
        trans: Transform,
        rgbFace: Face | None = None,  # noqa: N803 - matplotlib's name
    ) -> None:
        """Put one shape in many places: it is written once."""
        own = PdfRenderer(*self._size)
        own.draw_path(gc, marker_path, marker_trans, rgbFace)
        drawn = "".join(own._written[1:])
        if not drawn:
            return
        box = marker_path.get_extents(marker_trans)
        wide = gc.get_linewidth() + 1
        low = np.floor(np.asarray(box.min) - wide) * UNITS
        high = np.ceil(np.asarray(box.max) + wide) * UNITS
        name = f"M{zlib.crc32(drawn.encode()):08x}"
        self._marks[name] = drawn, (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        for x, y in np.rint(trans.transform(path.vertices) * UNITS).astype(int).tolist():
            self._written.append(f"q 1 0 0 1 {x} {y} cm /{name} Do Q\n")

    def draw_text(  # noqa: PLR0913, PLR0917 - matplotlib's signature
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: bool | str = False,  # noqa: ARG002, FBT001, FBT002 - matplotlib's signature
        mtext: Text | None = None,  # noqa: ARG002 - matplotlib's signature
    ) -> None:
        """Write one line, its baseline starting at a point; no character is kerned."""
        _check_whole(gc)
        if not _seen(gc.get_rgb()):
            return
        file, size = str(prop.get_file()), prop.get_size_in_points()
        self._characters.setdefault(file, set()).update(s)
        self._set("fill", f"{_colour(gc.get_rgb())} rg\n")
        self._set("font", f"/{resource_name(file)} {round(size * UNITS)} Tf\n")
        at = f"{round(x * UNITS)} {round(y * UNITS)}"
        turn = math.radians(angle)
        cos, sin = math.cos(turn), math.sin(turn)
        place = f"{cos:.5f} {sin:.5f} {-sin:.5f} {cos:.5f} {at} Tm" if angle else f"{at} Td"
        self._written.append(f"BT {place} <{encoded(s, file)}> Tj ET\n")
        if gc.get_url():
            box = (x, y - _DESCENT * size, x + width_em(s, file) * size, y + _ASCENT * size)
            self._links.append(Link(box, str(gc.get_url())))

    def _set_line(self, gc: GraphicsContextBase) -> None:
        """Set how lines are drawn."""
        self._set("line", f"{_colour(gc.get_rgb())} RG\n")
        self._set("width", f"{round(gc.get_linewidth() * UNITS)} w\n")
        self._set("cap", f"{_CAPS[str(gc.get_capstyle())]} J\n")
        self._set("join", f"{_JOINS[str(gc.get_joinstyle())]} j\n")
        dash: Any = gc.get_dashes()
        offset, dashes = dash
        lengths = " ".join(str(round(length * UNITS)) for length in dashes or ())
        self._set("dash", f"[{lengths}] {round((offset or 0) * UNITS)} d\n")

    def _set(self, what: str, operator: str) -> None:
        """Write an operator that changes the graphics state, where it does."""
        if self._state.get(what) != operator:
            self._state[what] = operator
            self._written.append(operator)

    def _pattern(self, gc: GraphicsContextBase) -> str:
        """Return the name of a hatch; its tile is kept."""
        path: Any = gc.get_hatch_path()
        colour = _colour(mpl.colors.to_rgba(gc.get_hatch_color()))
        width: Any = mpl.rcParams["hatch.linewidth"]
        tile = path_operators(path, Affine2D().scale(_TILE))
        step = 1 / UNITS
        drawn = (
            f"{step} 0 0 {step} 0 0 cm {colour} RG {colour} rg {round(width * UNITS)} w\n{tile}B\n"
        )
        name = f"H{zlib.crc32(drawn.encode()):08x}"
        self._patterns[name] = drawn
        return name


def _check_whole(gc: GraphicsContextBase) -> None:
    """Raise ValueError where only part of a thing is to be drawn: nothing of ours is clipped."""
    if gc.get_clip_rectangle() is not None or gc.get_clip_path()[0] is not None:
        message = "what is cut off by a frame can't be written: cut it before it is drawn"
        raise ValueError(message)


def _seen(colour: Colour) -> bool:
    """Tell whether a colour is drawn; none of ours lets what is below shine through."""
    alpha = colour[3] if len(colour) > 3 else 1.0  # noqa: PLR2004 - red, green, blue, alpha
    if 0 < alpha < 1:
        message = f"a colour that is transparent by {1 - alpha:.2f} can't be written"
        raise ValueError(message)
    return alpha > 0


def _colour(colour: Colour) -> str:
    """Return red, green and blue as PDF has them."""
    return " ".join(f"{part:.3f}".rstrip("0").rstrip(".") for part in colour[:3])

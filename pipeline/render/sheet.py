"""A sheet of paper in mm, drawn in the order of the calls.

Everything, the map too, is placed in page mm from the lower left corner, so the scale is exact.
A large sheet is designed as a smaller one and enlarged: all mm and pt of the drawing code are of
the design; `zoom` makes paper of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch, Polygon, Rectangle, Wedge
from matplotlib.transforms import Affine2D

from pipeline.errors import ConfigError, Finding
from pipeline.render.fonts import Faces, faces
from pipeline.render.paths import outline, strung
from pipeline.render.style import DPI, PT_MM, STYLE, Page
from pipeline.render.typesetting import Line, breakable, font_of, width_em

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.artist import Artist
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path
    from matplotlib.text import Text
    from matplotlib.transforms import Transform
    from shapely.geometry.base import BaseGeometry

    Point = tuple[float, float]
    SomeArtist = TypeVar("SomeArtist", bound=Artist)


class Box(NamedTuple):
    """A rectangle in page mm."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """Width in mm."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Height in mm."""
        return self.top - self.bottom

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def inset(self, mm: float) -> Box:
        """Return the box smaller by a margin on all sides (larger when negative)."""
        return Box(self.left + mm, self.bottom + mm, self.right - mm, self.top - mm)

    def meets(self, other: Box) -> bool:
        """Tell whether two boxes overlap."""
        apart = self.left >= other.right or other.left >= self.right
        return not (apart or self.bottom >= other.top or other.bottom >= self.top)

    def shape(self) -> shapely.Polygon:
        """Return the box as a polygon."""
        return shapely.box(*self)


@dataclass(frozen=True, slots=True)
class Ink:
    """How a text is written."""

    size_pt: float
    bold: bool = False
    colour: str = STYLE.ink
    ha: Literal["left", "center", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page to draw on; ground: from mm of the design to the figure's pixels."""

    figure: Figure
    ground: Transform
    page: Page
    faces: Faces
    zoom: float = 1.0

    @property
    def room(self) -> Box:
        """The whole sheet, in mm of the design."""
        return Box(0, 0, self.page.width_mm / self.zoom, self.page.height_mm / self.zoom)

    def add(self, artist: SomeArtist) -> SomeArtist:
        """Put an artist on top of all earlier ones, in mm unless it has a transform of its own."""
        artist.set_zorder(len(self.figure.artists))
        if not artist.is_transform_set():
            artist.set_transform(self.ground)
        self.figure.add_artist(artist)
        return artist

    def text(self, at: Point, text: str, ink: Ink, *, rotation: float = 0, gid: str = "") -> Text:
        """Write a text at a point in mm."""
        line = Line(
            *at, text, color=ink.colour, fontproperties=self._font(text, ink),
            rotation=rotation, horizontalalignment=ink.ha, rotation_mode="anchor",
            parse_math=False,
        )  # fmt: skip
        line.set_gid(gid or None)
        return self.add(line)

    def fitted(self, at: Point, text: str, ink: Ink, width_mm: float) -> Text:
        """Write a text as large as the ink says, smaller where the width demands it.

        Raises ConfigError when it doesn't fit at the smallest readable size.
        """
        wide = self.width(text, ink)
        size = min(ink.size_pt, ink.size_pt * width_mm / wide * 0.995) if wide else ink.size_pt
        if size * self.zoom < STYLE.small_pt:
            raise ConfigError(
                Finding(
                    f"图上文字“{text}”",
                    f"在 {width_mm:.0f} 毫米宽处缩到 {STYLE.small_pt} 磅仍放不下",
                    "请在 county.toml 或 towns.csv 中改用较短的名称",
                )
            )
        return self.text(at, text, replace(ink, size_pt=size))

    def paragraph(self, at: Point, text: str, ink: Ink, width_mm: float) -> float:
        """Write a text in lines no wider than given, the first with its top at `at`.

        Returns the y below the last line.
        """
        x, y = at
        step = ink.size_pt * PT_MM * 1.42
        for line in self.wrapped(text, ink, width_mm):
            self.text((x, y - ink.size_pt * PT_MM), line, ink)
            y -= step
        return y

    def wrapped(self, text: str, ink: Ink, width_mm: float) -> list[str]:
        """Break a text into lines; no line starts with closing punctuation, no number is split."""
        lines, line = [], ""
        for word in breakable(text):
            if line and self.width(line + word, ink) > width_mm:
                lines.append(line)
                line = ""
            line += word
        return [*lines, line]

    def width(self, text: str, ink: Ink) -> float:
        """Return how wide a text is, in mm."""
        file = str(self.faces.file(text, bold=ink.bold))
        return width_em(text, file) * ink.size_pt * PT_MM

    def _font(self, text: str, ink: Ink) -> FontProperties:
        """Return the font of a text, by file: nothing is registered."""
        file = str(self.faces.file(text, bold=ink.bold))
        return font_of(file, ink.size_pt * self.zoom)

    def line(self, points: Sequence[Point], width_pt: float, colour: str = STYLE.ink) -> None:
        """Draw an open line."""
        self.strokes([points], width_pt, colour)

    def strokes(
        self, lines: Iterable[Sequence[Point]], width_pt: float, colour: str = STYLE.ink
    ) -> None:
        """Draw open lines as one: much quicker than one by one."""
        path = strung([np.asarray(line, dtype=float) for line in lines])
        self._stroke(path, width_pt, colour, "butt")

    def rect(
        self, box: Box, face: str = "none", edge: str = "none", width_pt: float = 0.0,
        *, hatch: str = "",
    ) -> None:  # fmt: skip
        """Draw a rectangle; a hatch takes the quiet colour."""
        corner, size = (box.left, box.bottom), (box.width, box.height)
        self.add(
            Rectangle(
                corner,
                *size,
                facecolor=face,
                edgecolor=edge,
                linewidth=width_pt * self.zoom,
                joinstyle="miter",
            )
        )
        if hatch:
            self.add(
                Rectangle(
                    corner, *size, facecolor="none", edgecolor=STYLE.rule, linewidth=0, hatch=hatch
                )
            )

    def rects(
        self, boxes: Sequence[Box], faces: Sequence[str], edges: Sequence[str], width_pt: float
    ) -> None:
        """Draw rectangles as one, much quicker than one by one; a single colour is for all."""
        self.add(
            PathCollection(
                [outline(np.array([box.shape()])) for box in boxes], facecolors=list(faces),
                edgecolors=list(edges),
                linewidths=width_pt * self.zoom, joinstyle="miter",
            )
        )  # fmt: skip

    def polygon(self, points: Sequence[Point], face: str, width_pt: float) -> None:
        """Draw a small closed figure with a dark edge."""
        self.add(
            Polygon(
                points,
                closed=True,
                facecolor=face,
                edgecolor=STYLE.ink,
                linewidth=width_pt * self.zoom,
            )
        )

    def disc(self, at: Point, radius: float, face: str) -> None:
        """Draw a filled circle without an edge."""
        self.add(Circle(at, radius, facecolor=face, edgecolor="none", linewidth=0))

    def ring(
        self, at: Point, radius: float, parts: Sequence[tuple[float, str]], hole: float = 0.58
    ) -> None:
        """Draw a donut clockwise from the top: (share of 1, colour) in turn; hole of its radius."""
        start, hair = 90.0, STYLE.hair_pt * self.zoom
        for share, colour in parts:
            end = start - 360 * share
            width = radius * (1 - hole)
            self.add(
                Wedge(at, radius, end, start, width=width, facecolor=colour, edgecolor=STYLE.paper,
                      linewidth=hair)
            )  # fmt: skip
            start = end
        for edge in (radius, radius * hole):
            self.add(Circle(at, edge, fill=False, edgecolor=STYLE.ink, linewidth=hair))

    def triangle(self, points: Sequence[Point], face: str) -> None:
        """Fill three points without an edge."""
        self.add(Polygon(points, closed=True, facecolor=face, edgecolor="none", linewidth=0))

    def fill(
        self, shapes: Iterable[BaseGeometry], face: str, gid: str, hatch: str = "",
        *, rim_pt: float = 0.0,
    ) -> None:  # fmt: skip
        """Fill polygons as one; without edges of another colour, which would leave double lines.

        rim_pt: width of a rim in the same colour.
        """
        parts = shapely.get_parts(np.array(list(shapes), dtype=object))
        parts = parts[np.asarray(shapely.area(parts)) > 0]
        if not len(parts):
            return
        path = outline(parts)
        self.add(
            PathPatch(
                path, facecolor=face, edgecolor=face if rim_pt else "none",
                linewidth=rim_pt * self.zoom, joinstyle="round", gid=gid,
            )
        )  # fmt: skip
        if hatch:
            quiet = STYLE.rule
            self.add(PathPatch(path, facecolor="none", edgecolor=quiet, linewidth=0, hatch=hatch))

    def lines(
        self, shape: BaseGeometry | Sequence[BaseGeometry], width_pt: float, colour: str, gid: str
    ) -> None:
        """Draw lines as one, with round joins and ends; several geometries as they are."""
        one = isinstance(shape, shapely.Geometry)
        parts = shapely.get_parts(shapely.line_merge(shape) if one else np.asarray(shape))
        path = strung([shapely.get_coordinates(part) for part in parts if part.length])
        self._stroke(path, width_pt, colour, "round", gid)

    def _stroke(
        self, path: Path, width_pt: float, colour: str, ends: Literal["butt", "round"],
        gid: str = "",
    ) -> None:  # fmt: skip
        """Draw a path's lines."""
        self.add(
            PathPatch(
                path, fill=False, edgecolor=colour, linewidth=width_pt * self.zoom,
                joinstyle="round", capstyle=ends, gid=gid or None,
            )
        )  # fmt: skip


def new_sheet(page: Page, zoom: float = 1.0) -> Sheet:
    """Return an empty sheet whose PNG at 300 dpi has the page's size, rounded to whole pixels.

    zoom: mm of paper for one mm of the design.
    """
    pixels = [round(mm / 25.4 * DPI) for mm in (page.width_mm, page.height_mm)]
    # a hair more than whole pixels: the canvas cuts off fractions
    inches = [(count + 1e-4) / DPI for count in pixels]
    figure = Figure(figsize=(inches[0], inches[1]), dpi=DPI, facecolor=STYLE.paper)
    FigureCanvasAgg(figure)
    ground = Affine2D().scale(zoom / 25.4) + figure.dpi_scale_trans
    return Sheet(figure, ground, page, faces(), zoom)

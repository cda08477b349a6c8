"""A product as PNG and PDF bytes, the same every time."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from PIL import Image

from pipeline.errors import Finding, GengbaoError
from pipeline.render import style
from pipeline.render.fonts import check_characters, faces
from pipeline.render.pdf import Leaf, document, leaf_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure

    from pipeline.render.data import MapData, MapSpec


THUMB_PX, SCREEN_DPI = 480, 96


@dataclass(frozen=True, slots=True)
class Pages:
    """Drawn pages: for the PDF, and as PNG, the first in small before them."""

    leaves: list[Leaf]
    pictures: list[bytes]


def render(spec: MapSpec, data: MapData) -> dict[str, bytes]:
    """Draw a product; return its files by name.

    PDF (embedded TrueType subsets), PNG (300 dpi) and a small picture for maps/index.html. Several
    pages are one PDF and numbered PNGs. Raises GengbaoError when the data lacks what the map needs,
    ConfigError when a character isn't in the fonts or a text can't be fitted.
    """
    _check_needs(spec, data)
    if spec.book is not None:
        return join(spec, data, [render_part(spec, data, part) for part in spec.book.parts(data)])
    drawn = _pages(spec, spec.draw(data))
    thumb, *pictures = drawn.pictures
    ends = [""] if len(pictures) == 1 else [f"_{n}" for n in range(1, len(pictures) + 1)]
    names = [f"{spec.stem}{end}.png" for end in ends]
    files = dict(zip(names, pictures, strict=False))
    pdf = document(drawn.leaves, _particulars(spec, data))
    return files | {f"{spec.stem}.pdf": pdf, thumb_name(spec): thumb}


def thumb_name(spec: MapSpec) -> str:
    """Return where a product's small picture lies beside it."""
    return f"thumbs/{spec.name}.png"


def render_part(spec: MapSpec, data: MapData, part: str) -> Pages:
    """Return a part of a book, of its first part the first page as a picture too."""
    assert spec.book is not None  # noqa: S101 - only books have parts
    _check_needs(spec, data)
    first = part == spec.book.parts(data)[0]
    return _pages(spec, spec.book.draw(data, part), pictured=1 if first else 0)


def join(spec: MapSpec, data: MapData, parts: Sequence[Pages]) -> dict[str, bytes]:
    """Return a book's files: its parts in order with bookmarks and jumps, its first page in small.

    Where the product is also a picture, that is the first page.
    """
    assert spec.book is not None  # noqa: S101 - only books have parts
    leaves = [leaf for part in parts for leaf in part.leaves]
    pdf = document(leaves, _particulars(spec, data), spec.book.bookmarks(data))
    names = (thumb_name(spec), f"{spec.stem}.png")
    return {f"{spec.stem}.pdf": pdf} | dict(zip(names, parts[0].pictures, strict=False))


def _check_needs(spec: MapSpec, data: MapData) -> None:
    missing = [name for name in spec.needs if getattr(data, name) is None]
    if missing:
        raise GengbaoError(
            Finding(f"图件 {spec.title}", f"缺少 {name}", "请先运行前面的步骤") for name in missing
        )


def _pages(spec: MapSpec, figures: Iterable[Figure], pictured: int | None = None) -> Pages:
    """Return figures as pages and pictures; pictured: how many have a picture, where not all."""
    drawn = Pages([], [])
    with style.context():
        for number, figure in enumerate(figures):
            texts = [str(item.get_text()) for item in figure.findobj(Text)]
            check_characters(dict.fromkeys(texts), faces().characters)
            drawn.leaves.append(leaf_of(figure))
            if pictured is None or number < pictured:
                drawn.pictures.extend(_pictures(spec, figure, small=not number))
            figure.clear()
    return drawn


def _pictures(spec: MapSpec, figure: Figure, *, small: bool) -> list[bytes]:
    """Return a page in small, if asked for, and, where the product is a picture too, as PNG."""
    dpi = style.PNG_DPI.get(spec.size.name, style.DPI) if spec.png else SCREEN_DPI
    page = _picture(figure, dpi)
    found = []
    if small:
        height = round(THUMB_PX * page.height / page.width)
        found.append(page.resize((THUMB_PX, height), Image.Resampling.LANCZOS, reducing_gap=3.0))
    if spec.png:
        found.append(page)
    return [_packed(picture, dpi) for picture in found]


def _picture(figure: Figure, dpi: float) -> Image.Image:
    """Return the figure as an RGB picture at a resolution; the figure keeps its own."""
    own = figure.get_dpi()
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # matplotlib
    figure.set_dpi(own)
    picture = Image.fromarray(pixels).convert("RGB")
    FigureCanvasBase(figure)  # else figure and canvas keep each other, and the pixels, for long
    return picture


def _packed(picture: Image.Image, dpi: float) -> bytes:
    """Return a picture as PNG; run lengths are quicker to find than matches, and not larger."""
    packed = io.BytesIO()
    picture.save(packed, format="png", compress_level=6, compress_type=zlib.Z_RLE, dpi=(dpi, dpi))
    return packed.getvalue()


def _particulars(spec: MapSpec, data: MapData) -> dict[str, str | datetime]:
    """Return the PDF's document information; its clock is the date of the data."""
    return {
        "Title": f"{data.county.name}{spec.title}",
        "Subject": f"产品编号 {data.product_id}",
        "Creator": "耕保",
        "Producer": "耕保",
        "CreationDate": datetime.combine(data.export, time(), UTC),
    }

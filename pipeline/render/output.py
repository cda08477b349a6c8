"""A product as PNG and PDF bytes, the same every time."""

from __future__ import annotations

import io
import zlib
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.text import Text
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject

from pipeline.errors import Finding, GengbaoError
from pipeline.render import style
from pipeline.render.fonts import check_characters, faces
from pipeline.render.furniture import PAGE_URL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure

    from pipeline.render.data import MapData, MapSpec


THUMB_PX, SCREEN_DPI = 480, 96


def render(spec: MapSpec, data: MapData) -> dict[str, bytes]:
    """Draw a product; return its files by name.

    PDF (embedded type-42 subsets), PNG (300 dpi) and a small picture for maps/index.html. Several
    pages are one PDF and numbered PNGs. Raises GengbaoError when the data lacks what the map needs,
    ConfigError when a character isn't in the fonts or a text can't be fitted.
    """
    _check_needs(spec, data)
    if spec.book is not None:
        return join(spec, data, [render_part(spec, data, part) for part in spec.book.parts(data)])
    pictures: list[bytes] = []
    pdf = _pages(spec, data, spec.draw(data), pictures)
    thumb, *pictures = pictures
    ends = [""] if len(pictures) == 1 else [f"_{n}" for n in range(1, len(pictures) + 1)]
    names = [f"{spec.stem}{end}.png" for end in ends]
    files = dict(zip(names, pictures, strict=False))
    return files | {f"{spec.stem}.pdf": pdf, thumb_name(spec): thumb}


def thumb_name(spec: MapSpec) -> str:
    """Return where a product's small picture lies beside it."""
    return f"thumbs/{spec.name}.png"


def render_part(spec: MapSpec, data: MapData, part: str) -> bytes:
    """Return a part of a book as PDF, its jumps not yet made."""
    assert spec.book is not None  # noqa: S101 - only books have parts
    _check_needs(spec, data)
    return _pages(spec, data, spec.book.draw(data, part), None)


def join(spec: MapSpec, data: MapData, parts: Sequence[bytes]) -> dict[str, bytes]:
    """Return a book's files: its parts with bookmarks and links to pages, its first page in small.

    Where the product is also a picture, that is the first page.
    """
    assert spec.book is not None  # noqa: S101 - only books have parts
    writer = PdfWriter()
    for part in parts:
        writer.append(io.BytesIO(part), import_outline=False)
    for number in range(len(writer.pages)):
        for note in writer.pages[number].get("/Annots") or ():
            _make_jump(writer, note.get_object())
    above: Any = None
    for title, number, level in spec.book.bookmarks(data):
        item = writer.add_outline_item(
            title=title, page_number=number - 1, parent=above if level else None
        )
        above = above if level else item
    clock = _particulars(spec, data).pop("CreationDate").strftime("D:%Y%m%d%H%M%SZ")
    words = {k: v for k, v in _particulars(spec, data).items() if k != "CreationDate"}
    writer.add_metadata({f"/{k}": v for k, v in words.items()} | {"/CreationDate": clock})
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    target = io.BytesIO()
    writer.write(target)
    with style.context():
        cover = _pictures(spec, next(iter(spec.book.draw(data, spec.book.parts(data)[0]))))
    names = (thumb_name(spec), f"{spec.stem}.png")
    return {f"{spec.stem}.pdf": target.getvalue()} | dict(zip(names, cover, strict=False))


def _make_jump(writer: PdfWriter, note: DictionaryObject) -> None:
    """Turn a link to `gengbao:page/N` into a jump to that page."""
    address = str(note.get("/A", DictionaryObject()).get_object().get("/URI", ""))
    if address.startswith(PAGE_URL):
        target = writer.pages[int(address.removeprefix(PAGE_URL)) - 1]
        del note["/A"]
        reference = target.indirect_reference
        assert reference is not None  # noqa: S101 - it is a page of this file
        note[NameObject("/Dest")] = ArrayObject([reference, NameObject("/Fit")])


def _check_needs(spec: MapSpec, data: MapData) -> None:
    missing = [name for name in spec.needs if getattr(data, name) is None]
    if missing:
        raise GengbaoError(
            Finding(f"图件 {spec.title}", f"缺少 {name}", "请先运行前面的步骤") for name in missing
        )


def _pages(
    spec: MapSpec, data: MapData, figures: Iterable[Figure], pictures: list[bytes] | None
) -> bytes:
    """Return figures as one PDF; add the first in small and all as PNG to the list, if any."""
    target = io.BytesIO()
    with style.context(), PdfPages(target, metadata=_particulars(spec, data)) as pages:
        for figure in figures:
            texts = [str(item.get_text()) for item in figure.findobj(Text)]
            check_characters(dict.fromkeys(texts), faces().characters)
            figure.savefig(pages, format="pdf")
            if pictures is not None:
                pictures += _pictures(spec, figure)[bool(pictures) :]
            figure.clear()
    return target.getvalue()


def _pictures(spec: MapSpec, figure: Figure) -> list[bytes]:
    """Return a page in small and, where the product is a picture too, as PNG."""
    dpi = style.PNG_DPI.get(spec.size.name, style.DPI) if spec.png else SCREEN_DPI
    page = _picture(figure, dpi)
    height = round(THUMB_PX * page.height / page.width)
    small = page.resize((THUMB_PX, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return [_packed(picture, dpi) for picture in ((small, page) if spec.png else (small,))]


def _picture(figure: Figure, dpi: float) -> Image.Image:
    """Return the figure as an RGB picture at a resolution; the figure keeps its own."""
    own = figure.get_dpi()
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # matplotlib
    figure.set_dpi(own)
    return Image.fromarray(pixels).convert("RGB")


def _packed(picture: Image.Image, dpi: float) -> bytes:
    """Return a picture as PNG; run lengths are quicker to find than matches, and not larger."""
    packed = io.BytesIO()
    picture.save(packed, format="png", compress_level=6, compress_type=zlib.Z_RLE, dpi=(dpi, dpi))
    return packed.getvalue()


def _particulars(spec: MapSpec, data: MapData) -> dict[str, Any]:
    """Return the PDF's document information; its clock is the date of the data."""
    return {
        "Title": f"{data.county.name}{spec.title}",
        "Subject": f"产品编号 {data.product_id}",
        "Creator": "耕保",
        "Producer": "耕保",
        "CreationDate": datetime.combine(data.export, time(), UTC),
    }

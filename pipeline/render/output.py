"""A figure as PNG and PDF bytes, the same every time."""

from __future__ import annotations

import io
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.text import Text
from PIL import Image

from pipeline.errors import Finding, GengbaoError
from pipeline.render import style
from pipeline.render.fonts import check_characters, faces

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pipeline.render.data import MapData, MapSpec


def render(spec: MapSpec, data: MapData) -> dict[str, bytes]:
    """Draw a product; return its files by name: PDF (embedded type-42 subsets) and PNG (300 dpi).

    Several pages are one PDF and numbered PNGs.

    Raises GengbaoError when the data lacks what the map needs, ConfigError when a character isn't
    in the fonts or a text can't be fitted.
    """
    missing = [name for name in spec.needs if getattr(data, name) is None]
    if missing:
        raise GengbaoError(
            Finding(f"图件 {spec.title}", f"缺少 {name}", "请先运行前面的步骤") for name in missing
        )
    pictures: list[bytes] = []
    target = io.BytesIO()
    with style.context(), PdfPages(target, metadata=_particulars(spec, data)) as pages:
        for figure in spec.draw(data):
            texts = [str(item.get_text()) for item in figure.findobj(Text)]
            check_characters(dict.fromkeys(texts), faces().characters)
            figure.savefig(pages, format="pdf")
            if spec.png:
                pictures.append(_png(figure, spec.size.name))
    ends = [""] if len(pictures) == 1 else [f"_{n}" for n in range(1, len(pictures) + 1)]
    names = [f"{spec.stem}{end}.png" for end in ends]
    return dict(zip(names, pictures, strict=False)) | {f"{spec.stem}.pdf": target.getvalue()}


def _png(figure: Figure, paper: str) -> bytes:
    """Return the figure as an RGB PNG; 300 dpi, less on the largest paper."""
    packed = io.BytesIO()
    dpi = style.PNG_DPI.get(paper, style.DPI)
    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]  # matplotlib
    with Image.fromarray(pixels) as image:
        image.convert("RGB").save(packed, format="png", compress_level=6, dpi=(dpi, dpi))
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

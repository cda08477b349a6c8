"""A figure as PNG and PDF bytes, the same every time."""

from __future__ import annotations

import io
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from matplotlib.text import Text
from PIL import Image

from pipeline.errors import Finding, GengbaoError
from pipeline.render import style
from pipeline.render.fonts import check_characters, faces
from pipeline.render.maps import discover

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pipeline.render.data import MapData, MapSpec


def render(spec: MapSpec, data: MapData) -> dict[str, bytes]:
    """Draw a map; return its files by name: PNG (300 dpi) and PDF (embedded type-42 subsets).

    Raises GengbaoError when the data lacks what the map needs, ConfigError when a character isn't
    in the fonts or a text can't be fitted.
    """
    missing = [name for name in spec.needs if getattr(data, name) is None]
    if missing:
        raise GengbaoError(
            Finding(f"图件 {spec.title}", f"缺少 {name}", "请先运行前面的步骤") for name in missing
        )
    with style.context():
        figure = discover()[spec](data)
        texts = [str(item.get_text()) for item in figure.findobj(Text)]
        check_characters(dict.fromkeys(texts), faces().characters)
        return {
            f"{spec.stem}.png": _png(figure),
            f"{spec.stem}.pdf": _pdf(figure, f"{data.county.name}{spec.title}", data),
        }


def _png(figure: Figure) -> bytes:
    """Return the figure at 300 dpi as an RGB PNG, compressed as far as zlib goes."""
    raw, packed = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", dpi=style.DPI, metadata={"Software": None})
    with Image.open(raw) as image:
        dots = (style.DPI, style.DPI)
        image.convert("RGB").save(packed, format="png", optimize=True, dpi=dots)
    return packed.getvalue()


def _pdf(figure: Figure, title: str, data: MapData) -> bytes:
    """Return the figure as PDF; its clock is the date of the data."""
    target = io.BytesIO()
    figure.savefig(
        target,
        format="pdf",
        metadata={
            "Title": title,
            "Subject": f"run_id {data.run_id}",
            "Creator": "耕保",
            "Producer": "耕保",
            "CreationDate": datetime.combine(data.export, time(), UTC),
        },
    )
    return target.getvalue()

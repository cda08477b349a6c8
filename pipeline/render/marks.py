"""The marks of tasks' states (tables/statuses.csv) on maps: glyphs of our font, drawn as shapes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import IdentityTransform

from pipeline.render.fonts import faces
from pipeline.render.style import PT_MM, STYLE, on_dark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.model import Status
    from pipeline.render.sheet import Sheet

_HALO_PT = 0.9


def draw_marks(
    sheet: Sheet,
    points: Sequence[tuple[float, float]] | NDArray[np.float64],
    status: Status,
    mm: float,
) -> None:
    """Draw a state's mark at points in page mm, so many mm wide, with a light edge around it.

    The states' colours are told apart by the marks too, in grey and by the colour-blind.
    """
    offsets = np.asarray(points, dtype=float).reshape(-1, 2)
    light = not on_dark(status.colour) and status.colour == STYLE.paper
    for edge, width_pt, face in (
        (STYLE.quiet if light else STYLE.paper, _HALO_PT, "none"), ("none", 0.0, status.colour),
    ):  # fmt: skip
        sheet.add(
            PathCollection(
                [_shape(status.mark)],
                sizes=[(mm / PT_MM * sheet.zoom) ** 2],
                facecolors=face,
                edgecolors=edge,
                linewidths=width_pt * sheet.zoom,
                offsets=offsets,
                offset_transform=sheet.ground,
                transform=IdentityTransform(),
                gid=f"status:{status.name}" if face != "none" else "halo",
            )
        )


@cache
def _shape(mark: str) -> Path:
    """Return a mark's glyph around (0, 0), its longer side one unit."""
    font = FontProperties(fname=str(faces().file(mark, bold=True)))
    outline = TextPath((0, 0), mark, prop=font, size=100)
    box = outline.get_extents()
    middle, size = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2, max(box.width, box.height)
    return Path((np.asarray(outline.vertices) - middle) / size, outline.codes)

"""Many lines or polygons as one matplotlib path: one thing to draw, and no seams within it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from matplotlib.path import Path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def strung(lines: Sequence[NDArray[np.float64]]) -> Path:
    """Return lines (points, 2) as one path."""
    if not lines:
        return Path(np.empty((0, 2)))
    points = np.concatenate(lines)
    codes = np.full(len(points), Path.LINETO, dtype=Path.code_type)
    codes[np.cumsum([0, *map(len, lines[:-1])])] = Path.MOVETO
    return Path(points, codes)


def outline(polygons: NDArray[np.object_]) -> Path:
    """Return polygons as one path; rings turn opposite ways, so holes stay open."""
    rings = shapely.get_rings(shapely.orient_polygons(polygons))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.flatnonzero(np.append(np.diff(ring), 1))
    codes = np.full(len(points), Path.LINETO, dtype=Path.code_type)
    codes[ends], codes[np.append(0, ends[:-1] + 1)] = Path.CLOSEPOLY, Path.MOVETO
    return Path(points, codes)

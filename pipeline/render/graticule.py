"""The grid of a map frame: kilometres where the CRS has them, else meridians and parallels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Transformer

from pipeline.render.frame import (
    distance_text,
    draw_crosses,
    edge_labels,
    gauss,
    neat_grid,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.render.frame import MapFrame
    from pipeline.render.sheet import Box, Sheet

_STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
_GRID_MM = 24.0
_MINUTE_M = 1852.0
_SAMPLES = 200


def grid(sheet: Sheet, frame: MapFrame, crs: str, avoid: Sequence[Box]) -> str:
    """Draw crosses, ticks and labels of the grid; return its spacing in words.

    Crosses under one of the boxes to avoid are left out.
    """
    if gauss(crs):
        return f"公里网间距{distance_text(neat_grid(sheet, frame, crs, avoid))}"
    step = next((n for n in _STEPS_MIN if n * _MINUTE_M * frame.mm_per_m >= _GRID_MM), 600)
    _graticule(sheet, frame, CRS(crs), step, avoid)
    return f"经纬网间距{degrees_text(step).removeprefix('0°').removeprefix('0')}"


def degrees_text(minutes: int) -> str:
    """Return whole minutes of arc as 109°30′, the minutes only where there are any."""
    return f"{minutes // 60}°" + (f"{minutes % 60:02d}′" if minutes % 60 else "")


def _graticule(
    sheet: Sheet, frame: MapFrame, crs: CRS, step_min: int, avoid: Sequence[Box]
) -> None:
    """Draw where meridians and parallels cross, and where they meet the frame."""
    to_degrees = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    west, south, east, north = frame.ground
    across, upward = np.linspace(west, east, _SAMPLES), np.linspace(south, north, _SAMPLES)

    def met(x: NDArray[np.float64], y: NDArray[np.float64], axis: int) -> list[tuple[float, str]]:
        """Return where on an edge (points in m) round longitudes or latitudes lie: mm, label."""
        minutes = np.asarray(to_degrees.transform(x, y)[axis]) * 60
        along = (x, y)[axis]
        origin, centre = (frame.east_m, frame.north_m)[axis], frame.box.centre[axis]
        return [
            (
                float((np.interp(n, minutes, along) - origin) * frame.mm_per_m + centre),
                degrees_text(int(n)) + "EN"[axis],
            )
            for n in _rounds(minutes, step_min)
        ]

    edge = np.full(_SAMPLES, 1.0)
    lower, upper = (met(across, edge * y, 0) for y in (south, north))
    left, right = (met(edge * x, upward, 1) for x in (west, east))
    edge_labels(sheet, frame.box, (lower, upper), (left, right))
    x, y = (a.ravel() for a in np.meshgrid(across, upward))
    longitudes, latitudes = (np.asarray(a) * 60 for a in to_degrees.transform(x, y))
    crossings = [
        (a, b) for a in _rounds(longitudes, step_min) for b in _rounds(latitudes, step_min)
    ]
    longitude, latitude = np.array(crossings).reshape(-1, 2).T / 60
    found = to_degrees.transform(longitude, latitude, direction="INVERSE")
    points = [
        (float(e), float(n))
        for e, n in zip(*found, strict=True)
        if west < e < east and south < n < north
    ]
    draw_crosses(sheet, frame, points, avoid)


def _rounds(minutes: NDArray[np.float64], step: int) -> NDArray[np.int64]:
    """Return the multiples of the step within the range of some minutes."""
    first, last = np.ceil(minutes.min() / step), np.floor(minutes.max() / step)
    return np.arange(first, last + 1).astype(np.int64) * step

"""Overlap areas without shapes handed out: the place for a kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline import measure
from pipeline.overlay.pairs import checked, intersections, merged

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def overlap_area(left: ArrayLike, right: ArrayLike, crs: Any) -> pd.DataFrame:  # noqa: ANN401 - whatever pyproj takes
    """Return the official area each left polygon shares with each right polygon.

    Columns: left, right (row numbers), area_m2 (two decimals, > 0); sorted by left, right. A right
    layer that overlaps itself has that ground in several pairs: totals come from covered_area.
    Raises GengbaoError on a missing or invalid polygon.
    """
    pairs = intersections(checked(left, "左侧图层"), checked(right, "右侧图层"))
    area = measure.official_area(pairs.shape, crs)
    frame = pd.DataFrame({"left": pairs.left, "right": pairs.right, "area_m2": area})
    return frame[frame["area_m2"] > 0].reset_index(drop=True)


def covered_area(left: ArrayLike, right: ArrayLike, crs: Any) -> NDArray[np.float64]:  # noqa: ANN401 - whatever pyproj takes
    """Return per left polygon the official area covered by any right polygon, counted once.

    Raises GengbaoError on a missing or invalid polygon.
    """
    shapes = checked(left, "左侧图层")
    pairs = intersections(shapes, checked(right, "右侧图层"), settle=True)
    area = np.zeros(len(shapes))
    rows = np.unique(pairs.left)
    area[rows] = measure.official_area(merged(pairs, len(shapes))[rows], crs)
    return area

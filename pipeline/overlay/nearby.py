"""Which order of rows keeps near what lies near, so that a few at a time are neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

AT_ONCE = 16_384
"""Boxes that are looked at together, which has no say in the order."""


def near_one_another(boxes: Floats, at_once: int = AT_ONCE) -> Ints:
    """Return an order of boxes (at least one) in which neighbours follow each other.

    boxes: west, south, east, north. By the Hilbert distance of their middles; equal ones as given.
    """
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    extent = (*middle.min(axis=0), *middle.max(axis=0))
    along = [
        gpd.GeoSeries(shapely.points(middle[start : start + at_once])).hilbert_distance(extent)
        for start in range(0, len(middle), at_once)
    ]
    return np.argsort(np.concatenate(along), kind="stable")

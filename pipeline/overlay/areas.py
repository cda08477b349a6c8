"""Official figures of shared ground.

Ground that one right polygon covers whole has the official area of the left one. Where borders
cross, it is the area on the ellipsoid by the county's area scale, 1e-3 m² from GeographicLib.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from pipeline import measure
from pipeline.overlay.flat import flat
from pipeline.overlay.overlaps import SAME_M2, overlaps, shared_areas
from pipeline.overlay.pairs import checked, merged, shared_ground

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pipeline.overlay.overlaps import Overlaps
    from pipeline.overlay.pairs import Shapes

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def overlap_area(left: ArrayLike, right: ArrayLike, crs: Any) -> pd.DataFrame:  # noqa: ANN401 - whatever pyproj takes
    """Return the area each left polygon shares with each right polygon.

    Columns: left, right (row numbers), area_m2 (two decimals, > 0); sorted by left, right. A right
    layer that overlaps itself has that ground in several pairs: totals come from covered_area.
    Raises GengbaoError on a missing or invalid polygon, of the right layer where it comes near.
    """
    mine = checked(left, "左侧图层")
    rows, theirs = _near(mine, right)
    pairs = overlaps(mine, theirs, scale_of((mine, theirs), crs))
    area = measure.round_half_up(pairs.area_m2)
    area[pairs.whole] = measure.official_area(mine[pairs.left[pairs.whole]], crs)
    frame = pd.DataFrame({"left": pairs.left, "right": rows[pairs.right], "area_m2": area})
    return frame[frame["area_m2"] > 0].reset_index(drop=True)


def covered_area(left: ArrayLike, right: ArrayLike, crs: Any) -> Floats:  # noqa: ANN401 - whatever pyproj takes
    """Return per left polygon the area covered by any right polygon, counted once, in m².

    Raises GengbaoError on a missing or invalid polygon, of the right layer where it comes near.
    """
    mine = checked(left, "左侧图层")
    _, theirs = _near(mine, right)
    pairs = overlaps(mine, theirs, scale_of((mine, theirs), crs))
    area = united_area(pairs, mine, theirs, crs)
    rows = np.unique(pairs.left[pairs.whole])
    area[rows] = measure.official_area(mine[rows], crs)
    return area


def _near(left: Shapes, right: ArrayLike) -> tuple[Ints, Shapes]:
    """Return the right rows whose box meets a left one, or without polygon, and the polygons."""
    shapes = np.asarray(right, dtype=object)
    met = np.asarray(shapely.STRtree(left).query(shapes), dtype=np.int64)[0]
    rows = np.union1d(met, np.flatnonzero(shapely.is_missing(shapes)))
    return rows, checked(shapes[rows], "右侧图层", rows)


def united_area(pairs: Overlaps, left: Shapes, right: Shapes, crs: Any) -> Floats:  # noqa: ANN401 - whatever pyproj takes
    """Return per left polygon the ground of its pairs, counted once, in m² with two decimals.

    Pairs add up where no two right polygons of a left one overlap; else GEOS unites their ground.
    """
    total = np.bincount(pairs.left, weights=pairs.area_m2, minlength=len(left))
    area = measure.round_half_up(total)
    rows = _counted_twice(pairs, right)
    if len(rows):
        part = shared_ground(pairs.only(np.isin(pairs.left, rows)), left, right)
        area[rows] = measure.official_area(merged(part, len(left))[rows], crs)
    return area


def scale_of(layers: tuple[Shapes, ...], crs: Any) -> measure.AreaScale:  # noqa: ANN401 - whatever pyproj takes
    """Return the area scale over the ground all these layers have in common, empty ones apart."""
    bounds = np.array([shapely.total_bounds(shapes) for shapes in layers if len(shapes)])
    bounds = bounds.reshape(-1, 4)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if len(bounds) == 0:
        return measure.PLANAR
    low, high = bounds[:, :2].max(axis=0), bounds[:, 2:].min(axis=0)
    return measure.area_scale(np.concatenate((low, np.maximum(low, high))), crs)


def _counted_twice(pairs: Overlaps, right: Shapes) -> Ints:
    """Return the left rows of which two right polygons overlap each other."""
    several = np.bincount(pairs.left)[pairs.left] > 1
    if not several.any():
        return np.zeros(0, dtype=np.int64)
    rows = np.unique(pairs.right[several])
    shapes = right[rows]
    near = np.asarray(shapely.STRtree(shapes).query(shapes), dtype=np.int64).T
    near = near[near[:, 0] < near[:, 1]]
    shape = flat(shapes)
    near = near[shared_areas(shape, shape, near, measure.PLANAR)[:, 0] > SAME_M2]
    of = pd.DataFrame({"left": pairs.left[several], "right": pairs.right[several]})
    twice = pd.DataFrame(rows[near], columns=["one", "other"])
    both = twice.merge(of, left_on="one", right_on="right").merge(
        of, left_on=["other", "left"], right_on=["right", "left"]
    )
    return np.unique(both["left"].to_numpy(np.int64))

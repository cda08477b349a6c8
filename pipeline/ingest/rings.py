"""Rings as a shapefile draws them: outer ones clockwise, holes the other way.

GDAL sorts rings by where they lie and says so once per file only: a hole drawn outside its shell
becomes ground. The signed area of the rings as drawn shows which rows it happened to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline import measure
from pipeline.ingest.geometry import Fault, Shapes
from pipeline.ingest.shapeparts import (
    FIRST_PART,
    PARTS_AT,
    POINTS_AT,
    RECORD_HEADER,
)
from pipeline.ingest.shapeparts import Shapes as Records
from pipeline.ingest.units import agrees_with_tbmj

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pipeline.model import Thresholds

RULE = "GEOM_RINGS"
TOLERANCE = 1e-6  # of the area: far above rounding, far below any hole


def drawn_areas(records: Records, rows: NDArray[np.int64]) -> dict[int, float]:
    """Return the area as drawn of those of these records that have several rings.

    Planar, in the layer's units; rows: records whose counts are sound.
    """
    content = records.offset[rows] + RECORD_HEADER
    count, points = (records.ints(content + at) for at in (PARTS_AT, POINTS_AT))
    areas = {}
    for n in np.flatnonzero(count > 1).tolist():
        at, rings = int(content[n]) + FIRST_PART, int(count[n])
        starts = np.frombuffer(records.data, "<i4", rings, at)
        xy = np.frombuffer(records.data, "<f8", 2 * int(points[n]), at + 4 * rings)
        areas[int(rows[n])] = _drawn(xy.reshape(-1, 2), starts)
    return areas


def _drawn(xy: NDArray[np.float64], starts: NDArray[np.int32]) -> float:
    """Return the absolute sum of the rings' signed areas."""
    with np.errstate(invalid="ignore", over="ignore"):  # wild coordinates are another's finding
        x, y = (xy - xy[0]).T
        cross = x[:-1] * y[1:] - x[1:] * y[:-1]
        cross[starts[1:] - 1] = 0.0  # from one ring to the next is no edge
        return abs(float(cross.sum())) / 2


def judge(
    drawn: Mapping[int, float],
    read: Shapes,
    placed: Shapes,
    tbmj: NDArray[np.float64],
    thresholds: Thresholds,
    crs: str,
) -> tuple[dict[int, Fault], dict[int, Fault]]:
    """Return the rows to be set aside and those to be kept with a warning.

    drawn: `drawn_areas`; read: as GDAL put the rings together, same units; placed: the same in the
    county's CRS. Kept is what TBMJ bears out.
    """
    rows = np.array([at for at in drawn if not shapely.is_missing(placed[at])], dtype=np.int64)
    was = np.array([drawn[at] for at in rows.tolist()], dtype=np.float64)
    now = np.abs(shapely.area(read[rows]))  # below zero where all rings run the wrong way
    odd = np.abs(now - was) > TOLERANCE * np.maximum(now, was)
    rows, was, now = rows[odd], was[odd], now[odd]
    official = measure.official_area(placed[rows], crs) if len(rows) else np.empty(0)
    kept = agrees_with_tbmj(official, tbmj[rows], thresholds) & ~np.isnan(tbmj[rows])
    aside, warned = {}, {}
    for at, a, b, good in zip(rows.tolist(), was, now, kept, strict=True):
        text = f"环的方向与位置矛盾（如洞画在外环之外）：按画法面积 {a:.4f}，按位置拼合 {b:.4f}"
        if good:
            warned[at] = Fault(RULE, f"{text}；图斑面积 {tbmj[at]:.2f} ㎡与后者相符，照收")
        else:
            aside[at] = Fault(RULE, f"{text}；没有相符的图斑面积可以证明哪个对")
    return aside, warned

"""Invalid polygons: why and where, mended within a stated tolerance, else set aside.

buffer(0) halves a bow-tie and make_valid changes areas by tens of percent, so a repair must agree
both with the shoelace area of the rings as drawn and with TBMJ where that is delivered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline import measure, overlay
from pipeline.ingest.geometry import POLYGON_TYPES, Fault, Shapes
from pipeline.ingest.units import agrees_with_tbmj

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.measure import Rings
    from pipeline.model import Thresholds

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

REPAIRED, INVALID, ZERO, SLIVER = "GEOM_REPAIRED", "GEOM_INVALID", "GEOM_ZERO", "GEOM_SLIVER"
REASONS = {
    "Self-intersection": "边界自相交",
    "Ring Self-intersection": "环与自身相接",
    "Hole lies outside shell": "洞在外环之外",
    "Holes are nested": "洞中套洞",
    "Interior is disconnected": "内部被洞切断",
    "Nested shells": "外环相套",
    "Duplicate Rings": "环重复",
    "Too few points in geometry component": "有的环点数太少",
    "Invalid Coordinate": "坐标无效",
    "Ring is not closed": "环不闭合",
}
"""What GEOS calls the faults."""
PLACE = re.compile(r"(.*?)\[([^] ]+) ([^] ]+)")


def why_invalid(geometry: Shapes) -> list[tuple[str, float, float]]:
    """Return reason (Chinese) and place of each invalid geometry's first fault."""
    found = []
    for said in shapely.is_valid_reason(geometry).tolist():
        match = PLACE.match(said)
        words = match[1] if match else said
        x, y = (float(match[2]), float(match[3])) if match else (np.nan, np.nan)
        found.append((REASONS.get(words.strip(), words.strip()), x, y))
    return found


def mend(
    geometry: Shapes, rings: Rings, tbmj: Floats, thresholds: Thresholds, crs: str
) -> tuple[Shapes, dict[int, Fault]]:
    """Repair invalid polygons within tolerance; the input is left as it is.

    rings: measure.rings_of(geometry), by which most are proven valid without GEOS; tbmj: m² as
    delivered, NaN where missing. Returns the mended array (None where set aside) and a
    fault per row concerned: GEOM_REPAIRED (kept), GEOM_INVALID or GEOM_ZERO (set aside). Accepted
    is |Δ| ≤ max(repair_abs_m2, repair_rel × area) against the shoelace area as drawn, and, where
    TBMJ is given, |Δ| ≤ max(tbmj_abs_m2, tbmj_rel × area) of the official area against TBMJ.
    """
    after = geometry.copy()
    doubtful = np.flatnonzero(~shapely.is_missing(geometry) & ~overlay.surely_valid(rings))
    wrong = doubtful[~shapely.is_valid(geometry[doubtful])]
    faults = _repair(wrong, after, tbmj, thresholds, crs) if len(wrong) else {}
    for at in np.flatnonzero(~shapely.is_missing(after) & ~(shapely.area(after) > 0)).tolist():
        faults[at] = Fault(ZERO, "图形面积为零")
        after[at] = None
    return after, faults


def _repair(
    wrong: NDArray[np.intp], after: Shapes, tbmj: Floats, thresholds: Thresholds, crs: str
) -> dict[int, Fault]:
    drawn = after[wrong]
    fixed = np.asarray(shapely.make_valid(drawn, method="structure", keep_collapsed=False))
    turned = shapely.area(drawn) < 0  # all rings run the wrong way: shell and hole swapped
    fixed[turned] = shapely.make_valid(drawn[turned], method="linework")
    was, now = np.abs(shapely.area(drawn)), shapely.area(fixed)
    usable = np.isin(shapely.get_type_id(fixed), POLYGON_TYPES) & ~shapely.is_empty(fixed)
    close = np.abs(now - was) <= np.maximum(thresholds.repair_abs_m2, thresholds.repair_rel * was)
    official = np.zeros(len(wrong))
    official[usable] = measure.official_area(fixed[usable], crs)
    agrees = agrees_with_tbmj(official, tbmj[wrong], thresholds)
    accepted = usable & close & agrees
    faults = {}
    for n, (reason, x, y) in enumerate(why_invalid(drawn)):
        place = "" if np.isnan(x) else f"，位于 x {x:.2f}、y {y:.2f}"
        text = f"图形有错（{reason}{place}），"
        given = tbmj[wrong[n]]
        figures = f"修复前后面积 {was[n]:.4f} → {now[n]:.4f} ㎡（差 {now[n] - was[n]:+.4f}）"
        if not np.isnan(given):
            figures += f"，修复后椭球面积 {official[n]:.2f} ㎡，图斑面积 {given:.2f} ㎡"
        if accepted[n]:
            text += f"已在容差内修复：{figures}"
        else:
            beyond = "超出容差" if not close[n] or not usable[n] else "与图斑面积不符"
            text += f"未修复：{figures}，{beyond}"
        faults[int(wrong[n])] = Fault(REPAIRED if accepted[n] else INVALID, text, x, y)
    after[wrong[accepted]] = fixed[accepted]
    after[wrong[~accepted]] = None
    return faults


def slivers(length_m: Floats, area_m2: Floats, thresholds: Thresholds) -> Bools:
    """Return which polygons are slivers by the county's thresholds: by area, or by width.

    length_m: of their outlines.
    """
    width = np.divide(2 * area_m2, length_m, out=np.zeros(len(area_m2)), where=length_m > 0)
    narrow = (width < thresholds.sliver_width_m) & (area_m2 < thresholds.sliver_width_area_m2)
    return np.asarray((area_m2 < thresholds.sliver_area_m2) | narrow)

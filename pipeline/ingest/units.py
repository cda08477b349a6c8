"""Whether TBMJ and geometry tell of the same ground: unit, projection, then plot by plot.

TBMJ is measured independently of how the coordinates are declared, so it is evidence on both: a
layer in 亩 is off by 0.0015, UTM coordinates declared as Gauss-Krüger by 1/0.9996².
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline import fields

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.model import Thresholds
    from pipeline.storage import Table

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

UNITS = (("亩", 1.5e-3), ("公顷", 1e-4), ("平方千米", 1e-6), ("平方分米", 100.0))
UNIT_TOLERANCE = 0.05  # hectares with two decimals are coarse
FEW = 5  # fewer plots say nothing about a layer
SCALE_TOLERANCE = 1e-4  # plots of one scale fault agree this well: 0.01 m² in 100 m²
PLANAR_TOLERANCE = 2e-5
UTM_LIKE_PPM = 2000
UNIT, SCALE, PLANAR, SINGLE = "TBMJ_UNIT", "TBMJ_SCALE", "TBMJ_PLANAR", "TBMJ_DIFFERS"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a layer's areas say: a rule ("" if sound) with text, evidence, rows that differ."""

    rule: str
    found: str
    evidence: str
    differs: Bools


def stated_area(table: Table) -> Floats:
    """Return TBMJ in m² as delivered, NaN where it is missing or not above zero."""
    if fields.TBMJ.name not in table:
        return np.full(len(table), np.nan)
    tbmj = table[fields.TBMJ.name].to_numpy(dtype=np.float64)
    return np.where(tbmj > 0, tbmj, np.nan)


def agrees_with_tbmj(official: Floats, tbmj: Floats, thresholds: Thresholds) -> Bools:
    """Return whether an official area agrees with TBMJ; where that is missing, nothing speaks."""
    limit = np.maximum(thresholds.tbmj_abs_m2, thresholds.tbmj_rel * official)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isnan(tbmj) | (np.abs(official - tbmj) <= limit))


def compare(tbmj: Floats, area_m2: Floats, planar_m2: Floats, thresholds: Thresholds) -> Verdict:
    """Hold TBMJ (NaN: missing) against official and planar area, the layer as a whole.

    A rule for the whole layer needs more than half of at least 5 plots: TBMJ_UNIT (another unit),
    TBMJ_PLANAR (planar area as drawn), TBMJ_SCALE (one ratio throughout).
    """
    given = (tbmj > 0) & (area_m2 > 0)
    count = int(given.sum())
    differs = given & ~agrees_with_tbmj(area_m2, tbmj, thresholds)
    if not count:
        return Verdict("", "", "没有可与图形相比的图斑面积", differs)
    ratio = tbmj[given] / area_m2[given]
    large = area_m2[given] >= np.median(area_m2[given])  # small plots lose digits
    middle = float(np.median(ratio[large]))
    off = int(differs.sum())
    evidence = f"图斑面积 ÷ 椭球面积中位数 {middle:.6g}，{count - off}/{count} 个相符"
    if count < FEW or 2 * off <= count:
        return Verdict("", "", evidence, differs)
    planar = tbmj[given] / planar_m2[given]
    rule, found = _of_all(ratio, planar, middle, large)
    return Verdict(rule, f"{evidence}；{found}" if found else "", evidence, differs)


def _of_all(ratio: Floats, planar: Floats, middle: float, large: Bools) -> tuple[str, str]:
    """Return the rule that explains most of the large plots, ("", "") if none does."""

    def most(values: Floats, target: float, tolerance: float) -> bool:
        return bool(np.mean(np.abs(values[large] / target - 1) <= tolerance) > 0.5)  # noqa: PLR2004 - most

    for unit, factor in UNITS:
        if most(ratio, factor, UNIT_TOLERANCE):
            return UNIT, f"像是以{unit}填写（1 ㎡ = {factor:g} {unit}）"
    if most(planar, 1.0, PLANAR_TOLERANCE):
        return PLANAR, "与平面面积相符，像是按投影平面计算，不是椭球面积"
    if most(ratio, middle, SCALE_TOLERANCE):
        off = (middle - 1) * 1e6
        why = "（UTM 误作高斯-克吕格为 +800 ppm）" if abs(off) < UTM_LIKE_PPM else ""
        return (
            SCALE,
            f"整层相差 {off:+.0f} ppm，不是个别图斑的问题；坐标或投影可能不是声明的那样{why}",
        )
    return "", ""

"""Which CRS a layer is in: parameters, magnitude, the county's code and meridian must agree.

CGCS2000 only. PROJ moves Xi'an 80 or Beijing 54 by no datum shift at all (a "ballpark" operation),
so those are refused, not transformed; between CGCS2000 frames nothing but the projection changes.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Transformer

from pipeline.errors import Finding
from pipeline.ingest.parameters import (
    GEOGRAPHIC_EPSG,
    MILLION,
    PLAIN_EPSG,
    PREFIXED_EPSG,
    SIX_EPSG,
    SIX_ZONES,
    ZONES,
    identify,
    meridian,
    wgs84_degrees,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.model import County

ODD_SHARE = 0.01  # more rows than this in another frame: a mixed layer, not stray rows
FAR_DEGREES = 2.5  # a county is kept in one 3° zone: 1.5° and what spills over
MARGIN_DEGREES = 0.3  # of a province's box, which is rounded

DEGREES, PLAIN, SWAPPED, MERCATOR, UNKNOWN = -1, -2, -3, -4, 0
"""Frames by magnitude; a positive frame is a zone prefix: 25-45 of 3°, 13-23 of 6°."""
FRAMES = {
    DEGREES: "经纬度（度）",
    PLAIN: "不带带号的高斯-克吕格坐标",
    SWAPPED: "X、Y 颠倒（北坐标在前）",
    MERCATOR: "像是 Web 墨卡托",
    UNKNOWN: "不属于任何已知范围",
}
EXPORT_ADVICE = (
    "请原单位转换到 CGCS2000（3 度带、6 度带或经纬度）、核对后重新提供；"
    "西安 80、北京 54 须按官方参数转换，不能只改 .prj"
)
SWAPPED_ADVICE = "对调 X、Y 后重新导出（东坐标为 x）；程序不自行对调"


@dataclass(frozen=True, slots=True)
class Decision:
    """The EPSG code, why (Chinese), and whether it had to be inferred or taken on trust."""

    epsg: int
    evidence: str
    warning: str = ""
    findings: tuple[Finding, ...] = ()


def frames(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the frame of each point by its magnitude (domain of mainland China).

    Web Mercator east of 117° looks like the 6° zones 13 to 15; the county's place tells them apart.
    """
    out = np.full(x.shape, UNKNOWN, dtype=np.int64)
    north = _within(y, 1.6e6, 6e6)
    out[_within(x, 8e6, 15.2e6) & _within(y, 3e5, 7.1e6)] = MERCATOR
    out[_within(x, 1e5, 9e5) & north] = PLAIN
    out[_within(x, 73, 136) & _within(y, 3, 54)] = DEGREES
    zone = np.floor(x / MILLION)
    numbered = _within(zone, ZONES[0], ZONES[-1]) | _within(zone, SIX_ZONES[0], SIX_ZONES[-1])
    prefixed = numbered & north & _within(x - zone * MILLION, 1e5, 9e5)
    out[prefixed] = zone[prefixed].astype(np.int64)
    swapped = (_within(y, 73, 136) & _within(x, 3, 54)) | (
        _within(x, 1.6e6, 6e6) & (_within(y, 1e5, 9e5) | _within(y, 13.1e6, 45.9e6))
    )
    out[swapped] = SWAPPED
    return out


def _within(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((values >= low) & (values <= high))


def describe(frame: int) -> str:
    """Return the Chinese name of a frame."""
    if frame > 0:
        return f"带 {6 if frame in SIX_ZONES else 3} 度带号 {frame} 的高斯-克吕格坐标"
    return FRAMES[frame]


def decide(
    declared: str | None, *, stated: str | None, frame: int, extent: str, where: str
) -> Decision:
    """Decide a layer's CRS.

    declared: WKT from the file; stated: EPSG code from county.toml; frame: the magnitude of its
    coordinates; extent: the same in figures, for messages. A decision with findings has no code.
    """
    if frame in {SWAPPED, UNKNOWN} or (frame == MERCATOR and declared is None):
        advice = SWAPPED_ADVICE if frame == SWAPPED else EXPORT_ADVICE
        return _refuse(where, f"坐标{describe(frame)}：{extent}", advice)
    if declared is None:
        return _undeclared(stated, frame, extent, where)
    epsg, problem = identify(declared)
    if stated == f"EPSG:{GEOGRAPHIC_EPSG}" and wgs84_degrees(declared):
        epsg, problem = GEOGRAPHIC_EPSG, ""
    if problem:
        found = f"声明的坐标系{problem}；坐标{describe(frame)}：{extent}"
        return _refuse(where, found, EXPORT_ADVICE)
    return _declared(epsg, stated, frame, extent, where)


def _declared(epsg: int, stated: str | None, frame: int, extent: str, where: str) -> Decision:
    if _frame_of(epsg) != frame:
        found = (
            f"声明的坐标系是 EPSG:{epsg}（{describe(_frame_of(epsg))}），"
            f"坐标却是{describe(frame)}：{extent}"
        )
        return _refuse(where, found, "改正 .prj 或坐标，使二者一致；不能确定时请原单位重新导出")
    if stated and stated != f"EPSG:{epsg}":
        found = f"文件声明 EPSG:{epsg}，county.toml 写明 {stated}，二者不符"
        return _refuse(where, found, "改正或删去 county.toml 中该图层的 crs")
    return Decision(epsg, f"EPSG:{epsg}：声明的参数与坐标数值一致（{extent}）")


def _undeclared(stated: str | None, frame: int, extent: str, where: str) -> Decision:
    if stated:
        epsg = int(stated.removeprefix("EPSG:"))
        if _frame_of(epsg) != frame:
            found = f"county.toml 写明 {stated}，坐标却是{describe(frame)}：{extent}"
            return _refuse(where, found, "改正 county.toml 中该图层的 crs")
        why = f"文件没有声明坐标系，按 county.toml 写明的 {stated}"
    elif frame in SIX_ZONES:
        found = f"文件没有声明坐标系，坐标像是{describe(frame)}，也可能是 Web 墨卡托：{extent}"
        return _refuse(where, found, EXPORT_ADVICE)
    elif frame == PLAIN:
        found = f"文件没有声明坐标系（缺 .prj），坐标不带带号，无法确定中央经线：{extent}"
        role = "parcels" if where.startswith("exports/") else "该图层"
        advice = (
            f'补上 .prj，或在 county.toml 的 [layers] 为 {role} 写明 crs（如 crs = "EPSG:4545"）'
        )
        return _refuse(where, found, advice)
    else:
        epsg = GEOGRAPHIC_EPSG if frame == DEGREES else PREFIXED_EPSG + frame - ZONES[0]
        why = f"文件没有声明坐标系，按坐标数值（{describe(frame)}）认定为 CGCS2000 EPSG:{epsg}"
    return Decision(epsg, f"EPSG:{epsg}：{why}（{extent}）", warning=why)


def _refuse(where: str, found: str, advice: str) -> Decision:
    return Decision(0, "", findings=(Finding(where, found, advice),))


def _frame_of(epsg: int) -> int:
    if epsg == GEOGRAPHIC_EPSG:
        return DEGREES
    if epsg < PREFIXED_EPSG:
        return epsg - SIX_EPSG + SIX_ZONES[0]
    return PLAIN if epsg >= PLAIN_EPSG else epsg - PREFIXED_EPSG + ZONES[0]


@cache
def _provinces() -> dict[str, tuple[str, tuple[float, float, float, float]]]:
    """Return name and box (west, south, east, north) by the first two digits of a county's code."""
    text = files("pipeline.tables").joinpath("provinces.csv").read_text(encoding="utf-8")
    return {
        row["code"]: (
            row["name"],
            (float(row["west"]), float(row["south"]), float(row["east"]), float(row["north"])),
        )
        for row in csv.DictReader(text.splitlines())
    }


def check_place(
    epsg: int, x: float, y: float, county: County, where: str
) -> tuple[str, tuple[Finding, ...]]:
    """Hold a layer's middle (in the decided CRS) against the county's code and working meridian.

    Returns the evidence in Chinese, and the findings if they disagree. The code of no province and
    that of a sample county, which lies where it was invented, are left out of it.
    """
    to_degrees = Transformer.from_crs(f"EPSG:{epsg}", f"EPSG:{GEOGRAPHIC_EPSG}", always_xy=True)
    east, north = to_degrees.transform(x, y)
    place = f"位于东经 {east:.2f}°、北纬 {north:.2f}°"
    told = []
    central = meridian(int(county.crs.removeprefix("EPSG:"))) or 0
    if abs(east - central) > FAR_DEGREES:
        told.append(f"离本县工作坐标系 {county.crs} 的中央经线 {central}° 太远")
    name, box = _provinces().get(county.code[:2], ("", None))
    if (
        box is not None
        and not county.sample
        and not (
            box[0] - MARGIN_DEGREES <= east <= box[2] + MARGIN_DEGREES
            and box[1] - MARGIN_DEGREES <= north <= box[3] + MARGIN_DEGREES
        )
    ):
        told.append(f"不在县代码 {county.code} 所属的{name}范围内")
    if told:
        found = f"按 EPSG:{epsg} 解读，图层{place}，{'，'.join(told)}"
        advice = "核对坐标系（带号、中央经线）和 county.toml 的 code、crs；确认数据属于本县"
        return place, (Finding(where, found, advice),)
    checked = bool(name) and not county.sample
    whose = f"县代码 {county.code}（{name}）、" if checked else ""
    return f"{place}，与{whose}工作坐标系中央经线 {central}° 相符", ()

"""Which CRS a layer is in: declared parameters and coordinate magnitude together, never names.

CGCS2000 only (EPSG:4490, 4513-4554). PROJ moves Xi'an 80 or Beijing 54 by no datum shift at all
(a "ballpark" operation), so those are refused, not transformed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError

from pipeline.errors import Finding

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEMI_MAJOR, INVERSE_FLATTENING = 6378137.0, 298.257222101
FLATTENING_TOLERANCE = 5e-7  # WGS 84 differs by 1.5e-6
ZONES = range(25, 46)
MILLION = 1_000_000
CENTRE = 500_000
PREFIXED_EPSG, PLAIN_EPSG, GEOGRAPHIC_EPSG = 4513, 4534, 4490
ODD_SHARE = 0.01  # more rows than this in another frame: a mixed layer, not stray rows

DEGREES, PLAIN, SWAPPED, MERCATOR, SIX, UNKNOWN = -1, -2, -3, -4, -5, 0
"""Frames by magnitude; a positive frame is a prefixed 3° zone."""
FRAMES = {
    DEGREES: "经纬度(度)",
    PLAIN: "不带带号的高斯-克吕格坐标",
    SWAPPED: "X、Y 颠倒(北坐标在前)",
    MERCATOR: "像是 Web 墨卡托",
    SIX: "带 6 度带号的坐标",
    UNKNOWN: "不属于任何已知范围",
}
EXPORT_ADVICE = "请原单位按 CGCS2000 3 度带(或 CGCS2000 经纬度)转换并核对后重新提供"


@dataclass(frozen=True, slots=True)
class Decision:
    """The EPSG code, why (Chinese), and whether it had to be inferred or taken on trust."""

    epsg: int
    evidence: str
    warning: str = ""
    findings: tuple[Finding, ...] = ()


def frames(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the frame of each point by its magnitude (domain of mainland China)."""
    out = np.full(x.shape, UNKNOWN, dtype=np.int64)
    zone = np.floor(x / MILLION)
    north = _within(y, 1.6e6, 6e6)
    offset = x - zone * MILLION
    prefixed = _within(zone, ZONES[0], ZONES[-1]) & north & _within(offset, 1e5, 9e5)
    out[_within(x, 13e6, 24e6) & north] = SIX
    out[_within(x, 8e6, 13e6) & _within(y, 3e5, 7.1e6)] = MERCATOR
    out[_within(x, 1e5, 9e5) & north] = PLAIN
    out[_within(x, 73, 136) & _within(y, 3, 54)] = DEGREES
    out[prefixed] = zone[prefixed].astype(np.int64)
    swapped = (_within(y, 73, 136) & _within(x, 3, 54)) | (
        _within(x, 1.6e6, 6e6) & (_within(y, 1e5, 9e5) | _within(y, 25.1e6, 45.9e6))
    )
    out[swapped] = SWAPPED
    return out


def _within(values: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((values >= low) & (values <= high))


def describe(frame: int) -> str:
    """Return the Chinese name of a frame."""
    return f"带 3 度带号 {frame} 的高斯-克吕格坐标" if frame > 0 else FRAMES[frame]


def decide(
    declared: str | None, *, stated: str | None, frame: int, extent: str, where: str
) -> Decision:
    """Decide a layer's CRS.

    declared: WKT from the file; stated: EPSG code from county.toml; frame: the magnitude of its
    coordinates; extent: the same in figures, for messages. A decision with findings has no code.
    """
    if frame in {SWAPPED, MERCATOR, SIX, UNKNOWN}:
        found = f"坐标{describe(frame)}:{extent}"
        advice = "对调 X、Y 后重新导出(东坐标为 x)" if frame == SWAPPED else EXPORT_ADVICE
        return _refuse(where, found, advice)
    if declared is None:
        return _undeclared(stated, frame, extent, where)
    epsg, problem = identify(declared)
    if stated and _wgs84_degrees(declared) and stated == f"EPSG:{GEOGRAPHIC_EPSG}":
        epsg, problem = GEOGRAPHIC_EPSG, ""
    if problem:
        return _refuse(where, f"声明的坐标系{problem}", EXPORT_ADVICE)
    if _frame_of(epsg) != frame:
        found = (
            f"声明的坐标系是 EPSG:{epsg}({describe(_frame_of(epsg))}),"
            f"坐标却是{describe(frame)}:{extent}"
        )
        return _refuse(where, found, "改正 .prj 或坐标,使二者一致;不能确定时请原单位重新导出")
    if stated and stated != f"EPSG:{epsg}":
        found = f"文件声明 EPSG:{epsg},county.toml 写明 {stated},二者不符"
        return _refuse(where, found, "改正或删去 county.toml 中该图层的 crs")
    return Decision(epsg, f"EPSG:{epsg}:声明的参数与坐标数值一致({extent})")


def _undeclared(stated: str | None, frame: int, extent: str, where: str) -> Decision:
    if stated:
        epsg = int(stated.removeprefix("EPSG:"))
        if _frame_of(epsg) != frame:
            found = f"county.toml 写明 {stated},坐标却是{describe(frame)}:{extent}"
            return _refuse(where, found, "改正 county.toml 中该图层的 crs")
        why = f"文件没有声明坐标系,按 county.toml 写明的 {stated}"
    elif frame == PLAIN:
        found = f"文件没有声明坐标系(缺 .prj),坐标不带带号,无法确定中央经线:{extent}"
        role = "parcels" if where.startswith("exports/") else "该图层"
        advice = f'补上 .prj,或在 county.toml 的 [layers] 为 {role} 写明 crs(如 crs = "EPSG:4545")'
        return _refuse(where, found, advice)
    else:
        epsg = GEOGRAPHIC_EPSG if frame == DEGREES else PREFIXED_EPSG + frame - ZONES[0]
        why = f"文件没有声明坐标系,按坐标数值({describe(frame)})认定为 CGCS2000 EPSG:{epsg}"
    return Decision(epsg, f"EPSG:{epsg}:{why}({extent})", warning=why)


def _refuse(where: str, found: str, advice: str) -> Decision:
    return Decision(0, "", findings=(Finding(where, found, advice),))


def _frame_of(epsg: int) -> int:
    if epsg == GEOGRAPHIC_EPSG:
        return DEGREES
    return PLAIN if epsg >= PLAIN_EPSG else epsg - PREFIXED_EPSG + ZONES[0]


def identify(wkt: str) -> tuple[int, str]:
    """Return (EPSG code, "") of a CGCS2000 CRS by its parameters, else (0, Chinese reason)."""
    try:
        crs = CRS.from_user_input(wkt)
    except CRSError:
        return 0, f"无法解析:{wkt[:60]}"
    if crs.is_compound:
        crs = crs.sub_crs_list[0]  # the vertical part says nothing about where a plot lies
    ellipsoid = crs.ellipsoid
    if ellipsoid is None or not _cgcs2000(ellipsoid.semi_major_metre, ellipsoid.inverse_flattening):
        shown = "未知" if ellipsoid is None else f"{ellipsoid.semi_major_metre:.0f}/"
        shown += "" if ellipsoid is None else f"{ellipsoid.inverse_flattening:.9g}"
        return 0, f"“{crs.name}”不是 CGCS2000(椭球 {shown})"
    if crs.prime_meridian is not None and crs.prime_meridian.longitude != 0:
        return 0, f"“{crs.name}”的本初子午线不是格林尼治"
    if crs.is_geographic:
        return GEOGRAPHIC_EPSG, ""
    return _projected(crs)


def _cgcs2000(semi_major: float, inverse_flattening: float) -> bool:
    return (
        abs(semi_major - SEMI_MAJOR) < 1e-3  # noqa: PLR2004 - a millimetre
        and abs(inverse_flattening - INVERSE_FLATTENING) < FLATTENING_TOLERANCE
    )


def _wgs84_degrees(wkt: str) -> bool:
    crs = CRS.from_user_input(wkt)
    flattening = 0.0 if crs.ellipsoid is None else crs.ellipsoid.inverse_flattening
    return crs.is_geographic and abs(flattening - 298.257223563) < FLATTENING_TOLERANCE


def _projected(crs: CRS) -> tuple[int, str]:
    operation = crs.coordinate_operation
    units = {axis.unit_conversion_factor for axis in crs.axis_info}
    if operation is None or operation.method_code != "9807" or units != {1.0}:
        return 0, f"“{crs.name}”不是以米为单位的高斯-克吕格投影"
    values = {p.code: float(p.value) * p.unit_conversion_factor for p in operation.params}
    degree = np.pi / 180
    latitude, meridian = values.get("8801", 0) / degree, values.get("8802", 0) / degree
    scale, easting = values.get("8805", 0), values.get("8806", 0)
    zone = round(meridian / 3)
    shown = f"“{crs.name}”(中央经线 {meridian:g},东偏移 {easting:.0f},比例 {scale:g})"
    base = (
        abs(meridian - 3 * zone) < 1e-9  # noqa: PLR2004 - rounding of degrees to radians
        and zone in ZONES
        and abs(latitude) < 1e-9  # noqa: PLR2004
        and scale == 1
        and values.get("8807", 0) == 0
    )
    codes = {
        float(CENTRE): PLAIN_EPSG + zone - ZONES[0],
        float(zone * MILLION + CENTRE): PREFIXED_EPSG + zone - ZONES[0],
    }
    if not base or easting not in codes:
        return 0, f"{shown}不是标准 3 度带"
    named = re.search(r"Zone[_ ]?([0-9]{2})\b|CM[_ ]?([0-9]{2,3})E?\b", crs.name, re.IGNORECASE)
    if named and 3 * zone != (3 * int(named[1]) if named[1] else int(named[2])):
        return 0, f"{shown}名称与参数矛盾"
    return codes[easting], ""

"""What a declared CRS says by its parameters: CGCS2000 Gauss-Krüger, or what it is instead.

Names are only heard where they contradict the parameters. 4513-4533 and 4534-4554 are the 3° zones
25-45 with and without prefix, 4491-4501 the 6° zones 13-23 with prefix (without it they are the 3°
zones of the same meridian), 4490 degrees.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError

SEMI_MAJOR, INVERSE_FLATTENING = 6378137.0, 298.257222101
FLATTENING_TOLERANCE = 5e-7  # WGS 84 differs by 1.5e-6
ZONES, SIX_ZONES = range(25, 46), range(13, 24)
MILLION, CENTRE = 1_000_000, 500_000
PREFIXED_EPSG, PLAIN_EPSG, SIX_EPSG, GEOGRAPHIC_EPSG = 4513, 4534, 4491, 4490
TRANSVERSE_MERCATOR, WEB_MERCATOR = "9807", "1024"
UTM_SCALE = 0.9996
KEYWORDS = ("PROJ", "GEOG", "GEOD", "COMP", "BOUND", "BASE", "LOCAL", "ENG")
ELLIPSOIDS = (
    (6378140.0, 298.257, "西安 80"),
    (6378245.0, 298.3, "北京 54"),
    (SEMI_MAJOR, 298.257223563, "WGS 84"),
)


def identify(declared: str) -> tuple[int, str]:
    """Return (EPSG code, "") of a CGCS2000 CRS by its parameters, else (0, Chinese reason).

    declared: WKT, or a code (EPSG:4524) where a format stores no more; a bare name says nothing.
    """
    crs = _parse(declared)
    if crs is None:
        return 0, f"无法解析：{declared.strip()[:60]}"
    ellipsoid = crs.ellipsoid
    if ellipsoid is None or not _near(ellipsoid.semi_major_metre, ellipsoid.inverse_flattening):
        return 0, f"“{crs.name}”{_datum(crs)}，不是 CGCS2000"
    if crs.prime_meridian is not None and crs.prime_meridian.longitude != 0:
        return 0, f"“{crs.name}”的本初子午线不是格林尼治"
    return (GEOGRAPHIC_EPSG, "") if crs.is_geographic else _projected(crs)


def wgs84_degrees(declared: str) -> bool:
    """Return whether a CRS is WGS 84 longitude and latitude, as GeoJSON files say by default."""
    crs = _parse(declared)
    if crs is None or crs.ellipsoid is None or not crs.is_geographic:
        return False
    return abs(crs.ellipsoid.inverse_flattening - ELLIPSOIDS[2][1]) < FLATTENING_TOLERANCE


def meridian(epsg: int) -> int | None:
    """Return the central meridian in degrees of a code `identify` returns, None for degrees."""
    if epsg >= PREFIXED_EPSG:
        return 3 * ((epsg - PREFIXED_EPSG) % len(ZONES) + ZONES[0])
    return 6 * (epsg - SIX_EPSG + SIX_ZONES[0]) - 3 if epsg >= SIX_EPSG else None


@lru_cache(maxsize=16)
def _parse(declared: str) -> CRS | None:
    """Return the horizontal CRS; the vertical part says nothing about where a plot lies."""
    text = declared.strip().lstrip("\ufeff")
    if not text.upper().startswith(KEYWORDS) and not re.fullmatch(r"EPSG:[0-9]+", text.upper()):
        return None
    try:
        crs = CRS.from_user_input(text)
    except CRSError:
        return None
    if crs.is_compound:
        crs = crs.sub_crs_list[0]
    return crs.source_crs if crs.is_bound else crs


def _near(semi_major: float, inverse_flattening: float) -> bool:
    return (
        abs(semi_major - SEMI_MAJOR) < 1e-3  # noqa: PLR2004 - a millimetre
        and abs(inverse_flattening - INVERSE_FLATTENING) < FLATTENING_TOLERANCE
    )


def _datum(crs: CRS) -> str:
    """Return in Chinese what a foreign CRS is, by ellipsoid and projection."""
    ellipsoid, operation = crs.ellipsoid, crs.coordinate_operation
    if ellipsoid is None:
        return "没有椭球参数"
    size, flat = ellipsoid.semi_major_metre, ellipsoid.inverse_flattening
    known = [name for a, f, name in ELLIPSOIDS if abs(size - a) < 1 and abs(flat - f) < 1e-6]  # noqa: PLR2004 - as printed
    name = known[0] if known else "未知椭球"
    if operation is not None and operation.method_code == WEB_MERCATOR:
        name = "Web 墨卡托"
    elif operation is not None and _values(crs).get("8805") == UTM_SCALE:
        name = f"{name} UTM（比例 {UTM_SCALE}）"
    return f"是{name}（椭球 {size:.0f}/{flat:.9g}）"


def _values(crs: CRS) -> dict[str, float]:
    operation = crs.coordinate_operation
    parameters = operation.params if operation is not None else ()
    return {p.code: float(p.value) * p.unit_conversion_factor for p in parameters}


def _projected(crs: CRS) -> tuple[int, str]:
    operation = crs.coordinate_operation
    units = {axis.unit_conversion_factor for axis in crs.axis_info}
    if operation is None or operation.method_code != TRANSVERSE_MERCATOR or units != {1.0}:
        return 0, f"“{crs.name}”不是以米为单位的高斯-克吕格投影"
    values = _values(crs)
    degree = np.pi / 180
    latitude, longitude = values.get("8801", 0) / degree, values.get("8802", 0) / degree
    scale, easting = values.get("8805", 0), values.get("8806", 0)
    shown = f"“{crs.name}”（中央经线 {longitude:g}，东偏移 {easting:.0f}，比例 {scale:g}）"
    if scale == UTM_SCALE:
        return 0, f"{shown}是 UTM 投影，不是高斯-克吕格"
    sound = abs(latitude) < 1e-9 and scale == 1 and values.get("8807", 0) == 0  # noqa: PLR2004 - rounding
    code = _codes(longitude).get(easting) if sound else None
    if code is None:
        return 0, f"{shown}不是标准 3 度带或 6 度带"
    if _named_otherwise(crs.name, round(longitude)):
        return 0, f"{shown}名称与参数矛盾"
    return code, ""


def _codes(longitude: float) -> dict[float, int]:
    """Return the EPSG codes of a central meridian by false easting."""
    zone, six = round(longitude / 3), round((longitude + 3) / 6)
    codes = {}
    if abs(longitude - 3 * zone) < 1e-9 and zone in ZONES:  # noqa: PLR2004 - degrees from radians
        codes[float(CENTRE)] = PLAIN_EPSG + zone - ZONES[0]
        codes[float(zone * MILLION + CENTRE)] = PREFIXED_EPSG + zone - ZONES[0]
    if abs(longitude - 6 * six + 3) < 1e-9 and six in SIX_ZONES:  # noqa: PLR2004 - rounding
        codes[float(six * MILLION + CENTRE)] = SIX_EPSG + six - SIX_ZONES[0]
    return codes


def _named_otherwise(name: str, longitude: int) -> bool:
    """Return whether a name tells another zone or meridian than the parameters."""
    zone = re.search(r"Zone[_ ]?([0-9]{2})\b", name, re.IGNORECASE)
    if zone:
        number = int(zone[1])
        return longitude != (3 * number if number in ZONES else 6 * number - 3)
    central = re.search(r"CM[_ ]?([0-9]{2,3})E?\b", name, re.IGNORECASE)
    return bool(central and longitude != int(central[1]))

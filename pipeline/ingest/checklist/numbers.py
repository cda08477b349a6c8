"""Numbers of a list: areas with the unit in the cell, coordinates in any of their forms."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pyproj import Transformer

from pipeline.ingest import crs
from pipeline.ingest.checklist.columns import unit_of
from pipeline.ingest.parameters import (
    GEOGRAPHIC_EPSG,
    PLAIN_EPSG,
    PREFIXED_EPSG,
    SIX_EPSG,
    SIX_ZONES,
    ZONES,
    meridian,
)
from pipeline.tables.lists import normal

if TYPE_CHECKING:
    from numpy.typing import NDArray

METRES_PER_DEGREE = 111_320.0
ZONE_DEGREES = 3
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?|[+-]?\.[0-9]+")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DEGREES = re.compile(
    r"[EN东北经纬度:]*([0-9]{1,3})[°度]([0-9]{1,2})['′分](?:([0-9]{1,2}(?:\.[0-9]+)?)(?:[\"″秒]|''|′′)?)?[EN]?"
)
_PAIR = re.compile(r"[,;、\s]+")


class Amount(NamedTuple):
    """A number as written: its exact value, the decimals it shows, its unit ("" if none)."""

    value: Decimal
    decimals: int
    unit: str = ""


class Ordinate(NamedTuple):
    """A coordinate: metres or degrees, and half of its last printed digit."""

    value: float
    half: float


def amount(text: str) -> Amount | None:
    """Read a number with or without its unit; thousands may be set apart by commas."""
    spelled = normal(text)
    unit = unit_of(spelled)
    bare = re.sub(r"(?:万?亩|公顷|HM2|HA|平方米|平米|M2)$", "", spelled) if unit else spelled
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    if not _NUMBER.fullmatch(bare):
        return None
    value = Decimal(bare)
    return Amount(value, max(0, -int(value.as_tuple().exponent)), unit)


def ordinate(text: str) -> Ordinate | None:
    """Read one coordinate: a number, or degrees, minutes and seconds."""
    number = amount(re.sub(r"[°度EN东北经纬]", "", normal(text)) if _plain(text) else text)
    if number is not None and not number.unit:
        return Ordinate(float(number.value), 0.5 * 10.0**-number.decimals)
    match = _DEGREES.fullmatch(normal(text))
    if match is None:
        return None
    seconds = match[3] or "0"
    places = len(seconds.partition(".")[2])
    value = int(match[1]) + int(match[2]) / 60 + float(seconds) / 3600
    return Ordinate(value, 0.5 * 10.0**-places / 3600 if match[3] else 0.5 / 60)


def _plain(text: str) -> bool:
    """Whether degrees are written as a decimal number （“109.1234°E”）."""
    return not re.search(r"['′分]", text)


def pair(text: str) -> tuple[Ordinate, Ordinate] | None:
    """Read both coordinates from one cell （“109.12, 33.65”）."""
    parts = [part for part in _PAIR.split(text.strip("()（）[] ").replace("，", ",")) if part]
    both = [ordinate(part) for part in parts]
    first, second = (both[0], both[1]) if len(both) == 2 else (None, None)  # noqa: PLR2004 - a pair
    return None if first is None or second is None else (first, second)


class Places(NamedTuple):
    """Points in the county's CRS; frame: as written (`crs.frames`); swapped: north came first."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    frame: NDArray[np.int64]
    swapped: NDArray[np.bool_]


def places(x: NDArray[np.float64], y: NDArray[np.float64], county_crs: str) -> Places:
    """Turn coordinates into the county's CRS by their magnitude, point by point.

    Metres without a zone are taken in the county's own zone; points in no frame that can be
    turned stay NaN.
    """
    frame = np.asarray(crs.frames(x, y))
    swapped = frame == crs.SWAPPED
    east, north = np.where(swapped, y, x), np.where(swapped, x, y)
    frame = np.where(swapped, crs.frames(east, north), frame)
    own = meridian(int(county_crs.rpartition(":")[2])) or 0
    out_x, out_y = np.full(len(x), np.nan), np.full(len(x), np.nan)
    for found in np.unique(frame).tolist():
        source = _epsg(found, own)
        if source is None:
            continue
        here = frame == found
        turn = Transformer.from_crs(f"EPSG:{source}", county_crs, always_xy=True)
        out_x[here], out_y[here] = turn.transform(east[here], north[here])
    return Places(out_x, out_y, frame, swapped)


def _epsg(frame: int, own: float) -> int | None:
    """Return the EPSG code of a frame; own: the county's meridian, for metres without a zone."""
    if frame == crs.DEGREES:
        return GEOGRAPHIC_EPSG
    if frame == crs.PLAIN:
        return PLAIN_EPSG + round(own / ZONE_DEGREES) - ZONES[0]
    if frame in SIX_ZONES:
        return SIX_EPSG + frame - SIX_ZONES[0]
    return PREFIXED_EPSG + frame - ZONES[0] if frame in ZONES else None

"""From WKB to sound polygons in the working CRS, row by row accountable.

Nothing is mended beyond the stated tolerance: buffer(0) halves a bow-tie and make_valid changes
areas by tens of percent, so a repair that moves more area than allowed sets the plot aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.errors import GEOSException, ShapelyError

from pipeline.ingest import crs as crs_room

if TYPE_CHECKING:
    from pipeline.model import Thresholds

Shapes: TypeAlias = NDArray[np.object_]
POLYGON_TYPES = (3, 6)
HUGE = 1e9
TYPE_NAMES = {0: "点", 1: "线", 2: "线环", 4: "多点", 5: "多线", 7: "混合图形"}


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row can't be used, or what was mended: rule code and Chinese text."""

    rule: str
    found: str


@dataclass(slots=True)
class Shaped:
    """Geometries of a layer (None where unusable), faults by position, notes for the log."""

    geometry: Shapes
    faults: dict[int, Fault]
    notes: list[str]


def parse(wkb: Shapes) -> Shaped:
    """Parse WKB row by row to 2D (multi)polygons; all others are faults."""
    with np.errstate(invalid="ignore"):  # a NaN coordinate is a finding of ours, no warning
        return _parse(wkb)


def _parse(wkb: Shapes) -> Shaped:
    present = np.array([bool(b) for b in wkb], dtype=np.bool_)
    safe = wkb.copy()
    safe[~present] = None
    geometry = np.asarray(shapely.from_wkb(safe, on_invalid="ignore"), dtype=object)
    faults: dict[int, Fault] = {}
    for at in np.flatnonzero(present & shapely.is_missing(geometry)):
        faults[int(at)] = Fault("GEOM_UNREADABLE", f"图形无法解析({_reason(wkb[at])})")
    notes = []
    deep = shapely.has_z(geometry) | shapely.has_m(geometry)
    if deep.any():
        notes.append(f"{int(deep.sum())} 个图形带高程或量测值(Z/M),已去掉,只用平面坐标")
    geometry = np.asarray(shapely.force_2d(geometry), dtype=object)
    _note_faults(geometry, present, faults)
    geometry[list(faults)] = None
    return Shaped(geometry, faults, notes)


def _reason(data: bytes) -> str:
    try:
        shapely.from_wkb(data)
    except (GEOSException, ShapelyError) as error:
        return str(error).strip()[:80]
    return "原因不明"


def _note_faults(geometry: Shapes, present: NDArray[np.bool_], faults: dict[int, Fault]) -> None:
    kinds = shapely.get_type_id(geometry)
    low, high = _bounds(geometry)
    tests = (
        (~present | shapely.is_empty(geometry), "GEOM_NULL", "图形为空"),
        ((kinds >= 0) & ~np.isin(kinds, POLYGON_TYPES), "GEOM_TYPE", "图形不是面"),
        (_nonfinite(geometry) | (low < -HUGE) | (high > HUGE), "GEOM_COORD", "坐标不是有效数字"),
    )
    for mask, rule, found in tests:
        for at in np.flatnonzero(mask):
            text = found
            if rule == "GEOM_TYPE":
                text += f",是{TYPE_NAMES.get(int(kinds[at]), '其他类型')}"
            faults.setdefault(int(at), Fault(rule, text))


def _bounds(geometry: Shapes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    bounds = shapely.bounds(geometry)
    return bounds[:, :2].min(axis=1), bounds[:, 2:].max(axis=1)


def _nonfinite(geometry: Shapes) -> NDArray[np.bool_]:
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    bad = np.zeros(len(geometry), dtype=bool)
    bad[owner[~np.isfinite(xy).all(axis=1)]] = True
    return bad


def frame_of(geometry: Shapes) -> tuple[int, NDArray[np.bool_], str]:
    """Return the frame most rows lie in, which rows lie in another, and the extent in figures.

    A layer with more than 1 % of its rows elsewhere is in no single frame (crs.UNKNOWN).
    """
    bounds = shapely.bounds(geometry)
    usable = np.asarray(np.isfinite(bounds).all(axis=1), dtype=np.bool_)
    if not usable.any():
        return crs_room.UNKNOWN, ~usable, "没有可用的坐标"
    low = crs_room.frames(bounds[:, 0], bounds[:, 1])
    high = crs_room.frames(bounds[:, 2], bounds[:, 3])
    each = np.where(low == high, low, crs_room.UNKNOWN)
    values, counts = np.unique(each[usable], return_counts=True)
    frame = int(values[np.argmax(counts)])
    odd = usable & (each != frame)
    main = bounds[usable & ~odd]
    extent = (
        f"x {main[:, 0].min():.10g} 至 {main[:, 2].max():.10g},"
        f"y {main[:, 1].min():.10g} 至 {main[:, 3].max():.10g}"
    )
    if odd.sum() > crs_room.ODD_SHARE * usable.sum():
        names = "、".join(crs_room.describe(int(v)) for v in values)
        return crs_room.UNKNOWN, odd, f"同一图层混有 {names}"
    return frame, odd, extent


def middle(geometry: Shapes) -> tuple[float, float]:
    """Return the median middle of the geometries' extents, which no stray row can move."""
    bounds = shapely.bounds(geometry)
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    x, y = np.median((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0)
    return float(x), float(y)


def project(geometry: Shapes, source: int, target: str, grid_m: float) -> Shapes:
    """Return the geometry in the working CRS, x = east, every coordinate on the grid."""
    if f"EPSG:{source}" != target:
        transformer = Transformer.from_crs(f"EPSG:{source}", target, always_xy=True)
        xy = shapely.get_coordinates(geometry)
        moved = np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
        geometry = shapely.set_coordinates(geometry.copy(), moved)
    steps = round(1 / grid_m)
    if abs(steps * grid_m - 1) < 1e-9:  # noqa: PLR2004 - 0.0001 m: dividing is exact to the ulp
        return np.asarray(shapely.transform(geometry, lambda xy: np.rint(xy * steps) / steps))
    return np.asarray(shapely.transform(geometry, lambda xy: np.rint(xy / grid_m) * grid_m))


def mend(geometry: Shapes, thresholds: Thresholds) -> tuple[Shapes, dict[int, Fault]]:
    """Repair invalid polygons within tolerance; the input is left as it is.

    Returns the mended array (None where set aside) and a fault per row concerned: GEOM_REPAIRED
    (kept), GEOM_INVALID or GEOM_ZERO (set aside). A repair is accepted if
    |Δarea| ≤ max(repair_abs_m2, repair_rel × area), planar, before by shoelace.
    """
    after = geometry.copy()
    faults: dict[int, Fault] = {}
    wrong = np.flatnonzero(~shapely.is_missing(geometry) & ~shapely.is_valid(geometry))
    fixed = shapely.make_valid(geometry[wrong], method="structure", keep_collapsed=False)
    was, now = shapely.area(geometry[wrong]), shapely.area(fixed)
    limit = np.maximum(thresholds.repair_abs_m2, thresholds.repair_rel * was)
    polygonal = np.isin(shapely.get_type_id(fixed), POLYGON_TYPES) & ~shapely.is_empty(fixed)
    accepted = polygonal & (np.abs(now - was) <= limit)
    reasons = shapely.is_valid_reason(geometry[wrong])
    for n, at in enumerate(wrong.tolist()):
        change = f"面积由 {was[n]:.4f} 变为 {now[n]:.4f} ㎡"
        if accepted[n]:
            faults[at] = Fault("GEOM_REPAIRED", f"图形有错已修复({reasons[n]}),{change}")
        else:
            text = f"图形有错({reasons[n]}),修复会使{change},超出容差"
            faults[at] = Fault("GEOM_INVALID", text)
    after[wrong[accepted]] = fixed[accepted]
    after[wrong[~accepted]] = None
    for at in np.flatnonzero(~shapely.is_missing(after) & ~(shapely.area(after) > 0)).tolist():
        faults[at] = Fault("GEOM_ZERO", "图形面积为零")
        after[at] = None
    return after, faults

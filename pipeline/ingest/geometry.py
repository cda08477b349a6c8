"""From WKB to polygons in the working CRS, row by row: one bad ring never costs a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.errors import GEOSException, ShapelyError

from pipeline.ingest import crs as crs_room
from pipeline.ingest.curves import wkb_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.storage import Shelf

Shapes: TypeAlias = NDArray[np.object_]
POLYGON_TYPES = (3, 6)
HUGE = 1e9
PLAIN_TYPES = range(1, 8)
TYPE_NAMES = {
    1: "点", 2: "线", 4: "多点", 5: "多线", 7: "混合图形", 15: "多面体", 16: "三角网（TIN）",
    17: "三角面",
}  # fmt: skip
SOLID = (15, 16, 17)
READING_ERRORS = {
    "number of points": "有的环少于 4 个点",
    "closed": "有的环不闭合",
    "EOF": "数据不完整",
    "end of": "数据不完整",
    "Unknown WKB": "图形类型不认识",
}
"""What GEOS says, and what it means to a clerk."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row can't be used, or what was mended: rule code, Chinese text, place if known."""

    rule: str
    found: str
    x: float = np.nan
    y: float = np.nan


@dataclass(slots=True)
class Shaped:
    """Geometries of rows (None where unusable), their extents, faults by position.

    deep: how many had Z or M.
    """

    geometry: Shapes
    boxes: NDArray[np.float64]
    faults: dict[int, Fault]
    deep: int


@dataclass(slots=True)
class Seen:
    """What one look at all shapes of a layer told, without keeping any.

    boxes: `extents`, NaN for rows that can't be used; faults say why; notes: Chinese, for the log.
    """

    boxes: NDArray[np.float64]
    faults: dict[int, Fault]
    notes: list[str]


def look(shelf: Shelf) -> Seen:
    """Look at every shape of a layer once."""
    seen = Seen(np.full((len(shelf), 4), np.nan), {}, [])
    deep = 0
    for rows, shaped in parsed(shelf):
        seen.boxes[rows] = shaped.boxes
        seen.faults |= {rows.start + at: fault for at, fault in shaped.faults.items()}
        deep += shaped.deep
    if deep:
        seen.notes.append(f"{deep} 个图形带高程或量测值（Z/M），已去掉，只用平面坐标")
    return seen


def parsed(shelf: Shelf) -> Iterator[tuple[slice, Shaped]]:
    """Yield all rows, some thousands at a time, as 2D (multi)polygons; all others are faults."""
    types = wkb_types(shelf.heads)
    for rows, wkb in shelf.blocks():
        with np.errstate(invalid="ignore"):  # a NaN coordinate is a finding of ours, no warning
            yield rows, _parse(wkb, types[rows])


def again(shelf: Shelf, unusable: NDArray[np.bool_]) -> Iterator[tuple[slice, Shapes]]:
    """Yield the shapes of a layer that has been looked at, None for the unusable."""
    for rows, wkb in shelf.blocks():
        wkb[unusable[rows]] = None
        yield rows, np.asarray(shapely.force_2d(shapely.from_wkb(wkb)), dtype=object)


def _parse(wkb: Shapes, types: NDArray[np.int64]) -> Shaped:
    plain = wkb.copy()
    plain[~np.isin(types, PLAIN_TYPES)] = None
    geometry = np.asarray(shapely.from_wkb(plain, on_invalid="ignore"), dtype=object)
    faults: dict[int, Fault] = {}
    for at in np.flatnonzero(np.isin(types, SOLID)):
        faults[int(at)] = Fault("GEOM_TYPE", f"图形不是面，是{TYPE_NAMES[int(types[at])]}")
    present = np.array([bool(data) for data in wkb], dtype=np.bool_)
    for at in np.flatnonzero(present & shapely.is_missing(geometry)):
        why = _reason(wkb[at])
        faults.setdefault(int(at), Fault("GEOM_UNREADABLE", f"图形无法解析（{why}）"))
    deep = int((shapely.has_z(geometry) | shapely.has_m(geometry)).sum())
    geometry = np.asarray(shapely.force_2d(geometry), dtype=object)
    boxes = extents(geometry)
    _note_faults(geometry, boxes, types, faults)
    geometry[list(faults)], boxes[list(faults)] = None, np.nan
    return Shaped(geometry, boxes, faults, deep)


def _reason(data: bytes) -> str:
    try:
        shapely.from_wkb(data)
    except (GEOSException, ShapelyError) as error:
        said = str(error).strip()[:80]
        return next((text for mark, text in READING_ERRORS.items() if mark in said), said)
    return "原因不明"


def _note_faults(
    geometry: Shapes,
    boxes: NDArray[np.float64],
    types: NDArray[np.int64],
    faults: dict[int, Fault],
) -> None:
    empty = (types == 0) | shapely.is_empty(geometry)
    flat = np.isin(types, PLAIN_TYPES) & ~np.isin(types, POLYGON_TYPES)
    tests = (
        (empty, "GEOM_NULL", lambda _: "图形为空"),
        (
            flat,
            "GEOM_TYPE",
            lambda at: f"图形不是面，是{TYPE_NAMES.get(int(types[at]), '其他类型')}",
        ),
        (
            ~shapely.is_missing(geometry) & ~empty & ~(np.abs(boxes) <= HUGE).all(axis=1),
            "GEOM_COORD",
            lambda _: "坐标不是有效数字",
        ),
    )
    for mask, rule, text in tests:
        add(faults, np.flatnonzero(mask), rule, text)


def add(
    faults: dict[int, Fault], rows: Iterable[int], rule: str, text: Callable[[int], str]
) -> None:
    """Note a fault at these rows, unless a row has one already."""
    for at in rows:
        faults.setdefault(int(at), Fault(rule, text(int(at))))


def extents(geometry: Shapes) -> NDArray[np.float64]:
    """Return the smallest and largest x and y of every geometry's coordinates, NaN for none.

    Holes too: `shapely.bounds` looks at shells alone, and a hole may have gone astray.
    """
    xy, owner = shapely.get_coordinates(geometry, return_index=True)
    out = np.full((len(geometry), 4), np.nan)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    if len(first):
        out[owner[first], :2] = np.minimum.reduceat(xy, first)
        out[owner[first], 2:] = np.maximum.reduceat(xy, first)
    return out


def frame_of(bounds: NDArray[np.float64]) -> tuple[int, NDArray[np.bool_], str]:
    """Return the frame most rows lie in, which rows lie in another, and the extent in figures.

    bounds: `extents`. A layer with more than 1 % of its rows elsewhere is in no single frame
    (crs.UNKNOWN).
    """
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
        f"x {main[:, 0].min():.10g} 至 {main[:, 2].max():.10g}，"
        f"y {main[:, 1].min():.10g} 至 {main[:, 3].max():.10g}"
    )
    if odd.sum() > crs_room.ODD_SHARE * usable.sum():
        names = "、".join(crs_room.describe(int(v)) for v in values)
        return crs_room.UNKNOWN, odd, f"同一图层混有 {names}"
    return frame, odd, extent


def middle(bounds: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median middle of `extents`, which no stray row can move."""
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

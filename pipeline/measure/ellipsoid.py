"""Official ellipsoidal area and what it is checked against."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Geod

from pipeline.errors import GengbaoError
from pipeline.measure.equal_area import area_scale, equal_area
from pipeline.measure.numbers import own_fault, round_half_up, to_cm2
from pipeline.measure.projection import A_M, B_M, E2, to_degrees
from pipeline.measure.threads import for_each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray
    from pyproj import Transformer

    from pipeline.measure.numbers import Floats, Ints

# 国土调查办发〔2008〕32号, on the CGCS2000 ellipsoid
_SERIES = (
    1 + 3 / 6 * E2 + 30 / 80 * E2**2 + 35 / 112 * E2**3 + 630 / 2304 * E2**4,
    -(1 / 6 * E2 + 15 / 80 * E2**2 + 21 / 112 * E2**3 + 420 / 2304 * E2**4),
    3 / 80 * E2**2 + 7 / 112 * E2**3 + 180 / 2304 * E2**4,
    -(1 / 112 * E2**3 + 45 / 2304 * E2**4),
    5 / 2304 * E2**4,
)
_EDGE_M = 70.0
_GRID_M = 0.0001
_UNITS_PER_DEGREE = 3600e6  # B and L are kept in whole 1e-6″
_RADIANS = np.pi / 180 / _UNITS_PER_DEGREE
_VERTICES_AT_ONCE = 250_000  # bounds the memory of one block

_PPM = 1e-6
GEODESIC_REL = 0.2 * _PPM
GEODESIC_ABS_M2 = 0.01
_GEOD = Geod(a=A_M, b=B_M)

_POLYGON, _MULTIPOLYGON = 3, 6


def official_area_cm2(geometry: ArrayLike, crs: Any) -> Ints:  # noqa: ANN401 - whatever pyproj takes
    """Return the official ellipsoidal area in hundredths of a m², one per polygon.

    geometry: (multi)polygons in a CGCS2000 Gauss-Krüger CRS (EPSG 4513–4554); an empty one has 0.
    Coordinates to 0.0001 m, edges over 70 m split into int(len/70)+1 equal parts on the plane,
    B and L to 1e-6″, outer rings minus holes, half away from zero to 0.01 m².
    Source: 国土调查办发〔2008〕32号 (图幅理论面积与图斑椭球面积计算公式).

    Raises ConfigError for another CRS, GengbaoError for a missing geometry or another type.
    """
    return to_cm2(_unrounded(_polygons(geometry), to_degrees(crs)))


def official_area(geometry: ArrayLike, crs: Any) -> Floats:  # noqa: ANN401 - whatever pyproj takes
    """Return the official ellipsoidal area in m² with two decimals; see official_area_cm2."""
    return official_area_cm2(geometry, crs) / 100.0


def planar_area(geometry: ArrayLike) -> Floats:
    """Return the area on the projection plane in m²: for tolerances, never for sums."""
    return np.asarray(shapely.area(_polygons(geometry)), dtype=np.float64)


def geodesic_area(geometry: ArrayLike, crs: Any) -> Floats:  # noqa: ANN401 - whatever pyproj takes
    """Return the geodesic area in m² (GeographicLib by pyproj.Geod, unrounded).

    Edges are straight on the plane, so they are segmented to 70 m before they become geodesics.
    One call per polygon: meant for samples.
    """
    transformer = to_degrees(crs)
    dense = shapely.segmentize(_polygons(geometry), _EDGE_M)
    xy = shapely.get_coordinates(dense)
    lon, lat = transformer.transform(xy[:, 0], xy[:, 1])
    degrees = shapely.set_coordinates(dense.copy(), np.column_stack((lon, lat)))
    oriented = shapely.orient_polygons(degrees)
    areas = [_GEOD.geometry_area_perimeter(polygon)[0] for polygon in oriented]
    return np.asarray(areas, dtype=np.float64)


def cross_check(
    geometry: ArrayLike,
    crs: Any,  # noqa: ANN401 - whatever pyproj takes
    *,
    sample: int = 500,
) -> dict[str, float | int | bool]:
    """Compare official, equal-area, geodesic and planar area on a fixed sample.

    The sample runs evenly from the smallest to the largest plot, so the order of rows doesn't
    matter. The official area is taken before its last rounding, which says nothing about the
    formula. Limits: max(0.2 ppm, 0.01 m²) per plot and on the sum.

    Returns sample_plots, max_difference_m2, worst_share_of_limit, plots_over_limit, sum_m2,
    sum_difference_m2, sum_difference_ppm, equal_area_max_difference_m2 and
    equal_area_sum_difference_ppm (measure.equal_area minus geodesic), planar_ppm (planar minus
    official), passed.
    """
    polygons = _polygons(geometry)
    order = np.argsort(shapely.area(polygons), kind="stable")
    count = min(sample, len(order))
    chosen = polygons[order[np.linspace(0, len(order) - 1, count).astype(np.int64)]]
    official = _unrounded(chosen, to_degrees(crs))
    geodesic = geodesic_area(chosen, crs)
    difference = official - geodesic
    share = np.abs(difference) / np.maximum(GEODESIC_REL * geodesic, GEODESIC_ABS_M2)
    equal = equal_area(chosen, area_scale(shapely.total_bounds(chosen), crs)) if count else official
    total, drift = float(official.sum()), float(difference.sum())
    per_total = 1 / total / _PPM if total else 0.0
    over = int((share > 1).sum())
    return {
        "sample_plots": count,
        "max_difference_m2": float(np.abs(difference).max(initial=0)),
        "worst_share_of_limit": float(share.max(initial=0)),
        "plots_over_limit": over,
        "sum_m2": float(round_half_up(total)),
        "sum_difference_m2": drift,
        "sum_difference_ppm": drift * per_total,
        "equal_area_max_difference_m2": float(np.abs(equal - geodesic).max(initial=0)),
        "equal_area_sum_difference_ppm": float((equal - geodesic).sum()) * per_total,
        "planar_ppm": float(planar_area(chosen).sum() - total) * per_total,
        "passed": over == 0 and abs(drift) <= max(GEODESIC_REL * total, GEODESIC_ABS_M2),
    }


def _polygons(geometry: ArrayLike) -> NDArray[np.object_]:
    polygons = np.asarray(geometry, dtype=object)
    kinds = shapely.get_type_id(polygons)
    if not np.isin(kinds, (_POLYGON, _MULTIPOLYGON)).all():
        raise GengbaoError(own_fault("面积计算", "有缺失的图形或不是面的图形"))
    return polygons


def _unrounded(polygons: NDArray[np.object_], transformer: Transformer) -> Floats:
    blocks = for_each(lambda block: _area(polygons[block], transformer), _blocks(polygons))
    return np.concatenate([np.zeros(0), *blocks])


def _blocks(polygons: NDArray[np.object_]) -> Iterator[slice]:
    """Cut the rows into runs of bounded vertex count."""
    if len(polygons) == 0:
        return
    run = np.cumsum(shapely.get_num_coordinates(polygons)) // _VERTICES_AT_ONCE
    edges = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(polygons)]
    for start, stop in pairwise(edges):
        yield slice(start, stop)


def _area(polygons: NDArray[np.object_], transformer: Transformer) -> Floats:
    """Return unrounded official areas of a block of polygons."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    outer = np.r_[True, part[1:] != part[:-1]][: len(part)]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    if len(xy) == 0:
        return np.zeros(len(polygons))
    points, ring = _densified(xy, ring)
    points = np.floor(points / _GRID_M + 0.5) * _GRID_M
    lon, lat = transformer.transform(points[:, 0], points[:, 1])
    first = np.flatnonzero(np.r_[True, ring[1:] != ring[:-1]])
    following = np.arange(1, len(ring) + 1)
    following[np.r_[first[1:] - 1, len(ring) - 1]] = first
    l_units, b_units = (np.floor(np.asarray(v) * _UNITS_PER_DEGREE + 0.5) for v in (lon, lat))
    # whole numbers below 2**53: differences are exact, and L counts from the ring's own first point
    l_units = l_units - np.repeat(l_units[first], np.diff(np.r_[first, len(ring)]))
    terms = _trapezoids(l_units, b_units, following)
    ring_area = np.abs(np.add.reduceat(terms, first))
    of_ring = ring[first]
    signed = np.where(outer[of_ring], ring_area, -ring_area)
    areas: Floats = np.bincount(
        owner[part[of_ring]], weights=signed, minlength=len(polygons)
    ).astype(np.float64)
    return areas


def _trapezoids(l_units: Floats, b_units: Floats, following: Ints) -> Floats:
    """Return 2b²ΔL[A sin(ΔB/2)cosBm − B sin(3ΔB/2)cos3Bm + …] for each edge.

    Odd multiples by sin((k+2)x) = 2cos2x·sin(kx) − sin((k−2)x), likewise cos.
    """
    delta_l = (l_units + l_units[following]) * (_RADIANS / 2)
    half = (b_units[following] - b_units) * (_RADIANS / 2)
    middle = (b_units[following] + b_units) * (_RADIANS / 2)
    sine, cosine = np.sin(half), np.cos(middle)
    twice_half, twice_middle = 2 * np.cos(2 * half), 2 * np.cos(2 * middle)
    sine_before, cosine_before = -sine, cosine
    total = np.zeros_like(sine)
    for coefficient in _SERIES:
        total += coefficient * sine * cosine
        sine, sine_before = twice_half * sine - sine_before, sine
        cosine, cosine_before = twice_middle * cosine - cosine_before, cosine
    return 2 * B_M * B_M * delta_l * total


def _densified(xy: Floats, ring: Ints) -> tuple[Floats, Ints]:
    """Return the start points of all edges after splitting, with their ring.

    Splitting runs from the lower left end, whatever way the ring goes, so that neighbours split
    a shared border at the same points.
    """
    same = ring[1:] == ring[:-1]
    start, end, ring = xy[:-1][same], xy[1:][same], ring[:-1][same]
    length = np.hypot(*(end - start).T)
    parts = np.where(length > _EDGE_M, (length / _EDGE_M).astype(np.int64) + 1, 1)
    row = np.repeat(np.arange(len(start)), parts)
    step = np.arange(len(row)) - np.repeat(np.cumsum(parts) - parts, parts)
    points = start[row]
    inner = step > 0
    edge, step = row[inner], step[inner]
    a, b, count = start[edge], end[edge], parts[edge]
    back = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    low, high = np.where(back[:, None], b, a), np.where(back[:, None], a, b)
    share = np.where(back, count - step, step) / count
    points[inner] = low + (high - low) * share[:, None]
    return points, ring[row]

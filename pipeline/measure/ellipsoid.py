"""Official ellipsoidal area and what it is checked against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from pyproj import Geod

from pipeline.errors import GengbaoError
from pipeline.measure.equal_area import area_scale, equal_area
from pipeline.measure.numbers import own_fault, round_half_up, to_cm2
from pipeline.measure.projection import A_M, B_M, to_degrees
from pipeline.measure.rings import Rings, rings_of
from pipeline.measure.threads import for_each
from pipeline.measure.tiles import tiles_over

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pipeline.measure.numbers import Floats, Ints

_RINGS_AT_ONCE = 2_000
SAMPLE = 500

_DENSE_M = 70.0
_PPM = 1e-6
GEODESIC_REL = 0.2 * _PPM
GEODESIC_ABS_M2 = 0.01
_GEOD = Geod(a=A_M, b=B_M)

_POLYGON, _MULTIPOLYGON = 3, 6


def official_area_cm2(geometry: ArrayLike | Rings, crs: Any) -> Ints:  # noqa: ANN401 - whatever pyproj takes
    """Return the official ellipsoidal area in hundredths of a m², one per polygon.

    geometry: (multi)polygons in a CGCS2000 Gauss-Krüger CRS (EPSG 4513–4554), or rings_of them
    where they are at hand; an empty one has 0.
    Coordinates to 0.0001 m, edges over 70 m split into int(len/70)+1 equal parts on the plane,
    B and L to 1e-6″, outer rings minus holes, half away from zero to 0.01 m².
    Source: 国土调查办发〔2008〕32号 (图幅理论面积与图斑椭球面积计算公式).

    Raises ConfigError for another CRS, GengbaoError for a missing geometry or another type.
    """
    to_degrees(crs)  # refuses another CRS
    rings = geometry if isinstance(geometry, Rings) else rings_of(_polygons(geometry))
    return to_cm2(_unrounded(rings, crs))


def official_area(geometry: ArrayLike | Rings, crs: Any) -> Floats:  # noqa: ANN401 - whatever pyproj takes
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
    dense = shapely.segmentize(_polygons(geometry), _DENSE_M)
    xy = shapely.get_coordinates(dense)
    lon, lat = transformer.transform(xy[:, 0], xy[:, 1])
    degrees = shapely.set_coordinates(dense.copy(), np.column_stack((lon, lat)))
    oriented = shapely.orient_polygons(degrees)
    areas = [_GEOD.geometry_area_perimeter(polygon)[0] for polygon in oriented]
    return np.asarray(areas, dtype=np.float64)


def spread(area_m2: Floats, count: int = SAMPLE) -> Ints:
    """Return so many rows, evenly from the smallest area to the largest, in that order.

    The order of rows doesn't matter; all of them where there are fewer.
    """
    order = np.argsort(area_m2, kind="stable")
    return order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(np.int64)]


def cross_check(
    geometry: ArrayLike,
    crs: Any,  # noqa: ANN401 - whatever pyproj takes
) -> dict[str, float | int | bool]:
    """Compare official, equal-area, geodesic and planar area of a sample (`spread`).

    The official area is taken before its last rounding, which says nothing about the
    formula. Limits: max(0.2 ppm, 0.01 m²) per plot and on the sum.

    Returns sample_plots, max_difference_m2, worst_share_of_limit, plots_over_limit, sum_m2,
    sum_difference_m2, sum_difference_ppm, equal_area_max_difference_m2 and
    equal_area_sum_difference_ppm (measure.equal_area minus geodesic), planar_ppm (planar minus
    official), passed.
    """
    chosen = _polygons(geometry)
    count = len(chosen)
    official = _unrounded(rings_of(chosen), crs)
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


def _unrounded(rings: Rings, crs: Any) -> Floats:  # noqa: ANN401 - whatever pyproj takes
    """Return unrounded official areas: outer rings minus holes."""
    from pipeline.measure.official import ring_areas  # noqa: PLC0415 - a second, for who needs it

    area = np.empty(len(rings.owner))
    if len(area):
        tiles = tiles_over(rings.xy, crs)

        def measured(start: int) -> None:
            stop = min(start + _RINGS_AT_ONCE, len(area))
            ring_areas(rings.xy, rings.first[start : stop + 1], tiles, area[start:stop])

        for_each(measured, range(0, len(area), _RINGS_AT_ONCE))
    signed = np.where(rings.outer, area, -area)
    return np.bincount(rings.owner, weights=signed, minlength=rings.polygons).astype(np.float64)

"""Town polygons on the page: generalised alike, filled without edges, bounded by lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from pipeline.render.style import STYLE

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from pipeline.render.frame import MapFrame
    from pipeline.render.sheet import Sheet

_CLOSED_MM = 0.1
_SMOOTHED_MM = 0.3
"""Detail that goes from the outer edge of the tinted bands."""
WATER_CODES = ("1101", "1103")
"""河流水面、水库水面 of 三调: what orients a reader."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Town shapes in page mm by code, their union, and the borders between them."""

    shapes: dict[str, BaseGeometry]
    county: BaseGeometry
    borders: BaseGeometry


def ground(towns: gpd.GeoDataFrame, frame: MapFrame) -> Ground:
    """Bring towns (town_code, geometry) onto the page, shared borders simplified alike.

    Detail below 0.1 mm on paper goes (shapely.coverage_simplify); rows without a polygon are left
    out.
    """
    rows = towns[~(towns.geometry.isna() | towns.geometry.is_empty)]
    shapes = shapely.to_wkb(rows.geometry.to_numpy())
    return _ground(tuple(rows["town_code"]), tuple(shapes), frame)


@lru_cache(maxsize=64)
def _ground(codes: tuple[str, ...], shapes: tuple[bytes, ...], frame: MapFrame) -> Ground:
    """Return the ground of a frame: kept for the next sheet that this process draws."""
    rows = gpd.GeoDataFrame({"town_code": codes}, geometry=shapely.from_wkb(list(shapes)))
    merged = rows.dissolve(by="town_code", sort=True)
    polygons = frame.to_page(merged.geometry.to_numpy())
    polygons = shapely.coverage_simplify(polygons, STYLE.generalise_mm)
    polygons = shapely.intersection(shapely.make_valid(polygons), frame.box.shape())
    # delivered town borders seldom fit to the millimetre: close what is too narrow to be seen
    grown = shapely.union_all(shapely.buffer(polygons, _CLOSED_MM, join_style="mitre"))
    county = shapely.buffer(grown, -_CLOSED_MM, join_style="mitre")
    edges = shapely.union_all(shapely.boundary(polygons))
    rim = shapely.buffer(shapely.boundary(county), 2 * _CLOSED_MM, quad_segs=2)
    inner = shapely.difference(edges, rim)
    return Ground(dict(zip(merged.index, polygons, strict=True)), county, inner)


def free_part(shape: BaseGeometry, busy: BaseGeometry) -> BaseGeometry:
    """Return the part of a town that no plot needs; the whole town where nothing is left."""
    rest = shapely.difference(shape, busy)
    return shape if rest.is_empty else rest


def glow(sheet: Sheet, county: BaseGeometry, frame: MapFrame) -> None:
    """Draw the tinted bands along the outside of the county's boundary, widest first."""
    smooth = shapely.simplify(county, _SMOOTHED_MM)
    for width, colour in zip(STYLE.glow_mm, STYLE.glow, strict=True):
        band = shapely.difference(smooth.buffer(width), county)
        sheet.fill([shapely.intersection(band, frame.box.shape())], colour, "glow")


def borders(sheet: Sheet, land: Ground) -> None:
    """Draw town borders and the county's boundary over the fills."""
    if not land.borders.is_empty:
        sheet.lines(land.borders, STYLE.town_pt, STYLE.town_line, "towns")
    sheet.lines(shapely.boundary(land.county), STYLE.county_pt, STYLE.ink, "county")


def water(sheet: Sheet, plots: gpd.GeoDataFrame | None, frame: MapFrame) -> bool:
    """Draw rivers and reservoirs of the survey for orientation; tell whether there were any."""
    if plots is None:
        return False
    chosen = np.asarray(plots.geometry[plots["dlbm"].isin(WATER_CODES)])
    west, south, east, north = shapely.bounds(chosen).reshape(-1, 4).T
    left, bottom, right, top = frame.ground
    chosen = chosen[(west < right) & (east > left) & (south < top) & (north > bottom)]
    shapes = shapely.union_all(shapely.simplify(frame.to_page(chosen), STYLE.generalise_mm / 2))
    parts = shapely.get_parts(shapely.intersection(shapes, frame.box.shape()))
    parts = parts[np.asarray(shapely.area(parts)) > 0]
    if not len(parts):
        return False
    sheet.fill(parts, STYLE.water, "water")
    sheet.lines(shapely.union_all(shapely.boundary(parts)), STYLE.hair_pt, STYLE.water, "water")
    return True

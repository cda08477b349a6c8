"""Where the county lies: its middle in the plane it is built in, and its 3° zone.

Every county is built in the plane of zone 36. A Gauss-Krüger plane looks the same in every zone, so
another zone is another number before the easting: areas stay what they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyproj
import shapely

from pipeline.sample.lanes import CRS

if TYPE_CHECKING:
    from pipeline.sample.county import County

HOME_ZONE = 36
ZONES = range(25, 46)
"""Those with CRS of their own in EPSG: 73.5° to 136.5° east."""
LATITUDES = (15.0, 55.0)
ZONE_M = 1_000_000.0
_PREFIXED, _UNPREFIXED = 4488, 4509
"""EPSG codes of CGCS2000 3° Gauss-Krüger: these plus the zone (4513 to 4533, 4534 to 4554)."""


@dataclass(frozen=True, slots=True)
class Place:
    """The county's middle in EPSG:4524 (m), whole metres, and the zone it is delivered in."""

    east_m: float = 36_611_000.0
    north_m: float = 3_726_000.0
    zone: int = HOME_ZONE

    @property
    def crs(self) -> str:
        """The working CRS: the zone's, its number in the easting."""
        return f"EPSG:{_PREFIXED + self.zone}"


def place_at(centre: tuple[float, float] | None) -> Place:
    """Return the place of a longitude and latitude (degrees, CGCS2000); None: the usual one."""
    if centre is None:
        return Place()
    zone = zone_of(centre[0])
    east, north = pyproj.Proj(CRS)(centre[0] + 3 * (HOME_ZONE - zone), centre[1])
    return Place(float(round(east)), float(round(north)), zone)


def zone_of(longitude: float) -> int:
    """Return the 3° zone a longitude lies in."""
    return int(np.floor(longitude / 3 + 0.5))


def within(centre: tuple[float, float]) -> bool:
    """Tell whether a longitude and latitude can be a county's."""
    return zone_of(centre[0]) in ZONES and LATITUDES[0] <= centre[1] <= LATITUDES[1]


def moved(county: County, zone: int) -> County:
    """Return the county with all its coordinates in another zone."""
    if zone == HOME_ZONE:
        return county
    shift_m, crs = (zone - HOME_ZONE) * ZONE_M, f"EPSG:{_PREFIXED + zone}"

    def there(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        return frame.set_geometry(_shifted(frame.geometry, shift_m, crs))

    return replace(
        county,
        atoms=there(county.atoms),
        shapes=_shifted(county.shapes, shift_m, crs),
        layers={role: there(layer) for role, layer in county.layers.items()},
    )


def unprefixed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer in the same plane without the zone number in the easting."""
    zone = int(pyproj.CRS(frame.crs).to_epsg() or 0) - _PREFIXED
    return frame.set_geometry(
        _shifted(frame.geometry, -zone * ZONE_M, f"EPSG:{_UNPREFIXED + zone}")
    )


def _shifted(shapes: gpd.GeoSeries, east_m: float, crs: str) -> gpd.GeoSeries:
    moved = shapely.transform(
        shapes.to_numpy(), lambda xy: np.round(xy + np.array([east_m, 0.0]), 4)
    )
    return gpd.GeoSeries(moved, index=shapes.index, crs=crs)

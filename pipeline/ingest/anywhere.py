"""Polygons from anywhere on a plane of their own, so that they can be measured all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from pipeline.ingest.geometry import middle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.ingest.geometry import Shapes

EAST_M, NORTH_M = 500_000.0, 3_700_000.0
"""Where the middle of such a layer is put on its plane: coordinates of the size ours have."""
STEPS_PER_M = 10_000
LONGEST, FARTHEST_NORTH = 180.0, 85.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Where findings are told: `crs` (None: unknown), from a plane of its own where there is one.

    local: PROJ string of the plane worked on, None: `crs` itself; shift: added to coordinates of an
    unknown CRS to work on them.
    """

    crs: str | None
    local: str | None = None
    shift: tuple[float, float] = (0.0, 0.0)

    def worked(self, geometry: Shapes) -> Shapes:
        """Return delivered geometry on the working plane, on a grid of 0.0001 m."""
        return self._moved(geometry, back=False)

    def told(self, geometry: Shapes) -> Shapes:
        """Return geometry of the working plane where it lies in `crs`."""
        if self.local is None and self.shift == (0.0, 0.0):
            return geometry
        return self._moved(geometry, back=True)

    def crs_for_areas(self, otherwise: str) -> str:
        """Return the CRS that official areas on the working plane are told in."""
        moved = self.local is not None or self.shift != (0.0, 0.0) or self.crs is None
        return otherwise if moved else str(self.crs)

    def _moved(self, geometry: Shapes, *, back: bool) -> Shapes:
        transformer = None
        if self.local is not None:
            source, target = (self.local, self.crs) if back else (self.crs, self.local)
            transformer = Transformer.from_crs(source, target, always_xy=True)
        shift = np.array(self.shift) * (-1 if back else 1)

        def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
            moved = xy if transformer is None else np.column_stack(transformer.transform(*xy.T))
            moved = np.asarray(moved + shift, dtype=np.float64)
            return moved if back else np.rint(moved * STEPS_PER_M) / STEPS_PER_M

        return np.asarray(shapely.transform(geometry, move), dtype=object)


def local_frame(declared: str | None, boxes: NDArray[np.float64]) -> Frame:
    """Return a frame around the middle of a layer: by its declared CRS, else as it lies.

    boxes: extents of its shapes.
    """
    if np.isnan(boxes).all():
        return Frame(crs=None)
    x, y = middle(boxes)
    crs = _known(declared)
    if crs is None and abs(x) <= LONGEST and abs(y) <= FARTHEST_NORTH:
        crs = "EPSG:4326"
    if crs is None:
        return Frame(crs=None, shift=(EAST_M - x, NORTH_M - y))
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    if not (np.isfinite(lon) and np.isfinite(lat)):
        return Frame(crs=None, shift=(EAST_M - x, NORTH_M - y))
    local = (
        f"+proj=tmerc +lat_0={lat:.4f} +lon_0={lon:.4f} +k=1 +x_0={EAST_M:.0f} "
        f"+y_0={NORTH_M:.0f} +ellps=GRS80 +units=m +no_defs"
    )
    return Frame(crs=crs, local=local)


def _known(declared: str | None) -> str | None:
    """Return a declared CRS where PROJ understands it, as a code or WKT."""
    if not declared:
        return None
    try:
        crs = CRS.from_user_input(declared)
    except CRSError:
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.to_wkt()

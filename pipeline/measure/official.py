"""The official formula, compiled: 国土调查办发〔2008〕32号, ring by ring.

With F(B) = b²(A sin B − B sin 3B + C sin 5B − D sin 7B + E sin 9B) the formula's trapezoid of an
edge, 2b²ΔL[A sin(ΔB/2)cos Bm − B sin(3ΔB/2)cos 3Bm + …], is ΔL·(F(B₂) − F(B₁)). F is taken as a
Taylor series from each ring's first point, so that no digits are lost in the difference.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import types

from pipeline.measure.compiling import compiled
from pipeline.measure.projection import B_M, E2
from pipeline.measure.tiles import DEGREE, TILE_M, UNITS_PER_DEGREE, Tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Point = tuple[float, float]

# A, −B, C, −D, E on the CGCS2000 ellipsoid
SERIES = np.array([
    1 + 3 / 6 * E2 + 30 / 80 * E2**2 + 35 / 112 * E2**3 + 630 / 2304 * E2**4,
    -(1 / 6 * E2 + 15 / 80 * E2**2 + 21 / 112 * E2**3 + 420 / 2304 * E2**4),
    3 / 80 * E2**2 + 7 / 112 * E2**3 + 180 / 2304 * E2**4,
    -(1 / 112 * E2**3 + 45 / 2304 * E2**4),
    5 / 2304 * E2**4,
])  # fmt: skip
EDGE_M = 70.0
GRID_M = 0.0001
_RADIANS = math.pi / 180 / UNITS_PER_DEGREE
_TERMS = 8  # of the Taylor series: exact to rounding for rings up to 300 km across

_INT, _REAL = types.int64, types.float64
_TABLE, _ROWS = types.float64[:, ::1], types.int64[::1]
_TILES = types.NamedTuple(
    (_INT, _INT, types.int64[:, :, ::1], types.float64[:, :, :, :, ::1]), Tiles
)
_UNITS, _POINT = types.UniTuple(_INT, 2), types.UniTuple(_REAL, 2)


@compiled(_UNITS(_TILES, _REAL, _REAL))
def units(tiles: Tiles, x: float, y: float) -> tuple[int, int]:
    """Return L and B of a point, first put on the 0.0001 m grid, in whole 1e-6″."""
    x = math.floor(x / GRID_M + 0.5) * GRID_M
    y = math.floor(y / GRID_M + 0.5) * GRID_M
    column, row = math.floor(x / TILE_M), math.floor(y / TILE_M)
    u, v = 2 * (x / TILE_M - column) - 1, 2 * (y / TILE_M - row) - 1
    middle = tiles.middle[column - tiles.column, row - tiles.row]
    terms = tiles.terms[column - tiles.column, row - tiles.row]
    lon, lat = 0.0, 0.0
    for i in range(DEGREE, -1, -1):
        one, other = 0.0, 0.0
        for j in range(DEGREE - i, -1, -1):
            one = one * v + terms[0, i, j]
            other = other * v + terms[1, i, j]
        lon, lat = lon * u + one, lat * u + other
    return middle[0] + math.floor(lon + 0.5), middle[1] + math.floor(lat + 0.5)


@compiled(types.void(_REAL, types.float64[::1]))
def _zone(latitude: float, series: Floats) -> None:
    """Fill in the Taylor series of F at a latitude: Σ series[n] βⁿ⁺¹."""
    series[:] = 0.0
    for m in range(len(SERIES)):
        k = 2 * m + 1
        sine, cosine = math.sin(k * latitude), math.cos(k * latitude)
        factor = B_M * B_M * SERIES[m]
        for n in range(len(series)):
            factor *= k / (n + 1)
            sine, cosine = cosine, -sine  # the next derivative
            series[n] += factor * sine


@compiled(_POINT(_INT, _INT, _POINT, _POINT))
def _between(step: int, parts: int, start: Point, end: Point) -> Point:
    """Return the end of a step of an edge cut in equal parts from its lower left end on.

    So neighbours cut a shared border at the same points.
    """
    if step == parts:
        return end
    share = step / parts
    if start > end:
        start, end, share = end, start, (parts - step) / parts
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


@compiled(types.void(_TABLE, _ROWS, _TILES, types.float64[::1]))
def ring_areas(xy: Floats, first: Ints, tiles: Tiles, area: Floats) -> None:
    """Fill in the area of closed rings (offsets first, r + 1) in m², unsigned."""
    series = np.empty(_TERMS)
    for r in range(len(area)):
        at = first[r]
        lon0, lat0 = units(tiles, xy[at, 0], xy[at, 1])
        _zone(lat0 * _RADIANS, series)
        east, zone, total = 0, 0.0, 0.0
        for i in range(at, first[r + 1] - 1):
            start, end = (xy[i, 0], xy[i, 1]), (xy[i + 1, 0], xy[i + 1, 1])
            length = math.hypot(end[0] - start[0], end[1] - start[1])
            parts = int(length / EDGE_M) + 1 if length > EDGE_M else 1
            for step in range(1, parts + 1):
                x, y = _between(step, parts, start, end)
                lon, lat = units(tiles, x, y)
                beta, value = (lat - lat0) * _RADIANS, 0.0
                for n in range(_TERMS - 1, -1, -1):
                    value = (value + series[n]) * beta
                total += (east + lon - lon0) * (value - zone)
                east, zone = lon - lon0, value
        area[r] = abs(total) * _RADIANS / 2

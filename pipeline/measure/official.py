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

_ABREAST = 256  # points taken together: few enough to stay in the nearest cache

_INT, _REAL = types.int64, types.float64
_TABLE, _LIST, _ROWS = types.float64[:, ::1], types.float64[::1], types.int64[::1]
_TILE = types.float64[:, :, ::1]
_TILES = types.NamedTuple(
    (_INT, _INT, types.int64[:, :, ::1], types.float64[:, :, :, :, ::1]), Tiles
)
_POINT = types.UniTuple(_REAL, 2)


@compiled(types.void(_LIST, _LIST, _TILE, _LIST, _LIST))
def _on_tile(u: Floats, v: Floats, terms: Floats, lon: Floats, lat: Floats) -> None:
    """Fill in the values of a tile's two polynomials.

    One after the other, with nothing kept between points: so the compiler takes several abreast.
    """
    for k, values in enumerate((lon, lat)):
        for p in range(len(u)):
            total = 0.0
            for i in range(DEGREE, -1, -1):
                row = 0.0
                for j in range(DEGREE - i, -1, -1):
                    row = row * v[p] + terms[k, i, j]
                total = total * u[p] + row
            values[p] = total


@compiled(types.void(_TILES, _LIST, _LIST, _LIST, _LIST))
def _units(tiles: Tiles, x: Floats, y: Floats, lon: Floats, lat: Floats) -> None:
    """Fill in L and B of points, first put on the 0.0001 m grid, in whole 1e-6″."""
    u, v = np.empty(len(x)), np.empty(len(x))
    column, row = np.empty(len(x)), np.empty(len(x))
    for p in range(len(x)):
        u[p] = np.floor(x[p] / GRID_M + 0.5) * GRID_M / TILE_M
        v[p] = np.floor(y[p] / GRID_M + 0.5) * GRID_M / TILE_M
        column[p], row[p] = np.floor(u[p]), np.floor(v[p])
        u[p], v[p] = 2 * (u[p] - column[p]) - 1, 2 * (v[p] - row[p]) - 1
    start = 0
    while start < len(x):  # points that follow one another on one tile
        stop = start + 1
        while stop < len(x) and column[stop] == column[start] and row[stop] == row[start]:
            stop += 1
        at = int(column[start]) - tiles.column, int(row[start]) - tiles.row
        here = slice(start, stop)
        _on_tile(u[here], v[here], tiles.terms[at], lon[here], lat[here])
        middle = tiles.middle[at]
        for p in range(start, stop):
            lon[p] = middle[0] + np.floor(lon[p] + 0.5)
            lat[p] = middle[1] + np.floor(lat[p] + 0.5)
        start = stop


@compiled(types.void(_REAL, _LIST))
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


@compiled(_INT(_REAL, _REAL))
def _parts(east: float, north: float) -> int:
    """Return in how many equal parts an edge is taken."""
    if abs(east) + abs(north) <= EDGE_M:  # most edges: no root
        return 1
    length = math.hypot(east, north)
    return int(length / EDGE_M) + 1 if length > EDGE_M else 1


@compiled(_POINT(_INT, _INT, _POINT, _POINT))
def _between(step: int, parts: int, start: Point, end: Point) -> Point:
    """Return the end of a step but the last of an edge, cut from its lower left end on.

    So neighbours cut a shared border at the same points.
    """
    share = step / parts
    if start > end:
        start, end, share = end, start, (parts - step) / parts
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


@compiled(types.void(_TILES, _LIST, _LIST, _LIST, _LIST))
def _add_strips(tiles: Tiles, x: Floats, y: Floats, series: Floats, ring: Floats) -> None:
    """Add the trapezoids up to the next points of a ring: its L₀, B₀, last L, last F, twice area.

    L and F are taken from the ring's first point.
    """
    lon, lat = np.empty(len(x)), np.empty(len(x))
    _units(tiles, x, y, lon, lat)
    zone = np.zeros(len(x))
    for n in range(_TERMS - 1, -1, -1):
        for p in range(len(x)):
            zone[p] = (zone[p] + series[n]) * ((lat[p] - ring[1]) * _RADIANS)
    for p in range(len(x)):
        east = lon[p] - ring[0]
        ring[4] += (ring[2] + east) * (zone[p] - ring[3])
        ring[2], ring[3] = east, zone[p]


@compiled(types.void(_TABLE, _ROWS, _TILES, _LIST))
def ring_areas(xy: Floats, first: Ints, tiles: Tiles, area: Floats) -> None:
    """Fill in the area of closed rings (offsets first, r + 1) in m², unsigned."""
    series, ring = np.empty(_TERMS), np.empty(5)
    x, y = np.empty(_ABREAST), np.empty(_ABREAST)
    for r in range(len(area)):
        at = first[r]
        x[0], y[0] = xy[at]
        ring[:] = 0.0
        _units(tiles, x[:1], y[:1], ring[:1], ring[1:2])
        _zone(ring[1] * _RADIANS, series)
        count = 0
        for i in range(at, first[r + 1] - 1):
            start, end = (xy[i, 0], xy[i, 1]), (xy[i + 1, 0], xy[i + 1, 1])
            parts = _parts(end[0] - start[0], end[1] - start[1])
            for step in range(1, parts + 1):
                x[count], y[count] = end if step == parts else _between(step, parts, start, end)
                count += 1
                if count == _ABREAST:
                    _add_strips(tiles, x, y, series, ring)
                    count = 0
        _add_strips(tiles, x[:count], y[:count], series, ring)
        area[r] = abs(ring[4]) * _RADIANS / 2

"""Longitude and latitude as polynomials of the plane, one pair per tile of a fixed grid.

The inverse Gauss-Krüger projection is analytic: over 25 km a polynomial of degree 6 gives it to
1e-14°, a hundred times finer than the 1e-6″ the official formula keeps would need. The grid is that
of the plane itself, so that a point has the same B and L whatever it is measured with.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.polynomial import chebyshev, polynomial

from pipeline.measure.projection import to_degrees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

TILE_M = 25_000.0
DEGREE = 6
UNITS_PER_DEGREE = 3600e6  # B and L are kept in whole 1e-6″
_NODES = 13


class Tiles(NamedTuple):
    """Tiles of a rectangle, c columns and r rows, the first at column, row of the plane's grid.

    L and B (k = 0, 1) of a tile in 1e-6″: middle[c, r, k] + Σ terms[c, r, k, i, j] uⁱ vʲ, i + j ≤
    DEGREE, with u, v from −1 to 1 across the tile.
    """

    column: int
    row: int
    middle: Ints
    terms: Floats


def tiles_over(xy: Floats, crs: Any) -> Tiles:  # noqa: ANN401 - whatever pyproj takes
    """Return the tiles that coordinates (n, 2), at least one, lie in.

    Raises ConfigError for a CRS that official areas aren't defined in.
    """
    to_degrees(crs)  # refuses another CRS
    axes = xy[:, 0], xy[:, 1]
    low, high = ([math.floor(end(axis) / TILE_M) for axis in axes] for end in (np.min, np.max))
    fits = [
        [_tile(crs, column, row) for row in range(low[1], high[1] + 1)]
        for column in range(low[0], high[0] + 1)
    ]
    middle = np.array([[fit[0] for fit in column] for column in fits])
    terms = np.array([[fit[1] for fit in column] for column in fits])
    return Tiles(low[0], low[1], middle, terms)


@lru_cache(maxsize=4096)
def _tile(crs: Any, column: int, row: int) -> tuple[Ints, Floats]:  # noqa: ANN401 - as above
    """Return middle and terms of one tile: least squares on 13 × 13 Chebyshev nodes."""
    node = chebyshev.chebpts1(_NODES)
    u, v = (axis.ravel() for axis in np.meshgrid(node, node, indexing="ij"))
    x, y = (column + 0.5 + u / 2) * TILE_M, (row + 0.5 + v / 2) * TILE_M
    units = np.stack(to_degrees(crs).transform(x, y)) * UNITS_PER_DEGREE
    middle = np.rint(units.mean(axis=1)).astype(np.int64)
    power = np.add.outer(np.arange(DEGREE + 1), np.arange(DEGREE + 1)).ravel() <= DEGREE
    terms = np.zeros((2, (DEGREE + 1) ** 2))
    basis = polynomial.polyvander2d(u, v, (DEGREE, DEGREE))[:, power]
    terms[:, power] = np.linalg.lstsq(basis, (units - middle[:, None]).T, rcond=None)[0].T
    return middle, terms.reshape(2, DEGREE + 1, DEGREE + 1)

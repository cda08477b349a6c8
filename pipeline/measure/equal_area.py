"""The plane weighed by its true scale: areas that agree with the ellipsoid's, without projecting.

On a Gauss-Krüger plane dA = dx dy / k². 1/k² is smooth: one polynomial per county stands for it, so
that a planar integral over straight edges, weighed by it, is the area on the ellipsoid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from pipeline.measure.ellipsoid import A_M, E2, to_degrees

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

EAST_DEGREE, NORTH_DEGREE = 4, 3
_NODES = 13  # of the grid the map to the ellipsoid is known on: its derivatives are exact to 1e-12
_LEAST_M = 1000.0


class AreaScale(NamedTuple):
    """1/k² = Σ terms[i, j] uⁱ vʲ, with u = (x − east)/half, v = (y − north)/half."""

    east: float
    north: float
    half: float
    terms: Floats


PLANAR = AreaScale(0.0, 0.0, 1.0, np.eye(EAST_DEGREE + 1, NORTH_DEGREE + 1) * [1.0, 0, 0, 0])
"""Weighs nothing: areas on the plane."""


def area_scale(bounds: ArrayLike, crs: Any) -> AreaScale:  # noqa: ANN401 - whatever pyproj takes
    """Return the area scale over a rectangle (west, south, east, north) in m, of a county's size.

    dA = |∂(λ, S)/∂(x, y)| dx dy, S(φ) the ellipsoid's area from the equator to φ per radian of
    longitude; the derivatives are those of Chebyshev polynomials through the exact projection.
    Accurate to 1e-10 within 200 km. Source: 国土调查办发〔2008〕32号 gives S as a series; closed
    form: Snyder, Map Projections (USGS PP 1395), eq. 3-12.
    Raises ConfigError for a CRS that official areas aren't defined in.
    """
    west, south, east, north = np.asarray(bounds, dtype=np.float64)
    half = max(east - west, north - south, _LEAST_M) / 2
    middle = (west + east) / 2, (south + north) / 2
    node = chebyshev.chebpts1(_NODES)
    u, v = (axis.ravel() for axis in np.meshgrid(node, node, indexing="ij"))
    lon, lat = to_degrees(crs).transform(middle[0] + half * u, middle[1] + half * v)
    basis = chebyshev.chebvander2d(u, v, [_NODES - 1, _NODES - 1])
    gradients = []
    for value in (np.radians(lon), _zone_area(np.radians(lat))):
        terms = np.linalg.solve(basis, value).reshape(_NODES, _NODES)
        slopes = (chebyshev.chebval2d(u, v, chebyshev.chebder(terms, axis=axis)) for axis in (0, 1))
        gradients.append(tuple(slopes))
    (lon_u, lon_v), (area_u, area_v) = gradients
    weight = np.abs(lon_u * area_v - lon_v * area_u) / half**2
    powers = np.polynomial.polynomial.polyvander2d(u, v, [EAST_DEGREE, NORTH_DEGREE])
    fit = np.linalg.lstsq(powers, weight, rcond=None)[0]
    return AreaScale(*middle, half, fit.reshape(EAST_DEGREE + 1, NORTH_DEGREE + 1))


def _zone_area(latitude: Floats) -> Floats:
    """Return the ellipsoid's area from the equator to a latitude per radian of longitude, in m²."""
    e, sine = np.sqrt(E2), np.sin(latitude)
    closed = sine / (1 - E2 * sine**2) + np.arctanh(e * sine) / e
    return np.asarray(A_M**2 * (1 - E2) / 2 * closed)

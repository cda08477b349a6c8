"""The CGCS2000 ellipsoid and the way from a Gauss-Krüger plane back to it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from pipeline.errors import ConfigError, Finding

A_M, B_M = 6378137.0, 6356752.31414036
"""Semi-axes, 国土调查办发〔2008〕32号."""
E2 = (A_M * A_M - B_M * B_M) / (A_M * A_M)
_EPSG_FIRST, _EPSG_LAST = 4513, 4554


@lru_cache(maxsize=8)
def to_degrees(crs: Any) -> Transformer:  # noqa: ANN401 - whatever pyproj takes
    """Return the inverse Gauss-Krüger projection to (L, B) in degrees."""
    try:
        known = CRS.from_user_input(crs)
        code = known.to_epsg() or 0
    except CRSError:
        known, code = None, 0
    if known is None or not _EPSG_FIRST <= code <= _EPSG_LAST:
        raise ConfigError(
            Finding(
                "工作坐标系 crs",
                f"“{known.name if known else crs}”不是 CGCS2000 三度带高斯-克吕格投影",
                f"请填写 EPSG:{_EPSG_FIRST} 至 EPSG:{_EPSG_LAST} 之一",
            )
        )
    return Transformer.from_crs(known, known.geodetic_crs, always_xy=True)

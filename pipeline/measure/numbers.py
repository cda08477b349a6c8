"""Rounding as numbers print, hundredths of a m², and 亩."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_CM2 = Decimal("0.01")
_MU_PER_M2 = Decimal("0.0015")  # 3/2000 exactly


def round_half_up(values: ArrayLike, places: int = 2) -> Floats:
    """Round to decimal places, halves away from zero, as the numbers print.

    A value within a few units in the last place of a half counts as that half, so 1.005 → 1.01.
    """
    scale = 10.0**places
    scaled = np.asarray(values, dtype=np.float64) * scale
    size = np.abs(scaled)
    rounded = np.copysign(np.floor(size + 0.5 + 4 * np.spacing(size)), scaled)
    return np.asarray(rounded / scale + 0.0)


def to_cm2(area_m2: ArrayLike) -> Ints:
    """Turn m² into integer hundredths, half-up; GengbaoError on a missing or infinite area."""
    scaled = round_half_up(area_m2, 2) * 100
    if not np.isfinite(scaled).all():
        raise GengbaoError(own_fault("面积", "有缺失或无穷大的面积进入求和"))
    return np.asarray(np.rint(scaled).astype(np.int64))


def to_mu(area: int | Decimal, places: int = 2) -> Decimal:
    """Return 亩, half-up once; `area` is an int in hundredths of a m², or a Decimal in m²."""
    m2 = area if isinstance(area, Decimal) else Decimal(int(area)) * _CM2
    return (m2 * _MU_PER_M2).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def mu_text(area: int | Decimal, places: int = 2) -> str:
    """Return 亩 as text with exactly `places` decimals; never "-0.00"."""
    mu = to_mu(area, places)
    return f"{abs(mu) if mu == 0 else mu:.{places}f}"


def own_fault(where: str, found: str) -> Finding:
    """Return the finding of a promise broken by our own code."""
    return Finding(where, found, "这是程序问题，请把本条信息连同运行日志交给维护人员")

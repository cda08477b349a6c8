"""Areas: the official ellipsoidal area, its cross-checks, bases, closing in hundredths, 亩.

Sums are made in integer hundredths of a m² (``*_cm2``: 1 = 0.01 m²); floats carry two decimals.
"""

from pipeline.measure.bases import Base, adjust, base_area, split_base
from pipeline.measure.ellipsoid import (
    cross_check,
    geodesic_area,
    official_area,
    official_area_cm2,
    planar_area,
    spread,
)
from pipeline.measure.equal_area import PLANAR, AreaScale, area_scale, equal_area
from pipeline.measure.numbers import mu_text, round_half_up, to_cm2, to_mu
from pipeline.measure.rings import Rings, bytes_of, rings_of, rings_of_wkb
from pipeline.measure.threads import THREADS, for_each, in_threads, one_by_one

__all__ = [
    "PLANAR",
    "THREADS",
    "AreaScale",
    "Base",
    "Rings",
    "adjust",
    "area_scale",
    "base_area",
    "bytes_of",
    "cross_check",
    "equal_area",
    "for_each",
    "geodesic_area",
    "in_threads",
    "mu_text",
    "official_area",
    "official_area_cm2",
    "one_by_one",
    "planar_area",
    "rings_of",
    "rings_of_wkb",
    "round_half_up",
    "split_base",
    "spread",
    "to_cm2",
    "to_mu",
]

"""Which polygons are valid: proven straight from coordinates where it is easy, else by GEOS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.measure import Rings, rings_of, rings_of_wkb
from pipeline.overlay.pairs import polygonal

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]


def surely_valid(rings: Rings) -> Bools:
    """Return per polygon whether it is proven valid: a single ring that doesn't touch itself.

    False says nothing: GEOS knows of holes, parts, repeated vertices and whatever is a close call.
    """
    from pipeline.overlay.chains import simple_rings  # noqa: PLC0415 - a second, for who needs it

    simple = np.empty(len(rings.owner), np.bool_)
    simple_rings(rings, simple)
    alone = np.bincount(rings.owner, minlength=rings.polygons) == 1
    sure = np.zeros(rings.polygons, np.bool_)
    sure[rings.owner[simple]] = True
    return np.asarray(sure & alone)


def valid_rings(wkb: pa.Array) -> Rings:
    """Return the rings of (multi)polygons given as WKB, of the invalid ones as GEOS mends them."""
    rings = rings_of_wkb(wkb)
    doubtful = np.flatnonzero(~surely_valid(rings))
    shapes = shapely.from_wkb(wkb.take(doubtful).to_numpy(zero_copy_only=False))
    bad = ~(shapely.is_valid(shapes) | shapely.is_missing(shapes))
    if not bad.any():
        return rings
    every = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
    every[doubtful[bad]] = polygonal(shapely.make_valid(shapes[bad]))
    return rings_of(every)

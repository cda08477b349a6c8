"""Which polygons share ground and how much, straight from edges: no shapes are built."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from pipeline import measure
from pipeline.overlay.flat import flat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.measure import AreaScale, Rings
    from pipeline.overlay.flat import Flat

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

SAME_M2, SAME_REL = 1e-6, 1e-12
"""Areas that part by no more are the same: what floating point leaves of touching and covering."""
_PAIRS_AT_ONCE = 2_000


class Overlaps(NamedTuple):
    """Pairs of rows that share ground, sorted by left, then right.

    planar_m2: on the plane; area_m2: on the ellipsoid, unrounded; whole: right covers all of left.
    """

    left: Ints
    right: Ints
    planar_m2: Floats
    area_m2: Floats
    whole: Bools

    def only(self, chosen: Bools | Ints) -> Overlaps:
        """Return the chosen pairs."""
        return Overlaps._make(values[chosen] for values in self)


class Layer(NamedTuple):
    """Valid polygons made ready once to be met by many blocks of others."""

    tree: shapely.STRtree
    edges: Flat


def layer(shapes: Shapes | Rings) -> Layer:
    """Return polygons ready for `overlaps`."""
    edges = flat(shapes)
    return Layer(shapely.STRtree(boxes(edges)), edges)


def boxes(edges: Flat) -> Shapes:
    """Return the boxes of polygons as shapes, to look for what is near them; missing: none."""
    found = np.full(len(edges.box), None, dtype=object)
    filled = ~np.isnan(edges.box[:, 0])
    found[filled] = shapely.box(*edges.box[filled].T)
    return found


def overlaps(
    left: Shapes,
    right: Shapes | Layer,
    scale: AreaScale = measure.PLANAR,
    *,
    edges: Flat | None = None,
) -> Overlaps:
    """Return the pairs of valid polygons that share more ground than floating point leaves.

    scale: of the county (measure.area_scale); without one, area_m2 is planar too. edges: flat(left)
    where it is at hand, so that it isn't made again for every layer; left may be boxes of it then.
    """
    tree = right.tree if isinstance(right, Layer) else shapely.STRtree(right)
    near = np.asarray(tree.query(left), dtype=np.int64).T
    near = near[np.lexsort((near[:, 1], near[:, 0]))]
    mine, one = (edges, near[:, 0]) if edges else _chosen(left, near[:, 0])
    if isinstance(right, Layer):
        theirs, other = right.edges, near[:, 1]
    else:
        theirs, other = _chosen(right, near[:, 1])
    area = shared_areas(mine, theirs, np.column_stack((one, other)), scale)
    own = mine.area_m2[one]
    limit = SAME_M2 + SAME_REL * own
    planar, true = area[:, 0], area[:, 1]
    found = Overlaps(near[:, 0], near[:, 1], planar, true, planar >= own - limit)
    return found.only(planar > np.minimum(limit, own / 2))


def _chosen(shapes: Shapes, row: Ints) -> tuple[Flat, Ints]:
    """Return the polygons of these rows, each once, as flat arrays, and where each row is."""
    rows, at = np.unique(row, return_inverse=True)
    return flat(shapes[rows]), at


def shared_areas(left: Flat, right: Flat, pairs: Ints, scale: AreaScale) -> Floats:
    """Return per pair of rows (n, 2) the planar and the ellipsoidal area shared, in m² (n, 2)."""
    from pipeline.overlay.kernel import pair_areas  # noqa: PLC0415 - a second, for who needs it

    area = np.empty((len(pairs), 2))

    def measured(start: int) -> None:
        block = slice(start, start + _PAIRS_AT_ONCE)
        pair_areas(left, right, np.ascontiguousarray(pairs[block]), scale, area[block])

    measure.for_each(measured, range(0, len(pairs), _PAIRS_AT_ONCE))
    return area

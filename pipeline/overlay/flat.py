"""Polygons as flat arrays for compiled code: coordinates, and boxes over runs of edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.measure import Rings, rings_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.overlay.pairs import Shapes

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Flat(NamedTuple):
    """Polygons for compiled code, n of them with v vertices in k runs.

    xy (v, 2): coordinates, ring after ring, rings closed; first (n + 1): each polygon's first run;
    run (k, 4): first and last vertex, the side of the ring its ground lies on (1: left of the drawn
    direction, -1: right), and the run to go on with where this one needs no closer look. A long
    ring's runs come in groups, each after a run that spans them all. extent (k, 4): each run's
    west, south, east, north; box (n, 4), area_m2 (n): each polygon's, on the plane.
    """

    xy: Floats
    first: Ints
    run: Ints
    extent: Floats
    box: Floats
    area_m2: Floats


def flat(shapes: Shapes | Rings) -> Flat:
    """Return (multi)polygons as flat arrays; an empty or missing one has no runs, box NaN."""
    from pipeline.overlay.runs import GROUP, RUN, fill  # noqa: PLC0415 - a second, for who needs it

    rings = shapes if isinstance(shapes, Rings) else rings_of(shapes)
    leaves = -(-(np.diff(rings.first) - 1) // RUN)
    number = leaves + np.where(leaves > GROUP, -(-leaves // GROUP), 0)
    entry = np.concatenate(([0], np.cumsum(number)))
    at = np.searchsorted(rings.owner, np.arange(rings.polygons + 1))
    made = Flat(
        rings.xy, entry[at], np.empty((entry[-1], 4), np.int64), np.empty((entry[-1], 4)),
        np.full((rings.polygons, 4), np.nan), np.zeros(rings.polygons),
    )  # fmt: skip
    fill(rings, entry, made)
    return made

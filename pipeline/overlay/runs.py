"""Runs of edges under one box, compiled: which of a polygon's edges need a closer look."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import types

from pipeline.measure import Rings
from pipeline.measure.compiling import compiled
from pipeline.overlay.flat import Flat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

RUN, GROUP = 16, 32
"""Edges in a run, runs in a group: few enough to skip most of a town, enough to be worth a test."""
_TABLE, _LIST = types.float64[:, ::1], types.float64[::1]
_ROWS, _RUNS, _FLAGS = types.int64[::1], types.int64[:, ::1], types.boolean[::1]
RINGS = types.NamedTuple((_TABLE, _ROWS, _FLAGS, _ROWS, types.int64), Rings)
FLAT = types.NamedTuple((_TABLE, _ROWS, _RUNS, _TABLE, _TABLE, _LIST), Flat)


@compiled(types.float64(_TABLE, types.int64, types.int64))
def _doubled_area(xy: Floats, start: int, stop: int) -> float:
    """Return twice the signed area of a closed ring, measured from its own first vertex."""
    total, x, y = 0.0, xy[start, 0], xy[start, 1]
    for i in range(start, stop):
        total += (xy[i, 0] - x) * (xy[i + 1, 1] - y) - (xy[i + 1, 0] - x) * (xy[i, 1] - y)
    return total


@compiled(types.void(_LIST, _LIST))
def _widen(box: Floats, other: Floats) -> None:
    """Make a box (west, south, east, north; NaN: none yet) hold another one."""
    if math.isnan(box[0]):
        box[:] = other
    box[0], box[1] = min(box[0], other[0]), min(box[1], other[1])
    box[2], box[3] = max(box[2], other[2]), max(box[3], other[3])


@compiled(types.void(_TABLE, types.int64, types.int64, _LIST))
def _extent(xy: Floats, head: int, tail: int, box: Floats) -> None:
    """Fill in the box of the vertices head to tail, both included."""
    west, south, east, north = xy[head, 0], xy[head, 1], xy[head, 0], xy[head, 1]
    for i in range(head + 1, tail + 1):
        x, y = xy[i, 0], xy[i, 1]
        west, south, east, north = min(west, x), min(south, y), max(east, x), max(north, y)
    box[0], box[1], box[2], box[3] = west, south, east, north


@compiled(types.void(RINGS, _ROWS, FLAT))
def fill(rings: Rings, entry: Ints, shape: Flat) -> None:
    """Fill in runs, boxes and areas; entry: each ring's first run."""
    for r in range(len(rings.owner)):
        start, stop, row = rings.first[r], rings.first[r + 1] - 1, rings.owner[r]
        doubled = _doubled_area(rings.xy, start, stop)
        outward = 1 if rings.outer[r] else -1
        side = outward if doubled > 0 else -outward
        shape.area_m2[row] += outward * abs(doubled) / 2
        leaves = -(-(stop - start) // RUN)
        k, group = entry[r], -1
        for leaf in range(leaves):
            if leaves > GROUP and leaf % GROUP == 0:
                group = k
                members = min(GROUP, leaves - leaf)
                tail = min(start + (leaf + members) * RUN, stop)
                shape.run[k] = start + leaf * RUN, tail, side, k + members + 1
                shape.extent[k] = np.nan
                k += 1
            tail = min(start + (leaf + 1) * RUN, stop)
            shape.run[k] = start + leaf * RUN, tail, side, k + 1
            _extent(rings.xy, start + leaf * RUN, tail, shape.extent[k])
            _widen(shape.box[row], shape.extent[k])
            if group >= 0:
                _widen(shape.extent[group], shape.extent[k])
            k += 1

"""Corners and edges of polygons, all of them at once, in blocks that bound the memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

PLOTS_AT_ONCE = 20_000
SHARP_DEG = 10.0
STRAIGHT_BACK_DEG = 0.01
"""Below it a corner is a line out and back, whichever side its ground lies on."""


class Corners(NamedTuple):
    """Corners: row of the plot, angle in degrees on its own side, place."""

    row: Ints
    angle_deg: Floats
    xy: Floats


class Edges(NamedTuple):
    """Short edges: row of the plot, length in m, the two ends."""

    row: Ints
    length_m: Floats
    start: Floats
    end: Floats


class _Block(NamedTuple):
    row: Ints
    xy: Floats
    last: Bools  # this vertex closes its ring: the edge that begins here is no edge


def sharp(shapes: Shapes, limit_deg: float) -> Corners:
    """Return corners whose inner angle is below a limit; shapes: polygons or None.

    A corner of two neighbours is found once, where the sharp side is; one out and back, too.
    """
    found = [_sharp(block, limit_deg) for block in _blocks(shapes)]
    row, angle, xy = (
        np.concatenate([getattr(part, name) for part in found])
        if found
        else np.empty((0, 2) if name == "xy" else 0)
        for name in Corners._fields
    )
    return Corners(row.astype(np.int64), angle, xy.reshape(-1, 2))


def short(shapes: Shapes, grid_m: float) -> Edges:
    """Return edges no longer than a step of the grid in x and in y; each once."""
    found = []
    for block in _blocks(shapes):
        step = np.diff(block.xy, axis=0, append=block.xy[-1:])
        steps = np.rint(np.abs(step) / grid_m)
        at = np.flatnonzero((steps <= 1).all(axis=1) & ~block.last)
        found.append(
            Edges(block.row[at], np.hypot(*step[at].T), block.xy[at], block.xy[at] + step[at])
        )
    if not found:
        return Edges(np.empty(0, np.int64), np.empty(0), np.empty((0, 2)), np.empty((0, 2)))
    row, length, start, end = (np.concatenate(column) for column in zip(*found, strict=True))
    ends = np.sort(np.stack([start, end], axis=1), axis=1).reshape(-1, 4)
    _, first = np.unique(ends, axis=0, return_index=True)
    first.sort()
    return Edges(row[first], length[first], start[first], end[first])


def _blocks(shapes: Shapes) -> Iterator[_Block]:
    """Yield the vertices of oriented rings (shells counter-clockwise), some plots at a time."""
    usable = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    for start in range(0, len(usable), PLOTS_AT_ONCE):
        rows = usable[start : start + PLOTS_AT_ONCE]
        parts, part_row = shapely.get_parts(shapes[rows], return_index=True)
        rings, ring_part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        last = np.r_[ring[1:] != ring[:-1], True]
        yield _Block(rows[part_row[ring_part[ring]]].astype(np.int64), xy, last)


def _sharp(block: _Block, limit_deg: float) -> Corners:
    moved = np.diff(block.xy, axis=0, append=block.xy[-1:])
    kept = np.flatnonzero((moved != 0).any(axis=1) & ~block.last)
    edges, row, xy = moved[kept], block.row[kept], block.xy[kept]
    ring = np.cumsum(block.last)[kept]
    first = np.r_[True, ring[1:] != ring[:-1]][: len(ring)]
    start = np.flatnonzero(first)
    before = np.arange(len(kept)) - 1
    before[start] = np.r_[start[1:], len(kept)][: len(start)] - 1
    into, out = -edges[before], edges
    cross = into[:, 1] * out[:, 0] - into[:, 0] * out[:, 1]
    dot = (into * out).sum(axis=1)
    angle = np.degrees(np.abs(np.arctan2(cross, dot)))
    near = np.flatnonzero((angle < limit_deg) & ((cross > 0) | (angle < STRAIGHT_BACK_DEG)))
    return Corners(row[near], angle[near], xy[near])

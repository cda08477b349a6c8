"""A town's frames on its overview: numbered donuts by category, beside their ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.render.book.plan import WINDOW_MM
from pipeline.render.sheet import Box, Ink
from pipeline.render.style import PT_MM, STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from pipeline.render.book.plan import Frame
    from pipeline.render.book.words import Words
    from pipeline.render.frame import MapFrame
    from pipeline.render.sheet import Sheet

_RADIUS_MM, _MANY, _LARGEST_OF_MANY_MM = (2.7, 7.5), 30, 5.5
_APART_MM, _NEAR_MM, _NEAR_OF_MANY_MM = 0.4, 15.0, 9.0
"""Between circles; how far off its frame a circle may be moved to leave all frames free."""
_RINGS_MM = (0.0, 2.0, 4.0, 5.5, 7.0, 9.0, 11.0, 13.0, 15.0, 18.0, 22.0, 27.0, 33.0)
_TURNS = 24


def outlines(window: MapFrame, frames: Sequence[Frame]) -> NDArray[np.object_]:
    """Return the ground of frames in page mm."""
    middles = np.array([(item.east_m, item.north_m) for item in frames]).reshape(-1, 2)
    halves = np.array(WINDOW_MM) * np.array([[item.scale / 2000] for item in frames]).reshape(-1, 1)
    low, high = (middles - halves).T, (middles + halves).T
    return np.asarray(window.to_page(shapely.box(*low, *high)), dtype=object)


def circles_of(
    tasks: gpd.GeoDataFrame, frames: Sequence[Frame], window: MapFrame, taken: Sequence[Box]
) -> list[tuple[Box, tuple[float, float]]]:
    """Place a circle per frame, its area by its 亩, beside the frames: (box, centre of the frame).

    None stands on another, no leader crosses one, and near by where there is room none is on a
    frame.
    """
    areas = tasks["area_m2"].to_numpy()
    amounts = np.array([areas[list(frame.rows)].sum() for frame in frames])
    (low, high), near = _RADIUS_MM, _NEAR_MM
    if len(frames) > _MANY:
        high, near = _LARGEST_OF_MANY_MM, _NEAR_OF_MANY_MM
    sizes = np.clip(np.sqrt(amounts / max(amounts.max(initial=0.0), 1.0)) * high, low, high)
    grounds = outlines(window, frames)
    tree, room = shapely.STRtree(grounds), window.box.inset(0.5).shape()
    busy: list[BaseGeometry] = [box.shape() for box in taken]
    found = []
    for ground, size in zip(grounds, sizes, strict=True):
        middle = shapely.get_coordinates(ground.centroid)[0]
        x, y = _place(middle, float(size), near, tree, busy, room)
        busy += [shapely.Point(x, y).buffer(size), shapely.LineString([middle, (x, y)])]
        found.append((Box(x - size, y - size, x + size, y + size), (middle[0], middle[1])))
    return found


def _place(
    middle: NDArray[np.float64],
    radius: float,
    near_mm: float,
    frames: shapely.STRtree,
    busy: Sequence[BaseGeometry],
    room: shapely.Polygon,
) -> NDArray[np.float64]:
    """Return the nearest centre for a circle; the middle itself where nothing is free."""
    turns = np.arange(_TURNS) * 2 * np.pi / _TURNS
    steps = np.array(_RINGS_MM)[:, None, None] * np.column_stack([np.cos(turns), np.sin(turns)])
    at = middle + steps.reshape(-1, 2)
    circles = shapely.buffer(shapely.points(at), radius + _APART_MM)
    leaders = shapely.linestrings(np.stack([np.broadcast_to(middle, at.shape), at], axis=1))
    taken = shapely.STRtree(busy)
    free = shapely.covers(room, circles)
    free[taken.query(circles, predicate="intersects")[0]] = False
    clear = free.copy()
    clear[taken.query(leaders, predicate="intersects")[0]] = False
    off = np.ones(len(at), dtype=bool)
    off[frames.query(circles, predicate="intersects")[0]] = False
    near = np.hypot(*(at - middle).T) < radius + near_mm
    ways = (clear & off & near, clear, free)
    found: NDArray[np.float64] = at[next((int(np.argmax(way)) for way in ways if way.any()), 0)]
    return found


def draw_donut(
    sheet: Sheet,
    tasks: gpd.GeoDataFrame,
    item: Frame,
    box: Box,
    anchor: tuple[float, float],
    words: Words,
) -> None:
    """Draw a frame's donut with its number, and a leader where it was moved."""
    own = tasks.iloc[list(item.rows)]
    sums = own.groupby("category")["area_m2"].sum()
    whole = float(sums.sum()) or 1.0
    parts = [(float(sums[name]) / whole, words.colours[name]) for name in words.colours
             if name in sums]  # fmt: skip
    centre, radius = box.centre, box.width / 2
    if np.hypot(centre[0] - anchor[0], centre[1] - anchor[1]) > 1:
        sheet.line([anchor, centre], STYLE.rule_pt, STYLE.band)
    sheet.disc(centre, radius, STYLE.paper)
    sheet.ring(centre, radius, parts, hole=0.68)
    size = 8.5 if radius > 4 else (7.0 if item.number < 100 else STYLE.small_pt)  # noqa: PLR2004 - mm, and three digits
    ink = Ink(size, bold=True, ha="center")
    sheet.text((centre[0], centre[1] - size * PT_MM * 0.37), str(item.number), ink, gid="frame")

"""Numbers on plots: within the plot where it holds them, else beside it with a leader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.render.sheet import Box, Ink
from pipeline.render.style import PT_MM, STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from pipeline.render.sheet import Sheet

NUMBER_PT, AREA_PT = 6.8, 5.5
_AIR_MM = 0.5
_DIRECTIONS = 16
_RINGS_MM = (1.0, 2.5, 4.5, 7.0, 10.0, 14.0, 19.0, 26.0, 35.0)


@dataclass(frozen=True, slots=True)
class Callout:
    """A placed number: its box; anchor is set where a leader is needed."""

    number: str
    area: str
    colour: str
    box: Box
    anchor: tuple[float, float] | None


def extent(sheet: Sheet, number: str, area: str) -> tuple[float, float]:
    """Return width and height in mm of a number over its 亩."""
    wide = max(sheet.width(number, Ink(NUMBER_PT, bold=True)), sheet.width(area, Ink(AREA_PT)))
    return wide + 2 * _AIR_MM, (NUMBER_PT + AREA_PT) * PT_MM * 1.12 + _AIR_MM


def place(
    sheet: Sheet,
    shapes: NDArray[np.object_],
    texts: Sequence[tuple[str, str, str]],
    window: Box,
) -> list[Callout]:
    """Place (number, 亩, ink colour) for every shape (page mm), none on another, within the window.

    Plots that hold their number come first. The others take the nearest free place, off other
    plots and with a leader that crosses nothing where there is one; where the window is full, a
    number overlaps plots, never a number.
    """
    trees = shapely.STRtree(shapes)
    taken: list[Box] = []
    placed: dict[int, Callout] = {}
    sizes = [extent(sheet, number, area) for number, area, _ in texts]
    middles = [_middle(shape) for shape in shapes]
    for n, (number, area, colour) in enumerate(texts):
        box = _around(middles[n], sizes[n])
        if shapes[n].contains(box.shape()) and _free(box, taken, window):
            placed[n] = Callout(number, area, colour, box, None)
            taken.append(box)
    leaders: list[shapely.LineString] = []
    for n, (number, area, _) in enumerate(texts):
        if n not in placed:
            ways = [
                (end, _beside(shapes[n], end, sizes[n], taken, window, trees, leaders))
                for end in _ends(shapes[n], middles[n], taken)
            ]
            lines = [shapely.LineString([end, box.centre]) for end, box in ways]
            fixed = np.array([*leaders, *(box.shape() for box in taken)], dtype=object)
            crossed = [bool(shapely.intersects(fixed, line).any()) for line in lines]
            best = crossed.index(False) if False in crossed else 0
            anchor, box = ways[best]
            placed[n] = Callout(number, area, STYLE.ink, box, anchor)
            taken.append(box)
            leaders.append(lines[best])
    return [placed[n] for n in range(len(texts))]


def _middle(shape: BaseGeometry) -> tuple[float, float]:
    """Return the centre of the largest circle in the largest part."""
    part = max(shapely.get_parts(shape), key=shapely.area)
    x, y = shapely.get_coordinates(shapely.maximum_inscribed_circle(part, tolerance=0.1))[0]
    return float(x), float(y)


def _ends(
    shape: BaseGeometry, middle: tuple[float, float], taken: Sequence[Box]
) -> list[tuple[float, float]]:
    """Return where a leader may end: the middle; beside a number that stands there, on each side.

    So it is where a plot has two tasks.
    """
    over = [box for box in taken if box.shape().covers(shapely.Point(middle))]
    if not over:
        return [middle]
    west, south, east, north = shape.bounds
    box = over[0]
    sides = shapely.box(
        [west, box.right, west, west], [south, south, south, box.top],
        [box.left, east, east, east], [north, north, box.bottom, north],
    )  # fmt: skip
    parts = [part for part in shapely.intersection(shape, sides) if part.area > 0]
    return [_middle(part) for part in parts] or [middle]


def _around(at: tuple[float, float], size: tuple[float, float]) -> Box:
    return Box(at[0] - size[0] / 2, at[1] - size[1] / 2, at[0] + size[0] / 2, at[1] + size[1] / 2)


def _free(box: Box, taken: Sequence[Box], window: Box) -> bool:
    """Tell whether a box lies in the window and on no other box."""
    if box.left < window.left or box.right > window.right:
        return False
    if box.bottom < window.bottom or box.top > window.top:
        return False
    return not any(box.meets(other) for other in taken)


def _beside(  # noqa: PLR0913, PLR0917 - a place is good beside all of these
    shape: BaseGeometry,
    at: tuple[float, float],
    size: tuple[float, float],
    taken: Sequence[Box],
    window: Box,
    plots: shapely.STRtree,
    leaders: Sequence[shapely.LineString],
) -> Box:
    """Return the nearest free box around a shape: off all plots, its leader crossing nothing.

    Where there is none, a box off all plots; else any that is free.
    """
    west, south, east, north = shape.bounds
    turns = np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS
    fixed = np.array([*leaders, *(box.shape() for box in taken)], dtype=object)
    crossing: Box | None = None
    covering: Box | None = None
    for ring in _RINGS_MM:
        for turn in turns:
            x = at[0] + np.cos(turn) * ((east - west + size[0]) / 2 + ring)
            y = at[1] + np.sin(turn) * ((north - south + size[1]) / 2 + ring)
            box = _around((float(x), float(y)), size)
            if not _free(box, taken, window):
                continue
            body = box.shape()
            if shapely.intersects(fixed[: len(leaders)], body).any():
                continue
            if len(plots.query(body, predicate="intersects")):
                covering = covering or box
            elif shapely.intersects(fixed, shapely.LineString([at, box.centre])).any():
                crossing = crossing or box
            else:
                return box
    return crossing or covering or _anywhere(at, size, taken, window)


def _anywhere(
    at: tuple[float, float], size: tuple[float, float], taken: Sequence[Box], window: Box
) -> Box:
    """Return the free box of the whole window that is nearest; the plot's own place if none is."""
    xs = np.arange(window.left + size[0] / 2, window.right - size[0] / 2, size[0] / 2)
    ys = np.arange(window.bottom + size[1] / 2, window.top - size[1] / 2, size[1] / 2)
    grid = np.array([(x, y) for x in xs for y in ys])
    order = np.argsort(np.hypot(*(grid - np.array(at)).T), kind="stable")
    boxes = (_around((float(x), float(y)), size) for x, y in grid[order])
    return next((box for box in boxes if _free(box, taken, window)), _around(at, size))


def write(sheet: Sheet, callouts: Sequence[Callout]) -> None:
    """Draw leaders, then the numbers over white where they stand beside their plot."""
    beside = [(item.anchor, item.box) for item in callouts if item.anchor]
    if beside:
        sheet.strokes([[anchor, box.centre] for anchor, box in beside], STYLE.rule_pt)
        dots = [Box(x - 0.35, y - 0.35, x + 0.35, y + 0.35) for (x, y), _ in beside]
        sheet.rects(dots, [STYLE.ink], ["none"], 0)
        sheet.rects([box for _, box in beside], [STYLE.paper], [STYLE.rule], STYLE.hair_pt)
    for item in callouts:
        x = item.box.centre[0]
        foot = item.box.bottom + _AIR_MM / 2 + 0.16 * AREA_PT * PT_MM
        area = Ink(AREA_PT, colour=item.colour, ha="center")
        sheet.text((x, foot), item.area, area, gid="plot-area")
        strong = Ink(NUMBER_PT, bold=True, colour=item.colour, ha="center")
        sheet.text((x, foot + AREA_PT * PT_MM * 1.12), item.number, strong, gid="plot-number")

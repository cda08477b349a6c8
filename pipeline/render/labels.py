"""Names and figures on polygons: inside where they fit, else beside with a leader; never across."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.render.sheet import Box, Ink
from pipeline.render.style import PT_MM, STYLE, on_dark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from pipeline.render.sheet import Sheet

_GRID = 40
_CLEAR_MM = 0.8
_LEADING = 1.3
_FOLD_FROM = 6
_NEAR_MM = 40.0
_COARSE_MM = 0.3


@dataclass(frozen=True, slots=True)
class Wanted:
    """A label to place: its polygon in page mm, name and figure (strong), rate, fill colour.

    brief: what stands for all of it where it doesn't fit, "" where it must be told at a leader.
    """

    shape: BaseGeometry
    name: str
    figure: str
    rate: str
    fill: str
    brief: str = ""

    def ways(self) -> Iterator[Wanted]:
        """Yield the label as it would best be, then ever shorter, where it may be."""
        yield self
        if self.brief:
            yield replace(self, rate="")

    def folded(self) -> Wanted:
        """Return the label with its name on two lines, the longer one first."""
        half = (len(self.name) + 1) // 2
        return replace(self, name=f"{self.name[:half]}\n{self.name[half:]}")


@dataclass(frozen=True, slots=True)
class Placed:
    """A placed label; anchor is set where a leader is needed (the point it shows)."""

    wanted: Wanted
    box: Box
    size_pt: float
    anchor: tuple[float, float] | None = None


def place(
    sheet: Sheet, wanted: Sequence[Wanted], frame: Box, blocked: Sequence[Box]
) -> tuple[Placed, ...]:
    """Place every label: inside its polygon as large as fits, the rest as callouts with a leader.

    Callouts stand off all polygons where there is room, clear of every other label, of the boxes
    in the way and of the frame; their leaders (drawn beneath the labels) avoid labels where they
    can. A label that has a brief form is put beside only near by and off all polygons; else the
    brief form stands inside, or nothing. Raises GengbaoError when the frame has no room left.
    """
    keep_out = shapely.union_all([box.shape() for box in blocked])

    def within(ways: Iterable[Wanted]) -> Placed | None:
        return next(filter(None, (_inside(sheet, way, keep_out) for way in ways)), None)

    inside = {n: found for n, w in enumerate(wanted) if (found := within(w.ways()))}
    taken = [*blocked, *(placed.box for placed in inside.values())]
    ground = shapely.union_all([w.shape for w in wanted])
    for n, item in enumerate(wanted):
        if n in inside:
            continue
        found = _beside(sheet, item, frame, taken, ground)
        if found is None and item.brief:
            found = within([replace(item, name=item.brief, figure="", rate="")])
        if found is not None:
            inside[n] = found
            taken.append(found.box)
        elif not item.brief:
            advice = "请改用更大的图幅"
            raise GengbaoError(Finding(f"图上注记“{item.name}”", "图框内已无空位", advice))
    return tuple(inside[n] for n in sorted(inside))


def _inks(item: Wanted, size_pt: float) -> Iterator[tuple[str, Ink]]:
    """Yield the lines with their ink at a size."""
    colour = STYLE.paper if on_dark(item.fill) else STYLE.ink
    strong = Ink(size_pt, bold=True, colour=colour, ha="center")
    for text in filter(None, (*item.name.split("\n"), item.figure)):
        yield text, strong
    if item.rate:
        weak = max(STYLE.small_pt, size_pt * STYLE.rate_ratio)
        yield item.rate, replace(strong, size_pt=weak, bold=False)


def _extent(sheet: Sheet, item: Wanted, size_pt: float) -> tuple[float, float]:
    """Return width and height in mm of a label at a size, with some air around it."""
    lines = list(_inks(item, size_pt))
    width = max(sheet.width(text, ink) for text, ink in lines)
    height = sum(ink.size_pt for _, ink in lines) * PT_MM * _LEADING
    return width + 2 * _CLEAR_MM, height + _CLEAR_MM


def _boxes(centres: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Return rectangles of one size around points (n, 2)."""
    half = np.array(size) / 2
    low, high = (centres - half).T, (centres + half).T
    return np.asarray(shapely.box(low[0], low[1], high[0], high[1]))


def _points(bounds: tuple[float, float, float, float]) -> np.ndarray:
    """Return a grid of points over bounds."""
    x, y = (np.linspace(bounds[n], bounds[n + 2], _GRID) for n in (0, 1))
    return np.column_stack([axis.ravel() for axis in np.meshgrid(x, y)])


def _middle(shape: BaseGeometry) -> np.ndarray:
    """Return the centre of the largest circle within the largest part."""
    part = max(shapely.get_parts(shape), key=shapely.area)
    circle = shapely.maximum_inscribed_circle(part, tolerance=0.1)
    return np.asarray(shapely.get_coordinates(circle)[0])


def _inside(sheet: Sheet, item: Wanted, keep_out: BaseGeometry) -> Placed | None:
    """Return the label within its polygon, near its middle, at the largest size that fits."""
    middle = _middle(item.shape)
    around = _points(item.shape.bounds)
    order = np.argsort(np.hypot(*(around - middle).T), kind="stable")
    room = shapely.difference(item.shape, keep_out)
    shapely.prepare(room)
    centres = np.vstack([middle[None], around[order]])
    centres = centres[shapely.contains_xy(room, centres)]
    west, south, east, north = room.bounds
    widest = np.array([east - west, north - south])
    folded = [item.folded()] if len(item.name) >= _FOLD_FROM else []
    for size_pt in STYLE.label_sizes_pt:
        for layout in (item, *folded):
            extent = _extent(sheet, layout, size_pt)
            if (np.array(extent) > widest).any():
                continue
            boxes = _boxes(centres, extent)
            fits = shapely.contains_properly(room, boxes)
            if fits.any():
                return Placed(layout, Box(*shapely.bounds(boxes[np.argmax(fits)])), size_pt)
    return None


def _beside(
    sheet: Sheet, item: Wanted, frame: Box, taken: Sequence[Box], ground: BaseGeometry
) -> Placed | None:
    """Return the nearest free place for a callout, off the polygons if there is any; else None."""
    anchor = _middle(item.shape)
    size = _extent(sheet, replace(item, fill=STYLE.paper), STYLE.callout_pt)
    room = frame.inset(_CLEAR_MM)
    half = np.array(size) / 2
    low, high = np.array(room[:2]) + half, np.array(room[2:]) - half
    centres = _points((low[0], low[1], high[0], high[1]))
    boxes = _boxes(centres, size)
    others = shapely.union_all([box.inset(-_CLEAR_MM).shape() for box in taken])
    for shape in (others, ground):
        shapely.prepare(shape)
    leaders = shapely.linestrings(np.stack([np.broadcast_to(anchor, centres.shape), centres], 1))
    free = ~shapely.intersects(others, boxes)
    clear = free & ~shapely.intersects(others, leaders)
    off = clear & ~shapely.intersects(ground, boxes)
    away = np.hypot(*(centres - anchor).T)
    wishes = (off & (away < _NEAR_MM),) if item.brief else (off, clear, free)
    choice = next((places for places in wishes if places.any()), None)
    if choice is None:
        return None
    distance = np.where(choice, away, np.inf)
    box = Box(*shapely.bounds(boxes[np.argmin(distance)]))
    return Placed(item, box, STYLE.callout_pt, (float(anchor[0]), float(anchor[1])))


def write(sheet: Sheet, placed: Sequence[Placed]) -> None:
    """Draw placed labels, leaders and callout boxes first; every text carries the gid 'label'."""
    for item in placed:
        if item.anchor:
            sheet.line([item.anchor, item.box.centre], STYLE.leader_pt)
            x, y = item.anchor
            sheet.rect(Box(x - 0.5, y - 0.5, x + 0.5, y + 0.5), STYLE.ink)
    for item in placed:
        fill = item.wanted.fill
        if item.anchor:
            sheet.rect(item.box, STYLE.paper, fill if on_dark(fill) else STYLE.ink, STYLE.rule_pt)
        seen = replace(item.wanted, fill=STYLE.paper) if item.anchor else item.wanted
        x, y = item.box.centre[0], item.box.top - _CLEAR_MM / 2
        for text, ink in _inks(seen, item.size_pt):
            height = ink.size_pt * PT_MM * _LEADING
            # baseline of Chinese type: 0.12 em above the foot of its body
            foot = y - height + (height - ink.size_pt * PT_MM) / 2 + 0.12 * ink.size_pt * PT_MM
            sheet.text((x, foot), text, ink, gid="label")
            y -= height


def name_around(
    sheet: Sheet, shapes: Mapping[str, BaseGeometry], taken: Sequence[Box]
) -> list[Box]:
    """Name polygons (name → shape in page mm) quietly where there is room off the boxes taken.

    Returns the names' boxes; a name without room is left out.
    """
    corners = np.array(taken).reshape(-1, 4).T
    found = []
    for name, shape in shapes.items():
        coarse = shapely.simplify(shape, _COARSE_MM)
        for size_pt in (STYLE.panel_pt, STYLE.body_pt, STYLE.note_pt):
            ink = Ink(size_pt, bold=True, colour=STYLE.quiet, ha="center")
            half, tall = sheet.width(name, ink) / 2 + _CLEAR_MM, size_pt * PT_MM / 2 + _CLEAR_MM
            grown = corners + np.array([[-half], [-tall], [half], [tall]])
            room = shapely.difference(coarse.buffer(-half), shapely.union_all(shapely.box(*grown)))
            if room.is_empty:
                continue
            x, y = _middle(room)
            found.append(Box(x - half, y - tall, x + half, y + tall))
            foot = y - 0.38 * size_pt * PT_MM  # half of a character's height over the baseline
            sheet.text((x, foot), name, ink, gid="neighbour-name")
            break
    return found

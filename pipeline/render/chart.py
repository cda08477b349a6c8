"""A small chart in a box: date axis, amount axis, lines and marks, all in mm of the design."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.render.sheet import Box, Ink
from pipeline.render.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.render.sheet import Sheet

_STEPS = tuple(step * 10.0**power for power in range(-2, 7) for step in (1, 2, 5))
_TICKS = 5
_DASH_MM = (1.6, 1.0)


@dataclass(frozen=True, slots=True)
class Scales:
    """Plot area in mm, first and last day, and the amount at its top; 0 is at its foot."""

    area: Box
    first: date
    last: date
    top: float

    def x(self, day: date) -> float:
        """Return a day's place."""
        share = (day - self.first) / max(self.last - self.first, timedelta(days=1))
        return self.area.left + share * self.area.width

    def y(self, amount: float) -> float:
        """Return an amount's place."""
        return self.area.bottom + amount / self.top * self.area.height

    def at(self, day: date, amount: float) -> tuple[float, float]:
        """Return a point."""
        return self.x(day), self.y(amount)


def nice_top(most: float) -> float:
    """Return a round amount that holds the largest one, so that ticks are round."""
    step = tick_step(most)
    count = int(most / step) + (most % step > 0)
    return max(1, count) * step


def tick_step(most: float) -> float:
    """Return the round distance of about five ticks."""
    return next((step for step in _STEPS if most / step <= _TICKS), _STEPS[-1])


def axes(sheet: Sheet, scales: Scales, days: Sequence[date], size_pt: float) -> None:
    """Draw horizontal rules with their amounts, the foot line and the days beneath it."""
    step, amount = tick_step(scales.top), 0.0
    quiet = Ink(size_pt, colour=STYLE.quiet, ha="right")
    while amount <= scales.top * 1.0001:
        y = scales.y(amount)
        ends = [(scales.area.left, y), (scales.area.right, y)]
        sheet.line(ends, STYLE.hair_pt if amount else STYLE.rule_pt, STYLE.rule)
        sheet.text((scales.area.left - 1.2, y - size_pt * 0.12), f"{amount:,g}", quiet)
        amount += step
    last = -100.0
    for day in days:
        x = scales.x(day)
        sheet.line([(x, scales.area.bottom), (x, scales.area.bottom - 1)], STYLE.rule_pt)
        label = f"{day.month}/{day.day}"
        ink = Ink(size_pt, colour=STYLE.quiet, ha="center")
        if x - last > sheet.width(label, ink) + 1:
            sheet.text((x, scales.area.bottom - 1.4 - size_pt * 0.32), label, ink)
            last = x


def path(sheet: Sheet, points: Sequence[tuple[float, float]], width_pt: float, colour: str) -> None:
    """Draw a line with a mark at every point."""
    if len(points) > 1:
        sheet.line(points, width_pt, colour)
    for x, y in points:
        sheet.disc((x, y), 0.35 + width_pt * 0.25, colour)


def dashed(
    sheet: Sheet, points: Sequence[tuple[float, float]], width_pt: float, colour: str
) -> None:
    """Draw a dashed line through the points."""
    on, off = _DASH_MM
    for (x0, y0), (x1, y1) in pairwise(points):
        length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
        start = 0.0
        while start < length:
            end = min(start + on, length)
            ends = [
                (x0 + (x1 - x0) * t / length, y0 + (y1 - y0) * t / length) for t in (start, end)
            ]
            sheet.line(ends, width_pt, colour)
            start += on + off

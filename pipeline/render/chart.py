"""Charts: their page, their grid of towns, and axes, lines and marks in mm of the design."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.model import Indicator
from pipeline.render import furniture as kit
from pipeline.render.sheet import Box, Ink, Sheet, new_sheet
from pipeline.render.style import PT_MM, STYLE, page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.render.data import MapData

INDICATORS = (
    (Indicator.CROPLAND, "耕地保护目标"),
    (Indicator.PBF, "永久基本农田"),
    (Indicator.IN_OUT_BALANCE, "进出平衡"),
)
"""The indicators a chart has a page of, and what they are called in its title."""

_STEPS = tuple(step * 10.0**power for power in range(-2, 7) for step in (1, 2, 5))
_TICKS = 5
_TICK_LINES = 1.6
_DASH_MM = (1.6, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """Plot area in mm, and the amounts at its top and at its foot."""

    area: Box
    top: float
    low: float = 0.0

    def y(self, amount: float) -> float:
        """Return an amount's place."""
        share = (amount - self.low) / (self.top - self.low)
        return self.area.bottom + share * self.area.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales(Amounts):
    """Amounts over days: the first and the last one too."""

    first: date
    last: date

    def x(self, day: date) -> float:
        """Return a day's place."""
        share = (day - self.first) / max(self.last - self.first, timedelta(days=1))
        return self.area.left + share * self.area.width

    def at(self, day: date, amount: float) -> tuple[float, float]:
        """Return a point."""
        return self.x(day), self.y(amount)


def chart_page(data: MapData, title: str, headline: str) -> Sheet:
    """Return a sheet A3 with neatline, titles, sample mark and product id: room for charts below.

    title: what the chart is, without county and year.
    """
    sheet = new_sheet(page("A3"))
    room = kit.neatlines(sheet)
    county = data.county
    kit.titles(
        sheet, room, f"{county.name}{title}（{county.ledger.year}年度）", headline,
        kit.subtitle(data),
    )  # fmt: skip
    if county.sample:
        kit.sample_mark(sheet, (room.right - 50, room.top - 17))
    kit.run_line(sheet, room, data.product_id)
    return sheet


def cells(area: Box, count: int, columns: int, gap_mm: float = 3.0) -> list[Box]:
    """Return boxes of one size that fill an area row by row."""
    rows = -(-count // columns)
    width = (area.width - gap_mm * (columns - 1)) / columns
    height = (area.height - gap_mm * (rows - 1)) / rows
    lefts = [area.left + n % columns * (width + gap_mm) for n in range(count)]
    tops = [area.top - n // columns * (height + gap_mm) for n in range(count)]
    return [Box(x, y - height, x + width, y) for x, y in zip(lefts, tops, strict=True)]


def spread(wanted: Sequence[float], step: float, low: float, high: float) -> list[float]:
    """Return places as near to the wanted ones as may be, a step apart, in their order.

    Neighbours that would be too close share the room around their middle. Where the room between
    low and high is too small for all, the steps are.
    """
    step = min(step, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    blocks: list[tuple[float, list[int]]] = []
    for n in order:
        middle, members = min(max(wanted[n], low), high), [n]
        while blocks and middle - blocks[-1][0] < step * (len(members) + len(blocks[-1][1])) / 2:
            before, others = blocks.pop()
            weight = len(others) / (len(others) + len(members))
            middle = before * weight + middle * (1 - weight)
            members = others + members
            half = step * (len(members) - 1) / 2
            middle = min(max(middle, low + half), high - half)
        blocks.append((middle, members))
    places = [0.0] * len(wanted)
    for middle, members in blocks:
        for k, n in enumerate(members):
            places[n] = middle + step * (k - (len(members) - 1) / 2)
    return places


def nice_top(most: float) -> float:
    """Return a round amount that holds the largest one, so that ticks are round."""
    step = tick_step(most)
    count = int(most / step) + (most % step > 0)
    return max(1, count) * step


def tick_step(most: float, ticks: int = _TICKS) -> float:
    """Return the round distance at which there are about so many ticks."""
    return next((step for step in _STEPS if most / step <= ticks), _STEPS[-1])


def rules(sheet: Sheet, scale: Amounts, size_pt: float, unit: str = "") -> None:
    """Draw a thin rule at every round amount with its figure at the left; 0 is drawn stronger."""
    ticks = max(1, min(_TICKS, int(scale.area.height / (size_pt * PT_MM * _TICK_LINES))))
    step = tick_step(scale.top - scale.low, ticks)
    quiet = Ink(size_pt, colour=STYLE.quiet, ha="right")
    for n in range(-int(-scale.low / step), int(scale.top / step * 1.0001) + 1):
        y = scale.y(n * step)
        ends = [(scale.area.left, y), (scale.area.right, y)]
        sheet.line(ends, STYLE.hair_pt if n else STYLE.rule_pt, STYLE.rule)
        figure = f"{n * step:,g}{unit}".replace("-", "−")
        sheet.text((scale.area.left - 1.2, y - size_pt * 0.12), figure, quiet)


def axes(
    sheet: Sheet, scales: Scales, days: Sequence[date], size_pt: float, unit: str = ""
) -> None:
    """Draw the rules, and beneath them those of the days that have room."""
    rules(sheet, scales, size_pt, unit)
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

"""一周一排名, 半月一督查, 一月一通报: an export's period, and what it is held against.

Exports come when they come, so a bulletin is due with every export: it is of the half-month and
month its date lies in, and says up to when its data reach (docs/decisions/0065).
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

_HALF = 15


@dataclass(frozen=True, slots=True)
class Period:
    """A period in words, its first and last day, and the export it is held against."""

    name: str
    first: date
    last: date
    since: date | None


def week(day: date, exports: Iterable[date]) -> Period:
    """Return the step that ends with an export: held against the export before."""
    before = [other for other in exports if other < day]
    since = max(before, default=None)
    return Period("本期", since or day, day, since)


def half_month(day: date, exports: Iterable[date]) -> Period:
    """Return the half-month an export lies in: the 1st to the 15th, the 16th to the end."""
    early = day.day <= _HALF
    first = day.replace(day=1 if early else _HALF + 1)
    last = day.replace(day=_HALF) if early else _month_end(day)
    name = f"{day.year}年{day.month}月{'上' if early else '下'}半月"
    return Period(name, first, last, _since(first, day, exports))


def month(day: date, exports: Iterable[date]) -> Period:
    """Return the month an export lies in."""
    first = day.replace(day=1)
    name = f"{day.year}年{day.month}月"
    return Period(name, first, _month_end(day), _since(first, day, exports))


def _month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _since(first: date, day: date, exports: Iterable[date]) -> date | None:
    """Return the last export before a period; if none, the first one in it before `day`."""
    known = sorted(other for other in exports if other < day)
    before = [other for other in known if other < first]
    return before[-1] if before else next(iter(known), None)

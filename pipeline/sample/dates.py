"""The campaign's calendar: last year's survey, the ledger, the later exports, phases, deadline."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PREVIOUS, LEDGER, DEADLINE = date(2022, 12, 31), date(2023, 9, 30), date(2023, 12, 20)
PHASES = {
    "建账": (LEDGER, date(2023, 10, 15)),
    "攻坚": (date(2023, 10, 16), date(2023, 12, 10)),
    "交账": (date(2023, 12, 11), DEADLINE),
}
"""The campaign's phases, first and last day (example dates: the notice doesn't print any)."""
RHYTHMS = ("month", "half-month", "week")
_MONTHLY, _HALF_MONTHLY = 2, 6  # up to so many exports; more come weekly
_MID_MONTH = 15
_WEEK = timedelta(days=7)


def rhythm(exports: int) -> str:
    """Return how often exports come when nobody says: monthly, from three on by halves, weekly.

    Six half months or twelve weeks reach past the deadline.
    """
    if exports <= _MONTHLY:
        return "month"
    return "half-month" if exports <= _HALF_MONTHLY else "week"


def later_days(exports: int, every: str) -> tuple[date, ...]:
    """Return the dates of the exports after the ledger's: month ends, mid-months too, or weeks."""
    days = {"week": _weeks, "half-month": _half_months, "month": _months}[every]()
    return tuple(next(days) for _ in range(exports))


def _weeks() -> Iterator[date]:
    day = LEDGER
    while True:
        day += _WEEK
        yield day


def _months() -> Iterator[date]:
    return (day for day in _half_months() if day.day != _MID_MONTH)


def _half_months() -> Iterator[date]:
    first = LEDGER + timedelta(days=1)
    while True:
        following = (first + timedelta(days=31)).replace(day=1)
        yield first.replace(day=_MID_MONTH)
        yield following - timedelta(days=1)
        first = following

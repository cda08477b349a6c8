"""Whether a place meets the deadline, from how its work went so far.

Method: the area still to be done moves like a random walk with drift, the simplest model that
takes exports at uneven distances. The pace μ is all net work since the ledger ÷ all days: the
first and last export decide it. The spread comes from how unevenly the steps between exports went:
σ² = Σ (wᵢ − μ·dᵢ)² / dᵢ ÷ (k − 1) for k steps of dᵢ days with net work wᵢ. After h more days the
rest is expected to be rest − μ·h, with variance σ²·(h + h²/T), T = all days so far: the second term
is what isn't known about the pace itself. The interval is that of Student's t with k − 1 degrees
of freedom and holds the outcome eight times in ten if the work goes on as it went; it knows
nothing of weather, of a final sprint, or of what nobody has surveyed yet. Fewer than three steps
say too little about the spread: no interval, no forecast. Steps all at the same pace give an
interval of no width. Source: Brownian motion with drift, unbiased σ²; the quotient of prediction
error and its standard error has a t distribution (any textbook on linear models).
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_STEPS = 3
"""Steps between exports that a forecast needs: two degrees of freedom for the spread."""
T_90 = (
    3078, 1886, 1638, 1533, 1476, 1440, 1415, 1397, 1383, 1372, 1363, 1356, 1350, 1345, 1341,
    1337, 1333, 1330, 1328, 1325, 1323, 1321, 1319, 1318, 1316, 1315, 1314, 1313, 1311, 1310,
)  # fmt: skip
"""Thousandths of the 90 % quantile of Student's t for 1, 2, … 30 degrees of freedom.

More degrees count as 30: a little too wide.
"""
_WEEK = 7


class Outlook(StrEnum):
    """What can be said about a place and the deadline."""

    DONE = "done"
    OVERDUE = "overdue"
    TOO_FEW = "too_few"
    ON_COURSE = "on_course"
    UNCERTAIN = "uncertain"
    WILL_MISS = "will_miss"


class Step(NamedTuple):
    """From one export to the next: days, and net work done (restored − relapsed − new), in 亩."""

    days: int
    work_mu: Decimal


class Forecast(NamedTuple):
    """Paces in 亩 a week; what is left at the deadline in 亩 (middle, low, high); the outlook."""

    outlook: Outlook
    needed_mu_week: Decimal | None = None
    pace_mu_week: Decimal | None = None
    last_pace_mu_week: Decimal | None = None
    left_mu: Decimal | None = None
    low_mu: Decimal | None = None
    high_mu: Decimal | None = None


def forecast(rest_mu: Decimal, steps: Sequence[Step], days_left: int, *, done: bool) -> Forecast:
    """Hold the pace so far against the pace needed, and project the rest to the deadline.

    rest_mu: area of open tasks now; steps: since the ledger, in order; days_left: from the newest
    export to the deadline, 0 or less when it has come; done: no task is open. The outlook is
    ON_COURSE or WILL_MISS only if the whole interval says so. No area left is below 0.
    """
    days = sum(step.days for step in steps)
    work = sum((step.work_mu for step in steps), Decimal(0))
    paces = {
        "pace_mu_week": work * _WEEK / days if steps else None,
        "last_pace_mu_week": steps[-1].work_mu * _WEEK / steps[-1].days if steps else None,
    }
    if done:
        return Forecast(Outlook.DONE, **paces)
    if days_left <= 0:
        return Forecast(Outlook.OVERDUE, **paces)
    paces["needed_mu_week"] = rest_mu * _WEEK / days_left
    if len(steps) < LEAST_STEPS:
        return Forecast(Outlook.TOO_FEW, **paces)
    left = rest_mu - work * days_left / days
    half = _half_width(steps, work, days_left)
    outlook = Outlook.UNCERTAIN
    if left + half <= 0:
        outlook = Outlook.ON_COURSE
    elif left - half > 0:
        outlook = Outlook.WILL_MISS
    nothing = Decimal(0)
    return Forecast(
        outlook,
        **paces,
        left_mu=max(left, nothing),
        low_mu=max(left - half, nothing),
        high_mu=max(left + half, nothing),
    )


def _half_width(steps: Sequence[Step], work: Decimal, ahead: int) -> Decimal:
    """Return half the interval's width in 亩, `ahead` days from now; work: of all steps."""
    days = sum(step.days for step in steps)
    free = len(steps) - 1
    uneven = (((step.work_mu - work * step.days / days) ** 2 / step.days) for step in steps)
    variance = sum(uneven, Decimal(0)) / free * (ahead + Decimal(ahead * ahead) / days)
    return Decimal(T_90[min(free, len(T_90)) - 1]) / 1000 * variance.sqrt()

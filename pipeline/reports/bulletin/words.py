"""Figures and dates in words, as public documents print them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from pipeline.reports.bulletin.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_CENT = Decimal("0.01")
NOTHING = "—"
"""A cell without a figure."""


def say(key: str, **figures: str) -> str:
    """Return a sentence of sentences.csv."""
    return sentences().say(key, **figures)


def two(value: Decimal) -> str:
    """Return a figure with two decimals, half-up; 不足0.01 for what isn't nothing but prints so."""
    rounded = value.quantize(_CENT, ROUND_HALF_UP) + 0
    return f"不足{_CENT}" if value > 0 and not rounded else f"{rounded:f}"


def cell(value: Decimal | None) -> str:
    """Return a figure for a table; a dash where there is none."""
    return NOTHING if value is None else two(value)


def signed(value: Decimal | None) -> str:
    """Return a change for a table: +1.20, −0.50, 0.00; a dash where nothing is compared."""
    if value is None:
        return NOTHING
    rounded = value.quantize(_CENT, ROUND_HALF_UP) + 0
    return f"{rounded:+f}".replace("-", "−") if rounded else f"{rounded:f}"


def moved(value: Decimal | None, unit: str, since: str) -> str:
    """Say a change in words, "" where nothing is compared; unit: points or area (亩)."""
    if value is None:
        return ""
    if not value:
        return say(f"same_{unit}", since=since)
    return say(f"{'up' if value > 0 else 'down'}_{unit}", since=since, **{unit: two(abs(value))})


def full_day(day: date) -> str:
    """Return 2023年12月15日."""
    return f"{day.year}年{day.month}月{day.day}日"


def near_day(day: date, beside: date) -> str:
    """Return a date without its year where it is that of a date named before."""
    return f"{day.month}月{day.day}日" if day.year == beside.year else full_day(day)


def listed(items: Sequence[str]) -> str:
    """Join names of a list."""
    return "、".join(items)


def compared(since: date | None, export: date) -> str:
    """Say what a bulletin is held against."""
    return say("compared", since=near_day(since, export)) if since else say("first_export")

"""The cells of progress.csv that are no number: phase, dates, outlook and note.

A date and a phase are read again from county.toml, plan.csv and the exports; an outlook must follow
from the numbers beside it; a note must say the numbers that were added up again, each in its place.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pipeline.model import County

    Numbers = Mapping[str, Decimal | None]

PHASE, SINCE, NEXT_DATE, OUTLOOK, NOTE = "phase", "since", "next_date", "outlook", "note"
COLUMNS = (PHASE, SINCE, NEXT_DATE, OUTLOOK, NOTE)
"""Columns of progress.csv that are words or dates."""
RESTS = {
    PHASE: (),
    SINCE: (),
    NEXT_DATE: ("next_mu",),
    OUTLOOK: ("open_plots", "days_left", "pace_mu_week", "left_mu", "low_mu", "high_mu"),
    NOTE: (
        "behind_mu", "reopened_plots", "reopened_mu", "open_plots", "open_mu", "pace_mu_week",
        "left_mu", "low_mu", "high_mu",
    ),
}  # fmt: skip
"""Column → the numbers of its row it rests on."""
OUTLOOKS = {
    "done": "没有未销号的图斑", "overdue": "整改期限已到", "too_few": "期数太少，无法推算",
    "on_course": "按目前进度可按期完成", "uncertain": "能否按期完成尚难判断",
    "will_miss": "预警：按目前进度不能按期完成",
}  # fmt: skip
"""Outlook → what it means."""
_SAID = (
    (r"^(低于计划 )[0-9.]+( 亩)$", ("behind_mu",)),
    (r"^(反弹 )[0-9]+( 个 )[0-9.]+( 亩)$", ("reopened_plots", "reopened_mu")),
    (r"^(整改期限已到，未销号 )[0-9.]+( 亩)$", ("open_mu",)),
    (
        r"^(.*期限时约剩 )[0-9.]+( 亩（)[0-9.]+( 至 )[0-9.]+( 亩）)$",
        ("left_mu", "low_mu", "high_mu"),
    ),
)
"""Parts of a note with numbers, and which numbers they say."""
_LEAST_STEPS = 3


def phase_on(county: County, day: date) -> str | None:
    """Return the phase of county.toml a day lies in."""
    return next((name for name, (a, b) in county.phases.items() if a <= day <= b), None)


def outlook(stated: object, numbers: Numbers, steps: int) -> str:
    """Return the outlook that follows from a row's numbers.

    steps: exports after the ledger's. The interval is printed with two decimals: an end that is
    printed as 0.00 may be a little more, so there what is `stated` counts if it agrees with it.
    """
    if not numbers["open_plots"]:
        return "done"
    if (numbers["days_left"] or 0) <= 0:
        return "overdue"
    if steps < _LEAST_STEPS:
        return "too_few"
    if numbers["low_mu"]:
        return "will_miss"
    may = ("uncertain", "will_miss") if numbers["high_mu"] else ("on_course", "uncertain")
    return str(stated) if stated in may else may[0]


def note(stated: object, numbers: Numbers, judged: str) -> str:
    """Return a note with the numbers of its row in every place that says one.

    judged: the outlook. Parts a note must have (behind the plan, reopened, the outlook) and hasn't
    are put in, parts it mustn't have are left out.
    """
    parts = str(stated or "").split("；")
    must = {
        "低于计划 0 亩": bool(numbers["behind_mu"]),
        "反弹 0 个 0 亩": bool(numbers["reopened_plots"]),
    }
    for words, wanted in must.items():
        start = words[:2]
        has = any(part.startswith(start) for part in parts)
        if has and not wanted:
            parts = [part for part in parts if not part.startswith(start)]
        elif wanted and not has:
            parts.insert(0, words)
    means = OUTLOOKS[judged]
    if judged != "done" and not parts[-1].startswith(means):
        parts.append(means)
    return "；".join(_with_numbers(part, numbers) for part in parts)


def _with_numbers(part: str, numbers: Numbers) -> str:
    for pattern, names in _SAID:
        found = re.match(pattern, part)
        if found:
            texts = [_printed(name, numbers[name]) for name in names]
            first, *rest = found.groups()
            return first + "".join(map("".join, zip(texts, rest, strict=True)))
    return part


def _printed(name: str, number: Decimal | None) -> str:
    if number is None:
        return "无"
    if name.endswith("_plots"):
        return str(number)
    return str(number.quantize(Decimal("0.01"), ROUND_HALF_UP))

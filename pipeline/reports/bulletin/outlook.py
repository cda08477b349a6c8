"""Whether the deadline will be met, as progress.csv projects it; nothing beyond its figures."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.aggregate.forecast import Outlook
from pipeline.reports.bulletin.words import full_day, listed, say, two

if TYPE_CHECKING:
    from pipeline.model import County
    from pipeline.reports.bulletin.standing import Standing, Standings


def deadline_sentence(county: County, standings: Standings) -> str:
    """Say the phase, if there is one, and how far the deadline is."""
    _, _, row = next(standings.indicators())
    phase, left = row.now["phase"], row.count("days_left")
    deadline = full_day(county.deadline)
    said = say("phase", phase=phase) if phase else ""
    if left > 0:
        return said + say("days_ahead", deadline=deadline, days=str(left))
    if left == 0:
        return said + say("days_today", deadline=deadline)
    return said + say("days_over", deadline=deadline, days=str(-left))


def outlook_sentences(standings: Standings) -> list[str]:
    """Say what can be expected of each indicator, then which towns won't meet the deadline."""
    said, projected = [], False
    for indicator, name, county in standings.indicators():
        if county.idle:
            continue
        said.append(_expected(name, county))
        late = [t for t in standings.of(indicator) if t.now["outlook"] == Outlook.WILL_MISS]
        if late:
            towns = listed([t.place for t in late])
            said.append(say("ahead_towns", name=name, towns=towns))
        projected |= bool(county.now["left_mu"]) or bool(late)
    if not said:
        return [say("ahead_idle")]
    return [*said, say("ahead_note")] if projected else said


def _expected(name: str, row: Standing) -> str:
    """Say what can be expected of a place."""
    outlook = Outlook(row.now["outlook"])
    if outlook is Outlook.DONE:
        return say("ahead_done", name=name)
    if outlook is Outlook.OVERDUE:
        return say("ahead_overdue", name=name, open=two(row.mu("open_mu")))
    if outlook is Outlook.TOO_FEW:
        return say("ahead_too_few", name=name)
    low, high = (two(row.mu(bound)) for bound in ("low_mu", "high_mu"))
    if outlook is Outlook.ON_COURSE:
        return say("ahead_on_course", name=name, low=low, high=high)
    return say(
        f"ahead_{outlook}", name=name, left=two(row.mu("left_mu")), low=low, high=high,
        pace=_pace(row),
    )  # fmt: skip


def _pace(row: Standing) -> str:
    """Say the pace needed beside the pace so far."""
    needed, pace = row.known("needed_mu_week"), row.known("pace_mu_week")
    if needed is None or pace is None:
        return ""
    if pace > 0:
        return say("ahead_pace", needed=two(needed), pace=two(pace))
    return say("ahead_pace_back" if pace < Decimal(0) else "ahead_pace_none", needed=two(needed))

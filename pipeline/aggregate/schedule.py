"""倒排工期: what is due by a date, from the steps of plan.csv.

A plan names what has to be done by certain dates. Between two of them only the earlier one is due:
nothing is interpolated, so nobody falls behind a promise that was never made.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pipeline.aggregate.summary import UNDECIDED, WHOLE_COUNTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    import pandas as pd

    from pipeline.model import County

    Place = tuple[str, str, str, str]
    """Export, level, name, indicator."""


class Step(NamedTuple):
    """A date of the plan and what is due by its end, in 亩 since the ledger."""

    date: date
    due_mu: Decimal


class Schedule(NamedTuple):
    """A place's plan for one indicator: steps in the order of their dates, never falling."""

    steps: tuple[Step, ...]

    def due(self, day: date) -> Decimal:
        """Return what is due at a day: the latest step's, 0 before the first."""
        return next((s.due_mu for s in reversed(self.steps) if s.date <= day), Decimal(0))

    def following(self, day: date) -> Step | None:
        """Return the first step after a day."""
        return next((step for step in self.steps if step.date > day), None)


def place_schedules(table: pd.DataFrame, county: County) -> dict[Place, Schedule]:
    """Return the plan of every place that has one, by export, level, place and indicator.

    table: rows with export, level, town, indicator, gap_mu. Towns have what plan.csv states; so
    has the county, or else, like a group, the sum of its towns, if every town with a gap is
    planned.
    """
    stated = _stated(county)
    group_of = {town.name: town.group for town in county.towns} | {UNDECIDED: UNDECIDED}
    towns = table[(table["level"] == "town") & (table["gap_mu"].map(Decimal) > 0)]
    with_gap = towns.groupby(["export", "indicator"])["town"].agg(list).to_dict()
    found: dict[Place, Schedule | None] = {}
    for export, indicator in table[["export", "indicator"]].drop_duplicates().itertuples(False):
        own = {town: plan for (town, of), plan in stated.items() if of == indicator}
        whole = own.pop(WHOLE_COUNTY, None)
        names = list(dict.fromkeys([*own, *with_gap.get((export, indicator), [])]))
        for town, plan in own.items():
            found[export, "town", town, indicator] = plan
        for group in dict.fromkeys(group_of.values()):
            members = [name for name in names if group_of[name] == group]
            found[export, "group", group, indicator] = _joint(own, members)
        found[export, "county", WHOLE_COUNTY, indicator] = whole or _joint(own, names)
    return {key: plan for key, plan in found.items() if plan is not None}


def _stated(county: County) -> dict[tuple[str, str], Schedule]:
    """Return what plan.csv states, by town (or 全县) and indicator."""
    steps: dict[tuple[str, str], list[Step]] = {}
    for row in sorted(county.plan, key=lambda row: row.date):
        steps.setdefault((row.town, row.indicator.value), []).append(Step(row.date, row.planned_mu))
    return {key: Schedule(tuple(value)) for key, value in steps.items()}


def _joint(schedules: Mapping[str, Schedule], towns: Iterable[str]) -> Schedule | None:
    """Return the sum of several towns' plans; None unless every one of them has a plan."""
    parts = [schedules.get(town) for town in towns]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    days = sorted({step.date for part in known for step in part.steps})
    return Schedule(tuple(Step(d, sum((p.due(d) for p in known), Decimal(0))) for d in days))

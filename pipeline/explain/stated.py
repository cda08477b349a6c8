"""What targets.csv and plan.csv state for a place: figures behind which there is no plot."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.explain.words import COUNTY, GROUP, TOWN, WHOLE_COUNTY
from pipeline.model import TargetKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import date

    from pipeline.explain.words import Place
    from pipeline.model import County, Planned, Target

    Plans = list[list[Planned]]

TARGETS = {"target_mu": TargetKind.TARGET, "published_gap_mu": TargetKind.GAP}
"""Measures that targets.csv states."""
PLANNED = ("planned_mu", "next_mu", "next_date")
"""Measures that plan.csv states."""


def stated(
    level: str, place: str, indicator: str, kind: TargetKind, county: County
) -> Decimal | None:
    """Return what targets.csv states for a place, 督导组 as the sum of their towns."""
    values = {t.town: t.value for t in _of(county, indicator) if t.kind is kind}
    if level in (TOWN, COUNTY):
        return values.get(place)
    towns = [name for name in _members(level, place, county) if name in values]
    if len(towns) < len(_members(level, place, county)):
        return None
    return sum((values[town] for town in towns), Decimal(0))


def target_rows(place: Place, indicator: str, county: County) -> tuple[Target, ...]:
    """Return the rows of targets.csv a gap indicator is held against, in the place."""
    names = _names(place, county)
    return tuple(
        t for t in _of(county, indicator) if t.town in names and t.kind in TARGETS.values()
    )


def plan_rows(place: Place, indicator: str, county: County) -> tuple[Planned, ...]:
    """Return the rows of plan.csv for the place and its towns."""
    names = {*_names(place, county), *_members(place.level, place.name, county)}
    return tuple(p for p in county.plan if p.indicator.value == indicator and p.town in names)


def plans(
    level: str, place: str, indicator: str, with_gap: Collection[str], county: County
) -> Plans | None:
    """Return the plans a place's is the sum of; None where a town with a gap has none.

    with_gap: names of the towns that have a gap at the export.
    """
    own: dict[str, list[Planned]] = {}
    for row in sorted(county.plan, key=lambda row: row.date):
        if row.indicator.value == indicator:
            own.setdefault(row.town, []).append(row)
    whole = own.pop(WHOLE_COUNTY, None)
    if level == COUNTY and whole:
        return [whole]
    wanted = set(_members(level, place, county)) if level != COUNTY else {*own, *with_gap}
    names = [place] if level == TOWN else [n for n in {*own, *with_gap} if n in wanted]
    return [own[name] for name in names] if names and set(names) <= set(own) else None


def due(found: Plans, day: date) -> Decimal:
    """Return what is due by a day: of every plan its latest step, 0 before the first."""
    latest = ([row.planned_mu for row in plan if row.date <= day] for plan in found)
    return sum((steps[-1] for steps in latest if steps), Decimal(0))


def following(found: Plans, day: date) -> Decimal | None:
    """Return what is due by the next step after a day; None where there is none."""
    ahead = next_date(found, day)
    return due(found, ahead) if ahead else None


def next_date(found: Plans, day: date) -> date | None:
    """Return the date of the next step after a day; None where there is none."""
    return min((row.date for plan in found for row in plan if row.date > day), default=None)


def _of(county: County, indicator: str) -> Iterator[Target]:
    return (target for target in county.targets if target.indicator.value == indicator)


def _names(place: Place, county: County) -> set[str]:
    """Return the names under which a place is stated: its own, or those of a group's towns."""
    if place.level in (TOWN, COUNTY):
        return {place.name}
    return set(_members(place.level, place.name, county))


def _members(level: str, place: str, county: County) -> list[str]:
    """Return the names of the towns of a 督导组, a basin or the county."""
    if level == COUNTY:
        return [town.name for town in county.towns]
    return [t.name for t in county.towns if (t.group if level == GROUP else t.basin) == place]

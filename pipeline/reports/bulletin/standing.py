"""Where a place stands: a row of progress.csv beside the row it is held against."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.aggregate.standings import LABELS
from pipeline.aggregate.summary import UNDECIDED, WHOLE_COUNTY
from pipeline.model import GAP_INDICATORS
from pipeline.reports.bulletin.rows import text_rows
from pipeline.reports.bulletin.words import moved, near_day, say, two

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from pipeline.model import Indicator
    from pipeline.reports.data import ReportData


@dataclass(frozen=True, slots=True)
class Standing:
    """One place and indicator; now, then: rows of progress.csv, then where there is one."""

    now: Mapping[str, str]
    then: Mapping[str, str] | None
    newly_reopened: int
    """Tasks reopened now that weren't then; 0 where nothing is compared."""

    @property
    def place(self) -> str:
        """The place's name."""
        return self.now["town"]

    def mu(self, name: str) -> Decimal:
        """Return a column that every row has, exact."""
        return Decimal(self.now[name])

    def known(self, name: str) -> Decimal | None:
        """Return a column that may be empty."""
        text = self.now[name]
        return Decimal(text) if text else None

    def count(self, name: str) -> int:
        """Return a count."""
        return int(self.now[name])

    @property
    def withdrawn(self) -> Decimal:
        """The area of tasks withdrawn: gap = restored + remaining + withdrawn."""
        return self.mu("gap_mu") - self.mu("restored_mu") - self.mu("remaining_mu")

    @property
    def idle(self) -> bool:
        """Whether the place never had a task."""
        return not self.mu("gap_mu")

    @property
    def rate(self) -> str:
        """The share done in words."""
        return say("no_task") if self.idle else f"{two(self.mu('done_pct'))}%"

    def change(self, name: str) -> Decimal | None:
        """Return how a column changed; None where nothing is compared."""
        now, then = self.now[name], self.then[name] if self.then else ""
        return Decimal(now) - Decimal(then) if now and then else None


@dataclass(frozen=True, slots=True)
class Standings:
    """All places at the data date, held against one earlier export or none."""

    export: date
    since: date | None
    rows: Mapping[tuple[str, str], tuple[Standing, ...]]
    group_of: Mapping[str, str]
    """The 督导组 of every town."""

    def of(self, indicator: Indicator, level: str = "town") -> tuple[Standing, ...]:
        """Return the places of a level in the order of the tables."""
        return self.rows.get((level, indicator), ())

    def everywhere(self) -> Iterator[Standing]:
        """Yield every place's standing."""
        return chain.from_iterable(self.rows.values())

    def towns_in(self, indicator: Indicator, group: str | None) -> tuple[Standing, ...]:
        """Return the towns of a 督导组; of the whole county if it is None."""
        towns = self.of(indicator)
        if group is None:
            return towns
        return tuple(t for t in towns if self.group_of.get(t.place, UNDECIDED) == group)

    def ranked(self, indicator: Indicator) -> list[Standing]:
        """Return the towns that have a rank, first to last, ties by code."""
        rows = [row for row in self.of(indicator) if row.now["rank"]]
        return sorted(rows, key=lambda row: (row.count("rank"), row.now["town_code"]))

    def county(self, indicator: Indicator) -> Standing | None:
        """Return the county's row."""
        return next(iter(self.of(indicator, "county")), None)

    def indicators(self) -> Iterator[tuple[Indicator, str, Standing]]:
        """Yield every indicator that has a row, its name and the county's standing."""
        for indicator in GAP_INDICATORS:
            row = self.county(indicator)
            if row is not None:
                yield indicator, LABELS[indicator], row

    @property
    def since_words(self) -> str:
        """The date of comparison in words."""
        return near_day(self.since, self.export) if self.since else ""


def standings(data: ReportData, since: date | None) -> Standings:
    """Return every place's standing; data: progress, history; since: the export to compare with."""
    before: dict[tuple[str, str, str], dict[str, str]] = {}
    if since is not None:
        before = {_key(row): row for row in text_rows(data.table("progress", since))}
    newly = _newly_reopened(data, since)
    found: dict[tuple[str, str], tuple[Standing, ...]] = {}
    for row in text_rows(data.table("progress")):
        key = _key(row)
        one = Standing(row, before.get(key), newly.get(key, 0))
        place = (row["level"], row["indicator"])
        found[place] = (*found.get(place, ()), one)
    group_of = {town.name: town.group for town in data.county.towns}
    return Standings(data.export, since, found, group_of)


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["level"], row["town"], row["indicator"]


def _newly_reopened(data: ReportData, since: date | None) -> dict[tuple[str, str, str], int]:
    """Count the tasks that are reopened now and weren't at `since`, by level, place, indicator."""
    if since is None:
        return {}
    now, then = (data.table("history", day) for day in (data.export, since))
    were = set(then.loc[then["status"] == "reopened", "task_id"])
    rows = now[(now["status"] == "reopened") & ~now["task_id"].isin(were)]
    leaf = {c.name: c.gap for c in data.classes if c.gap}
    rows = rows.assign(indicator=rows["category"].map(leaf)).dropna(subset="indicator")
    group_of = {town.name: town.group for town in data.county.towns}
    town = rows["town"].fillna(UNDECIDED)
    places = {
        "town": town,
        "group": town.map(group_of).fillna(UNDECIDED),
        "county": pd.Series(WHOLE_COUNTY, index=rows.index),
    }
    found: Counter[tuple[str, str, str]] = Counter()
    for level, names in places.items():
        found.update((level, *pair) for pair in zip(names, rows["indicator"], strict=True))
    return found


def standing_sentence(name: str, row: Standing, since: str) -> str:
    """Say how far one place is with one indicator."""
    if row.idle:
        return say("standing_none", name=name)
    return say(
        "standing",
        name=name,
        gap=two(row.mu("gap_mu")),
        restored=two(row.mu("restored_mu")),
        rate=two(row.mu("done_pct")),
        change=moved(row.change("done_pct"), "points", since),
        rest=_rest(row),
        withdrawn=_withdrawn(row),
    )


def _withdrawn(row: Standing) -> str:
    return say("withdrawn", withdrawn=two(row.withdrawn)) if row.withdrawn else ""


def _rest(row: Standing) -> str:
    plots, remaining = row.count("open_plots"), two(row.mu("remaining_mu"))
    if row.withdrawn == row.mu("gap_mu"):
        return say("rest_gone")
    if plots:
        return say("rest_open", remaining=remaining, plots=str(plots))
    if row.mu("remaining_mu"):
        return say("rest_closed_left", remaining=remaining)
    return say("rest_closed")


def judged(data: ReportData) -> tuple[date, ...]:
    """Return the exports that are in the books: the ledger's and the later ones."""
    return tuple(day for day in data.county.exports if day >= data.county.ledger)

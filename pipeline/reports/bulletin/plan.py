"""Towns below plan and plots that came undone: listed, not judged."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipeline.reports.bulletin.words import listed, near_day, say, two

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.reports.bulletin.standing import Standing, Standings


def plan_sentences(standings: Standings) -> list[str]:
    """Say for each indicator what was due, what is done, and which towns are below plan."""
    whole = list(standings.indicators())
    planned = {
        indicator: [row for row in standings.of(indicator) if row.now["planned_mu"]]
        for indicator, _, _ in whole
    }
    if not any(planned.values()):
        return [say("plan_none")]
    return [
        "".join(_plan_parts(name, county, standings.of(indicator), planned[indicator])) + "。"
        for indicator, name, county in whole
    ]


def _plan_parts(
    name: str, county: Standing, towns: Sequence[Standing], planned: Sequence[Standing]
) -> Iterable[str]:
    """Yield the parts of one indicator's sentence."""
    due = county.known("planned_mu")
    if not planned and due is None:
        yield say("plan_absent", name=name)
        return
    if due is None:
        yield name
    else:
        yield say("plan_county", name=name, planned=two(due), done=two(county.mu("done_mu")))
        behind = county.mu("behind_mu")
        yield say("plan_county_behind", behind=two(behind)) if behind else say("plan_county_kept")
    if planned:
        yield _below(planned, after=due is not None)
    absent = [row for row in towns if not row.now["planned_mu"] and not row.idle]
    if absent:
        yield say("plan_unlisted", count=str(len(absent)))


def _below(planned: Sequence[Standing], *, after: bool) -> str:
    below = sorted(
        (row for row in planned if row.mu("behind_mu")), key=lambda row: -row.mu("behind_mu")
    )
    if below:
        said = say(
            "plan_below",
            count=str(len(planned)),
            below=str(len(below)),
            towns=listed(
                [say("plan_town", town=r.place, behind=two(r.mu("behind_mu"))) for r in below]
            ),
        )
    else:
        said = say("plan_kept", count=str(len(planned)))
    return said if after else said.removeprefix("；")


def plan_notes(standings: Standings) -> list[str]:
    """Return which notes the plan asks for: none without a plan."""
    rows = standings.everywhere()
    return ["note_plan"] if any(row.now["planned_mu"] for row in rows) else []


def next_steps(standings: Standings) -> str | None:
    """Say what the plan has due next for the county; None where there is no plan at all."""
    rows = list(standings.indicators())
    if not any(row.now["planned_mu"] for _, _, row in rows):
        return None
    steps = [
        say(
            "plan_next",
            name=name,
            date=near_day(date.fromisoformat(row.now["next_date"]), standings.export),
            planned=two(row.mu("next_mu")),
        )
        for _, name, row in rows
        if row.now["next_date"]
    ]
    return say("plan_next_all", steps="，".join(steps)) if steps else say("plan_next_none")


def reopened_sentences(
    standings: Standings, level: str = "county", place: str | None = None
) -> list[str]:
    """Say which plots came undone; of a 督导组 if level is group and place its name."""
    group = place if level == "group" else None
    found = [
        _reopened(name, row, standings.towns_in(indicator, group), standings.since_words)
        for indicator, name, _ in standings.indicators()
        for row in standings.of(indicator, level)
        if place in (None, row.place) and row.count("reopened_plots")
    ]
    return found or [say("reopened_none")]


def _reopened(name: str, row: Standing, towns: Sequence[Standing], since: str) -> str:
    own = [town for town in towns if town.count("reopened_plots")]
    return say(
        "reopened",
        name=name,
        plots=row.now["reopened_plots"],
        area=two(row.mu("reopened_mu")),
        newly=_newly(row, since),
        towns=listed([
            say(
                "reopened_town", town=town.place, plots=town.now["reopened_plots"],
                area=two(town.mu("reopened_mu")),
            )
            for town in own
        ]),
    )  # fmt: skip


def _newly(row: Standing, since: str) -> str:
    if not since:
        return ""
    if not row.newly_reopened:
        return say("reopened_old", since=since)
    return say("reopened_newly", since=since, plots=str(row.newly_reopened))

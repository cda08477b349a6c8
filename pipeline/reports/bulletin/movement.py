"""Why a gap moved since an earlier export: steps of waterfall.csv, added up over exports."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.aggregate.standings import LABELS
from pipeline.aggregate.waterfall import STEPS
from pipeline.errors import Finding, GengbaoError
from pipeline.model import GAP_INDICATORS
from pipeline.reports.bulletin.document import Column, Table
from pipeline.reports.bulletin.rows import text_rows
from pipeline.reports.bulletin.words import near_day, say, signed, two

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from pipeline.model import Indicator
    from pipeline.reports.data import ReportData


@dataclass(frozen=True, slots=True)
class Movement:
    """The county's way from one remaining area to the next; steps in 亩, signed, and in tasks."""

    indicator: Indicator
    opening: Decimal
    steps: Mapping[str, tuple[Decimal, int]]
    closing: Decimal


def movements(data: ReportData, since: date | None) -> list[Movement]:
    """Return each indicator's movement from `since` to the data date; none without a comparison.

    data: waterfall. Raises GengbaoError unless opening and steps give the closing.
    """
    if since is None:
        return []
    table = data.whole("waterfall")
    within = (table["export"] > since.isoformat()) & (table["export"] <= data.export.isoformat())
    rows = table[within & (table["level"] == "county")].sort_values("export", kind="stable")
    found = []
    for indicator in GAP_INDICATORS:
        own = text_rows(rows[rows["indicator"] == indicator])
        if own:
            steps = {
                step: (
                    sum((Decimal(row[f"{step}_mu"]) for row in own), Decimal(0)),
                    sum(int(row[f"{step}_tasks"]) for row in own),
                )
                for step in STEPS
            }
            opening, closing = (
                Decimal(own[at][name]) for at, name in ((0, "opening_mu"), (-1, "closing_mu"))
            )
            found.append(Movement(indicator, opening, steps, closing))
    _check(found)
    return found


def _check(found: list[Movement]) -> None:
    wrong = [
        Finding(f"waterfall.csv {one.indicator}", "期初、各步、期末不等", "请把现场文件交给开发者")
        for one in found
        if one.opening + sum(area for area, _ in one.steps.values()) != one.closing
    ]  # fmt: skip
    if wrong:
        raise GengbaoError(wrong)


def movement_sentence(one: Movement, since: date, export: date) -> str:
    """Say how an indicator's remaining area moved."""
    day, name = near_day(since, export), LABELS[one.indicator]
    said = [
        say(
            f"moved_{'more' if area > 0 else 'less'}",
            step=say(f"step_{step}"),
            area=two(abs(area)),
            tasks=str(tasks),
        )
        for step, (area, tasks) in one.steps.items()
        if area
    ]
    if not said:
        return say("moved_none", name=name, day=day, remaining=two(one.closing))
    return say(
        "moved",
        name=name,
        day=day,
        opening=two(one.opening),
        steps="，".join(said),
        closing=two(one.closing),
    )


def movement_table(found: list[Movement], title: str) -> Table:
    """Return the movements as a table, a column per step."""
    heads = ["期初剩余", *(say(f"step_{step}") for step in STEPS), "期末剩余"]
    columns = (
        Column("指标", 24, "center"),
        *(Column(head, 16.5, "right") for head in heads),
    )
    rows = tuple(
        (
            LABELS[one.indicator], two(one.opening),
            *(signed(one.steps[step][0]) for step in STEPS), two(one.closing),
        )
        for one in found
    )  # fmt: skip
    return Table(title, columns, rows, unit="亩")

"""What a 督导组 has to look at: restoring in place, planting, reopened plots, the unresolved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.aggregate.summary import UNDECIDED
from pipeline.measure import to_cm2, to_mu
from pipeline.reports.bulletin.document import Column, Table
from pipeline.reports.bulletin.rows import text_rows
from pipeline.reports.bulletin.words import listed, moved, say, signed, two
from pipeline.reports.returned import adopted
from pipeline.tables.ledgerform import load_ledger_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.reports.bulletin.document import Align
    from pipeline.reports.data import ReportData

RESTORE = ("pbf_restore_in_place", "outflow_restore", "target_restore_in_place")
"""Tasks that are done by restoring the ground itself."""
REVIEW, PLANTING, RESULT = "review", "planting", "inspected"
OPEN = {"open": "待整改", "partial": "部分恢复", "reopened": "反弹"}
_MEASURES = ("plots", "closed_plots", "open_plots", "area_mu", "restored_mu", "remaining_mu")


@dataclass(frozen=True, slots=True)
class Restoring:
    """A place's restoring tasks: counts, areas in 亩; change: of restored_mu, None uncompared."""

    place: str
    plots: int
    closed_plots: int
    open_plots: int
    area_mu: Decimal
    restored_mu: Decimal
    remaining_mu: Decimal
    change: Decimal | None


def restoring(data: ReportData, since: date | None, level: str) -> tuple[Restoring, ...]:
    """Return the restoring tasks of every place of a level; data: summary."""
    now = _sums(data.table("summary"), level)
    then = _sums(data.table("summary", since), level) if since else {}
    return tuple(
        Restoring(
            place,
            plots=int(row["plots"]),
            closed_plots=int(row["closed_plots"]),
            open_plots=int(row["open_plots"]),
            area_mu=row["area_mu"],
            restored_mu=row["restored_mu"],
            remaining_mu=row["remaining_mu"],
            change=row["restored_mu"] - then[place]["restored_mu"] if place in then else None,
        )
        for place, row in now.items()
    )


def _sums(table: pd.DataFrame, level: str) -> dict[str, dict[str, Decimal]]:
    """Add up the restoring categories by place."""
    rows = table[(table["level"] == level) & table["category"].isin(RESTORE)]
    found: dict[str, dict[str, Decimal]] = {}
    for row in text_rows(rows):
        own = found.setdefault(row["town"], dict.fromkeys(_MEASURES, Decimal(0)))
        for name in own:
            own[name] += Decimal(row[name])
    return found


def restoring_sentence(row: Restoring, since: str) -> str:
    """Say how far the restoring of a place is."""
    if not row.plots:
        return say("restore_none")
    return say(
        "restore",
        plots=str(row.plots),
        area=two(row.area_mu),
        closed=str(row.closed_plots),
        restored=two(row.restored_mu),
        change=moved(row.change, "area", since),
        open=str(row.open_plots),
        remaining=two(row.remaining_mu),
    )


def planting_sentence(data: ReportData, row: Restoring) -> str:
    """Say what filled ledgers claim of planting, and what the group has to look at itself."""
    if not row.closed_plots:
        return say("planting_none")
    said, told = claims_sentence(data, row.place, PLANTING, RESTORE)
    tasks = tasks_of(data, row.place)
    closed = tasks[(tasks["status"] == "closed") & tasks["category"].isin(RESTORE)]
    silent = len(set(closed["task_id"]) - told)
    if told and silent:
        said += say("planting_silent", count=str(silent))
    return said + say("planting", closed=str(row.closed_plots))


def claims_sentence(
    data: ReportData, group: str, column: str, categories: Sequence[str]
) -> tuple[str, set[str]]:
    """Say what filled ledgers claim in a column, and of which tasks. data: returned, ledger."""
    tasks = tasks_of(data, group)
    own = set(tasks.loc[tasks["category"].isin(list(categories)), "task_id"])
    told = {
        task: text
        for (task, name), text in adopted(data.whole("returned")).items()
        if name == column and task in own
    }
    form = next(known for known in load_ledger_columns() if known.name == column)
    if not told:
        return say("claims_none", what=form.label), set()
    counts = Counter(told.values())
    options = [
        say("claims_option", option=option, count=str(counts[option]))
        for option in form.options
        if counts[option]
    ]
    said = say("claims", what=form.label, count=str(len(told)), options=listed(options))
    return said, set(told)


def restoring_table(rows: Sequence[Restoring], whole: Restoring, title: str) -> Table:
    """Return restoring by town, with room for what the group finds on the ground."""
    heads: tuple[tuple[str, float, Align, str], ...] = (
        ("镇办", 19.0, "center", ""), ("图斑", 11.0, "right", "恢复类任务"),
        ("面积", 17.0, "right", "恢复类任务"), ("已销号", 13.0, "right", "恢复类任务"),
        ("已恢复", 17.0, "right", "恢复类任务"),
        ("恢复增减", 17.0, "right", "恢复类任务"),
        ("剩余", 17.0, "right", "恢复类任务"), ("已落实", 15.5, "center", "种植责任核查"),
        ("未落实", 15.5, "center", "种植责任核查"), ("核查人", 14.0, "center", ""),
    )  # fmt: skip
    cells = tuple(
        (
            row.place, str(row.plots), two(row.area_mu), str(row.closed_plots),
            two(row.restored_mu), signed(row.change), two(row.remaining_mu), "", "", "",
        )
        for row in (*rows, whole)
    )  # fmt: skip
    columns = tuple(Column(*head) for head in heads)
    return Table(title, columns, (*cells[:-1], ("合计", *cells[-1][1:])), unit="个、亩", sums=1)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A group's open tasks by status, their remaining area, those never restored; 待核 plots."""

    counts: dict[str, int]
    area_mu: Decimal
    untouched: int
    review: int

    @property
    def plots(self) -> int:
        """All open tasks."""
        return sum(self.counts.values())


def unresolved(data: ReportData, group: str) -> Unresolved:
    """Return what is unresolved in a 督导组; data: ledger, summary."""
    rows = tasks_of(data, group)
    rows = rows[rows["status"].isin(list(OPEN))]
    counts = rows["status"].value_counts()
    table = data.table("summary")
    own = table[(table["level"] == "group") & (table["town"].fillna("") == group)]
    review = own.loc[own["category"] == REVIEW, "plots"].astype(int)
    return Unresolved(
        counts={status: int(counts.get(status, 0)) for status in OPEN},
        area_mu=to_mu(int(to_cm2(rows["remaining_m2"]).sum()), 6),
        untouched=int((to_cm2(rows["restored_m2"]) == 0).sum()),
        review=int(review.sum()),
    )


def unresolved_sentences(found: Unresolved) -> list[str]:
    """Say what is unresolved."""
    said = [say("open_none")]
    if found.plots:
        said = [
            say(
                "open",
                plots=str(found.plots),
                area=two(found.area_mu),
                standing=str(found.counts["open"]),
                partial=str(found.counts["partial"]),
                reopened=str(found.counts["reopened"]),
                untouched=str(found.untouched),
            )
        ]
    return [*said, say("review", plots=str(found.review))] if found.review else said


def tasks_of(data: ReportData, group: str | None) -> pd.DataFrame:
    """Return the tasks of a 督导组 (None: all), in the order of the ledger."""
    tasks = pd.DataFrame(data.whole("ledger").drop(columns="geometry"))
    if group is None:
        return tasks
    group_of = {town.code: town.group for town in data.county.towns}
    return tasks[tasks["town_code"].map(group_of).fillna(UNDECIDED) == group]


def reopened_table(data: ReportData, since: date | None) -> Table | None:
    """Return every plot that stands reopened; None where there is none. data: ledger, history."""
    tasks = tasks_of(data, None)
    rows = tasks[tasks["status"] == "reopened"].sort_values(["town_code", "bsm", "task_id"])
    if rows.empty:
        return None
    were: set[str] = set()
    if since is not None:
        then = data.table("history", since)
        were = set(then.loc[then["status"] == "reopened", "task_id"])
    label = {c.name: c.label for c in data.classes}
    areas = [two(to_mu(int(cm2), 6)) for cm2 in to_cm2(rows["remaining_m2"])]
    cells = tuple(
        (
            str(number), row["town"] or UNDECIDED, _village(data, row), row["bsm"],
            label[row["category"]], area,
            "" if since is None or row["task_id"] in were else "是",
        )
        for number, (row, area) in enumerate(zip(text_rows(rows), areas, strict=True), 1)
    )  # fmt: skip
    columns = (
        Column("序号", 10), Column("镇办", 20), Column("村", 24), Column("标识码", 38),
        Column("类别", 30), Column("剩余（亩）", 18, "right"), Column("新反弹", 16),
    )  # fmt: skip
    return Table("", columns, cells)


def _village(data: ReportData, row: Mapping[str, str]) -> str:
    """Return a village's name without those of county and town before it."""
    name = row["village"]
    for before in (data.county.name, row["town"]):
        name = name.removeprefix(before) or name
    return name

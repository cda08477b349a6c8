"""The rows of a town's ledger: what we know of every task, in words, and what people filled in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.explain.plot import village_name
from pipeline.ingest.contacts import contact_of
from pipeline.measure import to_cm2, to_mu
from pipeline.reports.book import records
from pipeline.tables import statuses
from pipeline.tables.ledgerform import load_ledger_columns, seal, sealed
from pipeline.tables.packs import DELIVERED

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from pipeline.reports.data import ReportData

Row = dict[str, Any]
EXACT_DIGITS = 6
"""Decimals that hold 亩 exactly (0.01 m² = 0.000015 亩), so that sums are those of the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What came back: value by task and column; notes and history by task."""

    values: Mapping[tuple[str, str], str]
    notes: Mapping[str, str]
    history: Mapping[str, str]


def task_rows(data: ReportData, tasks: pd.DataFrame, filled: Filled) -> list[Row]:
    """Return the cells of every task by column name, by category in the order of 附件2, then BSM.

    tasks: ledger without geometry, of one town. Texts as texts, 亩 as exact Decimal, page
    of the map book under "page" (None where it isn't in the book).
    """
    order = {category.name: category.order for category in data.classes}
    ranked = tasks.assign(order=tasks["category"].map(order)).sort_values(
        ["order", "bsm", "task_id"], ignore_index=True
    )
    places = {row["task_id"]: row for row in records(data.whole("sheets"))}
    rules = {rule.rule_id: rule.when.words for rule in data.pack.rules}
    return [
        _row(data, number, task, filled, (places.get(task["task_id"]), rules))
        for number, task in enumerate(records(ranked), 1)
    ]


def _row(
    data: ReportData,
    number: int,
    task: Mapping[str, Any],
    filled: Filled,
    known: tuple[Mapping[str, Any] | None, Mapping[str, str]],
) -> Row:
    place, rules = known
    labels = {category.name: category.label for category in data.classes}
    states = {status.name: status.label for status in statuses()}
    village = village_name(data.county, task["town"], task["village"])
    contact = contact_of(data.contacts, str(task["town"]), village)
    row: Row = {
        "number": number,
        "task_id": task["task_id"],
        "bsm": task["bsm"],
        "village": village,
        "category": labels[task["category"]],
        "rule": _rule(task, rules),
        "case_no": task["case_no"] if isinstance(task["case_no"], str) else "",
        "sheet": _sheet(place),
        "page": int(place["page"]) if place else None,
        "status": states[task["status"]],
        "person": contact.person if contact else "",
        "checked": filled.notes.get(task["task_id"], ""),
        "source": filled.history.get(task["task_id"], ""),
    }
    for name in ("area", "restored", "remaining"):
        row[f"{name}_mu"] = to_mu(int(to_cm2(task[f"{name}_m2"])), EXACT_DIGITS)
    for column in load_ledger_columns():
        if column.fill:
            row[column.name] = filled.values.get((task["task_id"], column.name), "")
    if contact and not row["unit"]:
        row["unit"] = contact.unit
    row["mark"] = seal(str(row[column.name]) for column in sealed())
    return row


def _rule(task: Mapping[str, Any], rules: Mapping[str, str]) -> str:
    """Return rule and clause in words."""
    rule = task["rule_id"]
    when = "下发的任务图层" if rule == DELIVERED else rules.get(rule, "")
    return f"{rule}：{when}。依据：{task['basis']}"


def _sheet(place: Mapping[str, Any] | None) -> str:
    """Return where the map book shows a task: a page number that can be read without a click."""
    if place is None:
        return "不在图册"
    return f"第{place['page']}页·图幅{place['frame']}·{place['number']}号"

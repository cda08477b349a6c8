"""What the page knows, as one JSON document: tasks column by column, words by number."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline import explain
from pipeline.aggregate import SUBTOTALS, UNDECIDED
from pipeline.measure import to_cm2
from pipeline.reports.page import ground, shapes, why
from pipeline.tables import statuses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.model import Category, County
    from pipeline.reports.data import ReportData

BOOK = "图册.pdf"
ENTRIES = {
    "new": "列入", "relapsed": "反弹", "restored": "恢复", "withdrawn": "撤出",
    "adjusted": "图斑界线变化",
}  # fmt: skip
"""The movements of history.csv in words."""
DETAIL_M = 0.5
"""Bends of a plot smaller than this aren't drawn; areas are of the survey's own outline."""
DARKER = 0.55


def document(data: ReportData, *, coordinates: bool) -> dict[str, Any]:
    """Return everything the page shows; without coordinates there is no trace of where plots lie.

    `why` is what is only read once a task is chosen.

    data: ledger, opened, history, sheets; towns and land for a page with coordinates. Only
    columns named here are taken, so that nothing else a delivery carries can reach the page. Areas
    are integers in hundredths of a m². Raises GengbaoError for a task without pieces.
    """
    ledger, opened = data.whole("ledger"), data.whole("opened")
    lines = why.Lines()
    classes = [category for category in data.classes if category.task]
    pieces, reasons, sources = why.pieces_of(
        ledger, opened, lines, pack=data.pack, classes=data.classes, mode=data.county.mode
    )
    days = sorted({day.isoformat() for day in data.county.exports if day <= data.export})
    villages = _villages(ledger, data.county)
    known = sorted(set(villages))
    columns = _columns(ledger, classes, data.county, days)
    course = _course(ledger, data.whole("history"), days, lines)
    return {
        "about": {
            "county": data.county.name,
            "pack": f"{data.pack.name}（版本 {data.pack.version}）",
            "book": BOOK,
        },
        "classes": [_class(category) for category in classes],
        "subtotals": _subtotals(classes),
        "statuses": [{"name": s.name, "label": s.label, "mark": s.mark} for s in statuses()],
        "towns": _towns(data.county),
        "undecided": UNDECIDED,
        "villages": known,
        "days": days,
        "tasks": columns | {"village": _numbers(villages, known)},
        **(_geometry(data) if coordinates else {}),
        "why": {
            "entries": list(ENTRIES.values()),
            "overlaps": why.overlaps(),
            "sources": sources,
            "reasons": reasons,
            "pieces": pieces,
            "course": course,
            "sheet": _sheets(ledger, data.whole("sheets")),
            "tbbh": _plot_numbers(ledger, opened),
            "lines": lines.all,
        },
    }


def _columns(
    ledger: pd.DataFrame, classes: Sequence[Category], county: County, days: Sequence[str]
) -> dict[str, list[Any]]:
    """Return the columns of the ledger, words by number, areas in hundredths of a m²."""
    names = {town.code: town.name for town in county.towns}
    town = ledger["town_code"].map(names).fillna(UNDECIDED)
    return {
        "id": ledger["task_id"].tolist(),
        "bsm": ledger["bsm"].tolist(),
        "class": _numbers(ledger["category"], [category.name for category in classes]),
        "status": _numbers(ledger["status"], [status.name for status in statuses()]),
        "town": _numbers(town, _towns(county)),
        "area": to_cm2(ledger["area_m2"]).tolist(),
        "restored": to_cm2(ledger["restored_m2"]).tolist(),
        "remaining": to_cm2(ledger["remaining_m2"]).tolist(),
        "seen": _numbers(ledger["first_seen"], days),
        "closed": _numbers(ledger["closed_on"], days),
    }


def _numbers(values: Sequence[Any] | pd.Series, known: Sequence[str]) -> list[int]:
    """Return the place of each value among the known ones, -1 for a missing one."""
    codes: list[int] = pd.Categorical(values, categories=list(known)).codes.tolist()
    return codes


def _towns(county: County) -> list[str]:
    return [*(town.name for town in county.towns), UNDECIDED]


def _villages(ledger: pd.DataFrame, county: County) -> list[str]:
    """Return each task's village without the names of county and town before it."""
    places = ledger[["town", "village"]].drop_duplicates()
    short = {
        (town, village): explain.village_name(county, town, village)
        for town, village in places.itertuples(index=False)
    }
    return [short[place] for place in zip(ledger["town"], ledger["village"], strict=True)]


def _class(category: Category) -> dict[str, str]:
    return {
        "name": category.name,
        "label": category.label,
        "long": category.label_long,
        "short": category.short,
        "colour": category.colour,
        "dark": _darker(category.colour),
    }


def _darker(colour: str) -> str:
    """Return a colour dark enough for an outline on white paper."""
    parts = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#" + "".join(f"{round(part * DARKER):02x}" for part in parts)


def _subtotals(classes: Sequence[Category]) -> list[dict[str, Any]]:
    """Return the subtotals of 附件2 with the places of the categories that count in them."""
    members = {
        "pbf_subtotal": [category.subtotal == "pbf_subtotal" for category in classes],
        "cropland_subtotal": [category.subtotal == "cropland_subtotal" for category in classes],
        "total": [True for _ in classes],
        "work_needed": [category.work_needed for category in classes],
    }
    return [
        {"name": name, "label": label, "members": np.flatnonzero(members[name]).tolist()}
        for name, label in SUBTOTALS.items()
    ]


def _course(
    ledger: pd.DataFrame, history: pd.DataFrame, days: Sequence[str], lines: why.Lines
) -> list[list[list[int]]]:
    """Return per task what became of it: [day, status, restored, movement, line of the reason]."""
    rows = history[history["entry"].isin(list(ENTRIES)) & history["export"].isin(list(days))]
    order = pd.Series(np.arange(len(ledger)), index=ledger["task_id"])
    rows = rows.assign(task=rows["task_id"].map(order)).sort_values(["task", "export"])
    columns = [
        _numbers(rows["export"], days),
        _numbers(rows["status"], [status.name for status in statuses()]),
        to_cm2(rows["restored_m2"].astype("float64")).tolist(),
        _numbers(rows["entry"], list(ENTRIES)),
        [lines.number(text) if isinstance(text, str) else -1 for text in rows["reason"]],
    ]
    told = [list(row) for row in zip(*columns, strict=True)]
    bounds = np.searchsorted(rows["task"], np.arange(len(ledger) + 1))
    return [told[start:end] for start, end in pairwise(bounds)]


def _sheets(ledger: pd.DataFrame, sheets: pd.DataFrame) -> list[list[Any] | None]:
    """Return per task its page of the map book and its number there; None where it is on none."""
    rows = zip(sheets["task_id"], sheets["page"].tolist(), sheets["number"].tolist(), strict=True)
    places: Mapping[str, list[Any]] = {task: [page, number] for task, page, number in rows}
    return [places.get(task) for task in ledger["task_id"]]


def _plot_numbers(ledger: pd.DataFrame, opened: pd.DataFrame) -> list[str]:
    """Return each task's 图斑编号 at the export it was first seen in, "" where it has none."""
    keys = list(why.KEY)
    own = opened.drop_duplicates(keys)[[*keys, "tbbh"]]
    numbers: list[str] = ledger[keys].merge(own, on=keys, how="left")["tbbh"].fillna("").tolist()
    return numbers


def _geometry(data: ReportData) -> dict[str, Any]:
    """Return the plots' shapes, a point in each, and what lies under them."""
    towns, land = data.whole("towns"), data.whole("land")
    crs = data.county.crs
    plots = shapes.to_degrees(shapes.simplified(data.whole("ledger")["geometry"], DETAIL_M), crs)
    west, south, east, north = shapes.extent(
        [plots, shapes.to_degrees(np.asarray(towns["geometry"], dtype=object), crs)]
    )
    origin = [west, south]
    return {
        "origin": origin,
        "extent": [west, south, east, north],
        "shapes": shapes.coded_rings(plots, origin),
        "points": shapes.inner_points(plots),
        "ground": ground.ground(towns, land, crs, origin),
    }

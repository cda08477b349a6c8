"""A county for bulletins, made in code: tasks by export → the tables, by the real functions."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import geopandas as gpd
import pandas as pd
import shapely
from PIL import Image
from pypdf import PdfWriter

from pipeline.aggregate import gaps, movements, progress, summarise, waterfall
from pipeline.aggregate.indicators import COLUMNS as INDICATOR_COLUMNS
from pipeline.model import Indicator, Planned, Town
from pipeline.reports import ReportData
from pipeline.reports.returned import COLUMNS as RETURNED
from pipeline.tables import classes

RECONCILE = ("check", "verdict")
MAPS = (
    "cropland_gap", "pbf_gap", "balance_gap", "cropland_rate", "pbf_rate", "balance_rate",
    "categories",
)  # fmt: skip
STEPS = ("new", "relapsed", "restored", "withdrawn", "adjusted")
COLUMNS = ["task_id", "town_code", "category", "area_m2", "status", "restored_m2", "village"]


@dataclass(frozen=True)
class Task:
    """A task at one export; 2000 m² are exactly 3 亩."""

    name: str
    town: str
    category: str = "target_restore_in_place"
    area: float = 2000.0
    status: str = "open"
    restored: float = 0.0
    village: str | None = "柳沟村"

    def now(self, status, restored=None):
        """Return it at a later export."""
        done = self.area if restored is None and status == "closed" else restored or 0.0
        return replace(self, status=status, restored=done)


def towns(count, groups=2, name="镇{}"):
    return tuple(
        Town(
            code=f"9900010{n:02d}", name=name.format(n), aliases=(),
            group=f"第{n % groups + 1}督导组", basin="",
        )
        for n in range(count)
    )  # fmt: skip


def world(county, exports, *, plan=(), indicators=(), reconcile=(), returned=(), **settings):
    """Return what products are made from; exports: date → its tasks, the ledger's first."""
    days = sorted(exports)
    planned = tuple(
        Planned(town=t, indicator=Indicator(i), date=d, planned_mu=Decimal(mu))
        for t, i, d, mu in plan
    )
    county = replace(
        county, exports=(date(2022, 12, 31), *days), ledger=days[0], plan=planned, **settings
    )
    names = {town.code: town.name for town in county.towns}
    summaries, stories = [], []
    ledger = pd.DataFrame()
    for day in days:
        ledger = _ledger(exports[day], names)
        pieces = pd.DataFrame(columns=["town_code", "category", "bsm", "base_m2"])
        books = gpd.GeoDataFrame(ledger), [gpd.GeoDataFrame(pieces)]
        summaries.append(summarise(*books, county=county, classes=classes(), export=day))
        stories.append(ledger.assign(export=day.isoformat(), reason=""))
    history = _history(pd.concat(stories, ignore_index=True))
    summary = pd.concat(summaries, ignore_index=True)
    table = text(gaps(summary, county=county, classes=classes()))
    ids = sorted(set(history["task_id"]))
    corners = [36_600_000 + 100 * n for n in range(len(ids))]
    apart = [shapely.box(east, 3_720_000, east + 40, 3_720_040) for east in corners]
    shapes = gpd.GeoDataFrame({"task_id": ids}, geometry=apart, crs="EPSG:4524")
    moves = movements(history, shapes, classes())
    geometry = [shapely.Point(0, 0)] * len(ledger)
    claims = pd.DataFrame(list(returned), columns=list(RETURNED), dtype=object)
    return ReportData(
        county=county, classes=classes(), pack=None, export=days[-1], product_id="0123456789ab",
        summary=text(summary),
        gaps=table,
        progress=text(progress(table, history, county=county, classes=classes())),
        history=history,
        waterfall=text(waterfall(moves, history, county, classes())),
        indicators=pd.DataFrame(list(indicators), columns=list(INDICATOR_COLUMNS), dtype=object),
        reconcile=pd.DataFrame(list(reconcile), columns=list(RECONCILE), dtype=object),
        ledger=gpd.GeoDataFrame(ledger, geometry=geometry, crs="EPSG:4524"),
        returned=claims,
        maps=pictures(),
    )  # fmt: skip


def _ledger(tasks, names):
    rows = [(t.name, t.town, t.category, t.area, t.status, t.restored, t.village) for t in tasks]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    here = frame["status"] != "withdrawn"
    frame["remaining_m2"] = (frame["area_m2"] - frame["restored_m2"]).where(here, 0.0)
    frame["bsm"] = frame["task_id"]
    frame["town"] = frame["town_code"].map(names)
    return frame


def _history(story):
    """Add what every export books for a task: its remaining area then and now, and why."""
    story = story.sort_values(["export", "task_id"], kind="stable").reset_index(drop=True)
    before = story.groupby("task_id")["remaining_m2"].shift()
    story["opening_m2"] = before.fillna(0.0)
    change = story["remaining_m2"] - story["opening_m2"]
    booked = pd.Series("restored", index=story.index).mask(change > 0, "relapsed")
    booked = booked.mask(story["status"] == "withdrawn", "withdrawn").mask(before.isna(), "new")
    for name in STEPS:
        sign = -1 if name in {"restored", "withdrawn"} else 1
        story[f"{name}_step_m2"] = (sign * change).where(booked == name, 0.0)
    areas = [column for column in story.columns if column.endswith("_m2")]
    return story.assign(**{name: story[name].map("{:.2f}".format) for name in areas})


def text(table):
    """Return a table as storage reads it."""
    table = table.astype(object).where(table.notna(), None)
    return table.map(lambda cell: None if cell is None else str(cell))


def pictures():
    """Return stand-ins for maps: a blank A3 page, a few pixels."""
    writer, pdf, png = PdfWriter(), io.BytesIO(), io.BytesIO()
    writer.add_blank_page(width=1190.55, height=841.89)
    writer.write(pdf)
    Image.new("RGB", (42, 30), "white").save(png, "PNG")
    pages = {f"{name}.pdf": pdf.getvalue() for name in MAPS}
    return pages | {f"{name}.png": png.getvalue() for name in MAPS}

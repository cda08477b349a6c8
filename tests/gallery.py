"""Counties that sheets were seen to break on: all tables of one from a few made-up tasks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from test_render import LEDGER, county_of, outlines

from pipeline.model import Indicator, Planned
from pipeline.render import MapData
from pipeline.tables import classes

TASKS = {category.name: category.gap for category in classes() if category.task}
INDICATORS = ("cropland", "pbf", "in_out_balance")
PLAIN = ("河口镇", "山阳镇", "石门镇", "城关街办")
RARE = ("圲垯镇", "塬垴镇", "峁畈乡", "𡎚沟镇")
LONG = "很长很长的村民委员会名称一直写到四十个字为止还要写下去直到真的有四十个字的村委会"
MU_PER_CM2 = Decimal("0.000015")


@dataclass(frozen=True)
class Case:
    """How a county differs from a plain one of four towns and three exports."""

    names: tuple[str, ...] = PLAIN
    villages: tuple[str, ...] = ("上村", "下村", "中村")
    days: int = 3
    plots: int = 5
    side_m: float = 60.0
    one_class: bool = False
    done: bool = False
    tasks: bool = True
    shapes: bool = False
    sizes: bool = False


CASES = {
    "plain": Case(),
    "a town without plots, in two parts, with a hole; plots of 5 m² and 5 km²": Case(
        shapes=True, sizes=True
    ),
    "villages of 40 characters, rare characters, 14 exports": Case(
        names=RARE, villages=(LONG, f"𡎚{LONG[1:]}", "垴村"), days=14
    ),
    "all gaps zero": Case(done=True),
    "no task at all": Case(tasks=False),
    "one town, one class only": Case(names=PLAIN[:1], one_class=True),
    "sixty towns": Case(names=tuple(f"第{n + 1}镇" for n in range(60)), plots=3, days=4),
    "one export only": Case(days=1),
}


@cache
def county_data(name):
    """Return everything that products are drawn from."""
    case = CASES[name]
    few = len(case.names) <= 4
    towns = tuple(
        (f"6110261{n:02d}", town, f"第{n % 3 + 1}督导组", 5000, 0,
         (602 + 28 * (n % 2), 3715 + 22 * (n // 2)) if few
         else (595 + 9 * (n % 8), 3707 + 6 * (n // 8)))
        for n, town in enumerate(case.names)
    )  # fmt: skip
    days = [LEDGER + timedelta(days=7 * n) for n in range(case.days)]
    shapes = outlines(towns)
    if case.shapes:
        shapes = odd_shapes(shapes)
    tasks = ledger(case, towns)
    history = states(case, tasks, days)
    now = history[history["export"] == days[-1].isoformat()].set_index("task_id")
    tasks = tasks.assign(
        **{c: now[c].reindex(tasks["task_id"]).to_numpy() for c in ("status", "remaining_m2")}
    )
    plan = tuple(
        Planned(town=t[1], indicator=Indicator(i), date=LEDGER + timedelta(days=70),
                planned_mu=Decimal(5))
        for t in towns for i in INDICATORS
    )  # fmt: skip
    county = county_of(towns, exports=(date(2022, 12, 31), *days), plan=plan)
    places = [("town", t[0], t[1]) for t in towns] + [("county", "611026", "全县")]
    left = sums(history)
    gaps = gap_rows(left, days, places)
    return MapData(
        county=county, towns=shapes, export=days[-1], product_id="3f9c2a71d0b8", tasks=tasks,
        land=land(shapes), history=history, gaps=gaps, summary=summary_rows(history, days, places),
        waterfall=waterfall_rows(left, days, places), progress=progress_rows(gaps, history),
    )  # fmt: skip


def odd_shapes(shapes):
    """The first town gets a part within the second, which has a hole that belongs to nobody."""
    first, second = shapes.geometry.iloc[0], shapes.geometry.iloc[1]
    middle = shapely.point_on_surface(second)
    exclave = shapely.transform(middle.buffer(2500), lambda xy: xy - np.array([0, 6000]))
    hole = middle.buffer(1800)
    geometry = shapes.geometry.copy()
    geometry.iloc[0] = shapely.union(first, exclave)
    geometry.iloc[1] = shapely.difference(second, shapely.union(exclave, hole))
    return shapes.assign(geometry=geometry)


def land(shapes):
    """A brook and fields across the county."""
    west, south, east, north = shapes.total_bounds
    brook = shapely.LineString([(west, south), ((west + east) / 2, north), (east, south)])
    return gpd.GeoDataFrame(
        {"dlbm": ["1101", "0103", "0702"]},
        geometry=[brook.buffer(60), shapely.box(west, south, east, (south + north) / 2),
                  shapely.box(west, (south + north) / 2, east, north)],
        crs=shapes.crs,
    )  # fmt: skip


def ledger(case, towns):
    """Tasks around the towns' seats; in some cases none in the third town."""
    rng = np.random.default_rng(1)
    names = list(TASKS)
    rows = []
    for n, town in enumerate(towns if case.tasks else ()):
        if case.shapes and n == 2:
            continue
        seat = np.array([36e6 + town[-1][0] * 1e3, town[-1][1] * 1e3])
        for k in range(case.plots):
            side = case.side_m
            if case.sizes:
                side = (5**0.5, 5e6**0.5, 60.0)[k % 3]
            at = seat + (rng.uniform(-2500, 2500, 2) if k else 0)
            category = names[0 if case.one_class else (n + k) % 7]
            rows.append((town[0], town[1], case.villages[k % len(case.villages)], category,
                         shapely.box(*at, *(at + side))))  # fmt: skip
    frame = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=["town_code", "town", "village", "category", "geometry"]),
        geometry="geometry", crs="EPSG:4524",
    )  # fmt: skip
    bsm = [f"{611026200100000000 + n}" for n in range(len(frame))]
    return frame.assign(
        bsm=bsm, task_id=[f"T{text}" for text in bsm], area_m2=frame.geometry.area.round(2),
        first_seen=LEDGER.isoformat(),
    )  # fmt: skip


def states(case, tasks, days):
    """History: some tasks are done at the second export, some of them not at the last."""
    parts = []
    for n, day in enumerate(days):
        k = np.arange(len(tasks))
        status = np.full(len(tasks), "open", dtype=object)
        if n:
            status[k % 3 == 0] = "closed"
            status[k % 5 == 1] = "partial"
            status[k % 11 == 7] = "withdrawn"
        if n and n == len(days) - 1:
            status[k % 6 == 3] = "reopened"
        if case.done and n == len(days) - 1:
            status[:] = "closed"
        share = np.select([status == "closed", status == "partial"], [1.0, 0.4], 0.0)
        area = tasks["area_m2"].to_numpy(dtype=float)
        restored = (area * share).round(2)
        parts.append(
            tasks[["task_id", "bsm", "town_code", "town", "category"]].assign(
                export=day.isoformat(), status=status, restored_m2=restored,
                remaining_m2=(area - restored).round(2), area_m2=area,
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def mu(cm2):
    """Exact 亩 of an area in hundredths of m²."""
    return (int(cm2) * MU_PER_CM2).quantize(Decimal("0.000001"))


def in_cm2(table, *columns):
    return table.assign(**{c: (table[c].astype(float) * 100).round().astype(int) for c in columns})


def sums(history):
    """Remaining and restored 亩 by (export, place, indicator), withdrawn tasks left out."""
    rows = in_cm2(history[history["status"] != "withdrawn"], "remaining_m2", "restored_m2")
    rows = rows.assign(indicator=rows["category"].map(TASKS))
    both = pd.concat([rows, rows.assign(town_code="611026")])
    keys = ["export", "town_code", "indicator"]
    table = both.groupby(keys)[["remaining_m2", "restored_m2"]].sum()
    return {key: (mu(left), mu(did)) for key, left, did in table.itertuples(name=None)}


NOTHING = (mu(0), mu(0))


def gap_rows(left_and_done, days, places):
    """gaps.csv, with ranks among the towns."""
    rows = []
    for day in days:
        for indicator in INDICATORS:
            for place in places:
                left, did = left_and_done.get((day.isoformat(), place[1], indicator), NOTHING)
                pct = (did * 100 / (left + did)).quantize(Decimal("0.01")) if left + did else 100
                rows.append({
                    "export": day.isoformat(), "level": place[0], "town_code": place[1],
                    "town": place[2], "indicator": indicator, "target_mu": "5000",
                    "published_gap_mu": None, "gap_mu": str(left + did), "restored_mu": str(did),
                    "remaining_mu": str(left), "done_pct": str(pct), "planned_mu": None,
                })  # fmt: skip
    table = pd.DataFrame(rows)
    towns = table[table["level"] == "town"]
    rank = towns["done_pct"].astype(float).groupby([towns["export"], towns["indicator"]])
    return table.assign(rank=rank.rank(method="min", ascending=False).astype(int).astype(str))


def summary_rows(history, days, places):
    """summary.csv: the task categories and their total."""
    rows = in_cm2(history, "area_m2", "remaining_m2")
    rows = pd.concat([rows, rows.assign(category="total")])
    rows = pd.concat([rows, rows.assign(town_code="611026")])
    alive = rows["status"] != "withdrawn"
    counted = rows.assign(
        plots=alive, closed=rows["status"] == "closed", gone=~alive,
        area_m2=rows["area_m2"] * alive, remaining_m2=rows["remaining_m2"] * alive,
    )  # fmt: skip
    keys = ["export", "town_code", "category"]
    columns = ["plots", "closed", "gone", "area_m2", "remaining_m2"]
    table = counted.groupby(keys)[columns].sum()
    found = {key: figures for key, *figures in table.itertuples(name=None)}
    lines = []
    for day in days:
        for level, code, name in places:
            for category in (*TASKS, "total"):
                plots, closed, gone, area, left = found.get(
                    (day.isoformat(), code, category), (0,) * 5
                )
                lines.append({
                    "export": day.isoformat(), "level": level, "town_code": code, "town": name,
                    "category": category, "plots": str(plots), "area_mu": str(mu(area)),
                    "closed_plots": str(closed), "withdrawn_plots": str(gone),
                    "remaining_mu": str(mu(left)),
                })  # fmt: skip
    return pd.DataFrame(lines)


def waterfall_rows(left_and_done, days, places):
    """waterfall.csv: what is left moves by restoring and relapsing, the rest is withdrawn."""
    rows = []
    for since, day in pairwise(days):
        for indicator in INDICATORS:
            for place in places:
                was, now = (
                    left_and_done.get((d.isoformat(), place[1], indicator), NOTHING)[0]
                    for d in (since, day)
                )
                step = now - was
                steps = {"restored": min(step, Decimal(0)) - 1, "newly_lost": Decimal(1),
                         "relapsed": max(step, Decimal(0))}  # fmt: skip
                rows.append({
                    "export": day.isoformat(), "since": since.isoformat(), "level": place[0],
                    "town_code": place[1], "town": place[2], "indicator": indicator,
                    "opening_mu": str(was), "closing_mu": str(now),
                    **{f"{s}_mu": str(steps.get(s, Decimal(0))) for s in STEPS},
                    **{f"{s}_tasks": "2" if steps.get(s) else "0" for s in STEPS},
                })  # fmt: skip
    columns = ["export", "level", "town_code", "town", "indicator"]
    return pd.DataFrame(rows, columns=None if rows else columns)


STEPS = ("restored", "newly_lost", "relapsed", "reclassified", "revised", "withdrawn")


def progress_rows(gaps, history):
    """progress.csv: the columns that products read."""
    order = sorted(set(gaps["export"]))
    key = ["town_code", "indicator", "export"]
    table = gaps.set_index(key).sort_index()
    rows = []
    for (code, indicator, day), row in table.iterrows():
        n = order.index(day)
        before = table.loc[(code, indicator, order[n - 1])] if n else None
        own = history[(history["export"] == day) & (history["status"] == "reopened")]
        town = row["level"] == "town"
        changed = None if before is None else Decimal(row["done_pct"]) - Decimal(before["done_pct"])
        again = (own["town_code"] == code) & (own["category"].map(TASKS) == indicator)
        rows.append({
            **row.to_dict(), "town_code": code, "indicator": indicator, "export": day,
            "rank": row["rank"] if town else None,
            "open_mu": row["remaining_mu"], "done_mu": row["restored_mu"],
            "behind_mu": "3.000000" if n else None, "outlook": "will_miss" if n else "too_few",
            "low_mu": "1.00" if n > 1 else None, "high_mu": "9.00" if n > 1 else None,
            "done_pct_change": None if before is None else str(changed),
            "rank_change": str(int(before["rank"]) - int(row["rank"]))
            if town and before is not None else None,
            "newly_reopened_plots": str(int(again.sum())) if town else "0",
        })  # fmt: skip
    return pd.DataFrame(rows)

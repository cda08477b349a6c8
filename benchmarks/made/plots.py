"""What the offline page is made from, for any number of tasks; the same at every run."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import aggregate, measure, tables
from pipeline.classify import classify
from pipeline.model import County, LayerSource, Mode, Thresholds, Town
from pipeline.reports import ReportData
from pipeline.tables import grammar

CRS = "EPSG:4524"
DAY = date(2023, 9, 30)
ORIGIN = (36_575_000.0, 3_690_000.0)
TOWN_M, TOWNS_A_SIDE = 20_000.0, 3
VERTICES = 30  # of a plot; a county's task plots have about as many
STATUSES = ("open", "open", "open", "partial", "closed", "closed", "reopened", "withdrawn")
PACK = tables.load_pack("zhashui-2023")
ROADS = 400  # of 40 bends each, and as many streams
VILLAGES = 12  # of a town


def page_data(count: int) -> ReportData:
    """Return a county of nine square towns with `count` tasks scattered over it."""
    random = np.random.default_rng(611026)
    towns = [
        Town(code=f"9900011{n:02d}", name=f"第{n}镇", aliases=(), group=f"{n % 3}组", basin="")
        for n in range(TOWNS_A_SIDE**2)
    ]
    county = _county(tuple(towns))
    pieces = _pieces(count, random, towns)
    ledger = _ledger(pieces, random)
    classes = tables.classes()
    summary = aggregate.summarise(ledger, [pieces], county=county, classes=classes, export=DAY)
    return ReportData(
        county=county,
        classes=classes,
        pack=PACK,
        export=DAY,
        product_id="0" * 12,
        ledger=ledger,
        opened=pd.DataFrame(pieces.drop(columns="geometry")).assign(first_seen=DAY.isoformat()),
        history=_history(ledger),
        summary=summary.astype("str"),
        land=_ground(random),
        towns=_towns(towns),
        sheets=pd.DataFrame({"task_id": ledger["task_id"], "page": 5, "number": 1}),
    )


def _county(towns: tuple[Town, ...]) -> County:
    return County(
        root=Path(), name="量测县", code="990001", crs=CRS, previous=date(2022, 12, 31),
        ledger=DAY, deadline=date(2023, 12, 20), rules=PACK.name, publisher="", mode=Mode.DERIVE,
        sample=True, layers={"towns": LayerSource(role="towns", path="")}, phases={},
        thresholds=Thresholds(), towns=towns, targets=(), exports=(date(2022, 12, 31), DAY),
    )  # fmt: skip


def _pieces(count: int, random: np.random.Generator, towns: list[Town]) -> gpd.GeoDataFrame:
    """Return classified pieces, one per task, in turn of every task category."""
    names = {category.name for category in tables.classes() if category.task}
    examples = [rule.example_yes[0] for rule in PACK.rules if rule.category in names]
    evidence = grammar.example_frame([examples[n % len(examples)] for n in range(count)])
    side = TOWN_M * TOWNS_A_SIDE
    at = np.array(ORIGIN) + random.uniform(300, side - 300, (count, 2))
    column, row = ((at - ORIGIN) // TOWN_M).astype(int).T
    place = row * TOWNS_A_SIDE + column
    shapes = _blobs(at, random)
    area = measure.official_area(shapes, CRS)
    codes = np.array([town.code for town in towns])[place]
    called = np.array([town.name for town in towns])[place]
    village = random.integers(0, VILLAGES, count).astype(str)
    frame = gpd.GeoDataFrame(
        evidence.assign(
            bsm=[f"990001200{n:09d}" for n in range(count)],
            piece=1,
            tbbh=[f"{n % 9999:04d}" for n in range(count)],
            town_code=codes,
            town=called,
            village=pd.Series(called).str.cat(pd.Series(village) + "村"),
            area_m2=area,
            base_m2=area,
            approved_source=pd.Series(None, index=range(count), dtype="str"),
            flags=pd.Series(None, index=range(count), dtype="str"),
            prev_cultivated_m2=area,
            to_construction_m2=0.0,
            approved_m2=0.0,
            illegal_m2=0.0,
        ),
        geometry=shapes,
        crs=CRS,
    )
    return classify(frame, PACK)


def _blobs(at: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return wiggly plots of about 3 亩 around points."""
    angle = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    radius = random.uniform(20, 32, (len(at), VERTICES))
    turns = np.stack((radius * np.cos(angle), radius * np.sin(angle)), axis=-1)
    return shapely.polygons(np.round(at[:, None, :] + turns, 4))


def _ledger(pieces: gpd.GeoDataFrame, random: np.random.Generator) -> gpd.GeoDataFrame:
    columns = [
        "bsm", "town_code", "town", "village", "category", "area_m2", "rule_id", "basis",
        "case_no", "flags", "geometry",
    ]  # fmt: skip
    status = np.array(STATUSES)[random.integers(0, len(STATUSES), len(pieces))]
    done = pieces["area_m2"].where(status == "closed", 0.0)
    left = (pieces["area_m2"] - done).where(status != "withdrawn", 0.0)
    short = {category.name: category.short for category in tables.classes()}
    return pieces[columns].assign(
        task_id=pieces["category"].map(short) + "-" + pieces["bsm"],
        status=status,
        restored_m2=done,
        remaining_m2=left,
        first_seen=DAY.isoformat(),
        closed_on=pd.Series(None, index=pieces.index, dtype="str"),
    )


def _history(ledger: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "export": DAY.isoformat(), "task_id": ledger["task_id"], "status": ledger["status"],
            "restored_m2": ledger["restored_m2"], "entry": "new", "reason": "新出现",
        }
    )  # fmt: skip


def _towns(towns: list[Town]) -> gpd.GeoDataFrame:
    west, south = ORIGIN
    squares = [
        shapely.segmentize(shapely.box(x, y, x + TOWN_M, y + TOWN_M), 300)
        for y in south + TOWN_M * np.arange(TOWNS_A_SIDE)
        for x in west + TOWN_M * np.arange(TOWNS_A_SIDE)
    ]
    named = {"town_code": [t.code for t in towns], "town": [t.name for t in towns]}
    return gpd.GeoDataFrame(named, geometry=squares, crs=CRS)


def _ground(random: np.random.Generator) -> gpd.GeoDataFrame:
    """Return roads and streams as long crooked plots."""
    starts = np.array(ORIGIN) + random.uniform(0, TOWN_M * TOWNS_A_SIDE, (2 * ROADS, 1, 2))
    steps = random.normal((60, 40), 60, (2 * ROADS, 40, 2)).cumsum(axis=1)
    shapes = shapely.buffer(shapely.linestrings(starts + steps), 4, join_style="mitre")
    return gpd.GeoDataFrame({"dlbm": ["1003", "1101"] * ROADS}, geometry=shapes, crs=CRS)

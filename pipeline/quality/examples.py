"""Small layers in code: a sound plot, and what examples of checks change about it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import measure, tables
from pipeline.model import County, Mode, Thresholds, Town
from pipeline.quality.around import only
from pipeline.quality.subject import PLOTS, TARGET, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CRS, EAST_M, NORTH_M, SIDE_M = "EPSG:4524", 36_600_000.0, 3_700_000.0, 50.0
COUNTY, YEAR = "990001", 2023
TOWNS = {"001": "甲镇", "002": "乙镇"}
_KEPT = ("wkt", "village", "town", "tbmj_factor", "kcmj_plus", "tbdlmj_plus", "tbmj_plus")


def layer(plots: Sequence[Mapping[str, Any]], world: Mapping[str, Any] | None = None) -> Subject:
    """Return a subject of sound plots but for what each changes.

    A plot's keys: field names (also `raw:NAME`, as delivered), wkt (m from the corner; without it
    squares of 50 m in a row), village, town (last digits of codes), tbmj_factor (a number, or
    "planar"), tbmj_plus, kcmj_plus, tbdlmj_plus (m²). world: role, columns, extent (WKT of the
    only town), halves (x of the border of two towns), dcmj_plus (m²), earlier, target (plots).
    """
    given = dict(world or {})
    role = given.get("role", PLOTS)
    geometry = _geometry(plots)
    table = pd.DataFrame([_plot(n, plot) for n, plot in enumerate(plots)])
    table = _with_areas(table, geometry, plots)
    for n, plot in enumerate(plots):
        for name, value in plot.items():
            if name not in _KEPT and not name.startswith("raw:"):
                table.loc[n, name] = np.nan if value is None else value
    raw = table.drop(columns=[F.SOURCE_FILE.name, F.SOURCE_ROW.name]).astype("str")
    for n, plot in enumerate(plots):
        for name, value in plot.items():
            if name.startswith("raw:"):
                raw.loc[n, name.removeprefix("raw:")] = value
    earlier, target = given.get("earlier"), given.get("target")
    return Subject(
        role=role, table=_typed(table), raw=raw, drawn=geometry,
        shapes=only(geometry, shapely.is_valid(geometry)), crs=CRS,
        columns=tuple(given.get("columns", ())), county=_county(), towns=_towns(geometry, given),
        export=date(YEAR, 9, 30), zones={} if target is None else {TARGET: layer(target)},
        earlier=None if earlier is None else layer(earlier),
    )  # fmt: skip


def box(west: float, east: float, **more: str | None) -> dict[str, str | None]:
    """Return what an example's plot changes: 50 m high, from west to east (m from the corner)."""
    return {"wkt": f"POLYGON(({west} 0,{east} 0,{east} 50,{west} 50,{west} 0))", **more}


def _plot(number: int, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a sound plot of the class asked for."""
    dlbm = changes.get("dlbm", "0103") or "0103"
    codes = tables.land_codes().set_index("code")
    known = dlbm in codes.index
    crop = dlbm.startswith("01")
    unit = f"{COUNTY}{changes.get('town', '001')}{changes.get('village', '001')}0000000"
    return {
        "bsm": f"{COUNTY}2001{number + 1:08d}", "ysdm": "2001010100", "tbybh": f"{number + 1:04d}",
        "tbbh": f"{number + 1:04d}", "dlbm": dlbm,
        "dlmc": codes.loc[dlbm, "name"] if known else "某地类", "qsxz": "30", "qsdwdm": unit,
        "qsdwmc": "甲镇一村农民集体", "zldwdm": unit, "zldwmc": "甲镇一村",
        "kcdlbm": "1203" if crop else None, "kcxs": 0.058 if crop else 0.0,
        "gdlx": "TT" if crop else None, "gdpdjb": "3" if crop else None,
        "xzdwkd": 4.0 if known and codes.loc[dlbm, "linear"] else 0.0, "tbxhdm": None,
        "tbxhmc": None, "zzsxdm": "LS" if crop else None,
        "zzsxmc": "种植粮食作物" if crop and "zzsxdm" not in changes else None,
        "gddb": 12 if crop else 0, "frdbs": "0",
        "czcsxm": "203" if dlbm[:2] in {"05", "06", "07", "08"} else None, "sjnf": YEAR,
        "mssm": "00", "hdmc": None, "bz": None, "xzqdm": unit[:9], "yjjbnttbbh": f"{number + 1}",
        "source_file": "甲.shp", "source_row": number + 1,
    }  # fmt: skip


def _geometry(plots: Sequence[Mapping[str, Any]]) -> NDArray[np.object_]:
    texts = [
        plot.get(
            "wkt",
            f"POLYGON(({n * SIDE_M} 0,{(n + 1) * SIDE_M} 0,{(n + 1) * SIDE_M} {SIDE_M},"
            f"{n * SIDE_M} {SIDE_M},{n * SIDE_M} 0))",
        )
        for n, plot in enumerate(plots)
    ]
    return _moved(shapely.from_wkt(texts))


def _moved(shapes: Any) -> NDArray[np.object_]:  # noqa: ANN401 - one or an array, as shapely has it
    corner = np.array([EAST_M, NORTH_M])
    return np.asarray(shapely.transform(shapes, lambda xy: np.round(xy + corner, 4)), dtype=object)


def _with_areas(
    table: pd.DataFrame, geometry: NDArray[np.object_], plots: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    area = measure.official_area(geometry, CRS)
    factors = [plot.get("tbmj_factor", 1.0) for plot in plots]
    plane = np.array([factor == "planar" for factor in factors])
    times = np.array([1.0 if factor == "planar" else factor for factor in factors])
    tbmj = measure.round_half_up(np.where(plane, shapely.area(geometry), area) * times)
    tbmj = tbmj + np.array([plot.get("tbmj_plus", 0.0) for plot in plots])
    rate = np.array(
        [plot.get("kcxs", own) or 0.0 for plot, own in zip(plots, table["kcxs"], strict=True)]
    )
    kcmj = measure.round_half_up(tbmj * rate) + np.array([p.get("kcmj_plus", 0.0) for p in plots])
    net = measure.round_half_up(tbmj - kcmj) + np.array([p.get("tbdlmj_plus", 0.0) for p in plots])
    return table.assign(
        tbmj=tbmj, kcmj=kcmj, tbdlmj=net, yjjbnttbmj=tbmj, yjjbnmj=net, yjjbntmj=net
    )


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    numbers = {"tbmj", "kcxs", "kcmj", "tbdlmj", "xzdwkd", "yjjbnttbmj", "yjjbntmj"}
    texts = [c for c in table if c not in numbers | {"gddb", "sjnf", "source_row"}]
    kinds = dict.fromkeys(texts, "str") | {"gddb": "Int64", "sjnf": "Int64"}
    return table.astype({**kinds, **dict.fromkeys(numbers, "float64")})


def _towns(geometry: NDArray[np.object_], given: Mapping[str, Any]) -> gpd.GeoDataFrame:
    sound = geometry[shapely.is_valid(geometry)]
    whole = shapely.union_all(sound) if len(sound) else shapely.box(*shapely.total_bounds(geometry))
    shapes = [whole]
    if "extent" in given:
        shapes = [_moved(shapely.from_wkt(given["extent"])).item()]
    if "halves" in given:
        middle = given["halves"]
        boxes = [shapely.box(0, 0, middle, SIDE_M), shapely.box(middle, 0, 2 * middle, SIDE_M)]
        shapes = list(_moved(np.array(boxes, dtype=object)))
    codes = [f"{COUNTY}{code}" for code in TOWNS][: len(shapes)]
    names = list(TOWNS.values())[: len(shapes)]
    area = measure.official_area(np.array(shapes, dtype=object), CRS)
    return gpd.GeoDataFrame(
        {"town_code": codes, "town": names, "dcmj": area + given.get("dcmj_plus", 0.0)},
        geometry=shapes, crs=CRS,
    )  # fmt: skip


def _county() -> County:
    towns = tuple(
        Town(code=f"{COUNTY}{code}", name=name, aliases=(), group="", basin="")
        for code, name in TOWNS.items()
    )
    day = date(YEAR, 9, 30)
    return County(
        root=Path(), name="示例县", code=COUNTY, crs=CRS, previous=day, ledger=day, deadline=day,
        rules="", publisher="", mode=Mode.DERIVE, sample=True, layers={}, phases={},
        thresholds=Thresholds(), towns=towns, targets=(),
    )  # fmt: skip

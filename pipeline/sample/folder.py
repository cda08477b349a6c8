"""The county folder: tables, reference layers and exports, each in its own delivery's manner."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline.sample import dates, deliver, land, zones
from pipeline.sample.coverage import union_by
from pipeline.sample.place import unprefixed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.sample import progress
    from pipeline.sample.county import County

MARK = "# 本县由 gengbao sample 生成:示例数据,边界与图斑均为合成"
"""First line of a county.toml that `gengbao sample` may replace."""
_STAMP = datetime(2024, 1, 1)  # noqa: DTZ001 - a file property, not a moment
_TOML = """{mark}
name = "{name}"
code = "{code}"
crs = "{crs}"
previous = "{previous}"
ledger = "{ledger}"
deadline = "{deadline}"
rules = "zhashui-2023"
mode = "derive"
sample = true

[layers]
towns = "reference/行政区/XZQ.shp"
pbf = {{ path = "reference/永久基本农田/YJJBNTBHTB.gdb", layer = "YJJBNTBHTB" }}
target = {{ path = "reference/耕地保护目标/GDBHMB.gpkg", layer = "GDBHMB" }}
monitoring = "reference/清单/疑似变化图斑.xlsx"
self_submitted = "reference/清单/核实处置自提.csv"
relocation = "reference/清单/异地调整补划.gpkg"
supplement = "reference/清单/补划地块.shp"
balance = "reference/清单/进出平衡方案.shp"
approved = "reference/清单/合法用地.geojson"

[phases]
{phases}
"""
_PLAN = (
    (date(2023, 10, 15), "0.1"), (date(2023, 10, 31), "0.3"), (date(2023, 11, 15), "0.5"),
    (date(2023, 11, 30), "0.75"), (date(2023, 12, 10), "0.9"), (dates.DEADLINE, "1"),
)  # fmt: skip
"""倒排工期 of the example: share of the published gap that is to be done by each date."""


def write_folder(county: County, root: Path) -> None:
    """Write the whole county folder below `root` (an empty folder)."""
    phases = "\n".join(
        f'"{name}" = ["{first}", "{last}"]' for name, (first, last) in dates.PHASES.items()
    )
    text = _TOML.format(
        mark=MARK, name=county.name, code=county.code, crs=county.shapes.crs,
        previous=dates.PREVIOUS, ledger=dates.LEDGER, deadline=dates.DEADLINE, phases=phases,
    )  # fmt: skip
    (root / "county.toml").write_text(text, encoding="utf-8", newline="\n")
    towns = county.figures.towns
    towns = towns.assign(code=county.code + towns["code"]).sort_values("code")
    _csv(towns, root / "towns.csv")
    _csv(county.figures.targets, root / "targets.csv")
    _csv(_plan(county.figures.targets), root / "plan.csv")
    published = county.figures.published
    _csv(published[["table", "town", "item", "plots", "area_mu"]], root / "published.csv")
    with deliver.fixed_clock():
        _reference(county, root / "reference")
        for number, state in enumerate(county.states):
            _export(county, state, number, root / "exports" / state.day.isoformat())


def _plan(targets: pd.DataFrame) -> pd.DataFrame:
    """Return plan.csv: what each town has to have done by each date, as exact as its gap."""
    stated = targets[(targets["kind"] == "gap") & (targets["town"] != "全县")]
    return pd.DataFrame(
        [
            (town, indicator, day.isoformat(), _part(gap, share))
            for town, indicator, gap in stated[["town", "indicator", "value"]].to_numpy()
            for day, share in _PLAN
        ],
        columns=["town", "indicator", "date", "planned_mu"],
    )


def _part(gap: str, share: str) -> str:
    """Return a share of a printed number with as many decimals, half-up."""
    return str((Decimal(gap) * Decimal(share)).quantize(Decimal(gap), ROUND_HALF_UP))


def _csv(frame: pd.DataFrame, path: Path) -> None:
    path.write_bytes(frame.to_csv(index=False, lineterminator="\n").encode("utf-8"))


def _reference(county: County, root: Path) -> None:
    for name in ("行政区", "永久基本农田", "耕地保护目标", "清单"):
        (root / name).mkdir(parents=True)
    layers = county.layers
    deliver.shapefile(_towns(county), root / "行政区" / "XZQ.shp", dates.PREVIOUS)
    towns = county.figures.towns
    names = list(zip(county.code + towns["code"], towns["name"], strict=True))
    pbf = zones.pbf_layer(layers["pbf"], county.code, names)
    deliver.file_gdb(pbf, root / "永久基本农田" / "YJJBNTBHTB.gdb", "YJJBNTBHTB")
    target = unprefixed(zones.target_layer(layers["target"], county.code))
    deliver.geopackage(target, root / "耕地保护目标" / "GDBHMB.gpkg", "GDBHMB")
    lot = root / "清单"
    deliver.workbook(county.tables["monitoring"], lot / "疑似变化图斑.xlsx", "疑似变化", _STAMP)
    deliver.gbk_csv(county.tables["self_submitted"], lot / "核实处置自提.csv")
    deliver.geopackage(layers["relocation"], lot / "异地调整补划.gpkg", "异地调整补划")
    deliver.shapefile(layers["supplement"], lot / "补划地块.shp", county.states[-1].day)
    deliver.shapefile(layers["balance"], lot / "进出平衡方案.shp", dates.LEDGER)
    deliver.geojson(layers["approved"], lot / "合法用地.geojson")


def _towns(county: County) -> gpd.GeoDataFrame:
    """Return XZQ: nine-digit codes, control area (DCMJ) equal to the sum of plots."""
    towns = county.figures.towns
    code = (county.code + towns["code"]).to_numpy()
    area = county.control.to_numpy() / 100
    return gpd.GeoDataFrame(
        {
            "BSM": [f"{county.code}1001{i:08d}" for i in range(1, len(towns) + 1)],
            "YSDM": "1000600100", "XZQDM": code, "XZQMC": towns["name"].to_numpy(),
            "DCMJ": area, "JSMJ": area, "MSSM": "00", "HDMC": "", "BZ": "",
        },
        geometry=county.shapes.to_numpy(), crs=county.shapes.crs,
    )  # fmt: skip


def _export(county: County, state: progress.State, number: int, root: Path) -> None:
    """Write one export in its number's way: by town in GBK without zone, FileGDB, then in turn."""
    root.mkdir(parents=True)
    frame = export_frame(county.atoms, state, county.code)
    year, name = state.day.year, f"{county.name}地类图斑"
    ways: dict[str, Callable[[], None]] = {
        "town": lambda: _by_town(county, frame, state.day, root),
        "town_unprefixed": lambda: _by_town(county, frame, state.day, root, unprefixed),
        "gdb": lambda: deliver.file_gdb(frame, root / f"{county.code}{year}变更调查.gdb", "DLTB"),
        "gpkg": lambda: deliver.geopackage(frame, root / f"{name}.gpkg", "DLTB"),
        "parquet": lambda: deliver.geoparquet(frame, root / f"{name}.parquet"),
        "geojson": lambda: deliver.geojson(frame, root / f"{name}.geojson", decimals=11),
    }
    first = ("town_unprefixed", "gdb")
    later = ("gpkg", "town", "parquet", "gdb", "geojson")
    ways[first[number] if number < len(first) else later[(number - 2) % len(later)]]()


def _by_town(
    county: County, frame: gpd.GeoDataFrame, day: date, root: Path,
    placed: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame] = lambda part: part,
) -> None:  # fmt: skip
    """Write one shapefile per town; placed: into the delivery's coordinates, town by town."""
    names = county.figures.towns.assign(code=county.code + county.figures.towns["code"])
    for code, name in zip(names["code"], names["name"], strict=True):
        part = frame[frame["ZLDWDM"].str[:9] == code].reset_index(drop=True)
        deliver.shapefile(placed(part), root / f"地类图斑_{name}.shp", day)


def export_frame(atoms: gpd.GeoDataFrame, state: progress.State, code: str) -> gpd.GeoDataFrame:
    """Return DLTB of one export: plots with all attributes, sorted by BSM, in the atoms' CRS."""
    keys, shapes = union_by(atoms.geometry.to_numpy(), state.plot)
    first = _leads(atoms, state)
    cm2 = atoms["cm2"].groupby(state.plot).sum().reindex(keys).to_numpy()
    lead = atoms.iloc[first].reset_index(drop=True)
    serial = state.serial[first]
    top = int(atoms["order"].max())
    late = np.char.zfill(serial.astype(str), 8)
    tbbh = np.where(serial > top, late, lead["tbbh"].to_numpy(dtype=str))
    plots = pd.DataFrame(
        {
            "bsm": [f"{code}2001{s:08d}" for s in serial], "tbbh": tbbh,
            "dlbm": state.dlbm[first], "zzsxdm": state.zzsxdm[first], "slope": lead["slope"],
            "zldwdm": lead["zldwdm"], "zldwmc": lead["zldwmc"], "cm2": cm2,
            "width": np.round(2 * shapely.area(shapes) / shapely.length(shapes), 1),
            "guest": _guests(lead, serial),
        }
    )  # fmt: skip
    out = gpd.GeoDataFrame(land.plots(plots, state.day.year), geometry=shapes, crs=atoms.crs)
    return out.sort_values("BSM", ignore_index=True)


def _leads(atoms: gpd.GeoDataFrame, state: progress.State) -> NDArray[np.int64]:
    """Return the row whose attributes each plot bears: of the atom that gave it its number."""
    strange = atoms["order"].to_numpy() != state.serial
    rows = np.lexsort((strange, state.plot))
    _, first = np.unique(state.plot[rows], return_index=True)
    return np.asarray(rows[first], dtype=np.int64)


def _guests(lead: gpd.GeoDataFrame, serial: np.ndarray) -> np.ndarray:
    """Return the owner's code where a field belongs to another village (飞入地): one in 199."""
    first = lead["zldwdm"].str[:9] + "001" + "0" * 7
    mine = lead["zldwdm"].str[9:12] == "001"
    return np.where((serial % 199 == 7) & ~mine, first, "")  # noqa: PLR2004 - any residue

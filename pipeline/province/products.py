"""What a province gets: tables over all finished counties, its tasks as one layer, a manifest.

Made anew by every run from the counties' products, all together or not at all. A county that
didn't finish is in none of them and stands in counties.csv with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline import storage
from pipeline.aggregate.province import (
    CountyTables,
    province_gaps,
    province_indicators,
    province_summary,
    stacked,
)
from pipeline.disk import replacing_folder
from pipeline.freshness import key_of
from pipeline.reports.data import SAMPLE_MARK
from pipeline.reports.province import TITLE, ProvinceTables, province_workbook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd

    from pipeline.province.run import CountyRun

FOLDER = "province"
MANIFEST = "manifest.json"
STACKED = ("summary", "gaps", "indicators")
TASKS_CRS = "EPSG:4490"
"""Longitude and latitude of CGCS2000: counties of different zones in one layer."""
SHORT = 12
"""Digits of an id that products print."""
GROUP_ROWS = 4096
"""Rows of a row group: the ground of a few towns, which a reader passes over by its box."""


def write_products(runs: Sequence[CountyRun], out: Path, name: str, *, drawn: bool) -> Path:
    """Write the province's products below `out`; return their folder.

    name: of the province, on its maps; drawn: with maps.

    counties.csv; summary, gaps, indicators as .parquet (every row of every county) and as
    province_*.csv (a row per county, and the sums); 全省汇总.xlsx; tasks/county=CODE/tasks.parquet
    (all tasks of the newest export, EPSG:4490, Hilbert-sorted, with covering bbox); maps/;
    manifest.json.
    Raises OutputError; then the last ones stand.
    """
    folder = out / FOLDER
    before = storage.read_json(folder / MANIFEST) if (folder / MANIFEST).is_file() else {}
    ours = [*before.get("outputs", {}), MANIFEST]
    with replacing_folder(folder, ours) as work:
        lines = pd.DataFrame(list(map(_line, runs)))
        storage.write_table(work / "counties.csv", lines)
        finished = [run for run in runs if not run.refused]
        run_ids = _run_ids(finished)
        maps = {}
        if finished:
            product_id = key_of({"counties": run_ids, "lines": lines.to_csv()})[:SHORT]
            made_up = any(run.county.sample for run in finished if run.county)
            mark = f"　{SAMPLE_MARK}" if made_up else ""
            stamp = f"{_span(lines)}　产品编号 {product_id}{mark}"
            gaps = _write_tables(work, [_tables(run) for run in finished], lines, stamp)
            if drawn:
                from pipeline.province.maps import map_data, write_maps  # noqa: PLC0415 - seconds

                data = map_data(runs, gaps, name)
                maps = write_maps(work, folder, data, before) if data else {}
        for run in finished:
            _write_tasks(work, run)
        made = sorted(path for path in work.rglob("*") if path.is_file())
        outputs = {path.relative_to(work).as_posix(): storage.sha256(path) for path in made}
        manifest = {"counties": run_ids, "maps": maps, "outputs": outputs}
        storage.write_json(work / MANIFEST, manifest)
    return folder


def _line(run: CountyRun) -> dict[str, object]:
    """Return a county's line: what it is, or why there is none of it in the products."""
    county = run.county
    return {
        "county_code": county.code if county else None,
        "county": county.name if county else None,
        "folder": run.folder,
        "export": county.newest.isoformat() if county else None,
        "crs": county.crs if county else None,
        "status": "未完成，未计入" if run.refused else "完成",
        "exit_code": run.exit_code,
        "reason": str(run.refused) if run.refused else None,
    }


def _tables(run: CountyRun) -> CountyTables:
    assert run.county is not None  # noqa: S101 - it finished
    assert run.out is not None  # noqa: S101 - it finished
    processed = run.out / "data" / "processed"
    return CountyTables(
        code=run.county.code,
        name=run.county.name,
        newest=run.county.newest,
        tables={name: storage.read_table(processed / f"{name}.csv") for name in STACKED},
    )


def _write_tables(
    work: Path, counties: Sequence[CountyTables], lines: pd.DataFrame, stamp: str
) -> pd.DataFrame:
    """Write the tables over all counties; return their gaps."""
    for name in STACKED:
        storage.write_columns(work / f"{name}.parquet", stacked(counties, name))
    tables = {
        "summary": province_summary(counties),
        "gaps": province_gaps(counties),
        "indicators": province_indicators(counties),
    }
    for name, table in tables.items():
        storage.write_table(work / f"province_{name}.csv", table)
    book = province_workbook(ProvinceTables(**tables, counties=lines, stamp=stamp))
    storage.write_bytes(work / f"{TITLE}.xlsx", book)
    return tables["gaps"]


def _span(lines: pd.DataFrame) -> str:
    """Return the dates of the finished counties' data in words."""
    days = lines.loc[lines["exit_code"] == 0, "export"]
    first, last = days.min(), days.max()
    return f"数据日期 {first}" if first == last else f"数据日期 {first} 至 {last}"


def _write_tasks(work: Path, run: CountyRun) -> None:
    """Write a county's tasks as its part of the province's layer."""
    assert run.county is not None  # noqa: S101 - it finished
    assert run.out is not None  # noqa: S101 - it finished
    ledger = storage.read_frame(run.out / "data" / "processed" / "ledger.parquet")
    tasks = sorted_tasks(ledger, run.county.code, run.county.name, run.county.newest)
    file = work / "tasks" / f"county={run.county.code}" / "tasks.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    storage.write_frame(file, tasks, bbox=True, group_rows=GROUP_ROWS)


def sorted_tasks(ledger: gpd.GeoDataFrame, code: str, name: str, newest: date) -> gpd.GeoDataFrame:
    """Return a county's tasks for the province's layer: in TASKS_CRS, near ones side by side.

    ledger: as design §3, in the county's CRS. county_code, county_name and export come before its
    columns; tasks of one place on the curve keep the order of their ids.
    """
    tasks = ledger.to_crs(TASKS_CRS)
    tasks.insert(0, "county_code", code)
    tasks.insert(1, "county_name", name)
    tasks.insert(2, "export", newest.isoformat())
    if not len(tasks):
        return tasks
    place = tasks.geometry.hilbert_distance()
    order = tasks.assign(place=place).sort_values(["place", "task_id"], kind="stable").index
    return tasks.loc[order].reset_index(drop=True)


def _run_ids(finished: Sequence[CountyRun]) -> Mapping[str, str]:
    """Return the run_id of every county that is in the products."""
    return {
        run.county.code: storage.read_json(run.out / "data" / "processed" / MANIFEST)["run_id"]
        for run in finished
        if run.county and run.out
    }

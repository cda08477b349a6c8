"""Stages that make what people read: town tables, maps, the account and the manifest."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from pipeline.freshness import PACKAGE, code_files, key_of
from pipeline.ingest.county import file_group, input_files
from pipeline.model import AccountRow
from pipeline.stages.desk import Desk, Job, Outcome
from pipeline.stages.judging import pack_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from pipeline.freshness import State

MANIFEST = "清单"
SHORT = 12
"""Digits of the run_id that products print."""
ROOMS = (
    "ingest", "overlay", "evidence", "classify", "ledger", "aggregate", "reconcile", "render",
    "explain",
)  # fmt: skip
LIBRARIES = ("geopandas", "shapely", "pyogrio", "pyproj", "pandas", "numpy", "matplotlib")


def jobs(desk: Desk, state: State) -> Iterator[Job]:
    """Yield the town tables, the maps, then account and manifest over everything before."""
    run_id = _run_id(desk, state)
    yield _aggregate_job(desk)
    yield _reconcile_job(desk)
    yield _maps_job(desk, run_id)
    yield _manifest_job(desk, run_id, state)  # made last: it lists what the others wrote


def _run_id(desk: Desk, state: State) -> str:
    """Return the hash over inputs, settings, tables and code that names this run."""
    return key_of(
        {
            "version": __version__,
            "county": _settings(desk),
            "inputs": state.contents.of_all(_inputs(desk), base=desk.county.root),
            "rules": state.contents.of_all(pack_files(desk), base=PACKAGE),
            "code": state.contents.of_all(code_files(ROOMS), base=PACKAGE),
        }
    )


def _inputs(desk: Desk) -> list[Path]:
    """Return every file of the user's that decides a figure, shapefile members one by one."""
    return [member for file in input_files(desk.county) for member in file_group(file)]


def _settings(desk: Desk) -> dict[str, Any]:
    """Return the county's settings as they are printed in the manifest."""
    settings = asdict(desk.county)
    del settings["root"]
    return settings


def _aggregate_job(desk: Desk) -> Job:
    """Return the job that counts and measures per town and holds gaps against targets."""
    county = desk.county
    files = {
        day: (desk.export(day, "ledger.parquet"), desk.export(day, "pieces.parquet"))
        for day in desk.judged
    }

    def compute(_state: State) -> Outcome:
        import pandas as pd

        from pipeline import storage, tables
        from pipeline.aggregate import gaps, summarise

        classes = tables.classes()
        parts, rows = [], []
        for day, (ledger_file, pieces_file) in files.items():
            ledger, pieces = storage.read_frame(ledger_file), storage.read_frame(pieces_file)
            part = summarise(ledger, pieces, county=county, classes=classes, export=day)
            rows.append(_aggregate_account(day, ledger, pieces, part))
            parts.append(part)
        summary = pd.concat(parts, ignore_index=True)
        table = gaps(summary, county=county, classes=classes)
        products = [desk.processed / "summary.csv", desk.processed / "gaps.csv"]

        def write() -> list[Path]:
            storage.write_table(products[0], summary)
            storage.write_table(products[1], table)
            return products

        return Outcome(write=write, said=f"期数={len(files)} 行={len(summary)}", account=rows)

    return Job(
        name="汇总",
        stage="aggregate",
        rooms=("aggregate",),
        inputs=tuple(file for pair in files.values() for file in pair),
        params={"county": _settings(desk)},
        compute=compute,
    )


def _aggregate_account(
    day: date, ledger: gpd.GeoDataFrame, pieces: gpd.GeoDataFrame, summary: pd.DataFrame
) -> AccountRow:
    """Return the account of the town tables: tasks, and pieces that are none, each in one leaf."""
    from pipeline.aggregate import SUBTOTALS
    from pipeline.measure import to_cm2
    from pipeline.tables import classes

    leaves = ~summary["category"].isin(list(SUBTOTALS))
    county = summary[(summary["level"] == "county") & leaves]
    tasks = ledger[ledger["status"] != "withdrawn"]
    tasks_of = [c.name for c in classes() if c.task]
    others = pieces[~pieces["category"].isin(tasks_of)]
    return AccountRow(
        stage="aggregate",
        export=day.isoformat(),
        read_plots=len(tasks) + int(others.groupby("category")["bsm"].nunique().sum()),
        accepted_plots=int(county["plots"].sum()),
        rejected_plots=0,
        in_cm2=int(to_cm2(tasks["area_m2"]).sum()) + int(to_cm2(others["base_m2"]).sum()),
        out_cm2=int(to_cm2(county["area_m2"].astype(float)).sum()),
        aside_cm2=0,
    )


def _reconcile_job(desk: Desk) -> Job:
    """Return the job that checks the published figures against themselves and against ours."""
    county = desk.county
    summary_file = desk.processed / "summary.csv"

    def compute(_state: State) -> Outcome:
        from pipeline import storage
        from pipeline.reconcile import reconcile
        from pipeline.tables.published import load_published_items

        summary = storage.read_table(summary_file)
        at_ledger = summary[summary["export"] == county.ledger.isoformat()]
        table = reconcile(county.published, at_ledger, load_published_items())
        product = desk.processed / "reconcile.csv"

        def write() -> list[Path]:
            storage.write_table(product, table)
            return [product]

        verdicts = table["verdict"].value_counts()
        said = " ".join(f"{name}={count}" for name, count in sorted(verdicts.items()))
        return Outcome(write=write, said=said or "没有 published.csv")

    return Job(
        name="核对",
        stage="aggregate",
        rooms=("reconcile",),
        inputs=(summary_file,),
        params={"published": [asdict(row) for row in county.published]},
        compute=compute,
    )


def _maps_job(desk: Desk, run_id: str) -> Job:
    """Return the job that draws every map found in render/maps."""
    county = desk.county
    summary_file, gaps_file = desk.processed / "summary.csv", desk.processed / "gaps.csv"
    towns_file = desk.zone("towns", county.newest)
    plots_files = {day: desk.export(day, "parcels.parquet") for day in desk.judged}

    def compute(_state: State) -> Outcome:
        from pipeline import render, storage

        towns = render.town_shapes(storage.read_frame(towns_file), county)
        gaps, summary = storage.read_table(gaps_file), storage.read_table(summary_file)
        drawn: dict[Path, bytes] = {}
        for day in desk.judged:
            data = render.MapData(
                county=county, towns=towns, gaps=gaps, summary=summary, export=day,
                run_id=run_id[:SHORT],
                land=storage.read_frame(plots_files[day], ["dlbm", "geometry"]),
            )  # fmt: skip
            folder = desk.maps if day == county.newest else desk.maps / day.isoformat()
            for spec in render.discover():
                drawn |= {folder / k: v for k, v in render.render(spec, data).items()}

        def write() -> list[Path]:
            for file, content in drawn.items():
                storage.write_bytes(file, content)
            return list(drawn)

        return Outcome(write=write, said=f"图幅文件={len(drawn)}")

    return Job(
        name="制图",
        stage="maps",
        rooms=("render",),
        inputs=(summary_file, gaps_file, towns_file, *plots_files.values()),
        params={"run_id": run_id, "county": _settings(desk)},
        compute=compute,
    )


def _manifest_job(desk: Desk, run_id: str, state: State) -> Job:
    """Return the job that lists inputs, settings, facts and products with their hashes."""
    products = (desk.processed / "account.csv", desk.processed / "manifest.json")
    records = {name: record for name, record in state.stages.items() if name != MANIFEST}
    written = {k: v for record in records.values() for k, v in record["products"].items()}

    def compute(state: State) -> Outcome:
        import importlib.metadata

        import pandas as pd

        from pipeline import storage

        rows = [AccountRow(**row) for record in records.values() for row in record["account"]]
        manifest = {
            "run_id": run_id,
            "version": __version__,
            "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
            "county": _settings(desk),
            "inputs": state.contents.of_all(_inputs(desk), base=desk.county.root),
            "rules": state.contents.of_all(pack_files(desk), base=PACKAGE),
            "facts": {name: record["facts"] for name, record in records.items()},
            "outputs": written,
        }

        def write() -> list[Path]:
            storage.write_table(products[0], pd.DataFrame([_account_line(row) for row in rows]))
            storage.write_json(products[1], manifest)
            return list(products)

        return Outcome(write=write, said=f"run_id={run_id[:SHORT]} 账目={len(rows)}行 差额=0")

    return Job(
        name=MANIFEST,
        stage="all",
        rooms=ROOMS,
        inputs=(),
        params={"run_id": run_id, "products": written},
        compute=compute,
    )


def _account_line(row: AccountRow) -> dict[str, object]:
    """Return one line of account.csv: areas in m² with two decimals, exact."""
    from pipeline.aggregate import exact_m2

    areas = ("in", "out", "aside", "repaired", "rebased", "residual")
    return {
        "stage": row.stage,
        "export": row.export,
        "read_plots": row.read_plots,
        "accepted_plots": row.accepted_plots,
        "rejected_plots": row.rejected_plots,
        **{f"{name}_m2": exact_m2(getattr(row, f"{name}_cm2")) for name in areas},
        "unknown_area_plots": row.unknown_area_plots,
        "residual_plots": row.residual_plots,
    }

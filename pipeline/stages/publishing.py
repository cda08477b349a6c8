"""The last stages: maps, office products, their list, then account and manifest over it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.freshness import PACKAGE, code_files, key_of
from pipeline.ingest.county import input_files
from pipeline.model import AccountRow
from pipeline.stages import contents, drawing, reporting, returning
from pipeline.stages.desk import Desk, Job, Outcome, settings
from pipeline.stages.judging import pack_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.freshness import State

MANIFEST = "清单"
SHORT = 12
"""Digits of the run_id in the log."""
ROOMS = (
    "ingest", "overlay", "compare", "evidence", "classify", "ledger", "aggregate", "reconcile",
    "render", "explain", "symbology", "reports",
)  # fmt: skip
LIBRARIES = ("geopandas", "shapely", "pyogrio", "pyproj", "pandas", "numpy", "matplotlib")


def jobs(
    desk: Desk,
    state: State,
    planned: Sequence[str],
    maps: Sequence[str] = (),
    reports: Sequence[str] = (),
) -> Iterator[Job]:
    """Yield maps and office products (only those named, if any), their list, the manifest.

    planned: names of the jobs before these, in order.
    """
    names = list(planned)
    for job in _published(desk, state, maps, reports):
        names.append(job.name)
        yield job
    run_id = _run_id(desk, state)
    yield _manifest_job(desk, run_id, state, names)  # made last: it lists what the others wrote


def _published(
    desk: Desk, state: State, maps: Sequence[str], reports: Sequence[str]
) -> Iterator[Job]:
    yield drawing.job(desk, maps)
    yield from returning.merging(desk)
    yield from reporting.jobs(desk, state, reports)
    yield contents.job(desk, state)


def _run_id(desk: Desk, state: State) -> str:
    """Return the hash over inputs, settings, tables and code that names this run."""
    return key_of(
        {
            "version": __version__,
            "county": settings(desk),
            "inputs": desk.brought(state, input_files(desk.county)),
            "rules": state.contents.of_all(pack_files(desk), base=PACKAGE),
            "code": state.contents.of_all(code_files(ROOMS), base=PACKAGE),
        }
    )


def _manifest_job(desk: Desk, run_id: str, state: State, names: Sequence[str]) -> Job:
    """Return the job that lists inputs, settings, facts and products with their hashes.

    Of the jobs named, in their order, whenever each of them was done.
    """
    products = (desk.processed / "account.csv", desk.processed / "manifest.json")
    records = {name: state.stages[name] for name in names if name in state.stages}
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
            "county": settings(desk),
            "inputs": desk.brought(state, input_files(desk.county)),
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
        makes=products,
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

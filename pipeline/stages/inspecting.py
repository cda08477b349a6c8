"""An inspectors' list, read and held against the ledger of one export."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.disk import file_name, replacing_folder
from pipeline.errors import Finding, UsageError
from pipeline.freshness import PACKAGE, State, code_files, key_of
from pipeline.ingest.files import parse_date
from pipeline.stages import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from pipeline.ingest.checklist import Checklist
    from pipeline.inspection import Inspection, Ours
    from pipeline.stages.desk import Desk

ROOMS = ("ingest", "overlay", "compare", "explain", "reconcile", "terminal", "inspection")
FOLDER, BOOK, MANIFEST = "compare", "清单对照.xlsx", "manifest.json"
SHORT = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """A finished inspection: what was found, where its products lie, which run it was."""

    found: Inspection
    folder: Path
    run_id: str


def inspect_list(desk: Desk, path: Path, export: str | None, *, open_only: bool) -> Inspected:
    """Read a list, hold it against the ledger at an export (the newest), write all products.

    open_only: against what is still to be done. Raises UsageError for a file or an export that
    isn't there, InputError for what can't be read; then no product has changed.
    """
    from pipeline import inspection
    from pipeline.ingest.checklist import read_checklist

    day = _judged(desk, export)
    checklist = read_checklist(path, desk.county)
    run(desk, "ledger")
    statuses = inspection.OPEN if open_only else inspection.COUNTED
    found = inspection.inspect(checklist, _ours(desk, day, checklist, statuses))
    record = _record(desk, checklist, day, statuses)
    folder = desk.processed / FOLDER / f"list-{file_name(path.stem)}"
    _write(folder, found, record)
    return Inspected(found=found, folder=folder, run_id=str(record["run_id"]))


def _judged(desk: Desk, text: str | None) -> date:
    day = parse_date(text) if text else desk.county.newest
    if day is None or day not in desk.judged:
        have = "、".join(judged.isoformat() for judged in desk.judged)
        raise UsageError(Finding("--export", f"{text} 不是台账期及以后的一期", f"可用：{have}"))
    return day


def _ours(desk: Desk, day: date, checklist: Checklist, statuses: tuple[str, ...]) -> Ours:
    from pipeline import inspection, storage, tables

    classes = tables.classes()
    ledger = storage.read_frame(desk.export(day, "ledger.parquet"))
    plots = storage.read_frame(desk.export(day, "parcels.parquet"))
    history = storage.read_table(desk.processed / "history.csv")
    return inspection.Ours(
        county=desk.county,
        classes=classes,
        export=day,
        items=inspection.items_of(
            ledger,
            storage.read_frame(desk.export(day, "pieces.parquet")),
            history[history["export"] <= day.isoformat()],
            classes,
        ),
        plots=plots,
        rejects=_rejects(desk, day),
        elsewhere=_elsewhere(desk, day, checklist, {*plots["bsm"], *ledger["bsm"]}),
        statuses=statuses,
    )


def _rejects(desk: Desk, day: date) -> pd.DataFrame:
    """Return bsm and reason of what ingest found wrong; whoever asks has looked at plots first."""
    from pipeline import storage

    problems = storage.read_table(desk.export(day, "problems.csv")).dropna(subset=["bsm"])
    said = problems["found"].fillna("") + "（" + problems["rule"].fillna("") + "）"
    return problems.assign(reason=said)[["bsm", "reason"]]


def _elsewhere(
    desk: Desk, day: date, checklist: Checklist, known: set[str]
) -> Mapping[date, gpd.GeoDataFrame]:
    """Return plots of other exports that the list names and this export doesn't have."""
    from pipeline import storage

    asked = set(checklist.rows["bsm"]) - known - {""}
    found = {}
    for other in desk.county.exports:
        file = desk.export(other, "parcels.parquet")
        if asked and other != day:
            plots = storage.read_frame(file, ["bsm", "geometry"])
            found[other] = plots[plots["bsm"].isin(asked)]
    return found


def _record(
    desk: Desk, checklist: Checklist, day: date, statuses: tuple[str, ...]
) -> dict[str, object]:
    """Return the manifest: which list against which ledger, by which code."""
    state = State.load(desk.state_file)
    names = ("ledger.parquet", "pieces.parquet", "parcels.parquet")
    record: dict[str, object] = {
        "version": __version__,
        "list": {"name": checklist.name, "sha256": checklist.sha256},
        "export": day.isoformat(),
        "statuses": list(statuses),
        "ledger": state.contents.of_all([desk.export(day, n) for n in names], base=desk.out),
    }
    code = state.contents.of_all(code_files(ROOMS), base=PACKAGE)
    return record | {"run_id": key_of({"code": code, **record})}


def _write(folder: Path, found: Inspection, record: dict[str, object]) -> None:
    """Write all products, or none."""
    from pipeline import inspection, storage

    tables = inspection.csv_tables(found)
    run_id = str(record["run_id"])[:SHORT]
    with replacing_folder(folder, {*tables, BOOK, MANIFEST}) as fresh:
        for name, table in tables.items():
            storage.write_table(fresh / name, table)
        storage.write_bytes(fresh / BOOK, inspection.workbook(found, run_id))
        products = {file.name: storage.sha256(file) for file in sorted(fresh.iterdir())}
        storage.write_json(fresh / MANIFEST, record | {"products": products})

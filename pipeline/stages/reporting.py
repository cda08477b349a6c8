"""The report stage: one job per office product, so that only what changed is made again.

A product's id is its job's key: the hash over all it is made from and over the code that makes it,
as a map's is (decision 0021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.ingest.contacts import NAME as NAME_OF_CONTACTS
from pipeline.ingest.contacts import load_contacts
from pipeline.stages import drawing, returning
from pipeline.stages.carrying import job_key
from pipeline.stages.desk import Job, Outcome, settings
from pipeline.stages.judging import pack_files
from pipeline.stages.pictured import land_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.freshness import State
    from pipeline.reports import ReportData, ReportSpec
    from pipeline.stages.desk import Desk

TABLES = (
    "summary", "gaps", "progress", "indicators", "indicator_terms", "reconcile", "waterfall",
    "waterfall_tasks", "history",
)  # fmt: skip
LAYERS = {"ledger": "ledger.parquet", "land": "parcels.parquet"}
ROOMS = ("reports", "explain", "render")
NAME = "报表"
SHORT = 12
"""Digits of an id that products print."""


@dataclass(frozen=True, slots=True)
class Made:
    """A product of this run or an earlier one, for the list of contents."""

    spec: ReportSpec
    product_id: str
    files: tuple[str, ...]


def job_name(spec: ReportSpec) -> str:
    """Return the name a product's job goes by in the records."""
    return f"{NAME} {spec.name}"


def jobs(desk: Desk, state: State, only: Sequence[str] = ()) -> Iterator[Job]:
    """Yield a job per product found in reports/products (or only those named)."""
    from pipeline import reports

    for spec in reports.discover():
        if not only or spec.name in only:
            yield _job(desk, state, spec)


def products(state: State) -> list[Made]:
    """Return the products there are, in order of their modules."""
    from pipeline import reports

    found = []
    for spec in reports.discover():
        record = state.stages.get(job_name(spec))
        if record is not None:
            facts: Mapping[str, Any] = record["facts"]["products"][spec.name]
            found.append(Made(spec, facts["id"], tuple(facts["files"])))
    return found


def _job(desk: Desk, state: State, spec: ReportSpec) -> Job:
    pictures = _pictures(desk, state, spec)
    inputs = {*_inputs(desk, spec), *pictures.values(), *pack_files(desk)}

    def compute(state: State) -> Outcome:
        from pipeline import reports, storage

        product_id = job_key(desk, state, job)[:SHORT]
        files = reports.make(spec, _data(desk, spec, product_id, pictures))

        def write() -> list[Path]:
            for name, content in files.items():
                storage.write_bytes(desk.out / name, content)
            return [desk.out / name for name in files]

        facts = {"products": {spec.name: {"id": product_id, "files": list(files)}}}
        size = sum(map(len, files.values())) / 1e6
        said = f"{spec.title} 文件={len(files)} 大小={size:.1f}MB"
        return Outcome(write=write, said=said, facts=facts)

    job = Job(
        name=job_name(spec),
        stage="report",
        rooms=ROOMS,
        inputs=tuple(sorted(inputs)),
        params={"product": spec.name, "county": settings(desk)},
        compute=compute,
    )
    return job


def _inputs(desk: Desk, spec: ReportSpec) -> Iterator[Path]:
    """Yield the files that a product's members are read from."""
    newest = desk.county.newest
    for name in spec.needs:
        if name in TABLES:
            yield desk.processed / f"{name}.csv"
        elif name in LAYERS:
            yield desk.export(newest, LAYERS[name])
        elif name == "sheets":
            yield desk.export(newest, "ledger.parquet")
        elif name == "opened":
            yield desk.export(newest, "ledger.parquet")
            yield from (desk.export(day, "pieces.parquet") for day in desk.judged)
        elif name == "towns":
            yield desk.zone("towns", newest)
        elif name == "returned":
            yield from (desk.processed / returning.CELLS, desk.export(newest, "ledger.parquet"))
        elif name == "contacts" and (contacts := desk.county.root / NAME_OF_CONTACTS).is_file():
            yield contacts


def _pictures(desk: Desk, state: State, spec: ReportSpec) -> dict[str, Path]:
    """Return the finished map files a product holds, by the name it asks for them."""
    drawn = drawing.drawn(state)
    found = {}
    for wanted in spec.maps:
        name, _, ending = wanted.rpartition(".")
        _, files = drawn.get(f"maps/{name}", ("", ()))
        own = [file for file in files if file.endswith(f".{ending}") and "thumbs/" not in file]
        if own:
            found[wanted] = desk.out / own[0]
    return found


def _data(
    desk: Desk, spec: ReportSpec, product_id: str, pictures: Mapping[str, Path]
) -> ReportData:
    """Read what a product needs."""
    from pipeline import reports, storage, tables

    newest = desk.county.newest
    members: dict[str, Any] = {}
    for name in spec.needs:
        if name in TABLES:
            members[name] = storage.read_table(desk.processed / f"{name}.csv")
        elif name == "ledger":
            members[name] = storage.read_frame(desk.export(newest, LAYERS[name]))
        elif name == "land":
            members[name] = land_of(desk.export(newest, LAYERS[name]), spec.land)
        elif name == "sheets":
            members[name] = _sheets(desk)
        elif name == "opened":
            members[name] = _opened(desk)
        elif name == "towns":
            members[name] = _towns(desk)
        elif name == "returned":
            members[name] = returning.merged(desk)
        elif name == "contacts":
            members[name], _ = load_contacts(desk.county.root, desk.county.towns)
    return reports.ReportData(
        county=desk.county,
        classes=tables.classes(),
        pack=tables.load_pack(desk.county.rules, desk.county.root),
        export=newest,
        product_id=product_id,
        maps={name: storage.read_bytes(path) for name, path in pictures.items()},
        **members,
    )


def _sheets(desk: Desk) -> Any:  # noqa: ANN401 - a frame; pandas is imported where it is used
    """Return where the map book shows each task."""
    from pipeline import storage
    from pipeline.render.book.plan import plan_book

    columns = ["task_id", "bsm", "category", "town_code", "geometry"]
    tasks = storage.read_frame(desk.export(desk.county.newest, "ledger.parquet"), columns)
    index = plan_book(tasks, desk.county.towns).index
    index.insert(0, "task_id", tasks["task_id"].to_numpy()[index["row"]])
    return index.drop(columns="row")


def _opened(desk: Desk) -> Any:  # noqa: ANN401 - a frame; pandas is imported where it is used
    """Return the pieces that each task was made of, from the export it was first seen in."""
    import pandas as pd

    from pipeline import storage

    keys = ["first_seen", "bsm", "category"]
    tasks = storage.read_columns(desk.export(desk.county.newest, "ledger.parquet"), keys)
    parts = []
    for day in desk.judged:
        own = tasks[tasks["first_seen"] == day.isoformat()]
        only = {"bsm": set(own["bsm"]) or {""}}
        pieces = storage.read_columns(desk.export(day, "pieces.parquet"), only=only)
        parts.append(own.merge(pieces, on=keys[1:]))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _towns(desk: Desk) -> Any:  # noqa: ANN401 - a frame; pandas is imported where it is used
    """Return the towns' shapes."""
    from pipeline import storage
    from pipeline.render import town_shapes

    return town_shapes(storage.read_frame(desk.zone("towns", desk.county.newest)), desk.county)

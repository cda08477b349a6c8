"""Filled ledgers: read with the user's other files, merged when the ledger is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding, InputError, OutputError, UsageError
from pipeline.ingest.files import returned_files
from pipeline.stages.desk import Desk, Job, Outcome
from pipeline.stages.survey import params

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.freshness import State
    from pipeline.ingest.returned import Returned

CELLS, MERGED = "returned.json", "returned.csv"
"""Every filled cell as it stands; every cell with what became of it, for people."""
TASKS = ["task_id", "bsm", "town_code", "town", "status", "restored_m2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Workbooks as read, what would become of their cells, and files that can't be read."""

    books: tuple[Returned, ...]
    merged: pd.DataFrame
    unreadable: tuple[Finding, ...]


def reading(desk: Desk) -> Iterator[Job]:
    """Yield the job that reads the filled ledgers cell by cell."""
    files = returned_files(desk.county)

    def compute(state: State) -> Outcome:
        from pipeline import storage
        from pipeline.ingest.returned import records

        before = desk.brought(state, files)
        books, findings = _read(desk, files)
        if not findings and desk.brought(state, files) != before:
            where = "returned/"
            findings = (Finding(where, "读入之后又被改动", "等写入结束后重新运行；成果没有改动"),)
        if findings:
            raise InputError(findings)
        product = desk.processed / CELLS

        def write() -> list[Path]:
            storage.write_json(product, {"cells": list(records(books))})
            return [product]

        claims, told = (sum(len(getattr(b, n)) for b in books) for n in ("claims", "problems"))
        return Outcome(write=write, said=f"台账={len(books)} 填报={claims}格 提示={told}")

    yield Job(
        name="回收台账",
        stage="ingest",
        rooms=("ingest",),
        inputs=files,
        makes=(desk.processed / CELLS,),
        params=params(desk),
        compute=compute,
        reads_survey=True,
    )


def merging(desk: Desk) -> Iterator[Job]:
    """Yield the job that tells what became of every filled cell."""
    cells, ledger = desk.processed / CELLS, desk.export(desk.county.newest, "ledger.parquet")

    def compute(_state: State) -> Outcome:
        from pipeline import storage

        table = merged(desk)
        product = desk.processed / MERGED

        def write() -> list[Path]:
            storage.write_table(product, storage.guarded(table))
            return [product]

        counts = table["verdict"].value_counts()
        said = " ".join(f"{name}={counts[name]}" for name in sorted(counts.index))
        return Outcome(write=write, said=said or "没有交回的台账")

    yield Job(
        name="台账合并",
        stage="report",
        rooms=("reports",),
        inputs=(cells, ledger),
        makes=(desk.processed / MERGED,),
        params={"export": desk.county.newest},
        compute=compute,
    )


def merged(desk: Desk) -> pd.DataFrame:
    """Return what became of every filled cell of the last reading, texts as they were filled."""
    from pipeline import storage

    cells = storage.read_json(desk.processed / CELLS).get("cells", [])
    return _merge(desk, cells)


def examine(desk: Desk, paths: Sequence[Path]) -> Examined:
    """Read the county's filled ledgers, and these; tell what would be taken; write nothing.

    Raises UsageError for a file that isn't there, OutputError where there is no ledger yet.
    """
    from pipeline.ingest.returned import records

    ledger = desk.export(desk.county.newest, "ledger.parquet")
    if not ledger.is_file():
        raise OutputError(Finding(str(ledger), "没有这个成果", "请先运行 gengbao all"))
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise UsageError(Finding(str(path), "没有这个文件", "检查路径和文件名") for path in missing)
    known = {path.resolve() for path in returned_files(desk.county)}
    files = [*returned_files(desk.county), *(p for p in paths if p.resolve() not in known)]
    books, findings = _read(desk, files)
    return Examined(books=books, merged=_merge(desk, list(records(books))), unreadable=findings)


def _read(desk: Desk, files: Sequence[Path]) -> tuple[tuple[Returned, ...], tuple[Finding, ...]]:
    from pipeline.ingest.returned import read_returned

    books: list[Returned] = []
    findings: list[Finding] = []
    for path in files:
        try:
            books.append(read_returned(path, desk.county))
        except InputError as error:
            findings += error.findings
    return tuple(books), tuple(findings)


def _merge(desk: Desk, cells: Sequence[object]) -> pd.DataFrame:
    import pandas as pd

    from pipeline import storage
    from pipeline.ingest.returned import COLUMNS
    from pipeline.reports.returned import merge

    newest = desk.county.newest
    ledger = storage.read_columns(desk.export(newest, "ledger.parquet"), TASKS)
    return merge(pd.DataFrame(cells, columns=list(COLUMNS), dtype="object"), ledger, newest)

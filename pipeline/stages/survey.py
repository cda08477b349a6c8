"""Stages that read zones and lists; what reading any of the user's files has in common."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.errors import Finding, InputError
from pipeline.ingest.county import members, role_files
from pipeline.stages.desk import Desk, Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from pipeline.freshness import State
    from pipeline.ingest.layer import Rows
    from pipeline.ingest.result import IngestResult

log = logging.getLogger("gengbao")

ROOMS = ("ingest",)


def jobs(desk: Desk) -> Iterator[Job]:
    """Yield one job per role, per export where its path holds {date}."""
    for day in desk.judged:
        for role in desk.delivered(day):
            dated = desk.county.layers[role].dated
            if dated or day == desk.county.newest:
                yield _zone_job(desk, role, day, dated=dated)


def params(desk: Desk) -> dict[str, object]:
    """Return the county's values that decide how a file is read."""
    county = desk.county
    return {
        "crs": county.crs,
        "code": county.code,
        "name": county.name,
        "sample": county.sample,
        "thresholds": asdict(county.thresholds),
        "towns": [asdict(town) for town in county.towns],
    }


def check_read(desk: Desk, state: State, result: IngestResult | Rows) -> None:
    """Hold what was read against what lies there now, and pass on what was noticed.

    Raises InputError when a file is no longer the one that was read: the manifest would name
    other bytes than the results rest on.
    """
    now = desk.brought(state, result.digests)
    for remark in result.remarks:
        log.warning("提示 %s", remark)
    names = {path.relative_to(desk.county.root).as_posix(): path for path in result.digests}
    changed = [name for name, path in names.items() if now[name] != result.digests[path]]
    if changed:
        advice = "等写入结束、关闭正在编辑它的程序后重新运行；成果没有改动"
        raise InputError(Finding(name, "读入之后又被改动", advice) for name in changed)


def read_or_refuse(desk: Desk, name: str, read: Callable[[], IngestResult]) -> IngestResult:
    """Read; where not one row can be used, write all of them with their reasons, then refuse.

    Raises InputError, OutputError when even that can't be written.
    """
    from pipeline import storage
    from pipeline.ingest.result import AllRejectedError

    try:
        return read()
    except AllRejectedError as error:
        folder = desk.refused / name
        storage.write_gpkg(folder / "rejects.gpkg", {"rejects": error.result.rejects})
        storage.write_table(folder / "problems.csv", error.result.problems)
        where = f"文件夹 {folder}"
        told = Finding(where, "逐行原因已写入 rejects.gpkg、problems.csv", "照着改原数据")
        raise InputError([*error.findings, told]) from error


def _zone_job(desk: Desk, role: str, day: date, *, dated: bool) -> Job:
    """Return the job that reads one zone or list."""
    county, product = desk.county, desk.zone(role, day)
    problems = product.with_name(f"{role}_problems.csv")
    rejects = product.with_name(f"{role}_rejects.gpkg")

    def compute(state: State) -> Outcome:
        from pipeline.ingest.read import read_role

        result = read_or_refuse(desk, role, lambda: read_role(county, role, day))
        check_read(desk, state, result)

        def write() -> list[Path]:
            from pipeline import storage

            drawn = result.drawn
            storage.write_shelved(product, result.table, drawn.shapes, drawn.boxes, county.crs)
            storage.write_table(problems, result.problems)
            storage.write_gpkg(rejects, {"rejects": result.rejects})
            return [product, problems, rejects]

        said = f"要素={len(result.table)} 剔除={len(result.rejects)} 提示={len(result.problems)}"
        return Outcome(write=write, said=said, account=[result.account], facts=result.log)

    return Job(
        name=f"图层 {role}" + (f" {day.isoformat()}" if dated else ""),
        stage="ingest",
        rooms=ROOMS,
        inputs=members(role_files(county, role, day), county.root),
        makes=(product, problems, rejects),
        params=params(desk) | {"source": asdict(county.layers[role])},
        compute=compute,
        reads_survey=True,
    )

"""Survey exports and zones to frames: every row accepted or set aside, nothing in between."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from pipeline import fields
from pipeline.errors import Finding, InputError
from pipeline.ingest import balance
from pipeline.ingest.files import delivered_files, role_files, shown, source_files
from pipeline.ingest.geometry import Fault
from pipeline.ingest.layer import Rows, Taken, read_file
from pipeline.ingest.names import PARCELS, ZONES
from pipeline.ingest.parts import combined, joined
from pipeline.ingest.place import TownShapes, town_shapes
from pipeline.ingest.placing import Task
from pipeline.ingest.plots import finished, zone_areas
from pipeline.ingest.result import AllRejectedError, IngestResult
from pipeline.ingest.sift import Sifted
from pipeline.storage import give_back

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path

    from pipeline.model import County, LayerSource
    from pipeline.storage import Register

TOWNS = "towns"
BSM = fields.BSM.name
TownsRead: TypeAlias = "tuple[TownShapes | None, list[Finding]]"


def read_parcels(county: County, export: date) -> IngestResult:
    """Read an export's DLTB: fields.PARCELS, sorted by BSM, in the county's CRS.

    area_m2: official ellipsoidal area; base_m2: TBMJ where it agrees with the geometry. Rows with
    an empty or repeated BSM or unusable geometry are set aside. Raises InputError with the
    findings of all files of the export; GengbaoError if the account doesn't close.
    """
    paths = source_files(county, export)
    stated = county.stated_of(export)
    return _read_plots(county, paths, stated, read_towns(county, export), _names(export))


def read_one(county: County, export: date, path: Path, towns_read: TownsRead) -> Rows:
    """Read one of the files of an export (`source_files`), for `put_together`.

    towns_read: `read_towns`. Raises InputError with its findings, or with those of the towns.
    """
    towns, findings = towns_read
    task = Task(county=county, role=PARCELS, source=county.stated_of(export), towns=towns)
    return _read_all(task, (path,), list(findings))


def put_together(
    county: County, export: date, parts: Iterable[Rows], towns_read: TownsRead
) -> IngestResult:
    """Return an export from the rows of all its files, as `read_parcels` does.

    parts: best as an iterator that keeps none of them; they are let go as they are joined.
    """
    towns, findings = towns_read
    rows = _checked(list(parts), PARCELS, list(findings))
    assert towns is not None  # noqa: S101 - else there are findings
    return finish_plots(county, rows, towns, _names(export))


def _names(export: date) -> tuple[str, str]:
    """Return what an export is called in findings and in the account."""
    return f"exports/{export}", str(export)


def read_delivery(county: County, path: Path) -> IngestResult:
    """Read a file or folder from anywhere as if it were an export: as `read_parcels` does.

    Towns as known at the newest export; the account carries the path as its export.
    """
    name = shown(path, county.root)
    towns = read_towns(county, county.newest)
    return _read_plots(county, delivered_files(path), county.stated_of(None), towns, (name, name))


def _read_plots(
    county: County,
    paths: tuple[Path, ...],
    stated: LayerSource | None,
    towns_read: TownsRead,
    names: tuple[str, str],
) -> IngestResult:
    """Read the plots of these files; names: of the delivery, in findings and in the account."""
    towns, findings = towns_read
    task = Task(county=county, role=PARCELS, source=stated, towns=towns)
    rows = _read_all(task, paths, findings)
    assert towns is not None  # noqa: S101 - else there are findings
    return finish_plots(county, rows, towns, names)


def finish_plots(
    county: County, rows: Rows, towns: TownShapes, names: tuple[str, str]
) -> IngestResult:
    """Sift and measure plots; names: of the delivery, in findings and in the account.

    Raises InputError where nothing is left, or TBMJ contradicts the geometry of a file.
    """
    where, export = names
    if not len(rows.table):
        raise InputError(Finding(where, "没有地类图斑，一行也没有", "放入该期数据"))
    sifted = Sifted(county, rows, keyed=True)
    if not len(sifted.kept):
        raise _all_rejected(sifted, where, "ingest", export)
    give_back()
    plots = finished(county, sifted, towns, where)
    rows.problems += plots.problems
    _close(sifted, plots.table)
    account = sifted.account("ingest", export, plots.table[fields.AREA_M2.name])
    return replace(sifted.result(plots.table, plots.drawn, account), ground=plots.ground)


def read_role(county: County, role: str, export: date) -> IngestResult:
    """Read a role as known on `export`'s date: its standard columns, source_file, source_row.

    Geometry in the county's CRS, missing for lists without polygons; a role the county doesn't
    bring on that date gives an empty frame. Rows with unusable geometry, or in a plain list
    without BSM, are set aside. Raises InputError with the findings of all its files.
    """
    findings: list[Finding] = []
    towns = None
    if role != TOWNS:
        towns, findings = read_towns(county, export)
    task = Task(county=county, role=role, source=county.layers.get(role), towns=towns)
    rows = _read_all(task, role_files(county, role, export), findings)
    where = f"county.toml [layers] {role}"
    result = finish_role(county, rows, role, (where, export.isoformat()))
    if role == TOWNS:
        town_shapes(county, result.frame, county.layers[TOWNS].path)
    return result


def finish_role(county: County, rows: Rows, role: str, names: tuple[str, str]) -> IngestResult:
    """Sift a role's rows; names: as for plots. Raises InputError where a zone is left with none."""
    where, export = names
    if role in ZONES and not len(rows.table):
        raise InputError(Finding(where, "图层是空的，一行也没有", "核对文件，重新导出"))
    if not rows.spatial:
        empty = np.flatnonzero(rows.table[BSM].isna())
        rows.faults |= {int(at): Fault("BSM_EMPTY", "标识码为空，无法与图斑对应") for at in empty}
    sifted = Sifted(county, rows, keyed=False)
    if role in ZONES and not len(sifted.kept):
        raise _all_rejected(sifted, where, f"ingest:{role}", export)
    table, shapes = sifted.accepted().without("tbmj_text"), sifted.drawn()
    _close(sifted, table)
    rows.problems += zone_areas(county, sifted, role)
    account = sifted.account(f"ingest:{role}", export, pd.Series(shapes.area_m2))
    return sifted.result(table, shapes, account)


def _close(sifted: Sifted, accepted: Register) -> None:
    """Enter in the log of each file that its rows and ΣTBMJ are all accounted for."""
    rows = sifted.rows
    aside = rows.table.frame(sifted.aside)
    books = balance.close(rows.log["files"], accepted, aside)
    for log in rows.log["files"]:
        log.update(books[log["file"]])


def read_towns(county: County, export: date) -> TownsRead:
    """Return the towns as known at an export, or None and why they can't be read."""
    try:
        towns = read_role(county, TOWNS, export).frame
        return town_shapes(county, towns, county.layers[TOWNS].path), []
    except InputError as error:
        return None, list(error.findings)


def _read_all(task: Task, paths: tuple[Path, ...], findings: list[Finding]) -> Rows:
    """Read all files of a task into one; raises InputError with the findings of all of them."""
    parts = []
    for path in paths:
        try:
            parts.append(joined(read_file(path, task), task))
        except InputError as error:
            findings += error.findings
    return _checked(parts or [joined(Taken(), task)], task.role, findings)


def _checked(parts: list[Rows], role: str, findings: list[Finding]) -> Rows:
    """Return all rows; raises InputError for what files tell together, and findings there were."""
    rows = combined(parts)
    logs = rows.log["files"]
    empty = [log["file"] for log in logs if not log["read"]["rows"]]
    if role in {*ZONES, PARCELS}:
        advice = "核对文件，重新导出"
        findings += [Finding(name, "图层是空的，一行也没有", advice) for name in empty]
    findings += _delivered_twice(log for log in logs if log["read"]["rows"])
    if role == PARCELS and not logs and not findings:
        where = "、".join(rows.log["ignored"])
        findings.append(Finding(where, "只有其他图层，没有地类图斑", "放入该期 DLTB 图层"))
    if findings:
        raise InputError(findings)
    return rows


def _delivered_twice(logs: Iterable[dict[str, Any]]) -> list[Finding]:
    """Return a finding per file that is, byte for byte, one that was read before."""
    first: dict[str, str] = {}
    findings = []
    for log in logs:
        same = first.setdefault(log["sha256"], log["file"])
        if same != log["file"]:
            found = f"与 {same} 逐字节相同，同一份数据放了两次"
            findings.append(Finding(log["file"], found, "只留一份（如压缩包已解开，移走压缩包）"))
    return findings


def _all_rejected(sifted: Sifted, where: str, stage: str, export: str) -> AllRejectedError:
    reasons = pd.Series([fault.found for fault in sifted.faults.values()]).value_counts()
    account = sifted.account(stage, export, pd.Series(dtype="float64"))
    findings = [
        Finding(
            where, f"全部 {len(sifted.aside)} 行都不能用：{reason}（{count} 行）", "修正后重新导出"
        )
        for reason, count in reasons.head(5).items()
    ]
    nothing = sifted.result(sifted.accepted(), sifted.drawn(), account)
    return AllRejectedError(findings, nothing)

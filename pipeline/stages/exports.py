"""Stages that read the survey's exports: file by file where there are several, then as one."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError
from pipeline.freshness import key_of
from pipeline.ingest.county import members, role_files, shown, source_files
from pipeline.model import AccountRow
from pipeline.stages.desk import Desk, Job, Outcome
from pipeline.stages.survey import ROOMS, check_read, params, read_or_refuse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.freshness import State
    from pipeline.ingest.layer import Rows
    from pipeline.ingest.read import TownsRead
    from pipeline.ingest.result import IngestResult
    from pipeline.model import County
    from pipeline.storage import Register

GEODESIC_PPM = 0.2


def jobs(desk: Desk) -> Iterator[Job]:
    """Yield the jobs that read all exports."""
    for day in desk.county.exports:
        yield from export_jobs(desk, day)


def name(day: date) -> str:
    """Return the name of the job that reads an export."""
    return f"入库 {day.isoformat()}"


def export_jobs(desk: Desk, day: date) -> Iterator[Job]:
    """Yield the jobs that read one survey export: one per file where there are several, then all.

    A file that changed is read again alone, and several are read side by side.
    """
    paths = source_files(desk.county, day)
    several = paths if len(paths) > 1 else ()
    for path in several:
        yield _file_job(desk, day, path)
    yield _export_job(desk, day, several)


def _kept(desk: Desk, day: date, path: Path) -> tuple[Path, Path]:
    """Return where a file's rows are kept, named by a hash: names may be as long as they can be."""
    digest = hashlib.sha256(shown(path, desk.county.root).encode()).hexdigest()[:12]
    folder = desk.export(day, "files")
    return folder / f"{digest}.parquet", folder / f"{digest}.json"


def _export_params(desk: Desk, day: date) -> dict[str, object]:
    county = desk.county
    stated = county.stated_of(day)
    parcels = asdict(stated) if stated else None
    return params(desk) | {"towns_layer": asdict(county.layers["towns"]), "parcels": parcels}


def _file_job(desk: Desk, day: date, path: Path) -> Job:
    """Return the job that reads one of several files of an export."""
    county, products = desk.county, _kept(desk, day, path)

    def compute(state: State) -> Outcome:
        from pipeline.ingest import parts
        from pipeline.ingest.read import read_one

        rows = read_one(county, day, path, _towns(desk, day))
        check_read(desk, state, rows)

        def write() -> list[Path]:
            from pipeline import storage

            drawn = rows.drawn
            columns = parts.columns_of(rows)
            storage.write_shelved(products[0], columns, drawn.shapes, drawn.boxes, county.crs)
            storage.write_json(products[1], parts.document_of(rows))
            return list(products)

        return Outcome(write=write, said=f"图斑={len(rows.table)} 不能用={len(rows.faults)}")

    return Job(
        name=f"读入 {shown(path, county.root)}",
        stage="ingest",
        rooms=ROOMS,
        inputs=members((path, *role_files(county, "towns", day)), county.root),
        makes=products,
        params=_export_params(desk, day),
        compute=compute,
        reads_survey=True,
    )


def _export_job(desk: Desk, day: date, several: Sequence[Path]) -> Job:
    """Return the job that makes one survey export: from the rows kept of several files, if any."""
    county = desk.county
    names = ("parcels.parquet", "problems.csv", "rejects.gpkg", "coverage.gpkg")
    products = [desk.export(day, name) for name in names]
    kept = [_kept(desk, day, path) for path in several]
    own = [file for files in kept for file in files]
    brought = (*(() if several else source_files(county, day)), *role_files(county, "towns", day))

    def result_of() -> IngestResult:
        from pipeline.ingest.read import put_together, read_parcels

        if not several:
            return read_parcels(county, day)
        return put_together(county, day, _parts(kept), _towns(desk, day))

    def compute(state: State) -> Outcome:
        from pipeline.measure import cross_check, spread

        result = read_or_refuse(desk, day.isoformat(), result_of)
        check_read(desk, state, result)
        drawn = result.drawn
        check = cross_check(drawn.geometry(spread(drawn.planar_m2)), county.crs)
        _check_formula(day, check)

        def write() -> list[Path]:
            from pipeline import storage

            storage.write_shelved(products[0], result.table, drawn.shapes, drawn.boxes, county.crs)
            storage.write_table(products[1], result.problems)
            storage.write_gpkg(products[2], {"rejects": result.rejects})
            storage.write_gpkg(products[3], result.ground)
            return products

        said = (
            f"图斑={len(result.table)} 剔除={len(result.rejects)} 提示={len(result.problems)}"
            f" 与测地面积差={check['sum_difference_ppm']:.3f}ppm"
            f" 平面面积偏差={check['planar_ppm']:.0f}ppm"
        )
        facts = {**result.log, "area_check": check}
        rows = [result.account, _measure_account(day, result.table)]
        return Outcome(write=write, said=said, account=rows, facts=facts)

    return Job(
        name=name(day),
        stage="ingest",
        rooms=ROOMS,
        inputs=(*own, *members(brought, county.root)),
        makes=tuple(products),
        params=_export_params(desk, day),
        compute=compute,
        reads_survey=True,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose towns, as known when; the same where their files and all that decides are the same."""

    key: str
    county: County = field(compare=False)
    day: date = field(compare=False)


def _towns(desk: Desk, day: date) -> TownsRead:
    """Return the towns as known at an export; a process reads them once for all its files."""
    files = members(role_files(desk.county, "towns", day), desk.county.root)
    marks = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    asked = {"params": params(desk), "layer": asdict(desk.county.layers["towns"]), "files": marks}
    return _towns_read(_Asked(key_of(asked), desk.county, day))


@lru_cache(maxsize=1)
def _towns_read(asked: _Asked) -> TownsRead:
    from pipeline.ingest.read import read_towns

    return read_towns(asked.county, asked.day)


def _parts(kept: Sequence[tuple[Path, Path]]) -> Iterator[Rows]:
    """Yield the rows kept of every file; none is held here."""
    from pipeline import storage
    from pipeline.ingest import parts

    for columns, document in kept:
        yield parts.kept(*storage.read_shelved(columns), storage.read_json(document))


def _measure_account(day: date, plots: Register) -> AccountRow:
    """Return the step from official areas to bases: what TBMJ makes more or less."""
    from pipeline.measure import to_cm2

    official, base = (int(to_cm2(plots[name]).sum()) for name in ("area_m2", "base_m2"))
    return AccountRow(
        stage="measure",
        export=day.isoformat(),
        read_plots=len(plots),
        accepted_plots=len(plots),
        rejected_plots=0,
        in_cm2=official,
        out_cm2=base,
        aside_cm2=0,
        rebased_cm2=official - base,
    )


def _check_formula(day: date, check: Mapping[str, float]) -> None:
    """Fail loudly when official and geodesic areas of the sample part by more than 0.2 ppm."""
    limit = max(GEODESIC_PPM * check["sum_m2"] / 1e6, 0.01)
    if abs(check["sum_difference_m2"]) > limit:
        raise GengbaoError(
            Finding(
                f"入库 {day.isoformat()} 面积校核",
                f"椭球与测地面积合计差 {check['sum_difference_ppm']:.3f} ppm，超过 {GEODESIC_PPM}",
                "请保留现场文件并联系开发者",
            )
        )

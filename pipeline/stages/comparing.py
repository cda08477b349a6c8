"""Two exports of the county, or two deliveries from anywhere, read and held against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.disk import file_name, replacing_folder
from pipeline.errors import Finding, InputError, UsageError
from pipeline.freshness import PACKAGE, State, code_files, key_of
from pipeline.ingest.files import delivered_files, members, parse_date, source_files
from pipeline.model import AccountRow
from pipeline.stages import exports, ready, survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import geopandas as gpd

    from pipeline.compare import Comparison
    from pipeline.ingest.result import IngestResult
    from pipeline.stages.desk import Desk

ROOMS = ("ingest", "overlay", "compare")
FOLDER, MANIFEST = "compare", "manifest.json"
ORDER = ("前期", "后期")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What is compared: an export by its date, or a delivery by its path; name: in the products."""

    name: str
    day: date | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A finished comparison: the sides in order, what each brought, what was found, and where."""

    found: Comparison
    sides: tuple[Side, Side]
    accounts: tuple[AccountRow, AccountRow]
    folder: Path
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One side as read; delivery: what ingest said of a file that is no export."""

    frame: gpd.GeoDataFrame
    account: AccountRow
    delivery: IngestResult | None = None


def sides(desk: Desk, old: str, new: str) -> tuple[Side, Side]:
    """Return what two words of the command line mean; two dates in the order of time.

    Raises UsageError for a date that is no export, a path that isn't there, the same data twice.
    """
    found: list[Side] = []
    findings: list[Finding] = []
    for text in (old, new):
        try:
            found.append(_side(desk, text))
        except UsageError as error:
            findings += error.findings
    if findings:
        raise UsageError(findings)
    first, second = found
    if first == second or (first.path and second.path and first.path.samefile(second.path)):
        advice = "给出不同的两期（日期，或文件、文件夹）"
        raise UsageError(Finding(f"{old} {new}", "两期是同一份数据，没有可比的", advice))
    if first.day and second.day and first.day > second.day:
        first, second = second, first
    return _told_apart(first, second) if first.name == second.name else (first, second)


def compare(desk: Desk, old: Side, new: Side) -> Compared:
    """Read both sides, compare them, write the products all at once.

    Raises InputError with the findings of both sides; then, as after any other failure, the
    products of an earlier comparison are untouched.
    """
    from pipeline.compare import compare_products

    state, reads = _read(desk, (old, new))
    found = compare_products(*(read.frame for read in reads), crs=desk.county.crs)
    record = _record(desk, state, (old, new), reads)
    folder = desk.processed / FOLDER / f"{old.name}_{new.name}"
    _write(folder, found, reads, record)
    return Compared(
        found=found,
        sides=(old, new),
        accounts=(reads[0].account, reads[1].account),
        folder=folder,
        run_id=str(record["run_id"]),
    )


def _side(desk: Desk, text: str) -> Side:
    day, path = parse_date(text), Path(text)
    if day is not None:
        if day not in desk.county.exports:
            have = "、".join(export.isoformat() for export in desk.county.exports)
            advice = f"现有各期：{have}；也可以给出文件或文件夹的路径"
            raise UsageError(Finding(text, "县里没有这一期", advice))
        return Side(name=day.isoformat(), day=day)
    if not path.exists():
        advice = "写成县里某一期的日期（年-月-日），或图斑文件、文件夹的路径"
        raise UsageError(Finding(text, "既不是日期，也没有这个文件或文件夹", advice))
    return Side(name=next(_names(path)), path=path)


def _names(path: Path) -> Iterator[str]:
    """Yield names for a delivery, from the shortest to the whole path."""
    parts = path.resolve().parts
    yield file_name(Path(parts[-1]).stem)
    for first in range(len(parts) - 1, -1, -1):
        yield file_name("-".join(parts[first:]))


def _told_apart(old: Side, new: Side) -> tuple[Side, Side]:
    """Return the sides with longer names, the shortest that differ; a date keeps its own."""
    names = [_names(side.path) if side.path else None for side in (old, new)]
    while old.name == new.name:
        old, new = (
            side if longer is None else replace(side, name=next(longer))
            for side, longer in zip((old, new), names, strict=True)
        )
    return old, new


def _read(desk: Desk, both: Sequence[Side]) -> tuple[State, list[_Read]]:
    """Return both sides' plots; raises InputError with the findings of both."""
    from pipeline import storage
    from pipeline.ingest.read import read_delivery

    findings: list[Finding] = []
    state = State.load(desk.state_file)
    try:
        state = ready(desk, [side.day for side in both if side.day])
    except InputError as error:
        findings += error.findings
    reads = []
    for side in both:
        try:
            if side.path:
                result = read_delivery(desk.county, side.path)
                reads.append(_Read(frame=result.frame, account=result.account, delivery=result))
            elif side.day and not findings:
                account = AccountRow(**state.stages[exports.name(side.day)]["account"][0])
                frame = storage.read_frame(desk.export(side.day, "parcels.parquet"))
                reads.append(_Read(frame=frame, account=account))
        except InputError as error:
            findings += error.findings
    if findings:
        raise InputError(findings)
    return state, reads


def _record(
    desk: Desk, state: State, both: Sequence[Side], reads: Sequence[_Read]
) -> dict[str, object]:
    """Return the manifest: what was compared, from which files, by which code."""
    record: dict[str, object] = {"version": __version__, "county": survey.params(desk)}
    for place, side, read in zip(ORDER, both, reads, strict=True):
        record[place] = {
            "name": side.name,
            "files": _hashes(desk, state, side),
            "read_plots": read.account.read_plots,
            "accepted_plots": read.account.accepted_plots,
            "rejected_plots": read.account.rejected_plots,
        }
    code = state.contents.of_all(code_files(ROOMS), base=PACKAGE)
    return record | {"run_id": key_of({"code": code, **record})}


def _hashes(desk: Desk, state: State, side: Side) -> dict[str, str]:
    """Return the sha256 of every file of a side, named from its folder."""
    if side.path is None:
        files = source_files(desk.county, side.day) if side.day else ()
        base = desk.county.root
    else:
        files = delivered_files(side.path)
        base = side.path.parent if files == (side.path,) else side.path
    return state.contents.of_all(members(files, desk.county.root), base=base)


def _write(
    folder: Path, found: Comparison, reads: Sequence[_Read], record: dict[str, object]
) -> None:
    """Write all products, or none."""
    from pipeline import storage
    from pipeline.compare import csv_tables

    with replacing_folder(folder, _earlier(folder)) as fresh:
        for name, table in csv_tables(found).items():
            numbers = [c for c in table.columns if str(c).endswith(("_m2", "_mu"))]
            storage.write_table(fresh / name, storage.guarded(table, numbers))
        storage.write_gpkg(fresh / "changes.gpkg", found.layers)
        for place, read in zip(ORDER, reads, strict=True):
            if read.delivery is not None:
                storage.write_table(fresh / f"{place}问题.csv", read.delivery.problems)
                storage.write_gpkg(fresh / f"{place}剔除.gpkg", {"rejects": read.delivery.rejects})
        products = {file.name: storage.sha256(file) for file in sorted(fresh.iterdir())}
        storage.write_json(fresh / MANIFEST, record | {"products": products})


def _earlier(folder: Path) -> set[str]:
    """Return the products of an earlier comparison of the same sides, by its manifest."""
    from pipeline import storage

    manifest = folder / MANIFEST
    if not manifest.is_file():
        return set()
    return {MANIFEST, *storage.read_json(manifest).get("products", {})}

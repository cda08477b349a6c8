"""Reading what stands behind a figure from the products of the last run: needed columns only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding, OutputError, UsageError
from pipeline.freshness import PACKAGE, State
from pipeline.stages.judging import pack_files
from pipeline.stages.publishing import SHORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from pipeline.explain import Asked, Case, Provenance, Trace
    from pipeline.stages.desk import Desk

AGAIN = "请先运行 gengbao all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A traced figure, its plots with their sources, and the run that made the products."""

    found: Trace
    table: pd.DataFrame
    provenance: Provenance


def ask(desk: Desk, words: Sequence[str], measure: str | None) -> Asked:
    """Return what the words mean. Raises UsageError, OutputError where there is no summary.csv."""
    from pipeline import explain, storage
    from pipeline.tables.figures import load_figures, load_indicator_figures, load_measures

    file = desk.processed / "summary.csv"
    there([file])
    summary = storage.read_table(file)
    return explain.ask(
        words,
        measure,
        known=explain.places(
            desk.county,
            summary["level"],
            undecided=bool((summary["town"] == explain.UNDECIDED).any()),
        ),
        figures=(*load_figures(), *load_indicator_figures()),
        measures=load_measures(),
    )


def trace_figure(desk: Desk, asked: Asked, day: date) -> Traced:
    """Trace a figure at an export.

    Raises UsageError for a measure the figure hasn't, OutputError where a product is missing,
    GengbaoError where plots don't add up to a product.
    """
    from pipeline import explain, storage, tables

    case, used = _case(desk, asked, day)
    found = explain.trace(case)
    classes = tables.classes()
    origins = {
        text: desk.processed / "exports" / text / "parcels.parquet"
        for text in sorted(set(found.listed["first_seen"]) | {day.isoformat()})
    }
    used += list(origins.values())
    there(origins.values())
    later = bool((found.listed["first_seen"] < day.isoformat()).any())
    if later:
        used.append(desk.export(day, "pieces.parquet"))
    supplement = desk.zone("supplement", day) if "supplement" in desk.delivered(day) else None
    provenance = provenance_of(desk, used)
    sources = {text: storage.read_columns(file, explain.SOURCE) for text, file in origins.items()}
    table = explain.plot_table(found, sources, classes, provenance)
    if later:
        table = table.merge(_now(desk, found, sources[day.isoformat()]), on="task_id", how="left")
    moved = table.loc[table["category"].isin(explain.MOVED_OUT), "bsm"]
    if supplement is not None and len(moved):
        named = explain.supplements_of(list(moved), storage.read_frame(supplement), day)
        table = table.merge(named, on="bsm", how="left")
    return Traced(found=found, table=table, provenance=provenance)


def _case(desk: Desk, asked: Asked, day: date) -> tuple[Case, list[Path]]:
    """Return the question with what answers it, and the files that were read."""
    from pipeline import explain, storage, tables

    classes = tables.classes()
    gap = explain.GAP in asked.figure.kinds
    names = ("summary", "gaps", "reconcile", "progress", "waterfall", "waterfall_tasks")
    files = {name: desk.processed / f"{name}.csv" for name in names}
    days = [d for d in desk.judged if d <= day] if gap else [day]
    ledgers = {d: desk.export(d, "ledger.parquet") for d in days}
    used = [*files.values(), *ledgers.values()]
    pieces_file = desk.export(day, "pieces.parquet")
    others = {c.name for c in classes if not c.task} & set(asked.figure.parts)
    used += [pieces_file] if others else []
    there(used)
    only = {"category": asked.figure.parts}
    pieces = storage.read_columns(pieces_file, explain.PIECES, only={"category": others or {""}})
    rows = {
        d: explain.stand_behind(
            asked, ledger=storage.read_columns(file, explain.LEDGER, only=only), pieces=pieces,
            classes=classes, export=d,
        )
        for d, file in ledgers.items()
    }  # fmt: skip
    case = explain.Case(
        asked=asked,
        export=day,
        rows=rows.pop(day),
        products=explain.Products(**{n: storage.read_table(file) for n, file in files.items()}),
        county=desk.county,
        earlier=rows,
    )
    return case, used


def _now(desk: Desk, found: Trace, sources: pd.DataFrame) -> pd.DataFrame:
    """Return this export's plots on the ground of the listed tasks that are older than it."""
    from pipeline import explain, storage

    day = found.case.export
    older = found.listed[found.listed["first_seen"] < day.isoformat()]
    tasks = storage.read_frame(desk.export(day, "ledger.parquet"), ["task_id", "geometry"])
    tasks = tasks[tasks["task_id"].isin(older["task_id"])].reset_index(drop=True)
    columns = ["bsm", "dlbm", "cultivated", "geometry"]
    near = tasks.bounds.to_numpy()
    pieces = storage.read_frame(desk.export(day, "pieces.parquet"), columns, near=near)
    return explain.now_on(tasks, pieces, sources.drop(columns="tbbh"))


def write(
    desk: Desk,
    table: pd.DataFrame,
    shapes: Callable[[], gpd.GeoDataFrame],
    *,
    csv: Path | None,
    gpkg: Path | None,
) -> None:
    """Write the plots where the user wants them; both paths are judged before either is written.

    shapes: gives the table with outlines. Raises UsageError for a path in data/raw or among the
    products, OutputError as storage does.
    """
    from pipeline import storage

    findings = [
        finding
        for option, path, ends in (("--csv", csv, ".csv"), ("--gpkg", gpkg, ".gpkg"))
        if path is not None
        for finding in _misplaced(desk, option, path, ends)
    ]
    if findings:
        raise UsageError(findings)
    if csv is not None:
        storage.write_table(csv, storage.guarded(table))
    if gpkg is not None:
        storage.write_gpkg(gpkg, {"trace": shapes()})


def there(files: Iterable[Path]) -> None:
    """Raise OutputError naming every product that is missing."""
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise OutputError(Finding(str(file), "没有这个成果", AGAIN) for file in missing)


def _misplaced(desk: Desk, option: str, path: Path, ends: str) -> Iterable[Finding]:
    whole = path.resolve()
    for folder, why in (
        (desk.county.root, "县里交来的数据只读不写"),
        (desk.processed, "成果文件夹由程序管理"),
        (desk.maps, "成果文件夹由程序管理"),
    ):
        if whole.is_relative_to(folder.resolve()):
            yield Finding(option, f"{path} 在 {folder} 之内", f"{why}，换一个地方")
    if path.suffix.lower() != ends:
        yield Finding(option, f"{path} 不以 {ends} 结尾", f"写成 {path.with_suffix(ends).name}")


def provenance_of(desk: Desk, used: Iterable[Path]) -> Provenance:
    """Return the run_id of the manifest, and which files aren't those it lists."""
    from pipeline import explain, storage, tables

    pack = tables.load_pack(desk.county.rules, desk.county.root)
    manifest = desk.processed / "manifest.json"
    if not manifest.is_file():
        return explain.Provenance(run_id=None, pack=pack.name, version=pack.version)
    document = storage.read_json(manifest)
    contents = State.load(desk.state_file).contents
    listed = document.get("outputs", {}) | document.get("rules", {})
    now = contents.of_all(used, base=desk.out) | contents.of_all(pack_files(desk), base=PACKAGE)
    changed = tuple(os.path.basename(k) for k, v in now.items() if listed.get(k) != v)  # noqa: PTH119 - names, not files
    return explain.Provenance(
        run_id=str(document.get("run_id", ""))[:SHORT] or None,
        pack=pack.name,
        version=pack.version,
        changed=changed,
    )


def shapes(desk: Desk, traced: Traced) -> gpd.GeoDataFrame:
    """Return the table with the outline of every task, or of a plot's pieces of the category."""
    import geopandas as gpd
    import pandas as pd

    from pipeline import overlay, storage

    table, day = traced.table, traced.found.case.export
    keys = ["bsm", "category"]
    ledger = storage.read_frame(desk.export(day, "ledger.parquet"), ["task_id", "geometry"])
    outline = pd.Series(ledger.geometry.to_numpy(), index=ledger["task_id"])
    shape = table["task_id"].map(outline).to_numpy(dtype=object, copy=True)
    plain = table["task_id"].isna().to_numpy()
    if plain.any():
        only = {"bsm": set(table.loc[plain, "bsm"])}
        pieces = storage.read_frame(
            desk.export(day, "pieces.parquet"), [*keys, "geometry"], only=only
        )
        own = table.loc[plain, keys].reset_index(names="at").merge(pieces, on=keys)
        at, union = overlay.union_by(own["geometry"].to_numpy(), own["at"].to_numpy())
        shape[at] = union
    return gpd.GeoDataFrame(table, geometry=shape, crs=desk.county.crs)

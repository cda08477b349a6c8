"""Reading what stands behind one of the five indicators from the products of the last run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding, UsageError
from pipeline.stages import tracing

if TYPE_CHECKING:
    from datetime import date

    import geopandas as gpd
    import pandas as pd

    from pipeline.explain import Appraisal, Asked, Provenance
    from pipeline.stages.desk import Desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """An indicator with what is behind it, pieces and tasks with their sources, and the run."""

    found: Appraisal
    table: pd.DataFrame
    provenance: Provenance


def appraise(desk: Desk, asked: Asked, day: date) -> Traced:
    """Trace an indicator at the newest export.

    Raises UsageError for another export or a place that has no such term, OutputError where a
    product is missing, GengbaoError where pieces, tasks and targets don't give a product's number.
    """
    from pipeline import explain, storage, tables
    from pipeline.aggregate import members

    newest = desk.county.newest
    if day != newest:
        found = f"五项指标只算最新一期（{newest}），没有 {day} 的"
        raise UsageError(Finding("--export", found, f"去掉 --export，或写 {newest}"))
    explain.check_place(asked)
    products = [desk.processed / f"{name}.csv" for name in ("indicators", "indicator_terms")]
    frames = [desk.export(day, f"{name}.parquet") for name in ("pieces", "parcels", "ledger")]
    tracing.there([*products, *frames])
    pieces, parcels = (storage.read_columns(file) for file in frames[:2])
    ledger = storage.read_columns(frames[2], explain.LEDGER)
    question = explain.Appraised(
        asked=asked,
        export=day,
        indicators=storage.read_table(products[0]),
        terms=storage.read_table(products[1]),
        members=members(pieces, parcels),
        tasks=explain.task_rows(ledger, explain.tabled_categories(asked)),
        county=desk.county,
        scheme=bool(pieces["scheme_known"].any()),
    )
    done = explain.appraise(question)
    first_seen = set(question.tasks["first_seen"]) | {day.isoformat()}
    origins = {
        text: desk.processed / "exports" / text / "parcels.parquet" for text in sorted(first_seen)
    }
    tracing.there(origins.values())
    provenance = tracing.provenance_of(desk, [*products, *frames, *origins.values()])
    sources = {text: storage.read_columns(file, explain.SOURCE) for text, file in origins.items()}
    table = explain.piece_table(done, pieces, sources, tables.classes(), provenance)
    return Traced(found=done, table=table, provenance=provenance)


def shapes(desk: Desk, traced: Traced) -> gpd.GeoDataFrame:
    """Return the table with the outline of every piece and task."""
    import geopandas as gpd
    import pandas as pd

    from pipeline import storage

    table, day = traced.table, traced.found.question.export
    names, only = ["bsm", "piece", "geometry"], {"bsm": set(table["bsm"].dropna())}
    pieces = storage.read_frame(desk.export(day, "pieces.parquet"), names, only=only)
    ledger = storage.read_frame(desk.export(day, "ledger.parquet"), ["task_id", "geometry"])
    keys = pd.MultiIndex.from_frame(pieces[["bsm", "piece"]])
    wanted = pd.MultiIndex.from_frame(table[["bsm", "piece"]].fillna({"piece": 0}))
    of_piece = pd.Series(pieces.geometry.to_numpy(), index=keys).reindex(wanted)
    of_task = pd.Series(ledger.geometry.to_numpy(), index=ledger["task_id"])
    outline = table["task_id"].map(of_task)
    outline = outline.where(table["task_id"].notna(), of_piece.to_numpy())
    return gpd.GeoDataFrame(table, geometry=outline.to_numpy(), crs=desk.county.crs)

"""Stages that say how the county stands: the five indicators of the newest export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stages.desk import Desk, Job, Outcome, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.freshness import State


def jobs(desk: Desk) -> Iterator[Job]:
    """Yield the indicators."""
    yield _indicators_job(desk)


def _indicators_job(desk: Desk) -> Job:
    """Return the job that holds the newest export against the five indicators."""
    county, newest = desk.county, desk.county.newest
    pieces_file, parcels_file = (
        desk.export(newest, name) for name in ("pieces.parquet", "parcels.parquet")
    )
    summary_file = desk.processed / "summary.csv"
    products = [desk.processed / name for name in ("indicators.csv", "indicator_terms.csv")]

    def compute(_state: State) -> Outcome:
        from pipeline import aggregate, storage

        grounds = storage.beside(
            storage.whole(storage.read_blocks(pieces_file, aggregate.PIECES)),
            storage.read_blocks(parcels_file, aggregate.PLOTS),
        )
        summary = storage.read_table(summary_file)
        found = aggregate.assess(aggregate.measured(grounds), summary, county=county)

        def write() -> list[Path]:
            storage.write_table(products[0], found.indicators)
            storage.write_table(products[1], found.terms)
            return products

        overall = found.indicators.drop_duplicates("number")
        pairs = zip(overall["name"], overall["overall"], strict=True)
        said = " ".join(f"{name}={verdict}" for name, verdict in pairs)
        verdicts = found.indicators.set_index("indicator")["verdict"].to_dict()
        return Outcome(write=write, said=said, facts={"verdicts": verdicts})

    return Job(
        name="指标",
        stage="aggregate",
        rooms=("aggregate",),
        inputs=(pieces_file, parcels_file, summary_file),
        makes=tuple(products),
        params={"county": settings(desk)},
        compute=compute,
    )

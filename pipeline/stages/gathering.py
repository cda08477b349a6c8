"""Evidence town by town: what one town's plots read, and nothing else, decides its part.

An export's plots, last year's and the zones are one file each; a change anywhere in them is a
change of the file. So each town gets a docket, the hash of the very rows that its part is made
from. The part is as fresh as its docket; all parts joined are the export's evidence.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.stages.accounts import TALLIED, passed, tally
from pipeline.stages.desk import Desk, Job, Outcome
from pipeline.stages.grounds import (
    COVERS,
    PLOTS,
    PREVIOUS,
    Grounds,
    Sources,
    digests,
    parts_of,
    plots_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.freshness import State
    from pipeline.storage import Register

    Ints = NDArray[np.int64]

ROOMS = ("overlay", "evidence")
PARTS = "parts"
REACHING = ("pbf", "relocation", "self_submitted", "supplement")
"""Roles by which what lies in one town decides about a plot in another."""


def jobs(desk: Desk, day: date) -> Iterator[Job]:
    """Yield the dockets of an export, its parts, and the evidence they make together."""
    sources = Sources(desk, day)
    yield _docket_job(sources)
    for code, name in parts_of(desk.county).items():
        yield _part_job(sources, code, name)
    yield _joining_job(sources)


def _file(sources: Sources, code: str, ending: str) -> Path:
    return sources.desk.export(sources.day, PARTS) / f"{code}.{ending}"


def _docket_job(sources: Sources) -> Job:
    """Return the job that hashes what each town's plots read, and tells of lists that miss all."""
    desk, day = sources.desk, sources.day
    notes = desk.export(day, "list_problems.csv")
    dockets = {code: _file(sources, code, "json") for code in parts_of(desk.county)}
    zones = sources.zones
    lists = {role: file for role, file in zones.items() if role not in COVERS}

    def compute(_state: State) -> Outcome:
        from pipeline import evidence, storage

        read = {role: storage.read_frame(file) for role, file in lists.items()}
        named = {bsm for rows in read.values() for bsm in evidence.named(rows)}
        files = (sources.parcels, sources.previous, sources.opened)
        problems = evidence.list_problems(read, _known(files, named))
        keys = digests(sources, dockets)

        def write() -> list[Path]:
            for code, file in dockets.items():
                storage.write_json(file, {"town": code, "rows": keys[code]})
            storage.write_table(notes, problems)
            return [*dockets.values(), notes]

        return Outcome(write=write, said=f"镇办={len(dockets) - 1} 名单提示={len(problems)}")

    return Job(
        name=f"分镇 {day.isoformat()}",
        stage="classify",
        rooms=ROOMS,
        inputs=(sources.parcels, sources.previous, sources.opened, *zones.values()),
        makes=(*dockets.values(), notes),
        params={"crs": desk.county.crs, "ledger": desk.county.ledger},
        compute=compute,
    )


def _part_job(sources: Sources, code: str, name: str) -> Job:
    """Return the job that gathers what the rules may ask of one town's plots, piece by piece.

    It reads the export's files; what decides its result is in the docket.
    """
    desk, day, product = sources.desk, sources.day, _file(sources, code, "parquet")
    county = desk.county

    def compute(_state: State) -> Outcome:
        from pipeline import storage

        plots = plots_of(sources, code)
        laid = storage.Laid.lay(_gathered(sources, plots))
        pieces = laid.select(_order(laid.columns))

        def write() -> list[Path]:
            storage.write_shelved(product, pieces.columns, pieces.shapes, pieces.boxes, pieces.crs)
            return [product]

        return Outcome(write=write, said=f"图斑={len(plots)} 图块={len(pieces.columns)}")

    return Job(
        name=f"取证 {day.isoformat()} {name}",
        stage="classify",
        rooms=ROOMS,
        inputs=(_file(sources, code, "json"),),
        makes=(product,),
        params={"thresholds": asdict(county.thresholds), "crs": county.crs, "mode": county.mode},
        compute=compute,
    )


def _joining_job(sources: Sources) -> Job:
    """Return the job that joins the parts and judges the supplements, which reach across towns."""
    desk, day = sources.desk, sources.day
    county, product = desk.county, desk.export(day, "evidence.parquet")
    parts = [_file(sources, code, "parquet") for code in parts_of(county)]
    zones = {role: file for role, file in sources.zones.items() if role in REACHING}

    def compute(_state: State) -> Outcome:
        from pipeline import evidence, storage

        filled = [file for file in parts if len(storage.Lying(file))]
        columns = storage.Register.lay(chain.from_iterable(map(storage.read_blocks, filled)))
        order = _order(columns)
        lists = sources.lists(REACHING)
        made_good = _made_good(sources, filled, order, lists)
        names = [name for name in evidence.COLUMNS if name != "geometry"]
        columns = columns.select(order).assign(made_good).only(names)
        came = tally(storage.read_blocks(sources.parcels, TALLIED))
        row = passed("evidence", day, came, tally(rows for _, rows in columns.blocks(TALLIED)))

        def write() -> list[Path]:
            storage.write_onto(product, columns, storage.read_shapes(filled), order)
            return [product]

        said = f"图斑={row.read_plots} 图块={len(columns)}"
        return Outcome(write=write, said=said, account=[row])

    return Job(
        name=f"取证 {day.isoformat()}",
        stage="classify",
        rooms=ROOMS,
        inputs=(*parts, sources.parcels, sources.opened, *zones.values()),
        makes=(product,),
        params={"thresholds": asdict(county.thresholds), "crs": county.crs},
        compute=compute,
    )


def _known(files: Iterable[Path], bsm: set[str]) -> pd.Series:
    """Return those of these BSMs that a plot of one of the files has."""
    import pandas as pd

    from pipeline import storage

    lying = [storage.Lying(file) for file in files]
    found = [each.rows(each.holding({"bsm": bsm}), ["bsm"]) for each in lying]
    return pd.Series(pd.concat([rows.table["bsm"].to_pandas() for rows in found]))


def _gathered(sources: Sources, plots: Ints) -> Iterator[gpd.GeoDataFrame]:
    """Yield the pieces of plots with what the rules may ask of them, block by block.

    Of no plots, a frame of none.
    """
    from pipeline import evidence, storage, tables

    grounds = Grounds(sources).blocks(plots)
    piles = {
        name: storage.Lying(file).piles([ground.rows[name] for ground in grounds], columns)
        for name, (file, columns) in sources.read.items()
    }
    codes = tables.land_codes()

    def gathered(number: int, lists: Mapping[str, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
        rows = {name: pile.frame(number) for name, pile in piles.items()}
        parcels, previous = rows.pop(PLOTS), rows.pop(PREVIOUS)
        if parcels.empty:
            return parcels
        return evidence.gather_part(
            parcels,
            zones={**rows, **lists},
            previous=previous,
            county=sources.desk.county,
            export=sources.day,
            codes=codes,
        )

    for number, ground in enumerate(grounds):
        yield gathered(number, ground.lists)


def _order(columns: Register) -> Ints:
    """Return the order of pieces by BSM; those of one plot as they are."""
    return columns["bsm"].sort_values(kind="stable").index.to_numpy()


def _made_good(
    sources: Sources, parts: Sequence[Path], order: Ints, lists: Mapping[str, gpd.GeoDataFrame]
) -> pd.DataFrame:
    """Judge the supplements of the parts' pieces in this order; only those in reach are read."""
    import numpy as np
    import pandas as pd

    from pipeline import evidence, storage

    lying = [storage.Lying(file) for file in parts]
    chosen = [each.holding({"bsm": evidence.reach(lists).bsm}) for each in lying]
    named = [
        each.rows(rows, ["geometry"]).frame() for each, rows in zip(lying, chosen, strict=True)
    ]
    boxes = evidence.reach(lists, pd.concat(named)).boxes
    places = storage.Places(boxes)
    chosen = [rows | places.near(each.boxes()) for each, rows in zip(lying, chosen, strict=True)]
    known = [
        each.rows(rows, evidence.SUPPLEMENTED).frame()
        for each, rows in zip(lying, chosen, strict=True)
    ]
    place = np.argsort(order)[np.concatenate(chosen)]
    sort = np.argsort(place)
    pieces = pd.concat(known, ignore_index=True).iloc[sort].reset_index(drop=True)
    covers = {role: storage.read_frame(sources.zones[role], near=boxes) for role in COVERS[:1]}
    county = sources.desk.county
    found = evidence.make_good(
        pieces, {**covers, **lists}, export=sources.day, least=county.thresholds.mask_share
    )
    columns = {name: np.zeros(len(order), values.dtype) for name, values in found.items()}
    for name, values in found.items():
        columns[name][place[sort]] = values
    return pd.DataFrame(columns)

"""Evidence town by town: what one town's plots read, and nothing else, decides its part.

An export's plots, last year's and the zones are one file each; a change anywhere in them is a
change of the file. So each town gets a docket, the hash of the very rows that its part is made
from. The part is as fresh as its docket; all parts joined are the export's evidence.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.stages.accounts import account
from pipeline.stages.desk import Desk, Job, Outcome
from pipeline.stages.grounds import COVERS, Sources, ground_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.freshness import State

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
        import pandas as pd

        from pipeline import evidence, storage

        files = (sources.parcels, sources.previous, sources.opened)
        known = pd.concat([storage.read_columns(file, ["bsm"])["bsm"] for file in files])
        read = {role: storage.read_frame(file) for role, file in lists.items()}
        problems = evidence.list_problems(read, known)
        followed = sources.lists()
        keys = {code: ground_of(sources, code, followed).digest() for code in dockets}

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
        from pipeline import evidence, storage, tables

        ground = ground_of(sources, code, sources.lists())
        parcels, previous = ground.parcels.frame(), ground.previous.frame()
        covers = {role: rows.frame() for role, rows in ground.covers.items()}
        zones = {**covers, **ground.lists}
        del ground  # undecoded it has served
        pieces = parcels.iloc[:0]
        if len(parcels):
            pieces = evidence.gather_part(
                parcels,
                zones=zones,
                previous=previous,
                county=county,
                export=day,
                codes=tables.land_codes(),
            )

        def write() -> list[Path]:
            storage.write_frame(product, pieces, bbox=True)
            return [product]

        return Outcome(write=write, said=f"图斑={len(parcels)} 图块={len(pieces)}")

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

        filled = [file for file in parts if len(storage.read_columns(file, ["bsm"]))]
        columns = storage.read_joined(filled)
        order = columns["bsm"].sort_values(kind="stable").index.to_numpy()
        columns = columns.iloc[order].reset_index(drop=True)
        lists = sources.lists(REACHING)
        known, boxes = _in_reach(filled, lists)
        covers = {role: storage.read_frame(zones[role], near=boxes) for role in COVERS[:1]}
        pieces = _with_ground(columns, known)
        made_good = evidence.make_good(
            pieces, {**covers, **lists}, export=day, least=county.thresholds.mask_share
        )
        names = [name for name in evidence.COLUMNS if name != "geometry"]
        columns = columns.assign(**made_good)[names]
        parcels = storage.read_columns(sources.parcels, ["bsm", "base_m2"])
        row = account("evidence", day, parcels, columns)

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


def _in_reach(
    parts: Sequence[Path], lists: Mapping[str, gpd.GeoDataFrame]
) -> tuple[gpd.GeoDataFrame, NDArray[np.float64]]:
    """Return the pieces whose ground supplements may ask for, and the boxes they lie near."""
    import pandas as pd

    from pipeline import evidence, storage

    keys = ["bsm", "piece", "geometry"]
    only = {"bsm": evidence.reach(lists).bsm or {""}}
    named = pd.concat([storage.read_frame(file, keys, only=only) for file in parts])
    boxes = evidence.reach(lists, named).boxes
    around = [storage.read_frame(file, keys, near=boxes) for file in parts]
    return pd.concat([named, *around]).drop_duplicates(["bsm", "piece"]), boxes


def _with_ground(columns: pd.DataFrame, known: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the pieces with the shapes that are known, the others without."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd

    keys = ["bsm", "piece"]
    at = pd.MultiIndex.from_frame(known[keys]).get_indexer(pd.MultiIndex.from_frame(columns[keys]))
    shapes = np.full(len(columns), None, dtype=object)
    shapes[at >= 0] = known.geometry.to_numpy()[at[at >= 0]]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=known.crs)

"""Evidence town by town: what one town's plots read, and nothing else, decides its part.

An export's plots, last year's and the zones are one file each; a change anywhere in them is a
change of the file. So each town gets a docket, the hash of the very rows that its part is made
from. The part is as fresh as its docket; all parts joined are the export's evidence.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pipeline.freshness import key_of
from pipeline.stages.accounts import account
from pipeline.stages.desk import Desk, Job, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.freshness import State
    from pipeline.model import County
    from pipeline.storage import Rows

ROOMS = ("overlay", "evidence")
PARTS = "parts"
OTHER = "other"
"""The part of the plots without a town."""
COVERS = ("pbf", "target")
"""Zones that cut plots: of them only the shapes count."""
REACHING = ("pbf", "relocation", "self_submitted", "supplement")
"""Roles by which what lies in one town decides about a plot in another."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files that an export's evidence is gathered from."""

    desk: Desk
    day: date

    @property
    def parcels(self) -> Path:
        """The export's plots."""
        return self.desk.export(self.day, "parcels.parquet")

    @property
    def previous(self) -> Path:
        """Last year's plots."""
        return self.desk.export(self.desk.county.previous, "parcels.parquet")

    @property
    def opened(self) -> Path:
        """The plots the ledger was opened on, which lists by BSM follow."""
        return self.desk.export(self.desk.county.ledger, "parcels.parquet")

    @property
    def zones(self) -> dict[str, Path]:
        """The roles known at the export, towns apart."""
        roles = (role for role in self.desk.delivered(self.day) if role != "towns")
        return {role: self.desk.zone(role, self.day) for role in roles}

    def lists(self, only: Collection[str] | None = None) -> dict[str, gpd.GeoDataFrame]:
        """Return the lists and masks (or some of them), following the plots they name."""
        from pipeline import evidence, storage

        files = {
            r: f for r, f in self.zones.items() if r not in COVERS and r in (only or self.zones)
        }
        lists = {role: storage.read_frame(file) for role, file in files.items()}
        if self.day == self.desk.county.ledger:
            return lists
        named = {bsm for frame in lists.values() for bsm in evidence.named(frame)}
        columns = ["bsm", "geometry"]
        opened = storage.read_frame(self.opened, columns, only={"bsm": named or {""}})
        return evidence.follow_lists(lists, opened)


def jobs(desk: Desk, day: date) -> Iterator[Job]:
    """Yield the dockets of an export, its parts, and the evidence they make together."""
    sources = Sources(desk, day)
    yield _docket_job(sources)
    for code, name in _towns(desk.county).items():
        yield _part_job(sources, code, name)
    yield _joining_job(sources)


def _towns(county: County) -> dict[str, str]:
    """Return the names of the parts by their codes."""
    return {town.code: town.name for town in county.towns} | {OTHER: "未定镇办"}


def _file(sources: Sources, code: str, ending: str) -> Path:
    return sources.desk.export(sources.day, PARTS) / f"{code}.{ending}"


def _docket_job(sources: Sources) -> Job:
    """Return the job that hashes what each town's plots read, and tells of lists that miss all."""
    desk, day = sources.desk, sources.day
    notes = desk.export(day, "list_problems.csv")
    dockets = {code: _file(sources, code, "json") for code in _towns(desk.county)}
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
        keys = {code: _ground(sources, code, followed).digest() for code in dockets}

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

        ground = _ground(sources, code, sources.lists())
        parcels = ground.parcels.frame()
        covers = {role: rows.frame() for role, rows in ground.covers.items()}
        pieces = parcels.iloc[:0]
        if len(parcels):
            pieces = evidence.gather_part(
                parcels,
                zones={**covers, **ground.lists},
                previous=ground.previous.frame(),
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
    parts = [_file(sources, code, "parquet") for code in _towns(county)]
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


@dataclass(frozen=True, slots=True)
class _Ground:
    """The rows that decide a town's part: undecoded, but for the lists, of which there are few."""

    parcels: Rows
    previous: Rows
    covers: Mapping[str, Rows]
    lists: Mapping[str, gpd.GeoDataFrame]

    def digest(self) -> str:
        """Return their hash."""
        covers = {role: rows.digest() for role, rows in self.covers.items()}
        lists = {role: _list_digest(rows) for role, rows in self.lists.items()}
        own = {"parcels": self.parcels.digest(), "previous": self.previous.digest()}
        return key_of(own | {"covers": covers, "lists": lists})


def _ground(sources: Sources, code: str, lists: Mapping[str, gpd.GeoDataFrame]) -> _Ground:
    """Return the rows of a town's part: its plots, and what comes near them or names them."""
    from pipeline import evidence, storage

    town = _town_rows(sources, code)
    parcels = storage.Lying(sources.parcels)
    own = parcels.rows(town, evidence.PLOTS)
    places = storage.Places(parcels.boxes()[town])

    def met(file: Path, columns: tuple[str, ...]) -> Rows:
        lying = storage.Lying(file)
        return lying.rows(places.near(lying.boxes()), columns)

    bsm = own.table["bsm"].to_pandas()
    return _Ground(
        parcels=own,
        previous=met(sources.previous, evidence.PREVIOUS),
        covers={
            role: met(sources.zones[role], ("geometry",))
            for role in COVERS
            if role in sources.zones
        },
        lists={
            role: evidence.concerning(frame, bsm, places.near(frame.bounds.to_numpy()))
            for role, frame in lists.items()
            if role != "supplement"
        },
    )


def _list_digest(rows: gpd.GeoDataFrame) -> str:
    """Return the hash of what a list says; where it stands in its file has no say."""
    columns = rows.columns.difference(["source_file", "source_row", "geometry"])
    said = rows[columns].to_csv(index=False) + "".join(map(str, rows.geometry.to_wkb(hex=True)))
    return hashlib.sha256(said.encode()).hexdigest()


def _town_rows(sources: Sources, code: str) -> NDArray[np.bool_]:
    """Return which plots are of the part."""
    import pandas as pd

    from pipeline import storage

    town = pd.Series(storage.Lying(sources.parcels).values("town_code"), dtype=object)
    codes = [one.code for one in sources.desk.county.towns]
    return (~town.isin(codes) if code == OTHER else town.eq(code)).to_numpy(dtype=bool)

"""What an export's evidence is gathered from: its files, and of them the rows of each town."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.freshness import key_of, marks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from pathlib import Path

    import geopandas as gpd
    import numpy as np
    from numpy.typing import NDArray

    from pipeline.model import County
    from pipeline.stages.desk import Desk
    from pipeline.storage import Rows

OTHER = "other"
"""The part of the plots without a town."""
COVERS = ("pbf", "target")
"""Zones that cut plots: of them only the shapes count."""


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
        files = {
            r: f for r, f in self.zones.items() if r not in COVERS and r in (only or self.zones)
        }
        opened = None if self.day == self.desk.county.ledger else self.opened
        now = tuple(marks(file) for file in (*files.values(), self.opened))
        return dict(_lists(tuple(files.items()), opened, now))


@lru_cache(maxsize=2)
def _lists(
    files: tuple[tuple[str, Path], ...], opened: Path | None, _marks: tuple[tuple[int, ...], ...]
) -> dict[str, gpd.GeoDataFrame]:
    """Read lists, following plots to where they lay; kept for the next town of this process."""
    from pipeline import evidence, storage

    lists = {role: storage.read_frame(file) for role, file in files}
    if opened is None:
        return lists
    named = {bsm for frame in lists.values() for bsm in evidence.named(frame)}
    columns = ["bsm", "geometry"]
    plots = storage.read_frame(opened, columns, only={"bsm": named or {""}})
    return evidence.follow_lists(lists, plots)


def parts_of(county: County) -> dict[str, str]:
    """Return the names of the parts by their codes."""
    return {town.code: town.name for town in county.towns} | {OTHER: "未定镇办"}


@dataclass(frozen=True, slots=True)
class Ground:
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


def ground_of(sources: Sources, code: str, lists: Mapping[str, gpd.GeoDataFrame]) -> Ground:
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
    return Ground(
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
    from pipeline import storage

    plots = storage.Lying(sources.parcels)
    if code == OTHER:
        return ~plots.holding({"town_code": [one.code for one in sources.desk.county.towns]})
    return plots.holding({"town_code": [code]})

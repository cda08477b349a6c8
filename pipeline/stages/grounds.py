"""What an export's evidence is gathered from: its files, and of them the rows of some plots."""

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

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

OTHER = "other"
"""The part of the plots without a town."""
COVERS = ("pbf", "target")
"""Zones that cut plots: of them only the shapes count."""
PLOTS, PREVIOUS = "parcels", "previous"
BLOCK_PLOTS = 16_384
"""Plots of a town that are looked at together, at most."""


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
    def read(self) -> dict[str, tuple[Path, tuple[str, ...]]]:
        """The files of plots and covers by name, and the columns that are read of them."""
        from pipeline import evidence

        covers = {role: self.zones[role] for role in COVERS if role in self.zones}
        return {
            PLOTS: (self.parcels, evidence.PLOTS),
            PREVIOUS: (self.previous, evidence.PREVIOUS),
            **{role: (file, ("geometry",)) for role, file in covers.items()},
        }

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
    """Plots, and what decides their evidence: all that comes near them, and what names them.

    rows: by name (`Sources.read`) the numbers of rows in the file; lists: of each role.
    """

    rows: Mapping[str, Ints]
    lists: Mapping[str, gpd.GeoDataFrame]


class Grounds:
    """Where the rows of an export's files lie, and which of them plots read."""

    def __init__(self, sources: Sources) -> None:
        """Read the boxes of all rows, and the lists."""
        import numpy as np

        from pipeline import evidence, storage

        lists = {role: rows for role, rows in sources.lists().items() if role != "supplement"}
        self._lists = {role: (rows, rows.bounds.to_numpy()) for role, rows in lists.items()}
        self._boxes = {
            name: storage.Lying(file).boxes() for name, (file, _) in sources.read.items()
        }
        plots = storage.Lying(sources.parcels)
        named = {bsm for rows in lists.values() for bsm in evidence.named(rows)}
        listed = plots.holding({"bsm": named})
        self._named = np.flatnonzero(listed), plots.rows(listed, ["bsm"]).table["bsm"].to_pandas()

    def of(self, plots: Ints, among: Ground | None = None) -> Ground:
        """Return the ground of plots (numbers of rows, in order), which is among another's."""
        import numpy as np

        from pipeline import evidence, storage

        places = storage.Places(self._boxes[PLOTS][plots])
        met = {PLOTS: plots}
        for name, boxes in self._boxes.items():
            if name != PLOTS:
                rows = among.rows[name] if among else np.arange(len(boxes))
                met[name] = rows[places.near(boxes[rows])]
        number, bsm = self._named
        own = bsm[np.isin(number, plots)]
        lists = {
            role: evidence.concerning(rows, own, places.near(boxes))
            for role, (rows, boxes) in self._lists.items()
        }
        return Ground(met, lists)

    def blocks(self, plots: Ints) -> list[Ground]:
        """Return the ground of plots in blocks, at least one; those of a block lie together."""
        import numpy as np

        from pipeline import overlay

        whole = self.of(plots)
        if len(plots) <= BLOCK_PLOTS:
            return [whole]
        order = overlay.near_one_another(self._boxes[PLOTS][plots])
        blocks = np.array_split(order, -(-len(plots) // BLOCK_PLOTS))
        return [self.of(plots[np.sort(block)], whole) for block in blocks]


def digests(sources: Sources, codes: Collection[str]) -> dict[str, str]:
    """Return the hash of all rows that decide the part of each town."""
    from pipeline import storage

    grounds = Grounds(sources)
    towns = {code: grounds.of(plots_of(sources, code)) for code in codes}
    hashed = {
        name: storage.Lying(file).digests([town.rows[name] for town in towns.values()], columns)
        for name, (file, columns) in sources.read.items()
    }
    return {
        code: key_of(
            {
                "rows": {name: of[number] for name, of in hashed.items()},
                "lists": {role: _list_digest(rows) for role, rows in town.lists.items()},
            }
        )
        for number, (code, town) in enumerate(towns.items())
    }


def _list_digest(rows: gpd.GeoDataFrame) -> str:
    """Return the hash of what a list says; where it stands in its file has no say."""
    columns = rows.columns.difference(["source_file", "source_row", "geometry"])
    said = rows[columns].to_csv(index=False) + "".join(map(str, rows.geometry.to_wkb(hex=True)))
    return hashlib.sha256(said.encode()).hexdigest()


def plots_of(sources: Sources, code: str) -> Ints:
    """Return the numbers of the rows of a part's plots."""
    import numpy as np

    from pipeline import storage

    plots = storage.Lying(sources.parcels)
    if code == OTHER:
        towns = [one.code for one in sources.desk.county.towns]
        return np.flatnonzero(~plots.holding({"town_code": towns}))
    return np.flatnonzero(plots.holding({"town_code": [code]}))

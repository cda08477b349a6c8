"""Rows of our GeoParquet files as they lie: groups nobody asks for aren't read, nor decoded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from pipeline.storage.register import Chunk
from pipeline.storage.shelf import Sheet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

GEOMETRY, BBOX = "geometry", "bbox"
EDGES = ("xmin", "ymin", "xmax", "ymax")


class Rows(NamedTuple):
    """Rows of frames as they lie in our files, shapes undecoded.

    table: their columns, geometry and bbox among them; about: what GeoParquet says of the shapes
    (CRS, kinds, extent).
    """

    table: pa.Table
    about: dict[str, Any]

    def frame(self) -> gpd.GeoDataFrame:
        """Return them decoded, without bbox."""
        names = [name for name in self.table.column_names if name != BBOX]
        shapes = shapely.from_wkb(self.table[GEOMETRY].to_numpy())
        plain = self.table.drop_columns([*({GEOMETRY, BBOX} & set(self.table.column_names))])
        crs = self.about["columns"][GEOMETRY]["crs"]
        return gpd.GeoDataFrame(plain.to_pandas(), geometry=shapes, crs=crs)[names]


@dataclass(frozen=True, slots=True)
class Lying:
    """A frame in its file, of which rows are read as they are asked for, group by group."""

    path: Path

    def __len__(self) -> int:
        """Return the number of rows."""
        return int(pq.read_metadata(self.path).num_rows)

    def boxes(self, chosen: Bools | None = None) -> Floats:
        """Return west, south, east, north of the chosen rows (default: all).

        The file must have its bbox column.
        """
        found = [np.zeros((0, 4))]
        for rows, group in self.groups([BBOX], chosen):
            boxes = group[BBOX].combine_chunks()
            sides = [boxes.field(edge).to_numpy(zero_copy_only=False) for edge in EDGES]
            found.append(np.column_stack(sides)[slice(None) if chosen is None else chosen[rows]])
        return np.concatenate(found)

    def holding(self, only: Mapping[str, Collection[str]]) -> Bools:
        """Return which rows hold, in each of these columns of text, one of the values wanted."""
        chosen = np.ones(len(self), dtype=bool)
        for name, wanted in only.items():
            chosen &= len(wanted) > 0
            values = pa.array(list(wanted), pa.large_string())
            for rows, group in self.groups([name], chosen):
                held = pc.is_in(group[name].cast(pa.large_string()), values)
                chosen[rows] &= held.to_numpy()
        return chosen

    def groups(
        self, columns: Sequence[str] | None, chosen: Bools | None = None
    ) -> Iterator[tuple[slice, pa.Table]]:
        """Yield the groups that hold a chosen row (default: all), and which rows of all they are.

        Not by iter_batches, which holds on to all that it has read.
        """
        with pq.ParquetFile(self.path) as file:
            sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
            for number, (start, end) in enumerate(pairwise(accumulate(sizes, initial=0))):
                rows = slice(start, end)
                if chosen is None or chosen[rows].any():
                    yield rows, file.read_row_group(number, columns)

    def shapes(self, chosen: Bools) -> gpd.GeoSeries:
        """Return the shapes of the chosen rows where they lie, missing ones in all other rows."""
        found = self.rows(chosen, [GEOMETRY]).frame()
        shapes = np.full(len(chosen), None, dtype=object)
        shapes[chosen] = found.geometry
        return gpd.GeoSeries(shapes, crs=found.crs)

    def rows(self, chosen: Bools | None = None, columns: Sequence[str] | None = None) -> Rows:
        """Return the chosen rows (default: all); groups without any are not read."""
        names = list(columns) if columns else None
        none = self._none(names)
        groups = (
            group if chosen is None else group.filter(pa.array(chosen[rows]))
            for rows, group in self.groups(names, chosen)
        )
        return none._replace(table=pa.concat_tables([none.table, *groups]))

    def piles(self, piles: Sequence[Ints], columns: Sequence[str]) -> Piles:
        """Lay out rows (numbers, in order) of each pile on disk; a row may be of several.

        The file is gone through once. Raises OutputError where the temporary folder is full.
        """
        sheet, laid = Sheet(), [list[Chunk]() for _ in piles]
        for pile, part in self._dealt(piles, columns):
            laid[pile].append(Chunk.lay(sheet, part.replace_schema_metadata()))
        return Piles(tuple(map(tuple, laid)), self._none(columns))

    def digests(self, piles: Sequence[Ints], columns: Sequence[str]) -> list[str]:
        """Return of each pile of rows (numbers, in order) the SHA-256 of names, types and values.

        How they lie in groups has no say. The file is gone through once.
        """
        hashes = [_Digest(self._none(columns).table.schema) for _ in piles]
        for pile, part in self._dealt(piles, columns):
            hashes[pile].add(part)
        return [each.hexdigest() for each in hashes]

    def _dealt(
        self, piles: Sequence[Ints], columns: Sequence[str]
    ) -> Iterator[tuple[int, pa.Table]]:
        """Yield what each pile has of each group of rows, group by group."""
        wanted = np.zeros(len(self), dtype=bool)
        for numbers in piles:
            wanted[numbers] = True
        for rows, group in self.groups(list(columns), wanted):
            for pile, numbers in enumerate(piles):
                first, last = np.searchsorted(numbers, (rows.start, rows.stop))
                if last > first:
                    yield pile, group.take(pa.array(numbers[first:last] - rows.start))

    def _none(self, columns: Sequence[str] | None) -> Rows:
        """Return these columns (default: all) of no row."""
        with pq.ParquetFile(self.path) as file:
            table = file.read_row_groups([], None if columns is None else list(columns))
            return Rows(table, json.loads(file.schema_arrow.metadata[b"geo"]))


class Piles(NamedTuple):
    """Rows of a file dealt to piles in a temporary file; none: what a pile without rows is."""

    laid: tuple[tuple[Chunk, ...], ...]
    none: Rows

    def frame(self, pile: int) -> gpd.GeoDataFrame:
        """Return the rows of a pile, decoded."""
        schema = self.none.table.schema
        parts = [
            chunk.table().replace_schema_metadata(schema.metadata) for chunk in self.laid[pile]
        ]
        return self.none._replace(table=pa.concat_tables([self.none.table, *parts])).frame()


class _Digest:
    """The SHA-256 of columns, of rows that come in parts: how they are parted has no say."""

    def __init__(self, schema: pa.Schema) -> None:
        """Begin with names and types."""
        self._columns = {
            f"{field.name} {field.type}": [hashlib.sha256() for _ in range(3)] for field in schema
        }

    def add(self, part: pa.Table) -> None:
        """Add rows: of each column what is missing, how long values are, and the values."""
        for hashes, column in zip(self._columns.values(), part.columns, strict=True):
            for values in column.chunks:
                for sha256, data in zip(hashes, _plain(values), strict=True):
                    sha256.update(data)

    def hexdigest(self) -> str:
        """Return the hash of all rows that were added."""
        whole = hashlib.sha256()
        for name, hashes in self._columns.items():
            whole.update(name.encode() + b"".join(each.digest() for each in hashes))
        return whole.hexdigest()


def _plain(values: pa.Array) -> tuple[Any, Any, Any]:
    """Return of numbers, texts or bytes which are missing, how long they are, and themselves."""
    missing = values.is_null().to_numpy(zero_copy_only=False)
    if pa.types.is_null(values.type):
        return missing, b"", b""
    if pa.types.is_primitive(values.type):
        known = values.fill_null(pa.scalar(0).cast(values.type))
        return missing, b"", known.to_numpy(zero_copy_only=False)
    wide = values.cast(pa.large_binary())
    _, offsets, data = wide.buffers()
    ends = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    return missing, np.diff(ends), memoryview(data or b"")[ends[0] : ends[-1]]

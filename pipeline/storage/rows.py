"""Rows of our GeoParquet files as they lie: groups nobody asks for aren't read, nor decoded."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
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

    def digest(self) -> str:
        """Return the SHA-256 of names, types and values; how they lie in groups has no say."""
        plain = self.table.replace_schema_metadata().combine_chunks()
        digest = _Digest()
        with pa.ipc.new_stream(pa.PythonFile(digest, "w"), plain.schema) as stream:
            stream.write_table(plain)
        return digest.sha256.hexdigest()


class _Digest(io.RawIOBase):
    """A file that keeps nothing of what is written but its hash."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # noqa: ANN401 - whatever holds bytes
        self.sha256.update(data)
        return len(data)


@dataclass(frozen=True, slots=True)
class Lying:
    """A frame in its file, of which rows are read as they are asked for, group by group."""

    path: Path

    def boxes(self) -> Floats:
        """Return west, south, east, north of every row; the file must have its bbox column."""
        boxes = pq.read_table(self.path, columns=[BBOX])[BBOX].combine_chunks()
        sides = [boxes.field(edge).to_numpy(zero_copy_only=False) for edge in EDGES]
        return np.column_stack(sides)

    def holding(self, only: Mapping[str, Collection[str]]) -> Bools:
        """Return which rows hold, in each of these columns of text, one of the values wanted."""
        chosen = np.ones(pq.read_metadata(self.path).num_rows, dtype=bool)
        for name, wanted in only.items():
            column = pq.read_table(self.path, columns=[name])[name].cast(pa.large_string())
            held = pc.is_in(column, pa.array(list(wanted), pa.large_string()))
            chosen &= held.to_numpy()
        return chosen

    def shapes(self, chosen: Bools) -> gpd.GeoSeries:
        """Return the shapes of the chosen rows where they lie, missing ones in all other rows."""
        found = self.rows(chosen, [GEOMETRY]).frame()
        shapes = np.full(len(chosen), None, dtype=object)
        shapes[chosen] = found.geometry
        return gpd.GeoSeries(shapes, crs=found.crs)

    def rows(self, chosen: Bools | None = None, columns: Sequence[str] | None = None) -> Rows:
        """Return the chosen rows (default: all); groups without any are not read."""
        with pq.ParquetFile(self.path) as file:
            about = json.loads(file.schema_arrow.metadata[b"geo"])
            names = list(columns) if columns else None
            if chosen is None:
                return Rows(file.read(names), about)
            sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
            masks = np.split(chosen, np.cumsum(sizes)[:-1])
            none = file.read_row_groups([], names)
            groups = [
                file.read_row_group(number, names).filter(pa.array(mask))
                for number, mask in enumerate(masks)
                if mask.any()
            ]
            return Rows(pa.concat_tables([none, *groups]), about)

"""Frames as GeoParquet: WKB, zstd, in groups of rows, so that who asks for a few reads a few.

Written and compared group by group. Shapes that nobody looks at pass from file to file by way of a
shelf, never decoded.
"""

from __future__ import annotations

import io
import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from pipeline.storage.blocks import plain_names, read_blocks
from pipeline.storage.places import Places
from pipeline.storage.register import PANDAS, Register
from pipeline.storage.rows import BBOX, EDGES, GEOMETRY, Lying
from pipeline.storage.shelf import Shelf
from pipeline.storage.writing import require, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

GROUP_ROWS = 16_384
"""Rows of a GeoParquet file that are read together: one plot of a county costs one of 15 groups."""
_KINDS = (
    "Point", "LineString", "LinearRing", "Polygon", "MultiPoint", "MultiLineString",
    "MultiPolygon", "GeometryCollection",
)  # fmt: skip
"""By shapely's numbers, which are WKB's for polygons."""
_BOXES = pa.struct([(edge, pa.float64()) for edge in EDGES])


def write_frame(
    path: Path, frame: gpd.GeoDataFrame, *, bbox: bool = False, group_rows: int = GROUP_ROWS
) -> None:
    """Write a GeoParquet file (WKB, zstd) of one of our frames, index dropped.

    Rows lie in groups of group_rows, so that who asks for a few reads a few; bbox: with the
    covering column `bbox`, by which readers pass over rows by place. Every column is read again
    and compared. Raises OutputError.
    """
    place = frame.columns.get_loc(GEOMETRY)
    plain = _arrow(pd.DataFrame(frame.drop(columns=GEOMETRY)))
    shapes = frame.geometry.to_numpy()

    def block(rows: slice) -> pa.Table:
        wkb = pa.array(shapely.to_wkb(shapes[rows]), type=pa.binary())
        table = plain[rows].add_column(place, GEOMETRY, wkb)
        if not bbox:
            return table
        return table.append_column(BBOX, _boxes(shapely.bounds(shapes[rows])))

    kinds = shapely.get_type_id(shapes)
    about = _described(_about(frame.crs, bbox=bbox), _names(kinds), shapely.bounds(shapes))
    _write(path, block, _groups(len(frame), group_rows), about)


class Shelved(NamedTuple):
    """Shapes of a frame on a shelf, their extents, and what GeoParquet says of them all."""

    shapes: Shelf
    boxes: Floats
    about: dict[str, Any]


def write_shelved(
    path: Path, columns: pd.DataFrame | Register, shapes: Shelf, boxes: Floats, crs: str
) -> None:
    """Write a frame whose shapes lie on a shelf, row by row with its columns, with bbox.

    The file is the one that `write_frame` writes of the same rows. boxes: the shapes' extents; crs:
    theirs. Raises OutputError.
    """
    kinds = shapes.heads[~shapes.missing, 1]  # WKB as we write it: little-endian, polygons
    about = _described(_about(crs, bbox=True), _names(kinds), boxes)
    write_onto(path, columns, Shelved(shapes, boxes, about))


def write_onto(
    path: Path, columns: pd.DataFrame | Register, shelved: Shelved, order: Ints | None = None
) -> None:
    """Write a frame of these columns and shapes that lie in other files, as `write_frame` would.

    order: which shape belongs to each row; None: row by row. Raises OutputError.
    """
    shapes, boxes, about = shelved
    plain = columns.arrow if isinstance(columns, Register) else _arrow(columns).__getitem__
    if order is not None:
        shapes, boxes = shapes.select(order), boxes[order]

    def block(rows: slice) -> pa.Table:
        wkb = pa.array(shapes.take(rows), type=pa.binary())
        table = plain(rows).append_column(GEOMETRY, wkb)
        return table.append_column(BBOX, _boxes(boxes[rows]))

    _write(path, block, _groups(len(columns), GROUP_ROWS), about)


def write_carried(path: Path, columns: Register, source: Path) -> None:
    """Write the rows of another of our frames with more columns, or others in place of its own.

    columns: as many rows, in the same order. Groups of rows stay as they lie in the source, and
    what isn't replaced passes undecoded. The file is the one that `write_frame` writes of the whole
    frame. Raises OutputError, ValueError where the rows aren't as many.
    """
    with pq.ParquetFile(source) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        if sum(sizes) != len(columns):
            msg = f"{len(columns)} rows beside {sum(sizes)}"
            raise ValueError(msg)
        groups = [
            slice(end - size, end) for size, end in zip(sizes, accumulate(sizes), strict=True)
        ]
        numbers = {group.start: number for number, group in enumerate(groups)}
        own = file.schema_arrow
        schema = _carried(own, columns.schema)

        def block(rows: slice) -> pa.Table:
            table, more = file.read_row_group(numbers[rows.start]), columns.arrow(rows)
            found = {name: table[name] for name in table.column_names}
            found |= {name: more[name] for name in more.column_names}
            return pa.Table.from_arrays([found[name] for name in schema.names], schema=schema)

        _write(path, block, groups, json.loads(own.metadata[b"geo"]))


def _carried(own: pa.Schema, more: pa.Schema) -> pa.Schema:
    """Return the schema of a frame with more columns: those new to it before its geometry."""
    fields = {field.name: field for field in own}
    shapes = [fields.pop(name) for name in (GEOMETRY, BBOX)]
    fields |= {field.name: field for field in more}
    note = json.loads(own.metadata[PANDAS])
    notes = [*note["columns"], *json.loads(more.metadata[PANDAS])["columns"]]
    columns = {column["name"]: column for column in notes}
    about = json.dumps(note | {"columns": [*columns.values()]}).encode()
    return pa.schema([*fields.values(), *shapes], {PANDAS: about})


def write_columns(path: Path, table: pd.DataFrame) -> None:
    """Write a plain Parquet file (zstd), decimals as decimals; read again and compared."""
    columns = _arrow(table)
    with writing(path) as temporary:
        pq.write_table(columns, temporary, compression="zstd", row_group_size=GROUP_ROWS)
        same = pq.read_table(temporary).equals(columns)
        require(path, "内容", "原值", "原值" if same else "另一些值")


def read_frame(
    path: Path,
    columns: list[str] | None = None,
    *,
    only: Mapping[str, Collection[str]] | None = None,
    near: Floats | None = None,
) -> gpd.GeoDataFrame:
    """Read a GeoParquet file written by `write_frame`, whole or some columns.

    only: column of text → values wanted. near: boxes (n, 4: west, south, east, north); only rows
    whose box meets one of them, and that hold those values, are decoded.
    """
    if near is None and only is None:
        return gpd.read_parquet(path, columns=columns)
    lying = Lying(path)
    chosen = lying.holding(only or {})
    if near is not None:
        chosen &= Places(near).meeting(lying.boxes())
    return lying.rows(chosen, columns).frame()


def read_shelved(path: Path) -> tuple[Register, Shelf, Floats]:
    """Read a file of `write_shelved`: its columns, shapes and boxes, none of them into memory."""
    shapes, boxes, _ = read_shapes([path])
    return Register.lay(read_blocks(path)), shapes, boxes


def read_columns(
    path: Path,
    columns: Sequence[str] | None = None,
    *,
    only: Mapping[str, Collection[str]] | None = None,
) -> pd.DataFrame:
    """Read columns (default: all) of one of our frames without its geometry.

    only: column of text → values wanted; of the other rows nothing but these columns is read.
    """
    asked = plain_names(path) if columns is None else list(columns)
    if only is None:
        return pd.read_parquet(path, columns=asked)
    lying = Lying(path)
    found: pd.DataFrame = lying.rows(lying.holding(only), asked).table.select(asked).to_pandas()
    return found


def read_shapes(files: Iterable[Path]) -> Shelved:
    """Lay the shapes of these frames, which have bbox, on a shelf, one frame after the other.

    All of one CRS; none is decoded.
    """
    shapes, boxes, abouts = [], [], []
    for path in files:
        lying = Lying(path)
        shapes.append(Shelf.lay(group[GEOMETRY] for _, group in lying.groups([GEOMETRY])))
        abouts.append(json.loads(pq.read_schema(path).metadata[b"geo"]))
        boxes.append(lying.boxes())
    columns = [each["columns"][GEOMETRY] for each in abouts]
    extents = np.array([column["bbox"] for column in columns if "bbox" in column]).reshape(-1, 4)
    kinds = sorted({kind for column in columns for kind in column["geometry_types"]})
    about = _described(abouts[0], kinds, extents)
    return Shelved(Shelf.joined(shapes), np.concatenate(boxes), about)


def _arrow(columns: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(columns, preserve_index=False)


def _boxes(bounds: Floats) -> pa.Array:
    sides = [pa.array(side, from_pandas=True) for side in bounds.T]
    return pa.StructArray.from_arrays(sides, fields=list(_BOXES))


def _about(crs: Any, *, bbox: bool) -> dict[str, Any]:  # noqa: ANN401 - whatever pyproj takes
    """Return geopandas' own description of a frame in GeoParquet, kinds and extent left open."""
    empty = io.BytesIO()
    gpd.GeoDataFrame(geometry=[], crs=crs).to_parquet(empty, index=False, write_covering_bbox=bbox)
    about: dict[str, Any] = json.loads(pq.read_schema(empty).metadata[b"geo"])
    return about


def _names(kinds: NDArray[Any]) -> list[str]:
    """Return the names of kinds of geometry, as shapely numbers them (−1: none)."""
    return sorted(_KINDS[kind] for kind in np.unique(kinds).tolist() if kind >= 0)


def _described(about: dict[str, Any], kinds: Sequence[str], bounds: Floats) -> dict[str, Any]:
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    column = about["columns"][GEOMETRY] | {"geometry_types": list(kinds)}
    column.pop("bbox", None)
    if len(bounds):
        column["bbox"] = [*bounds[:, :2].min(axis=0).tolist(), *bounds[:, 2:].max(axis=0).tolist()]
    return about | {"columns": {GEOMETRY: column}}


def _groups(rows: int, group_rows: int) -> list[slice]:
    """Return the groups that so many rows lie in, at least one."""
    return [slice(at, min(at + group_rows, rows)) for at in range(0, max(rows, 1), group_rows)]


def _write(
    path: Path, block: Callable[[slice], pa.Table], groups: Sequence[slice], about: dict[str, Any]
) -> None:
    """Write a table block by block, each a group of rows; read each again and compare."""
    first = block(groups[0]).schema
    schema = first.with_metadata({**first.metadata, b"geo": json.dumps(about).encode()})
    most = max(group.stop - group.start for group in groups)
    with writing(path) as temporary:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for group in groups:
                writer.write_table(block(group).cast(schema), row_group_size=max(most, 1))
        with pq.ParquetFile(temporary) as written:
            require(path, "行数", groups[-1].stop, written.metadata.num_rows)
            require(path, "列", schema.names, written.schema_arrow.names)
            for number, group in enumerate(groups):
                _compare(path, block(group), written.read_row_group(number))


def _compare(path: Path, wanted: pa.Table, found: pa.Table) -> None:
    for name in wanted.column_names:
        same = "原值" if found[name].equals(wanted[name]) else "另一些值"
        require(path, "图形" if name == GEOMETRY else f"列 {name} 的内容", "原值", same)

"""GeoParquet with WKB geometry."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import CRS
from pyproj.exceptions import CRSError

from pipeline.errors import Finding, InputError
from pipeline.ingest.arrow import kinds_of, to_texts
from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer
from pipeline.storage import BLOCK_ROWS, Register, Shelf

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = (".parquet", ".geoparquet")
MARKS: tuple[bytes, ...] = (b"PAR1",)
DEFAULT_CRS = "OGC:CRS84"  # GeoParquet 1.1: what a missing crs means (a null one means unknown)
ADVICE = "重新导出为 GeoParquet（WKB 编码），或改用 GPKG"


def layers(delivery: Delivery) -> tuple[LayerInfo, ...]:
    """Return the one layer. Raises InputError for a damaged file."""
    with _open(delivery) as file:
        schema = file.schema_arrow
    geometry = _geometry(schema, delivery)
    columns = tuple(name for name in schema.names if name != geometry.get("name"))
    return (LayerInfo(name=delivery.name, columns=columns, spatial=bool(geometry)),)


def read(delivery: Delivery, layer: str, columns: Sequence[str]) -> RawLayer:
    """Read the file. Raises InputError for a damaged file or geometry not in WKB."""
    del layer  # a parquet file has only one
    with _open(delivery) as file:
        return _read(file, delivery, columns)


def _read(file: pq.ParquetFile, delivery: Delivery, columns: Sequence[str]) -> RawLayer:
    geometry = _geometry(file.schema_arrow, delivery)
    if geometry and geometry["encoding"] != "WKB":
        found = f"图形编码是 {geometry['encoding']}，不是 WKB"
        raise InputError(Finding(delivery.where, found, ADVICE))
    try:
        empty = to_texts(file.schema_arrow.empty_table(), columns)
        batches = file.iter_batches(BLOCK_ROWS, columns=list(columns))
        texts = Register.lay(chain([empty], (to_texts(batch, columns) for batch in batches)))
        shapes = None
        if geometry:
            parts = file.iter_batches(BLOCK_ROWS, columns=[geometry["name"]])
            shapes = Shelf.lay(part.column(0) for part in parts)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(delivery, error) from error
    return RawLayer(
        table=texts,
        rows=np.arange(1, len(texts) + 1, dtype=np.int64),
        wkb=shapes,
        claimed=file.metadata.num_rows,
        crs_wkt=geometry.get("wkt"),
        kinds=kinds_of(file.schema_arrow, columns),
        encoding="UTF-8:Parquet 标准规定",
    )


def _open(delivery: Delivery) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(delivery.copy)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _damaged(delivery, error) from error


def _damaged(delivery: Delivery, error: Exception) -> InputError:
    return InputError(Finding(delivery.where, f"Parquet 文件损坏（{error}）", ADVICE))


def _geometry(schema: pa.Schema, delivery: Delivery) -> dict[str, Any]:
    """Return the primary geometry column's metadata with its name, {} if there is none."""
    geo = (schema.metadata or {}).get(b"geo")
    if geo is None:
        return {}
    try:
        document = json.loads(geo)
        name = document["primary_column"]
        found = {"name": name, **document["columns"][name]}
        schema.field(name)
        return found | {"encoding": str(found["encoding"]), "wkt": _crs(found)}
    except (ValueError, KeyError, TypeError, CRSError) as error:
        raise _damaged(delivery, error) from error


def _crs(geometry: dict[str, Any]) -> str | None:
    declared = geometry.get("crs", DEFAULT_CRS)
    return None if declared is None else str(CRS.from_user_input(declared).to_wkt())

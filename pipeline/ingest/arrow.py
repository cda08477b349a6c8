"""Arrow columns to text as delivered, for the formats that GDAL or Parquet reads by type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.ingest.raw import FLOAT, NUMBER, TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence


def kinds_of(schema: pa.Schema, columns: Sequence[str]) -> dict[str, str]:
    """Return how each of `columns` is stored."""
    return {name: _kind(schema.field(name).type) for name in columns}


def to_texts(rows: pa.RecordBatch | pa.Table, columns: Sequence[str]) -> pd.DataFrame:
    """Return `columns` as text (missing = NA)."""
    texts = {name: to_series(_text(rows.column(name))) for name in columns}
    return pd.DataFrame(texts, index=pd.RangeIndex(rows.num_rows))


def to_series(column: pa.Array | pa.ChunkedArray) -> pd.Series:
    """Return a column of text as it lies, without a Python object per value."""
    text = pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.Series(column.to_pandas(types_mapper=lambda _: text), dtype="str")


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return FLOAT
    return NUMBER if pa.types.is_integer(kind) or pa.types.is_decimal(kind) else TEXT


def _text(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, format="%Y-%m-%d")
    return column.cast(pa.string())

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


def to_texts(table: pa.Table, columns: Sequence[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return `columns` as text (missing = NA) and how each was stored."""
    texts, kinds = {}, {}
    for name in columns:
        column = table[name]
        kinds[name] = _kind(column.type)
        texts[name] = to_series(_text(column))
    return pd.DataFrame(texts, index=pd.RangeIndex(table.num_rows)), kinds


class Gathered:
    """Batches of columns put together as they come, in no more memory than they fill.

    GDAL hands out buffers several times larger than what is in them.
    """

    def __init__(self, schema: pa.Schema) -> None:
        """Begin with no rows."""
        self._sink = pa.BufferOutputStream()
        self._stream = pa.ipc.new_stream(self._sink, schema)

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows; the batch may go."""
        self._stream.write_batch(batch)

    def table(self) -> pa.Table:
        """Return all rows; none can be added afterwards."""
        self._stream.close()
        return pa.ipc.open_stream(self._sink.getvalue()).read_all()


def to_series(column: pa.ChunkedArray) -> pd.Series:
    """Return a column of text as it lies, without a Python object per value."""
    text = pd.StringDtype("pyarrow", na_value=np.nan)
    return pd.Series(column.to_pandas(types_mapper=lambda _: text), dtype="str")


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return FLOAT
    return NUMBER if pa.types.is_integer(kind) or pa.types.is_decimal(kind) else TEXT


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, format="%Y-%m-%d")
    return column.cast(pa.string())

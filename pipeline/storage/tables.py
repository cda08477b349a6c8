"""Tables as CSV: UTF-8 with BOM, so that a double click in Excel or WPS shows Chinese."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.storage.writing import require, write_bytes

if TYPE_CHECKING:
    from pathlib import Path


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV; missing values are empty cells, floats as they stand (round before)."""
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    buffer.seek(0)
    rows = [len(row) for row in csv.reader(buffer, strict=True)]
    require(path, "行数", len(table) + 1, len(rows))
    write_bytes(path, buffer.getvalue().encode("utf-8-sig"))


def read_table(path: Path) -> pd.DataFrame:
    """Read one of our own CSVs; every cell is text, empty cells are missing."""
    return pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False, na_values=[""])

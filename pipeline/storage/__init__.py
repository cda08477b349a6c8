"""Our own files: written beside, read again and compared, fsynced, renamed; the same bytes always.

Frames are GeoParquet, tables are CSV (UTF-8 with BOM, so that a double click in Excel or WPS
shows Chinese), documents are JSON, layers for GIS staff are GeoPackage. Foreign files are read
by ``ingest`` alone.
"""

from pipeline.storage.blocks import beside, read_blocks, whole
from pipeline.storage.frames import (
    read_columns,
    read_frame,
    read_shapes,
    read_shelved,
    write_carried,
    write_columns,
    write_frame,
    write_onto,
    write_shelved,
)
from pipeline.storage.laid import Laid
from pipeline.storage.layers import write_gpkg
from pipeline.storage.memory import give_back
from pipeline.storage.packages import (
    BOOK_CLOCK,
    FORMULA_STARTS,
    cell_text,
    guarded,
    package_bytes,
    workbook_bytes,
)
from pipeline.storage.places import Places
from pipeline.storage.register import Laying, Register, Table
from pipeline.storage.rows import Lying, Piles, Rows
from pipeline.storage.shelf import BLOCK_ROWS, Shelf, row_blocks
from pipeline.storage.tables import read_table, write_table
from pipeline.storage.writing import read_bytes, read_json, sha256, write_bytes, write_json

__all__ = [
    "BLOCK_ROWS",
    "BOOK_CLOCK",
    "FORMULA_STARTS",
    "Laid",
    "Laying",
    "Lying",
    "Piles",
    "Places",
    "Register",
    "Rows",
    "Shelf",
    "Table",
    "beside",
    "cell_text",
    "give_back",
    "guarded",
    "package_bytes",
    "read_blocks",
    "read_bytes",
    "read_columns",
    "read_frame",
    "read_json",
    "read_shapes",
    "read_shelved",
    "read_table",
    "row_blocks",
    "sha256",
    "whole",
    "workbook_bytes",
    "write_bytes",
    "write_carried",
    "write_columns",
    "write_frame",
    "write_gpkg",
    "write_json",
    "write_onto",
    "write_shelved",
    "write_table",
]

"""GeoPackage: read by SQL, so that ids stay exact and a stale feature count can't hide rows."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import Finding, InputError
from pipeline.ingest.arrow import to_series
from pipeline.ingest.raw import FLOAT, NUMBER, TEXT, Delivery, LayerInfo, RawLayer
from pipeline.storage import BLOCK_ROWS, Laying, Register, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SUFFIXES = (".gpkg",)
MARKS: tuple[bytes, ...] = (b"SQLite format 3\0",)
ENVELOPE_BYTES = (0, 32, 48, 48, 64)  # GeoPackage 1.3, 2.1.3.1.1: by the envelope indicator
DECLARED = re.compile(r"TEXT\(([0-9]+)\)")
READ_ERRORS = (sqlite3.Error, UnicodeDecodeError)
ADVICE = "用 QGIS 打开核对后另存为新的 GPKG；若正被其他软件编辑，先保存并关闭再复制"


def layers(delivery: Delivery) -> tuple[LayerInfo, ...]:
    """Return the feature and attribute tables. Raises InputError for a damaged file."""
    try:
        with closing(_open(delivery)) as db:
            spatial = dict(db.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
            names = db.execute(
                "SELECT table_name FROM gpkg_contents "
                "WHERE data_type IN ('features', 'attributes') ORDER BY table_name"
            ).fetchall()
            return tuple(
                LayerInfo(
                    name=name,
                    columns=tuple(
                        c for c in _types(db, name) if c not in {spatial.get(name), "fid"}
                    ),
                    spatial=name in spatial,
                )
                for (name,) in names
            )
    except READ_ERRORS as error:
        raise _damaged(delivery, str(error)) from error


def read(delivery: Delivery, layer: str, columns: Sequence[str]) -> RawLayer:
    """Read one table. Raises InputError for a damaged file or geometry header."""
    try:
        with closing(_open(delivery)) as db:
            return _read(db, delivery, layer, columns)
    except READ_ERRORS as error:
        raise _damaged(delivery, str(error)) from error


def _damaged(delivery: Delivery, why: str) -> InputError:
    return InputError(Finding(delivery.where, f"GPKG 损坏或读不出来（{why}）", ADVICE))


def _open(delivery: Delivery) -> sqlite3.Connection:
    db = sqlite3.connect(delivery.copy)
    db.execute("PRAGMA trusted_schema = OFF")  # a view may call functions; none that does harm
    verdict = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        db.close()
        raise _damaged(delivery, f"完整性检查：{verdict}")
    known = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    if not {"gpkg_contents", "gpkg_geometry_columns"} <= known:
        db.close()
        found = "是 SQLite 数据库，但不是 GPKG（没有 gpkg_contents 表）"
        raise InputError(Finding(delivery.where, found, "导出为 GPKG、FileGDB 或 SHP"))
    return db


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _types(db: sqlite3.Connection, layer: str) -> dict[str, str]:
    rows = db.execute(f"PRAGMA table_info({_quoted(layer)})")
    return {name: kind.upper() for _, name, kind, *_ in rows}


def _kind(declared: str) -> str:
    if declared.startswith(("TEXT", "DATE", "BLOB")):
        return TEXT
    return FLOAT if declared.startswith(("REAL", "DOUBLE", "FLOAT")) else NUMBER


def _read(
    db: sqlite3.Connection, delivery: Delivery, layer: str, columns: Sequence[str]
) -> RawLayer:
    types = _types(db, layer)
    key = next((row[1] for row in db.execute(f"PRAGMA table_info({_quoted(layer)})") if row[5]), "")
    row_id = _quoted(key) if key and types[key].startswith("INT") else "rowid"
    geometry = db.execute(
        "SELECT g.column_name, s.definition FROM gpkg_geometry_columns g "
        "LEFT JOIN gpkg_spatial_ref_sys s USING (srs_id) WHERE g.table_name = ?",
        (layer,),
    ).fetchone()
    wanted = [f"CAST({_quoted(column)} AS TEXT)" for column in columns]
    shape = _quoted(geometry[0]) if geometry else "NULL"
    query = f"SELECT {', '.join([row_id, shape, *wanted])} FROM {_quoted(layer)} ORDER BY 1"  # noqa: S608 - every name is quoted
    keys, texts, shapes = _fetched(db.execute(query), columns, delivery)
    count = db.execute(f"SELECT count(*) FROM {_quoted(layer)}").fetchone()[0]  # noqa: S608 - quoted
    return RawLayer(
        table=texts,
        rows=keys,
        wkb=shapes if geometry else None,
        claimed=count,
        crs_wkt=_definition(geometry[1]) if geometry else None,
        kinds={column: _kind(types[column]) for column in columns},
        widths={
            column: (int(declared[1]), 0)
            for column in columns
            if (declared := DECLARED.fullmatch(types[column]))
        },
        encoding="UTF-8:GPKG 标准规定",
        losses=_stale(db, layer, count),
    )


def _stale(db: sqlite3.Connection, layer: str, count: int) -> tuple[str, ...]:
    """Return a note if the count that GDAL and QGIS go by differs from the rows there are."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'gpkg_ogr_contents'").fetchone():
        return ()
    kept = "SELECT feature_count FROM gpkg_ogr_contents WHERE lower(table_name) = lower(?)"
    row = db.execute(kept, (layer,)).fetchone()
    if row is None or row[0] is None or row[0] == count:
        return ()
    said = f"文件里登记的要素数是 {row[0]}，实有 {count} 行，按实有的全部读入"
    return (f"{said}（按登记数读取的软件会漏行）",)


def _definition(text: str | None) -> str | None:
    return None if text is None or text.strip().lower() in {"", "undefined"} else text


def _fetched(
    cursor: sqlite3.Cursor, columns: Sequence[str], delivery: Delivery
) -> tuple[NDArray[np.int64], Register, Shelf]:
    """Return keys, columns of text and shapes of a query (key, shape, texts).

    A view has no keys: its rows are numbered.
    """
    table, keys = Laying(), [pa.array([], pa.int64())]
    table.add(_texts([() for _ in columns], columns))

    def shapes() -> Iterator[pa.Array]:
        while rows := cursor.fetchmany(BLOCK_ROWS):
            own, blobs, *texts = zip(*rows, strict=True)
            keys.append(pa.array(own, pa.int64()))
            table.add(_texts(texts, columns, len(rows)))
            yield pa.array([_strip(blob, delivery) for blob in blobs], pa.large_binary())

    shelf = Shelf.lay(shapes())
    known = pa.chunked_array(keys)
    number = pa.array(np.arange(1, len(known) + 1))
    filled = pc.coalesce(known, number) if known.null_count else known
    return filled.to_numpy(), Register.joined(table.laid), shelf


def _texts(
    values: Sequence[Sequence[str | None]], columns: Sequence[str], rows: int = 0
) -> pd.DataFrame:
    texts = {
        name: to_series(pa.array(own, pa.string()))
        for name, own in zip(columns, values, strict=True)
    }
    return pd.DataFrame(texts, index=pd.RangeIndex(rows))


def _strip(blob: bytes | None, delivery: Delivery) -> bytes | None:
    """Return a geometry without its GeoPackage header (GeoPackage 1.3, 2.1.3)."""
    if blob is None:
        return None
    envelope = (blob[3] >> 1) & 0b111 if len(blob) > 8 else len(ENVELOPE_BYTES)  # noqa: PLR2004 - header
    if blob[:2] != b"GP" or envelope >= len(ENVELOPE_BYTES):
        raise _damaged(delivery, "图形列中有不是 GPKG 格式的内容")
    return blob[8 + ENVELOPE_BYTES[envelope] :]

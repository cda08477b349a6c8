"""Our own files: written beside, read again and compared, fsynced, renamed; the same bytes always.

Frames are GeoParquet, tables are CSV (UTF-8 with BOM, so that a double click in Excel or WPS
shows Chinese), documents are JSON, layers for GIS staff are GeoPackage. Foreign files are read
by ``ingest`` alone.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from pipeline.disk import cannot_write, replacing
from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from openpyxl import Workbook

    from pipeline.model import LayerStyle

GPKG_CLOCK = "2000-01-01T00:00:00.000Z"
"""Stands in gpkg_contents.last_change: a clock there would change the bytes of every run."""
BOOK_CLOCK = datetime(2000, 1, 1)  # noqa: DTZ001 - a file property, not a moment
GROUP_ROWS = 16_384
"""Rows of a GeoParquet file that are read together: one plot of a county costs one of 15 groups."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet would run."""
CELL_LIMIT = 32_767
"""Characters a cell of a workbook holds."""
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
REFUSALS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError,
    pyogrio.errors.GeometryError,
    pa.ArrowException,
    sqlite3.Error,
)
"""What the writing libraries raise besides OSError, on a full disk too."""


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path for `path`; a library's refusal is an OutputError as a system's is."""
    try:
        with replacing(path) as temporary:
            yield temporary
    except REFUSALS as error:
        raise cannot_write(path, error) from error


def _require(path: Path, what: str, wanted: object, found: object) -> None:
    """Raise OutputError where a file read again isn't what was to be written."""
    if wanted != found:
        text = f"写出后重新打开核对不符：{what}应为 {wanted}，实为 {found}"
        advice = "检查磁盘和内存是否正常后重新运行；反复出现请联系开发者；原有成果未改动"
        raise OutputError(Finding(f"文件 {path}", text, advice))


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes atomically, compared after writing. Raises OutputError."""
    with _writing(path) as temporary:
        temporary.write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        _require(path, "sha256", digest, hashlib.sha256(temporary.read_bytes()).hexdigest())


def read_bytes(path: Path) -> bytes:
    """Read one of our own files."""
    return path.read_bytes()


def workbook_bytes(book: Workbook, stamp: datetime = BOOK_CLOCK) -> bytes:
    """Return a workbook's bytes, every date in it `stamp`: openpyxl writes the time of saving."""
    raw = io.BytesIO()
    book.properties.created = stamp
    book.save(raw)
    return package_bytes(raw.getvalue(), stamp)


def package_bytes(raw: bytes, stamp: datetime) -> bytes:
    """Return an Office file (a zip of parts) with every date in it `stamp`, parts sorted."""
    out = io.BytesIO()
    mark = stamp.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(io.BytesIO(raw)) as source, zipfile.ZipFile(out, "w") as target:
        for name in sorted(source.namelist()):
            data = source.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + mark, data)
            info = zipfile.ZipInfo(name, date_time=stamp.timetuple()[:6])
            target.writestr(info, data, compress_type=zipfile.ZIP_DEFLATED)
    return out.getvalue()


def cell_text(text: str) -> str:
    """Return text as a workbook's cell can hold it: no control characters, not too long."""
    plain = _FORBIDDEN.sub("", text)
    return plain if len(plain) <= CELL_LIMIT else f"{plain[: CELL_LIMIT - 1]}…"


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON document, keys sorted, Chinese readable; dates and decimals as text."""
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read one of our own JSON documents; a damaged one is empty."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a CSV; missing values are empty cells, floats as they stand (round before)."""
    buffer = io.StringIO()
    table.to_csv(buffer, index=False, lineterminator="\n")
    buffer.seek(0)
    rows = [len(row) for row in csv.reader(buffer, strict=True)]
    _require(path, "行数", len(table) + 1, len(rows))
    write_bytes(path, buffer.getvalue().encode("utf-8-sig"))


def guarded(table: pd.DataFrame, numbers: Collection[str] = ()) -> pd.DataFrame:
    """Return the table with an apostrophe before text that a spreadsheet takes for a formula.

    numbers: columns of numbers written as text, where a minus is a minus.
    """
    return table.assign(
        **{
            name: [
                f"'{text}" if isinstance(text, str) and text.startswith(FORMULA_STARTS) else text
                for text in table[name]
            ]
            for name in table.columns.difference(list(numbers), sort=False)
        }
    )


def read_table(path: Path) -> pd.DataFrame:
    """Read one of our own CSVs; every cell is text, empty cells are missing."""
    return pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False, na_values=[""])


def write_frame(
    path: Path, frame: gpd.GeoDataFrame, *, bbox: bool = False, group_rows: int = GROUP_ROWS
) -> None:
    """Write a GeoParquet file (WKB, zstd) of one of our frames, index dropped.

    Rows lie in groups of group_rows, so that who asks for a few reads a few; bbox: with the
    covering column `bbox`, by which readers pass over groups by place. Every column is read
    again and compared. Raises OutputError.
    """
    with _writing(path) as temporary:
        frame.reset_index(drop=True).to_parquet(
            temporary, index=False, compression="zstd", write_covering_bbox=bbox,
            row_group_size=group_rows,
        )  # fmt: skip
        written = pq.read_table(temporary)
        _check_frame(path, frame, written.drop_columns("bbox") if bbox else written)


def write_columns(path: Path, table: pd.DataFrame) -> None:
    """Write a plain Parquet file (zstd), decimals as decimals; read again and compared."""
    columns = pa.Table.from_pandas(table, preserve_index=False)
    with _writing(path) as temporary:
        pq.write_table(columns, temporary, compression="zstd")
        same = pq.read_table(temporary).equals(columns)
        _require(path, "内容", "原值", "原值" if same else "另一些值")


def _check_frame(path: Path, frame: gpd.GeoDataFrame, written: pa.Table) -> None:
    _require(path, "行数", len(frame), written.num_rows)
    _require(path, "列", list(frame.columns), written.column_names)
    plain = frame.drop(columns=frame.geometry.name)
    wanted = pa.Table.from_pandas(pd.DataFrame(plain), preserve_index=False)
    for name in wanted.column_names:
        same = written[name].equals(wanted[name])
        _require(path, f"列 {name} 的内容", "原值", "原值" if same else "另一些值")
    stored = written[frame.geometry.name]
    shapes = pa.array(shapely.to_wkb(frame.geometry.to_numpy()), type=stored.type)
    same = stored.equals(pa.chunked_array([shapes]))
    _require(path, "图形", "原图形", "原图形" if same else "另一些图形")


def read_frame(
    path: Path,
    columns: list[str] | None = None,
    *,
    only: Mapping[str, Collection[str]] | None = None,
) -> gpd.GeoDataFrame:
    """Read a GeoParquet file written by `write_frame`, whole or some columns.

    only: column → values wanted; groups of rows that can't hold them are not read.
    """
    return gpd.read_parquet(path, columns=columns, filters=_filters(only))


def read_columns(
    path: Path,
    columns: Sequence[str] | None = None,
    *,
    only: Mapping[str, Collection[str]] | None = None,
) -> pd.DataFrame:
    """Read columns of a GeoParquet file without its geometry; only: column → values wanted.

    columns None: all of them.
    """
    names = [name for name in pq.read_schema(path).names if name != "geometry"]
    asked = names if columns is None else list(columns)
    return pd.read_parquet(path, columns=asked, filters=_filters(only))


def _filters(only: Mapping[str, Collection[str]] | None) -> list[tuple[str, str, list[str]]] | None:
    return [(name, "in", list(values)) for name, values in (only or {}).items()] or None


def write_gpkg(
    path: Path, layers: Mapping[str, gpd.GeoDataFrame], styles: Sequence[LayerStyle] = ()
) -> None:
    """Write a new GeoPackage of named layers, for QGIS and ArcGIS; never into an existing file.

    styles: how a GIS shows the layers (table layer_styles, which QGIS reads by itself).

    The file is written in a private folder and moved into place: pyogrio deletes what it can't
    open for update. It is opened again: integrity, rows and the sums of its numbers.
    """
    with _writing(path) as temporary:
        folder = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.stem}.")
        try:
            fresh = os.path.join(folder, path.name)  # noqa: PTH118 - a str for GDAL
            with _fixed_clock():
                for name, frame in layers.items():
                    pyogrio.write_dataframe(
                        frame, fresh, layer=name, driver="GPKG", append=os.path.exists(fresh),  # noqa: PTH110
                        geometry_type="Unknown", promote_to_multi=False,
                    )  # fmt: skip
                if styles:
                    pyogrio.write_dataframe(
                        _style_rows(styles), fresh, layer="layer_styles", driver="GPKG",
                        append=True, layer_options={"FID": "id"},
                    )  # fmt: skip
            os.replace(fresh, temporary)  # noqa: PTH105
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _check_gpkg(path, layers, temporary)


def _style_rows(styles: Sequence[LayerStyle]) -> pd.DataFrame:
    """Return the rows of layer_styles with the columns QGIS gives it."""
    return pd.DataFrame(
        {
            "f_table_catalog": "", "f_table_schema": "", "f_table_name": style.layer,
            "f_geometry_column": "geom", "styleName": style.name, "styleQML": style.qml,
            "styleSLD": style.sld, "useAsDefault": style.default,
            "description": style.description, "owner": "", "ui": "",
            "update_time": pd.Timestamp(GPKG_CLOCK),
        }
        for style in styles
    )  # fmt: skip


def _check_gpkg(path: Path, layers: Mapping[str, gpd.GeoDataFrame], written: Path) -> None:
    with closing(sqlite3.connect(written)) as db:
        verdict = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        _require(path, "完整性检查", "ok", verdict)
        for name, frame in layers.items():
            where = f"图层 {name} 的"
            table = f'"{name}"'
            count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
            _require(path, f"{where}行数", len(frame), count)
            numbers = frame.select_dtypes("number")
            for column in numbers.columns:
                wanted = math.fsum(numbers[column].dropna())
                cells = db.execute(f'SELECT "{column}" FROM {table}')  # noqa: S608 - ours
                found = math.fsum(value for (value,) in cells if value is not None)
                _require(path, f"{where} {column} 合计", wanted, found)


@contextmanager
def _fixed_clock() -> Iterator[None]:
    """Give GDAL a fixed date, so that a GeoPackage has the same bytes every time."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": GPKG_CLOCK})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder by its files' names and contents."""
    if path.is_file():
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(str(file.relative_to(path)).encode() + b"\0" + bytes.fromhex(sha256(file)))
    return digest.hexdigest()

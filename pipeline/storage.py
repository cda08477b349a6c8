"""Our own files: written beside, fsynced, renamed; the same content gives the same bytes.

Frames are GeoParquet, tables are CSV (UTF-8 with BOM, so that a double click in Excel or WPS
shows Chinese), documents are JSON, layers for GIS staff are GeoPackage. Foreign files are read
by ``ingest`` alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyogrio

from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

GPKG_CLOCK = "2000-01-01T00:00:00.000Z"
"""Stands in gpkg_contents.last_change: a clock there would change the bytes of every run."""


def _cannot_write(path: Path, error: Exception) -> OutputError:
    """Turn a system's refusal into what a clerk can do about it."""
    return OutputError(
        Finding(
            f"文件 {path}",
            f"无法写入({error})",
            "请关闭占用该文件的程序(Excel、WPS、QGIS 等),检查磁盘空间和写权限后重新运行;"
            "原文件未改动",
        )
    )


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it over `path`.

    On any failure the temporary file is removed and the old file stays as it was.
    Raises OutputError when the system refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix
        )
        os.close(handle)
    except OSError as error:
        raise _cannot_write(path, error) from error
    temporary = path.parent / name
    try:
        yield temporary
        _flush(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
        _flush_folder(path.parent)
    except (OSError, pyogrio.errors.DataSourceError) as error:
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path, ours: Collection[str]) -> Iterator[Path]:
    """Yield an empty folder beside `path`; on success it takes the place of `path`, all at once.

    ours: names of earlier products, dropped unless written again; whatever else a person keeps in
    the folder stays. On any failure `path` is as it was. Raises OutputError where the system
    refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    except OSError as error:
        raise _cannot_write(path, error) from error
    fresh, aside = work / "fresh", work / "aside"
    try:
        fresh.mkdir()
        yield fresh
        _carry_over(path, fresh, ours)
        _flush_folder(fresh)
        _swap(path, fresh, aside)
        _flush_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _carry_over(path: Path, fresh: Path, ours: Collection[str]) -> None:
    """Copy what isn't ours and hasn't been written anew."""
    for entry in path.iterdir() if path.is_dir() else ():
        target = fresh / entry.name
        if entry.name in ours or target.exists():
            continue
        if entry.is_dir():
            shutil.copytree(entry, target)
        else:
            shutil.copy2(entry, target)


def _swap(path: Path, fresh: Path, aside: Path) -> None:
    """Put `fresh` in the place of `path`; put `path` back if that fails."""
    if not path.exists():
        fresh.rename(path)
        return
    path.rename(aside)
    try:
        fresh.rename(path)
    except OSError:
        aside.rename(path)
        raise


def _flush(path: Path) -> None:
    """Force a file's bytes to disk."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def _flush_folder(folder: Path) -> None:
    """Force a rename to disk (folders can't be opened on Windows, which needs no such flush)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes atomically. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def read_bytes(path: Path) -> bytes:
    """Read one of our own files."""
    return path.read_bytes()


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
    write_bytes(path, buffer.getvalue().encode("utf-8-sig"))


def read_table(path: Path) -> pd.DataFrame:
    """Read one of our own CSVs; every cell is text, empty cells are missing."""
    return pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False, na_values=[""])


def write_frame(path: Path, frame: gpd.GeoDataFrame) -> None:
    """Write a GeoParquet file (WKB, zstd) of one of our frames, index dropped."""
    with replacing(path) as temporary:
        frame.reset_index(drop=True).to_parquet(
            temporary, index=False, compression="zstd", write_covering_bbox=False
        )


def read_frame(path: Path, columns: list[str] | None = None) -> gpd.GeoDataFrame:
    """Read a GeoParquet file written by `write_frame`, whole or some columns."""
    return gpd.read_parquet(path, columns=columns)


def write_gpkg(path: Path, layers: Mapping[str, gpd.GeoDataFrame]) -> None:
    """Write a new GeoPackage of named layers, for QGIS and ArcGIS; never into an existing file.

    The file is written in a private folder and moved into place: pyogrio deletes what it can't
    open for update.
    """
    with replacing(path) as temporary:
        folder = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.stem}.")
        try:
            fresh = os.path.join(folder, path.name)  # noqa: PTH118 - a str for GDAL
            with _fixed_clock():
                for name, frame in layers.items():
                    pyogrio.write_dataframe(
                        frame, fresh, layer=name, driver="GPKG", append=os.path.exists(fresh),  # noqa: PTH110
                        geometry_type="Unknown", promote_to_multi=False,
                    )  # fmt: skip
            os.replace(fresh, temporary)  # noqa: PTH105
        finally:
            shutil.rmtree(folder, ignore_errors=True)


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
    """Return the content hash of a file, or of a folder by its files' names and contents."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if file != path:
            digest.update(str(file.relative_to(path)).encode() + b"\0")
        with file.open("rb") as handle:
            digest.update(hashlib.file_digest(handle, "sha256").digest())
    return digest.hexdigest()

"""Writing the county folder the way deliveries arrive: many formats, GBK, with and without zone.

Bytes depend on the content only (but for FileGDB, which stamps its tables): rows come sorted,
GDAL is told a fixed date, archive members too.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import openpyxl
import pyogrio

from pipeline import storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

_STAMP = "2024-01-01T00:00:00.000Z"
_LDID_BYTE = 29


@contextmanager
def fixed_clock() -> Iterator[None]:
    """Give GDAL a fixed date while files are written."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _STAMP})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def shapefile(frame: gpd.GeoDataFrame, path: Path, day: date) -> None:
    """Write a shapefile with GBK text, without .cpg and with LDID 0."""
    pyogrio.write_dataframe(
        frame, path, driver="ESRI Shapefile", encoding="GBK",
        layer_options={"DBF_DATE_LAST_UPDATE": day.isoformat()},
    )  # fmt: skip
    path.with_suffix(".cpg").unlink(missing_ok=True)
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    dbf[_LDID_BYTE] = 0
    path.with_suffix(".dbf").write_bytes(bytes(dbf))


def geopackage(frame: gpd.GeoDataFrame, path: Path, layer: str) -> None:
    """Write a GeoPackage."""
    pyogrio.write_dataframe(frame, path, driver="GPKG", layer=layer)


def file_gdb(frame: gpd.GeoDataFrame, path: Path, layer: str) -> None:
    """Write a FileGDB."""
    pyogrio.write_dataframe(frame, path, driver="OpenFileGDB", layer=layer, promote_to_multi=True)


def geoparquet(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write GeoParquet."""
    frame.to_parquet(path, index=False)


def geojson(frame: gpd.GeoDataFrame, path: Path, decimals: int = 9) -> None:
    """Write GeoJSON in CGCS2000 degrees (EPSG:4490); nine decimals are 0.1 mm."""
    pyogrio.write_dataframe(
        frame.to_crs("EPSG:4490"), path, driver="GeoJSON",
        layer_options={"RFC7946": "NO", "COORDINATE_PRECISION": str(decimals)},
    )  # fmt: skip


def gbk_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as office programs here save it: GBK, CRLF."""
    path.write_bytes(frame.to_csv(index=False, lineterminator="\r\n").encode("gbk"))


def workbook(frame: pd.DataFrame, path: Path, sheet: str, stamp: datetime) -> None:
    """Write a table as a workbook; all cells are text."""
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = sheet
    page.append(list(frame.columns))
    for row in frame.astype(str).itertuples(index=False):
        page.append(list(row))
    path.write_bytes(storage.workbook_bytes(book, stamp))

"""Layers for GIS staff: GeoPackage of the same bytes always, with the styles QGIS finds in it."""

from __future__ import annotations

import math
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pandas as pd
import pyogrio

from pipeline.storage.writing import require, writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd

    from pipeline.model import LayerStyle

GPKG_CLOCK = "2000-01-01T00:00:00.000Z"
"""Stands in gpkg_contents.last_change: a clock there would change the bytes of every run."""


def write_gpkg(
    path: Path, layers: Mapping[str, gpd.GeoDataFrame], styles: Sequence[LayerStyle] = ()
) -> None:
    """Write a new GeoPackage of named layers, for QGIS and ArcGIS; never into an existing file.

    styles: how a GIS shows the layers (table layer_styles, which QGIS reads by itself).

    The file is written in a private folder and moved into place: pyogrio deletes what it can't
    open for update. It is opened again: integrity, rows and the sums of its numbers.
    """
    with writing(path) as temporary:
        folder = tempfile.mkdtemp(dir=path.parent, prefix=f".{path.stem}.")
        try:
            fresh = os.path.join(folder, path.name)  # noqa: PTH118 - a str for GDAL
            with _fixed_clock():
                for name, frame in layers.items():
                    pyogrio.write_dataframe(
                        frame, fresh, layer=name, driver="GPKG", append=os.path.exists(fresh),  # noqa: PTH110 - as above
                        geometry_type="Unknown", promote_to_multi=False,
                    )  # fmt: skip
                if styles:
                    pyogrio.write_dataframe(
                        _style_rows(styles), fresh, layer="layer_styles", driver="GPKG",
                        append=True, layer_options={"FID": "id"},
                    )  # fmt: skip
            os.replace(fresh, temporary)  # noqa: PTH105 - as above
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
        require(path, "完整性检查", "ok", verdict)
        for name, frame in layers.items():
            where = f"图层 {name} 的"
            table = f'"{name}"'
            count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - ours
            require(path, f"{where}行数", len(frame), count)
            numbers = frame.select_dtypes("number")
            for column in numbers.columns:
                wanted = math.fsum(numbers[column].dropna())
                cells = db.execute(f'SELECT "{column}" FROM {table}')  # noqa: S608 - ours
                found = math.fsum(value for (value,) in cells if value is not None)
                require(path, f"{where} {column} 合计", wanted, found)


@contextmanager
def _fixed_clock() -> Iterator[None]:
    """Give GDAL a fixed date, so that a GeoPackage has the same bytes every time."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": GPKG_CLOCK})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})

"""Layers of the bad-input cases, cell by cell and shape by shape, and what is asked of all."""

import struct

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from ingest_cases import Case
from ingest_county import CRS, X0, Y0, plots, write, write_dbf, write_shp


def deliver(case: Case, frame, name="DLTB.gpkg", **options):
    path = case.folder() / name
    write(frame, path, layer="DLTB", **options)
    return path


def write_elsewhere(case, frame):
    """Put these plots into the previous export as well."""
    path = case.root / "exports/2022-12-31/DLTB.gpkg"
    path.unlink()
    write(frame, path, layer="DLTB")


# tables byte by byte

FIELDS = {
    "BSM": (b"BSM", b"C", 18),
    "DLBM": (b"DLBM", b"C", 5),
    "DLMC": (b"DLMC", b"C", 20),
    "ZLDWDM": (b"ZLDWDM", b"C", 19),
    "ZLDWMC": (b"ZLDWMC", b"C", 20),
    "TBMJ": (b"TBMJ", b"N", 15),
}


def as_bytes(value, encoding="gbk"):
    return value if isinstance(value, bytes) else str(value).encode(encoding)


def shapefile(case: Case, columns, count=4, encoding="gbk", **fields):
    """Write a shapefile of sound plots with some columns' cells replaced (text or raw bytes).

    fields: another (name, type, width) for a column.
    """
    path = case.folder() / "DLTB.shp"
    write_shp(plots(count), path)
    frame = plots(count)
    kinds = FIELDS | fields
    cells = {
        name: [as_bytes(v, encoding) for v in columns.get(name, frame.get(name, [""] * count))]
        for name in kinds
    }
    rows = list(zip(*cells.values(), strict=True))
    write_dbf(path.with_suffix(".dbf"), list(kinds.values()), rows)
    return path


def balanced(parcels, rejects, tbmj):
    """Check that rows and ΣTBMJ of what was delivered are those of what was taken and set aside."""
    assert len(parcels) + len(rejects) == len(tbmj)
    aside = pd.to_numeric(rejects["tbmj_text"], errors="coerce").sum() if len(rejects) else 0.0
    assert parcels["tbmj"].sum() + aside == pytest.approx(np.nansum(tbmj), abs=1e-6)


def rules(problems, severity=None):
    return {p["rule"] for p in problems if severity in {None, p["severity"]}}


def only(problems, rule):
    """Return the one problem of a rule."""
    (problem,) = [p for p in problems if p["rule"] == rule]
    return problem


LAND_NAMES = ["旱地", "其他林地", "河流水面", "果园"]


def with_shape(shape, at=1, count=4):
    frame = plots(count)
    geometry = frame.geometry.to_numpy().copy()
    geometry[at] = shape
    return frame.set_geometry(gpd.GeoSeries(geometry, crs=CRS))


def ring(*points):
    return shapely.Polygon([(X0 + 100 + x, Y0 + y) for x, y in points])


def set_aside(case, frame, rule, reason):
    """Ingest a layer of which one row can't be used; return the reject and its problem."""
    parcels, rejects, problems = case.accepted()
    assert list(rejects["rule"]) == [rule]
    assert list(rejects["source_row"]) == [2]
    assert list(rejects["bsm"]) == ["999901200000000002"]
    assert reason in rejects["reason"].item()
    problem = only(problems, rule)
    assert problem["severity"] == "错误"
    assert problem["found"] == rejects["reason"].item()
    assert problem["advice"] == "在原数据中修正该图形后重新导出"
    assert '"DLBM": "0307"' in rejects["attributes"].item()
    balanced(parcels, rejects, frame["TBMJ"])
    return rejects.iloc[0], problem


def patched(case, shapes):
    """Write a GeoPackage whose plots have these WKB geometries (by row number)."""
    import sqlite3  # noqa: PLC0415 - only here

    path = deliver(case, plots(), SPATIAL_INDEX="NO")
    with sqlite3.connect(path) as db:
        srs = db.execute("SELECT srs_id FROM gpkg_geometry_columns").fetchone()[0]
        for row, wkb in shapes.items():
            blob = b"GP\0\1" + struct.pack("<i", srs) + wkb
            db.execute("UPDATE DLTB SET geom = ? WHERE fid = ?", (blob, row))
    db.close()
    return path

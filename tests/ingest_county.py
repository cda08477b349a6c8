"""A county folder for tests: two towns, four plots, real files written by GDAL."""

import shutil
import struct
import warnings
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

from pipeline import measure
from pipeline.ingest.county import load_county

CRS = "EPSG:4524"
X0, Y0 = 36_580_000.0, 3_720_000.0
EXPORT = date(2023, 9, 30)
TOML = """
name = "示例县"
code = "999901"
crs = "EPSG:4524"
previous = "2022-12-31"
ledger = "2023-09-30"
deadline = "2023-12-20"
rules = "zhashui-2023"
[layers]
towns = "reference/XZQ.gpkg"
pbf = "reference/YJJBNTBHTB.gpkg"
target = "reference/GDBHMB.gpkg"
"""


def square(column, row=0, side=100.0):
    x, y = X0 + column * side, Y0 + row * side
    return shapely.box(x, y, x + side, y + side)


def plots(count=4):
    """Squares of 100 m in a row, the first half in 甲街办, the rest in 乙镇."""
    geometry = [square(n) for n in range(count)]
    area = measure.official_area(geometry, CRS)
    town = ["999901001" if n < count / 2 else "999901101" for n in range(count)]
    return gpd.GeoDataFrame(
        {
            "BSM": [f"999901200{n:09d}" for n in range(1, count + 1)],
            "DLBM": [("0103", "0307", "1101", "0201")[n % 4] for n in range(count)],
            "DLMC": [("旱地", "其他林地", "河流水面", "果园")[n % 4] for n in range(count)],
            "ZLDWDM": [f"{code}0010000000" for code in town],
            "ZLDWMC": ["东坡村" if code.endswith("001") else "西沟村" for code in town],
            "TBMJ": area,
            "KCXS": [0.1] * count,
        },
        geometry=geometry,
        crs=CRS,
    )


def write(frame, path, **options):
    """Write a real file; GDAL's warnings about narrow fields are not what is tested."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix == ".parquet":
            frame.to_parquet(path)
        elif "!" in path.name:  # GDAL takes it for an archive: write plainly, then rename
            plain = path.with_name(f"plain{path.suffix}")
            pyogrio.write_dataframe(frame, plain, **options)
            for part in path.parent.glob("plain.*"):
                part.rename(path.with_suffix(part.suffix))
        else:
            pyogrio.write_dataframe(frame, path, **options)


def write_shp(frame, path, encoding="GBK", *, cpg=None, ldid=0):
    """Write a shapefile with the given bytes, LDID and .cpg (None: no .cpg)."""
    write(frame, path, encoding=encoding, driver="ESRI Shapefile")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    data = bytearray(path.with_suffix(".dbf").read_bytes())
    data[29] = ldid
    path.with_suffix(".dbf").write_bytes(bytes(data))


def write_dbf(path, fields, rows):
    """Write a DBF byte by byte. fields: (name, type, width); cells: bytes as they stand."""
    length = 1 + sum(width for _, _, width in fields)
    header = 32 + 32 * len(fields) + 1
    data = struct.pack("<B3BIHH20x", 3, 123, 9, 30, len(rows), header, length)
    for name, kind, width in fields:
        data += struct.pack("<11sc4xBB14x", name, kind, width, 0)
    data += b"\r"
    for row in rows:
        data += b" " + b"".join(
            cell.ljust(width)[:width] for cell, (_, _, width) in zip(row, fields, strict=True)
        )
    path.write_bytes(data + b"\x1a")


def make_county(root: Path):
    """Write a sound county with its zones and the same four plots in both exports."""
    (root / "county.toml").write_text(TOML, encoding="utf-8")
    (root / "towns.csv").write_text(
        "code,name,aliases,group,basin\n"
        "999901001,甲街办,甲街道,第一督导组,甲河\n"
        "999901101,乙镇,,第一督导组,甲河\n",
        encoding="utf-8",
    )
    (root / "targets.csv").write_text("town,indicator,kind,value,unit,source\n", encoding="utf-8")
    towns = gpd.GeoDataFrame(
        {"XZQDM": ["999901001", "999901101"], "XZQMC": ["甲街办", "乙镇"]},
        geometry=[
            shapely.box(X0, Y0, X0 + 200, Y0 + 200),
            shapely.box(X0 + 200, Y0, X0 + 1000, Y0 + 200),
        ],
        crs=CRS,
    )
    write(towns, root / "reference/XZQ.gpkg", layer="XZQ")
    zone = plots(2)[["BSM", "DLBM", "ZLDWDM", "TBMJ", "geometry"]]
    write(zone, root / "reference/YJJBNTBHTB.gpkg", layer="YJJBNTBHTB")
    write(zone, root / "reference/GDBHMB.gpkg", layer="GDBHMB")
    for day in ("2022-12-31", "2023-09-30"):
        write(plots(), root / "exports" / day / "DLTB.gpkg", layer="DLTB")


def folder(root, day=EXPORT):
    """Return the export's folder, empty."""
    path = root / "exports" / day.isoformat()
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def county_of(root):
    return load_county(root)


def edit_toml(root, text):
    path = root / "county.toml"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def digest(root):
    """Return every file below root with its bytes."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def missing(values):
    return pd.isna(values).to_numpy()

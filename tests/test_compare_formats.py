"""One layer delivered in another format, shuffled and re-ringed, is an empty comparison."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely import MultiPolygon, Polygon, box

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import measure
from pipeline.compare import compare_products, csv_tables
from pipeline.ingest.read import read_parcels

CRS = "EPSG:4524"
X0, Y0 = 36_589_000.0, 3_712_000.0
FIRST, SECOND = date(2023, 9, 30), date(2023, 10, 31)
SIZE = 5


def layer():
    """Return 25 crooked plots of a DLTB with national field names, one with a hole."""
    rng = np.random.default_rng(7)
    at = np.arange(SIZE + 1) * 80.0
    xy = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1) + rng.uniform(-18, 18, (6, 6, 2))
    xy = np.round(xy + np.array((X0, Y0)), 4)
    corners = np.stack((xy[:-1, :-1], xy[1:, :-1], xy[1:, 1:], xy[:-1, 1:]), axis=2)
    shapes = shapely.polygons(corners.reshape(-1, 4, 2))
    middle = shapes[12].centroid
    hole = box(*np.round((middle.x - 5, middle.y - 5, middle.x + 5, middle.y + 5), 4))
    shapes = np.append(shapes, hole)
    shapes[12] = shapes[12].difference(hole)
    count = len(shapes)
    cropland = np.arange(count) % 3 == 0
    area = measure.official_area(shapes, CRS)
    kcmj = np.where(cropland, measure.round_half_up(area * 0.1), 0.0)
    columns = {
        "BSM": [f"990001200100{i:06d}" for i in range(count)],
        "YSDM": "2001010100",
        "TBBH": [f"{i:05d}" for i in range(count)],
        "DLBM": np.where(cropland, "0103", "0307"),
        "DLMC": np.where(cropland, "旱地", "其他林地"),
        "QSXZ": "30",
        "ZLDWDM": "9900010010010000000",
        "ZLDWMC": "河口村",
        "TBMJ": area,
        "KCXS": np.where(cropland, 0.1, 0.0),
        "KCMJ": kcmj,
        "TBDLMJ": measure.round_half_up(area - kcmj),
        "ZZSXDM": np.where(cropland, "LS", None),
        "GDPDJB": np.where(cropland, "2", None),
        "BZ": ["路边" if i % 5 else None for i in range(count)],
    }
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def reformed(frame):
    """Return the rows shuffled and every ring started elsewhere, turned round, as multi parts."""
    frame = frame.sample(frac=1, random_state=3, ignore_index=True)
    return frame.set_geometry([_respelled(shape) for shape in frame.geometry])


def _respelled(shape):
    ring = list(shape.exterior.coords)[:-1]
    holes = [list(hole.coords)[::-1] for hole in shape.interiors]
    return MultiPolygon([Polygon((ring[2:] + ring[:2])[::-1], holes)])


def delivered(county, root, day, frame, how):
    """Write one export as a real file and return the parcels that ingest makes of it."""
    name, options = how
    folder = root / "exports" / day.isoformat()
    folder.mkdir(parents=True)
    (root / "reference").mkdir(exist_ok=True)
    strips = [box(X0 + x, Y0 - 500, X0 + x + 1400, Y0 + 900) for x in (-500, 900, 2300)]
    names = {"XZQDM": [t.code for t in county.towns], "XZQMC": [t.name for t in county.towns]}
    towns = gpd.GeoDataFrame(names, geometry=strips, crs=CRS)
    pyogrio.write_dataframe(towns, root / "reference" / "towns.gpkg", layer="towns")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # GDAL says that it cuts long text
        pyogrio.write_dataframe(frame, folder / name, **options)
    here = replace(county, root=root, exports=(day,))
    return read_parcels(here, day).frame


GPKG = ("DLTB.gpkg", {"layer": "DLTB"})
FORMATS = {
    "gpkg": GPKG,
    "shp": ("DLTB.shp", {"encoding": "GB18030"}),
    "gdb": ("DLTB.gdb", {"layer": "DLTB", "driver": "OpenFileGDB"}),
    "geojson": ("DLTB.geojson", {}),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_re_export_in_another_format_is_an_empty_diff(name, county, tmp_path):
    old = delivered(county, tmp_path / "a", FIRST, layer(), GPKG)
    new = delivered(county, tmp_path / "b", SECOND, reformed(layer()), FORMATS[name])
    found = compare_products(old, new, crs=CRS)
    assert len(found.links) == SIZE * SIZE + 1
    assert set(found.links["relation"]) == {"same"}
    assert found.empty
    assert found.losses.empty
    assert all(layer.empty for layer in found.layers.values())


def test_degrees_with_seven_decimals_are_an_empty_diff_with_a_loss_of_form(county, tmp_path):
    old = delivered(county, tmp_path / "a", FIRST, layer(), GPKG)
    degrees = reformed(layer()).to_crs("EPSG:4490")
    options = {"driver": "GeoJSON", "COORDINATE_PRECISION": 7}
    new = delivered(county, tmp_path / "b", SECOND, degrees, ("DLTB.geojson", options))
    found = compare_products(old, new, crs=CRS)
    assert found.empty
    assert found.losses[["loss", "plots"]].to_numpy().tolist() == [["coordinates", 26]]
    assert found.flows[["old_bsm", "new_bsm"]].notna().all(axis=None), "rounding is no ground"


@pytest.mark.parametrize("name", FORMATS)
def test_what_changed_is_told_the_same_whatever_the_format(name, county, tmp_path):
    before, after = layer(), layer()
    after.loc[3, ["DLBM", "DLMC"]] = ["0702", "农村宅基地"]
    after.loc[7, "BSM"] = "990001200100999999"
    after.loc[20, "geometry"] = after.geometry[20].union(after.geometry[21])
    after = after.drop(index=21)
    old = delivered(county, tmp_path / "a", FIRST, before, GPKG)
    exact = delivered(county, tmp_path / "b", SECOND, after, GPKG)
    other = delivered(county, tmp_path / "c", SECOND, reformed(after), FORMATS[name])
    tables = [csv_tables(compare_products(old, new, crs=CRS)) for new in (exact, other)]
    assert sorted(tables[0]["changes.csv"]["relation"]) == [
        "merged", "merged", "recoded", "renumbered",
    ]  # fmt: skip
    for table in tables[0]:
        pd.testing.assert_frame_equal(tables[0][table], tables[1][table])


CHINESE = {
    "BSM": "标识码", "DLBM": "地类编码", "DLMC": "地类名称", "ZLDWDM": "坐落单位代码",
    "ZLDWMC": "坐落单位名称", "TBMJ": "图斑面积", "KCMJ": "扣除地类面积", "TBDLMJ": "图斑地类面积",
    "BZ": "备注",
}  # fmt: skip


def test_other_column_names_cut_short_and_in_another_order_are_an_empty_diff(county, tmp_path):
    frame = layer()[["geometry", *reversed(list(layer().columns.drop("geometry")))]]
    old = delivered(county, tmp_path / "a", FIRST, layer(), GPKG)
    # GDAL cuts the longer of these names to the ten bytes of a DBF
    named = reformed(frame).rename(columns=CHINESE)
    new = delivered(county, tmp_path / "b", SECOND, named, FORMATS["shp"])
    found = compare_products(old, new, crs=CRS)
    assert found.empty
    assert found.losses.empty


def test_heights_are_dropped_and_no_change(county, tmp_path):
    old = delivered(county, tmp_path / "a", FIRST, layer(), GPKG)
    high = reformed(layer())
    high = high.set_geometry(shapely.force_3d(high.geometry.to_numpy(), 712.5))
    new = delivered(county, tmp_path / "b", SECOND, high, GPKG)
    assert compare_products(old, new, crs=CRS).empty


def test_a_dbf_that_drops_the_time_of_day_is_a_loss_of_form(county, tmp_path):
    frame = layer().assign(BZ=pd.Timestamp("2023-09-30 10:11:12"))
    old = delivered(county, tmp_path / "a", FIRST, frame, GPKG)
    day = reformed(frame).assign(BZ=lambda f: f["BZ"].dt.date)
    new = delivered(county, tmp_path / "b", SECOND, day, FORMATS["shp"])
    found = compare_products(old, new, crs=CRS)
    assert found.empty
    assert found.losses[["loss", "field", "poorer", "plots"]].to_numpy().tolist() == [
        ["time_dropped", "BZ", "new", 26]
    ]


def test_what_a_shapefile_loses_is_reported_apart(county, tmp_path):
    # 130 characters: 260 bytes of GBK, a DBF field holds 254
    frame = layer().assign(BZ="柞" * 130, TBMJ=lambda f: f["TBMJ"] + 0.004)
    old = delivered(county, tmp_path / "a", FIRST, frame, GPKG)
    short = reformed(frame).assign(TBMJ=lambda f: measure.round_half_up(f["TBMJ"]))
    shp = ("DLTB.shp", {"encoding": "GB18030"})
    new = delivered(county, tmp_path / "b", SECOND, short.drop(columns="TBBH"), shp)
    found = compare_products(old, new, crs=CRS)
    assert found.empty
    assert found.losses[["loss", "field", "poorer", "plots"]].to_numpy().tolist() == [
        ["undelivered", F.TBBH.national, "new", 26],
        ["text_cut", F.BZ.national, "new", 26],
        ["decimals", F.TBMJ.national, "new", 26],
    ]

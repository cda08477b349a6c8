"""Files of an export read one by one and kept between runs: the same as all read at once."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from ingest_county import CRS, EXPORT, X0, Y0, county_of, folder, make_county, plots, write
from pandas.testing import assert_frame_equal

from pipeline import storage
from pipeline.errors import InputError
from pipeline.ingest import parts
from pipeline.ingest.files import source_files
from pipeline.ingest.read import put_together, read_one, read_parcels, read_towns

LOOP = shapely.Polygon(
    [(0, 0), (100, 0), (100, 100), (0.05, 100), (-0.05, 99.9), (0.05, 99.9), (0, 100)]
)
BOWTIE = shapely.Polygon([(0, 0), (60, 60), (60, 0), (0, 60)])


def at(shape, column):
    return shapely.transform(shape, lambda xy: xy + np.array([X0 + 100 * column, Y0]))


@pytest.fixture
def county(tmp_path):
    """An export in two files with every kind of row, and one that holds other layers only."""
    make_county(tmp_path)
    frame = plots(8)
    shapes = frame.geometry.to_list()
    shapes[1], shapes[2], shapes[5], shapes[6] = at(LOOP, 1), at(BOWTIE, 2), None, at(BOWTIE, 6)
    frame = frame.set_geometry(gpd.GeoSeries(shapes, crs=CRS))
    frame.loc[6, "TBMJ"] = np.nan
    frame.loc[7, "BSM"] = frame.loc[0, "BSM"]  # known from the other file
    frame.loc[4, "TBMJ"] += 50
    first, second = frame.iloc[:4], frame.iloc[4:]
    export = folder(tmp_path)
    write(first, export / "一.gpkg", layer="DLTB", geometry_type="Unknown")
    write(second, export / "二.gpkg", layer="DLTB", geometry_type="Unknown")
    write(plots(), export / "线状.gpkg", layer="XZDW")
    return county_of(tmp_path)


def kept(rows, folder, number):
    """Write a part and read it again, as a run does."""
    columns, document = folder / f"{number}.parquet", folder / f"{number}.json"
    drawn = rows.drawn
    storage.write_shelved(columns, parts.columns_of(rows), drawn.shapes, drawn.boxes, CRS)
    storage.write_json(document, parts.document_of(rows))
    return parts.kept(*storage.read_shelved(columns), storage.read_json(document))


def test_files_read_one_by_one_and_kept_give_what_all_at_once_give(county, tmp_path):
    whole = read_parcels(county, EXPORT)
    assert set(whole.rejects["rule"]) == {"GEOM_INVALID", "GEOM_NULL", "BSM_DUPLICATE"}
    assert len(whole.log["repairs"]) == 1
    towns = read_towns(county, EXPORT)
    files = source_files(county, EXPORT)
    assert len(files) == 3
    rows = [
        kept(read_one(county, EXPORT, path, towns), tmp_path, number)
        for number, path in enumerate(files)
    ]
    result = put_together(county, EXPORT, rows, towns)
    assert_geodataframe_equal(result.frame, whole.frame)
    assert result.frame.geometry.to_wkb().equals(whole.frame.geometry.to_wkb())
    assert_geodataframe_equal(result.rejects, whole.rejects)
    assert_frame_equal(result.problems, whole.problems)
    assert (result.account, result.log) == (whole.account, whole.log)
    for layer, frame in whole.ground.items():
        assert_geodataframe_equal(result.ground[layer], frame)


def test_a_file_delivered_twice_is_told_when_the_parts_come_together(county):
    one = county.root / f"exports/{EXPORT}/一.gpkg"
    one.with_name("三.gpkg").write_bytes(one.read_bytes())
    towns = read_towns(county, EXPORT)
    rows = [read_one(county, EXPORT, path, towns) for path in source_files(county, EXPORT)]
    with pytest.raises(InputError, match="逐字节相同，同一份数据放了两次"):
        put_together(county, EXPORT, rows, towns)

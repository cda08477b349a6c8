"""GeoParquet of ours: shapes that pass from file to file undecoded, rows chosen by their place."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from pipeline import storage
from pipeline.errors import OutputError

CRS = "EPSG:4524"
EAST, NORTH = 36_500_000, 3_700_000


def squares(count, first=0):
    """Return squares of 10 m in a row, every third with a hole, one without a shape."""
    shapes = [
        shapely.box(EAST + 20 * at, NORTH, EAST + 20 * at + 10, NORTH + 10)
        for at in range(first, first + count)
    ]
    shapes[::3] = [shape.difference(shape.centroid.buffer(1)) for shape in shapes[::3]]
    names = [f"{at:04d}" for at in range(first, first + count)]
    flags = pd.Series([None if at % 2 else "甲" for at in range(count)], dtype="str")
    return gpd.GeoDataFrame({"bsm": names, "flags": flags}, geometry=shapes, crs=CRS)


@pytest.fixture
def small_groups(monkeypatch):
    """Let a file of a few rows have several groups, as a county's has."""
    monkeypatch.setattr(storage.frames, "GROUP_ROWS", 4)


@pytest.mark.usefixtures("small_groups")
def test_shapes_carried_on_give_the_file_that_writing_the_frame_gives(tmp_path):
    frame = squares(11)
    storage.write_frame(tmp_path / "a.parquet", frame, bbox=True, group_rows=4)
    columns = storage.read_columns(tmp_path / "a.parquet")
    storage.write_onto(
        tmp_path / "b.parquet", columns, storage.read_shapes([tmp_path / "a.parquet"])
    )
    assert (tmp_path / "b.parquet").read_bytes() == (tmp_path / "a.parquet").read_bytes()


@pytest.mark.usefixtures("small_groups")
def test_shapes_of_several_files_come_in_the_order_asked_for(tmp_path):
    frame = squares(9)
    parts = [frame.iloc[[0, 2, 5, 8]], frame.iloc[[1, 3, 4, 6, 7]], frame.iloc[:0]]
    files = [tmp_path / f"{number}.parquet" for number in range(3)]
    for file, part in zip(files, parts, strict=True):
        storage.write_frame(file, part, bbox=True)
    columns = pd.concat([storage.read_columns(file) for file in files], ignore_index=True)
    order = columns.sort_values("bsm").index.to_numpy()
    storage.write_onto(
        tmp_path / "joined.parquet", columns.iloc[order], storage.read_shapes(files), order
    )
    assert_geodataframe_equal(storage.read_frame(tmp_path / "joined.parquet"), frame)


def test_only_rows_near_a_place_are_read(tmp_path):
    frame = squares(9)
    storage.write_frame(tmp_path / "a.parquet", frame, bbox=True)
    places = frame.geometry.iloc[[2, 7]].translate(11, 0).bounds.to_numpy()  # in the gap
    near = storage.read_frame(tmp_path / "a.parquet", near=places)
    assert list(near["bsm"]) == ["0003", "0008"]
    assert_geodataframe_equal(near, frame.iloc[[3, 8]].reset_index(drop=True))


def test_a_place_where_nothing_lies_gives_no_rows(tmp_path):
    storage.write_frame(tmp_path / "a.parquet", squares(3), bbox=True)
    assert len(storage.read_frame(tmp_path / "a.parquet", near=np.zeros((0, 4)))) == 0
    assert len(storage.read_frame(tmp_path / "a.parquet", near=np.array([[0.0, 0, 1, 1]]))) == 0


def test_shapes_that_come_back_different_are_found_out(tmp_path, monkeypatch):
    storage.write_frame(tmp_path / "a.parquet", squares(3), bbox=True)
    other = storage.read_shapes([tmp_path / "a.parquet"])
    columns = storage.read_columns(tmp_path / "a.parquet")
    read = storage.frames.pq.ParquetFile.read_row_group

    def turned(self, number):
        return read(self, number).take([2, 1, 0])

    monkeypatch.setattr(storage.frames.pq.ParquetFile, "read_row_group", turned)
    with pytest.raises(OutputError, match="核对不符"):
        storage.write_onto(tmp_path / "b.parquet", columns, other)
    assert not (tmp_path / "b.parquet").exists()


def test_rows_are_chosen_by_what_they_hold_and_where_they_lie(tmp_path):
    frame = squares(9)
    path = tmp_path / "a.parquet"
    storage.write_frame(path, frame, bbox=True, group_rows=4)
    marked = storage.read_frame(path, only={"flags": ["甲", "乙"]})
    assert_geodataframe_equal(marked, frame.iloc[::2].reset_index(drop=True))
    places = frame.geometry.iloc[[3, 8]].bounds.to_numpy()
    both = storage.read_frame(path, ["bsm", "geometry"], only={"flags": ["甲"]}, near=places)
    assert list(both["bsm"]) == ["0008"]
    assert len(storage.read_frame(path, only={"flags": ["乙"]})) == 0

"""A survey read in blocks of a few rows is the survey read in one."""

import mmap
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from ingest_county import CRS, EXPORT, X0, Y0, county_of, folder, make_county, plots, write
from pandas.testing import assert_frame_equal

from pipeline.ingest.mapped import content, let_go
from pipeline.ingest.read import read_parcels

BOWTIE = shapely.Polygon([(0, 0), (60, 60), (60, 0), (0, 60)])
DRIVERS = {
    ".shp": {},
    ".gpkg": {"layer": "DLTB"},
    ".gdb": {"layer": "DLTB", "driver": "OpenFileGDB"},
    ".parquet": {},
}


def _delivered(root, suffix):
    """An export of eleven plots: overlapping, repeated, without shape or area, of another town."""
    make_county(root)
    frame = plots(11)
    shapes = frame.geometry.to_list()
    shapes[2] = shapely.transform(BOWTIE, lambda xy: xy + np.array([X0 + 200, Y0]))
    shapes[4] = shapely.union(shapes[4], shapely.transform(shapes[5], lambda xy: xy - [60, 0]))
    shapes[7] = None
    frame = frame.set_geometry(gpd.GeoSeries(shapes, crs=CRS))
    frame.loc[3, "TBMJ"] += 50
    frame.loc[9, "TBMJ"] = np.nan
    frame.loc[8, "BSM"] = frame.loc[1, "BSM"]
    frame.loc[10, "ZLDWDM"] = None
    frame.loc[6, "DLMC"] = " 旱地\n"
    write(frame, folder(root) / f"图斑{suffix}", **DRIVERS[suffix])
    return county_of(root)


@pytest.mark.parametrize("suffix", DRIVERS)
def test_blocks_of_three_rows_give_what_one_block_gives(suffix, tmp_path, monkeypatch):
    county = _delivered(tmp_path, suffix)
    whole = read_parcels(county, EXPORT)
    assert {"BSM_DUPLICATE", "GEOM_NULL"} <= set(whole.rejects["rule"])
    assert len(whole.ground["overlaps"])
    assert {"TOWN_UNKNOWN", "PLOT_OVERLAP", "TBMJ_DIFFERS"} <= set(whole.problems["rule"])

    monkeypatch.setattr("pipeline.storage.shelf.BLOCK_ROWS", 3)
    for module in ("filegdb", "gpkg", "geoparquet"):
        monkeypatch.setattr(f"pipeline.ingest.sources.{module}.BLOCK_ROWS", 3)
    cut = read_parcels(county, EXPORT)
    assert len(cut.table.ends) > 3
    assert_geodataframe_equal(cut.frame, whole.frame)
    assert_geodataframe_equal(cut.rejects, whole.rejects)
    assert_frame_equal(cut.problems, whole.problems)
    assert (cut.account, cut.log) == (whole.account, whole.log)
    for layer, frame in whole.ground.items():
        assert_geodataframe_equal(cut.ground[layer], frame)


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="no such advice on this system")
def test_a_mapped_file_that_was_looked_at_is_not_in_memory_any_more(tmp_path):
    path = tmp_path / "大.shp"
    path.write_bytes(b"x" * (8 << 20))
    data = np.frombuffer(content(path), np.uint8).reshape(-1, 64)
    assert data[:, 5:9].sum() == data.shape[0] * 4 * ord("x")
    assert _resident_kb(path) >= 8 << 10
    let_go(data[:, 5:9])
    assert _resident_kb(path) == 0
    assert data[70_000, 3] == ord("x")  # asked again, it is read again


def _resident_kb(path):
    maps = pd.Series(Path("/proc/self/smaps").read_text(encoding="utf-8").split("\n"))
    start = maps.index[maps.str.endswith(path.name)][0]
    return int(maps[start:][maps[start:].str.startswith("Rss:")].iloc[0].split()[1])

"""The synthetic county: a sound coverage, consistent attributes, the same bytes every time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from pipeline.errors import ConfigError
from pipeline.sample import make_sample

LEDGER = "exports/2023-09-30"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("one") / "raw"
    make_sample(root, scale="tiny")
    return root


@pytest.fixture(scope="module")
def plots(tiny):
    """DLTB at the ledger's date, as delivered."""
    return pyogrio.read_dataframe(next((tiny / LEDGER).glob("*.gdb")))


def test_the_same_seed_gives_the_same_bytes_and_geodatabases_of_the_same_rows(tiny, tmp_path):
    make_sample(tmp_path / "raw", scale="tiny")

    def hashes(root):
        files = (p for p in sorted(root.rglob("*")) if p.is_file() and ".gdb" not in str(p))
        return {
            p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in files
        }

    assert hashes(tiny) == hashes(tmp_path / "raw")
    for gdb in sorted(tiny.rglob("*.gdb")):
        one = pyogrio.read_dataframe(gdb)
        other = pyogrio.read_dataframe(tmp_path / "raw" / gdb.relative_to(tiny))
        assert (one.geometry.to_wkb() == other.geometry.to_wkb()).all()
        pd.testing.assert_frame_equal(
            pd.DataFrame(one.drop(columns="geometry")), pd.DataFrame(other.drop(columns="geometry"))
        )


def test_another_seed_is_another_county(tiny, tmp_path):
    make_sample(tmp_path / "raw", scale="tiny", seed=7)
    name = "reference/清单/核实处置自提.csv"
    assert (tmp_path / "raw" / name).read_bytes() != (tiny / name).read_bytes()


def test_the_plots_cover_the_county_without_gap_or_overlap(plots):
    shapes = shapely.set_precision(plots.geometry.to_numpy(), 1e-4, mode="valid_output")
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    whole = shapely.coverage_union_all(shapes)
    assert whole.geom_type in {"Polygon", "MultiPolygon"}
    assert shapely.get_num_interior_rings(shapely.get_parts(whole)).sum() == 0


def test_areas_close_on_the_control_area_of_every_town(tiny, plots):
    towns = pyogrio.read_dataframe(tiny / "reference/行政区/XZQ.shp", encoding="GBK")
    cm2 = (plots["TBMJ"] * 100).round().astype(np.int64)
    sums = cm2.groupby(plots["ZLDWDM"].str[:9]).sum()
    control = (towns.set_index("XZQDM")["DCMJ"] * 100).round().astype(np.int64)
    assert sums.to_dict() == control.to_dict()


def test_attributes_follow_the_code_rules(plots):
    """domain rules: KCMJ, TBDLMJ, GDPDJB, GDLX, KCDLBM, ZZSXDM, XZDWKD (三调数据库检查规则)."""
    grown = plots["DLBM"].str.startswith("01")
    empty = plots[["GDLX", "GDPDJB", "KCDLBM"]].fillna("").eq("")
    assert plots["BSM"].is_unique
    assert plots["BSM"].str.fullmatch(r"\d{18}").all()
    assert plots["ZLDWDM"].str.fullmatch(r"\d{12}0{7}").all()
    assert not plots.duplicated(["ZLDWDM", "TBBH"]).any()
    assert grown.any()
    assert plots.loc[grown, "GDPDJB"].isin(list("12345")).all()
    assert plots.loc[grown, "ZZSXDM"].fillna("").ne("").all()
    assert empty[~grown].all(axis=None)
    assert (plots.loc[~grown, "KCXS"].fillna(0) == 0).all()
    steep = grown & plots["GDPDJB"].ne("1")
    assert plots.loc[steep, "GDLX"].isin(["TT", "PD"]).all()
    assert plots.loc[plots["KCXS"] > 0, "KCDLBM"].eq("1203").all()
    net = plots["TBMJ"] - plots["KCMJ"] - plots["TBDLMJ"]
    assert net.abs().max() < 0.011
    linear = plots["DLBM"].isin(["1001", "1003", "1004", "1006", "1009", "1101", "1107", "1107A"])
    assert (plots.loc[~linear, "XZDWKD"].fillna(0) == 0).all()


def test_no_personal_data_is_delivered(tiny):
    zone = pyogrio.read_dataframe(next(tiny.rglob("YJJBNTBHTB.gdb")))
    assert {"ZRRZJHM", "ZRRMC", "LXDH"} <= set(zone.columns)
    assert zone[["ZRRZJHM", "ZRRMC", "LXDH"]].fillna("").eq("").all(axis=None)


def test_delivery_is_messy_as_in_life(tiny):
    """GBK DBF without .cpg and with language byte 0; one CRS with zone prefix, one without."""
    dbf = sorted((tiny / "exports/2022-12-31").glob("*.dbf"))
    assert len(dbf) == 3
    assert not list(tiny.rglob("*.cpg"))
    assert {file.read_bytes()[29] for file in dbf} == {0}
    crs = {
        gpd.read_file(file, rows=1).crs.to_epsg()
        for file in (dbf[0].with_suffix(".shp"), next((tiny / LEDGER).glob("*.gdb")))
    }
    assert crs == {4524, 4545}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": "huge"}, "huge"),
        ({"code": "61"}, "61"),
        ({"exports": 9}, "9"),
    ],
)
def test_impossible_wishes_are_refused_before_anything_is_written(tmp_path, options, said):
    with pytest.raises(ConfigError, match=said):
        make_sample(tmp_path / "raw", **{"scale": "tiny"} | options)
    assert not (tmp_path / "raw").exists()


def test_a_county_of_the_users_own_is_never_touched(tmp_path):
    own = tmp_path / "raw" / "county.toml"
    own.parent.mkdir()
    own.write_text('name = "某县"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"county\.toml"):
        make_sample(tmp_path / "raw", scale="tiny")
    assert own.read_text(encoding="utf-8") == 'name = "某县"\n'
    assert [p.name for p in Path(tmp_path / "raw").iterdir()] == ["county.toml"]

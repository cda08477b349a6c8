"""Bad input by case number (docs/ingest-cases.md): coordinate systems, the machine's settings."""

import os
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from ingest_cases import DAY
from ingest_county import CRS, digest, plots, write, write_shp
from ingest_layers import balanced, deliver, shapefile


def declared(case, crs, frame=None):
    """Deliver sound coordinates under another declaration."""
    frame = plots() if frame is None else frame
    return deliver(case, frame.set_crs(crs, allow_override=True))


def test_case_47_declared_degrees_with_metres(case):
    declared(case, 4490)
    said = case.refused()
    assert f"exports/{DAY}/DLTB.gpkg" in said
    assert "EPSG:4490（经纬度（度）），坐标却是带 3 度带号 36 的高斯-克吕格坐标：x 36580000" in said
    assert "使二者一致" in said


@pytest.mark.parametrize("code", [4524, 4545, 4490])
def test_case_48_swapped_axes_are_refused_not_mended(case, code):
    frame = plots().to_crs(code)
    swapped = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    deliver(case, frame.set_geometry(gpd.GeoSeries(swapped, crs=code)))
    said = case.refused()
    assert "坐标X、Y 颠倒（北坐标在前）" in said
    assert "对调 X、Y 后重新导出（东坐标为 x）；程序不自行对调" in said


def test_case_49_no_prefix_and_no_zone(case):
    path = case.folder() / "DLTB.shp"
    write_shp(plots().to_crs(4545), path)
    path.with_suffix(".prj").unlink()
    said = case.refused()
    assert "没有声明坐标系（缺 .prj），坐标不带带号，无法确定中央经线：x 580000" in said
    assert '为 parcels 写明 crs（如 crs = "EPSG:4545"）' in said


def test_case_50_prj_of_the_next_zone(case):
    declared(case, 4525)
    said = case.refused()
    assert "EPSG:4525（带 3 度带号 37 的高斯-克吕格坐标），坐标却是带 3 度带号 36" in said


@pytest.mark.parametrize(
    ("code", "evidence"),
    [
        (4546, "离本县工作坐标系 EPSG:4524 的中央经线 108° 太远"),
        (4544, "半数以上图形不在行政区图层的范围内（坐标系 EPSG:4544，x 580000"),
    ],
)
def test_case_50_wrong_meridian_without_prefix(case, code, evidence):
    deliver(case, plots().to_crs(4545).set_crs(code, allow_override=True))
    said = case.refused()
    assert evidence in said
    assert "核对" in said.split("处理办法")[1]


def with_prj(case, change, code=4524):
    path = case.folder() / "DLTB.shp"
    write_shp(plots().to_crs(code), path)
    text = pyproj.CRS.from_epsg(code).to_wkt("WKT1_ESRI")
    path.with_suffix(".prj").write_text(change(text), encoding="utf-8")
    return path


def test_case_51_name_and_parameters_disagree(case):
    with_prj(case, lambda t: t.replace('"Central_Meridian",108.0', '"Central_Meridian",111.0'))
    said = case.refused()
    assert "（中央经线 111，东偏移 36500000，比例 1）不是标准 3 度带或 6 度带" in said


def test_case_51_only_the_name_is_wrong(case):
    with_prj(case, lambda t: t.replace("GK_CM_108E", "GK_Zone_37"), code=4545)
    assert "名称与参数矛盾" in case.refused()


@pytest.mark.parametrize(
    ("code", "datum"),
    [
        (2360, "西安 80（椭球 6378140/298.257）"),
        (2412, "北京 54（椭球 6378245/298.3）"),
        (32649, "WGS 84 UTM（比例 0.9996）"),
        (3857, "Web 墨卡托"),
        (4326, "WGS 84（椭球 6378137/298.257224）"),
    ],
)
def test_case_52_other_datums_and_projections_are_named(case, code, datum):
    if code in {2360, 2412}:
        declared(case, code)
    else:
        deliver(case, plots().to_crs(code))
    said = case.refused()
    assert f"是{datum}" in said
    assert "不是 CGCS2000" in said
    assert "请原单位转换到 CGCS2000" in said
    assert "须按官方参数转换，不能只改 .prj" in said


def test_case_52_utm_declared_as_gauss_krueger_is_told_by_tbmj(case):
    """1.5 km off: inside the county still, and no declaration is at odds; the areas are."""
    frame = plots(6)
    crs = pyproj.CRS.from_proj4("+proj=tmerc +lon_0=108 +k=0.9996 +x_0=36500000 +ellps=GRS80")
    moved = frame.to_crs(crs).set_crs(CRS, allow_override=True)
    deliver(case, moved)
    said = case.refused()
    assert "DLTB.gpkg 字段 TBMJ" in said
    assert "整层相差 +800 ppm" in said
    assert "UTM 误作高斯-克吕格" in said


@pytest.mark.parametrize(
    ("old", "new"),
    [("36500000.0", "700000.0"), ('"Central_Meridian",108.0', '"Central_Meridian",114.75')],
)
def test_case_53_local_grids(case, old, new):
    with_prj(case, lambda t: t.replace(old, new))
    assert "不是标准 3 度带或 6 度带" in case.refused()


def test_case_54_zones_of_one_run_are_brought_together(case):
    frame = plots()
    folder = case.folder()
    for n, code in enumerate((4524, 4545, 4525, 4497)):
        write(frame.iloc[n : n + 1].to_crs(code), folder / f"{n}.gpkg", layer="DLTB")
    parcels, rejects, problems = case.accepted()
    assert parcels.geometry.centroid.distance(frame.centroid).max() < 0.001
    notes = [p for p in problems if p["rule"] == "CRS_REPROJECTED"]
    assert [n["source_file"][-6:] for n in notes] == ["1.gpkg", "2.gpkg", "3.gpkg"]
    assert "坐标系是 EPSG:4497，已换算到本县坐标系 EPSG:4524" in notes[2]["found"]
    assert "不改基准" in notes[2]["advice"]
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_54_two_frames_in_one_layer(case):
    frame = plots()
    moved = frame.geometry.to_numpy().copy()
    moved[2:] = shapely.transform(moved[2:], lambda xy: xy - np.array((36_000_000, 0)))
    deliver(case, frame.set_geometry(gpd.GeoSeries(moved, crs=CRS)))
    said = case.refused()
    assert "同一图层混有" in said
    assert "不带带号的高斯-克吕格坐标" in said


def test_crs_with_unquoted_authority_codes(case):
    wkt = pyproj.CRS.from_epsg(4524).to_wkt("WKT1_GDAL")
    with_prj(case, lambda _: wkt.replace('"EPSG","4524"', "EPSG,4524"))
    parcels, rejects, _ = case.accepted()
    balanced(parcels, rejects, plots()["TBMJ"])


def test_crs_of_another_province_than_the_countys_code(case):
    toml = case.root / "county.toml"
    for path in (toml, case.root / "towns.csv"):
        path.write_text(path.read_text(encoding="utf-8").replace("999901", "330102"), "utf-8")
    said = case.refused()
    assert "不在县代码 330102 所属的浙江范围内" in said


# 75: the machine's settings


PLACES = [
    {"LC_ALL": "C", "TZ": "UTC"},
    {"LC_ALL": "C.UTF-8", "TZ": "Asia/Shanghai", "PYTHONHASHSEED": "1"},
    {"LANG": "C", "TZ": "America/Anchorage", "PYTHONIOENCODING": "cp936", "PYTHONHASHSEED": "2"},
]


def test_case_75_locale_time_zone_and_console_change_nothing(case, tmp_path):
    shapefile(case, {"ZLDWMC": ["东坡村", "西沟村", "𠮷村", "东坡村"]}, encoding="gb18030")
    made = []
    for n, place in enumerate(PLACES):
        out = tmp_path / str(n)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TZ"))}
        command = [sys.executable, "-W", "error", "-m", "pipeline", "ledger"]
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, "--county", str(case.root), "--out", str(out)],
            env=kept | place,
            cwd=Path(__file__).parent.parent,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "入库".encode() in done.stderr
        made.append({k: v for k, v in digest(out).items() if not k.endswith(".state.json")})
    assert made[0] == made[1] == made[2]
    assert any(name.endswith("ledger.parquet") for name in made[0])

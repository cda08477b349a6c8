"""Coordinate systems, geometry, values and towns: decided from evidence, or refused in Chinese."""

import geopandas as gpd
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_county import (
    CRS,
    EXPORT,
    X0,
    Y0,
    county_of,
    edit_toml,
    folder,
    make_county,
    plots,
    square,
    write,
    write_dbf,
    write_shp,
)

from pipeline.errors import ConfigError, InputError
from pipeline.ingest.parameters import identify
from pipeline.ingest.read import read_parcels, read_role


@pytest.fixture
def root(tmp_path):
    make_county(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("county")
    make_county(root)
    return root


def refused(root):
    with pytest.raises(InputError) as caught:
        read_parcels(county_of(root), EXPORT)
    return str(caught.value)


def read(root, frame, **options):
    write(frame, folder(root) / "DLTB.gpkg", layer="DLTB", **options)
    return read_parcels(county_of(root), EXPORT)


def shifted(dx, dy=0.0):
    frame = plots()
    return frame.set_geometry(frame.translate(dx, dy).set_crs(CRS))


# CRS


@pytest.mark.parametrize("code", [4545, 4490, 4525, 4546])
def test_other_cgcs2000_frames_are_brought_over(root, code):
    source = plots().to_crs(code)
    result = read(root, source)
    difference = result.frame.geometry.centroid.distance(plots().centroid)
    # a grid of 0.0001 m and, for degrees, GDAL's own digits
    assert difference.max() < 0.001
    assert result.log["files"][0]["crs"].startswith(f"EPSG:{code}：声明的参数与坐标数值一致")


@pytest.mark.parametrize(("name", "code"), [("WGS 84 UTM", 32649), ("Web", 3857)])
def test_foreign_projections_are_refused(root, name, code):
    write(plots().to_crs(code), folder(root) / "DLTB.gpkg", layer=name.split()[0])
    message = refused(root)
    assert "不是 CGCS2000" in message or "Web 墨卡托" in message
    assert "请原单位转换到 CGCS2000" in message


@pytest.mark.parametrize("code", [2360, 2412])
def test_old_datums_with_the_same_easting_are_refused(root, code):
    write(plots().set_crs(code, allow_override=True), folder(root) / "DLTB.gpkg", layer="DLTB")
    assert "（椭球 63" in refused(root)


def test_declared_degrees_with_metres_are_refused(root):
    write(plots().set_crs(4490, allow_override=True), folder(root) / "DLTB.gpkg", layer="DLTB")
    message = refused(root)
    assert (
        "声明的坐标系是 EPSG:4490（经纬度（度）），坐标却是带 3 度带号 36 的高斯-克吕格坐标"
        in message
    )
    assert "x 36580000" in message


def test_wrong_zone_in_the_prj_is_refused(root):
    write(plots().set_crs(4525, allow_override=True), folder(root) / "DLTB.gpkg", layer="DLTB")
    assert "EPSG:4525（带 3 度带号 37 的高斯-克吕格坐标），坐标却是带 3 度带号 36" in refused(root)


def test_wrong_meridian_without_prefix_is_caught_by_place(root):
    moved = shifted(-36_000_000).set_crs(4546, allow_override=True)
    write(moved, folder(root) / "DLTB.gpkg", layer="DLTB")
    message = refused(root)
    assert (
        "位于东经 111.86°、北纬 33.60°，离本县工作坐标系 EPSG:4524 的中央经线 108° 太远" in message
    )
    assert "中央经线" in message.split("处理办法")[1]


def test_a_layer_beside_the_county_is_caught_by_its_towns(root):
    write(shifted(60_000), folder(root) / "DLTB.gpkg", layer="DLTB")
    message = refused(root)
    assert "半数以上图形不在行政区图层的范围内" in message
    assert "核对中央经线" in message


def test_swapped_axes_are_refused(root):
    frame = plots()
    swapped = shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1])
    write(frame.set_geometry(swapped, crs=CRS), folder(root) / "DLTB.gpkg", layer="DLTB")
    message = refused(root)
    assert "坐标X、Y 颠倒（北坐标在前）" in message
    assert "对调 X、Y 后重新导出" in message


def test_missing_prj_with_prefix_is_inferred_and_warned(root):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(), path)
    path.with_suffix(".prj").unlink()
    result = read_parcels(county_of(root), EXPORT)
    assert len(result.frame) == 4
    warned = result.problems[result.problems["rule"] == "CRS_INFERRED"]
    assert warned["severity"].item() == "警告"
    assert "认定为 CGCS2000 EPSG:4524" in warned["found"].item()


def test_missing_prj_without_prefix_needs_the_countys_word(root):
    path = folder(root) / "DLTB.shp"
    write_shp(plots().to_crs(4545), path)
    path.with_suffix(".prj").unlink()
    message = refused(root)
    assert "没有声明坐标系（缺 .prj），坐标不带带号，无法确定中央经线" in message
    assert '为 parcels 写明 crs（如 crs = "EPSG:4545"）' in message
    edit_toml(root, 'parcels = {crs = "EPSG:4545"}\n')
    result = read_parcels(county_of(root), EXPORT)
    assert result.frame.geometry.normalize().geom_equals_exact(plots().normalize(), 1e-3).all()


def test_a_stated_crs_must_agree_with_file_and_numbers(root):
    write_shp(plots(), folder(root) / "DLTB.shp")
    edit_toml(root, 'parcels = {crs = "EPSG:4545"}\n')
    assert "文件声明 EPSG:4524，county.toml 写明 EPSG:4545，二者不符" in refused(root)
    (root / "exports/2023-09-30/DLTB.prj").unlink()
    assert "county.toml 写明 EPSG:4545，坐标却是带 3 度带号 36" in refused(root)


def test_names_do_not_decide_parameters_do():
    esri = pyproj.CRS.from_epsg(4524).to_wkt("WKT1_ESRI")
    assert identify(esri) == (4524, "")
    assert identify(esri.replace("CGCS2000_3_Degree_GK_Zone_36", "whatever")) == (4524, "")
    vertical = (
        f'COMPD_CS["x",{esri},VERT_CS["Yellow_Sea_1985",'
        'VERT_DATUM["Yellow_Sea_1985",2005],UNIT["Meter",1.0]]]'
    )
    assert identify(vertical) == (4524, "")
    assert "不是标准 3 度带" in identify(esri.replace("36500000.0", "700000.0"))[1]
    assert (
        "不是标准 3 度带"
        in identify(esri.replace('"Central_Meridian",108.0', '"Central_Meridian",111.0'))[1]
    )
    plain = pyproj.CRS.from_epsg(4546).to_wkt("WKT1_ESRI").replace("GK_CM_111E", "GK_Zone_36")
    assert "名称与参数矛盾" in identify(plain)[1]
    assert "不是 CGCS2000" in identify(esri.replace("298.257222101", "298.257223563"))[1]
    assert "无法解析" in identify("GARBAGE")[1]


def test_a_few_stray_rows_are_set_aside_many_refuse_the_layer(root):
    frame = plots(200)
    write(frame, root / "reference/none.gpkg", layer="x")
    frame.loc[5, "geometry"] = square(5 - 36_000_000 / 100)
    frame = frame.set_geometry(frame.geometry, crs=CRS)
    towns = gpd.GeoDataFrame(
        {"XZQDM": ["999901001", "999901101"], "XZQMC": ["甲街办", "乙镇"]},
        geometry=[
            shapely.box(X0, Y0, X0 + 10_000, Y0 + 200),
            shapely.box(X0 + 10_000, Y0, X0 + 30_000, Y0 + 200),
        ],
        crs=CRS,
    )
    write(towns, root / "reference/XZQ.gpkg", layer="XZQ")
    result = read(root, frame)
    assert list(result.rejects["rule"]) == ["GEOM_FRAME"]
    assert list(result.rejects["source_row"]) == [6]
    assert result.account.residual_cm2 == 0
    frame.loc[6:20, "geometry"] = [square(n - 36_000_000 / 100) for n in range(6, 21)]
    write(frame, folder(root) / "DLTB.gpkg", layer="DLTB")
    assert "同一图层混有" in refused(root)


# geometry


def with_geometry(shape, at=1):
    frame = plots()
    geometry = frame.geometry.to_numpy().copy()
    geometry[at] = shape
    return frame.set_geometry(gpd.GeoSeries(geometry, crs=CRS))


def ring(*points):
    return shapely.Polygon([(X0 + 100 + x, Y0 + y) for x, y in points])


BOWTIE = ring((0, 0), (100, 100), (100, 0), (0, 100))
with np.errstate(invalid="ignore"):  # shapely computes with the NaN we hand it
    NAN = shapely.Polygon([(X0, Y0), (X0 + 1, np.nan), (X0 + 1, Y0 + 1)])


@pytest.mark.parametrize(
    ("shape", "rule", "reason"),
    [
        (None, "GEOM_NULL", "图形为空"),
        (shapely.Polygon(), "GEOM_NULL", "图形为空"),
        (BOWTIE, "GEOM_INVALID", "图形有错（边界自相交，位于 x 36580150.00、y 3720050.00）"),
        (shapely.Point(X0 + 150, Y0 + 50), "GEOM_TYPE", "图形不是面，是点"),
        (shapely.LineString([(X0, Y0), (X0 + 9, Y0)]), "GEOM_TYPE", "图形不是面，是线"),
        (shapely.box(1e11, Y0, 1e11 + 1, Y0 + 1), "GEOM_COORD", "坐标不是有效数字"),
        (NAN, "GEOM_COORD", "坐标不是有效数字"),
        (ring((0, 0), (50, 0), (100, 0)), "GEOM_INVALID", "图形有错"),
    ],
)
def test_unusable_geometry_is_set_aside_with_its_area_booked(root, shape, rule, reason):
    result = read(root, with_geometry(shape), geometry_type="Unknown")
    assert list(result.rejects["rule"]) == [rule]
    assert result.rejects["reason"].item().startswith(reason)
    assert result.rejects["source_row"].item() == 2
    assert result.rejects["bsm"].item() == "999901200000000002"
    account = result.account
    assert (account.read_plots, account.accepted_plots, account.rejected_plots) == (4, 3, 1)
    # set aside without usable geometry: counts by its TBMJ
    assert account.aside_cm2 == round(plots()["TBMJ"][1] * 100)
    assert account.unknown_area_plots == 0
    assert rule in set(result.problems["rule"])


def test_area_of_a_reject_without_geometry_and_tbmj_is_unknown(root):
    frame = with_geometry(None)
    frame.loc[1, "TBMJ"] = np.nan
    result = read(root, frame)
    assert result.account.unknown_area_plots == 1
    assert result.account.aside_cm2 == 0


def test_a_repair_within_tolerance_is_kept_and_on_record(root):
    # a loop of 0.05 m x 0.1 m touches itself: 0.0025 m² is below repair_abs_m2 0.01
    spike = ring((0, 0), (100, 0), (100, 100), (0.05, 100), (-0.05, 99.9), (0.05, 99.9), (0, 100))
    assert not spike.is_valid
    result = read(root, with_geometry(spike))
    assert len(result.frame) == 4
    repaired = result.problems[result.problems["rule"] == "GEOM_REPAIRED"]
    assert repaired["severity"].item() == "警告"
    assert "修复前后面积" in repaired["found"].item()
    assert repaired["bsm"].item() == "999901200000000002"
    assert result.log["repairs"][0]["row"] == 2
    assert result.frame.geometry.is_valid.all()
    assert result.account.residual_cm2 == 0


def test_a_zone_is_mended_whatever_its_own_area_figures_say(root):
    path = root / "reference/GDBHMB.gpkg"
    path.unlink()
    loop = ring((0, 0), (100, 0), (100, 100), (0.05, 100), (-0.05, 99.9), (0.05, 99.9), (0, 100))
    write(with_geometry(loop).assign(TBMJ=15.0), path, layer="GDBHMB")
    result = read_role(county_of(root), "target", EXPORT)
    assert len(result.frame) == 4
    assert list(result.problems["rule"]) == ["GEOM_REPAIRED"]


def test_zone_areas_in_another_unit_are_told(root):
    path = root / "reference/GDBHMB.gpkg"
    path.unlink()
    frame = plots(6)
    write(frame.assign(TBMJ=frame["TBMJ"] * 0.0015), path, layer="GDBHMB")
    result = read_role(county_of(root), "target", EXPORT)
    assert len(result.frame) == 6
    problem = result.problems.iloc[0]
    assert (problem["rule"], problem["severity"]) == ("TBMJ_UNIT", "警告")
    assert "像是以亩填写" in problem["found"]
    assert "0/6 个相符" in result.log["files"][0]["area"]


def test_z_and_m_are_dropped_and_noted(root):
    frame = plots()
    result = read(root, frame.set_geometry(shapely.force_3d(frame.geometry, 500)))
    assert not result.frame.has_z.any()
    assert "4 个图形带高程或量测值" in result.log["files"][0]["geometry"][0]


def test_multipolygons_are_kept(root):
    parts = shapely.MultiPolygon([square(1), shapely.box(X0 + 100, Y0 + 120, X0 + 200, Y0 + 180)])
    result = read(root, with_geometry(parts))
    assert result.frame.geometry.iloc[1].geom_type == "MultiPolygon"
    assert result.frame["area_m2"].iloc[1] == pytest.approx(1.6 * plots()["TBMJ"][1], rel=1e-6)


def test_all_rows_unusable_is_an_error(root):
    frame = plots()
    write(frame.set_geometry([None] * 4, crs=CRS), folder(root) / "DLTB.gpkg", layer="DLTB")
    assert "全部 4 个图形都不能用（图形为空）" in refused(root)


# values


def test_empty_and_repeated_bsm_are_set_aside(root):
    frame = plots(6)
    frame.loc[2, "BSM"] = frame.loc[0, "BSM"]
    frame.loc[3, "BSM"] = " "
    result = read(root, frame)
    assert list(result.rejects["rule"]) == ["BSM_DUPLICATE", "BSM_EMPTY"]
    reason = result.rejects["reason"].iloc[0]
    assert "999901200000000001 与 exports/2023-09-30/DLTB.gpkg 第 1 行重复，本行是第 3 行" in reason
    assert result.account.aside_cm2 == round((frame["TBMJ"][2] + frame["TBMJ"][3]) * 100)
    assert result.account.residual_cm2 == 0


def test_a_repeated_bsm_whose_first_plot_is_unusable_is_not_lost(root):
    frame = with_geometry(BOWTIE)
    frame.loc[3, "BSM"] = frame.loc[1, "BSM"]
    result = read(root, frame)
    assert list(result.rejects["rule"]) == ["GEOM_INVALID"]
    assert len(result.frame) == 3


def test_same_bsm_in_two_files_names_both(root):
    path = folder(root)
    write(plots(), path / "a.gpkg", layer="DLTB")
    write(plots().iloc[:1], path / "b.gpkg", layer="DLTB")
    result = read_parcels(county_of(root), EXPORT)
    assert "a.gpkg 第 1 行重复" in result.rejects["reason"].item()


def dbf_export(root, rows, *, bsm=(b"C", 20), dlbm=(b"C", 5)):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(len(rows)), path)
    fields = [
        (b"BSM", *bsm),
        (b"DLBM", *dlbm),
        (b"ZLDWDM", b"C", 21),
        (b"TBMJ", b"N", 15),
        (b"SJNF", b"C", 6),
    ]
    write_dbf(path.with_suffix(".dbf"), fields, rows)
    return read_parcels(county_of(root), EXPORT)


def test_numeric_ids_keep_every_digit_and_codes_their_zero(root):
    result = dbf_export(
        root,
        [
            (b"999901200000000123", b"103", b"9999010010010000000", b"9995.00", b"2023"),
            (b"999901200000000124", b"1101", b"9999010010010000000", b"9995.00", b"2023"),
        ],
        bsm=(b"N", 18),
        dlbm=(b"N", 5),
    )
    assert list(result.frame["bsm"]) == ["999901200000000123", "999901200000000124"]
    assert list(result.frame["dlbm"]) == ["0103", "1101"]
    assert result.problems["found"].str.contains("“103”→“0103”").any()


@pytest.mark.parametrize(
    ("bsm", "kind"), [(b"9.999012E+17", b"C"), (b"9.9990120000000000e+17", b"F")]
)
def test_ids_damaged_by_a_spreadsheet_are_refused(root, bsm, kind):
    row = (bsm, b"0103", b"9999010010010000000", b"9995.00", b"2023")
    with pytest.raises(InputError) as caught:
        dbf_export(root, [row], bsm=(kind, 24))
    message = str(caught.value)
    assert "DLTB.shp 第 1 行 字段 BSM：1 个标识码按数字存放，位数可能已丢失" in message
    assert "不要经 Excel 另存" in message


def test_ids_as_floats_in_a_container_are_refused(root):
    frame = plots().assign(BSM=[999901200000000001.0 + n for n in range(4)])
    write(frame, folder(root) / "DLTB.gdb", layer="DLTB", driver="OpenFileGDB")
    assert "4 个标识码按数字存放" in refused(root)


@pytest.mark.parametrize(
    ("raw", "rule", "found"),
    [
        (b"1,234.50", "NUMBER_BAD", "“1,234.50”不是有效数字"),
        (b"***************", "NUMBER_BAD", "不是有效数字"),
        (b"NaN1", "NUMBER_BAD", "“NaN1”不是有效数字"),
        (b"12a", "NUMBER_BAD", "“12a”不是有效数字"),
        (b"", "TBMJ_MISSING", "图斑面积为空"),
        (b"-5", "TBMJ_BAD", "图斑面积 -5 不大于零"),
        (b"0", "TBMJ_BAD", "图斑面积 0 不大于零"),
    ],
)
def test_unreadable_tbmj_is_reported_and_the_geometry_counts(root, raw, rule, found):
    row = (b"999901200000000001", b"0103", b"9999010010010000000", raw, b"2023")
    result = dbf_export(root, [row])
    problem = result.problems[result.problems["rule"] == rule]
    assert found in problem["found"].item()
    assert problem["bsm"].item() == "999901200000000001"
    assert problem["x"].item() == pytest.approx(X0 + 50)
    assert not result.frame["tbmj_trusted"].item()
    assert result.frame["base_m2"].item() == plots(1)["TBMJ"].item()
    assert "采用椭球面积" in result.frame["base_reason"].item()


def test_codes_are_tidied_and_counted(root):
    rows = [
        (
            b"999901200000000001",
            "０１０３".encode("gbk"),
            b" 9999010010010000000",
            b"1",
            b"",
        ),
        (b"999901200000000002", b"0301k", b"9999010010010000000", b"1", b"20x3"),
    ]
    result = dbf_export(root, rows, dlbm=(b"C", 8))
    assert list(result.frame["dlbm"]) == ["0103", "0301K"]
    note = result.problems[result.problems["rule"] == "CODE_TIDIED"]
    assert "2 个值已规范（如“０１０３”→“0103”）" in note["found"].iloc[0]
    assert result.frame["sjnf"].isna().all()
    assert result.problems["found"].str.contains("“20x3”不是有效数字").any()


def test_unknown_codes_stay_for_review(root):
    frame = plots()
    frame["DLBM"] = ["9999", None, "0103", "011"]
    result = read(root, frame)
    assert list(result.frame["dlbm"].fillna("?")) == ["9999", "?", "0103", "011"]
    assert result.rejects.empty


# towns


def test_town_by_code_by_place_or_unknown(root):
    frame = plots()
    frame["ZLDWDM"] = [
        "9999011030010000000",  # a dissolved town of this county: by place
        "9999011010010000000",  # 乙镇 by code, but lies in 甲街办
        "8888011010010000000",  # another county
        "9999011010010000000",
    ]
    frame["ZLDWMC"] = None
    result = read(root, frame)
    assert list(result.frame["town"].fillna("?")) == ["甲街办", "乙镇", "?", "乙镇"]
    assert list(result.frame["flags"].fillna("")) == ["TOWN_BY_PLACE", "TOWN_MISMATCH", "", ""]
    assert list(result.frame["village"]) == [c[:12] for c in frame["ZLDWDM"]]
    assert set(result.problems["rule"]) >= {"TOWN_BY_PLACE", "TOWN_MISMATCH", "TOWN_UNKNOWN"}


def test_towns_layer_must_show_every_town(root):
    path = root / "reference/XZQ.gpkg"
    towns = pyogrio.read_dataframe(path)
    path.unlink()
    write(towns.iloc[:1], path, layer="XZQ")
    with pytest.raises(InputError, match="行政区图层里没有 乙镇"):
        read_role(county_of(root), "towns", EXPORT)
    assert "行政区图层里没有 乙镇" in refused(root)


def test_towns_of_villages_are_joined_and_old_codes_found_by_name(root):
    path = root / "reference/XZQ.gpkg"
    path.unlink()
    towns = gpd.GeoDataFrame(
        {
            "XZQDM": ["999901001001", "999901001002", "999901999"],
            "XZQMC": ["东坡村", "西沟村", "乙镇"],
        },
        geometry=[
            shapely.box(X0, Y0, X0 + 100, Y0 + 200),
            shapely.box(X0 + 100, Y0, X0 + 200, Y0 + 200),
            shapely.box(X0 + 200, Y0, X0 + 1000, Y0 + 200),
        ],
        crs=CRS,
    )
    write(towns, path, layer="XZQ")
    frame = read_parcels(county_of(root), EXPORT).frame
    assert list(frame["town"]) == ["甲街办", "甲街办", "乙镇", "乙镇"]
    assert frame["flags"].isna().all()


def test_roles_of_a_county(root):
    county = county_of(root)
    zone = read_role(county, "pbf", EXPORT)
    assert list(zone.frame.columns) == [
        "bsm", "xzqdm", "yjjbnttbbh", "dlbm", "zldwdm", "yjjbnttbmj", "kcxs", "yjjbntmj",
        "source_file", "source_row", "geometry",
    ]  # fmt: skip
    assert zone.account.stage == "ingest:pbf"
    assert zone.account.residual_cm2 == 0
    assert zone.account.in_cm2 == round(plots(2)["TBMJ"].sum() * 100)
    empty = read_role(county, "balance", EXPORT)
    assert len(empty.frame) == 0
    assert empty.frame.crs.to_epsg() == 4524


def test_no_reprojection_means_untouched_coordinates(root):
    frame = plots()
    result = read(root, frame)
    ours = shapely.get_coordinates(result.frame.geometry.to_numpy())
    assert np.array_equal(ours, shapely.get_coordinates(frame.geometry.to_numpy()))


def test_config_errors_are_not_input_errors(root):
    edit_toml(root, 'parcels = {path = "x"}\n')
    with pytest.raises(ConfigError, match=r"parcels\.path：不认识的键"):
        county_of(root)


SHAPES = {
    "good": None,
    "null": "null",
    "bowtie": BOWTIE,
    "point": shapely.Point(X0 + 10, Y0 + 10),
}


@settings(deadline=None, derandomize=True, max_examples=20)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(list(SHAPES)),
            st.sampled_from(["own", "same", "empty"]),
            st.sampled_from([9996.95, 0.0, -1.0, float("nan")]),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_read_is_accepted_plus_set_aside(template, rows):
    good = [("good", "own", 9996.95)]  # an export of which nothing is usable is refused
    rows = good + rows
    frame = plots(len(rows))
    geometry = [
        square(n) if kind == "good" else (None if kind == "null" else SHAPES[kind])
        for n, (kind, _, _) in enumerate(rows)
    ]
    frame["BSM"] = [
        {"own": f"99990{n:013d}", "same": "1", "empty": ""}[key]
        for n, (_, key, _) in enumerate(rows)
    ]
    frame["TBMJ"] = [tbmj for _, _, tbmj in rows]
    frame = frame.set_geometry(gpd.GeoSeries(geometry, crs=CRS))
    result = read(template, frame, geometry_type="Unknown")
    account = result.account
    assert account.read_plots == len(rows) == len(result.frame) + len(result.rejects)
    assert account.residual_plots == account.residual_cm2 == 0
    seen = set(result.frame["source_row"]) | set(result.rejects["source_row"])
    assert seen == set(range(1, len(rows) + 1))
    assert result.frame["bsm"].is_unique
    assert account.out_cm2 == round(result.frame["area_m2"].sum() * 100)


def test_a_damaged_prj_is_named_not_guessed(root):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(), path)
    text = path.with_suffix(".prj").read_text(encoding="utf-8")
    path.with_suffix(".prj").write_text(text[:100], encoding="utf-8")
    message = refused(root)
    assert "DLTB.shp：声明的坐标系无法解析：PROJCS" in message

"""Every format, read from real files: values exact, damage named, nothing written beside them."""

import json
import re
import sqlite3
import struct
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_county import (
    EXPORT,
    county_of,
    digest,
    edit_toml,
    folder,
    make_county,
    missing,
    plots,
    square,
    write,
    write_dbf,
    write_shp,
)

from pipeline.errors import InputError
from pipeline.fields import DATED_ROLES
from pipeline.ingest.read import read_parcels, read_role
from pipeline.ingest.sources import formats


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("county")
    make_county(root)
    return root


@pytest.fixture
def root(tmp_path):
    make_county(tmp_path)
    return tmp_path


def refused(root):
    with pytest.raises(InputError) as caught:
        read_parcels(county_of(root), EXPORT)
    return str(caught.value)


FORMATS = {
    "甲乙 #1!.shp": {"encoding": "GBK"},
    "a.gpkg": {"layer": "DLTB"},
    "a.gdb": {"layer": "DLTB", "driver": "OpenFileGDB"},
    "a.geojson": {},
    "a.parquet": {},
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_gives_the_same_plots(root, name):
    source = plots()
    write(source, folder(root) / name, **FORMATS[name])
    before = digest(root)
    result = read_parcels(county_of(root), EXPORT)
    assert digest(root) == before
    frame = result.frame
    assert list(frame["bsm"]) == list(source["BSM"])
    assert list(frame["dlbm"]) == ["0103", "0307", "1101", "0201"]
    assert list(frame["dlmc"]) == list(source["DLMC"])
    assert list(frame["town"]) == ["甲街办", "甲街办", "乙镇", "乙镇"]
    assert list(frame["tbmj"]) == list(source["TBMJ"])
    assert frame["tbmj_trusted"].all()
    assert (frame["base_m2"] == frame["tbmj"]).all()
    assert frame.geometry.geom_equals(source.geometry).all()
    assert frame.crs.to_epsg() == 4524
    assert (result.account.read_plots, result.account.accepted_plots) == (4, 4)
    assert result.account.residual_cm2 == 0
    assert result.problems.query("severity == '错误'").empty


def test_a_format_for_every_suffix():
    assert set(formats()) >= {".shp", ".gpkg", ".gdb", ".geojson", ".parquet", ".csv", ".xlsx"}


@pytest.mark.parametrize(
    ("encoding", "cpg", "ldid"),
    [
        ("GBK", None, 0),
        ("GBK", None, 0x57),
        ("UTF-8", None, 0),
        ("UTF-8", None, 0x4D),
        ("GBK", "UTF-8", 0),
        ("UTF-8", "GBK", 0),
        ("GBK", "65001", 0x4F),
        ("UTF-8", "ANSI 936", 0),
        ("GBK", "<html>", 0),
        ("UTF-8", "", 0),
    ],
)
def test_encoding_follows_the_bytes_not_the_witnesses(root, encoding, cpg, ldid):
    write_shp(plots(), folder(root) / "DLTB.shp", encoding, cpg=cpg, ldid=ldid)
    result = read_parcels(county_of(root), EXPORT)
    assert list(result.frame["dlmc"]) == ["旱地", "其他林地", "河流水面", "果园"]
    evidence = result.log["files"][0]["encoding"]
    assert evidence.startswith("UTF-8：" if encoding == "UTF-8" else "GB18030：")
    assert f"LDID：0x{ldid:02X}" in evidence


DBF_FIELDS = [
    (b"BSM", b"C", 18),
    (b"DLBM", b"C", 5),
    (b"ZLDWDM", b"C", 19),
    (b"ZLDWMC", b"C", 20),
    (b"TBMJ", b"N", 15),
]


def dbf_rows(names, tbmj=b"9995.00"):
    return [
        (f"99990120000000000{n}".encode(), b"0103", b"9999010010010000000", name, tbmj)
        for n, name in enumerate(names, 1)
    ]


def shp_with(root, fields, rows):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(len(rows)), path)
    write_dbf(path.with_suffix(".dbf"), fields, rows)
    return path


def test_rare_characters_of_gb18030_survive(root):
    names = ["𠮷村".encode("gb18030"), "㐂家村".encode("gb18030"), "东坡村".encode("gbk")]
    shp_with(root, DBF_FIELDS, dbf_rows(names))
    frame = read_parcels(county_of(root), EXPORT).frame
    assert list(frame["zldwmc"]) == ["𠮷村", "㐂家村", "东坡村"]


def test_gbk_that_happens_to_be_valid_utf8(root):
    shp_with(root, DBF_FIELDS, dbf_rows(["潜山".encode("gbk")]))
    assert list(read_parcels(county_of(root), EXPORT).frame["zldwmc"]) == ["潜山"]


def test_mixed_encodings_name_field_row_and_option(root):
    names = ["东坡村".encode("gbk")] * 3 + ["西沟村".encode() + b"\xff"]
    shp_with(root, DBF_FIELDS, dbf_rows(names))
    message = refused(root)
    assert "DLTB.shp 第 4 行 字段 ZLDWMC：同一图层混用编码" in message
    assert 'encoding = "GBK"' in message


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("big5", ["東坡鄉農業發展區", "臺灣與國際經濟關係"]),
        ("shift-jis", ["ひがしやまむら", "とうきょうとしんじゅく"]),
        ("euc-jp", ["ひがしやまむら", "とうきょうとしんじゅく"]),
    ],
)
def test_other_encodings_are_refused(root, encoding, names):
    fields = [*DBF_FIELDS[:3], (b"ZLDWMC", b"C", 60), DBF_FIELDS[4]]
    shp_with(root, fields, dbf_rows([n.encode(encoding) for n in names]))
    message = refused(root)
    assert "文字编码可疑" in message or "混用编码" in message


def test_a_stated_encoding_is_used_and_checked(root):
    fields = [*DBF_FIELDS[:3], (b"ZLDWMC", b"C", 60), DBF_FIELDS[4]]
    shp_with(root, fields, dbf_rows(["東坡鄉".encode("big5")]))
    edit_toml(root, 'parcels = {encoding = "Big5"}\n')
    result = read_parcels(county_of(root), EXPORT)
    assert list(result.frame["zldwmc"]) == ["東坡鄉"]
    shp_with(root, fields, dbf_rows([b"\xff\xfe"]))
    assert "按 county.toml 写明的编码 BIG5 解不开" in refused(root)


def test_character_cut_by_the_field_width_is_noted(root):
    fields = [*DBF_FIELDS[:3], (b"ZLDWMC", b"C", 5), DBF_FIELDS[4]]
    shp_with(root, fields, dbf_rows(["东坡村".encode("gbk")]))
    result = read_parcels(county_of(root), EXPORT)
    assert list(result.frame["zldwmc"]) == ["东坡"]
    assert result.problems["found"].str.contains("被字段宽度截断").any()


def test_deleted_records_are_counted_and_left_out(root):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(), path)
    data = bytearray(path.with_suffix(".dbf").read_bytes())
    header, length = struct.unpack("<HH", data[8:12])
    data[header + length] = 0x2A
    path.with_suffix(".dbf").write_bytes(bytes(data))
    result = read_parcels(county_of(root), EXPORT)
    assert list(result.frame["source_row"]) == [1, 3, 4]
    assert result.frame.geometry.iloc[1].equals(square(2))
    assert result.problems["found"].str.contains("1 条记录已标记删除").any()


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [
        (".dbf", "DLTB.dbf：缺少 .dbf 文件"),
        (".shx", None),
    ],
)
def test_missing_parts(root, suffix, expected):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(), path)
    path.with_suffix(suffix).unlink()
    if expected:
        assert expected in refused(root)
        return
    result = read_parcels(county_of(root), EXPORT)
    assert len(result.frame) == 4
    assert result.problems["found"].str.contains("缺少 .shx").any()
    assert not path.with_suffix(".shx").exists()


def test_dbf_and_shp_that_do_not_belong_together(root):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(3), path)
    write_shp(plots(4), root / "other.shp")
    path.with_suffix(".dbf").write_bytes((root / "other.dbf").read_bytes())
    assert ".shp 有 3 个图形，.dbf 有 4 条记录" in refused(root)


def test_index_that_points_elsewhere(root):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(3), path)
    data = bytearray(path.with_suffix(".shx").read_bytes())
    data[108:116], data[116:124] = data[116:124], data[108:116]
    path.with_suffix(".shx").write_bytes(bytes(data))
    assert ".shx 与 .shp 不符：共 2 条索引指错，首个在第 2 条" in refused(root)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(part=st.sampled_from([".shp", ".dbf", ".shx"]), share=st.floats(0, 1, exclude_max=True))
def test_a_cut_file_never_gives_fewer_rows(template, part, share):
    path = folder(template) / "DLTB.shp"
    write_shp(plots(6), path)
    data = path.with_suffix(part).read_bytes()
    path.with_suffix(part).write_bytes(data[: int(len(data) * share)])
    county = county_of(template)
    try:
        result = read_parcels(county, EXPORT)
    except InputError as error:
        assert "DLTB" in str(error)  # noqa: PT017 - success is allowed too, with all rows
    else:
        assert len(result.frame) == 6
        assert list(result.frame["dlmc"]) == list(plots(6)["DLMC"])


def test_a_truncated_table_names_both_counts(root):
    path = folder(root) / "DLTB.shp"
    write_shp(plots(), path)
    data = path.with_suffix(".dbf").read_bytes()
    path.with_suffix(".dbf").write_bytes(data[:-100])
    assert "DLTB.dbf：文件被截断：表头记 4 条，实际完整的只有 3 条" in refused(root)
    path.with_suffix(".dbf").write_bytes(data)
    shp = path.read_bytes()
    path.write_bytes(shp[:-40])
    message = refused(root)
    assert f".shp 被截断：文件头记 {len(shp)} 字节，实有 {len(shp) - 40} 字节" in message


def test_point_shapefile_is_refused(root):
    path = folder(root) / "DLTB.shp"
    frame = plots()
    write_shp(frame.set_geometry(frame.centroid), path)
    assert "图形类型是点，不是面" in refused(root)


def test_stale_feature_count_hides_nothing(root):
    path = folder(root) / "DLTB.gpkg"
    write(plots(), path, layer="DLTB")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE gpkg_ogr_contents SET feature_count = 2")
    assert len(read_parcels(county_of(root), EXPORT).frame) == 4


def test_rows_still_in_the_wal_are_read_and_the_wal_stays(root):
    path = folder(root) / "DLTB.gpkg"
    write(plots(), path, layer="DLTB", SPATIAL_INDEX="NO")
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("UPDATE DLTB SET DLMC = '水田' WHERE fid = 1")
    db.commit()
    before = digest(root)
    frame = read_parcels(county_of(root), EXPORT).frame
    assert digest(root) == before
    db.close()
    assert frame["dlmc"].iloc[0] == "水田"


def test_damaged_containers(root):
    path = folder(root) / "DLTB.gpkg"
    write(plots(200), path, layer="DLTB")
    path.write_bytes(path.read_bytes()[:-5000])
    (folder(root) / "a.gpkg").write_bytes(b"not a database" * 100)
    assert "GPKG 损坏或读不出来" in refused(root)


def test_cut_filegdb(root):
    path = folder(root) / "DLTB.gdb"
    write(plots(200), path, layer="DLTB", driver="OpenFileGDB")
    table = max(path.glob("*.gdbtable"), key=lambda p: p.stat().st_size)
    table.write_bytes(table.read_bytes()[:-3000])
    assert "文件被截断：文件头记" in refused(root)


def test_a_folder_that_is_no_filegdb(root):
    path = folder(root) / "DLTB.gdb"
    path.mkdir()
    (path / "说明.docx").write_text("x")
    assert "DLTB.gdb：不是 FileGDB" in refused(root)
    assert (path / "说明.docx").exists()


def test_container_layers_are_told_apart(root):
    path = folder(root) / "成果.gpkg"
    write(plots(), path, layer="地类图斑")
    write(plots(2), path, layer="GDBHMB")
    write(plots(2), path, layer="XZQ")
    result = read_parcels(county_of(root), EXPORT)
    assert len(result.frame) == 4
    assert result.log["files"][0]["other_layers"] == ["GDBHMB", "XZQ"]


def test_several_candidate_layers_are_listed(root):
    path = folder(root) / "成果.gpkg"
    write(plots(), path, layer="甲")
    write(plots(), path, layer="乙")
    message = refused(root)
    assert "有多个图层都可能是所需数据：" in message
    assert 'layer = "图层名"' in message
    edit_toml(root, 'parcels = {layer = "乙"}\n')
    assert len(read_parcels(county_of(root), EXPORT).frame) == 4


def test_one_file_per_town_and_an_extra_layer(root):
    path = folder(root)
    frame = plots()
    write(frame.iloc[:2], path / "甲街办.gpkg", layer="甲街办")
    write_shp(frame.iloc[2:], path / "乙镇.shp")
    write(frame.iloc[:1], path / "XZQ.gpkg", layer="XZQ")
    result = read_parcels(county_of(root), EXPORT)
    assert len(result.frame) == 4
    assert result.log["ignored"] == ["exports/2023-09-30/XZQ.gpkg"]


def test_findings_of_all_files_come_at_once(root):
    path = folder(root)
    write(plots().drop(columns=["DLBM", "TBMJ"]), path / "一.gpkg", layer="DLTB")
    write_shp(plots(), path / "二.shp")
    (path / "二.dbf").unlink()
    (path / "三.mdb").write_bytes(b"x")
    message = refused(root)
    assert "一.gpkg：缺少必填字段 DLBM（地类编码）" in message
    assert "一.gpkg：缺少必填字段 TBMJ（图斑面积）" in message
    assert "是否应为“DLMC”" in message
    assert "二.dbf：缺少 .dbf 文件" in message
    assert "三.mdb：不支持的格式“.mdb”" in message
    assert "导出为 FileGDB、GPKG 或 SHP" in message


def test_zero_plots(root):
    write(plots().iloc[:0], folder(root) / "DLTB.gpkg", layer="DLTB", geometry_type="Polygon")
    assert "DLTB.gpkg：图层是空的，一行也没有" in refused(root)


def test_chinese_field_names_cut_by_the_dbf(root):
    frame = plots().rename(
        columns={
            "BSM": "标识码",
            "DLBM": "地类编码",
            "ZLDWDM": "坐落单位代码",
            "ZLDWMC": "坐落单位名称",
            "TBMJ": "图斑面积",
        }
    )
    write_shp(frame, folder(root) / "DLTB.shp")
    result = read_parcels(county_of(root), EXPORT)
    assert list(result.frame["zldwmc"]) == list(plots()["ZLDWMC"])
    assert result.log["files"][0]["columns"]["ZLDWDM"] == "坐落单位代"


def test_two_columns_for_one_field(root):
    frame = plots().drop(columns="DLBM").assign(DLDM="0103", 地类编码="0103")
    write(frame, folder(root) / "DLTB.gpkg", layer="DLTB")
    assert "都像是地类编码" in refused(root)


def test_personal_columns_stay_outside(root):
    frame = plots().assign(ZRRZJHM="x" * 18, LXDH="13")
    write(frame, folder(root) / "DLTB.gpkg", layer="DLTB")
    result = read_parcels(county_of(root), EXPORT)
    assert not {"ZRRZJHM", "LXDH", "zrrzjhm"} & set(result.frame.columns)
    assert result.log["files"][0]["personal_dropped"] == ["ZRRZJHM", "LXDH"]


def add_list(root, name, key="monitoring"):
    edit_toml(root, f'{key} = "reference/{name}"\n')
    return root / "reference" / name


def test_lists_without_geometry(root):
    path = add_list(root, "疑似.csv")
    path.write_bytes("标识码,状态,生效日期\n007,未销号,20230801\n,已销号,\n".encode("gbk"))
    result = read_role(county_of(root), "monitoring", EXPORT)
    assert list(result.frame["bsm"]) == ["007"]
    assert list(result.frame["zt"]) == ["未销号"]
    assert list(result.frame["sxrq"]) == ["2023-08-01"]
    assert result.frame.geometry.isna().all()
    assert list(result.rejects["rule"]) == ["BSM_EMPTY"]
    assert list(result.rejects["source_row"]) == [3]
    assert result.account.residual_plots == 0


def test_spreadsheet_lists_keep_text_and_refuse_damaged_ids(root):
    path = add_list(root, "自提.xlsx", "self_submitted")
    book = openpyxl.Workbook()
    book.active.append(["BSM", "SHZT", "DCZT", "GLBH", "SXRQ"])
    book.active.append(["999901200000000001", "通过", "未调出", None, None])
    book.save(path)
    frame = read_role(county_of(root), "self_submitted", EXPORT).frame
    assert list(frame["bsm"]) == ["999901200000000001"]
    book.active.append([999901200000000001, "通过", "未调出", None, None])
    book.save(path)
    with pytest.raises(InputError, match="按数字存放，位数可能已丢失"):
        read_role(county_of(root), "self_submitted", EXPORT)


def test_a_spreadsheet_that_misstates_its_size_loses_no_row(root):
    path = add_list(root, "疑似.xlsx")
    book = openpyxl.Workbook()
    book.active.append(["BSM", "ZT", "SXRQ"])
    for number in range(5):
        book.active.append([f"99990120000000000{number}", "未销号"])
    book.active["E3"].number_format = "0.00"  # formatted but empty: no column
    whole = path.with_name("whole.xlsx")
    book.save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(
                name, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:C3"', data)
            )
    whole.unlink()
    result = read_role(county_of(root), "monitoring", EXPORT)
    assert len(result.frame) == 5
    assert result.account.read_plots == 5


def test_a_list_missing_its_status_field(root):
    add_list(root, "疑似.csv").write_text("BSM,ZTT\n1,x\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_role(county_of(root), "monitoring", EXPORT)
    assert "疑似.csv：缺少必填字段 ZT（监测状态）" in str(caught.value)
    assert "是否应为“ZTT”" in str(caught.value)


def test_an_unreadable_effective_date_is_no_empty_one(root):
    add_list(root, "疑似.csv").write_text("BSM,ZT,SXRQ\n1,未销号,20230230\n", encoding="utf-8")
    with pytest.raises(InputError, match="1 个生效日期不是有效日期"):
        read_role(county_of(root), "monitoring", EXPORT)


@pytest.mark.parametrize("role", DATED_ROLES)
def test_a_list_without_dates_is_refused(root, role):
    needed = {"monitoring": "ZT", "self_submitted": "SHZT", "supplement": "GLBH", "balance": "FX"}
    path = add_list(root, "清单.csv", role)
    path.write_text(f"BSM,{needed.get(role, 'BZ')}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_role(county_of(root), role, EXPORT)
    assert "清单.csv：清单没有日期：缺少 SXRQ（生效日期）一列" in str(caught.value)
    assert "用 {date} 代替日期" in str(caught.value)


def test_a_list_may_carry_its_date_in_its_name_instead(root):
    add_list(root, "疑似_{date}.csv")
    (root / "reference/疑似_20230915.csv").write_text("BSM,ZT\n1,未销号\n", encoding="utf-8")
    frame = read_role(county_of(root), "monitoring", EXPORT).frame
    assert frame["zt"].tolist() == ["未销号"]
    assert missing(frame["sxrq"]).all()  # counts from the date of the file on


def test_an_empty_list_is_a_list(root):
    add_list(root, "疑似.csv").write_text("BSM,ZT,SXRQ\n", encoding="utf-8")
    result = read_role(county_of(root), "monitoring", EXPORT)
    assert len(result.frame) == 0
    assert {"bsm", "zt", "sxrq", "source_file", "geometry"} <= set(result.frame.columns)


def test_zone_without_polygons_is_refused(root):
    text = (root / "county.toml").read_text(encoding="utf-8")
    text = text.replace("reference/YJJBNTBHTB.gpkg", "reference/YN.csv")
    (root / "county.toml").write_text(text, encoding="utf-8")
    (root / "reference/YN.csv").write_text("BSM\n1\n", encoding="utf-8")
    with pytest.raises(InputError, match="没有图形，只是一张表"):
        read_role(county_of(root), "pbf", EXPORT)


def test_geojson_says_its_crs_by_its_numbers(root):
    path = folder(root) / "DLTB.geojson"
    degrees = plots().to_crs(4490)
    write(degrees, path)
    document = json.loads(path.read_text(encoding="utf-8"))
    document.pop("crs", None)
    path.write_text(json.dumps(document), encoding="utf-8")
    result = read_parcels(county_of(root), EXPORT)
    assert result.problems["found"].str.contains("按坐标数值.经纬度").any()
    assert result.frame.geometry.centroid.distance(plots().centroid).max() < 0.001
    path.write_text(json.dumps(document)[:-20], encoding="utf-8")
    assert "JSON 不完整或有误" in refused(root)


def test_geojson_that_names_its_crs_without_a_code(root):
    path = folder(root) / "DLTB.geojson"
    write(plots().to_crs(4490), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    name = "China Geodetic Coordinate System 2000"
    document["crs"] = {"type": "name", "properties": {"name": name}}
    path.write_text(json.dumps(document), encoding="utf-8")
    message = refused(root)
    assert name in message
    assert "不认识" in message


def test_broken_parquet(root):
    path = folder(root) / "DLTB.parquet"
    write(plots(), path)
    path.write_bytes(path.read_bytes()[:-30])
    assert "Parquet 文件损坏" in refused(root)


def test_unequal_files_share_one_frame_of_types(root):
    path = folder(root)
    write(plots().iloc[:2].assign(SJNF=2023), path / "a.gpkg", layer="DLTB")
    write(plots().iloc[2:].drop(columns="KCXS"), path / "b.gpkg", layer="DLTB")
    frame = read_parcels(county_of(root), EXPORT).frame
    assert isinstance(frame, gpd.GeoDataFrame)
    assert str(frame["sjnf"].dtype) == "Int64"
    assert list(frame["kcxs"].isna()) == [False, False, True, True]
    assert all(isinstance(g, shapely.Polygon | shapely.MultiPolygon) for g in frame.geometry)
    assert pd.api.types.is_string_dtype(frame["dlbm"])

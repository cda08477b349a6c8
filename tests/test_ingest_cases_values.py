"""Bad input by case number (docs/ingest-cases.md): encodings, values, geometry, coordinates."""

import itertools
import os
import struct
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely
from gdb_arcs import OPTIONS as GDB_OPTIONS
from gdb_arcs import polygon as gdb_polygon
from gdb_arcs import put as put_geometry
from ingest_cases import DAY, Case, found
from ingest_county import CRS, X0, Y0, digest, edit_toml, plots, square, write, write_dbf, write_shp

from pipeline import measure
from pipeline.cli import run


def deliver(case: Case, frame, name="DLTB.gpkg", **options):
    path = case.folder() / name
    write(frame, path, layer="DLTB", **options)
    return path


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


# 1–11: encodings


@pytest.mark.parametrize(
    ("encoding", "cpg", "ldid", "word"),
    [
        pytest.param("GBK", None, 0, "没有说明", id="case_01"),
        pytest.param("GBK", None, 0x57, "没有说明", id="case_02"),
        pytest.param("UTF-8", None, 0, "没有说明", id="case_03"),
        pytest.param("UTF-8", None, 0x4D, "说错了", id="case_03_ldid_says_gbk"),
        pytest.param("GBK", "UTF-8", 0x4D, "说错了", id="case_04"),
        pytest.param("UTF-8", "GBK", 0, "说错了", id="case_04_reversed"),
        pytest.param("GBK", "65001", 0, "说错了", id="case_05_65001"),
        pytest.param("UTF-8", "ANSI 936", 0, "说错了", id="case_05_ansi_936"),
        pytest.param("GBK", "", 0, "没有说明", id="case_05_empty"),
        pytest.param("UTF-8", "<html>404</html>", 0, "没有说明", id="case_05_html"),
        pytest.param("GBK", "OEM", 0x57, "没有说明", id="case_05_oem"),
    ],
)
def test_case_01_to_05_bytes_decide_not_witnesses(case, encoding, cpg, ldid, word):
    write_shp(plots(), case.folder() / "DLTB.shp", encoding, cpg=cpg, ldid=ldid)
    parcels, rejects, problems = case.accepted()
    assert list(parcels["dlmc"]) == LAND_NAMES
    note = only(problems, "ENCODING_INFERRED")
    assert note["source_file"] == f"exports/{DAY}/DLTB.shp"
    assert note["severity"] == "警告"
    decided = "UTF-8" if encoding == "UTF-8" else "GB18030"
    assert f"文件{word}文字编码" in note["found"]
    assert f"LDID：0x{ldid:02X}），已按字节判定为 {decided}" in note["found"]
    balanced(parcels, rejects, plots()["TBMJ"])


def test_case_05_a_witness_that_is_right_is_not_remarked_on(case):
    write_shp(plots(), case.folder() / "DLTB.shp", "GBK", cpg="ANSI 936")
    _, _, problems = case.accepted()
    assert "ENCODING_INFERRED" not in rules(problems)


def test_case_06_mixed_encodings_name_row_field_and_remedy(case):
    names = ["东坡村".encode("gbk")] * 3 + ["西沟村".encode() + b"\xff"]
    shapefile(case, {"ZLDWMC": names})
    said = case.refused()
    assert f"exports/{DAY}/DLTB.shp 第 4 行 字段 ZLDWMC" in said
    assert "同一图层混用编码" in said
    assert "可按 GB18030 解码，1 个不能，首个为 字节 E8 A5 BF" in said
    assert "在原数据中改正所列各值" in said
    assert 'encoding = "GBK"' in said


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("big5", ["東坡鄉農業發展區", "臺灣與國際經濟關係", "水庫", "鄉村道路"]),
        ("shift-jis", ["ひがしやまむら", "とうきょうと", "しんじゅく", "みなと"]),
        ("euc-jp", ["ひがしやまむら", "とうきょうと", "しんじゅく", "みなと"]),
        ("euc-kr", ["서울특별시", "부산광역시", "대구", "인천광역시"]),
    ],
)
def test_case_07_other_encodings_are_refused(case, encoding, names):
    cells = [n.encode(encoding) for n in names]
    land = [f"{n}甲".encode("ascii", "ignore") or n.encode(encoding) for n in names]
    shapefile(case, {"ZLDWMC": cells, "DLMC": [*land[1:], names[0][:2].encode(encoding)]})
    said = case.refused()
    assert "DLTB.shp 第 " in said
    assert "文字编码可疑" in said or "混用编码" in said
    assert "encoding" in said


def test_case_07_a_stated_encoding_is_the_way_out(case):
    names = ["東坡鄉", "西溝鄉", "臺灣鄉", "水庫鄉"]
    shapefile(case, {"ZLDWMC": names, "DLMC": [b""] * 4}, encoding="big5")
    case.refused()
    edit_toml(case.root, 'parcels = {encoding = "Big5"}\n')
    parcels, _, _ = case.accepted()
    assert list(parcels["zldwmc"]) == names


def test_case_08_four_byte_characters_survive(case):
    names = ["𠮷村", "㐂家村", "䶮河村", "东坡村"]
    shapefile(case, {"ZLDWMC": names}, encoding="gb18030")
    parcels, rejects, _ = case.accepted()
    assert list(parcels["zldwmc"]) == names
    balanced(parcels, rejects, plots()["TBMJ"])


@pytest.mark.parametrize(("encoding", "width"), [("gbk", 5), ("utf-8", 7)])
def test_case_09_a_cell_cut_inside_a_character(case, encoding, width):
    names = [f"{n}坡村" for n in "东西南北"]
    field = (b"ZLDWMC", b"C", width)
    shapefile(case, {"ZLDWMC": names}, encoding=encoding, ZLDWMC=field)
    parcels, _, problems = case.accepted()
    assert list(parcels["zldwmc"]) == [n[:2] for n in names]
    assert "字段 ZLDWMC：4 个值末尾的汉字被字段宽度截断，已去掉半个字" in found(problems)


@pytest.mark.parametrize("mark", ["锟斤拷", "\ufffd"])
def test_case_10_ruined_text_is_counted(case, mark):
    frame = plots()
    frame["ZLDWMC"] = [f"东{mark}", "西沟村", f"{mark}村", "西沟村"]
    deliver(case, frame)
    parcels, _, problems = case.accepted()
    assert list(parcels["zldwmc"]) == list(frame["ZLDWMC"])
    note = only(problems, "TEXT_DAMAGED")
    assert note["field"] == "ZLDWMC"
    assert note["source_row"] == "1"
    assert "2 个值含替代符或“锟斤拷”，原文已丢失" in note["found"]
    assert "从没有损坏的原数据重新导出" in note["advice"]


@pytest.mark.parametrize(
    "ruined",
    [
        "水田村组".encode().decode("gb18030"),  # UTF-8 read as GBK, then saved
        "水田村".encode("gbk").decode("latin-1"),  # GBK read as Latin-1
        "水田村".encode().decode("latin-1"),
    ],
)
def test_case_10_text_read_wrongly_and_saved(case, ruined):
    frame = plots()
    frame.loc[2, "ZLDWMC"] = ruined
    deliver(case, frame)
    _, _, problems = case.accepted()
    assert "1 个值像是按错误编码读过的乱码" in only(problems, "TEXT_DAMAGED")["found"]


def test_case_11_nul_inside_a_cell(case):
    names = ["东坡村".encode("gbk") + b"\0abc", *["西沟村".encode("gbk")] * 3]
    shapefile(case, {"ZLDWMC": names})
    parcels, _, problems = case.accepted()
    assert parcels["zldwmc"].iloc[0] == "东坡村"
    assert "字段 ZLDWMC：1 个值中含空字符，其后内容未采用" in found(problems)


def test_personal_columns_are_named_and_never_read(case):
    frame = plots().assign(ZRRMC="甲", ZRRZJHM="1" * 18, LXDH="13")
    deliver(case, frame)
    parcels, _, _ = case.accepted()
    assert not {"zrrmc", "zrrzjhm", "lxdh"} & set(parcels.columns)
    products = b"".join(case.products().values())
    assert b"1" * 18 not in products


def test_personal_columns_have_no_say_in_the_encoding(case):
    field = (b"ZRRMC", b"C", 12)
    shapefile(case, {"ZRRMC": ["ひがし".encode("shift-jis")] * 4}, ZRRMC=field)
    parcels, _, _ = case.accepted()
    assert list(parcels["dlmc"]) == LAND_NAMES


# 24–34: values


def test_case_24_repeated_bsm_names_both_records(case):
    frame = plots(6)
    frame.loc[2, "BSM"] = frame.loc[4, "BSM"] = frame.loc[0, "BSM"]
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert list(rejects["source_row"]) == [3, 5]
    assert set(rejects["rule"]) == {"BSM_DUPLICATE"}
    place = f"exports/{DAY}/DLTB.gpkg 第 1 行重复，本行是第 3 行"
    assert f"标识码 999901200000000001 与 {place}" in rejects["reason"].iloc[0]
    assert len([p for p in problems if p["rule"] == "BSM_DUPLICATE"]) == 2
    assert '"DLBM": "1101"' in rejects["attributes"].iloc[0]
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_25_empty_bsm(case):
    frame = plots()
    frame["BSM"] = frame["BSM"].astype(object)
    frame.loc[1, "BSM"], frame.loc[2, "BSM"] = None, "　 "
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert list(rejects["rule"]) == ["BSM_EMPTY"] * 2
    assert list(rejects["source_row"]) == [2, 3]
    told = [p for p in problems if p["rule"] == "BSM_EMPTY"]
    assert [(p["source_row"], p["advice"]) for p in told] == [
        ("2", "在原数据中补填标识码"),
        ("3", "在原数据中补填标识码"),
    ]
    balanced(parcels, rejects, frame["TBMJ"])


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        ([b"6.11026E+17"] * 4, "6.11026E+17"),
        ([b"611026200000000000", b"611026200000001000"] * 2, "611026200000000000"),
    ],
)
def test_case_26_bsm_that_went_through_a_spreadsheet(case, cells, shown):
    shapefile(case, {"BSM": cells})
    said = case.refused()
    assert f"exports/{DAY}/DLTB.shp 第 1 行 字段 BSM" in said
    assert f"4 个标识码按数字存放，位数可能已丢失（如“{shown}”），像是经 Excel 另存所致" in said
    assert "按文本型重新导出该字段" in said


def test_case_27_codes_are_tidied_where_that_is_certain(case):
    field = (b"DLBM", b"C", 10)
    codes = ["０１０３", "0307\r\n", " 1101", "0201k"]
    shapefile(case, {"DLBM": codes}, DLBM=field)
    parcels, rejects, problems = case.accepted()
    assert list(parcels["dlbm"]) == ["0103", "0307", "1101", "0201K"]
    note = only(problems, "CODE_TIDIED")
    assert note["field"] == "DLBM"
    assert "个值已规范（如“０１０３”→“0103”）" in note["found"]
    balanced(parcels, rejects, plots()["TBMJ"])


@pytest.mark.parametrize("kind", [b"N", b"C"])
def test_case_27_a_layer_that_lost_its_leading_zeros(case, kind):
    field = (b"DLBM", kind, 5)
    shapefile(case, {"DLBM": ["103", "307", "1101", "201"]}, DLBM=field)
    parcels, _, problems = case.accepted()
    assert list(parcels["dlbm"]) == ["0103", "0307", "1101", "0201"]
    assert "3 个值已规范（如“103”→“0103”）" in only(problems, "CODE_TIDIED")["found"]


def test_case_27_what_is_not_certain_is_listed_and_reviewed(case):
    frame = plots(5)
    frame["DLBM"] = ["0103", "101", "011", "9999", None]
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert list(parcels["dlbm"].fillna("?")) == ["0103", "101", "011", "9999", "?"]
    said = [p["found"] for p in problems if p["rule"] in {"DLBM_UNKNOWN", "DLBM_EMPTY"}]
    assert said == [
        "地类编码“101”不在三调地类表中，可能是少了前导零的 0101或二调编码 101 铁路用地，列入待核",
        "地类编码“011”不在三调地类表中，可能是二调编码 011 水田，列入待核",
        "地类编码“9999”不在三调地类表中，列入待核",
        "地类编码为空，列入待核",
    ]
    balanced(parcels, rejects, frame["TBMJ"])
    assert run(["classify", "--county", str(case.root), "--out", str(case.out)]) == 0
    pieces = gpd.read_parquet(case.out / "data/processed/exports" / DAY / "pieces.parquet")
    reviewed = pieces[pieces["category"] == "review"]
    assert set(frame["BSM"][1:]) == set(reviewed["bsm"])


def test_case_27_a_layer_of_the_second_survey_is_refused(case):
    """Its own field types (BSM a whole number, ZLDWDM of 16 digits) are no hindrance as such."""
    fields = {
        "BSM": (b"BSM", b"N", 10),
        "DLBM": (b"DLBM", b"C", 4),
        "ZLDWDM": (b"ZLDWDM", b"C", 16),
        "TKXS": (b"TKXS", b"F", 6),
        "TBMJ": (b"TBMJ", b"F", 15),
    }
    columns = {
        "BSM": ["1", "2", "3", "4"],
        "ZLDWDM": ["9999010010010000"] * 4,
        "TKXS": ["0.10"] * 4,
    }
    path = shapefile(case, columns | {"DLBM": ["013", "031", "111", "021"]}, **fields)
    said = case.refused()
    assert f"exports/{DAY}/DLTB.shp 字段 DLBM" in said
    assert "整个图层都是二调地类编码（如“013”），不是三调编码" in said
    assert "换用第三次国土调查" in said
    path.unlink()
    shapefile(case, columns | {"DLBM": ["0103", "0307", "1101", "0201"]}, **fields)
    parcels, rejects, problems = case.accepted()
    assert list(parcels["bsm"]) == ["1", "2", "3", "4"]
    assert list(parcels["kcxs"]) == [0.1] * 4
    assert list(parcels["town"]) == ["甲街办"] * 4
    note = only(problems, "ZLDWDM_LENGTH")
    assert "4 个坐落单位代码不是 12 位或 19 位（如“9999010010010000”，16 位）" in note["found"]
    balanced(parcels, rejects, plots()["TBMJ"])


def test_case_28_codes_of_places_short_and_foreign(case):
    frame = plots()
    frame["ZLDWDM"] = ["999901001001", "9999010010010000000", "8888011010010000000", "999901"]
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert list(parcels["town"].fillna("?")) == ["甲街办", "甲街办", "?", "乙镇"]
    unknown = only(problems, "TOWN_UNKNOWN")
    assert unknown["bsm"] == "999901200000000003"
    assert "坐落单位代码不属于本县镇办（8888011010010000000）" in unknown["found"]
    assert "（如“999901”，6 位）" in only(problems, "ZLDWDM_LENGTH")["found"]
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_29_code_of_a_town_the_county_does_not_have(case):
    frame = plots()
    frame.loc[0, "ZLDWDM"] = "9999011030010000000"
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert parcels["town"].iloc[0] == "甲街办"
    assert parcels["flags"].iloc[0] == "TOWN_BY_PLACE"
    note = only(problems, "TOWN_BY_PLACE")
    assert "按位置归入甲街办（9999011030010000000）" in note["found"]
    balanced(parcels, rejects, frame["TBMJ"])


@pytest.mark.parametrize(
    ("cell", "rule", "said"),
    [
        ("1,234.50", "NUMBER_BAD", "“1,234.50”不是有效数字，按缺失处理"),
        ("1 234.50", "NUMBER_BAD", "“1 234.50”不是有效数字"),
        ("*" * 15, "NUMBER_BAD", "不是有效数字"),
        ("1.#QNAN", "NUMBER_BAD", "“1.#QNAN”不是有效数字"),
        ("12a", "NUMBER_BAD", "“12a”不是有效数字"),
        ("1e999", "NUMBER_BAD", "“1e999”不是有效数字"),
        ("NaN", "TBMJ_MISSING", "图斑面积为空"),
        ("", "TBMJ_MISSING", "图斑面积为空"),
        ("-5", "TBMJ_BAD", "图斑面积 -5 不大于零"),
        ("0", "TBMJ_BAD", "图斑面积 0 不大于零"),
    ],
)
def test_case_30_unreadable_tbmj_keeps_the_plot_by_its_geometry(case, cell, rule, said):
    sound = plots()["TBMJ"].astype(object)
    sound[1] = cell
    shapefile(case, {"TBMJ": list(sound)})
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    problem = only(problems, rule)
    assert (problem["source_row"], problem["bsm"]) == ("2", "999901200000000002")
    assert problem["severity"] == "错误"
    assert said in problem["found"]
    assert not parcels["tbmj_trusted"].iloc[1]
    assert parcels["base_m2"].iloc[1] == parcels["area_m2"].iloc[1] == plots()["TBMJ"][1]
    assert "采用椭球面积" in parcels["base_reason"].iloc[1]
    readable = pd.to_numeric(sound, errors="coerce").to_numpy(dtype=float, copy=True)
    readable[~np.isfinite(readable)] = np.nan
    balanced(parcels, rejects, readable)


def test_case_30_full_width_digits_are_normalised_and_logged(case):
    field = (b"TBMJ", b"C", 20)
    cells = list(plots()["TBMJ"].astype(str))
    cells[1] = "".join(chr(ord(c) + 0xFEE0) for c in cells[1])
    shapefile(case, {"TBMJ": cells}, TBMJ=field)
    parcels, rejects, problems = case.accepted()
    assert list(parcels["tbmj"]) == list(plots()["TBMJ"])
    note = only(problems, "CODE_TIDIED")
    assert (note["field"], note["source_row"]) == ("TBMJ", "2")
    balanced(parcels, rejects, plots()["TBMJ"])


@pytest.mark.parametrize(("unit", "factor"), [("亩", 0.0015), ("公顷", 1e-4), ("平方千米", 1e-6)])
def test_case_31_tbmj_in_another_unit(case, unit, factor):
    frame = plots(6)
    frame["TBMJ"] = (frame["TBMJ"] * factor).round(6)
    frame.loc[5, "TBMJ"] = 123.0  # one odd plot doesn't hide the unit of the others
    deliver(case, frame)
    said = case.refused()
    assert f"exports/{DAY}/DLTB.gpkg 字段 TBMJ" in said
    assert f"像是以{unit}填写" in said
    assert "图斑面积 ÷ 椭球面积中位数" in said
    assert "改正后重新导出" in said


def test_case_32_single_plots_whose_tbmj_is_not_their_area(case):
    frame = plots(6)
    frame.loc[2, "TBMJ"] = 14.99  # in 亩, by a slip
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    problem = only(problems, "TBMJ_DIFFERS")
    assert problem["bsm"] == "999901200000000003"
    assert "疑似以亩填写" in problem["found"]
    assert not parcels["tbmj_trusted"].iloc[2]
    assert parcels["base_m2"].iloc[2] == parcels["area_m2"].iloc[2]
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_32_tbmj_measured_on_the_plane_is_told_once(case):
    frame = plots(6)
    shapes = [shapely.box(X0 + n * 1000, Y0, X0 + n * 1000 + 900, Y0 + 900) for n in range(6)]
    far = shapely.transform(np.array(shapes), lambda xy: xy + np.array((80_000, 0)))
    frame = frame.set_geometry(gpd.GeoSeries(far, crs=CRS))
    frame["TBMJ"] = measure.official_area(far, CRS)
    towns = gpd.GeoDataFrame(
        {"XZQDM": ["999901001", "999901101"], "XZQMC": ["甲街办", "乙镇"]},
        geometry=[
            shapely.box(X0 + 80_000, Y0, X0 + 84_000, Y0 + 1000),
            shapely.box(X0 + 84_000, Y0, X0 + 90_000, Y0 + 1000),
        ],
        crs=CRS,
    )
    for name in ("XZQ", "YJJBNTBHTB", "GDBHMB"):
        path = case.root / f"reference/{name}.gpkg"
        path.unlink()
        write(towns if name == "XZQ" else frame.iloc[:2], path, layer=name)
    write_elsewhere(case, frame)
    frame["TBMJ"] = shapely.area(far).round(2)
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    note = only(problems, "TBMJ_PLANAR")
    assert "与平面面积相符" in note["found"]
    assert "0/6 个相符" in note["found"]
    assert "TBMJ_DIFFERS" not in rules(problems)
    assert (parcels["base_m2"] == parcels["area_m2"]).all()
    balanced(parcels, rejects, frame["TBMJ"])


def write_elsewhere(case, frame):
    """Put these plots into the previous export as well."""
    path = case.root / "exports/2022-12-31/DLTB.gpkg"
    path.unlink()
    write(frame, path, layer="DLTB")


@pytest.mark.parametrize("value", ["20240230", "20241301", "2023115", "30.09.2023", "45199"])
def test_case_33_a_bad_date_is_named_and_not_taken_for_empty(case, value):
    edit_toml(case.root, 'monitoring = "reference/疑似.csv"\n')
    table = case.root / "reference/疑似.csv"
    table.write_text(f"BSM,ZT,SXRQ\n1,未销号,20230801\n2,未销号,{value}\n", encoding="utf-8")
    said = case.refused()
    assert "reference/疑似.csv 第 3 行 字段 SXRQ" in said
    assert f"1 个生效日期不是有效日期（如“{value}”）" in said
    assert "改为 年-月-日（如 2023-09-30）" in said


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2023/9/3", "2023-09-03"),
        ("２０２３－０９－０３", "2023-09-03"),
        ("2023年9月3日", "2023-09-03"),
        ("2023-09-03 00:00:00", "2023-09-03"),
    ],
)
def test_case_33_dates_as_people_write_them(case, value, day):
    edit_toml(case.root, 'monitoring = "reference/疑似.csv"\n')
    table = case.root / "reference/疑似.csv"
    table.write_text(f"BSM,ZT,SXRQ\n1,未销号,{value}\n", encoding="utf-8")
    case.accepted()
    frame = gpd.read_parquet(case.out / "data/processed/zones/monitoring.parquet")
    assert list(frame["sxrq"]) == [day]


def test_case_34_logical_unknown_and_memo_columns(case):
    fields = {
        "FRDBS": (b"FRDBS", b"L", 1),
        "HDMC": (b"HDMC", b"X", 10),
        "BZ": (b"BZ", b"M", 10),
    }
    columns = {"FRDBS": "TFT?", "HDMC": ["甲岛"] * 4, "BZ": [b"\x01\x80\xff"] * 4}
    shapefile(case, columns, **fields)
    parcels, rejects, problems = case.accepted()
    assert list(parcels["frdbs"])[:2] == ["T", "F"]
    assert list(parcels["hdmc"]) == ["甲岛"] * 4
    assert parcels["bz"].isna().all()
    assert "字段 HDMC：类型“X”不认识，按文本读入" in found(problems)
    note = only(problems, "FIELD_TYPE")
    assert note["field"] == "BZ"
    assert "备注型或二进制型字段，读不出文字，按空处理" in note["found"]
    balanced(parcels, rejects, plots()["TBMJ"])


def test_case_34_a_memo_where_a_required_field_should_be(case):
    shapefile(case, {}, DLBM=(b"DLBM", b"M", 10))
    said = case.refused()
    assert "DLTB.shp 字段 DLBM" in said
    assert "是备注型或二进制型字段，读不出文字" in said
    assert "改为文本型或数值型后重新导出" in said


# 35–44: geometry row by row


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


@pytest.mark.parametrize("shape", [None, shapely.Polygon()])
def test_case_35_null_geometry(case, shape):
    frame = with_shape(shape)
    deliver(case, frame)
    set_aside(case, frame, "GEOM_NULL", "图形为空")


def shp_record(number, rings):
    points = [point for one in rings for point in one]
    xs, ys = zip(*points, strict=True)
    starts = np.cumsum([0] + [len(one) for one in rings[:-1]])
    body = struct.pack("<i4d2i", 5, min(xs), min(ys), max(xs), max(ys), len(rings), len(points))
    body += struct.pack(f"<{len(rings)}i", *starts)
    body += b"".join(struct.pack("<2d", *point) for point in points)
    return struct.pack(">2i", number, len(body) // 2) + body


def write_rings(path, shapes):
    """Write .shp and .shx from rings as they stand, for what GDAL would never write."""
    records = [shp_record(number, rings) for number, rings in enumerate(shapes, 1)]
    points = np.array([point for rings in shapes for one in rings for point in one])
    low, high = points.min(axis=0), points.max(axis=0)

    def header(size):
        start = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, (100 + size) // 2)
        return start + struct.pack("<2i8d", 1000, 5, *low, *high, 0, 0, 0, 0)

    body = b"".join(records)
    offsets = list(itertools.accumulate([100, *(len(r) for r in records)]))
    index = b"".join(
        struct.pack(">2i", at // 2, (len(record) - 8) // 2)
        for at, record in zip(offsets, records, strict=False)
    )
    path.write_bytes(header(len(body)) + body)
    path.with_suffix(".shx").write_bytes(header(len(index)) + index)


def clockwise(x, y, width, height):
    corners = [(x, y), (x, y + height), (x + width, y + height), (x + width, y), (x, y)]
    return [(X0 + a, Y0 + b) for a, b in corners]


def drawn(case, second, tbmj=None):
    """Write a shapefile whose second plot has these rings; return the attribute frame."""
    frame = plots()
    if tbmj is not None:
        frame.loc[1, "TBMJ"] = tbmj
    path = case.folder() / "DLTB.shp"
    write_shp(frame, path)
    write_rings(path, [[clockwise(n * 100, 0, 100, 100)] if n != 1 else second for n in range(4)])
    return frame


@pytest.mark.parametrize(
    "rings",
    [
        [[(X0 + 100, Y0), (X0 + 200, Y0)]],
        [clockwise(100, 0, 100, 100), [(X0 + 110, Y0 + 10), (X0 + 120, Y0 + 20)]],
    ],
)
def test_case_36_ring_of_two_points(case, rings):
    frame = drawn(case, rings)
    reject, _ = set_aside(case, frame, "GEOM_UNREADABLE", "图形无法解析（有的环")
    assert reject["wkb"].startswith("0103000000")


@pytest.mark.parametrize("value", [np.nan, 1e308, -1e308, 1e11])
def test_case_37_coordinates_that_are_none(case, value):
    with np.errstate(all="ignore"):
        shape = shapely.Polygon([(X0, Y0), (value, Y0), (X0 + 1, Y0 + 1)])
        frame = with_shape(shape)
        deliver(case, frame)
        reject, _ = set_aside(case, frame, "GEOM_COORD", "坐标不是有效数字")
    assert reject["wkb"]


def test_case_37_no_coordinate_is_any_good(case):
    shape = shapely.Polygon([(1e11, 0), (2e11, 0), (2e11, 1e11)])
    frame = plots().set_geometry(gpd.GeoSeries([shape] * 4, crs=CRS))
    deliver(case, frame)
    said = case.refused()
    assert f"exports/{DAY}/DLTB.gpkg" in said
    assert "全部 4 个图形都不能用（坐标不是有效数字）" in said
    assert "检查原数据后重新导出" in said


BOWTIE = ring((0, 0), (100, 100), (100, 0), (0, 100))
LOOP = ring((0, 0), (100, 0), (100, 100), (0.05, 100), (-0.05, 99.9), (0.05, 99.9), (0, 100))
NESTED = shapely.Polygon(
    ring((0, 0), (100, 0), (100, 100), (0, 100)).exterior.coords,
    [ring((10, 10), (90, 10), (90, 90), (10, 90)).exterior.coords,
     ring((20, 20), (30, 20), (30, 30), (20, 30)).exterior.coords],
)  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (BOWTIE, "图形有错（边界自相交，位于 x 36580150.00、y 3720050.00），未修复：修复前后面积"),
        (NESTED, "图形有错（洞中套洞，位于 x"),
    ],
)
def test_case_38_beyond_tolerance_is_set_aside_with_its_wkb(case, shape, reason):
    frame = with_shape(shape)
    deliver(case, frame)
    reject, problem = set_aside(case, frame, "GEOM_INVALID", reason)
    assert "超出容差" in reject["reason"]
    assert shapely.from_wkb(reject["wkb"]).normalize() == shape.normalize()
    assert reject.geometry.normalize().equals_exact(shape.normalize(), 1e-4)
    assert float(problem["x"]) == pytest.approx(X0 + 150, abs=51)


def test_case_38_within_tolerance_is_mended_and_on_record(case):
    frame = with_shape(LOOP)
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert parcels.geometry.is_valid.all()
    problem = only(problems, "GEOM_REPAIRED")
    assert problem["severity"] == "警告"
    assert "已在容差内修复：修复前后面积" in problem["found"]
    assert "修复后椭球面积" in problem["found"]
    assert f"图斑面积 {frame['TBMJ'][1]:.2f} ㎡" in problem["found"]
    assert problem["bsm"] == "999901200000000002"
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_38_a_repair_that_tbmj_does_not_bear_out_is_none(case):
    frame = with_shape(LOOP)
    frame.loc[1, "TBMJ"] = 9000.0
    deliver(case, frame)
    reject, _ = set_aside(case, frame, "GEOM_INVALID", "图斑面积 9000.00 ㎡，与图斑面积不符")
    assert reject["area_m2"] == 9000.0


def hole_outside():
    return [clockwise(100, 0, 100, 100), clockwise(150, 120, 10, 10)[::-1]]


def test_case_39_hole_drawn_outside_its_shell(case):
    # as drawn 9900 m², as GDAL puts the rings together 10100 m²; TBMJ bears out neither
    frame = drawn(case, hole_outside(), tbmj=9500.0)
    reject, _ = set_aside(case, frame, "GEOM_RINGS", "环的方向与位置矛盾（如洞画在外环之外）")
    assert "按画法面积 9900.0000，按位置拼合 10100.0000" in reject["reason"]


def test_case_39_hole_outside_that_tbmj_takes_for_ground(case):
    frame = drawn(case, hole_outside(), tbmj=round(plots()["TBMJ"][1] * 1.01, 2))
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert "与后者相符，照收" in only(problems, "GEOM_RINGS")["found"]
    balanced(parcels, rejects, frame["TBMJ"])


@pytest.mark.parametrize(
    "rings",
    [
        [clockwise(100, 0, 100, 100)] * 2,
        [clockwise(100, 0, 100, 100), clockwise(120, 20, 10, 10)],
    ],
)
def test_case_39_part_drawn_twice_or_inside_another(case, rings):
    frame = drawn(case, rings)
    set_aside(case, frame, "GEOM_INVALID", "超出容差")


def test_case_39_rings_all_turned_the_wrong_way_are_turned_back(case):
    shell, hole = clockwise(100, 0, 100, 100)[::-1], clockwise(120, 20, 10, 10)
    frame = drawn(case, [shell, hole], tbmj=round(plots()["TBMJ"][1] * 0.99, 2))
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert parcels.geometry.iloc[1].area == pytest.approx(9900)
    assert parcels["tbmj_trusted"].all()
    assert "9900.0000 → 9900.0000" in only(problems, "GEOM_REPAIRED")["found"]
    balanced(parcels, rejects, frame["TBMJ"])


@pytest.mark.parametrize(
    "shape",
    [
        ring((0, 0), (50, 0), (100, 0)),
        ring((0, 0), (100, 0), (100, 0.00001), (0, 0.00001)),
    ],
)
def test_case_40_no_area(case, shape):
    frame = with_shape(shape)
    deliver(case, frame)
    parcels, rejects, _ = case.accepted()
    assert set(rejects["rule"]) <= {"GEOM_ZERO", "GEOM_INVALID"}
    assert len(rejects) == 1
    assert rejects["wkb"].notna().all()
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_40_a_sliver_with_area_is_kept_and_told(case):
    frame = with_shape(ring((0, 0), (100, 0), (100, 0.3), (0, 0.3)))
    frame.loc[1, "TBMJ"] = 29.99
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    problem = only(problems, "GEOM_SLIVER")
    assert "图形是碎片（30.00 ㎡），照收" in problem["found"]
    assert problem["bsm"] == "999901200000000002"
    balanced(parcels, rejects, frame["TBMJ"])


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        (shapely.Point(X0 + 150, Y0 + 50), "点"),
        (shapely.LineString([(X0, Y0), (X0 + 9, Y0)]), "线"),
        (shapely.MultiPoint([(X0, Y0)]), "多点"),
        (shapely.GeometryCollection([square(1), shapely.Point(X0, Y0)]), "混合图形"),
    ],
)
def test_case_41_points_and_lines_among_polygons(case, shape, name):
    frame = with_shape(shape)
    deliver(case, frame, geometry_type="Unknown")
    set_aside(case, frame, "GEOM_TYPE", f"图形不是面，是{name}")


def test_case_41_a_layer_of_lines(case):
    frame = plots()
    deliver(case, frame.set_geometry(frame.boundary))
    said = case.refused()
    assert "全部 4 个图形都不能用（图形不是面，是线）" in said


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


def tin():
    triangle = struct.pack("<BIII", 1, 1017, 1, 4) + struct.pack(
        "<12d", X0, Y0, 0, X0 + 9, Y0, 0, X0, Y0 + 9, 0, X0, Y0, 0
    )
    return struct.pack("<BII", 1, 1016, 1) + triangle


def test_case_42_one_tin_among_polygons(case):
    patched(case, {2: tin()})
    set_aside(case, plots(), "GEOM_TYPE", "图形不是面，是三角网（TIN）")


def test_case_42_a_layer_of_tins(case):
    patched(case, dict.fromkeys((1, 2, 3, 4), tin()))
    said = case.refused()
    assert "全部 4 个图形都不能用（图形不是面，是三角网（TIN））" in said
    assert "多面体先转换为面" in said


def multipatch_gdb(case, *, beside):
    path = case.folder() / "DLTB.gdb"
    shape = shapely.GeometryCollection(
        [shapely.Polygon([(X0, Y0, 1), (X0 + 9, Y0, 1), (X0, Y0, 2)])]
    )
    names = ["BSM", "DLBM", "ZLDWDM", "TBMJ"]
    values = [np.array([v], dtype=object) for v in ("1", "0103", "9999010010010000000", "1")]
    pyogrio.raw.write(
        path, np.array([shapely.to_wkb(shape)]), values, names, layer="三维" if beside else "DLTB",
        driver="OpenFileGDB", geometry_type="GeometryCollection Z", crs=CRS,
    )  # fmt: skip
    if beside:
        write(plots(), path, layer="DLTB", driver="OpenFileGDB", append=True)
    return path


def test_case_42_multipatch_in_a_filegdb(case):
    multipatch_gdb(case, beside=False)
    said = case.refused()
    assert f"exports/{DAY}/DLTB.gdb" in said
    assert "图层 DLTB 的图形不是面，是多面体（multipatch）" in said
    assert "转换为面后重新导出" in said


def test_case_42_a_multipatch_layer_beside_the_plots_is_no_hindrance(case):
    multipatch_gdb(case, beside=True)
    parcels, rejects, _ = case.accepted()
    balanced(parcels, rejects, plots()["TBMJ"])


def test_case_42_multipatch_shapefile(case):
    path = case.folder() / "DLTB.shp"
    write_shp(plots(), path)
    for part in (path, path.with_suffix(".shx")):
        data = bytearray(part.read_bytes())
        data[32:36] = struct.pack("<i", 31)
        part.write_bytes(bytes(data))
    said = case.refused()
    assert "多面体" in said
    assert "先转换为面" in said


# a square of 100 m whose upper edge is an arc that rises 20 m: a segment of a circle of 72.5 m
ARC_TOP = (X0 + 150, Y0 + 120)
RADIUS = (50**2 + 20**2) / (2 * 20)
ARC_AREA = 10_000 + RADIUS**2 * np.arcsin(50 / RADIUS) - 50 * (RADIUS - 20)


def curve_polygon():
    line = [(100, 100), (100, 0), (200, 0), (200, 100)]

    def points(items):
        return b"".join(struct.pack("<2d", X0 + x, Y0 + y) for x, y in items)

    straight = struct.pack("<BII", 1, 2, 4) + points(line)
    arc = struct.pack("<BII", 1, 8, 3) + points([(200, 100), (150, 120), (100, 100)])
    compound = struct.pack("<BII", 1, 9, 2) + straight + arc
    return struct.pack("<BII", 1, 10, 1) + compound


def check_curve(case):
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    shape = parcels.geometry.iloc[1]
    assert shape.area == pytest.approx(ARC_AREA, rel=1e-6)
    note = only(problems, "GEOM_CURVE")
    assert (note["source_row"], note["severity"]) == ("2", "警告")
    assert f"曲线图形已化为折线，平面面积 {ARC_AREA:.3f}" in note["found"]
    change = float(note["found"].split("差 ")[1].rstrip("）"))
    assert -0.01 < change < 0
    assert len(shapely.get_coordinates(shape)) > 300
    balanced(parcels, rejects, plots()["TBMJ"])


def test_case_43_curves_in_a_geopackage(case):
    patched(case, {2: curve_polygon()})
    check_curve(case)


def test_case_43_curves_in_a_filegdb(case):
    path = case.folder() / "DLTB.gdb"
    write(plots().drop(columns="KCXS"), path, layer="DLTB", **GDB_OPTIONS)
    corners = [(100, 0), (100, 100), (200, 100), (200, 0), (100, 0)]
    blob = gdb_polygon([(X0 + x, Y0 + y) for x, y in corners], {1: ARC_TOP})
    put_geometry(path / "a00000009.gdbtable", 2, blob)
    check_curve(case)


def test_case_43_a_curve_inside_a_collection_is_set_aside(case):
    patched(case, {2: struct.pack("<BII", 1, 7, 1) + curve_polygon()})
    parcels, rejects, _ = case.accepted()
    assert list(rejects["rule"]) == ["GEOM_TYPE"]
    assert "图形不是面，是混合图形" in rejects["reason"].item()
    balanced(parcels, rejects, plots()["TBMJ"])


@pytest.mark.parametrize("kind", ["shp", "gpkg"])
def test_case_44_z_and_m(case, kind):
    high = shapely.force_3d(plots().geometry.to_numpy(), 500.0)
    if kind == "shp":
        deliver(case, plots().set_geometry(gpd.GeoSeries(high, crs=CRS)), "DLTB.shp")
    else:
        text = [w.replace(" Z ", " ZM ").replace(" 500", " 500 7") for w in shapely.to_wkt(high)]
        wkb = shapely.to_wkb(shapely.from_wkt(text), flavor="iso", output_dimension=4)
        patched(case, dict(enumerate(wkb, 1)))
    parcels, rejects, problems = case.accepted()
    assert not parcels.has_z.any()
    assert not shapely.has_m(parcels.geometry.to_numpy()).any()
    assert parcels.geometry.geom_equals(plots().geometry).all()
    note = only(problems, "GEOM_DIMENSION")
    assert "4 个图形带高程或量测值（Z/M），已去掉" in note["found"]
    balanced(parcels, rejects, plots()["TBMJ"])


# 45, 46: the ground as a whole


def ground(case, layer):
    return gpd.read_file(case.out / "data/processed/exports" / DAY / "coverage.gpkg", layer=layer)


def test_case_45_overlap_counts_once(case):
    shifted = shapely.box(X0 + 90, Y0, X0 + 190, Y0 + 100)
    frame = with_shape(shifted)
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    shared = ground(case, "overlaps")
    assert list(shared["bsm"]) == ["999901200000000001"]
    assert list(shared["other_bsm"]) == ["999901200000000002"]
    area = shared["area_m2"].item()
    assert area == pytest.approx(1000, rel=1e-3)
    first, second = parcels.iloc[0], parcels.iloc[1]
    assert first["base_m2"] == first["tbmj"]
    assert second["base_m2"] == pytest.approx(second["tbmj"] - area, abs=0.005)
    assert "不再计入" in second["base_reason"]
    assert first["flags"] == second["flags"] == "PLOT_OVERLAP"
    problem = only(problems, "PLOT_OVERLAP")
    assert f"与图斑 999901200000000001（exports/{DAY}/DLTB.gpkg 第 1 行）重叠" in problem["found"]
    assert problem["bsm"] == "999901200000000002"
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_45_the_same_polygon_twice_counts_once(case):
    frame = pd.concat([plots(), plots().iloc[1:2].assign(BSM="999901200000000099")])
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    assert rejects.empty
    assert parcels["base_m2"].iloc[4] == 0
    assert parcels["base_m2"].sum() == pytest.approx(plots()["TBMJ"].sum(), abs=0.005)
    assert only(problems, "PLOT_OVERLAP")["bsm"] == "999901200000000099"
    balanced(parcels, rejects, frame["TBMJ"])


def test_case_46_a_missing_plot_is_a_gap_with_its_area(case):
    town = gpd.GeoDataFrame(
        {"XZQDM": ["999901001", "999901101"], "XZQMC": ["甲街办", "乙镇"]},
        geometry=[shapely.box(X0, Y0, X0 + 200, Y0 + 100),
                  shapely.box(X0 + 200, Y0, X0 + 600, Y0 + 100)],
        crs=CRS,
    )  # fmt: skip
    path = case.root / "reference/XZQ.gpkg"
    path.unlink()
    write(town, path, layer="XZQ")
    write_elsewhere(case, plots(6))
    frame = plots(6).drop(index=3)
    deliver(case, frame)
    parcels, rejects, problems = case.accepted()
    gaps = ground(case, "gaps")
    assert gaps.geometry.iloc[0].equals(square(3))
    assert gaps["area_m2"].item() == plots(6)["TBMJ"][3]
    problem = only(problems, "COVERAGE_GAP")
    assert f"行政区范围内有 1 处没有图斑，共 {plots(6)['TBMJ'][3]:.2f} ㎡" in problem["found"]
    assert float(problem["x"]) == pytest.approx(X0 + 350)
    assert "核对是否漏交图斑" in problem["advice"]
    balanced(parcels, rejects, frame["TBMJ"])


# 47–54: coordinates


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

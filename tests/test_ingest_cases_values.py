"""Bad input by case number (docs/ingest-cases.md): keys, codes, areas, dates."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from ingest_cases import DAY, found
from ingest_county import CRS, X0, Y0, edit_toml, plots, write
from ingest_layers import balanced, deliver, only, rules, shapefile, write_elsewhere

from pipeline import measure
from pipeline.cli import run


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

"""Bad input by case number (docs/ingest-cases.md): encodings, names of persons."""

import pytest
from ingest_cases import DAY, found
from ingest_county import edit_toml, plots, write_shp
from ingest_layers import LAND_NAMES, balanced, deliver, only, rules, shapefile


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

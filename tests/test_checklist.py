"""Lists as people write them: real CSV and XLSX files, read row by row, nothing skipped."""

from __future__ import annotations

import csv
import io
import zipfile
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError, InputError, UsageError
from pipeline.ingest.checklist import COLUMNS, read_checklist
from pipeline.tables.checklist import load_checklist_words, read_checklist_words
from pipeline.tables.reader import package_file

BSM = [f"990001200{n:09d}" for n in range(1, 30)]
HEAD = ["镇办", "标识码", "类别", "面积（亩）"]
ROW = ["甲镇", BSM[0], "永农就地恢复", "3.14"]


@pytest.fixture
def read(county, tmp_path):
    """Write rows (or sheets of rows) to a file of a name and read it back."""

    def write_and_read(content, name="清单.csv", encoding="utf-8-sig", merged=(), delimiter=","):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif path.suffix == ".csv":
            text = io.StringIO(newline="")
            csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(content)
            path.write_bytes(text.getvalue().encode(encoding))
        else:
            write_book(content if isinstance(content, dict) else {"表": content}, path, merged)
        return read_checklist(path, county)

    return write_and_read


def write_book(sheets, path, merged=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
        for area in merged:
            page.merge_cells(area)
    book.save(path)


def values(checklist, *names):
    return checklist.rows[list(names)].to_numpy().tolist()


def remarks(checklist):
    return {remark.item: remark.text for remark in checklist.remarks}


def refusal(read, *args, **options):
    with pytest.raises(InputError) as caught:
        read(*args, **options)
    return str(caught.value)


# --- finding the table ---------------------------------------------------------------------------


def test_a_plain_list_is_read_with_its_rows_numbered_as_in_the_file(read):
    found = read([HEAD, ROW, ["乙镇", BSM[1], "进出平衡", "12"]])
    assert list(found.rows.columns) == list(COLUMNS)
    assert values(found, "row", "bsm", "town_code", "categories", "area", "unit") == [
        [2, BSM[0], "990001001", "pbf_restore_in_place", "3.14", "亩"],
        [3, BSM[1], "990001002", "in_out_balance", "12", "亩"],
    ]


def test_titles_above_merged_heads_notes_and_totals_below_are_told_from_plots(read):
    rows = [
        ["测试县2023年问题图斑清单"],
        ["填报单位：测试县自然资源局", None, None, None, None, "单位：亩"],
        ["序号", "乡（镇）", "图斑", None, "类别", "面积", "责任人"],
        [None, None, "编号", "标识码", None, None, None],
        [1, "甲镇", "0012", BSM[0], "永农就地恢复", 3.14, "某某"],
        [2, None, "0013", BSM[1], "同上", 2, "某某"],
        ["小计", None, None, None, None, 5.14, None],
        [3, None, None, None, None, None, None],
        ["备注：以上由某某核实"],
        ["填表人：某某", None, "审核人：某某", None, None, "2023年10月1日"],
    ]
    merged = ("A1:G1", "A3:A4", "B3:B4", "C3:D3", "E3:E4", "F3:F4", "G3:G4", "B5:B6", "A9:G9")
    found = read(rows, "清单.xlsx", merged=merged)
    assert values(found, "row", "town_code", "bsm", "tbbh", "categories", "area", "unit") == [
        [5, "990001001", BSM[0], "0012", "pbf_restore_in_place", "3.14", "亩"],
        [6, "990001001", BSM[1], "0013", "pbf_restore_in_place", "2", "亩"],
    ]
    said = remarks(found)
    assert said["表头"] == "第 3、4 行"
    assert said["丢弃的列（个人信息）"] == "责任人"
    assert (
        said["非空行"] == "共 10 行：标题 2，表头 2，图斑 2，小计合计 1，只有序号的空行 1，说明 2"
    )
    assert "某某" not in str(found)


def test_every_row_that_is_not_blank_is_of_one_kind(read):
    rows = [["标题"], HEAD, ROW, [], ["合 计", "", "", "3.14"], HEAD, ["乙镇", BSM[1], "", ""]]
    found = read(rows)
    total, _, kinds = remarks(found)["非空行"].partition("：")
    counted = sum(int(kind.split()[1]) for kind in kinds.split("，"))
    assert (total, counted, len(found.rows)) == ("共 6 行", 6, 2)


def test_sheets_name_town_and_category_where_no_column_does(read):
    sheets = {
        "甲镇": [["年度流出恢复图斑清单"], ["BSM"], [BSM[0]]],
        "乙": [["BSM"], ["一、耕地进出平衡任务"], [BSM[1]], ["二、永农就地恢复"], [BSM[2]]],
        "丙街办": [["说明：", "没有图斑列"]],
    }
    found = read(sheets | {"乙镇": sheets.pop("乙")}, "清单.xlsx")
    assert values(found, "sheet", "town_code", "categories") == [
        ["甲镇", "990001001", "outflow_restore"],
        ["乙镇", "990001002", "in_out_balance"],
        ["乙镇", "990001002", "pbf_restore_in_place"],
    ]
    assert {"工作表名、标题或分段标题"} == set(found.rows["town_from"])
    unread = [r for r in found.remarks if r.item == "未读的工作表"]
    assert [(r.sheet, r.text) for r in unread] == [("丙街办", "没有能指认图斑的列，1 行未作图斑")]


def test_the_name_of_the_assessment_in_a_title_is_no_category(read):
    found = read([["测试县耕地保护目标责任考核问题图斑"], ["标识码"], [BSM[0]]])
    assert values(found, "categories") == [[""]]


def test_a_second_table_below_may_have_other_columns(read):
    rows = [HEAD, ROW, ["乙镇"], ["类别", "镇办", "标识码", "图斑面积（㎡）"]]
    found = read([*rows, ["流入", "乙镇", BSM[1], "2000"]])
    assert values(found, "row", "town_code", "categories", "area", "unit") == [
        [2, "990001001", "pbf_restore_in_place", "3.14", "亩"],
        [5, "990001002", "inflow", "2000", "㎡"],
    ]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_csv_in_any_usual_encoding_and_separator(read, encoding, delimiter):
    found = read([HEAD, ROW], encoding=encoding, delimiter=delimiter)
    assert values(found, "town_code", "categories") == [["990001001", "pbf_restore_in_place"]]


def test_hidden_rows_and_sheets_are_read_and_said(county, tmp_path):
    path = tmp_path / "隐藏.xlsx"
    write_book({"表": [HEAD, ROW], "另": [HEAD, ["乙镇", BSM[1], "", ""]]}, path)
    book = openpyxl.load_workbook(path)
    book["表"].row_dimensions[2].hidden = True
    book["另"].sheet_state = "hidden"
    book.save(path)
    found = read_checklist(path, county)
    assert len(found.rows) == 2
    assert {"隐藏的行", "隐藏的工作表"} <= {remark.item for remark in found.remarks}


# --- cells ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("甲镇", "990001001"), ("甲", "990001001"), ("丙街道", "990001003"),
        ("测试县丙街办", "990001003"), (" 甲 镇 ", "990001001"), ("990001002", "990001002"),
        ("990001002001", "990001002"), ("乙镇东村", "990001002"),
    ],
)  # fmt: skip
def test_towns_by_name_alias_code_with_county_or_village(read, written, code):
    found = read([HEAD, [written, *ROW[1:]]])
    assert values(found, "readable", "town_code") == [[True, code]]


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("永久基本农田就地恢复", "pbf_restore_in_place"), ("YH", "pbf_restore_in_place"),
        ("2、年度流出恢复图斑", "outflow_restore"), ("（三）自提", "pbf_self_submitted"),
        ("pbf_relocate", "pbf_relocate"), ("违法占用耕地", "illegal_occupation"),
        ("就地恢复", "pbf_restore_in_place|target_restore_in_place"),
        ("调整补划", "pbf_self_submitted|pbf_relocate"),
    ],
)  # fmt: skip
def test_categories_by_any_usual_name(read, written, means):
    assert values(read([HEAD, ["甲镇", BSM[0], written, "1"]]), "categories") == [[means]]


@pytest.mark.parametrize(
    ("head", "written", "area", "unit"),
    [
        ("面积(亩)", "３．１４", "3.14", "亩"), ("图斑面积㎡", "2,094.39", "2094.39", "㎡"),
        ("面积/公顷", "0.2094", "0.2094", "公顷"), ("面积", "3.14亩", "3.14", "亩"),
        ("面积(亩)", "2094.39平方米", "2094.39", "㎡"), ("TBMJ", "2094.39", "2094.39", "㎡"),
        ("面积", "3.14", "3.14", ""), ("亩数", "3.14", "3.14", "亩"),
        ("面积（hm²）", "1", "1", "公顷"),
        ("面积(亩)", "—", "", ""),
    ],
)  # fmt: skip
def test_areas_with_the_unit_of_head_or_cell(read, head, written, area, unit):
    found = read([["标识码", head], [BSM[0], written]])
    assert found.rows["readable"].all()
    assert values(found, "area")[0] == [area]
    assert not area or values(found, "unit")[0] == [unit]


def test_numbers_of_a_workbook_stand_for_as_many_digits_as_their_column(read):
    found = read([["标识码", "面积（亩）"], [BSM[0], 3], [BSM[1], 2.25], [BSM[2], "3"]], "a.xlsx")
    assert values(found, "area", "decimals", "short") == [
        ["3", 2, False],
        ["2.25", 2, False],
        ["3", 0, True],
    ]


def test_an_area_written_in_two_units_is_read_twice(read):
    rows = [
        ["标识码", "面积", None],
        [None, "亩", "㎡"],
        [BSM[0], "3.14", "2094.39"],
        [BSM[1], "", "9"],
    ]
    found = read(rows, "a.xlsx", merged=("A1:A2", "B1:C1"))
    assert values(found, "area", "unit", "area_too", "unit_too") == [
        ["2094.39", "㎡", "3.14", "亩"],
        ["9", "㎡", "", ""],
    ]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("36580050.5", "3720050.5"), ("580050.5", "3720050.5"), ("3720050.5", "580050.5"),
        ("108.8661", "33.6033"), ("33.6033", "108.8661"), ("108°51'58\"", "33°36′12″"),
    ],
)  # fmt: skip
def test_coordinates_in_any_frame_and_order(read, x, y):
    found = read([["X坐标", "Y坐标"], [x, y]])
    assert found.rows["readable"].all()
    assert found.rows["x"].between(36_579_000, 36_581_500).all()
    assert found.rows["y"].between(3_719_000, 3_721_500).all()


def test_both_coordinates_in_one_cell(read):
    found = read([["中心坐标"], ["108.8661，33.6033"]])
    assert found.rows["x"].notna().all()


def test_a_bsm_kept_as_text_by_tricks_is_a_bsm(read):
    rows = [
        ["标识码"],
        [f'="{BSM[0]}"'],
        [f"'{BSM[1]}"],
        [f" {BSM[2]}\n"],
        ["９９０００１２００００００００００４"],
    ]
    assert [bsm for (bsm,) in values(read(rows), "bsm")] == BSM[:4]


def test_a_bsm_in_the_column_of_plot_numbers_is_a_bsm(read):
    assert values(read([["图斑编号"], [BSM[0]], ["0012"]]), "bsm", "tbbh") == [
        [BSM[0], ""],
        ["", "0012"],
    ]


def test_status_words_cover_what_they_mean(read):
    rows = [
        ["标识码", "整改状态"],
        [BSM[0], "已整改到位"],
        [BSM[1], "未整改"],
        [BSM[2], "另行研究"],
    ]
    found = read(rows)
    assert values(found, "statuses", "status_unknown") == [
        ["closed", False],
        ["open|partial|reopened", False],
        ["", True],
    ]


def test_a_column_without_one_known_category_is_set_aside_and_said(read):
    found = read([["标识码", "类型"], [BSM[0], "坡地"], [BSM[1], "梯田"]])
    assert values(found, "readable", "categories") == [[True, ""], [True, ""]]
    assert remarks(found)["类别列"].startswith("该列 2 种写法都不是类别，没有采用")


# --- rows that can't be read ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "field", "found", "advice"),
    [
        (["丁镇", BSM[1], "进出平衡", "1"], "镇办", "“丁镇”不是本县的镇办", "towns.csv"),
        (["甲真", BSM[1], "进出平衡", "1"], "镇办", "“甲真”不是本县的镇办", "是否应为“甲镇”"),
        (["甲镇", BSM[1], "永农恢愎", "1"], "类别", "“永农恢愎”不是任务类别", "永农就地恢复"),
        (["甲镇", BSM[1], "进出平衡", "约3亩"], "面积", "“约3亩”不是面积", "写成数字"),
        (["甲镇", BSM[1], "进出平衡", "-3"], "面积", "“-3”不是面积", "写成数字"),
        (["甲镇", "9.90001E+17", "进出平衡", "1"], "标识码", "位数已丢失", "设为文本"),
        (["甲镇", "待补", "进出平衡", "1"], "标识码", "“待补”不是标识码", "补写标识码"),
        (["甲镇", "", "进出平衡", "1"], "整行", "没有标识码、图斑编号或坐标", "补写标识码"),
        (["甲镇", BSM[1], "进出平衡", "1", "多"], "整行", "列数多于表头", "双引号"),
    ],
)  # fmt: skip
def test_an_unreadable_row_is_listed_with_field_and_advice(read, row, field, found, advice):
    table = read([HEAD, ROW, row]).rows
    assert table["readable"].tolist() == [True, False]
    assert table["row"].tolist() == [2, 3]
    bad = table.iloc[1]
    assert bad["field"] == field
    assert found in bad["found"]
    assert advice in bad["advice"]


def test_all_faults_of_a_row_are_told_at_once(read):
    table = read([HEAD, ROW, ["丁镇", "?", "无此类", "三亩"]]).rows
    assert table.loc[1, "field"].split("；") == ["镇办", "类别", "面积", "标识码"]


def test_coordinates_of_another_frame_are_refused_row_by_row(read):
    rows = [["X", "Y"], ["108.8661", "33.6033"], ["12118000", "3980000"], ["108.8", ""]]
    table = read(rows).rows
    assert table["readable"].tolist() == [True, False, False]
    assert "Web 墨卡托" in table.loc[1, "found"]
    assert "只有一个" in table.loc[2, "found"]


def test_town_name_and_code_that_disagree_are_refused(read):
    rows = [
        ["镇办", "镇办代码", "标识码"],
        ["甲镇", "990001002", BSM[0]],
        ["甲镇", "990001001", BSM[1]],
    ]
    table = read(rows).rows
    assert table["readable"].tolist() == [False, True]
    assert "不是同一个镇办" in table.loc[0, "found"]


def test_a_formula_without_a_value_is_no_value(read):
    rows = [["标识码", "面积（亩）"], [BSM[0], "=1+1"], [BSM[1], 2]]
    table = read(rows, "a.xlsx").rows
    assert table["found"].tolist() == ["“公式未计算”不是面积", ""]


def test_a_bsm_that_lost_digits_is_no_harm_where_the_row_says_more(read):
    rows = [["标识码", "图斑编号"], ["9.90001E+17", "0012"], [BSM[0], "0013"]]
    assert values(read(rows), "readable", "bsm", "bsm_unread", "tbbh") == [
        [True, "", "按数字存放，位数已丢失", "0012"],
        [True, BSM[0], "", "0013"],
    ]


def test_a_bsm_kept_as_a_number_is_refused(read):
    rows = [["标识码"], [int(BSM[0])], [BSM[1]]]
    table = read(rows, "a.xlsx").rows
    assert table["readable"].tolist() == [False, True]
    assert "位数已丢失" in table.loc[0, "found"]


def test_nothing_about_persons_reaches_the_result(read):
    rows = [
        [*HEAD, "责任人", "联系电话", "户主身份证"],
        [*ROW, "某某", "13900001111", "610000199001011234"],
        ["13900001111", BSM[1], "联系人：某某", "联系电话13900001111", "某某", "", ""],
    ]
    found = read(rows)
    text = found.rows.to_csv() + str(found.remarks)
    assert "某某" not in text
    assert "13900001111" not in text
    assert "610000199001011234" not in text
    assert BSM[0] in text
    assert remarks(found)["丢弃的列（个人信息）"] == "责任人、联系电话、户主身份证"


# --- files that are no list ----------------------------------------------------------------------

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def _zip(*names):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return raw.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("空.csv", b"", "是空文件"),
        ("空.xlsx", b"  \n", "是空文件"),
        ("旧.xlsx", OLE, "其实是旧版 .xls"),
        ("旧.csv", OLE, "其实是旧版 .xls"),
        ("密.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), "有打开密码"),
        ("文.xlsx", _zip("[Content_Types].xml", "word/document.xml"), "其实是 Word 文档"),
        ("稿.xlsx", _zip("ppt/presentation.xml"), "其实是演示文稿"),
        ("表.xlsx", _zip("content.xml", "mimetype"), "其实是 OpenDocument"),
        ("包.xlsx", _zip("a.csv"), "里面没有 Excel 工作表"),
        ("坏.xlsx", _zip("xl/workbook.xml"), "XLSX 损坏或读不出来"),
        ("断.xlsx", _zip("xl/workbook.xml")[:40], "XLSX 损坏，打不开"),
        ("网.xlsx", b"<html><table><tr><td>1</td></tr></table></html>", "其实是网页"),
        ("文.xlsx", "镇办,标识码".encode(), "不是 XLSX 文件"),
        ("包.csv", _zip("xl/workbook.xml"), "其实是 .xlsx 或压缩包"),
        ("宽.csv", "镇办,标识码".encode("utf-16"), "UTF-16"),
        ("零.csv", b"a,b\0c", "空字节"),
        ("码.csv", "標識碼,鄉鎮\n漢字測試,臺灣".encode("big5"), "编码"),
        ("混.csv", "标识码,镇办\n".encode() + "甲镇".encode("gbk"), "编码"),
        ("引.csv", '标识码\n"990001200000000001'.encode(), "不是规范的 CSV"),
        ("清单.xls", OLE, "不支持的格式“.xls”"),
        ("清单.docx", b"PK\x03\x04", "不支持的格式“.docx”"),
    ],
    ids=lambda value: value if isinstance(value, str) else "字节",
)  # fmt: skip
def test_a_file_that_is_no_list_is_refused_with_what_it_is(read, name, data, said):
    message = refusal(read, data, name)
    assert name in message
    assert said in message
    assert "另存" in message or "引号" in message


def test_a_missing_file_is_a_mistake_of_usage(county, tmp_path):
    with pytest.raises(UsageError, match="没有这个文件"):
        read_checklist(tmp_path / "没有.xlsx", county)


def test_a_table_without_a_usable_column_lists_what_it_has(read):
    message = refusal(read, [["镇办", "个数", "面积"], ["甲镇", "3", "5"]])
    assert "找不到能指认图斑的列" in message
    assert "镇办、个数、面积" in message
    assert "columns.csv" in message


def test_a_list_without_plots_says_so(read):
    assert "只有表头，没有一行图斑" in refusal(read, [HEAD, ["合计", "", "", "0"]])


def test_a_list_without_one_readable_row_is_refused_with_all_reasons(read):
    message = refusal(read, [HEAD, ["丁镇", BSM[0], "", ""], ["甲镇", "", "", "3"]])
    assert "第 2 行 镇办" in message
    assert "第 3 行 整行" in message


# --- tables --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        ("columns.csv", "bms,标识码二,", "bms 不是允许的值"),
        ("columns.csv", "bsm,标 识 码,", "标 识 码 与第"),
        ("columns.csv", "area,图斑大小,平方", "平方 不是允许的值"),
        ("categories.csv", "pbf_restor,永农再恢复", "pbf_restor 不认识"),
        ("categories.csv", "pbf_relocate,永农就地恢复", "就是 classes.csv 里的名称"),
        ("statuses.csv", "done,完毕", "done 不认识"),
        ("words.csv", "sum,共", "sum 不是允许的值"),
        ("words.csv", "note,", "为空"),
    ],
)
def test_a_wrong_row_in_a_table_of_spellings_is_named(tmp_path, file, line, said):
    for entry in package_file("checklists").iterdir():
        (tmp_path / entry.name).write_bytes(entry.read_bytes())
    path = tmp_path / file
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_checklist_words(tmp_path)
    assert f"checklists/{file}" in str(caught.value)
    assert said in str(caught.value)


def test_one_more_row_is_one_more_spelling(tmp_path):
    for entry in package_file("checklists").iterdir():
        (tmp_path / entry.name).write_bytes(entry.read_bytes())
    with (tmp_path / "columns.csv").open("a", encoding="utf-8") as table:
        table.write("bsm,图斑身份码,\n")
    assert read_checklist_words(tmp_path).columns["图斑身份码"].field == "bsm"
    assert "图斑身份码" not in load_checklist_words().columns


# --- properties ----------------------------------------------------------------------------------

CELLS = st.sampled_from(
    ["", "甲镇", "乙", "丁镇", BSM[0], BSM[1], "12", "3.14", "永农就地恢复", "合计", "备注：x",
     "同上", "—", "9.9E+17", "已整改", "0012", "108.86", "序号"]
)  # fmt: skip


@settings(deadline=None, derandomize=True)
@given(rows=st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=12))
def test_no_row_is_ever_lost(county, tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("list") / "清单.csv"
    table = [HEAD, ROW, *rows]
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(table)
    found = read_checklist(path, county)
    total, _, kinds = remarks(found)["非空行"].partition("：")
    counts = {kind.split()[0]: int(kind.split()[1]) for kind in kinds.split("，")}
    filled = [number for number, row in enumerate(table, 1) if any(row)]
    assert total == f"共 {len(filled)} 行"
    assert sum(counts.values()) == len(filled)
    assert counts["图斑"] == len(found.rows)
    assert set(found.rows["row"]) <= set(filled)
    assert found.rows.loc[~found.rows["readable"], "found"].ne("").all()
    assert all(Decimal(area) >= 0 for area in found.rows["area"] if area)

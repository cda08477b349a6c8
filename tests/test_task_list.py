"""任务清单.xlsx: 附件2 as printed, sums that are the tables', nothing that a program would run."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest
from command_line import read_csv
from office_data import by_libreoffice, office_data, opened

from pipeline.errors import GengbaoError
from pipeline.reports.book import head_lines
from pipeline.reports.tasklist import make

SHEETS = ["清单", "缺口与进度", "倒排与预测", "五项指标", "督导组", "核对", "变化", "口径说明"]
FILE = "data/processed/reports/任务清单.xlsx"
TOWN, FIRST, COUNT = 2, 6, 11  # column of towns, first row, pairs of columns with 需整改


@pytest.fixture(scope="module")
def data(tiny, finished):
    return office_data(tiny, finished)


@pytest.fixture(scope="module")
def book(data):
    return make(data)[FILE]


def printed(value):
    """Return what a spreadsheet shows of a value in whole 亩: half-up of what is stored."""
    return int(Decimal(repr(value)).quantize(Decimal(1), ROUND_HALF_UP))


def test_a_run_makes_the_workbook_with_its_stamp_and_all_sheets(finished):
    made = (finished / FILE).read_bytes()
    assert opened(made).sheetnames == SHEETS
    stamp = opened(made)["清单"]["A2"].value
    assert "数据日期 2023-10-31" in stamp
    assert "产品编号" in stamp
    assert "示例数据" in stamp
    assert "单位：个、亩" in stamp


def test_the_same_data_gives_the_same_bytes(data, book):
    assert make(data)[FILE] == book


def test_annex_two_as_printed_of_the_sample_county(zhashui):
    """published.csv: 100 printed cells of 柞政函〔2023〕120号附件2, all reproduced."""
    data = office_data(zhashui / "raw", zhashui)
    page = opened(make(data)[FILE])["清单"]
    names = [
        "suspected_change", "pbf_restore_in_place", "pbf_self_submitted", "pbf_relocate",
        "pbf_subtotal", "outflow_restore", "target_restore_in_place", "cropland_subtotal",
        "in_out_balance", "total",
    ]  # fmt: skip
    rows = {page.cell(row, TOWN).value: row for row in range(FIRST, FIRST + 9)}
    rows["全县"] = FIRST + 9
    found = 0
    for stated in (row for row in data.county.published if row.table == "附件2"):
        column = 3 + 2 * names.index(stated.item)
        plots, area = (page.cell(rows[stated.town], column + n).value for n in (0, 1))
        assert (str(int(plots)), str(printed(area))) == (stated.plots, stated.area_mu)
        found += 1
    assert found == 100
    # 说明2: the three that rounding explains are told beside their rows, and the county's
    said = {town: page.cell(row, 3 + 2 * COUNT).value for town, row in rows.items()}
    assert {town for town, text in said.items() if text != "无不同"} == {
        "凤凰镇", "曹坪镇", "瓦房口镇", "全县"
    }  # fmt: skip
    assert "公布 1362，各项相加 1361，差 1 亩" in said["凤凰镇"]
    notes = [page.cell(row, 1).value or "" for row in range(FIRST + 10, FIRST + 16)]
    assert any("639 个、948.7 亩无需实施整改" in note for note in notes)


def test_head_of_three_rows_frozen_panes_and_paper_as_offices_print_it(book):
    page = opened(book)["清单"]
    merged = {str(area) for area in page.merged_cells.ranges}
    assert {"A3:A5", "B3:B5", "C3:L3", "M3:R3", "S3:T4", "U3:V4", "W3:X4"} <= merged
    assert page["C3"].value == "永久基本农田保护"
    assert page["M3"].value == "耕地保护目标"
    assert page.freeze_panes == "C6"
    assert (page.page_setup.paperSize, page.page_setup.orientation) == (8, "landscape")
    assert page.print_title_rows == "$1:$5"
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert page.page_setup.fitToHeight == 0


def test_every_printed_page_of_a_sheet_repeats_the_head_of_its_table(book):
    """The head is the last row that repeats: what stands below it are the table's rows."""
    for page in opened(book):
        first, last = (int(row) for row in page.print_title_rows.replace("$", "").split(":"))
        assert first == 1
        assert int(re.sub("[A-Z]", "", page.freeze_panes)) == last + 1, page.title


def test_a_head_puts_its_unit_on_a_line_of_its_own_where_it_is_too_wide():
    assert head_lines("剩余（亩）", 12) == "剩余（亩）"
    assert head_lines("进出平衡剩余（亩）", 12) == "进出平衡剩余\n（亩）"
    assert head_lines("进出平衡\n剩余（亩）", 12) == "进出平衡\n剩余（亩）"


def test_every_sum_is_that_of_the_tables(finished, book):
    page, groups = opened(book)["清单"], opened(book)["督导组"]
    summary = read_csv(finished / "data/processed/summary.csv")
    ledger = [r for r in summary if r["export"] == "2023-09-30" and r["level"] == "county"]
    total = next(r for r in ledger if r["category"] == "total")
    end = next(row for row in range(FIRST, 40) if page.cell(row, 1).value == "合计")
    assert page.cell(end, 21).value == int(total["plots"])
    assert page.cell(end, 22).value == pytest.approx(float(total["area_mu"]), abs=1e-9)
    newest = [r for r in summary if r["export"] == "2023-10-31" and r["level"] == "county"]
    total = next(r for r in newest if r["category"] == "total")
    last = next(row for row in range(4, 40) if groups.cell(row, 1).value == "全县")
    assert [groups.cell(last, column).value for column in (4, 6, 8)] == [
        int(total[name]) for name in ("plots", "closed_plots", "open_plots")
    ]
    assert groups.cell(last, 9).value == pytest.approx(float(total["remaining_mu"]), abs=1e-9)


def test_libreoffice_computes_every_formula_to_the_figure_it_was_given(tmp_path, book):
    again = opened(by_libreoffice(tmp_path, "任务清单.xlsx", book))
    formulas, cached = opened(book, values=False), opened(book)
    seen = 0
    for page in formulas:
        for row in page.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    value = again[page.title][cell.coordinate].value
                    wanted = cached[page.title][cell.coordinate].value
                    assert value == pytest.approx(wanted, abs=1e-6), (page.title, cell.coordinate)
                    seen += 1
    assert seen > 100


def test_figures_that_do_not_add_up_are_no_workbook(data):
    summary = data.summary.copy()
    wrong = (summary["category"] == "outflow_restore") & (summary["level"] == "town")
    summary.loc[summary.index[wrong][0], "area_mu"] = "999.000000"
    with pytest.raises(GengbaoError, match="汇总表是"):
        make(replace(data, summary=summary))


def test_text_of_others_is_never_a_formula_and_control_characters_go(data):
    bad = '=HYPERLINK("http://x","y")'
    reconcile = data.reconcile.copy()
    reconcile["reason"] = bad
    reconcile.loc[0, "item"] = "@SUM(A1)\x07"
    page = opened(make(replace(data, reconcile=reconcile))[FILE], values=False)["核对"]
    cells = [cell for row in page.iter_rows(min_row=4) for cell in row]
    assert bad in {cell.value for cell in cells if cell.data_type == "s"}
    assert all(cell.column_letter == "I" for cell in cells if cell.data_type == "f")
    assert all(cell.quotePrefix for cell in cells if cell.value in (bad, "@SUM(A1)"))

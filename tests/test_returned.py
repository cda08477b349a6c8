"""Ledgers that come back, cell by cell: whatever the order of files, no word is lost."""

from __future__ import annotations

import io
import shutil
from datetime import date
from itertools import permutations

import openpyxl
import pandas as pd
import pytest
from command_line import hashes, read_csv
from hypothesis import given, settings
from hypothesis import strategies as st
from office_data import by_libreoffice, opened

from pipeline import cli
from pipeline.ingest.returned import COLUMNS
from pipeline.reports.returned import adopted, history, merge, notes
from pipeline.tables.ledgerform import load_ledger_columns

AT = {column.name: number for number, column in enumerate(load_ledger_columns(), 1)}
FOLDER = "data/processed/reports/台账"
SHEET = "问题台账"
EXPORT = date(2023, 10, 31)
LEDGER = pd.DataFrame(
    {
        "task_id": ["T1", "T2"], "bsm": ["1", "2"], "town_code": ["9", "9"], "town": ["甲镇"] * 2,
        "status": ["open", "closed"], "restored_m2": [0.0, 2000.0],
    }
)  # fmt: skip


def word(file, text, *, column="remark", task="T1", merged=(), saved="2023-11-01", row=5):
    bsm = {"T1": "1", "T2": "2"}.get(task, "7")
    return {
        "file": f"returned/{file}.xlsx", "digest": file, "saved": saved, "issued": "2023-10-31",
        "merged": "|".join(merged), "row": str(row), "task_id": task, "bsm": bsm,
        "column": column, "text": text, "found": "", "advice": "",
    }  # fmt: skip


def merged_of(*words):
    return merge(pd.DataFrame(words, columns=list(COLUMNS), dtype=object), LEDGER, EXPORT)


def verdicts(table):
    return dict(zip(table["text"], table["verdict"], strict=True))


def test_one_file_is_taken():
    table = merged_of(word("a", "已除草"))
    assert adopted(table) == {("T1", "remark"): "已除草"}
    assert "2023-11-01 a.xlsx：备注" in history(table)["T1"]


def test_who_had_seen_a_word_replaces_it_and_it_is_kept_beside():
    table = merged_of(word("b", "已翻耕", merged=["a"]), word("a", "已除草"))
    assert adopted(table) == {("T1", "remark"): "已翻耕"}
    assert verdicts(table) == {"已翻耕": "采用", "已除草": "已更新"}
    assert "已除草" in history(table)["T1"]
    assert notes(table) == {}


def test_words_that_do_not_know_of_each_other_are_a_conflict_and_both_are_shown():
    table = merged_of(word("a", "甲说"), word("b", "乙说", saved="2023-11-09"))
    assert set(table["verdict"]) == {"冲突"}
    assert adopted(table) == {("T1", "remark"): "乙说"}  # the later saved
    assert "甲说" in notes(table)["T1"]
    assert "乙说" in notes(table)["T1"]


def test_a_word_passed_on_unchanged_is_no_conflict_with_one_that_changed_it():
    """b and c both had a's word before them; b left it, c changed it."""
    table = merged_of(
        word("a", "已除草"), word("b", "已除草", merged=["a"]), word("c", "已翻耕", merged=["a"])
    )
    assert adopted(table) == {("T1", "remark"): "已翻耕"}
    assert notes(table) == {}


def test_a_word_changed_back_counts():
    table = merged_of(
        word("a", "一"), word("b", "二", merged=["a"]), word("c", "一", merged=["a", "b"])
    )
    assert adopted(table) == {("T1", "remark"): "一"}


def test_the_same_word_in_two_files_is_no_conflict():
    table = merged_of(word("a", "已除草"), word("b", "已除草", saved="2023-12-01"))
    assert set(table["verdict"]) == {"采用"}


def test_two_rows_of_one_file_that_differ_are_a_conflict():
    table = merged_of(word("a", "一"), word("a", "二", row=9))
    assert set(table["verdict"]) == {"冲突"}


def test_what_the_survey_contradicts_is_shown_beside_it():
    """T1 is open, T2 closed with 2,000 m² = 3.00 亩 restored."""
    table = merged_of(
        word("a", "已恢复", column="claim"), word("a", "整改中", column="claim", task="T2")
    )
    assert set(table["verdict"]) == {"与调查不符"}
    said = "自报已恢复，2023-10-31调查为待整改（已恢复 0.00 亩），以调查为准"
    assert said in notes(table)["T1"]
    assert "自报整改中，2023-10-31调查为已销号（已恢复 3.00 亩）" in notes(table)["T2"]
    assert adopted(table)["T1", "claim"] == "已恢复"


def test_words_for_no_task_of_ours_are_kept_with_the_reason():
    table = merged_of(word("a", "一", task="T9"), word("a", "二") | {"bsm": "2"})
    assert list(table["verdict"]) == ["没有着落"] * 2
    assert list(table["note"]) == ["台账里没有这个任务编号", "任务编号与标识码不是同一个图斑"]
    assert adopted(table) == {}


WORDS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["一", "二", "三"]), st.booleans()),
    min_size=1, max_size=6, unique_by=lambda item: item[0],
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(WORDS, st.randoms())
def test_the_order_of_files_has_no_say_and_no_word_is_lost(drawn, random):
    """A file may have taken in those before it in the alphabet."""
    files = sorted(name for name, _, _ in drawn)
    words = [
        word(name, text, merged=[f for f in files if f < name] if seen else [])
        for name, text, seen in drawn
    ]
    shuffled = words[:]
    random.shuffle(shuffled)
    one, other = merged_of(*words), merged_of(*shuffled)
    assert adopted(one) == adopted(other)
    assert notes(one) == notes(other)
    assert history(one) == history(other)
    assert sorted(one["text"]) == sorted(text for _, text, _ in drawn)
    assert adopted(one)["T1", "remark"] in {text for _, text, _ in drawn}


def test_three_files_in_any_order_give_one_result():
    words = [word("a", "一"), word("b", "二", merged=["a"]), word("c", "三", merged=["a"])]
    assert len({str(sorted(adopted(merged_of(*p)).items())) for p in permutations(words)}) == 1


# --- workbooks and the command line


def filled(source, **cells):
    """Return a ledger's bytes with cells filled: name_row=value, rows from 5."""
    book = openpyxl.load_workbook(io.BytesIO(source))
    for name, value in cells.items():
        column, _, row = name.rpartition("_")
        book[SHEET].cell(int(row), AT[column]).value = value
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()


def rows_of(data):
    page = opened(data)[SHEET]
    return {
        page.cell(row, AT["task_id"]).value: {
            name: page.cell(row, at).value for name, at in AT.items()
        }
        for row in range(5, page.max_row + 1)
    }


@pytest.fixture
def place(tiny, finished, tmp_path):
    """A county with its products, ours to change; the largest ledger."""
    raw, out = (shutil.copytree(f, tmp_path / f.name) for f in (tiny, finished))
    ledger = max((out / FOLDER).iterdir(), key=lambda file: file.stat().st_size)
    (raw / "returned").mkdir()
    return raw, out, ledger


@pytest.fixture
def run(capsys):
    """Run a command as its own process would, without starting one; return what it said."""

    def ran(command, raw, out, *args, code=0):
        found = cli.run([command, *args, "--county", str(raw), "--out", str(out)])
        said = capsys.readouterr()
        assert found == code, said.err
        return said.out + said.err

    return ran


def test_ledger_to_filled_to_all_to_ledger_keeps_every_state_and_remark(place, run, tmp_path):
    raw, out, ledger = place
    first = rows_of(ledger.read_bytes())
    tasks = list(first)
    cells = {f"remark_{5 + n}": f"备注{n}" for n in range(len(tasks))}
    cells |= {f"claim_{5 + n}": "整改中" for n in range(0, len(tasks), 2)}
    cells |= {"due_5": date(2023, 12, 1), "cause_5": "=撂荒", "inspected_on_6": "2023年11月3日"}
    saved = by_libreoffice(tmp_path, "交回.xlsx", filled(ledger.read_bytes(), **cells))
    (raw / "returned/交回 1.xlsx").write_bytes(saved)
    before = hashes(raw)

    said = run("ledger-import", raw, out)
    assert f"备注 {len(tasks)} 格" in said
    assert hashes(raw) == before

    run("all", raw, out)
    assert hashes(raw) == before
    again = rows_of(ledger.read_bytes())
    assert [again[task]["remark"] for task in tasks] == [f"备注{n}" for n in range(len(tasks))]
    assert [again[task]["claim"] for task in tasks[::2]] == ["整改中"] * len(tasks[::2])
    assert again[tasks[0]]["due"].date() == date(2023, 12, 1)
    assert again[tasks[1]]["inspected_on"].date() == date(2023, 11, 3)
    assert "交回 1.xlsx：" in again[tasks[0]]["source"]
    kept = read_csv(out / "data/processed/returned.csv")
    assert sum(row["label"] == "备注" for row in kept) == len(tasks)
    for task in tasks:  # states stay the survey's
        assert again[task]["status"] == first[task]["status"]

    # what is issued now has taken the first file in: its changes replace, its silence doesn't
    second = filled(ledger.read_bytes(), remark_5="新的", remark_6=None)
    (raw / "returned/0.xlsx").write_bytes(second)
    run("all", raw, out)
    third = rows_of(ledger.read_bytes())
    assert third[tasks[0]]["remark"] == "新的"
    assert third[tasks[1]]["remark"] == "备注1"
    assert third[tasks[0]]["checked"] is None
    assert "备注0" in third[tasks[0]]["source"]
    made = hashes(out)
    assert "无需重做" in run("all", raw, out)
    assert hashes(out) == made

    (raw / "returned/0.xlsx").unlink()
    run("all", raw, out)
    assert rows_of(ledger.read_bytes())[tasks[0]]["remark"] == "备注0"


def test_cells_that_cannot_be_taken_are_told_one_by_one_and_the_rest_is_taken(place, run):
    raw, out, ledger = place
    rows = rows_of(ledger.read_bytes())
    tasks = list(rows)
    open_at = next(n for n, task in enumerate(tasks) if rows[task]["status"] == "待整改")
    data = filled(
        ledger.read_bytes(),
        due_5="明天", claim_6="好了", remark_7="=1+1", area_mu_8=99, remark_8="照收",
        **{f"claim_{5 + open_at}": "已恢复"},
    )  # fmt: skip
    book = openpyxl.load_workbook(io.BytesIO(data))
    page = book[SHEET]
    page.delete_rows(page.max_row)
    page.cell(page.max_row + 1, AT["remark"]).value = "自己加的一行"
    book.save(raw / "returned/a.xlsx")
    said = run("ledger-import", raw, out)
    for told in (
        "第 5 行", "“明天”没有采用", "“好了”没有采用", "是公式，没有算出值",
        "这一行锁定的单元格被改动过", f"发出时 {len(tasks)} 个任务，回来 {len(tasks) - 1} 个",
        "备注“自己加的一行”", "自报已恢复，2023-10-31调查为待整改",
    ):  # fmt: skip
        assert told in said, told
    run("all", raw, out)
    again = rows_of(ledger.read_bytes())
    assert again[tasks[3]]["remark"] == "照收"
    assert again[tasks[3]]["area_mu"] != 99
    assert again[tasks[0]]["due"] is None
    assert "“明天”没有采用" in again[tasks[0]]["checked"]
    assert again[tasks[open_at]]["status"] == "待整改"
    assert again[tasks[open_at]]["claim"] == "已恢复"
    assert "以调查为准" in again[tasks[open_at]]["checked"]


def test_a_foreign_ledger_is_told_and_an_unreadable_one_stops_the_run(place, run):
    raw, out, ledger = place
    book = openpyxl.load_workbook(io.BytesIO(ledger.read_bytes()))
    page = book[SHEET]
    page["D2"].value = page["D2"].value.replace("县代码 619901", "县代码 610101")
    page.cell(5, AT["remark"]).value = "别县的话"
    book.save(raw / "returned/别县.xlsx")
    plain = openpyxl.Workbook()
    plain.active["A1"] = "随便一张表"
    plain.save(raw / "returned/乱.xlsx")
    (raw / "returned/~$别县.xlsx").write_bytes(b"lock")
    said = run("ledger-import", raw, out)
    assert "不是本县的台账（县代码 610101，本县 619901）" in said
    assert "乱.xlsx" in said
    assert "找不到有“任务编号”“标识码”的表头" in said
    run("all", raw, out)
    assert "别县的话" not in (out / "data/processed/returned.csv").read_text(encoding="utf-8-sig")
    made = hashes(out / FOLDER)
    (raw / "returned/坏.xlsx").write_bytes(b"PK\x03\x04 broken")
    assert "returned/坏.xlsx" in run("all", raw, out, code=4)
    assert hashes(out / FOLDER) == made
    (raw / "returned/旧.et").write_bytes(b"old")
    said = run("ledger-import", raw, out, code=4)
    assert "坏.xlsx" in said
    assert "returned/旧.et：不是 Excel 工作簿（.et）" in said
    assert "没有这个文件" in run("ledger-import", raw, out, "没有.xlsx", code=2)


def test_columns_may_stand_in_another_order_and_what_is_gone_or_new_is_told(place, run):
    raw, out, ledger = place
    book = openpyxl.load_workbook(io.BytesIO(ledger.read_bytes()))
    page = book[SHEET]
    for area in list(page.merged_cells.ranges):  # openpyxl moves no merged range
        page.unmerge_cells(str(area))
    page.delete_cols(AT["cause"])
    page.insert_cols(1)
    page.cell(4, 1).value = "联系电话"
    page.cell(5, 1).value = "13900000000"
    at = next(cell.column for cell in page[4] if cell.value == "备注")
    page.cell(5, at).value = "-照样收"
    book.save(raw / "returned/a.xlsx")
    said = run("ledger-import", raw, out)
    assert "少了列：原因" in said
    assert "多了 1 列" in said
    run("all", raw, out)
    assert next(iter(rows_of(ledger.read_bytes()).values()))["remark"] == "-照样收"
    text = (out / "data/processed/returned.csv").read_text(encoding="utf-8-sig")
    assert "'-照样收" in text  # a table that people open: never a formula
    for file in (out / "data/processed").glob("returned*"):
        assert "13900000000" not in file.read_text(encoding="utf-8-sig")

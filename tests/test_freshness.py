"""What must be done again is judged by content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.freshness import PACKAGE, Contents, State, code_files, key_of


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "图 层.gdb").mkdir()
    (tmp_path / "图 层.gdb" / "a00000001.gdbtable").write_bytes(b"one")
    (tmp_path / "带#号 的文件.csv").write_text("a,b\n", encoding="utf-8")
    return tmp_path


def test_same_content_has_the_same_hash_wherever_it_lies(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "copy.csv").write_text("a,b\n", encoding="utf-8")
    assert Contents().of(folder / "带#号 的文件.csv") == Contents().of(other / "copy.csv")


def test_a_folder_changes_with_any_file_inside(folder):
    gdb = folder / "图 层.gdb"
    before = Contents().of(gdb)
    (gdb / "a00000002.gdbtable").write_bytes(b"")
    with_empty_file = Contents().of(gdb)
    (gdb / "a00000001.gdbtable").write_bytes(b"two")
    assert len({before, with_empty_file, Contents().of(gdb)}) == 3


def test_touching_a_file_changes_nothing_but_new_bytes_of_the_same_length_do(folder):
    file = folder / "带#号 的文件.csv"
    contents = Contents()
    before = contents.of(file)
    os.utime(file)
    assert contents.of(file) == before
    stat = file.stat()
    file.write_text("b,a\n", encoding="utf-8")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert contents.of(file) != before


@pytest.mark.parametrize("damage", ["edit", "delete"])
def test_a_stage_is_stale_when_its_product_was_edited_or_deleted(folder, damage):
    product = folder / "summary.csv"
    product.write_text("1\n", encoding="utf-8")
    state = State(folder / ".state.json")
    state.keep("汇总", {"key": "k", "products": state.contents.of_all([product], base=folder)})
    assert State.load(folder / ".state.json").fresh("汇总", "k", folder)
    assert not state.fresh("汇总", "other key", folder)
    assert not state.fresh("制图", "k", folder)
    if damage == "edit":
        product.write_text("2\n", encoding="utf-8")
    else:
        product.unlink()
    assert not State.load(folder / ".state.json").fresh("汇总", "k", folder)


def test_a_damaged_state_means_everything_is_done_again(folder):
    file = folder / ".state.json"
    for content in ("", "{", "[]", '{"stages": {}}'):
        file.write_text(content, encoding="utf-8")
        assert State.load(file).stages == {}


def test_retired_stages_give_back_their_products(folder):
    state = State(folder / ".state.json", {"入库 2023-10-31": {"products": {"a": "1"}}, "汇总": {}})
    assert state.retire(["汇总"]) == ["a"]
    assert list(state.stages) == ["汇总"]


def test_rule_packs_are_inputs_of_one_stage_and_code_of_none():
    files = {path.relative_to(PACKAGE) for path in code_files(["classify", "ingest"])}
    assert Path("classify/by_rules.py") in files
    assert Path("ingest/county.py") in files
    assert Path("tables/classes.csv") in files
    assert Path("render") not in {path.parent for path in files}
    assert not [path for path in files if path.parts[:2] == ("tables", "rules")]


def test_a_key_depends_on_values_not_on_their_order():
    assert key_of({"a": 1, "b": [1, 2]}) == key_of({"b": [1, 2], "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})

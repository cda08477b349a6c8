"""Rule packs: every row against its own examples, the whole pack against a reading by hand."""

from __future__ import annotations

import csv
import itertools
from importlib import resources
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pytest

from pipeline.classify import classify
from pipeline.errors import ConfigError
from pipeline.tables import grammar, load_pack, vocabulary
from pipeline.tables.packs import COLUMNS, FLAG_COLUMNS, pack_names

if TYPE_CHECKING:
    from pathlib import Path

RULES = [(load_pack(name), rule) for name in pack_names() for rule in load_pack(name).rules]
IDS = [f"{pack.name}-{rule.rule_id}" for pack, rule in RULES]


@pytest.mark.parametrize("rule", [rule for _, rule in RULES], ids=IDS)
def test_each_rule_holds_for_its_own_yes_and_not_for_its_own_no(rule):
    yes = grammar.judge([rule.when], grammar.example_frame(rule.example_yes))[0]
    assert (yes == grammar.TRUE).all()
    if rule.when.terms:
        no = grammar.judge([rule.when], grammar.example_frame(rule.example_no))[0]
        assert (no != grammar.TRUE).all()


@pytest.mark.parametrize(("pack", "rule"), RULES, ids=IDS)
def test_each_rule_decides_at_least_one_of_its_examples_in_the_whole_pack(pack, rule):
    decided = classify(_evidence(grammar.example_frame(rule.example_yes)), pack)
    assert rule.rule_id in set(decided["rule_id"])


def _evidence(frame):
    points = gpd.points_from_xy([0.0] * len(frame), [0.0] * len(frame))
    return gpd.GeoDataFrame(
        frame.assign(bsm=[f"{n:018d}" for n in range(len(frame))], flags=None), geometry=points
    )


# domain.md §5.3 read by hand, with the readings of design.md §1 and docs/decisions/0010 -----------


def _inside_pbf(p):
    if p["monitoring"] is None or (p["monitoring"] != "open" and p["self_submitted"] is None):
        return "review"  # an empty status is 待核
    if p["monitoring"] == "open":
        return "suspected_change"  # R01
    if p["self_submitted"] == "approved":
        return "pbf_self_submitted"  # R02, cultivated or not
    if p["cultivated"]:
        return "none"  # R06
    if p["relocation"] or p["approved"] or p["natural_host"]:
        return "pbf_relocate"  # R03, R04
    return "pbf_restore_in_place"  # R05


def _outside_both(p):
    agri, before = p["land"] == "other_agri", p["cultivated_prev"]
    if p["balance"] == "in":
        return "in_out_balance"  # R10
    if p["balance"] is None or before is None:
        return "review"  # R10, R11 and R12 all hang on last year
    if not before:
        guessed = agri and p["recoverable"] and not p["scheme_known"]
        return "in_out_balance" if guessed else "none"  # R10, R14
    if agri and (p["balance"] == "out" or not p["approved"]):
        return "balance_out"  # R11
    lawful = "legal_outflow" if p["approved"] else "illegal_occupation"
    return "review" if p["land"] == "unused" else lawful  # R12, decision 0010


def _by_hand(p):
    if not p["dlbm_known"] or not p["town_known"]:
        return "review"  # R00
    if p["in_pbf"]:
        return _inside_pbf(p)
    before = p["cultivated_prev"]
    if p["cultivated"]:
        return {None: "review", True: "none", False: "inflow"}[before]  # R13, R14
    if not p["in_target"]:
        return _outside_both(p)
    if p["approved"]:
        return "legal_outflow"  # R07
    names = {None: "review", True: "outflow_restore", False: "target_restore_in_place"}
    return names[before]  # R08, R09


YES_NO = (True, False)
DOMAIN = {
    "in_pbf": YES_NO,
    "in_target": YES_NO,
    "land": ("cropland", "other_agri", "construction", "unused"),
    "natural_host": YES_NO,
    "recoverable": YES_NO,
    "approved": YES_NO,
    "relocation": YES_NO,
    "scheme_known": YES_NO,
    "monitoring": ("open", "closed", "none", None),
    "self_submitted": ("approved", "pending", "rejected", "none", None),
    "balance": ("in", "out", "none", None),
    "cultivated_prev": (True, False, None),
}


def test_pack_agrees_with_the_reading_by_hand_on_every_combination():
    frame = pd.DataFrame(list(itertools.product(*DOMAIN.values())), columns=list(DOMAIN))
    assert len(frame) == 122_880  # 2^7 x 4 x 4 x 5 x 4 x 3
    known = frame.assign(
        cultivated=frame["land"] == "cropland", dlbm_known=True, town_known=True,
        supplement=False, prev_source="bsm",
    )  # fmt: skip
    few = known.sample(2_000, random_state=1)
    whole = pd.concat(
        [known, few.assign(dlbm_known=False), few.assign(town_known=False)], ignore_index=True
    )
    typed = whole.astype({name: "boolean" for name in whole if vocabulary()[name].kind == "bool"})
    decided = classify(_evidence(typed), load_pack("zhashui-2023"))["category"].tolist()
    records = whole.astype(object).where(whole.notna(), None).to_dict("records")
    wrong = [(p, got) for p, got in zip(records, decided, strict=True) if got != _by_hand(p)]
    assert wrong[:3] == []


# one test per way a pack can be wrong -------------------------------------------------------------


def _table(name="zhashui-2023"):
    text = resources.files("pipeline.tables").joinpath("rules", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _write(path: Path, rows, columns=COLUMNS, encoding="utf-8"):
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _message(folder):
    with pytest.raises(ConfigError) as caught:
        load_pack("own.csv", folder)
    return str(caught.value)


def _change(which, /, **cells):
    return [row | (cells if row["rule_id"] == which else {}) for row in _table()]


def test_a_countys_own_copy_of_the_pack_loads_with_its_flags(tmp_path):
    _write(tmp_path / "own.csv", _table(), encoding="gb18030")  # as a Chinese spreadsheet saves it
    _write(tmp_path / "own_flags.csv", _table("zhashui-2023_flags"), FLAG_COLUMNS)
    own, ours = load_pack("own.csv", tmp_path), load_pack("zhashui-2023")
    assert (own.rules, own.flags) == (ours.rules, ours.flags)
    assert own.name == "own"


def test_flags_beside_an_own_pack_are_optional(tmp_path):
    _write(tmp_path / "own.csv", _table())
    assert load_pack("own.csv", tmp_path).flags == ()


WRONG = {
    "typo of a value": (
        ("R01", {"when": "in_pbf = yes & monitoring = opne"}),
        "own.csv 第 4 行 when 列：monitoring = opne 不是允许的值；处理办法：最接近的是 open；",
    ),
    "typo of a column": (
        ("R01", {"when": "in_pbf = yes & monitorin = open"}),
        "规则不能问 monitorin 列；处理办法：最接近的是 monitoring",
    ),
    "column that is no evidence for rules": (
        ("R01", {"when": "village = 曹店村"}),
        "规则不能问 village 列",
    ),
    "python instead of a condition": (
        ("R01", {"when": "__import__('os')"}),
        "看不懂条件“__import__('os')”",
    ),
    "empty condition": (("R01", {"when": ""}), "看不懂条件“”"),
    "order of a word": (
        ("R01", {"when": "monitoring >= open"}),
        "monitoring 不能用 >=；处理办法：monitoring 只能用 =、!=、in、not in",
    ),
    "equality of a number": (
        ("R01", {"when": "approved_m2 = 3"}),
        "approved_m2 不能用 =；处理办法：approved_m2 只能用 >=、>、<=、<",
    ),
    "number that is none": (("R01", {"when": "approved_m2 > viele"}), "viele 不是数"),
    "set of a yes/no column": (("R01", {"when": "in_pbf in yes|no"}), "写成 in_pbf = yes"),
    "lost leading zero": (
        ("R01", {"when": "dlbm = 101"}),
        "101 不在地类编码表；是否被表格软件去掉了 0101 的前导零？",
    ),
    "unknown category": (
        ("R05", {"category": "pbf_restore"}),
        "own.csv 第 9 行 category 列：pbf_restore 不是允许的值；处理办法：最接近的是 pbf_",
    ),
    "repeated id": (("R02", {"rule_id": "R01"}), "R01 与第 4 行重复"),
    "reserved id": (("R02", {"rule_id": "DELIVERED"}), "DELIVERED 不能作规则号"),
    "order that falls": (("R02", {"order": "30"}), "30 不大于前面的 30"),
    "order that is no number": (("R02", {"order": "4a"}), "4a 不是整数"),
    "no basis": (("R02", {"basis": ""}), "没有依据"),
    "last row without else": (("R14", {"when": "in_pbf = no"}), "最后一行不是 else"),
    "else in the middle": (("R06", {"when": "else"}), "else 只能是最后一行"),
    "no example": (("R06", {"example_no": ""}), "own.csv 第 10 行 example_no 列：没有示例"),
    "garbled example": (("R06", {"example_yes": "in_pbf"}), "看不懂示例“in_pbf”"),
    "example names a column twice": (
        ("R06", {"example_yes": "in_pbf=yes; in_pbf=yes"}),
        "示例中 in_pbf 写了两次",
    ),
    "typo in an example": (("R06", {"example_yes": "in_pbf=ys"}), "in_pbf = ys 不是允许的值"),
    "yes example that isn't": (
        ("R06", {"example_yes": "in_pbf=no"}),
        "示例“in_pbf=no”不符合本行条件",
    ),
    "no example that is yes": (
        ("R06", {"example_no": "in_pbf=yes"}),
        "示例“in_pbf=yes”符合本行条件",
    ),
    "rule that is never reached": (
        ("R06", {"example_yes": "in_pbf=yes; monitoring=open"}),
        "R06 的示例都先由 R01 判定，本行轮不到",
    ),
    "catch-all example that nobody decides": (
        ("R14", {"example_no": "cultivated=yes"}),
        "示例“cultivated=yes”没有被前面的行判定",
    ),
}


@pytest.mark.parametrize(("change", "expected"), WRONG.values(), ids=WRONG)
def test_a_wrong_pack_is_refused_by_name(tmp_path, change, expected):
    rule_id, cells = change
    _write(tmp_path / "own.csv", _change(rule_id, **cells))
    assert expected in _message(tmp_path)


def test_all_faults_of_a_pack_are_told_at_once(tmp_path):
    rows = _change("R01", when="monitoring = opne", category="nix")
    rows[8]["basis"] = ""
    _write(tmp_path / "own.csv", rows)
    message = _message(tmp_path)
    assert "发现 3 处问题" in message
    assert all(text in message for text in ("opne", "nix", "没有依据"))


def test_a_pack_of_only_a_header_is_refused(tmp_path):
    _write(tmp_path / "own.csv", [])
    assert "没有一条规则" in _message(tmp_path)


def test_a_missing_pack_file_is_named(tmp_path):
    assert "own.csv：无法读取" in _message(tmp_path)


def test_missing_and_unknown_header_columns_are_named(tmp_path):
    (tmp_path / "own.csv").write_text("order,rule_id,wen\n1,R1,else\n", encoding="utf-8")
    message = _message(tmp_path)
    assert "缺少 when 列" in message
    assert "不认识的列 wen；处理办法：最接近的是 when" in message


def test_a_row_with_too_many_cells_is_named(tmp_path):
    _write(tmp_path / "own.csv", _table())
    with (tmp_path / "own.csv").open("a", encoding="utf-8") as file:
        file.write("999,R99\n")
    assert "own.csv 第 24 行：有 2 列，表头有 9 列" in _message(tmp_path)


def test_bytes_of_no_known_encoding_are_refused(tmp_path):
    (tmp_path / "own.csv").write_bytes(b"order,\xff\xff\xff")
    assert "既不是 UTF-8 也不是 GB18030 编码" in _message(tmp_path)


def test_an_unknown_pack_name_gets_the_nearest():
    with pytest.raises(ConfigError, match="没有规则包 zhashui-2032") as caught:
        load_pack("zhashui-2032")
    assert "最接近的是 zhashui-2023" in str(caught.value)


def test_a_pack_outside_the_county_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="不在县资料文件夹之内"):
        load_pack("../own.csv", tmp_path)


WRONG_FLAGS = {
    "evidence flag": ({"flag": "MASK_PARTIAL"}, "MASK_PARTIAL 不能作标记名，取证已用"),
    "name in lower case": ({"flag": "mon"}, "mon 不能作标记名"),
    "typo of a value": ({"when": "monitoring = opne"}, "monitoring = opne 不是允许的值"),
    "else": ({"when": "else"}, "标记不能用 else"),
    "no label": ({"label": ""}, "填写说法"),
}


@pytest.mark.parametrize(("cells", "expected"), WRONG_FLAGS.values(), ids=WRONG_FLAGS)
def test_a_wrong_flag_table_is_refused_by_name(tmp_path, cells, expected):
    rows = _table("zhashui-2023_flags")
    rows[0] |= cells
    _write(tmp_path / "own.csv", _table())
    _write(tmp_path / "own_flags.csv", rows, FLAG_COLUMNS)
    assert "own_flags.csv 第 2 行" in _message(tmp_path)
    assert expected in _message(tmp_path)


def test_rows_of_one_flag_must_say_the_same(tmp_path):
    rows = _table("zhashui-2023_flags")
    next(row for row in reversed(rows) if row["flag"] == "AUTO_ADJ_REVIEW")["label"] = "另一说法"
    _write(tmp_path / "own.csv", _table())
    _write(tmp_path / "own_flags.csv", rows, FLAG_COLUMNS)
    assert "AUTO_ADJ_REVIEW 的说法为“另一说法”" in _message(tmp_path)

"""Categories, code lists, aliases, vocabulary: what they say and how they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import tables
from pipeline.errors import ConfigError
from pipeline.evidence.gathering import COLUMNS as EVIDENCE
from pipeline.tables.docs import COMMAND, documents
from pipeline.tables.lists import read_aliases, read_classes, read_codes, read_land_codes
from pipeline.tables.vocabulary import read_vocabulary

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "pipeline" / "tables"


def _edited(folder, table, old, new):
    text = (TABLES / table).read_text(encoding="utf-8")
    assert old in text
    path = folder / Path(table).name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def _message(read, *args):
    with pytest.raises(ConfigError) as caught:
        read(*args)
    return str(caught.value)


def test_task_categories_are_the_seven_of_annex_2_in_order():
    assert [c.name for c in tables.classes() if c.task] == [
        "suspected_change", "pbf_restore_in_place", "pbf_self_submitted", "pbf_relocate",
        "outflow_restore", "target_restore_in_place", "in_out_balance",
    ]  # fmt: skip


def test_gaps_are_made_of_the_categories_the_county_names():
    # 柞政函〔2023〕120号: 永农缺口 = 就地恢复 + 自提 + 异地; 疑似 only in the subtotal
    gaps = {c.name: c.gap for c in tables.classes() if c.gap}
    assert gaps == {
        "pbf_restore_in_place": "pbf",
        "pbf_self_submitted": "pbf",
        "pbf_relocate": "pbf",
        "outflow_restore": "cropland",
        "target_restore_in_place": "cropland",
        "in_out_balance": "in_out_balance",
    }


def test_natural_hosts_are_those_of_rule_r04():
    # domain.md §5.3 R04
    codes = tables.land_codes()
    assert sorted(codes.loc[codes["natural_host"], "code"]) == [
        "0303", "0304", "0306", "0402", "1101", "1102", "1103", "1105", "1106", "1108", "1109",
        "1110",
    ]  # fmt: skip


def test_land_groups_follow_the_three_classes():
    group = tables.land_codes().set_index("code")["group"]
    assert {code: group[code] for code in ("0101", "0404", "0201K", "1104K", "1202", "1006")} == {
        "0101": "cropland", "0404": "other_agri", "0201K": "other_agri", "1104K": "other_agri",
        "1202": "other_agri", "1006": "other_agri",
    }  # fmt: skip
    assert (group["1107A"], group["1109"], group["1101"]) == ("construction",) * 2 + ("unused",)
    codes = tables.land_codes()
    assert set(codes.loc[codes["wetland"], "group"]) == {"other_agri"}


def test_land_codes_are_a_fresh_frame_each_time():
    mine = tables.land_codes()
    mine["group"] = "changed"
    assert "changed" not in set(tables.land_codes()["group"])


def test_recovery_attributes_never_stand_on_cropland():
    hosts = {code.code: code.hosts for code in tables.code_list("zzsxdm")}
    assert not [host for name in ("JKHF", "GCHF") for host in hosts[name] if host.startswith("01")]


WRONG_LAND = {
    "lost zero": (
        "0101,水田", "101,水田",
        "101 不是地类编码的写法；是否被表格软件去掉了 0101 的前导零？",
    ),
    "repeated": ("0102,水浇地", "0101,水浇地", "0101 与第 2 行重复"),
    "group": ("水田,cropland", "水田,other_agri", "0101 的 group 为 other_agri"),
    "unknown group": (
        "水田,cropland", "水田,crop", "crop 不是允许的值；处理办法：最接近的是 cropland",
    ),
    "wetland": (
        "红树林地,other_agri", "红树林地,unused",
        "codelists/dlbm.csv 第 17 行 group 列：湿地类 0303 的 group 为 unused",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), WRONG_LAND.values(), ids=WRONG_LAND)
def test_a_wrong_land_table_is_refused(tmp_path, old, new, expected):
    path = _edited(tmp_path, "codelists/dlbm.csv", old, new)
    assert expected in _message(read_land_codes, path)


WRONG_CLASSES = {
    "colour": ("#CC79A7", "rot", "rot 不是颜色"),
    "colour twice": ("#CC79A7", "#D55E00", "#D55E00 与第 2 行重复"),
    "order": (",YS,1,", ",YS,5,", "第 2 行 order 列：5 不是允许的值"),
    "gap": (
        "yes,pbf,pbf_subtotal",
        "yes,pfb,pbf_subtotal",
        "pfb 不是允许的值；处理办法：最接近的是 pbf",
    ),
    "task": (
        "LC,5,yes",
        "LC,5,no",
        "outflow_restore 不是任务，却写了 gap、subtotal 或 work_needed",
    ),
    "review": ("\nreview,", "\nrevue,", "缺少类别 review"),
}


@pytest.mark.parametrize(("old", "new", "expected"), WRONG_CLASSES.values(), ids=WRONG_CLASSES)
def test_a_wrong_class_table_is_refused(tmp_path, old, new, expected):
    assert expected in _message(read_classes, _edited(tmp_path, "classes.csv", old, new))


def test_a_host_without_its_zero_is_refused(tmp_path):
    path = _edited(tmp_path, "codelists/zzsxdm.csv", "0101|0102", "101|0102")
    expected = "101 不在地类编码表；是否被表格软件去掉了 0101 的前导零？"
    assert expected in _message(read_codes, path, "zzsxdm")


def _aliases(folder, *lines):
    path = folder / "mine.csv"
    path.write_text("\n".join(("role,field,alias", *lines)) + "\n", encoding="utf-8")
    return path


def test_aliases_are_keyed_without_case_width_or_blanks(tmp_path):
    path = _aliases(tmp_path, "parcels,DLBM,地类 编码", "pbf,YJJBNTMJ,ｊｂｎｔｍｊ")
    assert read_aliases([path], "parcels") == {"地类编码": "DLBM"}
    assert read_aliases([path], "pbf") == {"JBNTMJ": "YJJBNTMJ"}


def test_aliases_of_the_package_load_for_every_role():
    assert tables.aliases("parcels")["地类编码"] == "DLBM"
    assert set(tables.aliases("task_outflow_restore").values()) <= {"BSM", "SXRQ"}


WRONG_ALIASES = {
    "role": ("parcel,DLBM,X", "不认识的图层 parcel；处理办法：最接近的是 parcels"),
    "field": ("parcels,DLBMM,X", "DLBMM 不是允许的值；处理办法：最接近的是 DLBM"),
    "standard": ("parcels,DLBM,tbbh", "tbbh 是另一个标准字段 TBBH"),
    "itself": ("parcels,DLBM,dlbm", "dlbm 就是标准字段名"),
    "twice": ("parcels,DLMC,甲", "别名 甲 已在 aliases/mine.csv 第 2 行指向 DLBM"),
    "empty": ("parcels,DLBM,", "别名为空"),
}


@pytest.mark.parametrize(("line", "expected"), WRONG_ALIASES.values(), ids=WRONG_ALIASES)
def test_a_wrong_alias_is_refused(tmp_path, line, expected):
    path = _aliases(tmp_path, "parcels,DLBM,甲", line)
    assert expected in _message(read_aliases, [path], "pbf")


WRONG_WORDS = {
    "kind": ("in_pbf,bool,yes", "in_pbf,word,yes", "in_pbf 的 kind 与第 4 行的 bool 不同"),
    "no head": ("land,word,,现状大类,cropland\n", "", "land 没有表头行"),
    "usual": (
        "land,word,,现状大类,cropland", "land,word,,现状大类,crop",
        "crop 不是 land 的值；处理办法：最接近的是 cropland",
    ),
    "label": ("land,word,unused,现状属未利用地", "land,word,unused,", "没有中文说法"),
    "bool": ("in_pbf,bool,no", "in_pbf,bool,never", "in_pbf 应有且仅有 yes、no 两行"),
    "twice": ("land,word,unused", "land,word,cropland", "land 的 cropland 重复"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), WRONG_WORDS.values(), ids=WRONG_WORDS)
def test_a_wrong_vocabulary_is_refused(tmp_path, old, new, expected):
    assert expected in _message(read_vocabulary, _edited(tmp_path, "vocabulary.csv", old, new))


def test_the_vocabulary_names_every_evidence_column():
    unnamed = set(EVIDENCE) - set(tables.vocabulary()) - {"geometry"}
    assert unnamed == set()


@pytest.mark.parametrize("name", documents())
def test_generated_documents_are_those_in_the_repository(name):
    here = (ROOT / name).read_text(encoding="utf-8")
    assert here == documents()[name], f"{name} 与表格不符，请运行 {COMMAND}"

"""The answer to "why": the text an inspector reads."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from pipeline.classify import apply_delivered, classify
from pipeline.errors import GengbaoError, UsageError
from pipeline.explain import explain, nearest
from pipeline.model import Mode
from pipeline.tables import classes, grammar, load_pack

PACK = load_pack("zhashui-2023")
BSM = "990001210100000012"


def evidence():
    """Return one plot in two pieces: 8,000 m² orchard in 永农, 2,000 m² of it outside both."""
    orchard = {"cultivated": "no", "land": "other_agri", "dlbm": "0201", "zzsxdm": "JKHF",
               "recoverable": "yes", "cultivated_prev": "no", "dlbm_prev": "0201"}  # fmt: skip
    frame = grammar.example_frame(
        [orchard | {"in_pbf": "yes", "in_target": "yes"}, orchard | {"cultivated_prev": "?"}]
    )
    return gpd.GeoDataFrame(
        frame.assign(
            bsm=BSM,
            piece=[1, 2],
            area_m2=[8000.0, 2000.0],
            base_m2=[8000.0, 2000.0],
            approved_m2=[1000.0, 0.0],
            approved_source=pd.Series(["灾毁", None], dtype="str"),
            flags=pd.Series(["MASK_PARTIAL", None], dtype="str"),
        ),
        geometry=gpd.points_from_xy(np.zeros(2), np.zeros(2)),
    )


def parcels():
    columns = {
        "bsm": [BSM, "990001210100000021", "990001210100099999"],
        "tbbh": "12", "dlbm": "0201", "zzsxdm": "JKHF", "zldwdm": "9900010010010000000",
        "town": "甲镇", "village": "东村", "base_reason": "采用图斑面积", "base_m2": 10000.0,
    }  # fmt: skip
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=gpd.points_from_xy([0] * 3, [0] * 3))


def ask(county, bsm=BSM, pieces=None, pack=PACK):
    found = classify(evidence(), PACK) if pieces is None else pieces
    return explain(
        bsm, pieces=found, parcels=parcels(), pack=pack, classes=classes(), county=county
    )


def test_the_head_says_where_what_how_large_and_how_much_in_each_zone(county):
    lines = ask(county).splitlines()
    mark = "（示例数据）" if county.sample else ""
    # 10,000 m² x 3/2000 = 15 亩; 8,000 m² = 12 亩
    assert lines[:6] == [
        f"图斑 {BSM}（图斑编号 12）{mark}",
        f"  位置：{county.name} 甲镇 东村（坐落单位代码 9900010010010000000）",
        "  现状：地类编码为 0201 果园；种植属性：JKHF 即可恢复",
        "  面积：15.00 亩（10000.00 ㎡）；采用图斑面积",
        "  永久基本农田：12.00 亩（80.0%）",
        "  耕地保护目标：12.00 亩（80.0%）",
    ]
    assert lines[6] == f"  分为 2 块逐块判定；规则包 zhashui-2023（版本 {PACK.version}）"


def test_a_decided_piece_reads_from_evidence_to_verdict(county):
    first = ask(county).split("\n\n")[1].splitlines()
    by_bsm = "上年地类取自标识码相同且图形相符的上年图斑"
    assert first[:4] == [
        "第 1 块：12.00 亩（80.0%），永久基本农田就地恢复",
        "  范围：位于永久基本农田内，位于耕地保护目标内",
        f"  上年：上年地类编码为 0201 果园；上年不是耕地；{by_bsm}",
        "  上年耕地重叠面积：0.00 亩（0.0%）",
    ]
    # 1,000 m² = 1.5 亩 of 8,000 m²
    assert "  批准范围重叠面积：1.50 亩（12.5%）；批准来源：灾毁" in first
    start = first.index("  逐条判定：")
    natural = "现状为难以恢复的水域、湿地或水工建筑地类"
    tried = [
        ("R01（疑似永久基本农田变化图斑）", "有未销号的疑似变化监测图斑", "无疑似变化监测图斑"),
        ("R02（永久基本农田核实处置自提图斑）", "自提已审核通过", "未自提"),
        ("R03（永久基本农田异地调整补划）", "列入异地调整补划清单", "未列入异地调整补划清单"),
        ("R04a（永久基本农田异地调整补划）", "已获批准占用或转用", "未获批准占用或转用"),
        ("R04b（永久基本农田异地调整补划）", natural, natural.replace("为", "不是", 1)),
    ]
    assert first[start + 3 :] == [
        *(f"    {rule}不成立：要求{wanted}，实际{found}" for rule, wanted, found in tried),
        "    R05（永久基本农田就地恢复）成立：位于永久基本农田内，现状不是耕地",
        "  结论：按规则 R05 归入“永久基本农田就地恢复”",
        f"  依据：{next(rule.basis for rule in PACK.rules if rule.rule_id == 'R05')}",
        "  次选：R14（无任务）：以上各条都不成立",
        "  标记：",
        "    MASK_PARTIAL：清单或批准范围只覆盖本块的一部分（5%~95%）",
    ]


def test_an_undecided_piece_says_what_is_missing(county):
    second = ask(county).split("\n\n")[2]
    assert second.startswith("第 2 块：3.00 亩（20.0%），待核\n")
    assert "上年是否耕地不明" in second
    assert "    R11a（进出平衡流出（需求））无法判定：上年是否耕地不明\n" in second
    assert "  依据：规则 R11a 无法判定，资料缺：上年是否耕地\n" in second
    assert "  标记：无\n" in second


@pytest.mark.parametrize("rule", PACK.rules, ids=[rule.rule_id for rule in PACK.rules])
def test_every_rule_can_be_explained_by_its_own_example(county, rule):
    frame = grammar.example_frame(rule.example_yes[:1])
    piece = evidence().iloc[:1].assign(**{name: frame[name] for name in frame})
    piece = piece.assign(base_m2=8000.0, area_m2=8000.0)
    text = ask(county, pieces=classify(piece, PACK))
    label = next(c.label_long for c in classes() if c.name == rule.category)
    assert f"{rule.rule_id}（{label}）成立：{rule.when.words}" in text
    assert f"结论：按规则 {rule.rule_id} 归入“{label}”\n  依据：{rule.basis}" in text
    assert "请重新运行" not in text


def test_mode_trust_names_the_layer_and_what_the_rules_say(county):
    layers = pd.Series(["pbf_relocate", None], dtype="str")
    ruled = classify(evidence(), PACK).assign(delivered=layers)
    text = ask(replace(county, mode=Mode.TRUST), pieces=apply_delivered(ruled, classes()))
    first = text.split("\n\n")[1]
    assert "  结论：按下发的任务图层归入“永久基本农田异地调整补划”\n" in first
    assert "  依据：下发的任务图层：异地调整补划\n" in first
    assert "  规则核对：规则判定为“永久基本农田就地恢复”\n" in first
    assert "  次选：R05（永久基本农田就地恢复）" in first
    assert "RULE_MISMATCH：下发的任务图层与规则判定不一致" in first


def test_rules_changed_since_the_pieces_were_made_are_noticed(county):
    fewer = replace(PACK, rules=tuple(r for r in PACK.rules if r.rule_id != "R05"))
    text = ask(county, pack=fewer)
    assert "注意：现行规则包改由 R14 判定，成果由旧规则作出，请重新运行 gengbao all" in text


def test_an_unknown_plot_gets_the_nearest_ones(county):
    with pytest.raises(UsageError) as caught:
        ask(county, bsm="99000121010000012")  # one zero lost
    assert "没有标识码为 99000121010000012 的图斑" in str(caught.value)
    assert f"最接近的标识码：{BSM}" in str(caught.value)
    assert "rejects.gpkg" in str(caught.value)
    assert caught.value.exit_code == 2


def test_nothing_near_is_said_so(county):
    with pytest.raises(UsageError, match="最接近的标识码：无"):
        ask(county, bsm="x")


def test_the_nearest_of_many_ids_is_found_by_a_wrong_digit():
    known = pd.Series([f"6110262101{n:08d}" for n in range(5000)], dtype="str")
    assert nearest("611026210100X01234", known)[0] == "611026210100001234"


def test_a_plot_without_pieces_is_our_own_fault(county):
    with pytest.raises(GengbaoError, match="分类成果中却没有"):
        ask(county, pieces=classify(evidence(), PACK).iloc[:0])

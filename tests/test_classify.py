"""Classification: one category per piece, nothing lost, a missing value never falls through."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pipeline.classify import apply_delivered, classify
from pipeline.errors import GengbaoError
from pipeline.tables import classes, grammar, load_pack, vocabulary
from pipeline.tables.packs import RulePack

PACK = load_pack("zhashui-2023")
QUICK = settings(deadline=None, derandomize=True, max_examples=25)
ASKED = {name: vocabulary()[name] for name in PACK.columns}
PIECES = st.lists(
    st.fixed_dictionaries(
        {name: st.sampled_from([*column.values, "?"]) for name, column in ASKED.items()}
    ),
    min_size=1,
    max_size=12,
)


def evidence(*examples):
    """Return pieces as the examples say, all else usual; 100 m² each, index from 0."""
    frame = grammar.example_frame(examples)
    return gpd.GeoDataFrame(
        frame.assign(
            bsm=[f"{n:018d}" for n in range(len(frame))],
            piece=1,
            flags=pd.Series([None] * len(frame), dtype="str"),
            base_m2=100.25,
        ),
        geometry=gpd.points_from_xy(np.arange(len(frame)), np.zeros(len(frame))),
        crs="EPSG:4524",
    )


@QUICK
@given(PIECES)
def test_every_piece_gets_exactly_one_known_category_and_nothing_else_changes(examples):
    before = evidence(*examples)
    kept = before.copy()
    after = classify(before, PACK)
    assert_frame_equal(before, kept)  # the input is not touched
    assert_frame_equal(after[before.columns.drop("flags")], before.drop(columns="flags"))
    assert set(after["category"]) <= {category.name for category in classes()}
    assert after[["category", "rule_id", "basis"]].notna().all(axis=None)
    assert after.crs == before.crs


@QUICK
@given(PIECES, st.randoms(use_true_random=False))
def test_order_and_index_of_the_pieces_do_not_matter(examples, random):
    before = evidence(*examples)
    order = list(range(len(before)))
    random.shuffle(order)
    mixed = before.iloc[order].set_axis([f"x{n}" for n in order])
    straight = classify(before, PACK).iloc[order].set_axis(mixed.index)
    assert_frame_equal(classify(mixed, PACK), straight)


@QUICK
@given(PIECES)
def test_a_missing_value_never_yields_what_none_of_its_fillings_yields(examples):
    """Kleene's promise: what is decided with a gap is decided so however the gap is filled."""
    decided = classify(evidence(*examples), PACK)
    sure = decided.loc[~decided["basis"].str.contains("无法判定"), "category"]
    filled, promised = [], []
    for number, category in sure.items():
        for name in (name for name, value in examples[number].items() if value == "?"):
            answers = ASKED[name].values
            filled += [examples[number] | {name: value} for value in answers]
            promised += [category] * len(answers)
    if filled:
        assert classify(evidence(*filled), PACK)["category"].tolist() == promised


GAPS = {
    "monitoring": ("R01", {"in_pbf": "yes"}, "疑似变化监测"),
    "self_submitted": ("R02", {"in_pbf": "yes"}, "核实处置自提"),
    "cultivated_prev": ("R08", {"in_target": "yes", "cultivated": "no"}, "上年是否耕地"),
    "balance": ("R10a", {"cultivated": "no", "land": "other_agri"}, "进出平衡方案"),
}


@pytest.mark.parametrize("column", GAPS)
def test_what_a_rule_needs_and_lacks_makes_review_with_the_reason(column):
    rule, example, label = GAPS[column]
    piece = classify(evidence(example | {column: "?"}), PACK).iloc[0]
    assert (piece["category"], piece["rule_id"]) == ("review", rule)
    assert piece["basis"] == f"规则 {rule} 无法判定，资料缺：{label}"


def test_reasons_name_every_missing_column_of_the_rule():
    example = {"cultivated": "no", "in_target": "yes", "approved": "?", "cultivated_prev": "?"}
    pieces = classify(evidence(example, example | {"in_pbf": "?"}), PACK)
    assert pieces["basis"].tolist() == [
        "规则 R07 无法判定，资料缺：批准文件",
        "规则 R04a 无法判定，资料缺：永久基本农田、批准文件",
    ]


def test_runner_up_is_the_next_rule_that_is_not_false():
    relocate = {"in_pbf": "yes", "cultivated": "no", "land": "other_agri", "relocation": "yes"}
    unknown = {"in_target": "yes", "cultivated": "no", "cultivated_prev": "?"}
    pieces = classify(evidence(relocate, unknown, {}), PACK)
    assert pieces["rule_id"].tolist() == ["R03", "R08", "R14"]
    assert pieces["runner_up"].tolist()[:2] == ["R05", "R09"]
    assert pd.isna(pieces["runner_up"].iloc[2])  # nothing comes after the catch-all


def test_flags_apply_whatever_rule_won_and_join_those_of_the_evidence():
    before = evidence({"in_pbf": "yes", "in_target": "yes", "monitoring": "open"}, {})
    before["flags"] = pd.Series(["TOWN_MISMATCH", None], dtype="str")
    flags = classify(before, PACK)["flags"]
    assert flags[0] == "MON_BUT_CULTIVATED|TOWN_MISMATCH"
    assert pd.isna(flags[1])


def test_an_unknown_condition_does_not_flag():
    piece = classify(evidence({"in_pbf": "yes", "monitoring": "?", "in_target": "yes"}), PACK)
    assert pd.isna(piece["flags"].iloc[0])


def test_no_pieces_give_no_pieces():
    assert len(classify(evidence({}).iloc[:0], PACK)) == 0


def test_a_column_that_is_not_there_is_our_own_fault():
    with pytest.raises(GengbaoError, match="缺少规则要问的 monitoring 列") as caught:
        classify(evidence({}).drop(columns=["monitoring", "balance"]), PACK)
    assert "缺少规则要问的 balance 列" in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_word_outside_the_vocabulary_is_never_taken_for_false():
    with pytest.raises(GengbaoError, match="'opne' 不是允许的值"):
        classify(evidence({}).assign(monitoring="opne"), PACK)


def test_a_pack_without_catch_all_is_found_out():
    open_ended = RulePack(name="x", version="0", rules=PACK.rules[:-1], flags=())
    with pytest.raises(GengbaoError, match="1 个图块没有任何规则判定"):
        classify(evidence({}), open_ended)


# mode trust ---------------------------------------------------------------------------------------

RESTORE = {"in_pbf": "yes", "in_target": "yes", "cultivated": "no", "land": "other_agri"}


def delivered(example, layers):
    pieces = classify(evidence(example), PACK)
    given_ = pieces.assign(delivered=pd.Series([layers], dtype="str"))
    return apply_delivered(given_, classes()).iloc[0]


def test_the_delivered_layer_decides_and_the_rules_cross_check():
    piece = delivered(RESTORE, "pbf_relocate")
    assert piece["category"] == "pbf_relocate"
    assert (piece["rule_id"], piece["runner_up"]) == ("DELIVERED", "R05")
    assert piece["rule_category"] == "pbf_restore_in_place"
    assert piece["flags"] == "NO_RECOVERY_ATTR|RULE_MISMATCH"
    assert piece["basis"] == "下发的任务图层：异地调整补划"


def test_agreement_of_layer_and_rules_is_not_flagged():
    piece = delivered(RESTORE | {"recoverable": "yes"}, "pbf_restore_in_place")
    assert piece["category"] == piece["rule_category"] == "pbf_restore_in_place"
    assert pd.isna(piece["flags"])


def test_two_delivered_layers_make_review():
    piece = delivered(RESTORE | {"recoverable": "yes"}, "outflow_restore|pbf_relocate")
    assert (piece["category"], piece["flags"]) == ("review", "MULTI_CLASS")
    assert piece["basis"] == "同时落入下发的任务图层：年度流出恢复、异地调整补划，须核实归属"


def test_a_task_by_the_rules_in_no_layer_is_none_and_flagged():
    piece = delivered(RESTORE | {"recoverable": "yes"}, None)
    assert (piece["category"], piece["flags"]) == ("none", "RULE_MISMATCH")
    assert piece["basis"] == "未列入任何下发的任务图层；规则判定为永农就地恢复"


KEPT = {"inflow": {"cultivated_prev": "no"}, "review": {"cultivated_prev": "?"}}


@pytest.mark.parametrize("category", KEPT)
def test_what_is_no_task_by_the_rules_stays_as_it_is_in_no_layer(category):
    piece = delivered(KEPT[category], None)
    assert piece["category"] == category
    assert piece["rule_id"] == "R13"


def test_a_piece_without_a_town_stays_in_review_though_delivered():
    piece = delivered(RESTORE | {"town_known": "no"}, "pbf_relocate")
    assert (piece["category"], piece["rule_id"]) == ("review", "R00b")


def test_rules_that_could_not_decide_are_no_mismatch():
    piece = delivered({"in_pbf": "yes", "in_target": "yes", "monitoring": "?"}, "suspected_change")
    assert piece["category"] == "suspected_change"
    assert pd.isna(piece["flags"])


@pytest.mark.parametrize("layers", ["none", "pbf_relocat"])
def test_a_delivered_layer_that_is_no_task_is_our_own_fault(layers):
    with pytest.raises(GengbaoError, match=f"{layers} 不是任务类别"):
        delivered(RESTORE, layers)

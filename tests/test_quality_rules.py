"""Every check by its own example, and what a finding carries."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline.quality import COLUMNS, ERROR, INTAKE, WARNING, discover, of_intake, run, settled
from pipeline.quality.docs import COMMAND, documents
from pipeline.quality.examples import EAST_M, NORTH_M, layer
from pipeline.quality.known import acknowledge

ROOT = Path(__file__).parent.parent
CHECKS = {check.code: check for check in discover()}
CODES = sorted(CHECKS)


def found(code, plots, **world):
    return CHECKS[code].find(layer(plots, world))


def box(west, east, south=0, north=50, **more):
    ring = f"{west} {south},{east} {south},{east} {north},{west} {north},{west} {south}"
    return {"wkt": f"POLYGON(({ring}))", **more}


def all_findings(subject):
    parts = [part.rows for part in run(subject)]
    return settled(subject, parts)


@pytest.mark.parametrize("code", CODES)
def test_a_check_finds_its_own_bad_example(code):
    example = CHECKS[code].example
    hits = CHECKS[code].find(layer(example.bad, example.world))
    assert len(hits.rows), f"{code} 没有发现自己的例子：{example.said}"
    assert len(hits.found) == len(hits.rows)
    assert all(hits.found)


@pytest.mark.parametrize("code", CODES)
def test_a_check_finds_nothing_in_its_own_good_example(code):
    check = CHECKS[code]
    world = check.example.world if check.example.good_world is None else check.example.good_world
    assert list(check.find(layer(check.example.good, world)).found) == []


@pytest.mark.parametrize("code", CODES)
def test_a_check_has_its_words_and_a_lasting_code(code):
    check = CHECKS[code]
    assert re.fullmatch(r"[A-Z]+(_[A-Z]+)+", code)
    assert check.level in {ERROR, WARNING}
    for words in (check.text, check.source, check.advice, check.example.said):
        assert re.search(r"[\u4e00-\u9fff]", words)


def test_the_codes_never_change():
    # baselines and scripts of counties name them; a new check adds a line here
    assert (ROOT / "tests" / "quality_codes.txt").read_text().split() == CODES


def test_rules_of_reading_have_codes_of_their_own():
    assert not {rule.code for rule in INTAKE} & set(CODES)


def test_a_sound_layer_gives_no_finding_of_any_rule():
    plots = [{}, {"dlbm": "0301"}, {"dlbm": "1006"}, {"dlbm": "0702"}, {"dlbm": "0201"}]
    assert all_findings(layer(plots))["rule"].tolist() == []


def test_the_document_of_rules_is_that_of_the_checks():
    for name, text in documents().items():
        assert (ROOT / name).read_text(encoding="utf-8") == text, f"请运行 {COMMAND}"


def test_a_finding_tells_plots_place_size_town_and_remedy():
    # 1 m x 50 m shared; planar GK is some 400 ppm too large here, so 49.98 rather than 50.00
    frame = all_findings(
        layer([box(0, 50), box(49, 100)], {"extent": "POLYGON((0 0,100 0,100 50,0 50,0 0))"})
    )
    row = frame[frame["rule"] == "PLOT_OVERLAP"].iloc[0]
    assert list(frame.columns) == [*COLUMNS, "geometry"]
    assert (row["bsm"], row["other_bsm"]) == ("990001200100000002", "990001200100000001")
    assert (row["source_file"], row["source_row"], row["town"]) == ("甲.shp", 2, "甲镇")
    assert (row["severity"], row["unit"], row["located"]) == (ERROR, "㎡", "本处")
    assert row["size"] == pytest.approx(49.98, abs=0.02)
    assert EAST_M + 49 < row["x"] < EAST_M + 50
    assert shapely.area(row["geometry"]) == pytest.approx(50)
    assert "捕捉" in row["advice"]


def test_a_gap_names_the_plots_on_both_sides_longest_border_first():
    world = {"extent": "POLYGON((0 0,100 0,100 50,0 50,0 0))"}
    hits = found("COVERAGE_GAP", [box(0, 50), box(50.5, 100)], **world)
    assert sorted((hits.rows[0], hits.other[0])) == [0, 1]
    assert "990001200100000001" in hits.found[0]
    assert "990001200100000002" in hits.found[0]
    assert hits.size[0] == pytest.approx(24.99, abs=0.02)  # 0.5 m x 50 m


def test_a_missing_plot_inside_the_layer_is_found_without_towns():
    ring = [box(0, 90, 0, 30), box(0, 30, 30, 60), box(60, 90, 30, 60), box(0, 90, 60, 90)]
    subject = layer(ring)
    alone = type(subject)(**{**vars_of(subject), "towns": None})
    hits = CHECKS["PLOT_MISSING"].find(alone)
    assert hits.size[0] == pytest.approx(900, rel=1e-3)


def vars_of(subject):
    names = subject.__dataclass_fields__
    return {name: getattr(subject, name) for name in names}


def test_a_duplicate_is_no_overlap_as_well():
    plots = [box(0, 50), box(0, 50)]
    frame = all_findings(layer(plots))
    assert set(frame["rule"]) & {"PLOT_DUPLICATE", "PLOT_OVERLAP"} == {"PLOT_DUPLICATE"}


def test_a_spike_is_told_at_its_tip_and_once_for_both_neighbours():
    spike = "POLYGON((0 0,50 0,50 25,80 25.05,50 25.1,50 50,0 50,0 0))"
    hollow = "POLYGON((50 0,100 0,100 50,50 50,50 25.1,80 25.05,50 25,50 0))"
    hits = found("GEOM_SPIKE", [{"wkt": hollow}, {"wkt": spike}])
    assert hits.rows.tolist() == [1]
    tip = shapely.get_coordinates(hits.shape[0])[0] - (EAST_M, NORTH_M)
    assert tip.tolist() == pytest.approx([80, 25.05], abs=1e-6)
    assert hits.size[0] == pytest.approx(2 * np.degrees(np.arctan(0.05 / 30)), abs=0.01)


def test_a_line_out_and_back_is_a_spike_although_the_polygon_is_invalid():
    hits = found("GEOM_SPIKE", [{"wkt": "POLYGON((0 0,50 0,50 50,90 50,50 50,0 50,0 0))"}])
    assert len(hits.rows) == 1


def test_rows_set_aside_by_reading_are_checked_like_all_others():
    # no usable shape, a BSM that another row has: both are told
    subject = layer([{"bsm": "990001200100000009"}, {"bsm": "990001200100000009", "qsxz": None}])
    lost = type(subject)(
        **{**vars_of(subject), "shapes": np.array([subject.shapes[0], None], dtype=object)}
    )
    rules = set(all_findings(lost)["rule"])
    assert {"BSM_DUPLICATE", "VALUE_EMPTY"} <= rules


def test_a_row_without_shape_is_placed_in_its_town():
    subject = layer([{}, {"qsxz": None}])
    bare = np.array([subject.drawn[0], None], dtype=object)
    lost = type(subject)(**{**vars_of(subject), "shapes": bare, "drawn": bare})
    row = all_findings(lost).set_index("rule").loc["VALUE_EMPTY"]
    assert row["located"] == "镇内"
    assert EAST_M < row["x"] < EAST_M + 100


def test_problems_of_reading_keep_code_row_and_place():
    problems = pd.DataFrame(
        {
            "source_file": ["甲.shp"] * 2, "source_row": pd.array([2, None], dtype="Int64"),
            "bsm": [None, None], "rule": ["GEOM_INVALID", "CRS_INFERRED"],
            "severity": [ERROR, WARNING], "field": ["图形", ""], "found": ["自相交", "没有声明"],
            "advice": ["改正", "补上"], "x": [EAST_M + 60, np.nan], "y": [NORTH_M + 10, np.nan],
        }
    )  # fmt: skip
    subject = layer([{}, {}])
    frame = settled(subject, [of_intake(subject, problems)])
    assert frame["rule"].tolist() == ["CRS_INFERRED", "GEOM_INVALID"]
    assert frame["located"].tolist() == ["文件范围内", "本处"]
    assert frame["source_row"].iloc[1] == 2


def test_two_deductions_are_told_apart_by_a_hundredth():
    assert not len(found("KCMJ_SUM", [{"kcmj_plus": 0.01}]).rows)
    assert len(found("KCMJ_SUM", [{"kcmj_plus": 0.02}]).rows) == 1


def test_the_least_areas_follow_the_class():
    plots = [box(0, 17, 0, 17, dlbm=code) for code in ("0702", "1202", "0103", "1206")]
    assert found("PLOT_TINY", plots).rows.tolist() == [2, 3]  # 289 m²: 200, 200, 400, 600


def test_the_jump_table_is_asked_row_by_row():
    before = (box(0, 50, bsm="990001200100000001", dlbm="1101"),)
    after = (box(0, 50, bsm="990001200100000001", dlbm="0301"),)
    hits = found("CLASS_JUMP", after, earlier=before)
    assert "1101 变为 0301" in hits.found[0]
    assert list(hits.other_bsm) == ["990001200100000001"]


class Line:
    """An acknowledgement, as the baseline states it."""

    def __init__(self, rule, bsm="", other_bsm="", source_file="", place=None, reason="已核实"):
        self.rule, self.bsm, self.other_bsm, self.reason = rule, bsm, other_bsm, reason
        self.source_file, self.place = source_file, place


def test_an_acknowledgement_meets_its_finding_and_no_other():
    frame = all_findings(layer([{"qsxz": None}, {"qsxz": None}]))
    known, stale = acknowledge(frame, [Line("VALUE_EMPTY", bsm="990001200100000002")])
    assert known["known"].notna().tolist() == [False, True]
    assert stale == ()


def test_an_acknowledgement_by_place_means_within_a_metre():
    frame = all_findings(layer([{"qsxz": None}]))
    x, y = frame[["x", "y"]].iloc[0]
    near, far = (Line("VALUE_EMPTY", place=(x + away, y)) for away in (0.9, 1.1))
    assert acknowledge(frame, [near])[0]["known"].notna().all()
    assert acknowledge(frame, [far])[1] == (far,)


def test_an_acknowledgement_that_meets_nothing_is_stale():
    line = Line("PLOT_OVERLAP", bsm="990001200100000001")
    assert acknowledge(all_findings(layer([{}])), [line])[1] == (line,)

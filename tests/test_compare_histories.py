"""Made histories of several exports, messy layers and other formats: nothing lost, exact."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import shapely
from compare_histories import (
    CRS,
    PAIRS,
    X0,
    Y0,
    advance,
    beginning,
    frame,
    made_history,
    of,
    seeds,
    words,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from pipeline import measure
from pipeline.compare import class_account, class_flow, compare_products, lineage, match

properties = settings(deadline=None, derandomize=True, max_examples=20)
SINGLE = ("same", "recoded", "renumbered", "reshaped")


def told(old, new):
    links = lineage(old, new, crs=CRS).dropna(subset="old_bsm")
    return dict(zip(links["old_bsm"], links["relation"], strict=True))


def later(first, second):
    """Return the second steps for the pairs that the first left alone, else nothing."""
    return [b if a == "keep" else "keep" for a, b in zip(first, second, strict=True)]


@properties
@given(seeds, words, words)
def test_three_exports_tell_the_same_story_step_by_step_and_at_once(seed, first, second):
    first, second = (["keep" if w == "add" else w for w in steps] for steps in (first, second))
    plots = beginning(seed)
    middle, truth_one = advance(plots, first)
    end, truth_two = advance(middle, later(first, second))
    exports = [frame(p) for p in (plots, middle, end)]
    assert told(exports[0], exports[1]) == truth_one
    assert told(exports[1], exports[2]) == truth_two
    # no pair of cells changes twice, so that the whole is the one step that did something
    moved = {bsm: step for bsm, step in truth_one.items() if step != "same"}
    assert told(exports[0], exports[2]) == {bsm: truth_two.get(bsm) for bsm in plots} | moved


@properties
@given(seeds, words, words)
def test_flows_over_three_exports_add_up_to_the_closing_of_the_last(seed, first, second):
    first, second = (["keep" if w == "add" else w for w in steps] for steps in (first, second))
    plots = beginning(seed)
    middle, _ = advance(plots, first)
    end, _ = advance(middle, later(first, second))
    exports = [frame(p) for p in (plots, middle, end)]
    accounts = [
        class_account(old, new, class_flow(old, new, match(old, new, crs=CRS).flows))
        for old, new in pairwise(exports)
    ]
    keys = ["level", "class"]
    both = accounts[0].merge(accounts[1], on=keys, how="outer", suffixes=("_1", "_2")).fillna(0)
    assert (both["closing_cm2_1"] == both["opening_cm2_2"]).all()
    moved = sum(both[f"increase_cm2_{n}"] - both[f"decrease_cm2_{n}"] for n in (1, 2))
    assert (both["opening_cm2_1"] + moved == both["closing_cm2_2"]).all()


boxes = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(1, 30), st.integers(1, 30)),
    min_size=1, max_size=12,
)  # fmt: skip


def mess(rows):
    """Return plots that overlap, repeat and contain each other, as layers must not but do."""
    at = {f"{n:03d}": box(X0 + x, Y0 + y, X0 + x + w, Y0 + y + h)
          for n, (x, y, w, h) in enumerate(rows)}  # fmt: skip
    codes = [("0103", "0702", "0301")[n % 3] for n in range(len(at))]
    return of(at, dlbm=codes, base_m2=np.array([round(s.area + 0.37, 2) for s in at.values()]))


@settings(properties, max_examples=30)
@given(boxes, boxes)
def test_overlapping_layers_lose_no_plot_and_no_hundredth(first, second):
    old, new = mess(first), mess(second)
    found = compare_products(old, new, crs=CRS)  # raises where an account doesn't close
    for plots, side in ((old, "old"), (new, "new")):
        own = found.links.dropna(subset=f"{side}_bsm").groupby(f"{side}_bsm")
        assert set(own.groups) == set(plots["bsm"])
        assert own["relation"].nunique().max() == own["lineage_id"].nunique().max() == 1
        sums = found.flows.groupby(f"{side}_bsm")[f"{side}_cm2"].sum()
        base = measure.to_cm2(plots["base_m2"].to_numpy())
        assert sums.to_dict() == dict(zip(plots["bsm"], base, strict=True))
        county = found.towns[found.towns["town_code"] == "全县"]
        assert county[f"{side}_plots"].sum() == len(plots)
        assert county[f"{side}_cm2"].sum() == base.sum()


@properties
@given(seeds, words)
def test_relations_count_plots_as_they_are_named(seed, steps):
    old, new, _ = made_history(seed, steps)
    links = lineage(old, new, crs=CRS)
    sides = links.groupby("lineage_id").agg(
        relation=("relation", "first"), old=("old_bsm", "nunique"), new=("new_bsm", "nunique")
    )
    many = {"split": (1, 2), "merged": (2, 1), "many": (2, 2), "new": (0, 1), "gone": (1, 0)}
    for name, own in sides.groupby("relation"):
        least = many.get(name, (1, 1))
        assert (own["old"] >= least[0]).all()
        assert (own["new"] >= least[1]).all()
        if name in (*SINGLE, "new", "split", "gone"):
            assert own["old"].max() == least[0]
        if name in (*SINGLE, "gone", "merged", "new"):
            assert own["new"].max() == least[1]


@pytest.mark.parametrize("word", ["split", "redivide", "reshape", "drop", "add"])
def test_shifting_a_whole_delivery_by_its_rounding_makes_no_ground_come_or_go(word):
    old, new, _ = made_history(3, [word, *["keep"] * (PAIRS - 1)])
    shaken = new.set_geometry(shapely.transform(new.geometry.to_numpy(), rounded))
    shaken["area_m2"] = measure.official_area(shaken.geometry, CRS)
    exact, coarse = (compare_products(old, frame, crs=CRS) for frame in (new, shaken))
    assert coarse.losses["loss"].tolist() == ["coordinates"]
    pd.testing.assert_frame_equal(exact.links[KEYS], coarse.links[KEYS])
    for side in ("old_bsm", "new_bsm"):
        rests = [found.flows[found.flows[side].isna()] for found in (exact, coarse)]
        assert len(rests[0]) == len(rests[1])


KEYS = ["lineage_id", "old_bsm", "new_bsm", "relation"]


def rounded(xy):
    """Return coordinates moved as seven decimals of a degree move them."""
    return np.round(xy / (0.0111, 0.0094)) * (0.0111, 0.0094)

"""Ledger, lists and lineage say the same of plots that are tasks as a whole."""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
from compare_histories import CRS, PAIRS, STEPS, made_history, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.compare import lineage, of_smaller
from pipeline.evidence.lists import follow_lists, join
from pipeline.ledger import track
from pipeline.model import Thresholds
from pipeline.tables import classes

BEFORE, AFTER = date(2023, 9, 30), date(2023, 10, 31)
RESTORE = "target_restore_in_place"
properties = settings(deadline=None, derandomize=True, max_examples=15)
# a redivided pair may have just half of a plot in common: the one limit where both differ
clear = [step for step in ("keep", *STEPS) if step != "redivide"]
histories = st.builds(
    made_history, seeds, st.lists(st.sampled_from(clear), min_size=PAIRS, max_size=PAIRS)
)


def tasks(plots):
    """Return every plot as one classified piece that is to be restored."""
    return plots[["bsm", "town_code", "town", "area_m2", "base_m2", "geometry"]].assign(
        piece=1, category=RESTORE, village="河口村", rule_id="R", basis="依据", case_no=None,
        flags=None, cultivated=False, monitoring="none", supplement=False, moved_out=False,
        supplement_m2=0.0,
    )  # fmt: skip


@properties
@given(histories)
def test_a_task_is_new_or_withdrawn_just_where_its_plot_is_new_or_gone(history):
    old, new, _ = history
    links = lineage(old, new, crs=CRS)
    step = track(
        [(BEFORE, tasks(old)), (AFTER, tasks(new))], classes=classes(), thresholds=Thresholds()
    )[-1]
    ledger = step.ledger
    fresh = ledger[ledger["first_seen"] == AFTER.isoformat()]
    assert set(fresh["bsm"]) == set(links.loc[links["relation"] == "new", "new_bsm"])
    left = ledger[ledger["status"] == "withdrawn"]
    assert set(left["bsm"]) == set(links.loc[links["relation"] == "gone", "old_bsm"])
    assert len(ledger) == len(old) + len(fresh)


@properties
@given(histories, st.randoms(use_true_random=False))
def test_a_bsm_list_follows_its_plots_through_their_lineage(history, random):
    old, new, _ = history
    named = sorted(random.sample(sorted(old["bsm"]), len(old) // 3))
    listed = gpd.GeoDataFrame(
        {"bsm": named}, geometry=gpd.GeoSeries([None] * len(named), crs=CRS), crs=CRS
    )
    outlined = follow_lists({"monitoring": listed}, old)["monitoring"]
    held = join(tasks(new), outlined, AFTER).share() >= Thresholds().mask_share
    links = lineage(old, new, crs=CRS)
    descent = links[links["old_bsm"].isin(named)].groupby("new_bsm")["overlap_m2"].sum()
    share = new["bsm"].map(descent).fillna(0).to_numpy() / new["area_m2"].to_numpy()
    sure = np.abs(share - Thresholds().mask_share) > 0.1  # a border below a tenth is no link
    pd.testing.assert_series_equal(
        pd.Series(held[sure]), pd.Series(share[sure] >= Thresholds().mask_share)
    )


def test_a_share_of_the_smaller_is_exact_at_its_limit():
    shared, one, other = [1.0, 0.99, 5.0, 4.99], [10.0, 10.0, 50.0, 10.0], [30.0, 30.0, 10.0, 99.0]
    assert of_smaller(shared, one, other, 10).tolist() == [True, False, True, True]
    assert of_smaller(shared, one, other, 2).tolist() == [False, False, True, False]

"""What is judged, counted and added up block by block is what the whole table gives."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from datetime import date
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from pipeline import storage
from pipeline.errors import GengbaoError
from pipeline.freshness import State
from pipeline.ingest.county import load_county
from pipeline.stages import Desk, plan

NEWEST = date(2023, 9, 30)
STARTS = st.lists(st.sampled_from([0, 0, 1]), min_size=1, max_size=25)
"""Of each piece whether it is the first of a plot."""
CUTS = st.sets(st.integers(0, 25), max_size=8)


def pieces(starts):
    """Return pieces in the order of their plots."""
    plot = pd.Series([f"{n:018d}" for n in np.cumsum(starts)], dtype="str")
    return pd.DataFrame({"bsm": plot, "piece": range(len(plot)), "base_m2": 0.25})


def cut(frame, cuts):
    """Return the frame in blocks, some of them without rows."""
    ends = [0, *sorted(min(at, len(frame)) for at in cuts), len(frame)]
    return [frame.iloc[at:to] for at, to in pairwise(ends)]


def squares(count):
    frame = pd.DataFrame(
        {
            "bsm": [f"{n:04d}" for n in range(count)],
            "flags": pd.Series(["甲"] * count, dtype="str"),
            "said": None,
        }
    )
    shapes = [shapely.box(20 * n, 0, 20 * n + 10, 10) for n in range(count)]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4524")


# blocks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 3, 12])
def test_the_blocks_of_a_file_are_its_rows_counted_through(tmp_path, count):
    frame = squares(count)
    storage.write_frame(tmp_path / "a.parquet", frame, bbox=True, group_rows=5)
    blocks = [*storage.read_blocks(tmp_path / "a.parquet", ["flags", "bsm", "absent"])]
    assert [len(block) for block in blocks] == {0: [0], 3: [3], 12: [5, 5, 2]}[count]
    assert_frame_equal(pd.concat(blocks)[["bsm", "flags"]], pd.DataFrame(frame[["bsm", "flags"]]))
    (every, *_) = storage.read_blocks(tmp_path / "a.parquet")
    assert [*every.columns] == ["bsm", "flags", "said"]


@settings(max_examples=20)
@given(STARTS, CUTS)
def test_a_plot_lies_in_one_block_and_no_row_is_lost_or_moved(starts, cuts):
    frame = pieces(starts)
    blocks = [*storage.whole(cut(frame, cuts))]
    assert_frame_equal(pd.concat(blocks), frame)
    assert sum(block["bsm"].nunique() for block in blocks) == frame["bsm"].nunique()


def test_a_table_without_rows_is_one_block_without_rows():
    nothing = pieces([1]).iloc[:0]
    assert [len(block) for block in storage.whole([nothing, nothing])] == [0]
    assert [(len(a), len(b)) for a, b in storage.beside([nothing], [nothing])] == [(0, 0)]


@pytest.mark.parametrize("cuts", [(), (2,)])
def test_rows_that_are_not_in_the_order_of_their_plots_are_no_blocks(cuts):
    frame = pieces([1, 1, 1, 1]).iloc[[0, 2, 1, 3]]
    with pytest.raises(GengbaoError, match="标识码"):
        list(storage.whole(cut(frame, cuts)))


@settings(max_examples=20)
@given(STARTS, CUTS, CUTS)
def test_every_plot_stands_beside_its_pieces_and_one_without_any_is_not_forgotten(
    starts, cuts, others
):
    frame, more = pieces(starts), pieces([1] * 30)
    pairs = [*storage.beside(storage.whole(cut(frame, cuts)), cut(more, others))]
    assert_frame_equal(pd.concat([left for left, _ in pairs]), frame)
    assert_frame_equal(pd.concat([right for _, right in pairs]), more)
    known = set(more["bsm"])
    assert all(set(left["bsm"]) & known <= set(right["bsm"]) for left, right in pairs)


# files ------------------------------------------------------------------------------------------


def test_columns_added_and_replaced_give_the_file_that_writing_the_frame_gives(tmp_path):
    frame = squares(12)
    storage.write_frame(tmp_path / "a.parquet", frame, bbox=True, group_rows=5)
    flags = pd.Series([None, *"乙丙" * 5, "丁"], dtype="str")
    more = pd.DataFrame({"rank": range(12), "flags": flags, "none": None})
    columns = storage.Register.lay([more.iloc[:7], more.iloc[7:]])
    storage.write_carried(tmp_path / "b.parquet", columns, tmp_path / "a.parquet")
    whole = frame.assign(rank=range(12), flags=flags, none=None)
    names = ["bsm", "flags", "said", "rank", "none", "geometry"]
    storage.write_frame(tmp_path / "c.parquet", whole[names], bbox=True, group_rows=5)
    assert (tmp_path / "b.parquet").read_bytes() == (tmp_path / "c.parquet").read_bytes()
    with pytest.raises(ValueError, match="7 rows beside 12"):
        storage.write_carried(
            tmp_path / "d.parquet", storage.Register.lay([more.iloc[:7]]), tmp_path / "a.parquet"
        )


# a county ---------------------------------------------------------------------------------------


def test_a_county_in_blocks_of_some_dozen_rows_has_the_same_products(tiny, finished, tmp_path):
    """Pieces straddle the groups of evidence, and parcels lie in other groups than pieces."""
    shutil.copytree(finished / "data", tmp_path / "data")
    desk = Desk(load_county(tiny), tmp_path)
    before = {job.name: job for job in plan(Desk(load_county(tiny), finished))}
    state = State.load(desk.state_file)
    for day in desk.judged:
        for name, rows in (("evidence", 31), ("parcels", 47)):
            file = desk.export(day, f"{name}.parquet")
            storage.write_frame(file, storage.read_frame(file), bbox=True, group_rows=rows)
    for job in plan(desk):
        if not job.name.startswith(("分类", "台账", "汇总", "指标")):
            continue
        outcome = job.compute(state)
        assert [asdict(row) for row in outcome.account] == state.stages[job.name]["account"]
        made = {path.relative_to(tmp_path) for path in outcome.write()}
        assert made == {path.relative_to(finished) for path in before[job.name].makes}
        for path in made:
            if path.name == "pieces.parquet":
                frames = [storage.read_frame(home / path) for home in (finished, tmp_path)]
                assert_frame_equal(*frames)
            else:
                assert (tmp_path / path).read_bytes() == (finished / path).read_bytes()

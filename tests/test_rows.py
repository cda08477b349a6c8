"""Rows as they lie in our files: chosen, dealt out and hashed group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import storage
from pipeline.storage import Lying

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ["bsm", "said", "known", "area_m2", "geometry"]


def plots(count: int) -> gpd.GeoDataFrame:
    """Return squares, with a text, a yes or no and a figure that are sometimes missing."""
    number = np.arange(count)
    shapes = shapely.box(number, 0, number + 1, np.where(number % 2, 1, 2))
    return gpd.GeoDataFrame(
        {
            "bsm": [f"6110{n:03d}" for n in number],
            "said": pd.Series([None if n % 3 else f"是{n}" for n in number], dtype="str"),
            "known": pd.array([None if n % 4 == 0 else n % 2 == 0 for n in number], "boolean"),
            "area_m2": np.where(number % 5 == 0, np.nan, number / 4),
            "nothing": pd.Series([None] * count, dtype=object),
        },
        geometry=shapes,
        crs="EPSG:4525",
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The same rows in groups of 7 and in one."""
    folder = tmp_path_factory.mktemp("rows")
    made = []
    for rows in (7, 100):
        made.append(folder / f"{rows}.parquet")
        storage.write_frame(made[-1], plots(40), bbox=True, group_rows=rows)
    return made


PILES = st.lists(
    st.sets(st.integers(0, 39)).map(lambda rows: np.array(sorted(rows), int)), max_size=4
)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(piles=PILES)
def test_each_pile_has_its_rows_in_their_order(files: list[Path], piles: list[np.ndarray]) -> None:
    whole = storage.read_frame(files[0])[COLUMNS]
    dealt = Lying(files[0]).piles(piles, COLUMNS)
    for number, rows in enumerate(piles):
        found = dealt.frame(number)
        assert_geodataframe_equal(found, whole.iloc[rows].reset_index(drop=True))
    one, other = (Lying(file).digests(piles, COLUMNS) for file in files)
    assert one == other
    assert len(set(one)) == len({rows.tobytes() for rows in piles})


def test_a_value_moved_into_the_next_row_or_lost_is_another_hash(tmp_path: Path) -> None:
    texts = [["ab", "c", None], ["a", "bc", None], ["ab", "c", ""], ["ab", None, "c"]]
    found = set()
    for number, said in enumerate(texts):
        frame = plots(3).assign(said=pd.Series(said, dtype="str"))
        storage.write_frame(tmp_path / f"{number}", frame, bbox=True)
        found |= {*Lying(tmp_path / f"{number}").digests([np.arange(3)], ["said", "nothing"])}
    assert len(found) == len(texts)


def test_boxes_and_values_are_looked_at_group_by_group(files: list[Path]) -> None:
    frame, lying = plots(40), Lying(files[0])
    assert len(lying) == 40
    np.testing.assert_array_equal(lying.boxes(), frame.bounds.to_numpy())
    chosen = np.arange(40) % 9 == 4
    np.testing.assert_array_equal(lying.boxes(chosen), frame.bounds.to_numpy()[chosen])
    held = lying.holding({"said": ["是3", "是39", "没有"], "bsm": ["6110039", "6110004"]})
    assert np.flatnonzero(held).tolist() == [39]
    assert not lying.holding({"said": []}).any()
    missing = plots(40)["nothing"]
    assert missing.isna().all()
    assert not lying.holding({"nothing": ["是3"]}).any()

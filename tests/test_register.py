"""A table in a temporary file is the table in memory: every column, row and order of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import storage
from pipeline.storage import Register

if TYPE_CHECKING:
    from pathlib import Path


def _read_back(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as Arrow gives it back, which is how our Parquet files do."""
    read: pd.DataFrame = pa.Table.from_pandas(table, preserve_index=False).to_pandas()
    return read


def _plots(count: int, start: int = 0) -> pd.DataFrame:
    number = np.arange(start, start + count)
    names = pd.Series([None if n % 5 == 0 else f"图斑{n}" for n in number], dtype="str")
    return pd.DataFrame(
        {
            "bsm": pd.Series([f"61{n:06d}" for n in number], dtype="str"),
            "name": names,
            "said": pd.Series([None if n % 3 else "是" for n in number], dtype=object),
            "rank": pd.array([None if n % 4 == 0 else n for n in number.tolist()], dtype="Int64"),
            "known": pd.array(
                [None if n % 7 == 0 else n % 2 == 0 for n in number], dtype="boolean"
            ),
            "area_m2": np.where(number % 6 == 0, np.nan, number / 4),
        }
    )


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.storage.shelf.BLOCK_ROWS", 4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 11), min_size=1, max_size=4), st.data())
def test_any_rows_in_any_order_are_those_of_the_table(
    sizes: list[int], data: st.DataObject
) -> None:
    frames = [_plots(size, 100 * n) for n, size in enumerate(sizes)]
    whole = _read_back(pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True))
    laid = Register.lay(frames)
    rows = np.array(data.draw(st.lists(st.integers(0, max(len(whole) - 1, 0)), max_size=20)), int)
    rows = rows[: 20 if len(whole) else 0]

    pd.testing.assert_frame_equal(laid.frame(), whole)
    pd.testing.assert_frame_equal(
        laid.select(rows).frame(), whole.take(rows).reset_index(drop=True)
    )
    pd.testing.assert_frame_equal(laid.frame(rows), whole.take(rows).reset_index(drop=True))
    mask = whole["area_m2"].to_numpy() > 3
    pd.testing.assert_frame_equal(laid.select(mask).frame(), whole[mask].reset_index(drop=True))
    at, to = sorted(data.draw(st.tuples(st.integers(0, 45), st.integers(0, 45))))
    part = whole.iloc[at:to].reset_index(drop=True)
    pd.testing.assert_frame_equal(laid.frame(slice(at, to), ["rank", "bsm"]), part[["rank", "bsm"]])
    pd.testing.assert_frame_equal(
        pd.concat([f for _, f in laid.blocks()], ignore_index=True), whole
    )


def test_its_schema_is_the_one_of_the_table_in_memory() -> None:
    frames = [_plots(9), _plots(3, 50).assign(said=None)]
    laid = Register.lay(frames)
    whole = pa.Table.from_pandas(pd.concat(frames, ignore_index=True), preserve_index=False)
    assert laid.schema.equals(whole.schema, check_metadata=True)
    assert laid.arrow(slice(None)).equals(whole)
    turned = laid.select(np.arange(len(laid))[::-1])
    assert turned.schema.equals(whole.schema, check_metadata=True)
    assert turned.arrow(slice(None)).equals(whole.take(np.arange(len(whole))[::-1]))


def test_a_column_missing_throughout_in_one_block_is_of_the_others_type() -> None:
    empty = _plots(4).assign(said=None)
    laid = Register.lay([empty, _plots(6, 10)])
    assert laid.schema.field("said").type == laid.arrow(slice(0, 4)).schema.field("said").type
    assert laid["said"].isna().sum() == 4 + 4  # of 10 to 15 only 12 and 15 are said


def test_columns_of_two_types_are_no_table() -> None:
    with pytest.raises(TypeError, match="several types"):
        Register.lay([_plots(2), _plots(2).assign(area_m2=["1", "2"])])


def test_columns_are_added_replaced_and_left_out_without_a_change_to_the_table() -> None:
    plots = _plots(10)
    laid = Register.lay([plots.iloc[:3], plots.iloc[3:]])
    more = laid.assign(pd.DataFrame({"name": ["新"] * 10, "town": np.arange(10)}))
    wanted = plots.assign(name="新", town=np.arange(10)).astype({"name": "str"})
    wanted, plots = _read_back(wanted), _read_back(plots)
    pd.testing.assert_frame_equal(more.frame(), wanted)
    pd.testing.assert_frame_equal(laid.frame(), plots)
    assert more.without("bsm", "town").columns == ["name", "said", "rank", "known", "area_m2"]
    doubled = laid.assign(
        (f[["area_m2"]] * 2).set_axis(["twice_m2"], axis=1) for _, f in laid.blocks()
    )
    pd.testing.assert_series_equal(doubled["twice_m2"], plots["area_m2"] * 2, check_names=False)
    with pytest.raises(ValueError, match=r"blocks of \[3, 0, 0\] rows beside \[3, 4, 3\]"):
        laid.assign(pd.DataFrame({"a": [1, 2, 3]}))
    with pytest.raises(ValueError, match="blocks of"):
        laid.assign([pd.DataFrame({"a": [1, 2, 3]})])


def test_a_table_laid_column_by_column_is_the_one_laid_block_by_block() -> None:
    for plots in (_plots(10), _plots(0)):
        laid = Register.by_column(len(plots), plots.items())
        assert laid.arrow(slice(None)).equals(Register.lay([plots]).arrow(slice(None)))
        assert len(Register.by_column(len(plots), [])) == len(plots)


def test_the_file_written_of_it_is_the_one_of_the_table(tmp_path: Path) -> None:
    plots = _plots(25)
    boxes = np.arange(100.0).reshape(25, 4)
    shapes = storage.Shelf.lay([np.full(25, None, dtype=object)])
    for name, columns in (("a", plots), ("b", Register.lay([plots.iloc[:7], plots.iloc[7:]]))):
        storage.write_shelved(tmp_path / name, columns, shapes, boxes, "EPSG:4525")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

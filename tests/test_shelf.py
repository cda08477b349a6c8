"""Shapes laid on a shelf: the same bytes in any order, from any number of files."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import storage
from pipeline.errors import OutputError
from pipeline.storage import Shelf, shelf

CRS = "EPSG:4545"
SQUARE, HOLED = shapely.box(0, 0, 1, 1), shapely.box(0, 0, 9, 9) - shapely.box(1, 1, 2, 2)
TWO = shapely.MultiPolygon([SQUARE, shapely.box(5, 5, 6, 6)])

rows = st.lists(st.none() | st.binary(max_size=12))


def laid(blocks):
    return Shelf.lay(np.array([*block, None], dtype=object)[:-1] for block in blocks)


@settings(deadline=None, derandomize=True, max_examples=80)
@given(st.lists(rows, max_size=4), st.randoms(use_true_random=False))
def test_rows_come_back_as_they_were_laid_in_any_order(blocks, random):
    flat = [data or None for block in blocks for data in block]
    found = laid(blocks)
    assert [data for _, block in found.blocks() for data in block] == flat
    assert found.missing.tolist() == [data is None for data in flat]
    order = np.array([random.randrange(len(flat)) for _ in flat], dtype=np.int64)
    assert found.take(order).tolist() == [flat[at] for at in order]
    assert found.select(order).take(slice(None)).tolist() == [flat[at] for at in order]
    one, other = Shelf.joined([found, laid(blocks[::-1])]), Shelf.joined([])
    backwards = [data or None for block in blocks[::-1] for data in block]
    assert Shelf.joined([other, one]).take(slice(None)).tolist() == flat + backwards


def test_rows_are_replaced_without_touching_the_shelf_they_lay_on():
    first = laid([[b"one", b"two", None]])
    second = first.replaced(np.array([2, 0]), laid([[b"THREE", None]]))
    assert second.take(slice(None)).tolist() == [None, b"two", b"THREE"]
    assert first.take(slice(None)).tolist() == [b"one", b"two", None]


def test_arrow_arrays_are_laid_as_they_are_sliced_and_with_null_rows_that_hide_bytes():
    parts = [b"\x01", np.int32([0, 2, 4]), b"abcd"]  # only the first row is valid
    hidden = pa.Array.from_buffers(pa.binary(), 2, [pa.py_buffer(part) for part in parts])
    chunks = pa.chunked_array([pa.array([b"no", b"yes", b""]).slice(1), hidden])
    assert Shelf.lay([chunks]).take(slice(None)).tolist() == [b"yes", None, b"ab", None]


def test_the_first_bytes_of_every_row_are_at_hand():
    heads = laid([[b"12345678", None, b"1"]]).heads
    assert heads.tolist() == [list(b"12345"), [0] * 5, [0] * 5]


def test_more_than_fits_in_memory_goes_to_a_file_without_a_name(monkeypatch, tmp_path):
    monkeypatch.setattr(shelf, "IN_MEMORY_BYTES", 10)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = laid([[b"x" * 40, b"y" * 40]])
    assert found.sheets[0].file.fileno() > 0
    assert list(tmp_path.iterdir()) == []
    assert found.take(np.array([1])).tolist() == [b"y" * 40]


def test_a_full_disk_is_told_with_the_folder_and_what_to_do(monkeypatch):
    class Full:
        def seek(self, *_):
            return 0

        def write(self, _):
            pass

        def flush(self):  # where what a buffer has taken comes to the disk
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(shelf.tempfile, "SpooledTemporaryFile", lambda *_, **__: Full())
    with pytest.raises(OutputError) as caught:
        laid([[b"data"]])
    (finding,) = caught.value.findings
    assert finding.where.startswith("临时文件夹 ")
    assert "写不下" in finding.found
    assert "TMPDIR" in finding.advice


def test_bytes_that_are_gone_from_the_disk_are_told_not_made_up():
    found = laid([[b"one", b"two"]])
    found.sheets[0].file.truncate(4)
    with pytest.raises(OutputError, match="应有 6 字节，只读回 4 字节"):
        found.take(slice(None))


def test_a_shelved_frame_is_written_as_the_frame_itself_would_be(tmp_path):
    shapes = np.array([SQUARE, TWO, HOLED], dtype=object)
    columns = {"bsm": pd.Series(["1", None, "3"], dtype="str"), "area_m2": [1.0, 2.5, np.nan]}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)
    storage.write_frame(tmp_path / "frame.parquet", frame, bbox=True)
    table, boxes = frame.drop(columns="geometry"), shapely.bounds(shapes)
    held = Shelf.lay([shapely.to_wkb(shapes)])
    storage.write_shelved(tmp_path / "shelved.parquet", table, held, boxes, CRS)
    written = (tmp_path / "shelved.parquet").read_bytes()
    assert written == (tmp_path / "frame.parquet").read_bytes()

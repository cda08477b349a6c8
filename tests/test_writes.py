"""Writes: old products or new ones, never half, whatever happens (cases 70-74 and 77-79)."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from command_line import ROOT, gengbao, gengbao_apart
from faulty import faulty as faulty_process
from ingest_county import CRS, EXPORT, make_county, plots, square, write

from pipeline import storage
from pipeline.errors import OutputError

STATE = ".state.json"


def command(root, until="ingest", out=None):
    return [until, "--county", str(root / "raw"), "--out", str(out or root / "out")]


def faulty(mode, at, root, until="ingest"):
    return faulty_process(mode, at, root / "out", "run", *command(root, until))


def hashes(folder):
    """Return the sha256 of every product; the run's own notes left out."""
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and ".gengbao" not in p.as_posix() and p.name != STATE
    }


def left_over(folder):
    """Return what should never be seen after a run: hidden files but for the state."""
    return [p for p in folder.rglob(".*") if p.name != STATE]


def change(root):
    """Give the ledger's export other areas and one plot more, so that every product changes."""
    frame = plots(5)
    frame["TBMJ"] += 0.5
    shutil.rmtree(root / "raw/exports" / EXPORT.isoformat())
    write(frame, root / "raw/exports" / EXPORT.isoformat() / "DLTB.gpkg", layer="DLTB")


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A county with its products up to the town tables."""
    root = tmp_path_factory.mktemp("writes")
    (root / "raw").mkdir()
    make_county(root / "raw")
    done = gengbao(*command(root, "aggregate"))
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def after(before, tmp_path_factory):
    """The same county after its survey has changed, and the products that then are right."""
    root = tmp_path_factory.mktemp("after")
    shutil.copytree(before / "raw", root / "raw")
    change(root)
    done = gengbao(*command(root, "aggregate"))
    assert done.returncode == 0, done.stderr
    changed = {k for k, v in hashes(root / "out").items() if hashes(before / "out")[k] != v}
    assert len(changed) > 6
    return root


@pytest.fixture
def stale(before, after, tmp_path):
    """Old products, new survey: everything is to be done again."""
    shutil.copytree(after / "raw", tmp_path / "raw")
    shutil.copytree(before / "out", tmp_path / "out", symlinks=True)
    return tmp_path


def test_case_70_a_product_open_in_qgis_stops_the_run_and_stays(stale):
    product = stale / "out/data/processed/ledger.gpkg"
    with sqlite3.connect(product) as db:  # as QGIS opens it
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        db.execute("UPDATE gpkg_contents SET description = 'x'")
        held = hashes(stale / "out")
        done = gengbao_apart(*command(stale, "aggregate"))
        assert hashes(stale / "out") == held
        db.rollback()
    db.close()
    assert done.returncode == 5
    assert "ledger.gpkg" in done.stderr
    assert "正被其他软件打开编辑（旁边有 ledger.gpkg-wal）" in done.stderr
    assert not left_over(stale / "out")
    done = gengbao(*command(stale, "aggregate"))
    assert done.returncode == 0, done.stderr


def test_case_70_a_folder_in_the_place_of_a_product_is_named_and_nothing_changes(stale):
    product = stale / "out/data/processed/summary.csv"
    product.unlink()
    product.mkdir()
    held = hashes(stale / "out")
    done = gengbao(*command(stale, "aggregate"))
    assert done.returncode == 5
    assert "summary.csv" in done.stderr
    assert "该处是文件夹，不能写成文件" in done.stderr
    assert hashes(stale / "out") == held
    assert not left_over(stale / "out")


def fill_up(root, after, before, done):
    """Check a run on a full disk: all old and tidy, or all new."""
    assert done.returncode in {0, 5}, done.stderr
    if done.returncode == 5:
        assert "磁盘" in done.stderr
        assert "原有成果未改动" in done.stderr
    wanted = after if done.returncode == 0 else before
    assert hashes(root / "out") == hashes(wanted / "out"), done.stderr
    assert not left_over(root / "out")
    return done.returncode


def reset(root, before):
    shutil.rmtree(root / "out")
    shutil.copytree(before / "out", root / "out")


@pytest.fixture(scope="module")
def changes(before, after, tmp_path_factory):
    """How many changes below out/ the whole run makes: of all kinds, and of those that make."""
    root = tmp_path_factory.mktemp("changes")
    shutil.copytree(after / "raw", root / "raw")
    counted = {}
    for mode in ("count", "fail"):
        shutil.copytree(before / "out", root / "out", symlinks=True)
        done = faulty(mode, 0, root, "aggregate")
        assert done.returncode == 0, done.stderr
        assert hashes(root / "out") == hashes(after / "out")
        counted[mode] = int(done.stdout)
        shutil.rmtree(root / "out")
    return counted


@pytest.fixture
def tmpfs(stale):
    """Mount a small disk at out/, with the old products on it; yields a function to size it."""
    held = stale / "held"
    (stale / "out").rename(held)
    (stale / "out").mkdir()
    mounted = []

    def mount(size):
        unmount()
        done = subprocess.run(  # noqa: S603
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", stale / "out"],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"这里不允许挂载 tmpfs，磁盘写满未测：{done.stderr.strip()}")
        mounted.append(True)
        shutil.copytree(held, stale / "out", dirs_exist_ok=True)

    def unmount():
        while mounted:
            subprocess.run(["umount", stale / "out"], check=True)  # noqa: S603, S607
            mounted.pop()

    yield mount
    unmount()


def test_case_71_a_full_disk_leaves_the_old_products_and_nothing_else(tmpfs, stale, after, before):
    pages = [-(-p.stat().st_size // 4096) for p in (stale / "held").rglob("*") if p.is_file()]
    used = 4 * sum(pages)
    codes = set()
    for more in (40, 250, 600, 900, 4000):
        tmpfs(f"{used + more}k")
        codes.add(fill_up(stale, after, before, faulty("full", 0, stale, "aggregate")))
    assert codes == {0, 5}


def test_case_71_room_is_asked_for_before_anything_is_computed(tmpfs, stale, before):
    tmpfs("3m")
    done = gengbao_apart(*command(stale, "aggregate"))
    assert done.returncode == 5
    assert "磁盘空间不足：本次成果至少要" in done.stderr
    assert "入库" not in done.stderr
    assert hashes(stale / "out") == hashes(before / "out")
    assert not left_over(stale / "out")


def test_case_71_any_single_refused_write_leaves_the_old_products(stale, after, before, changes):
    """Disk full at the n-th file made below out/, the whole way from lock to state."""
    total = changes["fail"]
    codes = []
    for share in (0.0, 0.3, 0.7, 0.95):
        reset(stale, before)
        done = faulty("fail", 1 + round(share * (total - 1)), stale, "aggregate")
        codes.append(fill_up(stale, after, before, done))
    assert codes.count(5) >= 3


def test_case_72_killed_at_any_change_old_or_new_and_the_next_run_cleans_up(
    stale, after, before, changes
):
    total = changes["count"]
    sides = set()
    for share in (0.05, 0.4, 0.6, 0.75, 0.9, 1.0):
        reset(stale, before)
        done = faulty("kill", max(1, round(share * total) - 2), stale, "aggregate")
        assert done.returncode == -signal.SIGKILL, done.stderr
        old, new = hashes(before / "out"), hashes(after / "out")
        found = hashes(stale / "out")
        assert set(found) >= set(old)
        halves = {k for k, v in found.items() if v not in {old.get(k), new.get(k)}}
        assert not {k for k in halves if "/." not in k}, "a product is neither old nor new"
        sides.add(found == old)
        done = gengbao(*command(stale, "aggregate"))
        assert done.returncode == 0, done.stderr
        assert hashes(stale / "out") == new
        assert not left_over(stale / "out")
    assert True in sides


def test_case_72_killed_at_a_random_moment(stale, after, before):
    """Not only between our own steps: in the middle of GDAL, Arrow, a library's import."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "pipeline", *command(stale, "aggregate")],
        cwd=ROOT, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    moment = 0.3 + time.time_ns() % 1500 / 1000
    time.sleep(moment)
    process.kill()
    process.wait()
    assert hashes(stale / "out") in (hashes(before / "out"), hashes(after / "out")), moment
    done = gengbao(*command(stale, "aggregate"))
    assert done.returncode == 0, done.stderr
    assert hashes(stale / "out") == hashes(after / "out"), moment
    assert not left_over(stale / "out")


def test_case_72_what_a_killed_run_had_finished_is_not_done_again(stale, after, changes):
    faulty("kill", round(0.6 * changes["count"]), stale, "aggregate")
    done = gengbao(*command(stale, "aggregate"))
    assert "上一次运行没有正常结束（20" in done.stderr
    assert "接着上一次没有做完的运行" in done.stderr
    assert "入库 2023-09-30" not in done.stderr
    assert hashes(stale / "out") == hashes(after / "out")


POOL = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from pipeline.stages.workers import die_with_parent

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, die_with_parent) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        time.sleep(60)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="只在有 /proc 的系统上看得到")
def test_case_72_no_worker_outlives_a_killed_run(tmp_path):
    script = tmp_path / "pool.py"
    script.write_text(POOL, encoding="utf-8")
    parent = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, str(script)],
        stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    with parent:
        status = Path("/proc") / parent.stdout.readline().decode().strip() / "status"
        assert status.exists()
        parent.kill()
    for _ in range(200):
        if not status.exists() or "State:\tZ" in status.read_text():
            return
        time.sleep(0.1)
    pytest.fail("worker is still there")


def test_case_73_the_same_input_twice_gives_the_same_bytes_and_no_row_twice(after, tmp_path):
    done = gengbao_apart(*command(after, "aggregate", tmp_path), PYTHONHASHSEED="1")
    assert done.returncode == 0, done.stderr
    assert hashes(tmp_path) == hashes(after / "out")
    again = gengbao(*command(after, "aggregate", tmp_path))
    assert "无需重做" in again.stderr
    assert hashes(tmp_path) == hashes(after / "out")
    found = gpd.read_parquet(tmp_path / "data/processed/exports/2023-09-30/parcels.parquet")
    assert list(found["bsm"]) == list(plots(5)["BSM"])


def test_case_74_a_second_run_at_the_same_time_is_refused_with_since_and_pid(stale, after):
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "pipeline", *command(stale, "aggregate")],
        cwd=ROOT, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    lock = stale / "out/.gengbao/lock"
    while process.poll() is None and not (lock.is_file() and lock.read_bytes()):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGSTOP)
    second = gengbao(*command(stale, "aggregate"))
    os.kill(process.pid, signal.SIGCONT)
    assert second.returncode == 5
    assert "另一次运行正在进行（20" in second.stderr
    assert f"pid {process.pid}" in second.stderr
    assert "等它结束后再运行" in second.stderr
    assert process.wait() == 0
    assert hashes(stale / "out") == hashes(after / "out")
    assert not left_over(stale / "out")


def test_case_77_no_product_is_a_shapefile_so_that_no_name_and_no_text_is_cut(before, tmp_path):
    """Shapefiles cut names at 10 bytes and texts at 254: we write none; GPKG keeps both whole."""
    assert not [name for name in hashes(before / "out") if name.endswith((".shp", ".dbf"))]
    text = "长" * 300
    frame = gpd.GeoDataFrame(
        {"权属单位名称全称": [text, None]}, geometry=[square(0), square(1)], crs=CRS
    )
    storage.write_gpkg(tmp_path / "a.gpkg", {"图层": frame})
    found = pyogrio.read_dataframe(tmp_path / "a.gpkg", layer="图层")
    assert list(found.columns) == ["权属单位名称全称", "geometry"]
    assert found.iloc[0, 0] == text


def test_case_78_rejects_that_cant_be_written_stop_the_run(stale):
    place = stale / "out/data/processed/exports/2023-09-30/rejects.gpkg"
    place.unlink()
    place.mkdir()
    held = hashes(stale / "out")
    done = gengbao(*command(stale))
    assert done.returncode == 5
    assert "rejects.gpkg" in done.stderr
    assert hashes(stale / "out") == held


def test_case_78_a_disk_that_is_read_only_is_named(tmpfs, stale, before):
    tmpfs("8m")
    subprocess.run(["mount", "-o", "remount,ro", stale / "out"], check=True)  # noqa: S603, S607
    done = gengbao_apart(*command(stale))
    assert done.returncode == 5
    assert "无法写入" in done.stderr
    assert str(stale / "out") in done.stderr
    assert hashes(stale / "out") == hashes(before / "out")


def test_case_79_an_export_without_one_usable_row_is_refused_and_every_row_is_shown(stale, before):
    frame = plots(3)
    frame["BSM"] = None
    day = stale / "raw/exports" / EXPORT.isoformat()
    shutil.rmtree(day)
    write(frame, day / "DLTB.gpkg", layer="DLTB")
    done = gengbao(*command(stale))
    assert done.returncode == 4
    assert "全部 3 行都不能用：标识码为空（3 行）" in done.stderr
    refused = stale / "out/data/processed/refused"
    assert str(refused / EXPORT.isoformat()) in done.stderr
    shown = pyogrio.read_dataframe(refused / EXPORT.isoformat() / "rejects.gpkg")
    assert list(shown["source_row"]) == [1, 2, 3]
    assert set(shown["rule"]) == {"BSM_EMPTY"}
    assert (refused / EXPORT.isoformat() / "problems.csv").is_file()
    assert {k: v for k, v in hashes(stale / "out").items() if "/refused/" not in k} == hashes(
        before / "out"
    )
    change(stale)
    assert gengbao(*command(stale)).returncode == 0
    assert not refused.exists()


def test_a_writer_that_loses_a_row_or_a_value_is_found_out(tmp_path, monkeypatch):
    path = tmp_path / "a.gpkg"
    frame = plots(3)
    storage.write_gpkg(path, {"l": frame})
    old = path.read_bytes()
    whole = pyogrio.write_dataframe

    def lose_a_row(frame, *args, **options):
        whole(frame.iloc[:-1], *args, **options)

    def change_an_area(frame, *args, **options):
        whole(frame.assign(TBMJ=frame["TBMJ"] + [0, 0, 1e-6]), *args, **options)

    monkeypatch.setattr(pyogrio, "write_dataframe", lose_a_row)
    with pytest.raises(OutputError, match="写出后重新打开核对不符：图层 l 的行数应为 3，实为 2"):
        storage.write_gpkg(path, {"l": frame})
    monkeypatch.setattr(pyogrio, "write_dataframe", change_an_area)
    with pytest.raises(OutputError, match="图层 l 的 TBMJ 合计应为"):
        storage.write_gpkg(path, {"l": frame})
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_frame_that_comes_back_different_is_found_out(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    whole = pq.ParquetWriter.write_table
    frame = plots(3)

    def spoil(column, value):
        def write_other(self, table, *args, **options):
            if not len(table):  # what only tells of columns
                return whole(self, table, *args, **options)
            cells = table[column].to_pylist()
            cells[1:2] = [value]
            other = pa.array(cells, type=table.schema.field(column).type)
            at = table.schema.get_field_index(column)
            return whole(self, table.set_column(at, column, other), *args, **options)

        return write_other

    for column, value, found in (
        ("DLBM", "9999", "列 DLBM 的内容应为 原值"),
        ("geometry", shapely.to_wkb(shapely.box(0, 0, 1, 1)), "图形应为 原值"),
    ):
        monkeypatch.setattr(pq.ParquetWriter, "write_table", spoil(column, value))
        with pytest.raises(OutputError, match=found):
            storage.write_frame(path, frame)
    assert list(tmp_path.iterdir()) == []


def test_every_kind_of_value_comes_back_from_our_own_frames(tmp_path):
    frame = gpd.GeoDataFrame(
        {
            "text": pd.Series(["甲", None, ""], dtype="str"),
            "object": ["甲", None, "乙"],
            "int": pd.Series([1, None, 3], dtype="Int64"),
            "real": [0.1, float("nan"), 1e300],
            "flag": pd.Series([True, None, False], dtype="boolean"),
        },
        geometry=[square(0), None, square(1)],
        crs=CRS,
    )
    storage.write_frame(tmp_path / "a.parquet", frame)
    storage.write_gpkg(tmp_path / "a.gpkg", {"l": frame, "leer": frame.iloc[:0]})
    assert len(storage.read_frame(tmp_path / "a.parquet")) == 3

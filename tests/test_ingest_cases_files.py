"""Bad input by case number (docs/ingest-cases.md): paths, formats, reading, size, names."""

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import shapely
from ingest_cases import DBF_FIELDS, found, gpkg, parts_of, shapefile, with_table
from ingest_county import EXPORT, county_of, digest, edit_toml, plots, write

from pipeline.errors import InputError
from pipeline.ingest.read import read_parcels, read_role
from pipeline.ingest.sources import formats
from pipeline.ingest.workcopy import work_copy

NAMES = [
    "甲!乙.shp",
    "a#b 100%20.shp",
    "（全角）　名.shp",
    "DLTB.SHP",
    " 前后空格 .shp",
    "很长的名字" * 14 + ".shp",
]


@pytest.mark.parametrize("name", NAMES)
def test_case_66_unusual_paths(case, name):
    folder = case.folder() / ("深" * 60) / ("层" * 60)
    folder.mkdir(parents=True)
    for part, data in parts_of(case.root.parent, "DLTB").items():
        suffix = Path(part).suffix
        suffix = suffix.upper() if name.endswith("SHP") else suffix
        (folder / f"{name[:-4]}{suffix}").write_bytes(data)
    assert len(str(folder / name).encode()) > 400
    frame, _, _ = case.accepted()
    assert len(frame) == 4
    assert set(frame["source_file"].str.rsplit("/", n=1).str[-1]) == {name}


@pytest.mark.parametrize(
    ("name", "data", "said", "advice"),
    [
        ("DLTB.mdb", b"\0\1\0\0Standard Jet DB\0", "“.mdb”（Access 数据库", "导出为 FileGDB"),
        ("DLTB.vct", b"HeadBegin\nDataMark:LANDUSE-VCT\n", "“.vct”（VCT 交换文件）", "建库软件"),
        ("DLTB.gpkg", b"\0\1\0\0Standard Jet DB\0", "“.mdb”（Access 数据库", "导出为 FileGDB"),
        ("DLTB.gpkg", b"<!DOCTYPE html><html>", "“.html”（网页）", "下载失败"),
        ("DLTB.kml", b"<?xml version='1.0'?>", "“.xml”（XML 文件", "GPKG 或 SHP"),
        ("DLTB.dwg", b"AC1032", "不支持的格式“.dwg”", "转换为可读的格式"),
    ],
)
def test_case_67_formats_that_are_not_read(case, name, data, said, advice):
    (case.folder() / name).write_bytes(data)
    message = case.refused()
    assert f"{name}：不支持的格式" in message
    assert said in message
    assert advice in message


def test_case_67_bytes_decide_not_the_suffix(case):
    path = gpkg(case)
    path.rename(path.with_name("DLTB.dat"))
    frame, _, problems = case.accepted()
    assert len(frame) == 4
    assert "后缀是“.dat”，内容却是 GPKG，按内容读入" in found(problems, "FILE_NOTE")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc for a file that fails to read")
def test_case_68_reading_fails(case):
    """/proc/self/mem opens, and fails to read with EIO, as a share does that drops."""
    folder = case.folder()
    (folder / "DLTB.gpkg").symlink_to("/proc/self/mem")
    before = case.products()
    code, said = run_on(case)
    assert code == 4
    assert case.products() == before
    assert "exports/2023-09-30/DLTB.gpkg：文件读不出来（Input/output error）" in said
    assert "网络盘没有断开" in said
    (folder / "DLTB.gpkg").unlink()
    (folder / "DLTB.gpkg").symlink_to(case.root / "gone")
    code, said = run_on(case)
    assert code == 4
    assert "文件读不出来（No such file or directory）" in said


def run_on(case):
    """Run without looking at the input's bytes, which can't be read here."""
    from pipeline.cli import run  # noqa: PLC0415 - the one test that calls it itself

    case.capsys.readouterr()
    code = run(["ingest", "--county", str(case.root), "--out", str(case.out)])
    said = case.capsys.readouterr().err
    assert "Traceback" not in said
    return code, said


def test_case_68_a_file_vanishes_between_listing_and_reading(case):
    path = gpkg(case)
    county = county_of(case.root)
    path.unlink()
    with pytest.raises(InputError, match="没有这一期数据"):
        read_parcels(county, EXPORT)
    with pytest.raises(InputError, match="文件读不出来"), work_copy(path, case.root):
        pass


def test_case_68_a_file_that_keeps_changing(case, monkeypatch):
    """Another program writes while we copy: never a copy of half old, half new."""
    path = gpkg(case)
    stamps = iter(range(1000))
    monkeypatch.setattr("pipeline.ingest.copying.PAUSE_S", 0)
    monkeypatch.setattr("pipeline.ingest.copying.CHUNK", 4096)
    real = Path.open

    def growing(self, mode="r", *args, **kwargs):
        if self == path and mode == "rb":
            os.utime(path, ns=(0, next(stamps)))
        return real(self, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", growing)
    said = case.refused()
    assert "DLTB.gpkg：复制期间内容一直在变，有其他程序正在写它" in said


def test_case_68_a_file_changed_after_it_was_read(case, monkeypatch):
    """The manifest may only name bytes that the results rest on."""
    path = gpkg(case)
    real = read_parcels

    def then_changed(county, export):
        result = real(county, export)
        path.write_bytes(path.read_bytes() + b"\0")
        return result

    monkeypatch.setattr("pipeline.ingest.read.read_parcels", then_changed)
    before = case.products()
    code, said = run_on(case)
    assert code == 4
    assert "DLTB.gpkg：读入之后又被改动" in said
    assert case.products() == before


READ_AS_NOBODY = """
import os, sys
from pathlib import Path
from pipeline.ingest.county import load_county
from pipeline.ingest.read import read_parcels

root = Path(sys.argv[1])
county = load_county(root)
read_parcels(county, county.newest)  # brings in every library while its files may be read
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
assert not os.access(root / "exports/2023-09-30", os.W_OK)
print(len(read_parcels(county, county.newest).frame))
"""


@pytest.mark.parametrize("name", ["DLTB.shp", "DLTB.gpkg", "DLTB.gdb"])
def test_case_69_read_only_input(case, name):
    """Run as somebody who can't write there; a test run by root becomes nobody for it."""
    options = {"layer": "DLTB"} if name != "DLTB.shp" else {}
    options |= {"driver": "OpenFileGDB"} if name == "DLTB.gdb" else {}
    write(plots(), case.folder() / name, **options)
    everything = [case.root, *case.root.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    for folder in case.root.parents:
        if folder.stat().st_uid == os.getuid() and folder.stat().st_mode & 0o77 == 0:
            folder.chmod(0o755)  # pytest's own folders are closed to others
    before = digest(case.root)
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-W", "error", "-c", READ_AS_NOBODY, case.root],
        cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    after = digest(case.root)
    for path in everything:
        path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "4"
    assert after == before


def many(path, count):
    """Write a shapefile of `count` squares byte by byte, much quicker than GDAL does."""
    side = 10.0
    column, line = np.arange(count) % 1000, np.arange(count) // 1000
    x, y = 36_580_000.0 + column * side, 3_720_000.0 + line * side
    record = np.zeros(count, dtype=[("number", ">i4"), ("words", ">i4"), ("type", "<i4"),
        ("box", "<f8", 4), ("parts", "<i4"), ("points", "<i4"), ("first", "<i4"),
        ("xy", "<f8", 10)])  # fmt: skip
    record["number"], record["words"], record["type"] = np.arange(1, count + 1), 64, 5
    record["parts"], record["points"] = 1, 5
    record["box"] = np.stack([x, y, x + side, y + side], axis=1)
    xs, ys = [x, x, x + side, x + side, x], [y, y + side, y + side, y, y]
    record["xy"] = np.stack([v for pair in zip(xs, ys, strict=True) for v in pair], axis=1)
    box = struct.pack("<4d32x", x.min(), y.min(), x.max() + side, y.max() + side)

    def header(size):
        return struct.pack(">i20xi", 9994, size // 2) + struct.pack("<2i", 1000, 5) + box

    shp = record.tobytes()
    path.write_bytes(header(100 + len(shp)) + shp)
    index = np.stack([50 + 68 * np.arange(count), np.full(count, 64)], axis=1).astype(">i4")
    path.with_suffix(".shx").write_bytes(header(100 + 8 * count) + index.tobytes())
    path.with_suffix(".prj").write_text(plots(1).crs.to_wkt("WKT1_ESRI"), encoding="utf-8")
    fields = [(b"BSM", 18), (b"DLBM", 5), (b"ZLDWDM", 19), (b"TBMJ", 15)]
    length = 1 + sum(width for _, width in fields)
    head = struct.pack("<B3BIHH20x", 3, 123, 9, 30, count, 32 + 32 * 4 + 1, length)
    for name, width in fields:
        head += struct.pack("<11sc4xBB14x", name, b"C", width, 0)
    rows = np.zeros((count, length), dtype="S1")
    bsm = np.char.add("999901", np.char.zfill(np.arange(count).astype(str), 12))
    text = np.char.add(np.char.add(" ", bsm), f"{'0103':5}{'9999010010010000000':19}{'100.00':>15}")
    rows = text.astype(f"S{length}").tobytes()
    path.with_suffix(".dbf").write_bytes(head + b"\r" + rows + b"\x1a")


def test_case_76_half_a_million_rows_are_all_read(case):
    path = case.folder() / "DLTB.shp"
    many(path, 500_000)
    with work_copy(path, case.root) as work:
        delivery = work.deliveries[0]
        source = formats()[delivery.kind]
        raw = source.read(delivery, source.layers(delivery)[0].name, ("BSM", "TBMJ"))
    assert raw.claimed == len(raw.table) == 500_000
    assert raw.table["BSM"].is_unique
    assert not raw.broken
    assert not raw.losses
    assert shapely.from_wkb(raw.wkb.take(slice(-1, None))[0]).area == 100


def test_case_76_beyond_what_a_shapefile_can_hold(case):
    path = shapefile(case).with_suffix(".dbf")
    with path.open("rb+") as handle:
        handle.truncate((2 << 30) + 1)  # a hole: it takes no room on the disk
    with pytest.raises(InputError) as caught:
        read_parcels(county_of(case.root), EXPORT)
    assert caught.value.exit_code == 4
    assert "DLTB.dbf：2.00 GB，超过 shapefile 的 2 GB 上限" in str(caught.value)
    assert "按镇办分开导出" in str(caught.value)


def test_case_76_no_room_for_the_work_copy(case, monkeypatch):
    gpkg(case)
    usage, full = shutil.disk_usage(case.root), str(case.root.parent)
    monkeypatch.setattr("tempfile.tempdir", full)
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: usage._replace(free=0) if path == full else usage
    )
    said = case.refused(code=5)
    assert "空间不足，放不下 " in said
    assert "的工作副本" in said
    assert "TMPDIR" in said


@pytest.mark.parametrize("name", ["\ufeffBSM", " BSM", "ＢＳＭ", "BSM "])
def test_case_80_untidy_field_and_layer_names(case, name):
    write(plots().rename(columns={"BSM": name}), case.folder() / "a.gpkg", layer="DLTB ")
    frame, _, problems = case.accepted()
    assert list(frame["bsm"]) == list(plots()["BSM"])
    said = found(problems, "NAME_TIDIED")
    assert f"字段“{name}”" in said
    assert "图层“DLTB ”" in said
    assert "已按规范名称认出" in said


@pytest.mark.parametrize("name", [b"\xef\xbb\xbfBSM", b" BSM", b"BSM  "])
def test_case_80_untidy_names_in_a_dbf(case, name):
    with_table(case, [(name, b"C", 18), *DBF_FIELDS[1:]])
    frame, _, problems = case.accepted()
    assert list(frame["bsm"]) == ["999901200000000001", "999901200000000002"]
    assert "字段名 BSM 带有空格或 BOM，已去掉" in found(problems)


def test_case_80_untidy_names_in_a_list(case):
    edit_toml(case.root, 'monitoring = "reference/疑似.csv"\n')
    text = "\ufeff 标识码 ,状态,生效日期\n007,未销号,\n"
    (case.root / "reference/疑似.csv").write_text(text, encoding="utf-8")
    code, said = case.ingest()
    assert code == 0, said
    frame = read_role(county_of(case.root), "monitoring", EXPORT).frame
    assert list(frame["bsm"]) == ["007"]


def test_the_books_of_every_file_close(case):
    """Rows in the file = accepted + set aside, and ΣTBMJ likewise, per file."""
    frame = plots()
    frame.loc[1, "BSM"] = frame.loc[0, "BSM"]
    frame.loc[2, "TBMJ"] = np.nan
    folder = case.folder()
    write(frame.iloc[:2], folder / "甲.gpkg", layer="甲")
    write(frame.iloc[2:], folder / "乙.gpkg", layer="乙")
    result = read_parcels(county_of(case.root), EXPORT)
    books = {log["file"].rsplit("/", 1)[-1]: log for log in result.log["files"]}
    area = [round(value * 100) for value in plots()["TBMJ"]]
    assert books["甲.gpkg"]["read"] == {
        "rows": 2, "tbmj_cm2": area[0] + area[1], "tbmj_missing": 0,
    }  # fmt: skip
    assert books["甲.gpkg"]["accepted"] == {"rows": 1, "tbmj_cm2": area[0], "tbmj_missing": 0}
    assert books["甲.gpkg"]["set_aside"] == {"rows": 1, "tbmj_cm2": area[1], "tbmj_missing": 0}
    assert books["乙.gpkg"]["read"] == {"rows": 2, "tbmj_cm2": area[3], "tbmj_missing": 1}


def test_work_copies_of_killed_runs_are_removed(case, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, mine = (tmp_path / f"gengbao-{pid}-x" for pid in (dead.pid, os.getpid()))
    for folder in (left, mine):
        folder.mkdir()
        (folder / "DLTB.gpkg").write_bytes(b"x")
    path = gpkg(case)
    with work_copy(path, case.root) as work:
        assert work.deliveries[0].copy.is_relative_to(tmp_path)
        assert not left.exists()
        assert mine.exists()
    assert sorted(p.name for p in tmp_path.glob("gengbao-*")) == [mine.name]

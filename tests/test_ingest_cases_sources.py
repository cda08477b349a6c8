"""Bad input by case number (docs/ingest-cases.md): parts of files, counts, containers, archives."""

import hashlib
import io
import os
import shutil
import sqlite3
import stat
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from ingest_cases import Case, copied, finish, found
from ingest_county import EXPORT, county_of, digest, edit_toml, plots, write, write_dbf, write_shp

from pipeline.errors import InputError
from pipeline.ingest import neighbours
from pipeline.ingest.read import read_parcels, read_role
from pipeline.ingest.sources import formats
from pipeline.ingest.workcopy import work_copy


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    finish(folder)
    return folder


@pytest.fixture
def case(finished, tmp_path, capsys):
    return copied(finished, tmp_path / "case", capsys)


def shapefile(case: Case, count=4, name="DLTB.shp"):
    path = case.folder() / name
    write_shp(plots(count), path)
    return path


def gpkg(case: Case, count=4, **options):
    path = case.folder() / "DLTB.gpkg"
    write(plots(count), path, layer="DLTB", **options)
    return path


def gdb(case: Case, count=4, name="DLTB.gdb"):
    path = case.folder() / name
    write(plots(count), path, layer="DLTB", driver="OpenFileGDB")
    return path


def table_of(path):
    """Return the .gdbtable of the first layer written; eight system tables come before it."""
    return path / "a00000009.gdbtable"


def edit(path, change):
    data = bytearray(path.read_bytes())
    path.write_bytes(bytes(change(data) or data))


def test_case_12_without_dbf(case):
    path = shapefile(case)
    path.with_suffix(".dbf").unlink()
    said = case.refused()
    assert "DLTB.dbf：缺少 .dbf 文件，图形没有属性" in said
    assert "把同名的 .dbf 放到 .shp 旁边" in said


def test_case_12_empty_dbf(case):
    path = shapefile(case)
    path.with_suffix(".dbf").write_bytes(b"")
    said = case.refused()
    assert "DLTB.dbf：文件只有 0 字节，不是完整的 DBF" in said
    assert "重新导出整套 shapefile" in said


def test_case_13_without_shx(case):
    path = shapefile(case)
    path.with_suffix(".shx").unlink()
    frame, _, problems = case.accepted()
    assert len(frame) == 4
    assert "缺少 .shx，已在临时副本中按 .shp 重建索引" in found(problems)


def test_case_14_without_prj(case):
    """Prefixed coordinates say the zone themselves; unprefixed ones don't."""
    path = shapefile(case)
    path.with_suffix(".prj").unlink()
    frame, _, problems = case.accepted()
    assert len(frame) == 4
    assert "没有声明坐标系" in found(problems, "CRS_INFERRED")
    path = case.folder() / "DLTB.shp"
    write_shp(plots().to_crs(4545), path)
    path.with_suffix(".prj").unlink()
    said = case.refused()
    assert "无法确定中央经线" in said
    assert 'crs = "EPSG:4545"' in said
    assert "为 parcels 写明 crs" in said
    edit_toml(case.root, '[layers.parcels."2023-09-30"]\ncrs = "EPSG:4545"\n')
    frame, _, _ = case.accepted()
    assert frame.crs.to_epsg() == 4524
    edit_toml(case.root, '[layers.parcels."2023-10-31"]\ncrs = "EPSG:4545"\n')
    assert "county.toml 的 [layers.parcels.2023-10-31] 指的这一期不存在" in case.refused()


def test_case_15_empty_shp(case):
    shapefile(case).write_bytes(b"")
    said = case.refused()
    assert "DLTB.shp：文件是空的（0 字节）" in said
    assert "重新导出或重新拷贝" in said


def test_case_16_cut_shp(case):
    path = shapefile(case)
    size = path.stat().st_size
    edit(path, lambda data: data[:-200])
    said = case.refused()
    assert f"DLTB.shp：.shp 被截断：文件头记 {size} 字节，实有 {size - 200} 字节" in said
    assert "完整的图形只有 2 个" in said


def test_case_16_cut_shp_whose_header_was_mended(case):
    path = shapefile(case)
    edit(path, lambda data: data[:-136])  # one record: 8 + 128 bytes
    edit(path, lambda data: data[:24] + struct.pack(">i", len(data) // 2) + data[28:])
    assert ".shx 与 .shp 不符：共 1 条索引指错，首个在第 4 条" in case.refused()
    path.with_suffix(".shx").unlink()
    assert ".shp 有 3 个图形，.dbf 有 4 条记录，二者不符" in case.refused()


def test_case_17_cut_dbf(case):
    path = shapefile(case).with_suffix(".dbf")
    edit(path, lambda data: data[:-30])
    said = case.refused()
    assert "DLTB.dbf：文件被截断：表头记 4 条，实际完整的只有 3 条" in said
    assert "重新导出整套 shapefile" in said


def test_case_18_dbf_and_shp_of_different_length(case):
    path = shapefile(case, 3)
    write_shp(plots(5), case.root.parent / "other.shp")
    shutil.copy(case.root.parent / "other.dbf", path.with_suffix(".dbf"))
    assert "DLTB.shp：.shp 有 3 个图形，.dbf 有 5 条记录，二者不符" in case.refused()


def test_case_18_table_holds_more_than_it_says(case):
    path = shapefile(case).with_suffix(".dbf")
    edit(path, lambda data: data[:4] + struct.pack("<I", 2) + data[8:])
    assert "表头记 2 条，文件里却还有 2 条以上的内容" in case.refused()


def test_case_19_deleted_records(case):
    path = shapefile(case).with_suffix(".dbf")
    data = bytearray(path.read_bytes())
    header, length = struct.unpack("<HH", data[8:12])
    data[header + length] = 0x2A
    path.write_bytes(bytes(data))
    frame, rejects, problems = case.accepted()
    assert list(frame["source_row"]) == [1, 3, 4]
    assert len(rejects) == 0
    assert "1 条记录已标记删除，未读入" in found(problems)
    log = read_parcels(county_of(case.root), EXPORT).log["files"][0]
    assert log["deleted"] == 1
    assert log["read"]["rows"] == log["accepted"]["rows"] == 3


def test_case_20_index_points_elsewhere(case):
    path = shapefile(case).with_suffix(".shx")
    edit(path, lambda data: data[:108] + data[116:124] + data[108:116] + data[124:])
    said = case.refused()
    assert "DLTB.shp：.shx 与 .shp 不符：共 2 条索引指错，首个在第 2 条" in said


def test_case_20_index_leaves_shapes_out(case):
    path = shapefile(case)
    index = path.with_suffix(".shx")
    edit(index, lambda data: data[:-8])
    edit(index, lambda data: data[:24] + struct.pack(">i", len(data) // 2) + data[28:])
    assert ".shx 只记 3 个图形，.shp 里还有 136 字节没有索引" in case.refused()


def test_case_20_a_record_that_contradicts_itself_is_set_aside(case):
    """A wrong number of points would give a smaller plot, silently."""
    path = shapefile(case)
    second = 100 + 136 + 8
    edit(path, lambda d: d[: second + 40] + struct.pack("<i", 4) + d[second + 44 :])
    frame, rejects, problems = case.accepted()
    assert list(frame["source_row"]) == [1, 3, 4]
    assert list(rejects["source_row"]) == [2]
    assert "环数、点数与记录长度不符" in rejects["reason"].iloc[0]
    assert "环数、点数与记录长度不符" in found(problems, "GEOM_UNREADABLE")


def test_case_20_coordinates_outside_the_stated_box_are_noted(case):
    path = shapefile(case)
    corner = 100 + 8 + 4
    edit(path, lambda d: d[:corner] + struct.pack("<d", 36_570_000.0) + d[corner + 8 :])
    _, _, problems = case.accepted()
    assert "1 个图形的坐标与记录里写明的外接框不符（首个第 1 条）" in found(problems)


DBF_FIELDS = [
    (b"BSM", b"C", 18),
    (b"DLBM", b"C", 5),
    (b"ZLDWDM", b"C", 19),
    (b"TBMJ", b"N", 15),
]
DBF_ROWS = [
    (f"99990120000000000{n}".encode(), b"0103", b"9999010010010000000", b"9995.00") for n in (1, 2)
]


def with_table(case, fields, rows=DBF_ROWS):
    path = shapefile(case, len(rows))
    write_dbf(path.with_suffix(".dbf"), fields, rows)
    return path


@pytest.mark.parametrize(
    ("name", "said"),
    [(b"BSM", "DLTB.dbf：字段 BSM 重名"), (b"", "DLTB.dbf：有没有名字的字段")],
)
def test_case_21_doubled_and_nameless_fields(case, name, said):
    with_table(case, [*DBF_FIELDS[:3], (name, b"N", 15)])
    message = case.refused()
    assert said in message
    assert "改名或删去多余字段后重新导出" in message


def test_case_21_names_that_the_cut_made_alike(case):
    """Ten bytes hold three characters of UTF-8 and one byte of a fourth."""
    names = ["权属性质甲".encode()[:10], "权属性质乙".encode()[:10]]
    names[1] = names[1][:9] + bytes([names[1][9] + 1])
    fields = [*DBF_FIELDS, (names[0], b"C", 4), (names[1], b"C", 4)]
    with_table(case, fields, [(*row, b"", b"") for row in DBF_ROWS])
    assert "字段名截短后重名或为空：权属性" in case.refused()


def test_case_22_missing_fields_are_named_at_once_with_the_nearest(case):
    frame = plots().rename(columns={"DLBM": "DLB", "TBMJ": "MJ"}).drop(columns="ZLDWDM")
    write(frame, case.folder() / "DLTB.gpkg", layer="DLTB")
    said = case.refused()
    assert "缺少必填字段 DLBM（地类编码）" in said
    assert "是否应为“DLB”" in said
    assert "缺少必填字段 ZLDWDM（坐落单位代码）" in said
    assert "缺少必填字段 TBMJ（图斑面积）" in said


def test_case_22_other_names_are_known(case):
    frame = plots().rename(columns={"DLBM": "地类编码", "BSM": "bsm"})
    write(frame, case.folder() / "DLTB.gpkg", layer="DLTB")
    frame, _, _ = case.accepted()
    assert list(frame["dlbm"]) == ["0103", "0307", "1101", "0201"]


def test_case_23_ids_stored_as_numbers_keep_their_digits(case):
    with_table(case, [(b"BSM", b"N", 18), *DBF_FIELDS[1:]])
    frame, _, _ = case.accepted()
    assert list(frame["bsm"]) == ["999901200000000001", "999901200000000002"]


def test_case_23_ids_stored_as_float_are_refused(case):
    frame = plots()
    frame["BSM"] = frame["BSM"].astype("float64")
    write(frame, case.folder() / "DLTB.gpkg", layer="DLTB")
    said = case.refused()
    assert "DLTB.gpkg 第 1 行 字段 BSM" in said
    assert "位数可能已丢失" in said
    assert "按文本型重新导出" in said


def test_case_55_locked_for_writing(case, monkeypatch):
    """Another program holds the file: named with its process, after a few seconds at most."""
    path = gpkg(case)
    monkeypatch.setattr(neighbours, "PATIENCE_S", 0.3)
    code = (
        "import sqlite3,sys,time; db=sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('BEGIN EXCLUSIVE'); print('locked', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE)  # noqa: S603 - our own
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        started = time.monotonic()
        said = case.refused()
        assert time.monotonic() - started < 10
    finally:
        holder.kill()
        holder.communicate()
    assert "DLTB.gpkg：正被其他程序锁定写入" in said
    assert f"进程 {holder.pid}" in said
    assert "QGIS、ArcGIS" in said
    assert "保存并关闭后重新运行" in said
    assert len(case.accepted()[0]) == 4


def test_case_56_committed_rows_in_the_wal(case):
    path = gpkg(case, SPATIAL_INDEX="NO")
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("UPDATE DLTB SET DLMC = '水田' WHERE fid = 1")
    db.commit()
    assert path.with_name("DLTB.gpkg-wal").stat().st_size
    try:
        frame, _, problems = case.accepted()
    finally:
        db.close()
    assert frame["dlmc"].iloc[0] == "水田"
    assert "旁有 -wal 文件，其中已提交的修改一并读入" in found(problems, "FILE_NOTE")


def test_case_56_copied_without_its_wal(case):
    path = gpkg(case, SPATIAL_INDEX="NO")
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("UPDATE DLTB SET DLMC = '水田' WHERE fid = 1")
    db.commit()
    alone = path.read_bytes()
    db.close()
    (case.folder() / "DLTB.gpkg").write_bytes(alone)
    _, _, problems = case.accepted()
    assert "WAL 模式，却没有 -wal 文件" in found(problems, "FILE_NOTE")


def test_case_56_a_killed_writer_is_rolled_back(case):
    path = gpkg(case, SPATIAL_INDEX="NO")
    code = (
        "import os,sqlite3,sys; db=sqlite3.connect(sys.argv[1], isolation_level=None);"
        "db.execute('PRAGMA cache_size=1'); db.execute('PRAGMA cache_spill=1');"
        "db.execute('BEGIN'); db.execute('CREATE TABLE x(a)');"
        "db.executemany('INSERT INTO x VALUES (?)', [('y' * 900,)] * 2000);"
        "db.execute('DELETE FROM DLTB'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=False)  # noqa: S603 - our own
    assert path.with_name("DLTB.gpkg-journal").stat().st_size
    frame, _, problems = case.accepted()
    assert len(frame) == 4
    assert "按最后一次提交的内容读入" in found(problems, "FILE_NOTE")


def test_case_57_stale_feature_count(case):
    path = gpkg(case)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE gpkg_ogr_contents SET feature_count = 2")
    db.close()
    frame, _, problems = case.accepted()
    assert len(frame) == 4
    assert "文件里登记的要素数是 2，实有 4 行，按实有的全部读入" in found(problems)


def test_case_58_truncated_gpkg(case):
    path = gpkg(case, 400)
    edit(path, lambda data: data[:-8192])
    said = case.refused()
    assert "DLTB.gpkg：GPKG 损坏或读不出来" in said
    assert "另存为新的 GPKG" in said


def test_case_58_corrupt_page(case):
    path = gpkg(case, 400)
    with sqlite3.connect(path) as db:
        page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'DLTB'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    db.close()
    at = (page - 1) * size
    edit(path, lambda data: data[: at + 3] + b"\x7f\x7f" + data[at + 5 :])
    assert "DLTB.gpkg：GPKG 损坏或读不出来（完整性检查" in case.refused()


def test_case_58_a_database_that_is_no_gpkg(case):
    with sqlite3.connect(case.folder() / "DLTB.gpkg") as db:
        db.execute("CREATE TABLE DLTB (BSM TEXT)")
    db.close()
    assert "是 SQLite 数据库，但不是 GPKG" in case.refused()


def test_case_59_several_layers_none_named(case):
    path = case.folder() / "成果.gpkg"
    write(plots(), path, layer="甲")
    write(plots(), path, layer="乙")
    said = case.refused()
    assert "成果.gpkg：有多个图层都可能是所需数据：乙、甲" in said
    assert 'layer = "图层名"' in said
    edit_toml(case.root, 'parcels = {layer = "乙"}\n')
    assert len(case.accepted()[0]) == 4


@pytest.mark.parametrize("name", ["DLTB.gpkg", "DLTB.shp", "DLTB.gdb"])
def test_case_60_empty_layer(case, name):
    options = {"geometry_type": "Polygon"}
    if name != "DLTB.shp":
        options |= {"layer": "DLTB"}
    if name == "DLTB.gdb":
        options |= {"driver": "OpenFileGDB"}
    write(plots().iloc[:0], case.folder() / name, **options)
    said = case.refused()
    assert f"{name}：图层是空的，一行也没有" in said
    assert "重新导出" in said


def test_case_61_cut_table(case):
    path = gdb(case, 200)
    edit(table_of(path), lambda data: data[:-3000])
    said = case.refused()
    assert f"DLTB.gdb/{table_of(path).name}：文件被截断：文件头记" in said
    assert "复制整个 .gdb 文件夹" in said


def test_case_61_missing_index(case):
    path = gdb(case)
    table_of(path).with_suffix(".gdbtablx").unlink()
    assert "缺少同名的 .gdbtablx 索引" in case.refused()


def test_case_61_cut_index(case):
    path = gdb(case)
    index = table_of(path).with_suffix(".gdbtablx")
    edit(index, lambda data: data[:-1000])
    assert f"DLTB.gdb/{index.name}：索引被截断，少 1000 字节" in case.refused()


def test_case_61_index_names_fewer_rows(case):
    """GDAL reads such a table without a word, fewer rows and all."""
    path = gdb(case)
    edit(table_of(path).with_suffix(".gdbtablx"), lambda data: data[:16] + bytes(5) + data[21:])
    assert "表头记 4 行，索引里有 3 行" in case.refused()


def test_case_61_index_names_a_row_twice(case):
    path = gdb(case)
    index = table_of(path).with_suffix(".gdbtablx")
    edit(index, lambda data: data[:21] + data[16:21] + data[26:])
    assert "索引与内容不符：1 行的位置落在文件之外或与其他行重叠" in case.refused()


def test_case_61_a_layer_gone_from_the_catalogue(case):
    """With the plots' entry lost, the towns' layer beside it would be all there is."""
    path = gdb(case)
    write(plots(), path, layer="XZQ", driver="OpenFileGDB")
    entry = 16 + 4 * 8
    index = path / "a00000001.gdbtablx"
    edit(index, lambda data: data[:entry] + bytes(4) + data[entry + 4 :])
    assert "a00000001.gdbtable：表头记 10 行，索引里有 9 行" in case.refused()


def test_case_62_compressed_gdb(case):
    """Made by renaming: ArcGIS alone writes CDF; what tells it is the file's name."""
    path = gdb(case)
    table_of(path).rename(table_of(path).with_suffix(".cdf"))
    said = case.refused()
    assert "DLTB.gdb：是压缩过的库（CDF/SDC：" in said
    assert "解压缩文件地理数据库数据" in said


def test_case_63_a_folder_that_is_no_gdb(case):
    path = case.folder() / "DLTB.gdb"
    path.mkdir()
    (path / "说明.docx").write_text("x")
    assert "DLTB.gdb：不是 FileGDB：文件夹中没有 .gdbtable 文件" in case.refused()
    assert (path / "说明.docx").read_text() == "x"


def test_case_63_a_gdb_under_another_name(case):
    path = gdb(case)
    path.rename(path.with_name("地类图斑库"))
    assert len(case.accepted()[0]) == 4


def test_case_64_gdb_with_a_lock(case):
    """The remark is about the moment: it goes to the log line, and no product depends on it."""
    path = gdb(case)
    code, _ = case.ingest()
    assert code == 0
    before = case.products()
    shutil.rmtree(case.out)
    (path / "DLTB.PC-1.1234.5678.sr.lock").write_bytes(b"")
    code, said = case.ingest()
    assert code == 0
    assert "DLTB.gdb：有锁文件（DLTB.PC-1.1234.5678.sr.lock）" in said
    assert "还没有保存的编辑不会读入" in said
    assert case.products() == before


def parts_of(folder, stem, frame=None, encoding="GBK"):
    """Return the parts of a shapefile by file name, as bytes."""
    path = folder / "parts" / f"{stem}.shp"
    write_shp(plots() if frame is None else frame, path, encoding)
    found = {p.name: p.read_bytes() for p in sorted(path.parent.glob(f"{stem}.*"))}
    shutil.rmtree(path.parent)
    return found


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    """Return a zip of these members, by name, as bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def with_gbk_names(data, *names):
    """Return the zip with the UTF-8 names replaced by GBK ones, and no flag that says so.

    Python always writes UTF-8 with the flag: a placeholder of the same length stands in for it.
    """
    for placeholder, name in names:
        raw = name.encode("gbk")
        assert len(raw) == len(placeholder)
        data = data.replace(placeholder.encode(), raw)
    return data


def delivered(case, data, name="成果.zip"):
    path = case.folder() / name
    path.write_bytes(data)
    return path


def test_case_65_zip_with_sub_folders(case):
    members = {f"成果/一级/{k}": v for k, v in parts_of(case.root.parent, "DLTB").items()}
    delivered(case, zipped(members))
    frame, _, _ = case.accepted()
    assert set(frame["source_file"]) == {"exports/2023-09-30/成果.zip/成果/一级/DLTB.shp"}
    assert list(frame["dlmc"]) == list(plots()["DLMC"])


def test_case_65_gbk_member_names(case):
    parts = parts_of(case.root.parent, "DLTB")
    data = zipped({f"AAAAAAAA/{k}": v for k, v in parts.items()})
    delivered(case, with_gbk_names(data, ("AAAAAAAA", "土地调查")))
    frame, _, _ = case.accepted()
    assert set(frame["source_file"]) == {"exports/2023-09-30/成果.zip/土地调查/DLTB.shp"}


def test_case_65_backslashes_between_folders(case):
    parts = parts_of(case.root.parent, "DLTB")
    data = zipped({f"a/b/{k}": v for k, v in parts.items()})
    delivered(case, data.replace(b"a/b/DLTB", b"a\\b\\DLTB"))
    frame, _, _ = case.accepted()
    assert set(frame["source_file"]) == {"exports/2023-09-30/成果.zip/a/b/DLTB.shp"}


def test_case_65_two_layers_are_told_apart_by_name(case):
    folder = case.root.parent
    towns = pyogrio.read_dataframe(case.root / "reference/XZQ.gpkg")
    delivered(case, zipped(parts_of(folder, "DLTB") | parts_of(folder, "XZQ", towns)))
    frame, _, problems = case.accepted()
    assert len(frame) == 4
    assert "是其他图层，不是地类图斑，未读入" in found(problems, "FILE_IGNORED")


def test_case_65_one_file_per_town_in_one_zip(case):
    folder, frame = case.root.parent, plots()
    members = parts_of(folder, "甲街办", frame.iloc[:2]) | parts_of(folder, "乙镇", frame.iloc[2:])
    delivered(case, zipped(members))
    frame, _, _ = case.accepted()
    assert len(frame) == 4
    assert set(frame["source_file"].str.rsplit("/", n=1).str[-1]) == {"甲街办.shp", "乙镇.shp"}


def test_case_65_zip_in_zip(case):
    inner = zipped(parts_of(case.root.parent, "DLTB"))
    delivered(case, zipped({"送审/甲县.zip": inner, "送审/说明.txt": b"x"}))
    frame, _, _ = case.accepted()
    assert set(frame["source_file"]) == {"exports/2023-09-30/成果.zip/送审/甲县.zip/DLTB.shp"}


def test_case_65_too_many_zips_in_zips(case):
    data = zipped(parts_of(case.root.parent, "DLTB"))
    for _ in range(3):
        data = zipped({"a.zip": data})
    delivered(case, data)
    assert "压缩包套了 3 层以上，不予展开" in case.refused()


def test_case_65_macosx_leavings_are_no_data(case):
    parts = parts_of(case.root.parent, "DLTB")
    extra = {f"__MACOSX/._{name}": b"x" for name in parts} | {".DS_Store": b"x"}
    delivered(case, zipped(parts | extra))
    assert len(case.accepted()[0]) == 4


@pytest.mark.parametrize("inside", ["库/DLTB.gdb/", ""])
def test_case_65_a_zipped_gdb(case, inside):
    path = gdb(case)
    members = {f"{inside}{p.name}": p.read_bytes() for p in sorted(path.iterdir())}
    delivered(case, zipped(members), "DLTB.gdb.zip")
    assert len(case.accepted()[0]) == 4


def test_case_65_crc_error(case):
    """Stored without compression, GDAL reads it without a word."""
    data = zipped(parts_of(case.root.parent, "DLTB"), zipfile.ZIP_STORED)
    at = data.index("旱地".encode("gbk"))
    delivered(case, data[:at] + b"\xb8" + data[at + 1 :])
    said = case.refused()
    assert "成果.zip/DLTB.dbf：解不开，内容已损坏（Bad CRC-32" in said
    assert "重新打包" in said


def test_case_65_password(case):
    data = bytearray(zipped({"DLTB.shp": b"x" * 40}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    delivered(case, bytes(data))
    said = case.refused()
    assert "成果.zip/DLTB.shp：压缩包有密码" in said
    assert "请自行解压" in said


def test_case_65_bomb_by_ratio(case):
    delivered(case, zipped({"DLTB.shp": bytes(64 << 20)}))
    said = case.refused()
    assert "成果.zip：压缩包展开后过大（" in said
    assert "上限 2 GB、10000 个文件、100 倍" in said
    assert "请自行解压、核对后" in said


def test_case_65_bomb_by_size(case):
    """The directory alone says it: nothing is unpacked."""
    data = bytearray(zipped({"DLTB.shp": b"x"}, zipfile.ZIP_STORED))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", (2 << 30) + 1)
    delivered(case, bytes(data))
    assert "展开后过大（2.00 GB、1 个文件" in case.refused()


def test_case_65_bomb_by_count(case):
    delivered(case, zipped({f"{n}.txt": b"" for n in range(10_001)}, zipfile.ZIP_STORED))
    assert "展开后过大（0.00 GB、10001 个文件" in case.refused()


@pytest.mark.parametrize("name", ["../a.shp", "a/../../a.shp", "/a/a.shp", "C:/a.shp"])
def test_case_65_members_that_would_leave_the_folder(case, name):
    temporary = case.root.parent / "tmp"
    temporary.mkdir()
    before = set(case.root.parent.rglob("*"))
    delivered(case, zipped({name: b"x", "好的/DLTB.shp": b"x"}))
    said = case.refused()
    assert f"成果.zip/{name}：成员的路径指向压缩包之外" in said
    assert "来源可疑" in said
    made = set(case.root.parent.rglob("*")) - before
    assert {p.name for p in made} <= {"成果.zip", ".state.json", ".lock"}


def test_case_65_symlink(case):
    info = zipfile.ZipInfo("DLTB.gpkg")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    delivered(case, stream.getvalue())
    assert "成果.zip/DLTB.gpkg：成员是符号链接或特殊文件" in case.refused()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_case_65_two_members_of_one_name(case):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("DLTB.shp", b"x")
        archive.writestr("dltb.SHP", b"y")
    delivered(case, stream.getvalue())
    assert "成果.zip/DLTB.shp：压缩包里有 2 个同名成员，不知以哪个为准" in case.refused()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"Rar!\x1a\x07\x00" + bytes(100), "不支持的格式“.rar”（RAR 压缩包）"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "不支持的格式“.7z”（7z 压缩包）"),
        (b"\x1f\x8b" + bytes(100), "不支持的格式“.gz”（gzip 压缩包）"),
    ],
)
def test_case_65_another_archive_named_zip(case, data, said):
    delivered(case, data)
    message = case.refused()
    assert f"成果.zip：{said}" in message
    assert "先解压，再把其中的数据文件放进文件夹" in message


def test_case_65_truncated_and_empty_zip(case):
    data = zipped(parts_of(case.root.parent, "DLTB"))
    delivered(case, data[: len(data) // 2])
    assert "成果.zip：压缩包不完整：没有结尾的目录" in case.refused()
    delivered(case, zipped({"说明.txt": b"x"}))
    assert "成果.zip：压缩包里没有数据文件（说明.txt）" in case.refused()


def test_case_65_an_archive_as_a_roles_file(case):
    """The layer is taken that is named for the role; several that may be it are listed."""
    folder = case.root.parent
    towns = pyogrio.read_dataframe(case.root / "reference/XZQ.gpkg")
    toml = case.root / "county.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace("reference/XZQ.gpkg", "reference/XZQ.zip"), encoding="utf-8")
    archive = case.root / "reference/XZQ.zip"
    members = parts_of(folder, "XZQ", towns) | parts_of(folder, "CJDCQ", towns)
    archive.write_bytes(zipped(members))
    assert len(case.accepted()[0]) == 4
    towns_read = read_role(county_of(case.root), "towns", EXPORT).frame
    assert list(towns_read["xzqmc"]) == ["甲街办", "乙镇"]
    assert set(towns_read["source_file"]) == {"reference/XZQ.zip/XZQ.shp"}
    archive.write_bytes(zipped(parts_of(folder, "新", towns) | parts_of(folder, "旧", towns)))
    said = case.refused()
    assert "reference/XZQ.zip：有多个图层都可能是所需数据" in said
    assert "为 towns 写明 layer" in said


def test_case_65_an_archive_is_one_input_judged_by_content(case):
    members = parts_of(case.root.parent, "DLTB")
    path = delivered(case, zipped(members))
    case.accepted()
    os.utime(path)
    _, said = case.ingest()
    assert "无需重做" in said
    changed = plots().assign(DLMC="水田")
    path.write_bytes(zipped(parts_of(case.root.parent, "DLTB", changed)))
    frame, _, _ = case.accepted()
    assert set(frame["dlmc"]) == {"水田"}


def test_case_65_the_same_data_packed_and_unpacked(case):
    members = parts_of(case.root.parent, "DLTB")
    path = delivered(case, zipped(members))
    for name, data in members.items():
        path.with_name(name).write_bytes(data)
    said = case.refused()
    assert "逐字节相同，同一份数据放了两次" in said
    assert "移走压缩包" in said


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


def sums(folder, *names, name="sha256sums", form="{digest}  {name}"):
    """Write a checksum list for files of a folder."""
    lines = []
    for one in names:
        digest = hashlib.sha256((folder / one).read_bytes()).hexdigest()
        lines.append(form.format(digest=digest, name=one))
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("sha256sums", "{digest}  {name}"),
        ("SHA256SUMS.txt", "{digest} *{name}"),
        ("DLTB.sha256", "SHA256 ({name}) = {digest}"),
        ("sha256sums", "{digest}  ./{name}"),
    ],
)
def test_checksums_that_agree(case, name, form):
    path = gpkg(case)
    sums(path.parent, path.name, name=name, form=form)
    frame, _, problems = case.accepted()
    assert len(frame) == 4
    assert not found(problems, "FILE_NOTE")
    log = read_parcels(county_of(case.root), EXPORT).log["files"][0]
    assert log["sha256sums"] == "全部相符"


def test_a_flipped_byte_is_seen_by_its_checksum(case):
    """旱地 and 田地 are both as plausible: nothing in the file itself can tell."""
    path = shapefile(case)
    names = sorted(p.name for p in path.parent.iterdir())
    sums(path.parent, *names)
    assert len(case.accepted()[0]) == 4
    old, new = "旱地".encode("gbk"), "田地".encode("gbk")
    edit(path.with_suffix(".dbf"), lambda data: data.replace(old, new))
    said = case.refused()
    assert "DLTB.dbf：内容与 exports/2023-09-30/sha256sums 不符" in said
    assert "重新拷贝、核对" in said


def test_a_list_that_names_a_file_which_is_not_there(case):
    path = gpkg(case)
    (path.parent / "乙镇.gpkg").write_bytes(b"x")
    sums(path.parent, path.name, "乙镇.gpkg")
    (path.parent / "乙镇.gpkg").unlink()
    said = case.refused()
    assert "exports/2023-09-30/sha256sums：列有文件夹里没有的文件：乙镇.gpkg" in said


def test_a_file_that_no_list_names_is_noted(case):
    path = shapefile(case)
    sums(path.parent, "DLTB.shp")
    _, _, problems = case.accepted()
    said = found(problems, "FILE_NOTE")
    assert "旁有 sha256sums，但没有列入 DLTB.dbf、DLTB.prj、DLTB.shx" in said


def test_a_list_that_is_none(case):
    path = gpkg(case)
    (path.parent / "sha256sums").write_text("随便写的\n../x\n", encoding="utf-8")
    said = case.refused()
    assert "sha256sums：第 1 行不是“校验值  文件名”：随便写的" in said


def test_a_changed_list_is_a_changed_input(case):
    path = gpkg(case)
    sums(path.parent, path.name)
    case.accepted()
    assert "无需重做" in case.ingest()[1]
    (path.parent / "sha256sums").write_text("0" * 64 + f"  {path.name}\n", encoding="utf-8")
    assert "不符" in case.refused()


def test_checksums_of_a_gdb_and_within_an_archive(case):
    parts = parts_of(case.root.parent, "DLTB")
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}" for name, data in parts.items()]
    delivered(case, zipped({**parts, "sha256sums": "\n".join(lines)}))
    assert len(case.accepted()[0]) == 4
    delivered(case, zipped({**parts, "sha256sums": "\n".join(lines).replace("a", "b")}))
    assert "成果.zip/DLTB" in case.refused()
    path = gdb(case)
    sums(path.parent, *[f"DLTB.gdb/{p.name}" for p in path.iterdir()])
    assert len(case.accepted()[0]) == 4
    edit(table_of(path), lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    assert "DLTB.gdb/a00000009.gdbtable：内容与" in case.refused()


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

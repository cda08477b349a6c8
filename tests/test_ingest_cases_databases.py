"""Bad input by case number (docs/ingest-cases.md): GeoPackage and file geodatabase."""

import shutil
import sqlite3
import subprocess
import sys
import time

import pytest
from ingest_cases import edit, found, gdb, gpkg, table_of
from ingest_county import edit_toml, plots, write

from pipeline.ingest import neighbours


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

"""Checksum lists that lie beside delivered files."""

import hashlib

import pytest
from ingest_cases import delivered, edit, found, gdb, gpkg, parts_of, shapefile, table_of, zipped
from ingest_county import EXPORT, county_of

from pipeline.ingest.read import read_parcels


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

"""Bad input by case number (docs/ingest-cases.md): archives."""

import io
import os
import stat
import struct
import zipfile

import pyogrio
import pytest
from ingest_cases import delivered, found, gdb, parts_of, zipped
from ingest_county import EXPORT, county_of, plots

from pipeline.ingest.read import read_role


def with_gbk_names(data, *names):
    """Return the zip with the UTF-8 names replaced by GBK ones, and no flag that says so.

    Python always writes UTF-8 with the flag: a placeholder of the same length stands in for it.
    """
    for placeholder, name in names:
        raw = name.encode("gbk")
        assert len(raw) == len(placeholder)
        data = data.replace(placeholder.encode(), raw)
    return data


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

"""Bad input by case number (docs/ingest-cases.md): parts of a shapefile, counts, fields."""

import shutil
import struct

import pytest
from ingest_cases import DBF_FIELDS, DBF_ROWS, edit, found, shapefile, with_table
from ingest_county import EXPORT, county_of, edit_toml, plots, write, write_shp

from pipeline.ingest.read import read_parcels


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

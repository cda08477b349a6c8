"""`gengbao doctor`: what ingest sees, nothing written; what it accepts ingest accepts."""

from __future__ import annotations

import json
import shutil

import geopandas as gpd
import pytest
import shapely
from ingest_county import (
    CRS,
    EXPORT,
    county_of,
    digest,
    folder,
    make_county,
    plots,
    square,
    write,
    write_shp,
)

from pipeline.cli import run
from pipeline.doctor import Verdict, as_document, as_text, examine, gather
from pipeline.errors import InputError
from pipeline.ingest.read import read_parcels


@pytest.fixture
def root(tmp_path):
    (tmp_path / "县").mkdir()
    make_county(tmp_path / "县")
    return tmp_path / "县"


@pytest.fixture
def loose(tmp_path):
    """A folder that belongs to no county."""
    path = tmp_path / "散"
    path.mkdir()
    return path


FORMATS = {
    "a.shp": {"encoding": "GBK"},
    "a.gpkg": {"layer": "DLTB"},
    "a.gdb": {"layer": "DLTB", "driver": "OpenFileGDB"},
    "a.geojson": {},
    "a.parquet": {},
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_seen_whole(loose, name):
    write(plots(), loose / name, **FORMATS[name])
    before = digest(loose)
    checkup = examine([loose])
    assert digest(loose) == before
    (file,) = checkup.files
    (layer,) = file.layers
    assert file.kind == name[2:].upper()
    assert len(file.sha256) == 64
    assert (layer.rows, layer.read, layer.accepted, layer.rejected) == (4, 4, 4, 0)
    assert layer.role == "parcels"
    assert layer.encoding
    assert sum(layer.geometry.values()) == 4
    assert layer.crs.startswith(("EPSG:4524", "EPSG:4490"))
    mapped = {field.name: field.national for field in layer.fields}
    assert mapped["BSM"] == "BSM"
    assert layer.not_checked
    assert checkup.verdict in {Verdict.ACCEPTED, Verdict.NOTED}


def test_a_county_is_found_above_the_files_and_its_towns_are_checked(root):
    frame = plots()
    frame.loc[0, "ZLDWDM"] = "9999019990010000000"
    write(frame, folder(root) / "DLTB.gpkg", layer="DLTB")
    (file,) = examine([root / "exports" / EXPORT.isoformat()]).files
    (layer,) = file.layers
    assert file.path == "exports/2023-09-30/DLTB.gpkg"
    assert layer.not_checked == ()
    assert {tally.rule for tally in layer.notes} == {"TOWN_BY_PLACE"}
    assert (layer.accepted, layer.verdict) == (4, Verdict.NOTED)
    checkup = examine([root])
    assert checkup.county == "示例县（999901）"
    roles = {layer.role for file in checkup.files for layer in file.layers}
    assert roles == {"parcels", "towns", "pbf", "target"}


def test_rows_that_would_be_set_aside_are_counted_with_the_first_of_them(root):
    frame = plots(4)
    frame.loc[2, "BSM"] = frame.loc[0, "BSM"]
    frame.loc[3, "BSM"] = None
    write(frame, folder(root) / "DLTB.gpkg", layer="DLTB")
    checkup = examine([root / "exports" / EXPORT.isoformat()])
    (layer,) = checkup.files[0].layers
    assert (layer.rows, layer.accepted, layer.rejected) == (4, 2, 2)
    assert {(t.rule, t.count, t.row) for t in layer.rejects} == {
        ("BSM_DUPLICATE", 1, 3),
        ("BSM_EMPTY", 1, 4),
    }
    assert layer.verdict is Verdict.REJECTS
    text = as_text(checkup)
    assert "文件 4，读出 4，入库 2，剔除 2" in text
    assert "结论：可入库，但有行会被剔除" in text


def test_a_bsm_repeated_in_another_file_of_the_export_counts_as_ingest_counts(root):
    day = folder(root)
    write(plots(4).iloc[:3], day / "a.gpkg", layer="DLTB")
    write(plots(4).iloc[2:], day / "b.gpkg", layer="DLTB")
    first, second = (file.layers[0] for file in examine([day]).files)
    result = read_parcels(county_of(root), EXPORT)
    assert (first.accepted, second.accepted) == (3, 1)
    assert second.rejects[0].rule == "BSM_DUPLICATE"
    assert first.accepted + second.accepted == len(result.frame)


def test_the_same_file_twice_in_an_export_is_refused(root):
    day = folder(root)
    write(plots(), day / "a.gpkg", layer="DLTB")
    shutil.copyfile(day / "a.gpkg", day / "b.gpkg")
    checkup = examine([day])
    assert "逐字节相同" in checkup.files[1].findings[0].found
    assert checkup.verdict is Verdict.REFUSED


def test_layers_nobody_asks_for_are_told_too(loose):
    points = gpd.GeoDataFrame(
        {"名称": ["甲", "乙", None]},
        geometry=[square(0).centroid, square(1).centroid, None],
        crs=CRS,
    )
    write(points, loose / "点.gpkg", layer="地名")
    (loose / "表.csv").write_bytes("编号,名称\n1,东坡村\n2,西沟村\n".encode("gbk"))
    (loose / "说明.docx").write_bytes(b"x")
    checkup = examine([loose])
    by_name = {file.path: file for file in checkup.files}
    (layer,) = by_name["散/点.gpkg"].layers
    assert layer.geometry == {"点": 2, "空": 1}
    assert (layer.role, layer.rows, layer.verdict) == (None, 3, Verdict.OTHER)
    (table,) = by_name["散/表.csv"].layers
    assert not table.spatial
    assert table.encoding.startswith("GB18030")
    assert [field.name for field in table.fields] == ["编号", "名称"]
    assert checkup.passed_over == 1
    assert checkup.verdict is Verdict.OTHER


def test_all_layers_of_a_container_are_told_and_one_of_them_is_for_plots(loose):
    write(plots(), loose / "库.gpkg", layer="DLTB")
    write(plots(2)[["geometry"]], loose / "库.gpkg", layer="其他", append=True)
    (file,) = examine([loose / "库.gpkg"]).files
    assert {layer.name: layer.role for layer in file.layers} == {"DLTB": "parcels", "其他": None}


def test_what_plots_lack_is_named_with_what_is_there(loose):
    frame = plots().rename(columns={"BSM": "标识", "DLBM": "地类编码"}).drop(columns="ZLDWDM")
    write(frame, loose / "DLTB.gpkg", layer="DLTB")
    checkup = examine([loose / "DLTB.gpkg"])
    (layer,) = checkup.files[0].layers
    assert {finding.found for finding in layer.findings} == {
        "缺少必填字段 BSM（标识码）",
        "缺少必填字段 ZLDWDM（坐落单位代码）",
    }
    assert {f.name: f.national for f in layer.fields}["地类编码"] == "DLBM"
    assert layer.rows == 4
    assert layer.crs.startswith("EPSG:4524")


def test_personal_columns_are_named_and_never_read(loose):
    frame = plots().assign(联系电话="13900000000")
    write(frame, loose / "a.gpkg", layer="DLTB")
    checkup = examine([loose])
    document = json.dumps(as_document(checkup), ensure_ascii=False)
    assert "涉及个人信息，不读" in document
    assert "13900000000" not in document + as_text(checkup)


def test_a_wrong_crs_is_told_with_its_evidence(loose):
    write(plots().to_crs(2360), loose / "a.gpkg", layer="DLTB")
    (layer,) = examine([loose]).files[0].layers
    assert layer.verdict is Verdict.REFUSED
    assert any("不是 CGCS2000" in finding.found for finding in layer.findings)
    assert layer.crs_declared.startswith("PROJCS")


def test_a_broken_file_never_stops_the_rest(loose):
    for name in ("1.shp", "3.shp"):
        write_shp(plots(), loose / name)
    (loose / "2.gpkg").write_bytes(b"SQLite format 3\0" + b"\xff" * 500)
    (loose / "4.mdb").write_bytes(b"\0\1\0\0Standard Jet DB\0" + bytes(100))
    (loose / "5.xlsx").write_bytes(b"PK\x03\x04" + bytes(50))
    (loose / "6.gdb").mkdir()
    (loose / "6.gdb" / "论文.docx").write_bytes(b"x")
    before = digest(loose)
    checkup = examine([loose, loose / "没有.shp"])
    assert digest(loose) == before
    verdicts = {file.path: file.verdict for file in checkup.files}
    assert verdicts.pop("散/1.shp") is Verdict.NOTED
    assert verdicts.pop("散/3.shp") is Verdict.NOTED
    assert set(verdicts.values()) == {Verdict.REFUSED}
    assert len(verdicts) == 4
    assert any(
        "导出为 FileGDB、GPKG 或 SHP" in f.findings[0].advice for f in checkup.files if f.findings
    )
    assert checkup.findings[0].found == "没有这个文件或文件夹"


def test_a_part_of_a_shapefile_means_the_whole_and_an_orphan_is_refused(loose):
    write_shp(plots(), loose / "a.shp")
    assert [file.path for file in examine([loose / "a.dbf", loose / "a.shp"]).files] == ["a.shp"]
    (loose / "a.shp").unlink()
    checkup = examine([loose])
    assert "缺少同名的 .shp 文件" in {finding.found for finding in checkup.findings}
    assert checkup.verdict is Verdict.REFUSED


def test_a_county_that_cant_be_read_is_told_and_the_files_are_looked_at_all_the_same(root):
    (root / "county.toml").write_text("name = 1\n", encoding="utf-8")
    checkup = examine([root / "exports"])
    assert checkup.county is None
    assert checkup.findings
    assert {file.layers[0].accepted for file in checkup.files} == {4}
    assert checkup.verdict is Verdict.REFUSED


def test_our_own_fault_with_one_file_is_told_and_the_rest_goes_on(loose, monkeypatch):
    write_shp(plots(), loose / "1.shp")
    write_shp(plots(), loose / "2.shp")
    whole = gather._copied

    def fail_at_first(place, *rest):
        if place.path.name == "1.shp":
            raise RuntimeError("x")
        return whole(place, *rest)

    monkeypatch.setattr(gather, "_copied", fail_at_first)
    first, second = examine([loose]).files
    assert "检查时程序出错（RuntimeError：x）" in first.findings[0].found
    assert second.verdict is Verdict.NOTED


def test_a_folder_of_many_files_in_one_go_one_line_each(loose):
    write_shp(plots(1), loose / "0000.shp")
    names = [f"{number:04d}" for number in range(1, 24)]
    for name in names:
        for part in (".shp", ".shx", ".dbf", ".prj"):
            shutil.copyfile(loose / f"0000{part}", loose / f"{name}{part}")
    (loose / "0017.shp").write_bytes(b"")
    checkup = examine([loose])
    assert len(checkup.files) == 24
    lines = as_text(checkup).splitlines()
    assert len([line for line in lines if line.endswith("（SHP，1 行）")]) == 23
    assert any("0017.shp" in line and line.startswith("不能入库") for line in lines)
    assert "共 24 个数据文件：不能入库 1 个，可入库，有提示 23 个" in lines


@pytest.mark.parametrize("damage", ["none", "cut", "crs", "column", "all"])
def test_what_doctor_accepts_ingest_accepts_with_the_same_counts(root, damage):
    frame = plots()
    if damage == "crs":
        frame = frame.set_crs("EPSG:4525", allow_override=True)
    if damage == "column":
        frame = frame.drop(columns="DLBM")
    if damage == "all":
        frame["BSM"] = None
    day = folder(root)
    write_shp(frame, day / "DLTB.shp")
    if damage == "cut":
        data = (day / "DLTB.dbf").read_bytes()
        (day / "DLTB.dbf").write_bytes(data[:-60])
    (file,) = (checkup := examine([day])).files
    try:
        result = read_parcels(county_of(root), EXPORT)
    except InputError as error:
        refusal = {finding.found for finding in error.findings}
    else:
        refusal = set()
        (layer,) = file.layers
        assert (layer.accepted, layer.rejected) == (len(result.frame), len(result.rejects))
    told = [*file.findings, *(f for layer in file.layers for f in layer.findings)]
    assert refusal <= {finding.found for finding in told}
    assert (checkup.verdict is Verdict.REFUSED) == bool(refusal) == (damage != "none")


def test_the_command_says_0_or_4_and_json_on_demand(loose, capsys):
    write(plots(), loose / "a.gpkg", layer="DLTB")
    assert run(["doctor", str(loose)]) == 0
    assert "结论：可入库" in capsys.readouterr().out
    assert run(["doctor", "--json", str(loose / "a.gpkg"), str(loose / "b.gpkg")]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == 1
    assert document["verdict"] == "refused"
    assert document["files"][0]["verdict"] == "accepted"
    layer = document["files"][0]["layers"][0]
    assert (layer["rows"], layer["accepted"]) == (4, 4)
    assert document["findings"][0]["found"] == "没有这个文件或文件夹"


def test_odd_geometry_of_other_layers_is_counted_by_kind(loose):
    bowtie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    x, y = square(0).bounds[:2]
    frame = gpd.GeoDataFrame(
        {"a": [1, 2]}, geometry=[shapely.affinity.translate(bowtie, x, y), square(1)], crs=CRS
    )
    write(frame, loose / "a.gpkg", layer="x")
    (layer,) = examine([loose]).files[0].layers
    assert [(tally.rule, tally.count, tally.row) for tally in layer.notes] == [
        ("GEOM_INVALID", 1, 1)
    ]

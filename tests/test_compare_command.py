"""`gengbao compare A B` through the command line: products, bytes, messages, exit codes."""

from __future__ import annotations

import json
import shutil

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from ingest_county import digest, make_county, plots, square, write

from pipeline import cli

LEDGER, PREVIOUS = "2023-09-30", "2022-12-31"
PRODUCTS = {
    "changes.csv", "changes.gpkg", "属性变化.csv", "分镇变化.csv", "地类流量.csv",
    "分镇地类流量.csv", "格式损失.csv", "更名.csv", "manifest.json",
}  # fmt: skip


@pytest.fixture
def raw(tmp_path):
    """A county of four plots whose last turns from orchard to dry land between its two exports."""
    root = tmp_path / "raw"
    root.mkdir()
    make_county(root)
    changed = plots()
    changed.loc[3, ["DLBM", "DLMC"]] = ["0103", "旱地"]
    deliver(root, LEDGER, changed)
    return root


def deliver(root, day, frame, name="DLTB.gpkg", **options):
    export = root / "exports" / day
    shutil.rmtree(export, ignore_errors=True)
    write(frame, export / name, **({"layer": "DLTB"} | options))


@pytest.fixture
def run(raw, tmp_path, capsys):
    """Run `gengbao compare` on the county; return exit code, stdout, stderr."""
    before = digest(raw)

    def compare(*words, out=tmp_path / "out", touched=False):
        code = cli.run(["compare", *map(str, words), "--county", str(raw), "--out", str(out)])
        assert touched or digest(raw) == before, "data/raw was written to"
        return code, *capsys.readouterr()

    return compare


def products(out, name=f"{PREVIOUS}_{LEDGER}"):
    return out / "data" / "processed" / "compare" / name


def read(path):
    return pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False)


# --- what it does ------------------------------------------------------------------------------


def test_two_dates_give_all_products_and_a_summary_that_adds_up(run, tmp_path):
    code, said, log = run(PREVIOUS, LEDGER)
    assert code == 0
    folder = products(tmp_path / "out")
    assert {p.name for p in folder.iterdir()} == PRODUCTS
    assert f"对比 {PREVIOUS} → {LEDGER}" in said
    changed = read(folder / "changes.csv")
    assert list(changed.columns[:4]) == ["old_bsm", "new_bsm", "relation", "overlap_m2"]
    assert changed[["old_bsm", "relation", "fields"]].to_numpy().tolist() == [
        ["999901200000000004", "recoded", "DLBM|DLMC"]
    ]
    fields = read(folder / "属性变化.csv").set_index("field")
    assert fields.loc["DLBM", ["old_value", "new_value"]].tolist() == ["0201", "0103"]
    flow = read(folder / "地类流量.csv").set_index(["level", "class"])
    dry = flow.loc[("dlbm", "0103")]
    opening, less, more, closing = (
        float(dry[f"{n}_m2"]) for n in ("opening", "decrease", "increase", "closing")
    )
    assert (less, opening + more) == (0, closing)
    assert dry["increase_m2"] == flow.loc[("dlbm", "0201"), "to_0103_m2"]
    lines = [line.split() for line in said.splitlines()]
    assert ["未变", "3", "3"] in [line[:3] for line in lines]
    assert ["属性变更", "1", "1"] in [line[:3] for line in lines]
    assert ["乙镇", "1→1", "1→1"] in lines
    assert any(line[:3] == ["其他农用地", "→", "耕地"] for line in lines)
    assert "对比" in log


def test_the_layers_open_as_a_geopackage(run, tmp_path):
    run(PREVIOUS, LEDGER)
    file = products(tmp_path / "out") / "changes.gpkg"
    assert set(pyogrio.list_layers(file)[:, 0]) == {"变化前图斑", "变化后图斑", "地类变化地块"}
    ground = gpd.read_file(file, layer="地类变化地块")
    assert ground[["old_dlbm", "new_dlbm"]].to_numpy().tolist() == [["0201", "0103"]]


def test_order_of_dates_and_rerunning_change_no_byte(run, tmp_path):
    run(PREVIOUS, LEDGER)
    first = digest(products(tmp_path / "out"))
    code, said, _ = run(LEDGER, PREVIOUS)
    assert code == 0
    assert f"对比 {PREVIOUS} → {LEDGER}" in said
    run(PREVIOUS, LEDGER, out=tmp_path / "elsewhere")
    assert first == digest(products(tmp_path / "out")) == digest(products(tmp_path / "elsewhere"))


def test_exports_already_read_are_not_read_again_unless_they_changed(run, raw, tmp_path, capsys):
    cli.run(["ingest", "--county", str(raw), "--out", str(tmp_path / "out")])
    capsys.readouterr()
    assert "入库" not in run(PREVIOUS, LEDGER)[2]
    deliver(raw, LEDGER, plots())
    code, said, log = run(PREVIOUS, LEDGER, touched=True)
    assert (code, f"入库 {LEDGER}" in log, f"入库 {PREVIOUS}" in log) == (0, True, False)
    assert "两期没有任何变化" in said


FORMATS = {
    "DLTB.shp": {"encoding": "GB18030", "layer": "DLTB"},
    "DLTB.gdb": {"driver": "OpenFileGDB"},
    "DLTB.geojson": {"layer": "DLTB"},
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_from_anywhere_in_another_format_is_no_change(name, run, tmp_path):
    write(plots().sample(frac=1, random_state=1), tmp_path / "送来" / name,
          **({"layer": "DLTB"} | FORMATS[name]))  # fmt: skip
    code, said, _ = run(PREVIOUS, tmp_path / "送来" / name)
    assert code == 0
    assert "两期没有任何变化" in said
    made = products(tmp_path / "out", f"{PREVIOUS}_DLTB")
    assert {p.name for p in made.iterdir()} == PRODUCTS | {"后期问题.csv", "后期剔除.gpkg"}
    assert len(read(made / "changes.csv")) == 0
    files = json.loads((made / "manifest.json").read_text(encoding="utf-8"))["后期"]["files"]
    assert name in {file.split("/")[0] for file in files}


def test_a_folder_of_town_files_is_one_delivery(run, tmp_path):
    for number, part in enumerate((plots().iloc[:2], plots().iloc[2:])):
        write(part, tmp_path / "分镇" / f"镇{number}.gpkg", layer="DLTB")
    code, said, _ = run(tmp_path / "分镇", LEDGER)
    assert code == 0
    assert "前期 分镇：4 个图斑" in said
    assert {p.name for p in products(tmp_path / "out", f"分镇_{LEDGER}").iterdir()} >= PRODUCTS


def test_files_of_one_name_get_longer_names(run, tmp_path):
    for place in ("甲", "乙"):
        write(plots(), tmp_path / place / "DLTB.gpkg", layer="DLTB")
    write(plots(), tmp_path / "甲" / "DLTB.geojson")
    assert run(tmp_path / "甲" / "DLTB.gpkg", tmp_path / "乙" / "DLTB.gpkg")[0] == 0
    assert products(tmp_path / "out", "甲-DLTB.gpkg_乙-DLTB.gpkg").is_dir()
    assert run(tmp_path / "甲" / "DLTB.gpkg", tmp_path / "甲" / "DLTB.geojson")[0] == 0
    assert products(tmp_path / "out", "DLTB.gpkg_DLTB.geojson").is_dir()


def test_a_sound_delivery_in_another_crs_is_no_change(run, tmp_path):
    write(plots().to_crs("EPSG:4545"), tmp_path / "不带带号.gpkg", layer="DLTB")
    code, said, _ = run(PREVIOUS, tmp_path / "不带带号.gpkg")
    assert code == 0
    assert "两期没有任何变化" in said
    assert "格式损失" not in said


def test_plots_set_aside_are_counted_and_listed(run, tmp_path):
    twice = pd.concat([plots(), plots().iloc[[3]]], ignore_index=True)
    write(twice, tmp_path / "重号.gpkg", layer="DLTB")
    code, said, _ = run(PREVIOUS, tmp_path / "重号.gpkg")
    assert code == 0
    assert "后期 重号：4 个图斑；另有 1 个被剔除，不参与对比，见 后期剔除.gpkg" in said
    made = products(tmp_path / "out", f"{PREVIOUS}_重号")
    assert "BSM_DUPLICATE" in set(read(made / "后期问题.csv")["rule"])
    assert len(gpd.read_file(made / "后期剔除.gpkg")) == 1


def test_a_format_loss_is_told_apart(run, tmp_path):
    write(plots().assign(BZ="2023-09-30 10:11:12"), tmp_path / "库.gpkg", layer="DLTB")
    write(plots().assign(BZ="2023-09-30"), tmp_path / "表.gpkg", layer="DLTB")
    code, said, _ = run(tmp_path / "库.gpkg", tmp_path / "表.gpkg")
    assert code == 0
    assert "两期没有任何变化" in said
    assert "备注：日期丢失时刻或换了写法（后期），4 个图斑" in said


def test_text_that_a_spreadsheet_would_run_is_written_as_text(run, tmp_path):
    write(plots().assign(BZ="路边"), tmp_path / "前.gpkg", layer="DLTB")
    write(plots().assign(BZ="=1+1"), tmp_path / "后.gpkg", layer="DLTB")
    code, _, _ = run(tmp_path / "前.gpkg", tmp_path / "后.gpkg")
    assert code == 0
    fields = read(products(tmp_path / "out", "前_后") / "属性变化.csv")
    assert set(fields["new_value"]) == {"'=1+1"}


# --- a town under another name -----------------------------------------------------------------


def test_a_renamed_village_is_told_once_and_changes_no_plot(run, raw, tmp_path):
    named = plots()
    named.loc[named["ZLDWDM"].str.startswith("999901101"), "ZLDWMC"] = "新西沟村"
    deliver(raw, LEDGER, named)
    code, said, _ = run(PREVIOUS, LEDGER, touched=True)
    assert code == 0
    assert "两期没有任何变化" in said
    assert "坐落单位名称（9999011010010000000）：“西沟村”改称“新西沟村”，2 个图斑" in said
    made = products(tmp_path / "out")
    assert read(made / "更名.csv")[["code", "old_plots", "new_plots"]].to_numpy().tolist() == [
        ["9999011010010000000", "2", "2"]
    ]


def test_a_renamed_town_is_told_once_and_changes_no_plot(run, raw, tmp_path):
    """乙镇 becomes a 街办 in the name of every village; the codes stay."""
    write(plots().assign(ZLDWMC="示例县乙镇西沟村"), raw / "exports" / PREVIOUS / "DLTB.gpkg",
          layer="DLTB")  # fmt: skip
    deliver(raw, LEDGER, plots().assign(ZLDWMC="示例县乙街办西沟村"))
    code, said, told = run(PREVIOUS, LEDGER, touched=True)
    assert code == 0, told
    assert "两期没有任何变化" in said
    assert "“示例县乙镇西沟村”改称“示例县乙街办西沟村”，2 个图斑" in said
    by_town = read(products(tmp_path / "out") / "分镇变化.csv")
    assert set(by_town["town"]) == {"甲街办", "乙镇", "全县"}  # as towns.csv names them


def test_a_village_renamed_on_some_plots_only_is_a_change_of_those(run, raw, tmp_path):
    named = plots()
    named.loc[3, "ZLDWMC"] = "新西沟村"
    deliver(raw, LEDGER, named)
    code, said, _ = run(PREVIOUS, LEDGER, touched=True)
    assert code == 0
    assert "更名" not in said
    changed = read(products(tmp_path / "out") / "changes.csv")
    assert changed[["old_bsm", "fields"]].to_numpy().tolist() == [["999901200000000004", "ZLDWMC"]]


def test_a_town_under_a_new_code_keeps_its_plots_and_says_so(run, raw, tmp_path):
    moved = plots()
    moved["ZLDWDM"] = moved["ZLDWDM"].str.replace("999901101", "999901108")
    deliver(raw, LEDGER, moved)
    code, said, _ = run(PREVIOUS, LEDGER, touched=True)
    assert code == 0
    assert ["乙镇", "0→0", "2→2"] in [line.split() for line in said.splitlines()]
    fields = read(products(tmp_path / "out") / "属性变化.csv")
    assert set(fields["field"]) == {"ZLDWDM"}
    assert set(fields["town"]) == {"乙镇"}
    problems = tmp_path / "out/data/processed/exports" / LEDGER / "problems.csv"
    assert "TOWN_BY_PLACE" in set(read(problems)["rule"])


# --- bad input: exit code, message, no partial product -----------------------------------------


def test_what_is_no_export_and_no_file_is_named_all_at_once(run, tmp_path):
    code, said, told = run("2023-01-01", tmp_path / "没有.gpkg")
    assert (code, said) == (2, "")
    assert f"2023-01-01：县里没有这一期；处理办法：现有各期：{PREVIOUS}、{LEDGER}" in told
    assert "没有.gpkg：既不是日期，也没有这个文件或文件夹" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("pair", [(LEDGER, LEDGER), ("2023-09-30", "20230930")])
def test_one_date_twice_is_refused(pair, run):
    code, _, told = run(*pair)
    assert code == 2
    assert "两期是同一份数据" in told


def test_one_file_twice_is_refused(run, tmp_path):
    write(plots(), tmp_path / "DLTB.gpkg", layer="DLTB")
    (tmp_path / "x").mkdir()
    code, _, told = run(tmp_path / "DLTB.gpkg", tmp_path / "x" / ".." / "DLTB.gpkg")
    assert code == 2
    assert "两期是同一份数据" in told


@pytest.mark.parametrize("name", ["20230930", "2023-9-30", "2023年9月30日", "2023-09-30 副本"])
def test_two_folders_of_one_date_are_refused(name, run, raw, tmp_path):
    shutil.copytree(raw / "exports" / LEDGER, raw / "exports" / name)
    code, said, told = run(PREVIOUS, LEDGER, touched=True)
    assert (code, said) == (4, "")
    assert f"exports/{name}：文件夹名不合写法，与 exports/{LEDGER} 像是同一期" in told
    assert f"这一期只留一个文件夹，名为 {LEDGER}" in told
    assert not products(tmp_path / "out").exists()


def test_an_empty_export_is_refused(run, raw, tmp_path):
    deliver(raw, LEDGER, plots().iloc[:0])
    code, said, told = run(PREVIOUS, LEDGER, touched=True)
    assert (code, said) == (4, "")
    assert f"exports/{LEDGER}/DLTB.gpkg" in told
    assert "图层是空的" in told
    assert not products(tmp_path / "out").exists()


def test_a_folder_without_data_and_a_document_are_refused(run, tmp_path):
    (tmp_path / "空").mkdir()
    (tmp_path / "说明.txt").write_text("数据另送", encoding="utf-8")
    code, _, told = run(tmp_path / "空", tmp_path / "说明.txt")
    assert code == 4
    assert "文件夹里没有数据文件" in told
    assert "说明.txt" in told
    assert "不是图斑数据" in told


def test_plots_of_another_county_are_refused_by_place_and_by_code(run, tmp_path):
    far = plots().assign(geometry=[square(n + 400) for n in range(4)])
    write(far, tmp_path / "邻县.gpkg", layer="DLTB")
    code, _, told = run(PREVIOUS, tmp_path / "邻县.gpkg")
    assert code == 4
    assert "半数以上图形不在行政区图层的范围内" in told
    foreign = plots().assign(ZLDWDM=lambda f: "888801" + f["ZLDWDM"].str[6:])
    write(foreign, tmp_path / "外县.gpkg", layer="DLTB")
    code, _, told = run(PREVIOUS, tmp_path / "外县.gpkg")
    assert code == 4
    assert "不是同一个县：前期属 999901，后期属 888801" in told
    assert not products(tmp_path / "out", f"{PREVIOUS}_外县").exists()


def test_a_crs_that_cannot_be_trusted_is_refused_on_both_sides_at_once(run, tmp_path):
    write(plots().set_crs("EPSG:2356", allow_override=True), tmp_path / "西安80.gpkg", layer="DLTB")
    mixed = plots().set_crs("EPSG:4545", allow_override=True)
    write(mixed, tmp_path / "错标.gpkg", layer="DLTB")
    code, said, told = run(tmp_path / "西安80.gpkg", tmp_path / "错标.gpkg")
    assert (code, said) == (4, "")
    assert "西安80.gpkg" in told
    assert "不是 CGCS2000" in told
    assert "错标.gpkg" in told
    assert "声明的坐标系是 EPSG:4545" in told


def test_a_bad_date_and_a_bad_file_are_told_together(run, raw, tmp_path):
    deliver(raw, LEDGER, plots().iloc[:0])
    write(plots().iloc[:0], tmp_path / "空.gpkg", layer="DLTB")
    code, _, told = run(LEDGER, tmp_path / "空.gpkg", touched=True)
    assert code == 4
    assert f"exports/{LEDGER}/DLTB.gpkg" in told
    assert "空.gpkg" in told


def test_a_failed_comparison_leaves_the_last_products_as_they_were(run, raw, tmp_path):
    run(PREVIOUS, LEDGER)
    before = digest(products(tmp_path / "out").parent)
    foreign = plots().assign(ZLDWDM=lambda f: "888801" + f["ZLDWDM"].str[6:])
    deliver(raw, LEDGER, foreign)
    assert run(PREVIOUS, LEDGER, touched=True)[0] == 4
    assert digest(products(tmp_path / "out").parent) == before


def test_a_place_that_cannot_be_written_ends_with_its_code(run, tmp_path):
    (tmp_path / "out/data/processed").mkdir(parents=True)
    (tmp_path / "out/data/processed/compare").write_text("挡路", encoding="utf-8")
    code, said, told = run(PREVIOUS, LEDGER)
    assert (code, said) == (5, "")
    assert "无法写入" in told


def test_what_a_person_put_beside_the_products_stays(run, tmp_path):
    run(PREVIOUS, LEDGER)
    folder = products(tmp_path / "out")
    (folder / "批注.txt").write_text("已核", encoding="utf-8")
    (folder / "核对").mkdir()
    (folder / "核对" / "甲.txt").write_text("甲", encoding="utf-8")
    run(PREVIOUS, LEDGER)
    assert {p.name for p in folder.iterdir()} == PRODUCTS | {"批注.txt", "核对"}
    assert (folder / "核对" / "甲.txt").read_text(encoding="utf-8") == "甲"
    assert not [p for p in folder.parent.iterdir() if p.name.startswith(".")]

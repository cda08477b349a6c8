"""The whole job on the tiny county, through the command line, as a clerk runs it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from decimal import Decimal
from importlib import resources
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
from command_line import ROOT, gengbao, gengbao_apart, hashes, read_csv

from pipeline.aggregate import members


@pytest.fixture
def broken(tiny, finished, tmp_path):
    """A copy of county and products to damage one thing in."""
    shutil.copytree(tiny, tmp_path / "raw")
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path


def run_broken(folder):
    """Run on a damaged county; return the finished process after checking nothing was touched."""
    before = hashes(folder / "out")
    done = gengbao("all", "--county", folder / "raw", "--out", folder / "out")
    assert hashes(folder / "out") == before, "products changed although the input is wrong"
    return done


def test_two_runs_give_the_same_bytes(tiny, finished, tmp_path):
    """Everything made again in other processes, two at once, where sets have another order.

    Left as they are: sheets of a family of which one is drawn again, those of an older export.
    """
    out = shutil.copytree(finished, tmp_path / "out")
    first = hashes(out)
    drawn = {name for name in first if name.startswith("maps/") and Path(name).suffix != ".html"}
    kept = ("2023-09-30/", "永久基本农田", "进出平衡", "thumbs/pbf_", "thumbs/balance_")
    left = {name for name in drawn if name.startswith(tuple(f"maps/{word}" for word in kept))}
    assert left < drawn
    for name in first.keys() - left:
        (out / name).unlink()
    done = gengbao_apart(
        "all", "--county", tiny, "--out", out, GENGBAO_WORKERS="2", PYTHONHASHSEED="1"
    )
    assert done.returncode == 0, done.stderr
    redrawn = re.search(r"图件=(\d+) 重绘=(\d+)", done.stderr)
    assert 10 <= int(redrawn[2]) < int(redrawn[1])
    again = hashes(out)
    assert again == first
    assert {Path(name).suffix for name in again} >= {".csv", ".parquet", ".gpkg", ".png", ".pdf"}


def test_a_second_run_has_nothing_to_do(tiny, finished):
    before = hashes(finished)
    done = gengbao("all", "--county", tiny, "--out", finished)
    assert "无需重做" in done.stderr
    assert hashes(finished) == before


def test_a_county_moved_with_its_products_has_nothing_to_do(broken):
    deeper = broken / "换了" / "地方"
    deeper.mkdir(parents=True)
    for name in ("raw", "out"):
        (broken / name).rename(deeper / name)
    done = gengbao("all", "--county", deeper / "raw", "--out", deeper / "out")
    assert "无需重做" in done.stderr


def test_a_changed_target_redoes_only_what_follows(broken):
    targets = broken / "raw" / "targets.csv"
    text = targets.read_text(encoding="utf-8-sig")
    line = next(row for row in text.splitlines() if ",cropland,target," in row)
    cells = line.split(",")
    changed = ",".join([*cells[:3], str(int(Decimal(cells[3])) + 1), *cells[4:]])
    targets.write_text(text.replace(line, changed), encoding="utf-8")
    done = gengbao("aggregate", "--county", broken / "raw", "--out", broken / "out")
    assert done.returncode == 0, done.stderr
    assert "汇总" in done.stderr
    assert "入库" not in done.stderr
    assert "分类" not in done.stderr


def test_a_changed_rule_redoes_classification_but_reads_nothing_again(broken):
    rules = broken / "raw" / "本县规则.csv"
    package = ROOT / "pipeline" / "tables" / "rules" / "zhashui-2023.csv"
    rules.write_bytes(package.read_bytes())
    flags = package.with_name("zhashui-2023_flags.csv")
    (broken / "raw" / "本县规则_flags.csv").write_bytes(flags.read_bytes())
    toml = broken / "raw" / "county.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace('"zhashui-2023"', '"本县规则.csv"'), encoding="utf-8")
    done = gengbao("aggregate", "--county", broken / "raw", "--out", broken / "out")
    assert done.returncode == 0, done.stderr
    assert "分类" in done.stderr
    assert "入库" not in done.stderr
    assert "取证" not in done.stderr


def test_every_account_closes(finished):
    rows = read_csv(finished / "data/processed/account.csv")
    assert {row["stage"] for row in rows} >= {
        "ingest",
        "evidence",
        "classify",
        "ledger",
        "aggregate",
    }
    assert {row["residual_m2"] for row in rows} == {"0.00"}
    assert {row["residual_plots"] for row in rows} == {"0"}


def test_the_ledger_holds_exactly_what_the_summary_counts(finished):
    ledger = gpd.read_parquet(finished / "data/processed/ledger.parquet")
    rows = read_csv(finished / "data/processed/summary.csv")
    newest = max(row["export"] for row in rows)
    total = next(
        row
        for row in rows
        if (row["export"], row["level"], row["category"]) == (newest, "county", "total")
    )
    gone = ledger["status"] == "withdrawn"
    assert gone.any()
    assert int(total["plots"]) == (~gone).sum()
    assert int(total["withdrawn_plots"]) == gone.sum()
    cm2 = (ledger.loc[~gone, "area_m2"] * 100).round().astype(int).sum()
    assert Decimal(total["area_m2"]) * 100 == int(cm2)
    gpkg = pyogrio.read_dataframe(finished / "data/processed/ledger.gpkg", layer="ledger")
    assert sorted(gpkg["task_id"]) == sorted(ledger["task_id"])
    assert ledger["task_id"].is_unique


def test_the_manifest_names_every_input_and_product_with_its_hash(tiny, finished):
    manifest = json.loads((finished / "data/processed/manifest.json").read_text(encoding="utf-8"))
    made = hashes(finished)
    own = {"data/processed/manifest.json", "data/processed/account.csv"}
    assert manifest["outputs"] == {k: v for k, v in made.items() if k not in own}
    brought = hashes(tiny)
    assert {k: brought[k] for k in manifest["inputs"]} == manifest["inputs"]
    assert set(brought) - set(manifest["inputs"]) <= {"README.md"}
    assert len(manifest["run_id"]) == 64


def test_explain_answers_for_a_plot_of_every_category(tiny, finished):
    pieces = gpd.read_parquet(finished / "data/processed/exports/2023-09-30/pieces.parquet")
    plots = pieces.groupby("category")["bsm"].first()
    assert len(plots) >= 9
    for bsm in plots:
        done = gengbao("explain", "--county", tiny, "--out", finished, bsm)
        assert done.returncode == 0, done.stderr
        assert bsm in done.stdout
        assert "依据" in done.stdout


def test_the_standings_are_printed_with_phase_plan_and_what_cannot_be_said(tiny, finished):
    done = gengbao("progress", "--county", tiny, "--out", finished)
    assert done.returncode == 0, done.stderr
    assert "2023-10-31（示例数据）；阶段：攻坚；距整改期限 2023-12-20 还有 50 天" in done.stdout
    for word in ("耕地保护目标", "永久基本农田", "进出平衡", "松坪镇：", "期数太少，无法推算"):
        assert word in done.stdout
    rows = read_csv(finished / "data/processed/progress.csv")
    gaps = read_csv(finished / "data/processed/gaps.csv")
    same = ("export", "town", "indicator", "remaining_mu", "done_pct", "planned_mu", "rank")
    assert [[r[c] for c in same] for r in rows] == [[r[c] for c in same] for r in gaps]
    assert {r["planned_mu"] for r in gaps if r["export"] == "2023-09-30"} <= {"0", "0.0", ""}
    done = gengbao("progress", "--county", tiny, "--out", finished, "--export", "2023-10-30")
    assert done.returncode == 2
    assert "可用：2023-09-30、2023-10-31" in done.stderr


def test_a_plan_with_wrong_lines_stops_the_run_with_all_of_them(broken):
    plan = broken / "raw" / "plan.csv"
    text = plan.read_text(encoding="utf-8").splitlines()
    text[1] = text[1].replace("2023-10-15", "2024-10-15")
    text[2] = "没有镇" + text[2][3:]
    plan.write_text("\n".join(text), encoding="utf-8")
    done = run_broken(broken)
    assert done.returncode == 3
    assert "plan.csv 第 2 行" in done.stderr
    assert "plan.csv 第 3 行" in done.stderr


def test_explain_of_an_unknown_plot_names_the_nearest(tiny, finished):
    done = gengbao("explain", "--county", tiny, "--out", finished, "999")
    assert done.returncode == 2
    assert "999" in done.stderr


def test_an_unknown_key_is_named_with_the_allowed_ones(broken):
    toml = broken / "raw" / "county.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text("leger = 1\n" + text, encoding="utf-8")
    done = run_broken(broken)
    assert done.returncode == 3
    assert "leger" in done.stderr
    assert "ledger" in done.stderr.replace("leger", "")


def test_a_misspelt_town_in_the_targets_is_named_with_the_nearest(broken):
    targets = broken / "raw" / "targets.csv"
    lines = targets.read_text(encoding="utf-8-sig").splitlines()
    town = lines[1].split(",")[0]
    lines[1] = lines[1].replace(town, town + "错", 1)
    targets.write_text("\n".join(lines), encoding="utf-8")
    done = run_broken(broken)
    assert done.returncode == 3
    assert f"{town}错" in done.stderr
    assert "targets.csv 第 2 行" in done.stderr


def test_a_missing_layer_and_an_undated_folder_are_told_together(broken):
    toml = broken / "raw" / "county.toml"
    text = toml.read_text(encoding="utf-8")
    line = next(row for row in text.splitlines() if row.startswith("target"))
    toml.write_text(text.replace(line, 'target = "reference/没有这个.gpkg"'), encoding="utf-8")
    (broken / "raw/exports/九月底").mkdir()
    done = run_broken(broken)
    assert done.returncode == 4
    assert "没有这个.gpkg" in done.stderr
    assert "九月底" in done.stderr


def shapefile(folder):
    return min((folder / "raw/exports").rglob("*.shp"))


def test_a_truncated_shapefile_stops_the_run(broken):
    file = shapefile(broken)
    file.write_bytes(file.read_bytes()[:-500])
    done = run_broken(broken)
    assert done.returncode == 4
    assert file.name in done.stderr


def test_coordinates_that_contradict_the_prj_stop_the_run(broken):
    file = shapefile(broken)
    frame = pyogrio.read_dataframe(file, encoding="GBK")
    text = file.with_suffix(".prj").read_text(encoding="utf-8")
    assert len(frame)
    file.with_suffix(".prj").write_text(
        text.replace("108.0", "111.0").replace('Central_Meridian",108', 'Central_Meridian",111')
        .replace("108E", "111E"),
        encoding="utf-8",
    )  # fmt: skip
    done = run_broken(broken)
    assert done.returncode == 4
    assert file.name in done.stderr


def test_an_export_without_plots_stops_the_run(broken):
    file = shapefile(broken)
    day = file.parent
    frame = pyogrio.read_dataframe(file, encoding="GBK").iloc[:0]
    shutil.rmtree(day)
    day.mkdir()
    pyogrio.write_dataframe(frame, day / "DLTB.shp", encoding="GBK", geometry_type="Polygon")
    done = run_broken(broken)
    assert done.returncode == 4
    assert "DLTB.shp" in done.stderr


def test_a_folder_with_data_but_no_county_toml_never_becomes_a_sample(tmp_path):
    (tmp_path / "data/raw/exports").mkdir(parents=True)
    done = gengbao_apart("all", cwd=tmp_path)  # the package found as an installed one
    assert done.returncode == 3
    assert "county.toml" in done.stderr
    assert not (tmp_path / "data/raw/county.toml").exists()


@pytest.mark.parametrize("words", [("progress",), ("explain", "1"), ("quality",)])
def test_a_question_before_there_is_a_county_makes_none(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/raw").mkdir(parents=True)
    done = gengbao(*words)
    assert done.returncode == 3
    assert "county.toml：没有这个文件" in done.stderr
    assert list((tmp_path / "data/raw").iterdir()) == []


def test_a_question_before_there_are_products_says_to_make_them(tiny, tmp_path):
    done = gengbao("progress", "--county", tiny, "--out", tmp_path)
    assert done.returncode == 2
    assert "还没有分类成果；处理办法：请先运行 gengbao all" in done.stderr


def test_an_unknown_command_is_a_matter_of_usage():
    assert gengbao("alles").returncode == 2


@pytest.mark.slow
def test_the_published_cells_come_out_of_the_plots(zhashui):
    """63 leaves within 0.001 亩 of the cells, counts exact （柞政函〔2023〕120号 附件2）."""
    text = resources.files("pipeline.sample").joinpath("tables", "zhashui_cells.csv")
    wanted = list(csv.DictReader(text.read_text(encoding="utf-8").splitlines()))
    rows = read_csv(zhashui / "data/processed/summary.csv")
    found = {(r["town"], r["category"]): r for r in rows if r["export"] == "2023-09-30"}
    assert len(wanted) == 63
    for cell in wanted:
        row = found[cell["town"], cell["category"]]
        assert row["plots"] == cell["plots"], cell
        assert abs(Decimal(row["area_mu"]) - Decimal(cell["area_mu"])) <= Decimal("0.001"), cell


@pytest.mark.slow
def test_every_printed_cell_is_reproduced_and_only_the_notice_itself_is_at_odds(zhashui):
    rows = read_csv(zhashui / "data/processed/reconcile.csv")
    ours = [r for r in rows if r["check"] == "printed-computed" and r["table"] == "附件2"]
    assert len(ours) == 200
    assert {r["verdict"] for r in ours} == {"equal"}
    real = {(r["town"], r["item"]) for r in rows if r["verdict"] == "real"}
    assert real == {("杏坪镇", "pbf_gap"), ("曹坪镇", "pbf_gap")}


@pytest.mark.slow
def test_work_needed_leaves_out_the_self_submitted_plots(zhashui):
    """说明2: 2818 − 639 = 2179 plots, 11452 − 948.7 = 10503 亩 (printed figures)."""
    rows = read_csv(zhashui / "data/processed/summary.csv")
    county = {
        r["category"]: r for r in rows if r["export"] == "2023-09-30" and r["level"] == "county"
    }
    assert county["work_needed"]["plots"] == "2179"
    assert round(Decimal(county["work_needed"]["area_mu"])) == 10503


def test_the_five_indicators_of_the_tiny_county(finished):
    """Figures of tiny_occupation.csv (1.65 of 9.30 亩) and tiny_targets.csv (9 of 5 + 7 亩)."""
    rows = {row["indicator"]: row for row in read_csv(finished / "data/processed/indicators.csv")}
    assert [row["number"] for row in rows.values()] == ["1", "2", "3", "3", "4", "5", "5"]
    assert round(Decimal(rows["illegal_ratio"]["value"]), 2) == Decimal("17.74")
    assert round(Decimal(rows["illegal_area"]["value"]), 2) == Decimal("1.65")
    assert rows["illegal_area"]["verdict"] == "达标"
    assert rows["illegal_area"]["overall"] == rows["illegal_ratio"]["verdict"] == "不达标"
    assert rows["replenishment_area"]["headroom"] == "-3"
    assert (
        "欠账 5.00 亩已补 5.00 亩，当年任务 7.00 亩已补 4.00 亩"
        in rows["replenishment_area"]["formula"]
    )
    assert rows["replenishment_grain"]["verdict"] == "达标"
    terms = read_csv(finished / "data/processed/indicator_terms.csv")
    assert {term["indicator"] for term in terms} == set(rows)


@pytest.mark.slow
def test_the_indicators_of_the_notice_come_out_of_the_plots(zhashui):
    """5.45 of 51.46 亩, 10.59 %; 4100 亩 short of 104,665; nothing said of 占补 done."""
    rows = {row["indicator"]: row for row in read_csv(zhashui / "data/processed/indicators.csv")}
    assert round(Decimal(rows["illegal_area"]["value"]), 2) == Decimal("5.45")
    assert round(Decimal(rows["illegal_ratio"]["value"]), 2) == Decimal("10.59")
    assert "÷ 新增建设用地占用耕地 51.46 亩" in rows["illegal_ratio"]["formula"]
    assert rows["illegal_ratio"]["overall"] == "达标"
    assert "欠账 240.00 亩" in rows["replenishment_area"]["terms"].replace("以前年度", "")
    assert "targets.csv 缺 全县 replenishment_area done" in rows["replenishment_area"]["missing"]
    day = zhashui / "data/processed/exports/2023-09-30"
    frames = (gpd.read_parquet(day / f"{name}.parquet") for name in ("pieces", "parcels"))
    behind = members(*frames).groupby("measure")["cm2"].sum() * 15 / 1_000_000
    assert behind["cropland_net"] == pytest.approx(104_665 - 4_100, abs=1)
    assert behind["illegal"] == pytest.approx(5.45, abs=0.001)
    assert behind["taken"] == pytest.approx(51.46, abs=0.001)

"""`gengbao trace` through the command line: the figures of a finished county, files, exit codes."""

from __future__ import annotations

import csv
import random
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from importlib import resources

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from command_line import gengbao, hashes, read_csv

from pipeline import explain, stages, storage, tables
from pipeline.ingest.county import load_county
from pipeline.tables.figures import load_figures

TOWN = "河口镇"


def test_a_cell_of_annex_2_is_traced_to_as_many_plots_as_it_says(tiny, ask, tmp_path):
    cells = [r for r in read_csv(tiny / "published.csv") if r["table"] == "附件2"]
    plots = {r["bsm"]: r for r in read_csv_of_parcels(ask, tmp_path)}
    assert len(cells) >= 30
    for cell in random.Random(1).sample(cells, 6):  # noqa: S311 - a fixed choice of cells
        code, text, _ = ask(cell["town"], cell["item"], "--all")
        assert code == 0
        listed = re.findall(r"^  \d+\. \S+（BSM (\d+)）", text, re.MULTILINE)
        assert len(listed) == int(cell["plots"]), cell
        assert set(listed) <= set(plots)


def read_csv_of_parcels(ask, folder):
    """Return every task of the county as --csv writes it."""
    code, _, complaint = ask("全县 合计", "--csv", folder / "全部.csv")
    assert code == 0, complaint
    return read_csv(folder / "全部.csv")


def test_every_cell_of_every_town_table_adds_up_at_every_export(tiny, finished):
    """All figures x all places x all exports, each with all cells of its towns and categories."""
    desk = stages.Desk(load_county(tiny), finished)
    names = ("summary", "gaps", "reconcile", "progress", "waterfall", "waterfall_tasks")
    products = explain.Products(
        **{name: storage.read_table(desk.processed / f"{name}.csv") for name in names}
    )
    ledgers, pieces = (
        {day: storage.read_columns(desk.export(day, file), columns) for day in desk.judged}
        for file, columns in (
            ("ledger.parquet", explain.LEDGER),
            ("pieces.parquet", explain.PIECES),
        )
    )
    seen = {f"{name}.csv": set() for name in names}
    for figure in load_figures():
        for place in explain.places(desk.county, products.summary["level"], undecided=False):
            asked = explain.Asked(place=place, figure=figure)
            rows = {}
            for day in desk.judged:
                now = explain.stand_behind(
                    asked, ledger=ledgers[day], pieces=pieces[day], classes=tables.classes(),
                    export=day,
                )  # fmt: skip
                case = explain.Case(
                    asked=asked, export=day, rows=now, products=products, county=desk.county,
                    earlier=dict(rows),
                )  # fmt: skip
                rows[day] = now
                for cell in explain.trace(case).cells:
                    seen[cell.product].add((day.isoformat(), cell.place, cell.row))
    keys = {"summary.csv": "category"} | dict.fromkeys(
        ("gaps.csv", "progress.csv", "waterfall.csv"), "indicator"
    )
    for product, key in keys.items():
        lines = read_csv(desk.processed / product)
        assert seen[product] == {(r["export"], r["town"], r[key]) for r in lines}


def test_the_text_names_run_data_rules_files_and_rows(finished, ask):
    manifest = storage.read_json(finished / "data/processed/manifest.json")
    code, text, _ = ask(TOWN, "永农就地恢复")
    assert code == 0
    assert text.startswith(
        f"{TOWN}（镇办） · 永久基本农田就地恢复（pbf_restore_in_place）（示例数据）"
    )
    assert f"run_id：{manifest['run_id'][:12]}\n" in text
    pack = tables.load_pack("zhashui-2023")
    assert f"规则包：zhashui-2023（版本 {pack.version}）" in text
    assert "  R05（5 个）：柞政函〔2023〕120号附件2“永久基本农田就地恢复”" in text
    assert re.search(r"来源：exports/2023-09-30/\S+ 第 \d+ 行", text)
    assert "附件2 pbf_restore_in_place：公布 5 个，与图斑加出来的数核对 5 个，相等" in text
    assert "注意" not in text


def test_the_source_of_a_plot_is_its_row_in_the_delivered_file(tiny, ask, tmp_path):
    first = read_csv_of_parcels(ask, tmp_path)[0]
    file = tiny / first["source_file"]
    layer = pyogrio.list_layers(file)[0][0]
    row = int(first["source_row"])
    delivered = pyogrio.read_dataframe(file, layer=layer, skip_features=row - 1, max_features=1)
    assert delivered["BSM"].item() == first["bsm"]


def test_a_later_export_shows_what_lies_there_now(tiny, ask, tmp_path):
    file, now = tmp_path / "恢复.csv", load_county(tiny).newest.isoformat()
    code, text, _ = ask("全县", "永农就地恢复", "已恢复", "--export", now, "--csv", file)
    assert code == 0
    rows = read_csv(file)
    assert rows
    assert all("已耕" in row["now"] for row in rows)
    assert f"本期来源：exports/{now}/" in text
    code, text, _ = ask("全县", "异地调整补划", "已恢复", "--export", now)
    assert re.search(r"补划：reference/\S+ 第 \d+ 行", text)


def test_the_files_hold_the_listed_plots_and_add_up_to_the_figure(finished, ask, tmp_path):
    table, gpkg = tmp_path / "缺口.csv", tmp_path / "缺口.gpkg"
    code, _, _ = ask("全县 永农", "--measure", "缺口", "--csv", table, "--gpkg", gpkg)
    assert code == 0
    rows = read_csv(table)
    gaps = read_csv(finished / "data/processed/gaps.csv")
    gap = next(
        r["gap_mu"]
        for r in gaps
        if (r["export"], r["town"], r["indicator"]) == ("2023-09-30", "全县", "pbf")
    )
    assert sum(Decimal(row["counted"]) for row in rows) == Decimal(gap)
    layer = gpd.read_file(gpkg, layer="trace")
    assert list(layer["task_id"]) == [row["task_id"] for row in rows]
    ledger = gpd.read_parquet(finished / "data/processed/exports/2023-09-30/ledger.parquet")
    outline = ledger.set_index("task_id").geometry
    assert layer.geometry.geom_equals(
        outline[layer["task_id"]].set_crs(layer.crs), align=False
    ).all()
    before = table.read_bytes(), gpkg.read_bytes()
    ask("全县 永农", "--measure", "缺口", "--csv", table, "--gpkg", gpkg)
    assert (table.read_bytes(), gpkg.read_bytes()) == before


def test_plots_without_a_task_have_outlines_too(finished, ask, tmp_path):
    gpkg = tmp_path / "无任务.gpkg"
    code, text, _ = ask(TOWN, "无任务", "--gpkg", gpkg)
    assert code == 0
    assert "……另有" in text
    layer = gpd.read_file(gpkg)
    summary = read_csv(finished / "data/processed/summary.csv")
    row = next(r for r in summary if (r["town"], r["category"]) == (TOWN, "none"))
    assert len(layer) == int(row["plots"])
    assert layer.geometry.is_valid.all()
    assert abs(layer.area.sum() / float(row["area_m2"]) - 1) < 0.001


def test_nothing_is_written_among_the_countys_data_or_the_products(tiny, finished, ask):
    before = hashes(tiny), hashes(finished)
    for path in (
        tiny / "缺口.csv",
        finished / "data/processed/summary.csv",
        finished / "maps/a.csv",
    ):
        code, text, complaint = ask(TOWN, "合计", "--csv", path)
        assert (code, text) == (2, "")
        assert "换一个地方" in complaint
    code, _, complaint = ask(TOWN, "合计", "--csv", "缺口.txt", "--gpkg", "缺口.csv")
    assert code == 2
    assert "缺口.txt 不以 .csv 结尾" in complaint
    assert "缺口.csv 不以 .gpkg 结尾" in complaint
    assert (hashes(tiny), hashes(finished)) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["河囗镇", "合计"], "最接近的是 河口镇"),
        ([TOWN, "永农就地灰复"], "最接近的是 永久基本农田就地恢复"),
        ([TOWN, "合计", "--measure", "剩於"], "不认识的指标“剩於”"),
        ([TOWN, "合计", "--export", "2023-01-01"], "可用：2023-09-30、"),
    ],
)
def test_what_isn_t_there_is_a_matter_of_usage(ask, words, said):
    code, text, complaint = ask(*words)
    assert (code, text) == (2, "")
    assert said in complaint


@pytest.fixture
def copied(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "out")
    return tmp_path / "out"


def test_a_product_edited_by_hand_is_found_out(copied, ask, tmp_path):
    file = copied / "data/processed/summary.csv"
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    at = next(i for i, line in enumerate(lines) if f"{TOWN},pbf_relocate" in line)
    cells = lines[at].split(",")
    lines[at] = ",".join([*cells[:6], str(int(cells[6]) + 1), *cells[7:]])
    file.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    code, text, complaint = ask("全县", "永农", "--csv", tmp_path / "永农.csv", out=copied)
    assert (code, text) == (1, "")
    assert f"summary.csv 2023-09-30 {TOWN} pbf_relocate plots" in complaint
    assert not (tmp_path / "永农.csv").exists()


def test_a_note_changed_after_the_run_is_said_so(copied, ask):
    file = copied / "data/processed/reconcile.csv"
    file.write_bytes(file.read_bytes() + b"\n")
    code, text, _ = ask(TOWN, "合计", out=copied)
    assert code == 0
    assert "注意：reconcile.csv 与清单（manifest.json）记录的不一致" in text
    (copied / "data/processed/manifest.json").unlink()
    assert "run_id：不明" in ask(TOWN, "合计", out=copied)[1]


def test_missing_products_are_named_together(copied, ask):
    for name in ("gaps.csv", "reconcile.csv", "progress.csv"):
        (copied / "data/processed" / name).unlink()
    code, text, complaint = ask(TOWN, "合计", out=copied)
    assert (code, text) == (5, "")
    assert "gaps.csv" in complaint
    assert "reconcile.csv" in complaint
    assert "progress.csv" in complaint
    assert "请先运行 gengbao all" in complaint


def test_cells_that_a_spreadsheet_would_run_are_guarded(tmp_path):
    file = tmp_path / "a.csv"
    table = pd.DataFrame(
        {"village": ["=1+1", "+a", "-a", "@a", "\ta", "东村", None], "n": range(7)}
    )
    storage.write_table(file, storage.guarded(table))
    told = [row["village"] for row in read_csv(file)]
    assert told == ["'=1+1", "'+a", "'-a", "'@a", "'\ta", "东村", ""]
    assert [row["n"] for row in read_csv(file)] == list("0123456")


def test_a_reader_that_stops_early_is_no_failure(tiny, finished):
    """`gengbao trace … | head`: whoever reads may stop, without a traceback."""
    command = [sys.executable, "-m", "pipeline", "trace", "--county", str(tiny), "--out",
               str(finished), "全县", "无任务", "--all"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:  # noqa: S603 - our own command
        running.stdout.readline()
        running.stdout.close()
        complaint = running.stderr.read().decode()
    assert "Traceback" not in complaint
    assert "BrokenPipe" not in complaint


@pytest.mark.slow
def test_ten_cells_of_annex_2_hold_exactly_the_published_number_of_plots(zhashui):
    """柞政函〔2023〕120号 附件2: ten of 9 towns x 7 categories, each with the plots it printed."""
    text = resources.files("pipeline.sample").joinpath("tables", "zhashui_cells.csv")
    cells = list(csv.DictReader(text.read_text(encoding="utf-8").splitlines()))
    assert len(cells) == 63
    for cell in random.Random(611026).sample(cells, 10):  # noqa: S311 - a fixed choice of cells
        file = zhashui / "图斑.csv"
        done = gengbao(
            "trace", "--county", zhashui / "raw", "--out", zhashui, cell["town"], cell["category"],
            "--csv", file,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        rows = read_csv(file)
        assert len(rows) == len({row["bsm"] for row in rows}) == int(cell["plots"]), cell
        area = sum((Decimal(row["area_mu"]) for row in rows), Decimal(0))
        assert abs(area - Decimal(cell["area_mu"])) <= Decimal("0.001"), cell

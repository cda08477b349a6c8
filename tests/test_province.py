"""Many counties on Dask: the same bytes on any number of workers, faults told, sums that add up."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import geopandas as gpd
import openpyxl
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
import shapely
from command_line import ROOT, gengbao, hashes, read_csv

from pipeline.aggregate.province import (
    CountyTables,
    province_gaps,
    province_indicators,
    province_summary,
)
from pipeline.disk import locked
from pipeline.errors import OutputError, UsageError
from pipeline.province import Cluster, CountyRun, Wanted, run_province
from pipeline.province.cluster import MEMORY
from pipeline.province.folders import Folder, find
from pipeline.province.maps import specs
from pipeline.province.order import before, priorities, turns
from pipeline.province.products import sorted_tasks, write_products
from pipeline.province.run import run
from pipeline.sample import make_sample
from pipeline.stages import Desk, plan

CODES = ("990001", "990002")


@pytest.fixture(scope="session")
def counties(made_once):
    """Two counties of different seeds, on either side of 109.5°, where two zones meet.

    One works in zone-prefixed coordinates, one in bare ones.
    """

    def make(folder):
        folder.mkdir()
        for code, east in zip(CODES, (109.4, 109.55), strict=True):
            make_sample(
                folder / code, scale="tiny", exports=0, code=code, name=f"{code}县",
                seed=int(code), centre=(east, 33.6),
            )  # fmt: skip
        toml = folder / CODES[1] / "county.toml"
        text = toml.read_text(encoding="utf-8")
        assert "EPSG:4525" in text
        toml.write_text(text.replace("EPSG:4525", "EPSG:4546"), encoding="utf-8")

    return made_once("province_in", make)


@pytest.fixture(scope="session")
def province(counties, made_once):
    """Products of one run on one worker."""

    def make(out):
        done = gengbao("province", counties, "--out", out, "--workers", 1, "--no-maps")
        assert done.returncode == 0, done.stderr
        assert "2 个县，完成 2 个，未完成 0 个" in done.stdout

    return made_once("province_out", make)


def test_two_workers_one_of_them_killed_make_the_same_bytes_as_one(counties, province, tmp_path):
    command = [sys.executable, "-m", "pipeline", "province", counties, "--out", tmp_path]
    command += ["--workers", "2", "--no-maps"]
    with subprocess.Popen(  # noqa: S603 - our own command
        [*map(str, command)], cwd=ROOT, stderr=subprocess.PIPE, text=True,
        stdout=subprocess.DEVNULL,
    ) as run:  # fmt: skip
        assert run.stderr is not None
        for line in run.stderr:
            if "（第 " in line:  # a first step is done: others are under way
                break
        _workers(run.pid)[0].kill()
        said = run.stderr.read()
        assert run.wait() == 0, said
    assert hashes(tmp_path) == hashes(province)
    for code in CODES:  # a county's own steps are shared out, not the counties alone
        assert len(set(re.findall(rf"{code}县 .*进程 (\d+)", said))) > 1
    towns = re.findall(r"县 取证 2023-09-30 \S+镇 .*进程 (\d+)", said)
    assert len(towns) == 6, "each of two counties' three towns is a step of its own"


def _workers(pid):
    """Return the worker processes below a run: those that a nanny has started."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        below = psutil.Process(pid).children(recursive=True)
        found = [p for p in below if "spawn_main" in " ".join(p.cmdline())]
        if found:
            return found
    raise AssertionError("no worker process")


def test_a_bad_county_is_explained_and_stops_no_other_whose_steps_are_all_done(
    counties, province, tmp_path
):
    raw, out = (
        shutil.copytree(counties, tmp_path / "in"),
        shutil.copytree(province, tmp_path / "out"),
    )
    survey = next((raw / CODES[0] / "exports").glob("*/*.shp"))
    survey.write_bytes(survey.read_bytes()[:-5000])
    done = gengbao("province", raw, "--out", out, "--workers", 1, "--no-maps")
    assert done.returncode == 4
    steps = [line for line in done.stderr.splitlines() if f"{CODES[1]}县" in line and "步" in line]
    assert steps
    assert all("已是最新" in line for line in steps)
    assert survey.name in done.stderr
    assert "2 个县，完成 1 个，未完成 1 个" in done.stdout
    lines = {row["county_code"]: row for row in read_csv(out / "province/counties.csv")}
    assert [lines[code]["status"] for code in CODES] == ["未完成，未计入", "完成"]
    assert survey.name in lines[CODES[0]]["reason"]
    sums = [r for r in read_csv(out / "province/province_gaps.csv") if r["county"] == "全省"]
    own = [r for r in read_csv(out / f"counties/{CODES[1]}/data/processed/gaps.csv")
           if r["level"] == "county"]  # fmt: skip
    assert [r["remaining_mu"] for r in sums] == [r["remaining_mu"] for r in own]
    for place in (f"counties/{CODES[0]}/data", f"counties/{CODES[1]}"):
        assert hashes(out / place) == hashes(province / place), "good products were touched"


def test_folders_that_are_no_county_and_codes_twice_are_refused_one_by_one(counties, tmp_path):
    (tmp_path / "in" / "空").mkdir(parents=True)
    for name in ("甲", "乙"):
        shutil.copytree(counties / CODES[0], tmp_path / "in" / name)
    done = gengbao("province", tmp_path / "in", "--out", tmp_path / "out", "--workers", 1)
    assert done.returncode == 3
    assert "没有这个文件" in done.stderr
    assert f"县代码 {CODES[0]} 有不止一个文件夹：乙、甲" in done.stderr
    assert [row["status"] for row in read_csv(tmp_path / "out/province/counties.csv")] == [
        "未完成，未计入"
    ] * 3


def test_maps_are_drawn_once_and_kept_while_they_show_the_same(
    counties, province, tmp_path, monkeypatch
):
    runs = [
        CountyRun(folder=f.path.name, county=f.county, refused=None,
                  out=province / "counties" / f.path.name)
        for f in find(counties)
    ]  # fmt: skip
    one = [spec for spec in specs() if spec.name == "league"]
    monkeypatch.setattr("pipeline.province.maps.specs", lambda: one)
    folder = write_products(runs, tmp_path, "示例省", drawn=True)
    assert {p.suffix for p in (folder / "maps").iterdir()} == {".pdf", ".png"}
    first = hashes(folder)
    monkeypatch.setattr("pipeline.province.maps.render", None)  # nothing is drawn again
    write_products(runs, tmp_path, "示例省", drawn=True)
    assert hashes(folder) == first


def test_who_interrupts_a_run_need_not_wait_for_what_is_under_way(counties, tmp_path, monkeypatch):
    closed = threading.Event()

    def county(_client, folder, *_args, **_options):
        if folder.path.name == CODES[0]:
            raise KeyboardInterrupt
        assert closed.wait(10), "the other county is waited for"

    monkeypatch.setattr("pipeline.province.run._county", county)
    client = SimpleNamespace(dashboard_link="", nthreads=dict, close=closed.set)
    with pytest.raises(KeyboardInterrupt):
        run(find(counties), tmp_path, client, maps=False)
    assert closed.is_set()


def test_two_runs_on_one_place_refuse_each_other(counties, tmp_path):
    with locked(tmp_path), pytest.raises(OutputError) as caught:
        run_province(counties, tmp_path, Cluster(), Wanted())
    assert caught.value.exit_code == 5
    assert "正在" in str(caught.value)


def test_large_counties_come_first_and_as_many_as_workers_end_side_by_side(counties, tmp_path):
    names = ["大", "中", "小", "空"]
    for name, more in zip(names, (300, 200, 100, 0), strict=True):
        folder = shutil.copytree(counties / CODES[0], tmp_path / name)
        (folder / "多出来的").write_bytes(bytes(more))
    found = [Folder(f.path, find(counties)[0].county) for f in find(tmp_path)]
    refused = Folder(tmp_path / "错", None)
    for workers, when in ((1, (0, 1, 2, 3)), (2, (0, 1, 2, 2)), (3, (0, 1, 1, 1)), (9, (0,) * 4)):
        assert turns([refused, *found], workers) == {
            tmp_path / name: turn for name, turn in zip(names, when, strict=True)
        }


def test_of_a_countys_steps_those_come_first_on_which_the_longest_chain_stands(counties, tmp_path):
    county = find(counties)[0].county
    steps = before(list(plan(Desk(county, tmp_path))))
    first, second = (priorities(steps, turn) for turn in (0, 1))
    for step, makers in steps.items():
        assert all(first[maker] > first[step] for maker in makers), step
    assert first["入库 2022-12-31"] > first["回收台账"]
    assert min(first.values()) == 0
    assert max(second.values()) < 0, "whatever of the county before is ready goes first"


@pytest.mark.parametrize(
    ("cluster", "gib"),
    [
        (Cluster(workers=2), 3),  # 2 × 3 GiB of 8
        (Cluster(workers=4), 2),  # an even share of 8 is less than 3
        (Cluster(workers=4, memory="5GiB"), 5),  # who says so gets it
    ],
)
def test_a_worker_may_use_three_gib_or_an_even_share_of_a_small_machine(cluster, gib):
    assert MEMORY == "3GiB"
    assert cluster.bound(8 * 2**30) == gib * 2**30


def test_the_bound_of_a_worker_is_told_where_it_is_asked_for():
    assert f"默认：{MEMORY}" in " ".join(gengbao("province", "--help").stdout.split())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("没有这里", "--out", "x"), "没有这个文件夹"),
        ((".", "--out", "x", "--workers", "0"), "应为正整数"),
        ((".", "--out", "x", "--memory", "三个G"), "应写成 3GiB"),
        ((".", "--out", "x", "--memory", "3"), "至少 100MiB"),
        ((".",), "--out"),
    ],
)
def test_a_wrong_command_line_is_told(args, said):
    done = gengbao("province", *args)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_countys_own_folder_is_no_province(tiny, tmp_path):
    with pytest.raises(UsageError, match=r"这是一个县的文件夹.*写它的上一级"):
        run_province(tiny, tmp_path, Cluster(), Wanted())


def test_a_scheduler_that_does_not_answer_is_told(counties, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.province.cluster.CONNECT_SECONDS", 0.5)
    nobody = Cluster(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(UsageError, match="连不上") as caught:
        run_province(counties, tmp_path / "out", nobody, Wanted())
    assert caught.value.exit_code == 2


def test_the_tasks_of_all_counties_open_as_one_layer(province):
    files = sorted((province / "province" / "tasks").glob("county=*/tasks.parquet"))
    assert [file.parent.name for file in files] == [f"county={code}" for code in CODES]
    tasks = pd.concat([gpd.read_parquet(file) for file in files])
    assert tasks.crs == "EPSG:4490"
    for code in CODES:
        ledger = gpd.read_parquet(province / f"counties/{code}/data/processed/ledger.parquet")
        own = tasks[tasks["county_code"] == code]
        assert sorted(own["task_id"]) == sorted(ledger["task_id"])
        assert own["area_m2"].sum() == pytest.approx(ledger["area_m2"].sum(), abs=1e-6)
    box = shapely.box(*files and gpd.read_parquet(files[0]).iloc[:1].total_bounds)
    near = gpd.read_parquet(files[0], bbox=box.bounds)
    assert 0 < len(near) < len(gpd.read_parquet(files[0]))
    assert "bbox" in pq.read_schema(files[0]).names


def test_other_engines_open_the_tasks_and_pass_over_what_lies_elsewhere(province):
    duckdb = pytest.importorskip("duckdb")
    layer = f"read_parquet('{province}/province/tasks/*/tasks.parquet', hive_partitioning = true)"
    ours = pd.concat(
        gpd.read_parquet(file) for file in (province / "province/tasks").glob("*/*.parquet")
    )
    west = float(ours.total_bounds[[0, 2]].mean())
    query = f"SELECT county, count(*) FROM {layer} WHERE bbox.xmin > {west} GROUP BY 1 ORDER BY 1"  # noqa: S608
    found = {str(county): count for county, count in duckdb.sql(query).fetchall()}
    there = ours[ours.geometry.bounds["minx"] > west]
    assert found == there["county_code"].value_counts().to_dict()
    sedonadb = pytest.importorskip("sedonadb")
    files = [str(file) for file in (province / "province/tasks").glob("*/*.parquet")]
    assert sedonadb.connect().read_parquet(files).count() == len(ours)


def test_the_workbook_holds_the_same_figures_and_says_that_they_are_made_up(province):
    book = openpyxl.load_workbook(province / "province/全省汇总.xlsx", data_only=True)
    page = book["缺口与排名"]
    assert "示例数据" in page["A2"].value
    heads = [cell.value for cell in page[3]]
    printed = {
        (row[heads.index("指标")], row[heads.index("县（市、区）")]): row[heads.index("剩余（亩）")]
        for row in page.iter_rows(min_row=4, values_only=True)
        if row[heads.index("剩余（亩）")] is not None
    }
    labels = {"cropland": "耕地保护目标", "pbf": "永久基本农田", "in_out_balance": "进出平衡"}
    rows = read_csv(province / "province/province_gaps.csv")
    assert len(printed) == len(rows) == 9  # two counties and their sum, three indicators
    for row in rows:
        cell = printed[labels[row["indicator"]], row["county"]]
        assert cell == pytest.approx(float(row["remaining_mu"]), abs=1e-9)


def test_tasks_are_sorted_along_the_curve_and_keep_their_count():
    shapes = [shapely.box(x, 3_700_000, x + 10, 3_700_010) for x in (36_600_000, 36_500_000)]
    ledger = gpd.GeoDataFrame(
        {"task_id": ["b", "a"]}, geometry=[*shapes], crs="EPSG:4524",
    )  # fmt: skip
    tasks = sorted_tasks(ledger, "990001", "甲县", date(2023, 9, 30))
    place = tasks.geometry.hilbert_distance()
    assert place.is_monotonic_increasing
    assert sorted(tasks["task_id"]) == ["a", "b"]
    assert list(tasks.columns[:3]) == ["county_code", "county_name", "export"]


def county_tables(code, newest, gaps, verdict="达标"):
    rows = [
        {
            "export": export, "level": level, "town_code": "", "town": "", "indicator": "cropland",
            "target_mu": target, "published_gap_mu": None, "gap_mu": gap, "restored_mu": done,
            "remaining_mu": str(Decimal(gap) - Decimal(done)), "done_pct": "0", "planned_mu": None,
            "rank": None,
        }
        for export, level, target, gap, done in gaps
    ]  # fmt: skip
    summary = [
        dict.fromkeys(
            ("plots", "closed_plots", "open_plots", "withdrawn_plots", "distinct_plots"), "2"
        )
        | dict.fromkeys(("area_mu", "restored_mu", "remaining_mu", "withdrawn_mu"), "0.000015")
        | {"export": newest, "level": level, "area_m2": "0.01", "category": "none", "label": "无"}
        for level in ("town", "county")
    ]
    indicator = {"indicator": "pbf", "number": "2", "name": "永农", "label": "永农"}
    tables = {
        "gaps": pd.DataFrame(rows),
        "summary": pd.DataFrame(summary),
        "indicators": pd.DataFrame([indicator | {"verdict": verdict}]),
    }
    newest_day = date.fromisoformat(newest)
    return CountyTables(code=code, name=f"{code}县", newest=newest_day, tables=tables)


def test_a_provinces_gap_is_the_sum_of_its_counties_newest_and_counties_are_ranked():
    first = [
        ("2023-09-30", "county", "100", "90", "1"),  # an older export has no say
        ("2023-10-31", "county", "100", "30", "10"),
        ("2023-10-31", "town", "100", "30", "10"),
    ]
    table = province_gaps(
        [
            county_tables("1", "2023-10-31", first),
            county_tables("2", "2023-09-30", [("2023-09-30", "county", None, "10.5", "10.5")]),
            county_tables("3", "2023-09-30", [("2023-09-30", "county", "5", "0.3", "0.1")]),
        ]
    )
    whole = table[table["county"] == "全省"].iloc[0]
    # 30 + 10.5 + 0.3; restored 10 + 10.5 + 0.1; 20.6 ÷ 40.8 = 50.4902 %
    assert whole["gap_mu"] == Decimal("40.8")
    assert whole["done_pct"] == Decimal("50.49")
    assert whole["target_mu"] is None or pd.isna(whole["target_mu"]), "one county states none"
    # 33.33 %, 100 %, 33.33 %
    assert list(table["rank"][:3]) == [2, 1, 2]


def test_a_provinces_summary_and_verdicts_add_up():
    own = [("2023-09-30", "county", "1", "1", "0")]
    counties = [
        county_tables("1", "2023-09-30", own), county_tables("2", "2023-09-30", own, "不达标"),
    ]  # fmt: skip
    summary = province_summary(counties)
    assert list(summary["county"]) == ["1县", "2县", "全省"]
    assert summary.iloc[2]["area_m2"] == Decimal("0.02")
    assert summary.iloc[2]["plots"] == 4
    verdicts = province_indicators(counties).iloc[0]
    assert (verdicts["counties"], verdicts["达标"], verdicts["不达标"]) == (2, 1, 1)

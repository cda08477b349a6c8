"""The benchmark suite tells of engines that have no answer, and fails only where it must."""

from __future__ import annotations

import sys

import pytest
from command_line import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import core_job
from made import engine, report

SCRIPTS = {
    "gengbao": """import json
json.dump({"stages": {}, "totals": {"county": {"area_m2": 100.0}}}, __import__("sys").stdout)""",
    "geopandas_overlay": "raise MemoryError('2 | GiB')",
    "duckdb_plain": "from wait import long\nlong()",
    "wait": "import subprocess, sys\n"
    "def long(): subprocess.run([sys.executable, '-c', 'while True: pass'])",
}


@pytest.fixture
def engines(tmp_path, monkeypatch):
    for name, text in SCRIPTS.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(engine, "ENGINES", tmp_path)
    return tmp_path


def test_an_engine_that_fails_is_named_with_its_reason_and_the_rest_is_told(engines):
    results = {
        ("county", name): {"plots": 10} | engine.ran(name, engines, 60)
        for name in ("gengbao", "geopandas_overlay")
    }
    assert results["county", "geopandas_overlay"]["failed"] == "MemoryError: 2 | GiB"
    page = "\n".join(report.tables(results))
    assert "没有做完：`MemoryError: 2 / GiB`" in page
    assert core_job.faults(results) == []


def test_an_engine_over_the_limit_is_ended_with_its_children_and_told_as_slower(engines):
    ended = {"plots": 10} | engine.ran("duckdb_plain", engines, 0.6)
    assert ended["over_min"] == pytest.approx(0.01)
    assert 0 < ended["cpu_s"] < ended["wall_s"] + 1  # what it had used until then
    ours = {"plots": 10, "stages": {}, "wall_s": 0.1, "cpu_s": 0.05, "peak_mb": 1, "beside": 0}
    slow = ended | {"wall_s": 0.6, "cpu_s": 0.5, "beside": 0.0, "over_min": 30.0}
    page = report.tables({("medium", "gengbao"): ours, ("medium", "duckdb_plain"): slow})
    row = next(line for line in page if "超过 30 分钟" in line)
    cells = row.split(" | ")
    assert cells[1:3] + cells[4:6] == ["> 0.6", "> 0.5", "> 6.0", "> 10.0"]


def test_wall_times_are_not_compared_where_others_kept_the_machine_busy():
    ours = {"plots": 10, "stages": {}, "wall_s": 2.0, "cpu_s": 3.0, "peak_mb": 1, "beside": 0.1}
    peer = ours | {"wall_s": 8.0, "cpu_s": 15.0}
    for beside, wall in ((0.1, "4.0"), (0.5, "—")):
        slow = peer | {"beside": beside}
        page = report.tables({("medium", "gengbao"): ours, ("medium", "shapely_by_hand"): slow})
        row = next(line for line in page if line.startswith("| shapely"))
        assert row.split(" | ")[4:7] == [wall, "5.0", f"{beside:.2f}"]


@pytest.mark.parametrize("name", ["gengbao", "floor"])
def test_our_own_engine_and_the_floor_must_have_an_answer(name):
    assert core_job.faults({("small", name): {"failed": "signal 9"}}) == [f"small {name}: signal 9"]


def test_areas_that_part_from_ours_by_more_than_a_billionth_fail_the_run():
    def result(area_m2):
        return {"totals": {"county": {"area_m2": area_m2}}}

    ours = {("small", "gengbao"): result(1e9)}
    assert core_job.faults(ours | {("small", "sedonadb_tuned"): result(1e9 + 0.9)}) == []
    (fault,) = core_job.faults(ours | {("small", "sedonadb_tuned"): result(1e9 + 1.1)})
    assert fault.startswith("small sedonadb_tuned: county area_m2")


def test_a_result_stands_as_long_as_the_script_and_what_it_imports_stay_as_they_are(engines):
    before = engine.script("duckdb_plain")
    assert engine.script("duckdb_plain") == before
    (engines / "wait.py").write_text("def long(): pass", encoding="utf-8")
    assert engine.script("duckdb_plain") != before

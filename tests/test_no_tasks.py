"""A county where no plot needs work: everything is made all the same, and says so."""

from __future__ import annotations

import shutil

import pytest
from command_line import gengbao, read_csv

from pipeline import reports
from pipeline.freshness import State
from pipeline.ingest.county import load_county
from pipeline.stages import Desk, reporting

PACK = """order,rule_id,when,category,basis,case_no,example_yes,example_no,note
10,A,dlbm_known = no,review,甲,,dlbm_known=no; dlbm=?; land=?,dlbm_known=yes,
20,B,else,none,乙,,cultivated=yes,dlbm_known=no,
"""


@pytest.fixture(scope="module")
def desk(tiny, finished, tmp_path_factory):
    """The tiny county by rules that know no task, up to the figures."""
    folder = tmp_path_factory.mktemp("no_tasks")
    raw, out = (shutil.copytree(f, folder / n) for f, n in ((tiny, "raw"), (finished, "out")))
    (raw / "own.csv").write_text(PACK, encoding="utf-8")
    toml = raw / "county.toml"
    text = toml.read_text(encoding="utf-8").replace('"zhashui-2023"', '"own.csv"')
    toml.write_text(text, encoding="utf-8")
    done = gengbao("aggregate", "--county", raw, "--out", out)
    assert done.returncode == 0, done.stderr
    return Desk(load_county(raw), out)


def test_every_sum_is_nothing_and_done(desk):
    rows = read_csv(desk.processed / "gaps.csv")
    assert {row["remaining_mu"] for row in rows} == {"0.000000"}
    assert {float(row["done_pct"]) for row in rows} == {100.0}


@pytest.mark.parametrize("name", [spec.name for spec in reports.discover()])
def test_every_report_is_made(desk, name):
    state = State.load(desk.state_file)
    (job,) = reporting.jobs(desk, state, [name])
    assert job.compute(state).facts["products"][name]["files"]

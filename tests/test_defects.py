"""Planted defects: every kind is there, told in truth.csv, and expected to be found."""

from __future__ import annotations

import ast
import sys

import pandas as pd
import pytest
from command_line import ROOT, gengbao, hashes, read_csv

from pipeline.errors import GengbaoError
from pipeline.sample import make_sample
from pipeline.sample.defects import TRUTH, kinds, values

sys.path.insert(0, str(ROOT / "benchmarks"))
import quality_truth

COLUMNS = (
    "id", "kind", "label", "layer", "file", "row", "bsm", "other_bsm", "x_min", "y_min", "x_max",
    "y_max", "area_m2", "company",
)  # fmt: skip


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The tiny county with two of each kind."""
    root = tmp_path_factory.mktemp("planted") / "raw"
    done = gengbao(
        "sample", "--county", root, "--scale", "tiny", "--defects", 2, "--seed", 7, "--exports", 1
    )
    assert done.returncode == 0, done.stderr
    return root


def test_every_kind_is_planted_and_told_with_its_place(planted):
    truth = read_csv(planted / TRUTH)
    assert tuple(truth[0]) == COLUMNS
    assert {row["kind"] for row in truth} == set(kinds())
    assert [row["id"] for row in truth] == [str(n) for n in range(1, len(truth) + 1)]
    for row in truth:
        assert float(row["x_min"]) <= float(row["x_max"]), row
        assert float(row["y_min"]) <= float(row["y_max"]), row
        assert (planted / row["file"]).exists() or row["kind"].endswith("_gone"), row
        assert row["label"], row


def test_there_are_more_than_sixty_kinds_in_bytes_fields_values_shapes_and_zones(planted):
    truth = read_csv(planted / TRUTH)
    assert len(kinds()) > 60
    folders = {row["file"].split("/")[0] for row in truth}
    assert folders == {"exports", "reference", "defects"}


def test_defects_of_plots_stand_alone_and_in_company(planted):
    truth = [row for row in read_csv(planted / TRUTH) if row["file"].startswith("exports/")]
    together = [row for row in truth if row["company"] == "True"]
    assert 0.3 < len(together) / len(truth) < 0.7
    of_plot = {}
    for row in truth:
        of_plot.setdefault(row["row"], []).append(row["company"])
    for row, company in of_plot.items():
        if row:
            assert set(company) == ({"True"} if len(company) > 1 else {"False"}), row


def test_the_same_seed_gives_the_same_bytes(planted, tmp_path):
    again = tmp_path / "raw"
    make_sample(again, scale="tiny", defects=2, seed=7, exports=1)
    kept = {name: key for name, key in hashes(planted).items() if ".gdb/" not in name}
    assert kept == {name: key for name, key in hashes(again).items() if ".gdb/" not in name}


def test_every_kind_has_an_expectation_and_every_rule_in_it_exists():
    expected = quality_truth.expectations()
    assert set(expected) == set(kinds())
    rules = set(quality_truth.levels())
    for kind, (needed, also) in expected.items():
        assert needed, kind
        assert not {*needed, *also} - rules, kind


def test_a_row_of_defects_that_cannot_be_read_is_no_empty_row(monkeypatch):
    row = {"kind": "x", "label": "错", "where": "DLBM~^01&TBMJ<9", "set": "TBMJ=~"}
    monkeypatch.setattr(values, "table", lambda _: pd.DataFrame([row]))
    with pytest.raises(GengbaoError, match="看不懂“TBMJ<9”"):
        values.wrongs()


def test_what_plants_defects_uses_nothing_of_what_finds_them():
    for file in sorted((ROOT / "pipeline" / "sample").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            rooms = {".".join(name.split(".")[:2]) for name in names}
            assert not rooms & {"pipeline.quality", "pipeline.ingest"}, file


def test_the_quality_page_says_what_is_measured_now():
    page = (ROOT / "docs" / "quality.md").read_text(encoding="utf-8")
    stated = page[page.index(quality_truth.SMALL_PART) :]
    assert stated == quality_truth.small_part(), "请运行 make quality-truth"


def test_a_folder_made_by_hand_is_not_overwritten(tmp_path):
    (tmp_path / "我的图斑.shp").write_bytes(b"x")
    done = gengbao("sample", "--county", tmp_path, "--scale", "tiny", "--defects", 1)
    assert done.returncode != 0
    assert [path.name for path in tmp_path.iterdir()] == ["我的图斑.shp"]


def test_ingest_of_a_county_with_defects_ends_with_words(planted, tmp_path):
    done = gengbao("ingest", "--county", planted, "--out", tmp_path)
    assert done.returncode in {0, 4}, done.stderr
    assert done.returncode == 0 or "BSM" in done.stderr, done.stderr

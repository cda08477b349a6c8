"""`gengbao reconcile` through the command line: what it prints, and published tables it refuses."""

from __future__ import annotations

import shutil

import pytest
from command_line import hashes, read_csv

from pipeline import cli


@pytest.fixture
def run(finished, capsys):
    """Run `gengbao reconcile` on a county; return exit code, what was printed, complained."""

    def reconciled(county, *options, out=finished):
        code = cli.run(["reconcile", "--county", str(county), "--out", str(out), *options])
        said = capsys.readouterr()
        return code, said.out, said.err

    return reconciled


def test_it_prints_every_finding_of_the_table_and_redoes_nothing(tiny, finished, run):
    before = hashes(finished)
    code, said, complaint = run(tiny)
    assert code == 0, complaint
    assert said.startswith("公布数核对（示例数据）\n")
    rows = read_csv(finished / "data/processed/reconcile.csv")
    for check, title in (("printed-internal", "自己"), ("printed-computed", "图斑")):
        own = [row for row in rows if row["check"] == check]
        head = next(
            line for line in said.splitlines() if title in line and f"（{len(own)} 个数）" in line
        )
        equal = sum(row["verdict"] == "equal" for row in own)
        assert f"相等 {equal}" in head
    told = [line for line in said.splitlines() if line.startswith("  ")]
    assert len(told) == sum(row["verdict"] != "equal" for row in rows)
    assert all("；" in line for line in told)
    code, whole, _ = run(tiny, "--all")
    assert code == 0
    assert len([line for line in whole.splitlines() if line.startswith("  ")]) == len(rows)
    assert hashes(finished) == before


@pytest.fixture
def misprinted(tiny, tmp_path):
    """The tiny county with one line of published.csv changed by a function of its text."""

    def made(change):
        root = tmp_path / "raw"
        shutil.copytree(tiny, root)
        file = root / "published.csv"
        file.write_bytes(change(file.read_text(encoding="utf-8-sig")).encode())
        return root

    return made


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("附件2,河口镇,", "附件2,河囗镇,", "第 2 行：town“河囗镇”不在 towns.csv 中"),
        ("suspected_change,2,", "suspected_change,二,", "第 2 行：plots“二”不是整数"),
        ("河口镇,suspected_change,2,", "河口镇,suspected_chang,2,", "suspected_chang"),
    ],
)
def test_a_misprint_is_named_with_its_line_and_nothing_is_made(
    misprinted, run, tmp_path, old, new, said
):
    root = misprinted(lambda text: text.replace(old, new, 1))
    before = hashes(root)
    code, printed, complaint = run(root, out=tmp_path / "out")
    assert (code, printed) == (3, "")
    assert "published.csv" in complaint
    assert said in complaint
    assert "处理办法" in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "out" / "data").exists()
    assert hashes(root) == before


def test_a_misprinted_town_names_the_one_that_is_meant(misprinted, run, tmp_path):
    root = misprinted(lambda text: text.replace("附件2,河口镇,", "附件2,河囗镇,", 1))
    assert "是否应为“河口镇”" in run(root, out=tmp_path / "out")[2]


def test_without_published_figures_there_is_nothing_to_reconcile(misprinted, run, tmp_path):
    root = misprinted(lambda _: "table,town,item,plots,area_mu\n")
    code, printed, complaint = run(root, out=tmp_path / "out")
    assert (code, printed) == (3, "")
    assert "没有公布的数，无从核对" in complaint

"""`gengbao trace` on the five indicators: worked out a second time, told, written, refused."""

from __future__ import annotations

import shutil
from decimal import Decimal

import geopandas as gpd
import pytest
from command_line import read_csv

from pipeline.ingest.county import load_county
from pipeline.tables.figures import load_figures, load_indicator_figures
from pipeline.tables.indicators import MEASURED, assessed

TOWN = "河口镇"


def test_every_indicator_is_a_figure_of_its_own():
    figures = load_indicator_figures()
    assert [figure.label for figure in figures] == [tested.label for tested in assessed()]
    taken = {text for figure in load_figures() for text in figure.spellings}
    assert not taken & {text for figure in figures for text in figure.spellings}


@pytest.mark.parametrize("tested", assessed(), ids=lambda tested: tested.indicator.value)
def test_an_indicator_tells_value_limit_verdict_formula_and_every_term(finished, ask, tested):
    code, text, complaint = ask("全县", tested.label)
    assert code == 0, complaint
    line = next(
        row
        for row in read_csv(finished / "data/processed/indicators.csv")
        if row["indicator"] == tested.indicator.value
    )
    assert f"全县：{line['value']} {tested.unit}，" in text
    assert f"；{line['verdict']}\n" in text
    assert f"公式：\n  {line['formula']}\n" in text
    for term in tested.terms:
        assert f"  {term.label}（{term.name}）：" in text
    assert "重新算出，与成果逐一相等（indicators.csv 4 个数、indicator_terms.csv " in text


def test_the_plots_of_a_measured_term_add_up_to_it_in_every_place(tiny, finished, ask, tmp_path):
    """违法占用耕地 by town, 督导组 and county: as many plots, the same 亩, rows of this export."""
    file = tmp_path / "违法.csv"
    terms = read_csv(finished / "data/processed/indicator_terms.csv")
    newest = load_county(tiny).newest.isoformat()
    own = [r for r in terms if (r["indicator"], r["term"]) == ("illegal_area", "illegal")]
    assert len(own) >= 4
    for row in own:
        code, _, complaint = ask(row["town"], "illegal_area", "违法占用耕地", "--csv", file)
        assert code == 0, complaint
        rows = read_csv(file)
        assert len({r["bsm"] for r in rows}) == int(row["plots"]), row
        assert sum((Decimal(r["counted"]) for r in rows), Decimal(0)) == Decimal(row["value"])
        assert all(r["source_file"].startswith(f"exports/{newest}/") for r in rows)


def test_a_figure_made_of_terms_lists_the_plots_of_each(ask, tmp_path):
    table, gpkg = tmp_path / "永农.csv", tmp_path / "永农.gpkg"
    code, text, complaint = ask("全县", "永农指标", "--csv", table, "--gpkg", gpkg)
    assert code == 0, complaint
    rows = read_csv(table)
    assert list(dict.fromkeys(row["term"] for row in rows)) == ["kept", "supplied"]
    total = sum((Decimal(row["counted"]) for row in rows), Decimal(0))
    assert f"  实有永久基本农田（actual）：{total.normalize():f} 亩" in text
    layer = gpd.read_file(gpkg)
    assert list(layer["bsm"]) == [row["bsm"] for row in rows]
    assert layer.geometry.notna().all()


def test_a_term_of_tasks_lists_the_tasks(ask, tmp_path):
    file = tmp_path / "进出.csv"
    code, text, _ = ask("全县", "进出平衡指标", "--csv", file)
    assert code == 0
    rows = read_csv(file)
    assert rows
    assert all(row["task_id"].startswith("JC-") for row in rows)
    done = sum((Decimal(row["counted"]) for row in rows), Decimal(0))
    assert f"任务图斑已恢复面积（done）：{done.normalize():f} 亩" in text


def test_a_stated_figure_has_no_plots(ask):
    code, text, _ = ask("全县", "占补平衡")
    assert code == 0
    assert "背后没有图斑" in text
    assert "targets.csv 全县 replenishment_area due" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([TOWN, "占补平衡"], f"已补充面积是全县的数，没有分到{TOWN}"),
        ([TOWN, "违法占用比例"], "镇办、督导组可问：违法占用耕地、新增建设用地占用耕地、"),
        (["全县", "违法占用比例", "--measure", "剩余"], "不认识的指标“剩余”"),
        (["全县", "违法占用比例", "--export", "2023-09-30"], "五项指标只算最新一期"),
        (["全县", "违法占用比列"], "最接近的是 违法占用耕地比例（indicator_illegal_ratio）"),
    ],
)
def test_what_an_indicator_has_not_is_a_matter_of_usage(ask, words, said):
    code, text, complaint = ask(*words)
    assert (code, text) == (2, "")
    assert said in complaint


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [
        ("indicators", {"indicator": "illegal_area"}, "headroom"),
        (
            "indicator_terms",
            {"indicator": "illegal_area", "term": "illegal", "town": TOWN},
            "value",
        ),
        (
            "indicator_terms",
            {"indicator": "illegal_area", "term": "illegal", "town": TOWN},
            "plots",
        ),
        ("indicator_terms", {"indicator": "illegal_area", "term": "balance"}, "value"),
    ],
)
def test_an_indicator_edited_by_hand_is_found_out(finished, ask, tmp_path, name, row, column):
    out = tmp_path / "out"
    shutil.copytree(finished / "data", out / "data")
    file = out / f"data/processed/{name}.csv"
    rows = read_csv(file)
    at = next(r for r in rows if all(r[key] == value for key, value in row.items()))
    at[column] = "77"
    text = "\n".join([",".join(rows[0]), *(",".join(f'"{c}"' for c in r.values()) for r in rows)])
    file.write_text(text + "\n", encoding="utf-8-sig")
    target = tmp_path / "违法.csv"
    code, said, complaint = ask("全县", "illegal_area", "--csv", target, out=out)
    assert (code, said) == (1, "")
    assert f"{name}.csv" in complaint
    assert "成果中为 77" in complaint
    assert not target.exists()


TERMS = {
    term.name: (tested.label, term.label)
    for tested in assessed() for term in tested.terms if term.origin == MEASURED
}  # fmt: skip


@pytest.mark.parametrize("name", TERMS)
def test_every_measured_term_can_be_asked_of_a_town(ask, name):
    figure, measure = TERMS[name]
    code, text, complaint = ask(TOWN, figure, "--measure", measure)
    assert code == 0, complaint
    assert f"{measure}（{name}）：" in text

"""The county's notice (柞政函〔2023〕120号) against itself and against plots: every verdict."""

from __future__ import annotations

import csv
from dataclasses import replace
from decimal import Decimal
from importlib import resources

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.model import Published
from pipeline.reconcile import Printed, findings_text, reconcile
from pipeline.tables.figures import figure_labels
from pipeline.tables.published import load_published_items

ITEMS, LABELS = load_published_items(), figure_labels()
SUMS = {row.item: row.parts for row in ITEMS if row.kind == "definition"}


def package_rows(name):
    text = resources.files("pipeline.sample").joinpath("tables", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@pytest.fixture(scope="module")
def notice():
    columns = ("table", "town", "item", "plots", "area_mu")
    rows = package_rows("zhashui_published.csv")
    return [Published(**{name: row[name] for name in columns}) for row in rows]


@pytest.fixture(scope="module")
def summary():
    """The county at 0.1 亩, as summary.csv would hold it."""
    cells = pd.DataFrame(package_rows("zhashui_cells.csv"))[
        ["town", "category", "plots", "area_mu"]
    ]
    cells = cells.assign(plots=cells["plots"].astype(int), area_mu=cells["area_mu"].map(Decimal))
    county = cells.groupby("category", as_index=False)[["plots", "area_mu"]].sum()
    leaves = pd.concat([cells, county.assign(town="全县")])
    parts = [leaves]
    for name in ("pbf_subtotal", "cropland_subtotal", "total"):
        members = leaves[leaves["category"].isin(SUMS[name])]
        sums = members.groupby("town", as_index=False)[["plots", "area_mu"]].sum()
        parts.append(sums.assign(category=name))
    return pd.concat(parts).astype(str)


@pytest.fixture(scope="module")
def report(notice, summary):
    return reconcile(notice, summary, ITEMS, LABELS)


def found(report, check, **wanted):
    rows = report[report["check"] == check]
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def test_the_two_real_conflicts_of_the_notice_are_named(report):
    real = found(report, "printed-internal", verdict="real")
    assert set(zip(real["town"], real["published"], real["computed"], strict=True)) == {
        ("杏坪镇", "610", "606"),
        ("杏坪镇", "610", "612"),
        ("曹坪镇", "134", "139"),
    }
    assert real["reason"].str.contains("不相交").all()


def test_leaving_suspected_plots_out_of_the_gap_is_a_definition(report):
    rows = found(report, "printed-internal", verdict="definition")
    assert set(rows["town"]) == {"营盘镇", "乾佑街办", "凤凰镇", "红岩寺镇", "瓦房口镇", "全县"}
    county = rows[rows["town"] == "全县"]
    assert county[["published", "computed"]].to_numpy().tolist() == [["2670", "2761"]]
    assert "不含疑似" in county["reason"].item()


def test_the_four_totals_off_by_one_are_rounding_with_their_intervals(report):
    rows = found(report, "printed-internal", table="附件2", verdict="rounding")
    assert set(rows["town"]) == {"凤凰镇", "曹坪镇", "瓦房口镇", "全县"}
    assert set(rows["item"]) == {"total"}
    assert set(rows["difference"]) == {"1", "-1"}
    assert rows["reason"].str.contains("取整可同时成立").all()


def test_every_count_of_the_notice_adds_up(report):
    assert set(found(report, "printed-internal", measure="plots")["verdict"]) == {"equal"}


def test_the_printed_table_equals_the_plots_cell_by_cell(report):
    table = found(report, "printed-computed", table="附件2")
    assert len(table) == 200  # 10 rows × 10 columns × (plots, 亩)
    assert set(table["verdict"]) == {"equal"}


def test_against_the_plots_only_two_text_figures_are_real(report):
    rows = found(report, "printed-computed")
    real = rows[rows["verdict"] != "equal"]
    assert set(zip(real["town"], real["item"], real["verdict"], strict=True)) == {
        ("杏坪镇", "pbf_gap", "real"),
        ("曹坪镇", "pbf_gap", "real"),
    }


def test_every_reason_names_categories_and_sums_as_the_tables_call_them(report):
    assert not report["reason"].str.contains("[A-Za-z_]").any()
    gap = found(report, "printed-internal", town="杏坪镇", item="pbf_gap")["reason"]
    parts = "永农就地恢复 + 核实处置自提 + 异地调整补划"
    assert gap.str.startswith(f"应等于 {parts}；").any()
    assert gap.str.startswith("应等于 永久基本农田保护小计；").any()
    assert not any(name in line for name in ITEMS[0].parts for line in report["reason"])


def test_a_wrong_count_and_a_wrong_area_are_real(notice, summary):
    changed = [
        replace(row, plots="24", area_mu="126")
        if (row.town, row.item) == ("营盘镇", "outflow_restore")
        else row
        for row in notice
    ]
    report = reconcile(changed, summary, ITEMS, LABELS)
    rows = found(report, "printed-computed", town="营盘镇", item="outflow_restore")
    assert set(rows["verdict"]) == {"real"}


def test_an_unknown_item_is_refused_with_the_known_ones(summary):
    rows = [Published(table="附件2", town="营盘镇", item="totl", plots="1", area_mu="2")]
    with pytest.raises(ConfigError, match="item“totl”不认识"):
        reconcile(rows, summary, ITEMS, LABELS)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("110", "109.5", "110.5"), ("110.0", "109.95", "110.05"), ("0", "0", "0.5")],
)
def test_a_printed_number_stands_for_an_interval_by_its_last_digit(text, low, high):
    printed = Printed.parse(text)
    assert (printed.low, printed.high) == (Decimal(low), Decimal(high))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.decimals(0, 2000, places=2), min_size=2, max_size=7))
def test_honest_rounding_is_never_called_real(values):
    """Parts rounded on their own and their exact sum rounded: always equal or rounding."""
    printed = [Printed.parse(str(round_half_up(v))) for v in values]
    whole = Printed.parse(str(round_half_up(sum(values, Decimal(0)))))
    total = printed[0]
    for part in printed[1:]:
        total += part
    assert whole.meets(total)


def round_half_up(value):
    return (value + Decimal("0.5")).to_integral_value("ROUND_FLOOR")


def test_the_findings_are_told_worst_first_with_their_proof(report):
    lines = findings_text(report, LABELS, sample=True, equal=False).splitlines()
    assert lines[0] == "公布数核对（示例数据）"
    assert lines[1].startswith("公布的数自己核对（")
    assert "真差 4、口径 6、" in lines[1]
    real = lines[2:6]
    assert all(line.startswith("  真差 ") for line in real)
    assert any("杏坪镇 永久基本农田缺口：公布 610 亩，核对 606 亩，差 4；" in line for line in real)
    assert any(
        "曹坪镇 永久基本农田缺口：公布 134 亩，核对 139 亩，差 -5；" in line for line in real
    )
    assert any(
        "口径 " in line and "全县 永久基本农田缺口：公布 2670 亩，核对 2761 亩" in line
        for line in lines
    )
    assert not any(line.startswith("  相等") for line in lines)
    whole = findings_text(report, LABELS, sample=False, equal=True).splitlines()
    assert len(whole) == 3 + len(report)

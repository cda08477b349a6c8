"""Sheets of small maps: every panel's figures are the tables', one legend sums them up."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest
import shapely
from matplotlib.colors import to_hex
from sheets import faults, patches, rings, written
from test_render import LEDGER, TOWNS, county_of, gaps_of, outlines

from pipeline.render import MapData, discover, style
from pipeline.tables import classes

SPECS = {spec.name: spec for spec in discover()}
TASKS = [category.name for category in classes() if category.task]


def summary(plots):
    """Rows of summary.csv: plots by (town number, category number); a plot has 1.5 亩."""
    rows = []
    for n, town in enumerate(TOWNS):
        for k, name in enumerate(TASKS):
            rows.append(("town", town[0], town[1], name, plots(n, k)))
        rows.append(("town", town[0], town[1], "total", sum(plots(n, k) for k in range(7))))
    for k, name in enumerate(TASKS):
        rows.append(("county", "611026", "全县", name, sum(plots(n, k) for n in range(9))))
    whole = sum(plots(n, k) for n in range(9) for k in range(7))
    rows.append(("county", "611026", "全县", "total", whole))
    table = pd.DataFrame(rows, columns=["level", "town_code", "town", "category", "plots"])
    return table.assign(
        export=LEDGER.isoformat(), area_mu=(table["plots"] * 1.5).map("{:.6f}".format),
        plots=table["plots"].astype(str),
    )  # fmt: skip


def sheet(name, **changes):
    data = MapData(
        **{
            "county": county_of(), "towns": outlines(), "export": LEDGER, "product_id": "ab12",
            "gaps": gaps_of(),
        } | changes
    )  # fmt: skip
    with style.context():
        (figure,) = SPECS[name].draw(data)
    return figure


def fills(figure):
    found = {}
    for patch in patches(figure, "town:"):
        found.setdefault(patch.get_gid()[5:], []).append(to_hex(patch.get_facecolor()))
    return found


def test_each_category_has_its_panel_and_the_legend_sums_to_all_plots():
    figure = sheet("categories", summary=summary(lambda n, k: n * k))
    said = written(figure)
    # Σ n·k over n = 0…8, k = 0…6: 36 · 21 = 756; category k: 36·k
    assert "756" in said
    assert [f"{36 * k:,} 个图斑，{54 * k:,} 亩" in said for k in range(7)] == [True] * 7
    assert all(category.label_long in said for category in classes() if category.task)
    # town 8 (瓦房口镇): 0, 8, 16, 24, 32, 40, 48 plots
    assert fills(figure)["611026110"] == [
        "#e3eef4", "#fff3bf", "#fdcb7a", "#fdcb7a", "#f8913f", "#f8913f", "#f8913f",
    ]  # fmt: skip
    assert faults(figure) == []


def test_no_task_at_all_is_said():
    figure = sheet("categories", summary=summary(lambda _n, _k: 0))
    assert "全县没有整改任务" in written(figure)
    assert faults(figure) == []


@pytest.mark.parametrize("count", [1, 2, 5, 8, 12])
def test_progress_shows_the_first_and_the_newest_exports(count):
    days = [LEDGER, *(date(2023, 10, n) for n in range(1, count))]
    tables = []
    for n, day in enumerate(days):
        gaps = gaps_of(export=day).assign(done_pct=f"{n}.00")
        gaps["restored_mu"] = "1"
        tables.append(gaps)
    county = county_of(exports=(date(2022, 12, 31), *days))
    figure = sheet("cropland_progress", gaps=pd.concat(tables), county=county, export=days[-1])
    said = written(figure)
    shown = days if count <= 7 else [days[0], *days[-6:]]
    heads = [text for text in said if text.startswith("第") and "期 " in text]
    assert len(heads) == len(shown)
    assert f"第{count}期 {days[-1].year}年{days[-1].month}月{days[-1].day}日" in said
    assert any(
        "首期尚无进度可比" in t if count == 1 else "比上期提高1.0个百分点" in t for t in said
    )
    assert (f"共{count}期，图上为台账首期和最近6期。" in "".join(said)) == (count > 7)
    assert faults(figure) == []


def test_panels_share_one_scale():
    figure = sheet("categories", summary=summary(lambda n, k: n * k))
    same = patches(figure, "town:611026109")
    assert len({round(shapely.union_all(rings(patch)).area, 6) for patch in same}) == 1

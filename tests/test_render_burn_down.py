"""Burn-down pages: figures of progress.csv, towns on one scale, texts apart."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from sheets import faults, written
from test_render import LEDGER, TOWNS, county_of, outlines

from pipeline.model import Indicator, Planned
from pipeline.render import MapData, discover, style
from pipeline.render.chart import nice_top, tick_step

SPEC = next(spec for spec in discover() if spec.name == "burn_down")
DAYS = (LEDGER, date(2023, 10, 31), date(2023, 11, 15))


def progress(days=DAYS):
    """Every town starts with 100 亩 and does 20 per export."""
    rows = []
    for n, day in enumerate(days):
        for level, code, name, share in [
            *(("town", t[0], t[1], 1) for t in TOWNS),
            ("county", "611026", "全县", len(TOWNS)),
        ]:
            for indicator in ("cropland", "pbf", "in_out_balance"):
                rows += [
                    {
                        "export": day.isoformat(), "level": level, "town_code": code, "town": name,
                        "indicator": indicator, "open_mu": f"{(100 - 20 * n) * share}.000000",
                        "done_mu": f"{20 * n * share}.000000",
                        "behind_mu": f"{5 * share}.000000" if n else None, "low_mu": None,
                        "high_mu": None, "outlook": "too_few",
                    }
                ]  # fmt: skip
    return pd.DataFrame(rows)


def pages(**changes):
    plan = tuple(
        Planned(town=t[1], indicator=Indicator.CROPLAND, date=date(2023, 12, 10),
                planned_mu=Decimal(90))
        for t in TOWNS
    )  # fmt: skip
    data = MapData(
        **{
            "county": county_of(plan=plan), "towns": outlines(), "export": DAYS[-1],
            "product_id": "ab12", "progress": progress(),
        } | changes
    )  # fmt: skip
    with style.context():
        return list(SPEC.draw(data))


def test_each_indicator_has_a_page_with_the_figures_of_the_table():
    figures = pages()
    assert len(figures) == 3
    said = written(figures[0])
    assert "全县耕地保护目标剩余540亩，低于计划45亩，期数太少，无法推算" in said
    assert said.count("剩余60亩 ▲低于计划5") == 9
    assert "没有 plan.csv" not in "".join(said)
    assert [faults(figure) for figure in figures] == [[], [], []]


def test_without_a_plan_the_page_says_so():
    said = written(pages(county=county_of())[0])
    assert any("没有 plan.csv，不画计划线" in text for text in said)


@pytest.mark.parametrize(
    ("most", "top", "step"), [(0.0, 0.01, 0.01), (9.0, 10.0, 2.0), (540.0, 600.0, 200.0)]
)
def test_the_axis_ends_at_a_round_amount(most, top, step):
    assert nice_top(most) == pytest.approx(top)
    assert tick_step(most) == pytest.approx(step)

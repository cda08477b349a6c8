"""Waterfall and ranking charts: figures of their tables, ways told by sign, ties and reopenings."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pandas as pd
import pytest
from gallery import STEPS, county_data
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import Rectangle
from sheets import faults, written
from test_render import LEDGER, TOWNS, county_of

from pipeline.errors import GengbaoError
from pipeline.render import discover, style
from pipeline.render.chart import cells, spread
from pipeline.render.maps.ranking import headline, tracks
from pipeline.render.maps.waterfall import HATCH, MOST
from pipeline.render.sheet import Box

SPECS = {spec.name: spec for spec in discover()}


def pages(name, data):
    with style.context():
        return list(SPECS[name].draw(data))


def moves(opening, *steps):
    """A row of waterfall.csv per step list: its six steps lead on from the row before."""
    rows, level = [], Decimal(opening)
    for n, step in enumerate(steps):
        closing = level + sum(map(Decimal, step))
        rows.append({
            "export": f"2023-10-{15 + n}", "opening_mu": str(level), "closing_mu": str(closing),
            **{f"{s}_mu": mu for s, mu in zip(STEPS, step, strict=True)},
            **{f"{s}_tasks": str(int(mu != "0")) for s, mu in zip(STEPS, step, strict=True)},
        })  # fmt: skip
        level = closing
    return rows


def waterfall(**changes):
    """Two exports: 甲 100 → 70 → 55 亩, county the same but for one more town at rest with 40."""
    own = moves("100", ("-40", "10", "0", "0", "0", "0"), ("-20", "0", "5", "0", "0", "0"))
    rest = moves("40", ("0",) * 6, ("0",) * 6)
    both = moves("140", ("-40", "10", "0", "0", "0", "0"), ("-20", "0", "5", "0", "0", "0"))
    rows = [
        {"level": level, "town_code": code, "town": town, "indicator": indicator, **row}
        for indicator in ("cropland", "pbf", "in_out_balance")
        for level, code, town, found in (
            ("town", TOWNS[0][0], TOWNS[0][1], own), ("town", TOWNS[1][0], TOWNS[1][1], rest),
            ("county", "611026", "全县", both),
        )
        for row in found
    ]  # fmt: skip
    days = (date(2022, 12, 31), LEDGER, date(2023, 10, 15), date(2023, 10, 16))
    return replace(
        county_data("plain"), county=county_of(TOWNS[:2], exports=days), export=days[-1],
        waterfall=pd.DataFrame(rows), **changes,
    )  # fmt: skip


def test_a_waterfall_adds_up_over_all_exports_and_says_what_was_lost():
    figures = pages("waterfall", waterfall())
    said = written(figures[0])
    assert len(figures) == 3
    # 140 − 60 + 10 + 5 = 95; (10 + 5) / 60 = 25 %
    assert "耕地保护目标缺口由140亩降到95亩：恢复60亩，新流出和反弹15亩，抵消恢复的25.0%" in said
    assert {"▼60", "▲10", "▲5", "100 → 55亩", "40 → 40亩", "2个"} <= set(said)
    # the last step alone: 140 − 40 + 10 = 110 → 95
    assert {"110", "▼20"} <= set(said)
    assert faults(figures[0]) == []


def test_falls_are_plain_and_rises_hatched():
    figure = pages("waterfall", waterfall())[0]
    hatched = [p for p in figure.findobj(Rectangle) if p.get_hatch()]
    assert {p.get_hatch() for p in hatched} == {HATCH}
    # ▲10 and ▲5 of the county, ▲5 of its last step, ▲10 and ▲5 of the town, one in the legend
    assert len(hatched) == 6


def test_a_waterfall_that_does_not_close_stops_the_chart():
    table = waterfall().waterfall
    last = (table["town"] == TOWNS[0][1]) & (table["export"] == "2023-10-16")
    with pytest.raises(GengbaoError, match="期初加各步为 55，期末为 54"):
        pages("waterfall", replace(waterfall(), waterfall=table.assign(
            closing_mu=table["closing_mu"].mask(last, "54"))))  # fmt: skip


def test_many_towns_take_several_pages_on_one_scale():
    figures = pages("waterfall", county_data("sixty towns"))
    assert len(figures) == 3 * -(-60 // MOST)
    names = [text for figure in figures[:3] for text in written(figure) if text[0] == "第"]
    assert [name for name in names if name.endswith("镇")] == [f"第{n + 1}镇" for n in range(60)]


def progress(*exports):
    """Rows of progress.csv: per export the towns' (rate, reopened), ranked with ties."""
    rows = []
    for n, rates in enumerate(exports):
        for k, (pct, again) in enumerate(rates):
            rank = 1 + sum(other > pct for other, _ in rates)
            before = exports[n - 1][k][0] if n else None
            was = 1 + sum(other > before for other, _ in exports[n - 1]) if n else None
            rows.append({
                "export": f"2023-10-{10 + n}", "level": "town", "town_code": TOWNS[k][0],
                "town": TOWNS[k][1], "indicator": "cropland", "rank": str(rank),
                "done_pct": f"{pct:.2f}", "remaining_mu": "0" if pct == 100 else "9",
                "done_pct_change": f"{pct - before:.2f}" if n else None,
                "rank_change": str(was - rank) if n else None,
                "newly_reopened_plots": str(again),
            })  # fmt: skip
    return pd.DataFrame(rows)


def test_ties_share_a_rank_and_stand_in_order_of_code():
    days, found = tracks(progress([(50, 0), (50, 0), (80, 0)], [(60, 0), (90, 2), (80, 0)]))
    assert days == [date(2023, 10, 10), date(2023, 10, 11)]
    first, second, third = TOWNS[1][1], TOWNS[2][1], TOWNS[0][1]
    assert [track.name for track in found] == [first, second, third]
    stands = {track.name: [(s.rank, s.place, s.risen) for s in track.stands] for track in found}
    assert stands == {
        first: [(2, 2, 0), (1, 0, 1)], second: [(1, 0, 0), (2, 1, -1)],
        third: [(2, 1, 0), (3, 2, -1)],
    }  # fmt: skip
    said = f"{first}居首（90.0%），{third}居末（60.0%）；{first}上升1位；{second}、{third}下降1位"
    assert headline(found) == said


def test_almost_done_is_not_done_and_all_alike_is_said():
    _, found = tracks(progress([(99.99, 0), (99.99, 0)]))
    assert headline(found) == "各镇办完成率相同，均为99.9%"
    _, found = tracks(progress([(100, 0)]))
    assert headline(found) == f"{TOWNS[0][1]}，均为100.0%"


def test_ranking_pages_name_every_town_at_both_ends_and_mark_what_was_reopened():
    table = progress([(50, 0), (50, 0), (80, 0)], [(60, 0), (90, 2), (80, 0)])
    data = replace(county_data("plain"), progress=table)
    figures = pages("ranking", data)
    assert len(figures) == 3
    said = written(figures[0])
    for town in TOWNS[:3]:
        assert said.count(town[1]) == 2
    assert "▲2" in said
    assert "+40.0 ↑1" in said
    assert faults(figures[0]) == []
    # no rows of the other indicators: the page says so and is a sheet all the same
    assert "没有进度数据" in written(figures[1])


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=40))
def test_labels_are_spread_in_their_order_within_the_room(wanted):
    step = min(4.0, 100 / max(1, len(wanted) - 1))
    found = spread(wanted, 4.0, 0.0, 100.0)
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in found)
    placed = sorted(found)
    assert all(b - a >= step - 1e-6 for a, b in pairwise(placed))
    order = sorted(range(len(wanted)), key=lambda n: wanted[n])
    assert [found[n] for n in order] == placed


def test_labels_with_room_stay_where_they_belong():
    assert spread([10.0, 50.0], 4.0, 0.0, 100.0) == [10.0, 50.0]
    # two at 20: half a step to either side
    assert spread([20.0, 20.0], 4.0, 0.0, 100.0) == [18.0, 22.0]


def test_cells_fill_an_area_row_by_row():
    found = cells(Box(0, 0, 103, 63), 3, 2)
    assert found == [Box(0, 33, 50, 63), Box(53, 33, 103, 63), Box(0, 0, 50, 30)]

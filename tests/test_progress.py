"""Ranking, plan and forecast: who is ahead, who is below the plan, and what can't be said."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.aggregate import gaps, progress, standings, summarise
from pipeline.aggregate.forecast import LEAST_STEPS, T_90, Outlook, Step, forecast
from pipeline.aggregate.progress import COLUMNS
from pipeline.errors import GengbaoError
from pipeline.model import Indicator, Planned
from pipeline.tables import classes

LEDGER, WEEK = date(2023, 9, 30), timedelta(days=7)
A, B, C = "990001001", "990001002", "990001003"
RESTORE, PBF, BALANCE = "target_restore_in_place", "pbf_self_submitted", "in_out_balance"


def steps(*works, days=7):
    return [Step(days, Decimal(work)) for work in works]


# --- forecast ---------------------------------------------------------------------------------


def test_a_forecast_by_hand():
    """Weeks of 2, 4, 6 亩, 20 left, 14 days to go.

    μ = 12/21 = 4/7 亩 a day; deviations −2, 0, +2 亩: σ² = (4/7 + 0 + 4/7) / 2 = 4/7.
    Left: 20 − 14 × 4/7 = 12. Variance 4/7 × (14 + 196/21) = 4/7 × 70/3 = 40/3; t₀.₉(2) = 1.886:
    half width 1.886 × √(40/3) = 6.88670
    """
    seen = forecast(Decimal(20), steps(2, 4, 6), 14, done=False)
    assert seen.outlook is Outlook.WILL_MISS
    assert seen.pace_mu_week == pytest.approx(Decimal(4))
    assert seen.last_pace_mu_week == pytest.approx(Decimal(6))
    assert seen.needed_mu_week == 10
    half = Decimal("1.886") * (Decimal(40) / 3).sqrt()
    assert seen.left_mu == pytest.approx(Decimal(12))
    assert seen.low_mu == pytest.approx(12 - half)
    assert seen.high_mu == pytest.approx(12 + half)
    assert round(half, 5) == Decimal("6.88670")


@pytest.mark.parametrize(
    ("rest", "works", "outlook"),
    [
        (2, (2, 4, 6), Outlook.UNCERTAIN),  # 2 − 8 = −6, half width 6.9: either way
        (1, (2, 4, 6), Outlook.ON_COURSE),  # 1 − 8 = −7 and 6.9 more is still nothing left
        (20, (0, 0, 0), Outlook.WILL_MISS),  # no work, and evenly so
        (20, (2, -4, -1), Outlook.WILL_MISS),  # relapses outweigh
        (8, (4, 4, 4), Outlook.ON_COURSE),  # exactly in time
        (9, (4, 4, 4), Outlook.WILL_MISS),
    ],
)
def test_only_a_whole_interval_on_one_side_is_a_statement(rest, works, outlook):
    assert forecast(Decimal(rest), steps(*works), 14, done=False).outlook is outlook


def test_too_few_exports_are_too_few_to_say():
    for count in range(LEAST_STEPS):
        seen = forecast(Decimal(20), steps(*[3] * count), 14, done=False)
        assert seen.outlook is Outlook.TOO_FEW
        assert seen.needed_mu_week == 10
        assert seen.left_mu is seen.low_mu is seen.high_mu is None
    assert forecast(Decimal(20), [], 14, done=False).pace_mu_week is None


def test_zero_pace_projects_what_is_left_and_negative_pace_more():
    seen = forecast(Decimal(20), steps(0, 0, 0), 14, done=False)
    assert (seen.pace_mu_week, seen.left_mu, seen.high_mu) == (0, 20, 20)
    seen = forecast(Decimal(20), steps(-1, -1, -1), 14, done=False)
    assert seen.left_mu == pytest.approx(Decimal(22))


@pytest.mark.parametrize("ahead", [0, -3])
def test_once_the_deadline_has_come_nothing_is_projected(ahead):
    seen = forecast(Decimal(20), steps(2, 4, 6), ahead, done=False)
    assert seen.outlook is Outlook.OVERDUE
    assert seen.needed_mu_week is seen.left_mu is None
    assert seen.pace_mu_week == pytest.approx(Decimal(4))
    assert forecast(Decimal(0), steps(2, 4, 6), ahead, done=True).outlook is Outlook.DONE


def test_nothing_left_is_never_below_zero():
    seen = forecast(Decimal(2), steps(2, 4, 6), 14, done=False)
    assert seen.low_mu == seen.left_mu == 0 < seen.high_mu


def test_exports_at_uneven_distances_count_by_their_days():
    """Half the work in half the time is the same pace: no spread, no width."""
    seen = forecast(Decimal(30), [Step(14, Decimal(8)), *steps(4, 4)], 14, done=False)
    assert seen.pace_mu_week == pytest.approx(Decimal(4))
    assert seen.high_mu - seen.low_mu == pytest.approx(Decimal(0))


def student_cdf(t, free):
    """Student's t by Simpson's rule on its density: the referee of the table."""
    x = np.linspace(0, t, 2001)
    peak = math.gamma((free + 1) / 2) / (math.sqrt(free * math.pi) * math.gamma(free / 2))
    y = peak * (1 + x**2 / free) ** (-(free + 1) / 2)
    return 0.5 + (y[0] + 4 * y[1:-1:2].sum() + 2 * y[2:-1:2].sum() + y[-1]) * x[1] / 3


def test_the_table_of_quantiles_is_students():
    assert len(T_90) == 30
    for free, thousandths in enumerate(T_90, 1):
        assert student_cdf(thousandths / 1000, free) == pytest.approx(0.9, abs=2e-4), free


def test_the_interval_holds_eight_times_in_ten_if_the_work_goes_on_as_it_went():
    """2000 random walks of six uneven steps; 0.80 ± 4 standard errors (0.036)."""
    rng = np.random.default_rng(1)
    days, ahead, rest = (7, 7, 14, 7, 7, 14), 21, 500.0
    hits = 0
    for _ in range(2000):
        walk = [Step(d, Decimal(str(rng.normal(2 * d, 3 * math.sqrt(d))))) for d in days]
        seen = forecast(Decimal(str(rest)), walk, ahead, done=False)
        outcome = rest - rng.normal(2 * ahead, 3 * math.sqrt(ahead))
        hits += seen.low_mu <= outcome <= seen.high_mu
    assert hits / 2000 == pytest.approx(0.8, abs=0.036)


works = st.lists(
    st.tuples(st.integers(1, 40), st.decimals(-50, 50, places=2)), min_size=3, max_size=12
)


@settings(deadline=None, max_examples=60)
@given(rest=st.decimals(0, 500, places=2), walk=works, ahead=st.integers(1, 80))
def test_intervals_widen_with_time_and_do_not_depend_on_the_order_of_steps(rest, walk, ahead):
    walk = [Step(*step) for step in walk]
    seen = forecast(rest, walk, ahead, done=False)
    assert seen.low_mu <= seen.left_mu <= seen.high_mu
    again = forecast(rest, walk[::-1], ahead, done=False)
    assert again.high_mu == pytest.approx(seen.high_mu)
    assert again.outlook is seen.outlook
    further = forecast(rest + Decimal(10_000), walk, ahead + 7, done=False)
    nearer = forecast(rest + Decimal(10_000), walk, ahead, done=False)
    assert further.high_mu - further.low_mu >= nearer.high_mu - nearer.low_mu


# --- progress.csv -----------------------------------------------------------------------------


def make(county, *exports, plan=(), phases=(), days=7):
    """Return progress of exports some days apart.

    A task: (id, town_code, category, area_m2, status, restored_m2); areas frozen, in m².
    """
    county = replace(
        county, phases=dict(phases),
        plan=tuple(
            Planned(town=t, indicator=Indicator(i), date=d, planned_mu=Decimal(mu))
            for t, i, d, mu in plan
        ),
    )  # fmt: skip
    summaries, stories = [], []
    for number, tasks in enumerate(exports):
        day = LEDGER + timedelta(days=days * number)
        columns = ["task_id", "town_code", "category", "area_m2", "status", "restored_m2"]
        ledger = pd.DataFrame(tasks, columns=columns)
        here = ledger["status"] != "withdrawn"
        ledger["remaining_m2"] = (ledger["area_m2"] - ledger["restored_m2"]).where(here, 0.0)
        ledger["bsm"] = ledger["task_id"]
        pieces = pd.DataFrame(columns=["town_code", "category", "bsm", "base_m2"])
        books = gpd.GeoDataFrame(ledger), [gpd.GeoDataFrame(pieces)]
        summaries.append(summarise(*books, county=county, classes=classes(), export=day))
        stories.append(ledger.assign(export=day.isoformat()))
    table = gaps(pd.concat(summaries, ignore_index=True), county=county, classes=classes())
    story = pd.concat(stories, ignore_index=True)
    for name in ("remaining_m2", "restored_m2"):
        story[name] = story[name].map("{:.2f}".format)
    text = table.astype(object).where(table.notna(), None)
    text = text.map(lambda cell: None if cell is None else str(cell))
    return progress(text, story, county=county, classes=classes())


def row(table, place, indicator="cropland", export=None):
    chosen = table[(table["town"] == place) & (table["indicator"] == indicator)]
    day = (LEDGER + export * WEEK).isoformat() if export is not None else table["export"].max()
    return chosen[chosen["export"] == day].iloc[0]


def task(name, town=A, status="open", restored=0.0, category=RESTORE, area=2000.0):
    """2000 m² are exactly 3 亩."""
    return (name, town, category, area, status, restored)


def test_rank_and_change_against_the_export_before(county):
    start = [task("1"), task("2"), task("3", B), task("4", B), task("5", C)]
    second = [task("1", status="closed", restored=2000.0), *start[1:]]
    third = [second[0], start[1], *(task(n, B, "closed", 2000.0) for n in "34"), start[4]]
    table = make(county, start, second, third)
    assert list(table.columns) == list(COLUMNS)
    now = row(table, "甲镇")
    assert now["since"] == "2023-10-07"
    assert (now["rank"], now["rank_change"], now["rank_area"]) == ("2", -1, 2)
    assert (now["remaining_change_mu"], now["done_pct_change"]) == (0, 0)
    other = row(table, "乙镇")
    assert (other["rank"], other["rank_change"], other["done_pct"]) == ("1", 1, "100.00")
    assert (other["remaining_change_mu"], other["restored_change_mu"]) == (-6, 6)
    assert other["note"] == "已全部销号"
    assert pd.isna(row(table, "甲镇", export=0)["since"])
    assert pd.isna(row(table, "全县")["rank_change"])


def test_rate_and_area_rank_apart(county):
    """甲镇 has done 3 of 6 亩, 乙镇 1.5 of 1.5: 乙 leads by rate, 甲 by area."""
    start = [task("1"), task("2"), task("3", B, area=1000.0), task("4", C)]
    now = [
        task("1", status="closed", restored=2000.0), task("2"),
        task("3", B, "closed", 1000.0, area=1000.0), task("4", C),
    ]  # fmt: skip
    table = make(county, start, now)
    ranks = {town: tuple(row(table, town)[["rank", "rank_area"]]) for town in ("甲镇", "乙镇")}
    assert ranks == {"甲镇": ("2", 1), "乙镇": ("1", 2)}


def test_reopened_tasks_stand_out_by_count_and_area(county):
    closed = [task("1", status="closed", restored=2000.0), task("2")]
    table = make(
        county, [task("1"), task("2")], closed,
        [task("1", status="reopened", restored=500.0), task("2")],
        [task("1", status="reopened", restored=500.0), task("2")],
    )  # fmt: skip
    first, now = row(table, "甲镇", export=2), row(table, "甲镇")
    assert (first["reopened_plots"], first["newly_reopened_plots"]) == (1, 1)
    assert first["reopened_mu"] == Decimal("2.25")
    assert (now["reopened_plots"], now["newly_reopened_plots"]) == (1, 0)
    assert "反弹 1 个 2.25 亩" in now["note"]
    assert row(table, "乙镇")["note"] == "没有任务"


PLAN = (("甲镇", "cropland", date(2023, 10, 7), "2"), ("甲镇", "cropland", date(2023, 10, 21), "6"))


def test_a_plan_is_due_on_its_dates_and_not_between_them(county):
    start = [task("1"), task("2")]
    table = make(county, start, start, start, start, plan=PLAN)
    due = [row(table, "甲镇", export=n)["planned_mu"] for n in range(4)]
    assert due == ["0", "2", "2", "6"]
    behind = [row(table, "甲镇", export=n)["behind_mu"] for n in range(4)]
    assert behind == [0, 2, 2, 6]
    assert tuple(row(table, "甲镇", export=1)[["next_date", "next_mu"]]) == ("2023-10-21", 6)
    assert pd.isna(row(table, "甲镇")["next_date"])
    assert row(table, "甲镇")["note"].startswith("低于计划 6.00 亩；")
    assert pd.isna(row(table, "乙镇")["planned_mu"])
    assert pd.isna(row(table, "甲镇", "pbf")["planned_mu"])


def test_nobody_is_below_a_plan_for_more_than_there_is_to_do(county):
    """The plan was made to a printed 6 亩; one task left the books, the other is closed at 96 %."""
    start = [task("1"), task("2")]
    now = [task("1", status="closed", restored=1920.0), task("2", status="withdrawn")]
    table = make(county, start, now, now, now, plan=PLAN)
    line = row(table, "甲镇")
    assert (line["behind_mu"], line["done_mu"], line["open_mu"]) == (0, 3, 0)
    assert Decimal(line["remaining_mu"]) == Decimal("0.12")
    assert line["outlook"] == "done"
    assert line["note"] == "已全部销号"


def test_a_group_and_the_county_have_the_sum_of_their_towns_plans(county):
    start = [task("1"), task("3", B), task("5", C)]
    both = (*PLAN, ("乙镇", "cropland", date(2023, 10, 14), "1.5"))
    table = make(county, start, start, start, plan=both)
    group = row(table, "第一督导组")
    assert group["planned_mu"] == "3.5"
    assert tuple(group[["next_date", "next_mu"]]) == ("2023-10-21", Decimal("7.5"))
    assert pd.isna(row(table, "全县")["planned_mu"])  # 丙街办 has a gap and no plan
    done = [start[0], start[1]]
    assert row(make(county, done, done, done, plan=both), "全县")["planned_mu"] == "3.5"
    whole = (*both, ("全县", "cropland", date(2023, 10, 7), "4"))
    assert row(make(county, start, start, start, plan=whole), "全县")["planned_mu"] == "4"


def test_work_leaves_out_what_was_withdrawn_or_came_back_from_it(county):
    """Weeks: 3 亩 restored; 3 亩 withdrawn; it returns and 3 亩 are new; 3 亩 relapse."""
    one, two, three = task("1"), task("2"), task("3")
    closed = task("1", status="closed", restored=2000.0)
    back = task("2", status="reopened")
    table = make(
        county, [one, two, three],
        [closed, two, three],
        [closed, task("2", status="withdrawn"), three],
        [closed, back, three, task("4")],
        [task("1", status="reopened"), back, three, task("4")],
    )  # fmt: skip
    pace = [row(table, "甲镇", export=n)["last_pace_mu_week"] for n in range(1, 5)]
    assert pace == [3, 0, -3, -3]
    assert row(table, "甲镇")["pace_mu_week"] == Decimal("-0.75")
    assert "新增和反弹多于恢复，进度为负" in row(table, "甲镇")["note"]


def test_a_forecast_uses_only_what_was_known_by_then(county):
    tasks = [task(str(n)) for n in range(8)]
    closed = [task(str(n), status="closed", restored=2000.0) for n in range(8)]
    exports = [[*closed[:n], *tasks[n:]] for n in (0, 1, 2, 4, 5)]
    table = make(county, *exports)
    said = [row(table, "甲镇", export=n)["outlook"] for n in range(5)]
    assert said[:3] == ["too_few"] * 3
    assert "期数太少，无法推算" in row(table, "甲镇", export=2)["note"]
    early = make(county, *exports[:4])
    pd.testing.assert_series_equal(
        row(early, "甲镇"), row(table, "甲镇", export=3), check_names=False
    )
    # 9 亩 open, 15 亩 done in 28 days; 53 days to 12-20
    assert row(table, "甲镇")["days_left"] == 53
    assert row(table, "甲镇")["needed_mu_week"] == Decimal("1.19")
    assert row(table, "甲镇")["pace_mu_week"] == Decimal("3.75")
    assert row(table, "甲镇")["outlook"] == "on_course"


def test_a_town_that_does_nothing_is_warned_about_and_a_missed_deadline_said(county):
    start = [task("1")]
    table = make(county, *[start] * 5, days=21)
    days = sorted(table["export"].unique())
    warned = table[(table["town"] == "甲镇") & (table["indicator"] == "cropland")].set_index(
        "export"
    )
    assert warned.loc[days[3], "outlook"] == "will_miss"
    assert warned.loc[days[3], "note"] == (
        "建账以来没有净进展；预警：按目前进度不能按期完成，期限时约剩 3.00 亩（3.00 至 3.00 亩）"
    )
    assert warned.loc[days[4], "days_left"] == -3
    assert warned.loc[days[4], "note"].endswith("整改期限已到，未销号 3.00 亩")


def test_phases_are_those_of_county_toml(county):
    phases = {"建账": (LEDGER, date(2023, 10, 7)), "攻坚": (date(2023, 10, 8), date(2023, 10, 14))}
    table = make(county, *[[task("1")]] * 4, phases=phases)
    said = table.groupby("export")["phase"].first()
    assert said.dropna().tolist() == ["建账", "建账", "攻坚"]
    assert said.isna().tolist() == [False, False, False, True]


def test_places_of_no_known_town_stand_in_their_own_row(county):
    table = make(county, [task("1", None)], [task("1", None, "closed", 2000.0)])
    line = row(table, "未定")
    assert (line["remaining_change_mu"], line["done_mu"]) == (-3, 3)
    assert pd.isna(line["rank"])


def test_history_and_gaps_that_disagree_stop_the_run(county):
    start = [task("1")]
    table = make(county, start)
    text = table[["export", "level", "town_code", "town", "indicator", "gap_mu", "restored_mu",
                  "remaining_mu", "done_pct", "planned_mu", "rank"]]  # fmt: skip
    story = pd.DataFrame(
        {"export": [LEDGER.isoformat()], "task_id": "1", "town_code": A, "category": RESTORE,
         "status": "open", "restored_m2": "0.00", "remaining_m2": "1999.99"}
    )  # fmt: skip
    with pytest.raises(GengbaoError, match=r"history\.csv 合计 2\.999985 亩，gaps\.csv 为 3"):
        progress(text, story, county=county, classes=classes())


statuses = st.sampled_from(
    [("open", 0.0), ("partial", 700.01), ("closed", 1950.5), ("reopened", 0.0), ("withdrawn", 0.0)]
)


@settings(deadline=None, max_examples=8)
@given(story=st.lists(st.lists(statuses, min_size=4, max_size=4), min_size=2, max_size=5))
def test_the_county_is_the_sum_of_its_towns_and_the_order_of_rows_is_nothing(county, story):
    places = [(A, RESTORE), (B, RESTORE), (C, PBF), (None, BALANCE)]
    exports = [
        [
            (str(n), town, kind, 2000.0, status, done)
            for n, ((town, kind), (status, done)) in enumerate(zip(places, week, strict=True))
        ]
        for week in story
    ]
    table = make(county, *exports)
    sums = {
        level: part.groupby(["export", "indicator"])[
            ["open_mu", "done_mu", "reopened_mu", "reopened_plots"]
        ].sum()
        for level, part in table.groupby("level")
    }
    pd.testing.assert_frame_equal(sums["town"], sums["county"], check_dtype=False)
    pd.testing.assert_frame_equal(sums["group"], sums["county"], check_dtype=False)
    other = make(county, *(week[::-1] for week in exports))
    pd.testing.assert_frame_equal(table, other)


def test_the_page_names_phase_deadline_ranks_and_what_stands_out(county):
    start = [task("1"), task("2"), task("3", B)]
    later = [task("1"), task("2"), task("3", B, "closed", 2000.0)]
    table = make(county, start, later, plan=PLAN, phases={"攻坚": (LEDGER, date(2023, 11, 1))})
    now = table[table["export"] == table["export"].max()]
    text = now.astype(object).where(now.notna(), np.nan)
    text = text.map(lambda cell: cell if isinstance(cell, float) else str(cell))
    page = standings(text, county=replace(county, phases={"攻坚": (LEDGER, date(2023, 11, 1))}))
    first, *lines = page.splitlines()
    assert first == (
        "测试县进度 2023-10-07（示例数据）；阶段：攻坚；距整改期限 2023-12-20 还有 74 天；"
        "与 2023-09-30 相比"
    )
    assert "耕地保护目标" in lines
    order = [line.split()[0] for line in lines if line.startswith("  ") and "：" not in line]
    assert order[1:3] == ["乙镇", "丙街办"]  # a town without a gap is done: both lead
    assert any(line.startswith("  甲镇：低于计划 2.00 亩；") for line in lines)

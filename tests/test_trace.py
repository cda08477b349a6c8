"""A figure's plots: found by a person's words, added up again, told in Chinese."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from pipeline import explain
from pipeline.aggregate import (
    gaps,
    movements,
    printed_movements,
    progress,
    summarise,
    waterfall,
)
from pipeline.aggregate.waterfall import BOOKED, STEPS
from pipeline.errors import ConfigError, GengbaoError, OutputError, UsageError
from pipeline.explain.plot import village_name
from pipeline.ledger import open_ledger
from pipeline.model import Indicator, Planned, Published
from pipeline.reconcile import reconcile
from pipeline.tables import classes
from pipeline.tables.figures import figure_labels, load_figures, load_measures, spelling
from pipeline.tables.published import load_published_items

FIGURES, MEASURES = load_figures(), load_measures()
DAY, LATER = date(2023, 9, 30), date(2023, 10, 31)
A, B, C = "990001001", "990001002", "990001003"
ROWS = [
    ("1", A, "outflow_restore", 666.67),
    ("1", A, "none", 333.33),
    ("2", A, "target_restore_in_place", 2000.00),
    ("3", A, "target_restore_in_place", 1000.01),
    ("3", A, "target_restore_in_place", 0.02),
    ("4", B, "pbf_self_submitted", 500.00),
    ("5", B, "suspected_change", 100.00),
    ("6", None, "review", 50.00),
    ("7", C, "none", 9000.00),
]
PUBLISHED = (
    Published(table="附件2", town="甲镇", item="outflow_restore", plots="1", area_mu="1"),
    Published(table="附件2", town="甲镇", item="cropland_subtotal", plots="3", area_mu="6"),
    Published(table="正文", town="甲镇", item="cropland_gap", plots="", area_mu="6"),
)


def make_pieces(rows=ROWS):
    """Return classified pieces of (bsm, town, category, base_m2)."""
    frame = pd.DataFrame(rows, columns=["bsm", "town_code", "category", "base_m2"])
    frame["piece"] = frame.groupby("bsm").cumcount() + 1
    frame["town"] = frame["town_code"].map({A: "甲镇", B: "乙镇", C: "丙街办"})
    frame["rule_id"] = frame["category"].str[:3]
    frame = frame.assign(village="河口村", basis="依据", case_no=None, flags=None)
    shapes = [box(10 * i, 0, 10 * i + 10, 10) for i in range(len(frame))]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4524")


def text_cells(table):
    """Return a table as it comes back from its CSV."""
    return table.map(lambda cell: None if pd.isna(cell) else str(cell))


class Desk:
    """Products of one invented ledger, and questions to them.

    after: opened ledger → ledgers of the later exports, in order; the last is asked about.
    """

    def __init__(self, county, pieces=None, after=lambda _: {}, published=PUBLISHED):
        self.pieces = make_pieces() if pieces is None else pieces
        opened = open_ledger(self.pieces, classes=classes(), export=DAY)
        self.ledgers = {DAY: opened} | after(opened)
        self.day = max(self.ledgers)
        exports = (date(2022, 12, 31), *self.ledgers)
        self.county = county = replace(county, exports=exports)
        summary = pd.concat(
            [
                summarise(ledger, [self.pieces], county=county, classes=classes(), export=day)
                for day, ledger in self.ledgers.items()
            ],
            ignore_index=True,
        )
        table = text_cells(gaps(summary, county=county, classes=classes()))
        summary = text_cells(summary)
        at_ledger = summary[summary["export"] == DAY.isoformat()]
        checks = reconcile(published, at_ledger, load_published_items(), figure_labels())
        course = progress(table, text_cells(self.history()), county=county, classes=classes())
        story = self.booked()
        moves = movements(story, self.ledgers[self.day], classes())
        self.products = explain.Products(
            summary=summary,
            gaps=table,
            reconcile=text_cells(checks),
            progress=text_cells(course),
            waterfall=text_cells(waterfall(moves, story, county, classes())),
            waterfall_tasks=text_cells(printed_movements(moves)),
        )

    def history(self):
        """Return the columns of history.csv that progress.csv is made of."""
        columns = ["task_id", "category", "town_code", "status", "restored_m2", "remaining_m2"]
        return pd.concat(
            [ledger[columns].assign(export=day.isoformat()) for day, ledger in self.ledgers.items()]
        )

    def booked(self):
        """Return history.csv with every movement booked as the ledger does it."""
        rows, before = [], {}
        for day, ledger in self.ledgers.items():
            for task in ledger.to_dict("records"):
                name, rest = task["task_id"], task["remaining_m2"]
                change = round(rest - before.get(name, 0.0), 2)
                gone = task["status"] == "withdrawn"
                more = "new" if day == DAY else "relapsed"
                book = more if change > 0 else "withdrawn" if gone else "restored"
                steps = dict.fromkeys(("new", "relapsed", "restored", "withdrawn", "adjusted"), 0.0)
                steps[book] = abs(change)
                booked = {f"{step}_step_m2": amount for step, amount in steps.items()}
                rows.append(task | booked | {"export": day.isoformat(), "reason": ""})
                before[name] = rest
        columns = [*self.ledgers[DAY].columns, "export", "reason", *BOOKED]
        return pd.DataFrame(rows, columns=None if rows else columns)

    def asked(self, words, measure=None):
        summary = self.products.summary
        return explain.ask(
            words.split(),
            measure,
            known=explain.places(
                self.county, summary["level"], undecided="未定" in set(summary["town"])
            ),
            figures=FIGURES,
            measures=MEASURES,
        )

    def case(self, words, measure=None):
        asked = self.asked(words, measure)
        rows = {
            day: explain.stand_behind(
                asked,
                ledger=ledger[list(explain.LEDGER)],
                pieces=self.pieces[list(explain.PIECES)],
                classes=classes(),
                export=day,
            )
            for day, ledger in self.ledgers.items()
        }
        return explain.Case(
            asked=asked, export=self.day, rows=rows.pop(self.day), products=self.products,
            county=self.county, earlier=rows,
        )  # fmt: skip

    def trace(self, words, measure=None):
        return explain.trace(self.case(words, measure))

    def table(self, found):
        bsm = sorted(set(self.pieces["bsm"]))
        source = pd.DataFrame(
            {
                "bsm": bsm,
                "tbbh": bsm,
                "source_file": "exports/2023-09-30/DLTB.shp",
                "source_row": range(1, len(bsm) + 1),
            }
        )
        days = {DAY.isoformat(): source, self.day.isoformat(): source}
        return explain.plot_table(found, days, classes(), RUN)

    def report(self, words, measure=None, limit=20, run=None):
        found = self.trace(words, measure)
        return explain.report(
            found,
            self.table(found),
            county=self.county,
            classes=classes(),
            provenance=run or RUN,
            limit=limit,
        )


RUN = explain.Provenance(run_id="0123456789ab", pack="zhashui-2023", version="abcdef")


@pytest.fixture(scope="module")
def desk(county):
    return Desk(county)


@pytest.fixture(scope="module")
def tracked(county):
    """A later export: plot 2 withdrawn, plot 3 half restored, plot 1 closed."""

    def after(opened):
        after = opened.set_index("bsm")
        after.loc["2", ["status", "remaining_m2"]] = "withdrawn", 0.0
        after.loc["3", ["status", "restored_m2", "remaining_m2"]] = "partial", 400.01, 600.02
        after.loc["1", ["status", "restored_m2", "remaining_m2"]] = "closed", 660.0, 6.67
        return {LATER: after.reset_index()}

    return Desk(county, after=after)


# words


@pytest.mark.parametrize(
    ("words", "place", "figure"),
    [
        ("甲镇 cropland", "甲镇", "cropland"),
        ("甲 耕地缺口", "甲镇", "cropland"),
        ("990001001 cropland_gap", "甲镇", "cropland"),
        ("甲镇耕地保护目标缺口", "甲镇", "cropland"),
        ("丙街道 永农就地恢复", "丙街办", "pbf_restore_in_place"),
        ("丙街办 永久基本农田就地恢复", "丙街办", "pbf_restore_in_place"),
        ("乙镇 YH", "乙镇", "pbf_restore_in_place"),
        ("乙镇 永久基本农田保护小计", "乙镇", "pbf_subtotal"),
        ("全县 合计", "全县", "total"),
        ("测试县 需整改合计（不含自提）", "全县", "work_needed"),
        ("第一督导组 进出平衡", "第一督导组", "in_out_balance"),
        ("全县 balance_gap", "全县", "in_out_balance"),
        ("全县 调整补划", "全县", "pbf_adjust"),
        ("未定 待核", "未定", "review"),
    ],
)
def test_people_write_places_and_figures_in_their_own_words(desk, words, place, figure):
    asked = desk.asked(words)
    assert (asked.place.name, asked.figure.name, asked.measure) == (place, figure, None)


@pytest.mark.parametrize(
    ("words", "measure", "name"),
    [
        ("甲镇 cropland 剩余", None, "remaining_mu"),
        ("甲镇 耕地完成率", None, "done_pct"),
        ("甲镇 cropland", "图斑数", "plots"),
        ("甲镇 cropland 面积", "area_mu", "area_mu"),
        ("甲镇 耕地小计 图斑数", None, "plots"),
    ],
)
def test_a_measure_stands_behind_the_figure_or_in_its_option(desk, words, measure, name):
    assert desk.asked(words, measure).measure.name == name


def test_a_basin_is_a_place_only_where_the_products_have_rows_for_it(desk, county):
    names = {p.name for p in explain.places(county, ["town", "group"], undecided=False)}
    assert "东河" not in names
    basins = explain.places(county, ["town", "basin"], undecided=False)
    assert next(p for p in basins if p.name == "东河").towns == (A, B)
    with pytest.raises(UsageError, match="开头不是本县的地名"):
        desk.asked("东河 合计")


@pytest.mark.parametrize(
    ("words", "measure", "said"),
    [
        ("甲真 cropland", None, "最接近的是 甲镇"),
        ("戊镇cropland", None, "可用地名：甲镇、乙镇、丙街办、未定、第一督导组、第二督导组、全县"),
        ("甲镇 永农就地复恢", None, "最接近的是 永久基本农田就地恢复（pbf_restore_in_place）"),
        ("甲真cropland", None, "最接近的是 耕地保护目标缺口（cropland）"),
        ("甲镇 xyz", None, "没有叫“xyz”的数"),
        ("甲镇", None, "后面没有写数字名"),
        ("甲镇 合计", "剩於面积", "最接近的是 剩余面积"),
        ("甲镇 合计 面积", "图斑数", "前面却写了面积"),
    ],
)
def test_unknown_words_are_a_matter_of_usage_and_name_the_nearest(desk, words, measure, said):
    with pytest.raises(UsageError) as caught:
        desk.asked(words, measure)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_name_of_two_places_is_never_guessed(county):
    towns = (replace(county.towns[0], group="乙镇"), *county.towns[1:])
    with pytest.raises(UsageError, match="镇办乙镇、督导组乙镇"):
        Desk(replace(county, towns=towns)).asked("乙镇 合计")


def test_a_measure_the_figure_has_not_is_refused_with_those_it_has(desk):
    with pytest.raises(UsageError) as caught:
        desk.trace("甲镇 年度流出恢复", "完成率")
    assert "甲镇的年度流出恢复没有“完成率”这一项" in str(caught.value)
    assert "可用：图斑数、" in str(caught.value)


# adding up


def test_every_figure_of_every_place_is_the_sum_of_its_plots(desk):
    """All figures x all places; a plot of two categories counts in both, distinct once."""
    places = explain.places(desk.county, desk.products.summary["level"], undecided=True)
    counts = {}
    for figure in FIGURES:
        for place in places:
            found = desk.trace(f"{place.name} {figure.name}")
            counts[place.name, figure.name] = len(found.listed)
    assert len(counts) == 7 * 20
    assert counts["甲镇", "cropland"] == 3
    assert counts["甲镇", "none"] == counts["丙街办", "none"] == 1
    assert counts["未定", "review"] == counts["全县", "review"] == 1
    assert counts["全县", "total"] == 5
    assert counts["全县", "work_needed"] == 4  # 自提 needs no field work
    assert counts["第二督导组", "total"] == 0


@pytest.mark.parametrize(
    ("measure", "bsms", "sums"),
    [
        ("plots", ["1", "3"], 2),
        ("area_mu", ["1", "3"], 66667 + 100003),
        ("gap_mu", ["1", "2", "3"], 66667 + 200000 + 100003),
        ("closed_plots", ["1"], 1),
        ("restored_mu", ["1", "3"], 66000 + 40001),
        ("remaining_mu", ["1", "3"], 667 + 60002),
        ("done_pct", ["1", "2", "3"], 66667 + 200000 + 100003),
        ("target_mu", [], 0),
    ],
)
def test_a_measure_lists_exactly_the_plots_that_count_in_it(tracked, measure, bsms, sums):
    found = tracked.trace("甲镇 cropland", measure)
    assert sorted(found.listed["bsm"]) == bsms
    assert found.listed["counted"].sum() == sums


@pytest.mark.parametrize("measure", ["open_plots", "withdrawn_plots", "withdrawn_mu"])
def test_measures_of_the_town_table_alone_belong_to_its_categories(tracked, measure):
    found = tracked.trace("甲镇 耕地保护目标就地恢复", measure)
    assert list(found.listed["bsm"]) == (["3"] if measure == "open_plots" else ["2"])


def of_gaps(found):
    return {c.column: c for c in found.cells if c.product == "gaps.csv"}


def test_gap_done_share_and_rank_are_added_up_again(tracked):
    cells = of_gaps(tracked.trace("甲镇 cropland"))
    # 1060.01 of 3666.70 m²
    assert cells["done_pct"].stated == cells["done_pct"].found == Decimal("28.91")
    assert cells["gap_mu"].found == Decimal("5.500050")
    assert cells["rank"].found == 3
    assert cells["target_mu"].found == 1000
    assert cells["published_gap_mu"].found == 10


def test_a_group_states_a_target_only_where_all_its_towns_do(desk):
    cells = of_gaps(desk.trace("第一督导组 cropland"))
    assert cells["target_mu"].found == Decimal("1500.5")
    assert cells["published_gap_mu"].found is None


@pytest.mark.parametrize(
    ("product", "column"),
    [
        *(("summary", name) for name in explain.cells.SUMMARY_COLUMNS),
        *(("gaps", name) for name in explain.cells.GAP_COLUMNS if name != "published_gap_mu"),
        ("reconcile", "computed"),
    ],
)
def test_one_changed_number_in_a_product_is_our_own_fault(desk, product, column):
    """The check of every column can fail: the figure that was changed is named."""
    table = getattr(desk.products, product).copy()
    row = {
        "summary": {"town": "甲镇", "category": "outflow_restore"},
        "gaps": {"town": "甲镇", "indicator": "cropland"},
        "reconcile": {"item": "cropland_gap", "check": "printed-computed"},
    }[product]
    at = (table[list(row)] == pd.Series(row)).all(axis=1)
    assert at.sum() == 1
    table.loc[at, column] = "77"
    case = desk.case("甲镇 cropland")
    with pytest.raises(GengbaoError) as caught:
        explain.trace(replace(case, products=replace(case.products, **{product: table})))
    assert caught.value.exit_code == 1
    assert f"{product}.csv 2023-09-30 甲镇" in str(caught.value)
    assert "成果中为 77，图斑加出来是 " in str(caught.value)


def test_a_lost_task_is_noticed_in_the_county_figure_too(county):
    desk = Desk(county)
    desk.ledgers[DAY] = desk.ledgers[DAY][desk.ledgers[DAY]["bsm"] != "4"]
    with pytest.raises(GengbaoError) as caught:
        desk.trace("全县 合计")
    assert "乙镇 pbf_self_submitted plots" in str(caught.value)
    assert "全县 total plots" in str(caught.value)
    assert "成果中为 5，图斑加出来是 4" in str(caught.value)


def test_products_of_other_settings_are_not_read_as_if_they_were_ours(county):
    desk = Desk(county)
    summary = desk.products.summary
    desk.products = replace(desk.products, summary=summary[summary["town"] != "甲镇"])
    with pytest.raises(OutputError, match="没有 甲镇 outflow_restore 这一行"):
        desk.trace("甲镇 cropland")


TASKS = [c.name for c in classes()]


@settings(deadline=None, derandomize=True, max_examples=12)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 12).map(str),
            st.sampled_from([A, B, C, None]),
            st.sampled_from(TASKS),
            st.integers(1, 10_000_000).map(lambda n: n / 100),
            st.sampled_from(["open", "partial", "closed", "reopened", "withdrawn"]),
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([f.name for f in FIGURES]),
    st.sampled_from(["甲镇", "第一督导组", "全县"]),
)
def test_any_ledger_adds_up_to_its_products_in_any_place(county, rows, figure, place):
    towns = {bsm: town for bsm, town, *_ in rows}
    states = {bsm: state for bsm, *_, state in rows}
    pieces = make_pieces([(bsm, towns[bsm], name, area) for bsm, _, name, area, _ in rows])

    def after(opened):
        status = opened["bsm"].map(states)
        rest = opened["area_m2"].where(status != "withdrawn", 0.0)
        restored = (rest / 2).round(2).where(status != "open", 0.0)
        now = opened.assign(
            status=status, restored_m2=restored, remaining_m2=(rest - restored).round(2)
        )
        return {LATER: now}

    found = Desk(county, pieces, after).trace(f"{place} {figure}")
    assert all(cell.agrees for cell in found.cells)
    assert found.checked["summary.csv"] >= 10


# from export to export

WEEKS = (date(2023, 10, 10), date(2023, 10, 20), date(2023, 10, 30))
STATES = {
    "1": [("closed", 666.67), ("reopened", 0.0), ("reopened", 0.0)],
    "2": [("open", 0.0), ("partial", 1000.0), ("partial", 1500.0)],
    "3": [("open", 0.0), ("open", 0.0), ("withdrawn", 0.0)],
}
PLAN = (("甲镇", date(2023, 10, 25), "3"), ("甲镇", date(2023, 11, 30), "5.5"))


def weeks_after(opened):
    """Return three later ledgers: plot 1 closes and reopens, 2 is under way, 3 is withdrawn."""
    ledgers = {}
    for week, day in enumerate(WEEKS):
        now = opened.set_index("bsm")
        for bsm, states in STATES.items():
            status, restored = states[week]
            rest = 0.0 if status == "withdrawn" else round(now.loc[bsm, "area_m2"] - restored, 2)
            now.loc[bsm, ["status", "restored_m2", "remaining_m2"]] = status, restored, rest
        ledgers[day] = now.reset_index()
    return ledgers


@pytest.fixture(scope="module")
def weekly(county):
    """Three steps of ten days, with a plan for one town."""
    plan = tuple(
        Planned(town=town, indicator=Indicator.CROPLAND, date=day, planned_mu=Decimal(mu))
        for town, day, mu in PLAN
    )
    phases = {
        "建账": (date(2023, 9, 1), date(2023, 10, 15)),
        "攻坚": (date(2023, 10, 16), date(2023, 11, 30)),
    }
    return Desk(replace(county, plan=plan, phases=phases), after=weeks_after)


def test_the_course_of_a_gap_is_added_up_again_from_the_tasks(weekly):
    """By hand: open 3666.70, 3000.03, 2666.70, 1166.67 m²; work 666.67, 333.33, 500.00 m²."""
    cells = weekly.trace("甲镇 cropland").cells
    found = {c.column: c.found for c in cells if c.product == "progress.csv"}
    wanted = {
        "open_mu": "1.750005", "done_mu": "2.25", "planned_mu": "3", "behind_mu": "0.75",
        "next_mu": "5.5", "days_left": "51", "needed_mu_week": "0.24", "pace_mu_week": "0.53",
        "last_pace_mu_week": "0.53", "left_mu": "0", "restored_change_mu": "0.75",
        "remaining_change_mu": "-2.250045", "done_pct": "40.91", "done_pct_change": "13.64",
        "reopened_plots": "1", "reopened_mu": "1.000005", "newly_reopened_plots": "0",
        "open_plots": "2", "rank": "3", "rank_change": "0", "rank_area": "1",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == {k: Decimal(v) for k, v in wanted.items()}


@pytest.mark.parametrize(
    ("measure", "bsms", "sums"),
    [
        ("平均进度", ["2"], 150000),  # plot 1 came and went: 666.67 − 666.67
        ("最近进度", ["2"], 50000),
        ("已恢复增减", ["2"], 50000),
        ("剩余增减", ["2", "3"], -50000 - 100003),
        ("新反弹", [], 0),
        ("反弹", ["1"], 1),
        ("低于计划", ["1", "2"], 66667 + 50000),
        ("需要进度", ["1", "2"], 66667 + 50000),
        ("推算上限", ["1", "2"], 66667 + 50000),
        ("下一步计划", [], 0),
        ("剩余天数", [], 0),
    ],
)
def test_the_plots_behind_a_change_a_pace_a_plan(weekly, measure, bsms, sums):
    found = weekly.trace("甲镇 cropland", measure)
    assert sorted(found.listed["bsm"]) == bsms
    assert found.listed["counted"].sum() == sums


@pytest.mark.parametrize(
    ("measure", "bsms", "sums"),
    [
        ("期初", ["2", "3"], 200000 - 100000 + 100003),  # plot 1 was closed: nothing left of it
        ("本期恢复", ["2"], -50000),
        ("本期撤出", ["3"], -100003),
        ("本期撤出任务数", ["3"], 1),
        ("新流出", [], 0),
        ("期末", ["1", "2"], 66667 + 50000),
    ],
)
def test_the_tasks_behind_a_step_of_the_waterfall(weekly, measure, bsms, sums):
    """The last step: plot 2 restores 500 m² more, plot 3 of 1000.03 m² is withdrawn."""
    found = weekly.trace("甲镇 cropland", measure)
    if measure == "期初":
        bsms, sums = [*bsms, "1"], sums + 66667  # it had come back before
    assert sorted(found.listed["bsm"]) == sorted(bsms)
    assert found.listed["counted"].sum() == sums
    own = [c for c in found.cells if c.product == "waterfall.csv"]
    assert len(own) == 2 + 2 * len(STEPS)
    assert all(c.stated == c.found for c in own)


def test_the_steps_that_are_traced_are_those_of_the_waterfall():
    assert explain.movement.STEPS == STEPS
    known = {measure.name for measure in MEASURES}
    assert set(explain.movement.MEASURES) <= known


@pytest.mark.parametrize(
    ("product", "column"),
    [
        *(("waterfall", f"{step}_{unit}") for step in STEPS for unit in ("mu", "tasks")),
        ("waterfall", "opening_mu"),
        ("waterfall", "closing_mu"),
        ("waterfall_tasks", "change_m2"),
    ],
)
def test_one_changed_number_of_the_waterfall_is_our_own_fault(weekly, product, column):
    table = getattr(weekly.products, product).copy()
    here = (table["export"] == weekly.day.isoformat()) & (table["town"] == "甲镇")
    table.loc[here & (table["indicator"] == "cropland"), column] = "77"
    case = weekly.case("第一督导组 cropland")
    with pytest.raises(GengbaoError, match=f"{product}.csv 2023-10-30 甲镇"):
        explain.trace(replace(case, products=replace(case.products, **{product: table})))


def test_a_step_tells_why_each_task_moved_and_what_took_its_ground(weekly):
    table = weekly.products.waterfall_tasks.copy()
    gone = (table["bsm"] == "3") & (table["step"] == "withdrawn")
    table.loc[gone, "reason"] = "现为：合法流出"
    weekly_now = replace(weekly.products, waterfall_tasks=table)
    case = replace(weekly.case("甲镇 cropland", "本期撤出"), products=weekly_now)
    found = explain.trace(case)
    assert found.listed["why"].tolist() == ["现为：合法流出"]
    text = explain.report(
        found, weekly.table(found), county=weekly.county, classes=classes(), provenance=RUN,
        limit=20,
    )  # fmt: skip
    assert "     变动：现为：合法流出\n" in text
    assert "  其中本期撤出：-1.500045 亩（-1000.03 ㎡）" in text


@pytest.mark.parametrize("column", [*explain.course.COLUMNS, *explain.wording.COLUMNS])
def test_one_changed_number_of_the_course_is_our_own_fault(weekly, column):
    table = weekly.products.progress.copy()
    newest = table["export"] == weekly.day.isoformat()
    at = newest & (table["town"] == "甲镇") & (table["indicator"] == "cropland")
    table.loc[at, column] = "77"
    case = weekly.case("第一督导组 cropland")
    with pytest.raises(GengbaoError, match=f"progress.csv 2023-10-30 甲镇 cropland {column}"):
        explain.trace(replace(case, products=replace(case.products, progress=table)))


def test_the_words_of_the_course_must_follow_from_the_numbers_beside_them(weekly):
    """Plot 1 stands reopened with 666.67 m²; 2.25 of the planned 3 亩 are done.

    1.00, 0.50, 0.75 亩 in 30 days: σ² = 0.00625, 51 days on −2.08 ± 1.75 亩 are left.
    """
    cells = weekly.trace("甲镇 cropland").cells
    found = {c.column: c.found for c in cells if c.product == "progress.csv"}
    assert found["phase"] == "攻坚"
    assert found["since"] == "2023-10-20"
    assert found["next_date"] == "2023-11-30"
    assert found["outlook"] == "on_course"
    assert found["note"] == "低于计划 0.75 亩；反弹 1 个 1.00 亩；按目前进度可按期完成"


@pytest.mark.parametrize(
    ("old", "new", "should"),
    [
        ("低于计划 0.75", "低于计划 0.76", "低于计划 0.75"),
        ("反弹 1 个", "反弹 2 个", "反弹 1 个"),
        ("反弹 1 个 1.00 亩；", "", "反弹 1 个 1.00 亩"),
        ("按目前进度可按期完成", "预警：按目前进度不能按期完成", "按目前进度可按期完成"),
    ],
)
def test_a_note_with_another_number_or_outlook_is_our_own_fault(weekly, old, new, should):
    table = weekly.products.progress.copy()
    at = (table["export"] == weekly.day.isoformat()) & (table["town"] == "甲镇")
    at &= table["indicator"] == "cropland"
    assert old in table.loc[at, "note"].item()
    table.loc[at, "note"] = table.loc[at, "note"].str.replace(old, new)
    case = weekly.case("甲镇 cropland")
    with pytest.raises(GengbaoError, match=f"图斑加出来是 .*{should}"):
        explain.trace(replace(case, products=replace(case.products, progress=table)))


def test_a_note_says_the_interval_that_stands_beside_it():
    zero = Decimal(0)
    numbers = {
        "behind_mu": None, "reopened_plots": zero, "left_mu": Decimal("2.005"), "low_mu": zero,
        "high_mu": Decimal("4.5"),
    }  # fmt: skip
    said = "能否按期完成尚难判断：期限时约剩 {} 亩（{} 至 {} 亩）"
    found = explain.wording.note(said.format(9, 9, 9), numbers, "uncertain")
    assert found == said.format("2.01", "0.00", "4.50")


@pytest.mark.parametrize(
    ("numbers", "steps", "stated", "outlook"),
    [
        ({"open_plots": 0}, 5, "done", "done"),
        ({"open_plots": 2, "days_left": 0}, 5, "done", "overdue"),
        ({"open_plots": 2, "days_left": 9}, 2, "will_miss", "too_few"),
        ({"open_plots": 2, "days_left": 9, "low_mu": "0.01", "high_mu": "3"}, 3, "", "will_miss"),
        ({"open_plots": 2, "days_left": 9, "low_mu": "0", "high_mu": "3"}, 3, "", "uncertain"),
        ({"open_plots": 2, "days_left": 9, "low_mu": "0", "high_mu": "0"}, 3, "", "on_course"),
        ({"open_plots": 2, "days_left": 9, "low_mu": "0", "high_mu": "0"}, 3, "will_miss",
         "on_course"),
        # an end of 0.004 亩 is printed as 0.00
        ({"open_plots": 2, "days_left": 9, "low_mu": "0", "high_mu": "3"}, 3, "will_miss",
         "will_miss"),
    ],
)  # fmt: skip
def test_an_outlook_follows_from_open_plots_days_steps_and_interval(
    numbers, steps, stated, outlook
):
    numbers = {name: Decimal(value) for name, value in numbers.items()}
    assert explain.wording.outlook(stated, numbers, steps) == outlook


def test_a_word_of_the_course_tells_what_it_rests_on(weekly):
    text = weekly.report("甲镇 cropland 预测")
    assert "  progress.csv cropland：预测 on_course（按目前进度可按期完成）\n" in text
    assert "所依据的数（progress.csv 同一行）：\n  未销号图斑：2 个\n  剩余天数：51 天\n" in text
    assert "各步净进度" in text
    assert "图斑（共 2 个）：" in text
    note = weekly.report("甲镇 cropland 情况说明")
    assert "  低于计划：0.750000 亩\n  反弹图斑：1 个\n" in note
    phase = weekly.report("甲镇 cropland 阶段")
    assert "  progress.csv cropland：阶段 攻坚\n" in phase
    assert "  攻坚：2023-10-16 至 2023-11-30\n" in phase
    assert "2023-10-10、2023-10-20、2023-10-30" in weekly.report("甲镇 cropland 上期")
    coming = weekly.report("甲镇 cropland 下一步日期")
    assert "  progress.csv cropland：下一步日期 2023-11-30\n" in coming
    assert "  甲镇 到 2023-11-30：5.5 亩\n" in coming
    for found in (phase, coming):
        assert "背后没有图斑" in found


def test_a_rank_by_area_names_the_areas(weekly):
    assert "  第 1 名 甲镇：2.250000 亩\n" in weekly.report("甲镇 cropland 面积名次")


def test_a_course_tells_its_steps_and_a_plan_its_rows(weekly):
    pace = weekly.report("甲镇 cropland 平均进度")
    assert "  到 2023-10-10：10 天，1.000005 亩\n  到 2023-10-20：10 天，0.499995 亩\n" in pace
    assert "3.000000 亩（本项计 2.250000） 耕地保护目标就地恢复 部分恢复" in pace
    plan = weekly.report("甲镇 cropland 低于计划")
    assert "  甲镇 到 2023-10-25：3 亩\n  甲镇 到 2023-11-30：5.5 亩\n" in plan
    assert "低于计划 0.750000 亩" in plan
    assert "八成把握" in weekly.report("甲镇 cropland 推算下限")


@pytest.mark.parametrize(
    ("measure", "day"),
    [("", DAY), ("图斑数", DAY), ("面积", DAY), ("公布缺口", DAY), ("剩余", WEEKS[-1]),
     ("完成率", WEEKS[-1]), ("反弹", WEEKS[-1]), ("低于计划", WEEKS[-1])],
)  # fmt: skip
def test_what_annex_2_prints_is_of_its_date_and_all_progress_of_the_newest_export(
    weekly, measure, day
):
    asked = weekly.asked(f"甲镇 cropland {measure}")
    assert explain.default_export(asked, weekly.county) == day


@pytest.mark.parametrize(
    ("level", "place", "with_gap", "due"),
    [
        ("town", "甲镇", {"甲镇"}, "3"),
        ("town", "乙镇", {"甲镇"}, None),
        ("group", "第一督导组", {"甲镇"}, "3"),
        ("group", "第一督导组", {"甲镇", "乙镇"}, None),
        ("group", "第二督导组", {"甲镇"}, None),
        ("county", "全县", {"甲镇"}, "3"),
        ("county", "全县", {"甲镇", "丙街办"}, None),
    ],
)
def test_a_group_has_a_plan_where_every_town_with_a_gap_has_one(
    weekly, level, place, with_gap, due
):
    plans = explain.stated.plans(level, place, "cropland", with_gap, weekly.county)
    found = None if plans is None else explain.stated.due(plans, date(2023, 10, 30))
    assert found == (None if due is None else Decimal(due))


def test_the_countys_own_plan_goes_before_its_towns(weekly):
    own = Planned(
        town="全县", indicator=Indicator.CROPLAND, date=date(2023, 10, 1), planned_mu=Decimal(9)
    )
    county = replace(weekly.county, plan=(*weekly.county.plan, own))
    plans = explain.stated.plans("county", "全县", "cropland", {"丙街办"}, county)
    assert explain.stated.due(plans, date(2023, 10, 30)) == 9
    assert explain.stated.following(plans, date(2023, 10, 30)) is None


# the text and the table


def test_the_report_says_everything_behind_the_figure(desk):
    lines = desk.report("甲镇 cropland").splitlines()
    assert lines[0] == "甲镇（镇办） · 耕地保护目标缺口（cropland）（示例数据）"
    assert lines[1] == "  数据日期：2023-09-30；run_id：0123456789ab"
    assert lines[2] == "  规则包：zhashui-2023（版本 abcdef）"
    # 3666.70 m² x 0.0015 = 5.50005 亩; half-up 6 and 5.5
    assert lines[3] == "  图斑 3 个；面积 5.500050 亩（3666.70 ㎡），印作 6 亩或 5.5 亩"
    text = "\n".join(lines)
    for said in (
        "gaps.csv cropland：任务数 1000 亩；公布缺口 10 亩；缺口 5.500050 亩；",
        "  耕地保护目标缺口 = 年度流出恢复 + 耕地保护目标就地恢复\n",
        "  年度流出恢复：1 个，1.000005 亩（666.67 ㎡）\n",
        "  耕地保护目标就地恢复：2 个，4.500045 亩（3000.03 ㎡）\n",
        "  甲镇 cropland 任务数 1000 亩；来源：测试文件\n",
        "  正文 cropland_gap：公布 6 亩，与图斑加出来的数核对 5.500050 亩，相等（",
        "  out（1 个）：依据\n",
        "  exports/2023-09-30/DLTB.shp：3 行\n",
        "  1. LC-1（BSM 1） 甲镇 河口村 1.000005 亩 年度流出恢复 待整改 out\n",
        "     来源：exports/2023-09-30/DLTB.shp 第 1 行\n",
        "核对：由图斑重新加总，与成果逐一相等（summary.csv 20 个数、gaps.csv 8 个数、",
    ):
        assert said in text + "\n"


def test_a_county_figure_names_its_towns_and_the_rest_of_a_long_list_is_counted(desk):
    text = desk.report("全县 合计", limit=2)
    assert text.startswith("测试县 · 合计（total）")
    assert "按镇办：\n  甲镇：3 个，5.500050 亩" in text
    assert "  丙街办：0 个，0.000000 亩" in text
    assert "图斑（共 5 个，列出前 2 个）：" in text
    assert "……另有 3 个未列出" in text
    whole = desk.report("全县 合计", limit=None)
    assert "图斑（共 5 个）：" in whole
    assert "未列出" not in whole


def test_a_measure_heads_the_report_with_its_own_number_and_each_plots_share(tracked):
    text = tracked.report("甲镇 cropland 剩余")
    # 6.67 + 600.02 = 606.69 m² = 0.910035 亩
    assert "  其中剩余面积：0.910035 亩（606.69 ㎡），印作 1 亩或 0.9 亩\n" in text
    assert "1.500045 亩（本项计 0.900030） 耕地保护目标就地恢复 部分恢复" in text
    assert "公布的数" not in text  # those are of the ledger's date


def test_done_share_and_rank_show_what_they_come_from(tracked):
    assert "年度流出恢复：已恢复 0.990000 亩，缺口 1.000005 亩" in tracked.report(
        "甲镇 耕地 完成率"
    )
    assert "  第 3 名 甲镇：28.91%" in tracked.report("甲镇 耕地 名次")


def test_a_stated_number_has_a_source_and_no_plots(desk):
    text = desk.report("甲镇 耕地 任务数")
    assert "  甲镇 cropland 任务数 1000 亩；来源：测试文件\n" in text
    assert "背后没有图斑" in text
    assert "图斑（共" not in text


def test_a_run_that_cannot_be_named_is_said_so(desk):
    unknown = desk.report("甲镇 合计", run=replace(RUN, run_id=None))
    assert "run_id：不明（没有 manifest.json" in unknown
    changed = desk.report("甲镇 合计", run=replace(RUN, changed=("summary.csv",)))
    assert "注意：summary.csv 与清单（manifest.json）记录的不一致，run_id 不作数" in changed


@pytest.mark.parametrize("measure", ["面积", "缺口", "已恢复", "剩余", "图斑数"])
def test_the_counted_column_adds_up_to_the_figure(tracked, measure):
    found = tracked.trace("甲镇 cropland", measure)
    table = tracked.table(found)
    own = next((c for c in found.cells if c.column == found.asked.measure.name), None)
    total = sum(map(Decimal, table["counted"]))
    assert total == (own.stated if own else total)
    assert own is not None or measure in ("面积", "图斑数")
    assert list(table["source_row"]) == [int(bsm) for bsm in table["bsm"]]


def test_a_plot_that_no_export_holds_is_our_own_fault(desk):
    found = desk.trace("甲镇 cropland")
    empty = pd.DataFrame({name: pd.Series(dtype="str") for name in explain.SOURCE})
    with pytest.raises(GengbaoError, match="2023-09-30 的入库成果中没有这个图斑"):
        explain.plot_table(found, {DAY.isoformat(): empty}, classes(), RUN)


def test_pieces_of_one_plot_and_category_are_one_row_with_every_reason():
    pieces = make_pieces([("1", A, "review", 10.0), ("1", A, "review", 5.0)])
    pieces["basis"] = ["缺地类", "缺上年"]
    rows = explain.adding.piece_rows(pieces, ["review"], "2023-09-30")
    assert rows["basis"].tolist() == ["缺地类|缺上年"]
    assert rows["area_cm2"].tolist() == [1500]


# the ground now


def test_the_ground_of_a_task_names_the_plots_that_lie_there_now():
    tasks = gpd.GeoDataFrame({"task_id": ["YH-1"]}, geometry=[box(0, 0, 40, 10)], crs="EPSG:4524")
    pieces = gpd.GeoDataFrame(
        {
            "bsm": ["8", "9", "10"],
            "dlbm": ["0103", "0201", "0301"],
            "cultivated": pd.array([True, False, None], dtype="boolean"),
        },
        geometry=[box(0, 0, 10, 10), box(10, 0, 39.9, 10), box(39.9, 0, 90, 10)],
        crs="EPSG:4524",
    )
    tasks.geometry = tasks.translate(36_600_000, 3_700_000)
    pieces.geometry = pieces.translate(36_600_000, 3_700_000)
    sources = pd.DataFrame(
        {"bsm": ["8", "9", "10"], "source_file": "甲镇.shp", "source_row": [3, 4, 5]}
    )
    found = explain.now_on(tasks, pieces, sources).iloc[0]
    first, second = found["now"].split("|")  # the third shares 1 m²: a shifted border
    assert first.startswith("9 0201 未耕 0.44")
    assert second.startswith("8 0103 已耕 0.1")
    assert found["now_source"] == "甲镇.shp 第 4 行|甲镇.shp 第 3 行"


def test_supplements_are_those_named_for_the_plot_and_known_by_then():
    listed = gpd.GeoDataFrame(
        {
            "bsm": ["b1", "b2", "b3"],
            "glbh": ["1", "1", "2"],
            "sxrq": ["2023-09-01", "2023-12-01", None],
            "source_file": "补划.xlsx",
            "source_row": [2, 3, 4],
        },
        geometry=[None, None, None],
        crs="EPSG:4524",
    )
    found = explain.supplements_of(["1", "2"], listed, date(2023, 10, 31))
    assert found.to_dict("list") == {
        "bsm": ["1", "2"],
        "supplement_source": ["补划.xlsx 第 2 行", "补划.xlsx 第 4 行"],
    }


# names of villages


@pytest.mark.parametrize(
    ("village", "said"),
    [
        ("测试县甲镇东村", "东村"),
        ("某省某市测试县甲镇东村", "东村"),
        ("甲镇东村", "东村"),
        ("甲村", "甲村"),
        ("丙街道南社区", "丙街道南社区"),
        (None, ""),
        (float("nan"), ""),
    ],
)
def test_a_village_is_told_without_county_and_town_before_it(county, village, said):
    assert village_name(county, "甲镇", village) == said


def test_a_towns_alias_that_says_what_it_is_is_left_out_too(county):
    assert village_name(county, "丙街办", "丙街道南社区") == "南社区"


# the tables of names


def write_csv(folder, text):
    file = folder / "names.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_spelling_of_two_figures_is_refused(tmp_path):
    file = write_csv(tmp_path, "name,label,kind,published,aliases\nx,合计数,gap,,永农就地恢复\n")
    with pytest.raises(ConfigError, match="叫法“永农就地恢复”已指 pbf_restore_in_place，又指 x"):
        load_figures(file)


def test_a_sum_that_is_published_with_other_parts_is_refused(tmp_path):
    file = write_csv(
        tmp_path, "name,label,kind,published,aliases\npbf_subtotal,小计,subtotal,pbf_gap,\n"
    )
    with pytest.raises(ConfigError, match="pbf_gap 的组成与"):
        load_figures(file)


def test_a_spelling_of_two_measures_is_refused(tmp_path):
    file = write_csv(tmp_path, "name,label,unit,formula,aliases\na,数,个,,\nb,面,亩,,数\n")
    with pytest.raises(ConfigError, match="叫法“数”已指 a，又指 b"):
        load_measures(file)


def test_names_are_compared_without_blanks_punctuation_and_width():
    assert spelling(" 需整改合计（不含自提） ") == spelling("需整改合计(不含自提)")
    assert spelling("ＰＢＦ＿gap") == "PBFGAP"

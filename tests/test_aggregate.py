"""Town tables add up exactly, and say what they count."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import geopandas as gpd
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

from pipeline.aggregate import exact_m2, exact_mu, gaps, summarise
from pipeline.errors import GengbaoError
from pipeline.ledger import open_ledger
from pipeline.tables import classes

DAY = date(2023, 9, 30)
A, B, C = "990001001", "990001002", "990001003"


def make_pieces(*rows):
    """Return classified pieces of (bsm, town, category, base_m2) as the ledger reads them."""
    frame = pd.DataFrame(rows, columns=["bsm", "town_code", "category", "base_m2"])
    frame["piece"] = frame.groupby("bsm").cumcount() + 1
    frame["town"] = frame["town_code"].map({A: "甲镇", B: "乙镇", C: "丙街办"})
    frame = frame.assign(
        village="河口村", rule_id="R", basis="依据", case_no=None, runner_up="R14", flags=None
    )
    shapes = [box(i, 0, i + 1, 1) for i in range(len(frame))]
    return gpd.GeoDataFrame(frame, geometry=shapes, crs="EPSG:4524")


@pytest.fixture
def pieces():
    # 666.67 m² = 1.000005 亩; plot 1 lies in two categories and counts once in each
    return make_pieces(
        ("1", A, "outflow_restore", 666.67),
        ("1", A, "none", 333.33),
        ("2", A, "target_restore_in_place", 2000.00),
        ("3", A, "target_restore_in_place", 1000.01),
        ("3", A, "target_restore_in_place", 0.02),
        ("4", B, "pbf_self_submitted", 500.00),
        ("5", B, "suspected_change", 100.00),
        ("6", None, "review", 50.00),
        ("7", C, "none", 9000.00),
    )


def cell(table, place, category, column):
    row = table[(table["town"] == place) & (table["category"] == category)]
    return row[column].item()


def summary_of(pieces, county):
    ledger = open_ledger(pieces, classes=classes(), export=DAY)
    return summarise(ledger, [pieces], county=county, classes=classes(), export=DAY)


def test_a_plot_counts_once_per_category_and_pieces_of_one_category_are_one_task(pieces, county):
    table = summary_of(pieces, county)
    assert cell(table, "甲镇", "outflow_restore", "plots") == 1
    assert cell(table, "甲镇", "none", "plots") == 1
    assert cell(table, "甲镇", "target_restore_in_place", "plots") == 2
    assert cell(table, "甲镇", "target_restore_in_place", "area_m2") == "3000.03"
    assert cell(table, "甲镇", "cropland_subtotal", "plots") == 3
    # 3666.70 m² × 0.0015 = 5.50005 亩, exact
    assert cell(table, "甲镇", "cropland_subtotal", "area_mu") == "5.500050"


def test_subtotals_totals_and_work_needed_follow_the_printed_list(pieces, county):
    table = summary_of(pieces, county)
    assert cell(table, "乙镇", "pbf_subtotal", "plots") == 2  # 疑似 counts in the list's subtotal
    assert cell(table, "乙镇", "total", "plots") == 2
    assert cell(table, "乙镇", "work_needed", "plots") == 1  # 自提 needs no field work
    assert cell(table, "全县", "total", "plots") == 5
    assert cell(table, "第一督导组", "total", "area_m2") == cell(table, "全县", "total", "area_m2")
    assert cell(table, "第二督导组", "total", "plots") == 0


def test_towns_without_any_plot_and_empty_categories_are_rows_of_zeros(pieces, county):
    table = summary_of(pieces[pieces["town_code"] != C], county)
    assert cell(table, "丙街办", "none", "plots") == 0
    assert cell(table, "丙街办", "none", "area_mu") == "0.000000"
    towns = table[table["level"] == "town"]
    assert list(dict.fromkeys(towns["town"])) == ["甲镇", "乙镇", "丙街办", "未定"]
    assert set(towns.groupby("town").size()) == {len(classes()) + 4}


def test_review_plots_without_a_town_stand_in_their_own_row(pieces, county):
    table = summary_of(pieces, county)
    town = table[table["level"] == "town"]
    assert cell(town, "未定", "review", "plots") == 1
    assert cell(table, "全县", "review", "plots") == 1
    assert "未定" not in set(summary_of(pieces[pieces["bsm"] != "6"], county)["town"])


def test_gaps_leave_out_suspected_change_and_know_their_targets(pieces, county):
    table = gaps(summary_of(pieces, county), county=county, classes=classes())
    table = table.set_index(["town", "indicator"])
    assert table.loc[("乙镇", "pbf"), "gap_mu"] == Decimal("0.75")  # 自提 only: 500 m² × 0.0015
    assert table.loc[("甲镇", "cropland"), "gap_mu"] == Decimal("5.50005")
    assert table.loc[("甲镇", "cropland"), "remaining_mu"] == Decimal("5.50005")
    assert table.loc[("甲镇", "cropland"), "target_mu"] == Decimal(1000)
    assert table.loc[("甲镇", "cropland"), "published_gap_mu"] == Decimal(10)
    assert table.loc[("第一督导组", "cropland"), "target_mu"] == Decimal("1500.5")
    assert table.loc[("第一督导组", "cropland"), "published_gap_mu"] is None  # 乙镇 states none
    assert table.loc[("全县", "cropland"), "target_mu"] is None


def test_a_gap_of_zero_is_done_and_ties_share_a_rank(pieces, county):
    table = gaps(summary_of(pieces, county), county=county, classes=classes())
    cropland = table[(table["indicator"] == "cropland") & (table["level"] == "town")]
    by_town = cropland.set_index("town")
    assert by_town.loc["甲镇", "done_pct"] == Decimal("0.00")
    assert by_town.loc["乙镇", "done_pct"] == Decimal("100.00")
    assert by_town["rank"].dropna().to_dict() == {"甲镇": 3, "乙镇": 1, "丙街办": 1}
    assert table[table["level"] != "town"]["rank"].isna().all()


def test_a_withdrawn_task_stands_in_its_own_columns_and_in_the_gap_but_not_in_the_rest(
    pieces, county
):
    ledger = open_ledger(pieces, classes=classes(), export=DAY)
    ledger.loc[ledger["bsm"] == "2", ["status", "remaining_m2"]] = "withdrawn", 0.0
    table = summarise(ledger, [pieces], county=county, classes=classes(), export=DAY)
    assert cell(table, "甲镇", "target_restore_in_place", "plots") == 1
    assert cell(table, "甲镇", "target_restore_in_place", "withdrawn_plots") == 1
    assert cell(table, "甲镇", "target_restore_in_place", "area_m2") == "1000.03"
    assert cell(table, "甲镇", "target_restore_in_place", "withdrawn_mu") == "3.000000"
    gap = gaps(table, county=county, classes=classes()).set_index(["town", "indicator"])
    assert gap.loc[("甲镇", "cropland"), "gap_mu"] == Decimal("5.50005")
    assert gap.loc[("甲镇", "cropland"), "remaining_mu"] == Decimal("2.50005")


def test_a_ledger_that_lost_area_is_our_own_fault(pieces):
    broken = pieces.copy()
    broken["bsm"] = broken["bsm"].where(broken["bsm"] != "5")  # a task without a plot
    with pytest.raises(GengbaoError, match="台账开账"):
        open_ledger(broken, classes=classes(), export=DAY)


def test_exact_areas_print_all_their_digits():
    assert exact_mu(1) == "0.000015"
    assert exact_mu(66667) == "1.000005"
    assert exact_m2(123456) == "1234.56"
    assert exact_mu(0) == "0.000000"


TASKS = [c.name for c in classes()]


@settings(deadline=None, derandomize=True, max_examples=20)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 12).map(str),
            st.sampled_from([A, B, C]),
            st.sampled_from(TASKS),
            st.integers(1, 10_000_000).map(lambda n: n / 100),
        ),
        min_size=1,
        max_size=25,
    ),
    st.randoms(),
)
def test_areas_are_conserved_and_order_does_not_matter(county, rows, random):
    towns = {bsm: town for bsm, town, _, _ in rows}  # a plot lies in one town
    rows = [(bsm, towns[bsm], category, area) for bsm, _, category, area in rows]
    shuffled = random.sample(rows, len(rows))
    table = summary_of(make_pieces(*rows), county)
    leaves = table[(table["level"] == "county") & table["category"].isin(TASKS)]
    total = sum(Decimal(area) for area in leaves["area_m2"])
    assert total == sum(Decimal(str(round(area, 2))) for *_, area in rows)
    pd.testing.assert_frame_equal(table, summary_of(make_pieces(*shuffled), county))

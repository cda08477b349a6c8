"""Rows against items: plots cut anew, joined, renumbered, set aside; accounts always close."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import measure, tables
from pipeline.ingest.checklist import COLUMNS, Checklist
from pipeline.inspection import OPEN, Ours, csv_tables, inspect, items_of, summary_text
from pipeline.inspection.products import guarded

CRS = "EPSG:4524"
DAY = date(2023, 11, 30)
X0, Y0 = 36_580_000.0, 3_720_000.0
TOWNS = ("990001001", "990001002", "990001003")
RESTORE, TARGET, BALANCE, NONE = (
    "pbf_restore_in_place", "target_restore_in_place", "in_out_balance", "none",
)  # fmt: skip


def bsm(number):
    return f"990001200{number:09d}"


def square(number, left=0.0, right=1.0):
    x = X0 + 100 * number
    return shapely.box(x + 100 * left, Y0, x + 100 * right, Y0 + 100)


def frame(rows, **defaults):
    return gpd.GeoDataFrame([defaults | row for row in rows], geometry="geometry", crs=CRS)


def plots(*rows):
    """Plots: number, geometry; all in one town per ten, numbered 1.. in their village."""
    found = frame(
        [
            {"bsm": bsm(n), "tbbh": f"{n % 10:04d}", "geometry": shape, "town_code": TOWNS[n // 10],
             "zldwdm": f"{TOWNS[n // 10]}0010000000", "village": "东坡村"}
            for n, shape in rows
        ]
    )  # fmt: skip
    area = measure.official_area(found.geometry, CRS)
    return found.assign(tbmj=area, tbdlmj=area * 0.9, area_m2=area, planar_m2=10_000.0)


def task(number, category=RESTORE, status="open", shape=None, **more):
    shape = square(number) if shape is None else shape
    area = float(measure.official_area([shape], CRS)[0])
    return {
        "task_id": f"XX-{bsm(number)}-{category}", "bsm": bsm(number), "category": category,
        "town_code": TOWNS[number // 10], "village": "东坡村", "area_m2": area,
        "remaining_m2": 0.0 if status == "closed" else area, "rule_id": "R05", "basis": "依据",
        "flags": "", "status": status, "closed_on": None, "geometry": shape,
    } | more  # fmt: skip


PIECE = {"piece": 1, "rule_id": "R14", "basis": "推定", "flags": None, "village": "东坡村"}


def piece(number, category=NONE):
    shape = square(number)
    area = float(measure.official_area([shape], CRS)[0])
    return PIECE | {
        "bsm": bsm(number), "category": category, "town_code": TOWNS[number // 10],
        "base_m2": area, "geometry": shape,
    }  # fmt: skip


@pytest.fixture(scope="module")
def ours(county):
    """Build our side from tasks, other pieces and plots (squares of the tasks by default)."""

    def build(tasks, *, pieces=(), parcels=None, history=(), rejects=(), elsewhere=None, **more):
        classes = tables.classes()
        numbers = sorted({int(row["bsm"][-9:]) for row in (*tasks, *pieces)})
        found = plots(*((n, square(n)) for n in numbers)) if parcels is None else parcels
        others = frame(pieces or [piece(29)]).iloc[: len(pieces)]
        steps = pd.DataFrame(history, columns=["task_id", "entry", "reason"])
        return Ours(
            county=county,
            classes=classes,
            export=DAY,
            items=items_of(frame(tasks), others, steps, classes),
            plots=found,
            rejects=pd.DataFrame(rejects, columns=["bsm", "reason"]),
            elsewhere=elsewhere or {},
            **more,
        )

    return build


BLANK = dict.fromkeys(COLUMNS, "") | {
    "readable": True, "status_unknown": False, "short": False, "decimals": -1,
    "x": float("nan"), "y": float("nan"), "spread_m": float("nan"),
}  # fmt: skip


def listed(*rows):
    """Build a list from cells that differ from blank."""
    table = pd.DataFrame(
        [BLANK | {"sheet": "表", "row": n, **row} for n, row in enumerate(rows, 2)],
        columns=list(COLUMNS),
    )
    return Checklist(name="清单.csv", sha256="0", rows=table, remarks=())


def row(number, category=RESTORE, m2=None, **more):
    area = {} if m2 is None else {"area": f"{m2:.2f}", "unit": "㎡", "decimals": 2}
    return {"bsm": bsm(number), "categories": category, **area, **more}


SQUARE_M2 = float(measure.official_area([square(1)], CRS)[0])


def kinds(found):
    return found.differences["kind"].tolist()


def reason(found, kind):
    (text,) = found.differences.loc[found.differences["kind"] == kind, "reason"]
    return text


def total(found):
    cells = found.cells
    return cells[(cells["level"] == "county") & (cells["category"] == "total")].iloc[0]


# --- one plot, several tasks; one task, several plots --------------------------------------------


def test_two_tasks_of_one_plot_each_find_their_row(ours):
    side = ours([task(1, RESTORE), task(1, TARGET)])
    found = inspect(listed(row(1, TARGET, SQUARE_M2), row(1, RESTORE, SQUARE_M2)), side)
    assert found.equal
    assert found.repeats["note"].tolist() == ["各行对上该图斑的不同任务，各计一次"]


def test_a_repeated_row_of_another_category_is_no_second_plot(ours):
    side = ours([task(1, RESTORE)], pieces=[piece(1)])
    found = inspect(listed(row(1, RESTORE), row(1, BALANCE)), side)
    assert kinds(found) == ["清单重复"]
    assert found.repeats["note"].tolist() == ["各行类别不同，只有一行能对上"]


def test_parts_of_a_task_cut_since_are_added_up(ours):
    halves = (1, square(1, 0, 0.5)), (2, square(1, 0.5, 1))
    side = ours([task(1)], parcels=plots(*halves))
    found = inspect(listed(row(1, m2=SQUARE_M2 / 2), row(2, m2=SQUARE_M2 / 2)), side)
    assert kinds(found) == ["同一任务的另一部分"]
    assert "该任务在清单中写了 2 行：“表”第 2 行、“表”第 3 行" in reason(found, kinds(found)[0])
    assert found.rows["area_verdict"].iloc[0] == "相同"
    assert (total(found)["diff_plots"], total(found)["part_plots"]) == (1, 1)


def test_a_renumbered_plot_is_followed_to_its_task(ours):
    side = ours([task(1)], parcels=plots((5, square(1))))
    found = inspect(listed(row(5, m2=SQUARE_M2)), side)
    assert found.equal
    assert found.rows["task_id"].tolist() == [side.items["task_id"].iloc[0]]
    other = inspect(listed(row(5, BALANCE)), side)
    said = f"清单图斑 {bsm(5)}（2023-11-30 一期）与本方 {bsm(1)} 是同一地块，已重新编号"
    assert said in reason(other, "双方都有但不同")


def test_a_number_of_an_earlier_export_is_followed_by_its_ground(ours):
    old = {date(2022, 12, 31): plots((7, square(1)))}
    side = ours([task(1)], elsewhere=old)
    found = inspect(listed(row(7, m2=SQUARE_M2)), side)
    assert found.equal
    assert found.rows["found_in"].tolist() == ["2022-12-31"]


def test_a_plot_joined_of_two_tasks_names_the_other(ours):
    side = ours([task(1), task(2)], parcels=plots((5, square(1).union(square(2)))))
    found = inspect(listed(row(5)), side)
    assert kinds(found) == ["仅本方有"]
    assert "“表”第 2 行可能指此图斑" in reason(found, "仅本方有")


def test_a_plot_set_aside_at_ingest_says_why(ours):
    found = inspect(listed(row(9)), ours([task(1)], rejects=[(bsm(9), "图形自相交（GEOM）")]))
    assert "该图斑入库时被剔除：图形自相交（GEOM）" in reason(found, "仅清单有")


# --- what counts ---------------------------------------------------------------------------------


def test_a_withdrawn_task_is_theirs_only_with_its_reason(ours):
    gone = task(1, status="withdrawn")
    history = [(gone["task_id"], "withdrawn", "现为：合法流出")]
    found = inspect(listed(row(1)), ours([gone, task(2)], history=history))
    assert kinds(found) == ["仅清单有", "仅本方有"]
    assert "状态：已撤出（现为：合法流出）" in reason(found, "仅清单有")


def test_both_sides_calling_it_withdrawn_agree(ours):
    side = ours([task(1, status="withdrawn"), task(2)])
    found = inspect(listed(row(1, statuses="withdrawn"), row(2)), side)
    assert kinds(found) == []
    assert found.rows["relation"].tolist() == ["双方都不计", "对上"]
    assert total(found)["their_plots"] == 1


def test_against_open_tasks_a_row_called_closed_counts_on_neither_side(ours):
    side = ours([task(1, status="closed", closed_on="2023-10-31"), task(2)], statuses=OPEN)
    found = inspect(listed(row(1, statuses="closed"), row(2)), side)
    assert found.equal
    assert total(found)["our_plots"] == 1


def test_a_category_that_is_no_task_is_compared_where_the_list_names_it(ours):
    side = ours([task(1)], pieces=[piece(2, "illegal_occupation"), piece(3, "illegal_occupation")])
    found = inspect(listed(row(1), row(2, "illegal_occupation")), side)
    assert kinds(found) == ["仅本方有"]
    assert found.differences["our_category"].tolist() == ["违法占用"]
    quiet = inspect(listed(row(1)), side)
    assert quiet.equal


def test_a_sum_of_categories_counts_under_the_one_we_have(ours):
    pbf = "suspected_change|pbf_restore_in_place|pbf_self_submitted|pbf_relocate"
    found = inspect(listed(row(1, pbf), row(2, pbf)), ours([task(1), task(2, TARGET)]))
    assert found.differences["differs"].tolist() == ["类别"]
    labels = found.cells.loc[found.cells["level"] == "county", "label"].tolist()
    assert "疑似永农变化／永农就地恢复／核实处置自提／异地调整补划（清单未细分）" in labels


def test_unstated_town_and_category_are_ours(ours):
    found = inspect(listed(row(1, "")), ours([task(1, TARGET)]))
    assert found.equal
    assert found.rows["our_category"].tolist() == ["耕地保护目标就地恢复"]


def test_an_unreadable_row_keeps_its_plot_from_being_called_missing(ours):
    bad = row(1, readable=False, field="面积", found="“约”不是面积", advice="写成数字")
    found = inspect(listed(bad, row(2)), ours([task(1), task(2)]))
    assert kinds(found) == ["清单行读不出"]
    assert len(found.unread) == 1
    assert total(found)["unread_plots"] == -1
    assert "读不出的行" in summary_text(found)


# --- areas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (SQUARE_M2 * 0.9, "图斑地类面积（TBDLMJ，扣除田坎）"),
        (10_000.0, "图斑平面面积（投影面积，不是椭球面积）"),
        (SQUARE_M2 / 2, ""),
    ],
)
def test_an_area_says_which_of_ours_it_is(ours, written, said):
    found = inspect(listed(row(1, m2=written)), ours([task(1)]))
    assert found.differences["differs"].tolist() == ["面积"]
    assert ("清单数等于" + said in reason(found, "双方都有但不同")) == bool(said)


def test_an_area_of_a_whole_plot_is_told_from_its_piece(ours):
    half = task(1, shape=square(1, 0, 0.5))
    found = inspect(listed(row(1, m2=SQUARE_M2)), ours([half]))
    assert "整个图斑的图斑面积（TBMJ）" in reason(found, "双方都有但不同")


@pytest.mark.parametrize(("mu", "agrees"), [("15.00", True), ("16.00", False), ("14.99", False)])
def test_a_list_whose_two_areas_contradict_each_other_is_told(ours, mu, agrees):
    twice = row(1, m2=SQUARE_M2, area_too=mu, unit_too="亩", decimals_too=2)
    found = inspect(listed(twice), ours([task(1)]))
    assert found.equal == agrees
    if not agrees:
        assert found.differences["differs"].tolist() == ["面积"]
        said = f"清单自己的两列面积不一致：{SQUARE_M2:.2f} ㎡、{mu} 亩"
        assert said in reason(found, "双方都有但不同")
        assert "超出" not in reason(found, "双方都有但不同")


def test_a_slip_between_units_is_named(ours):
    mu = f"{SQUARE_M2 / 10_000:.4f}"
    found = inspect(listed(row(1, area=mu, unit="亩", decimals=4)), ours([task(1)]))
    assert "可能是亩写成了公顷或相反" in reason(found, "双方都有但不同")


def test_areas_without_a_unit_that_fit_none_are_not_compared(ours):
    cells = [row(n, area=str(n), decimals=0) for n in (1, 2)]
    found = inspect(listed(*cells), ours([task(1), task(2)]))
    assert found.equal
    assert "没有比较面积" in found.judged.unit.why
    assert total(found)["verdict"] == "个数相同，清单没写全面积"


# --- accounts and bytes --------------------------------------------------------------------------

CATEGORIES = st.sampled_from(["", RESTORE, TARGET, BALANCE, f"{RESTORE}|{TARGET}", NONE])
ROWS = st.builds(
    row,
    st.integers(0, 14),
    CATEGORIES,
    st.sampled_from([None, SQUARE_M2, SQUARE_M2 / 2, 1.0]),
    town_code=st.sampled_from(["", *TOWNS]),
    statuses=st.sampled_from(["", "closed", "withdrawn", "open|partial|reopened"]),
    readable=st.sampled_from([True, True, True, False]),
)
TASKS = st.lists(
    st.builds(
        task,
        st.integers(0, 12),
        st.sampled_from([RESTORE, TARGET, BALANCE]),
        st.sampled_from(["open", "partial", "closed", "reopened", "withdrawn"]),
    ),
    min_size=1,
    max_size=10,
    unique_by=lambda t: t["task_id"],
)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(rows=st.lists(ROWS, max_size=12), tasks=TASKS, only=st.booleans())
def test_every_row_and_every_task_is_accounted_for_once(ours, rows, tasks, only):
    side = ours(tasks, pieces=[piece(n) for n in range(15)], **({"statuses": OPEN} if only else {}))
    rows = [*rows, row(13)]
    found = inspect(listed(*rows), side)
    assert found.accepted + len(found.unread) == len(rows) == len(found.rows)
    paired = found.judged.rows["item"]
    assert paired[paired >= 0].is_unique
    counted = [t for t in tasks if t["status"] in side.statuses]
    whole = total(found)
    named = set(found.judged.rows["categories"][found.judged.rows["readable"]]) - {""}
    assert whole["our_plots"] == len(counted)
    exact = sum(round(t["area_m2"] * 100) for t in counted) * Decimal("0.000015")
    assert Decimal(whole["our_area_mu"]) == exact
    ours_seen = (found.judged.items["relation"] != "").sum()
    assert ours_seen == len(counted)
    assert named <= {RESTORE, TARGET, BALANCE, NONE, f"{RESTORE}|{TARGET}"}
    assert (found.differences["reason"] != "").all()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(rows=st.lists(ROWS, min_size=1, max_size=8), tasks=TASKS, data=st.data())
def test_the_order_of_rows_decides_nothing_but_which_of_two_is_the_repetition(
    ours, rows, tasks, data
):
    rows = list({r["bsm"]: r for r in [*rows, row(13)]}.values())
    side = ours(tasks, pieces=[piece(n) for n in range(15)])
    shuffled = data.draw(st.permutations(rows))
    first, second = (inspect(listed(*order), side) for order in (rows, shuffled))
    pd.testing.assert_frame_equal(first.cells, second.cells)
    blind = ["sheet", "row", "reason"]
    pd.testing.assert_frame_equal(
        first.differences.drop(columns=blind), second.differences.drop(columns=blind)
    )


@given(st.text(max_size=12))
def test_no_text_of_a_product_starts_a_formula(text):
    table = pd.DataFrame({"found": [text], "diff_mu": ["-1.5"], "diff_plots": [-1]})
    safe = guarded(table)
    assert not str(safe["found"].iloc[0]).startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
    assert safe["diff_mu"].tolist() == ["-1.5"]
    assert safe["found"].iloc[0].removeprefix("'") == text.removeprefix("'")


def test_products_have_the_same_columns_when_nothing_differs(ours):
    full = csv_tables(inspect(listed(row(1, m2=1.0), row(5)), ours([task(1), task(2)])))
    none = csv_tables(inspect(listed(row(1)), ours([task(1)])))
    assert {n: list(t.columns) for n, t in full.items()} == {
        n: list(t.columns) for n, t in none.items()
    }

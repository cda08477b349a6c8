"""What is known of a piece: one test per settled reading of the contract."""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import whole_evidence
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import evidence, fields, measure
from pipeline.errors import InputError

CRS = "EPSG:4524"
WEST, SOUTH = 36_600_000.0, 3_700_000.0
DAY = date(2023, 9, 30)
CODES = pd.DataFrame(
    [
        ("0102", "水浇地", "cropland", False, False),
        ("0103", "旱地", "cropland", False, False),
        ("0201", "果园", "other_agri", False, False),
        ("0301", "乔木林地", "other_agri", False, False),
        ("0402", "沼泽草地", "unused", True, True),
        ("0601", "工业用地", "construction", False, False),
        ("1101", "河流水面", "unused", False, True),
    ],
    columns=["code", "name", "group", "wetland", "natural_host"],
)


def box(left, bottom, right, top):
    return shapely.box(WEST + left, SOUTH + bottom, WEST + right, SOUTH + top)


def row(index):
    """Return the index-th 100 × 100 m plot of a row, 200 m apart."""
    return box(index * 200, 0, index * 200 + 100, 100)


def share(index, percent):
    """Return the left part of plot `index`."""
    return box(index * 200, 0, index * 200 + percent, 100)


def plots(*dlbm, shapes=None, bsm=None, **columns):
    shapes = shapes or [row(i) for i in range(len(dlbm))]
    frame = gpd.GeoDataFrame(geometry=list(shapes), crs=CRS)
    for field in fields.PARCELS:
        if field.name != "geometry":
            frame[field.name] = None
    area = measure.official_area(frame.geometry, CRS)
    given_columns = {
        "bsm": bsm or [f"P{i}" for i in range(len(frame))],
        "dlbm": list(dlbm),
        "zldwdm": "9900010010010000000",
        "town_code": "990001001",
        "area_m2": area,
        "base_m2": area,
        "planar_m2": frame.geometry.area,
    }
    return frame.assign(**(given_columns | columns))


def layer(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS)


def listing(**columns):
    """Return a list without polygons."""
    count = len(next(iter(columns.values())))
    return layer([None] * count, **columns)


@pytest.fixture
def gather(county):
    def run(parcels, previous=None, export=DAY, pbf=(), target=(), **zones):
        zones = {"pbf": layer(pbf), "target": layer(target)} | zones
        return whole_evidence.gather(
            parcels, zones=zones, previous=previous, county=county, export=export, codes=CODES
        )

    return run


def flags(frame):
    return ["" if pd.isna(text) else text for text in frame["flags"]]


def says(series):
    return [None if pd.isna(value) else value for value in series]


# --- the land now ---


def test_land_follows_the_code_list_and_an_unknown_code_stays_unknown(gather):
    found = gather(plots("0103", "0201", "0601", "1101", "9999", None))
    assert says(found["land"]) == ["cropland", "other_agri", "construction", "unused", None, None]
    assert says(found["cultivated"]) == [True, False, False, False, None, None]
    assert found["dlbm_known"].tolist() == [True] * 4 + [False] * 2
    assert found["natural_host"].tolist() == [False, False, False, True, False, False]


def test_wetland_is_other_agricultural_land(gather):
    assert says(gather(plots("0402"))["land"]) == ["other_agri"]


def test_recoverable_by_planting_attribute_only(gather):
    found = gather(plots("0201", "0301", "0103", zzsxdm=["JKHF", "GCHF", "LS"]))
    assert found["recoverable"].tolist() == [True, True, False]


def test_columns_order_and_no_lists_delivered(gather):
    found = gather(plots("0103", "0201", bsm=["B", "A"], town_code=["990001001", None]))
    assert found["bsm"].tolist() == ["A", "B"]
    assert found.index.tolist() == [0, 1]
    assert found["town_known"].tolist() == [False, True]
    assert found["monitoring"].tolist() == ["none"] * 2
    assert found["self_submitted"].tolist() == ["none"] * 2
    assert found["balance"].tolist() == ["none"] * 2
    assert not found[["approved", "relocation", "moved_out", "supplement"]].any(axis=None)
    assert not found["scheme_known"].any()
    assert flags(found) == ["", ""]


def test_a_missing_zone_layer_is_an_input_error(county):
    with pytest.raises(InputError) as caught:
        whole_evidence.gather(
            plots("0103"), zones={}, previous=None, county=county, export=DAY, codes=CODES
        )
    assert "没有永久基本农田图层" in str(caught.value)
    assert "没有耕地保护目标图层" in str(caught.value)


def test_slivers_are_flagged_and_flags_of_the_plot_kept(gather):
    parcels = plots("0103", "0103", flags=["TOWN_BY_PLACE", None])
    found = gather(parcels, pbf=[share(0, 0.3)])
    assert flags(found) == ["SLIVER_MERGED|TOWN_BY_PLACE", ""]
    assert not found["in_pbf"].any()


# --- last year ---


def test_the_same_bsm_counts_where_the_plots_agree_by_half(gather):
    now = plots("0201", "0201")
    # P0: last year's outline is its left half: 50 % of now, 100 % of then. P1: 49 %
    before = plots("0103", "0103", shapes=[share(0, 50), share(1, 49)])
    found = gather(now, before)
    assert says(found["dlbm_prev"]) == ["0103", None]
    assert says(found["cultivated_prev"]) == [True, None]
    assert found["prev_source"].tolist() == ["bsm", "unknown"]
    assert found["prev_share"].tolist() == [0.5, 0.0]


def test_mutual_means_of_both_plots(gather):
    # now 100 × 100 m lies wholly in last year's 100 × 210 m: 47.6 % of it, so by overlap
    before = plots("0103", shapes=[box(0, 0, 100, 210)])
    found = gather(plots("0201"), before)
    assert found["prev_source"].tolist() == ["overlap"]
    assert flags(found) == ["PREV_BY_OVERLAP"]


def test_a_reissued_bsm_goes_by_the_largest_overlap(gather):
    before = plots("0103", "0301", shapes=[share(0, 60), box(60, 0, 100, 100)], bsm=["X", "Y"])
    found = gather(plots("0201"), before)
    assert found["dlbm_prev"].tolist() == ["0103"]
    assert found["prev_source"].tolist() == ["overlap"]
    assert found["prev_share"].tolist() == [0.6]


def test_a_bsm_that_went_to_another_place_is_not_believed(gather):
    before = plots("0301", "0103", bsm=["P1", "P0"])
    found = gather(plots("0201", "0201"), before)
    assert found["dlbm_prev"].tolist() == ["0301", "0103"]
    assert found["prev_source"].tolist() == ["overlap", "overlap"]


def test_merged_plots_of_one_class_count_together(gather):
    thirds = [box(0, 0, 34, 100), box(34, 0, 67, 100), box(67, 0, 100, 100)]
    before = plots("0103", "0103", "0103", shapes=thirds, bsm=["X", "Y", "Z"])
    found = gather(plots("0201"), before)
    assert found["dlbm_prev"].tolist() == ["0103"]
    assert found["prev_share"].tolist() == [1.0]


def test_no_class_of_half_the_piece_or_an_unlisted_code_is_unknown(gather):
    now = plots("0201", "0201", "0201")
    before = plots("0103", "0301", "7777", shapes=[share(0, 49), box(49, 0, 97, 100), row(1)],
                   bsm=["X", "Y", "P1"])  # fmt: skip
    found = gather(now, before)
    assert says(found["dlbm_prev"]) == [None, None, None]
    assert says(found["cultivated_prev"]) == [None, None, None]
    assert found["prev_source"].tolist() == ["unknown"] * 3


def test_a_piece_off_the_old_outline_does_not_inherit_the_plots_class(gather):
    # 永农 covers the right 40 m, where last year another plot lay
    before = plots("0103", "0301", shapes=[share(0, 60), box(60, 0, 100, 100)], bsm=["P0", "Q"])
    found = gather(plots("0201"), before, pbf=[box(60, -5, 120, 105)])
    assert found["in_pbf"].tolist() == [False, True]
    assert found["dlbm_prev"].tolist() == ["0103", "0301"]
    assert found["prev_source"].tolist() == ["bsm", "overlap"]


def test_flow_areas_are_exact_overlaps_never_votes(gather):
    before = plots("0103", "0103", shapes=[share(0, 20), share(1, 70)], bsm=["X", "Y"])
    found = gather(plots("0601", "0201"), before)
    expected = measure.official_area([share(0, 20), share(1, 70)], CRS).tolist()
    assert found["prev_cultivated_m2"].tolist() == expected
    assert found["to_construction_m2"].tolist() == [expected[0], 0]
    assert found["illegal_m2"].tolist() == [expected[0], 0]


def test_illegal_occupation_is_a_difference_of_ground(gather):
    # cropland on the left 60 m, approval on the right 60 m: 20 m of it lie on cropland
    before = plots("0103", shapes=[share(0, 60)])
    approved = layer([box(40, 0, 100, 100)], ly=["农转用批准"])
    found = gather(plots("0601"), before, approved=approved)
    ground = measure.official_area([share(0, 60), box(40, 0, 100, 100), share(0, 40)], CRS)
    names = ["to_construction_m2", "approved_m2", "illegal_m2"]
    assert found[names].iloc[0].tolist() == ground.tolist()


def test_without_last_year_everything_about_it_is_unknown(gather):
    found = gather(plots("0103"), None)
    assert says(found["cultivated_prev"]) == [None]
    assert found["prev_source"].tolist() == ["unknown"]
    assert found["prev_cultivated_m2"].tolist() == [0]


# --- lists and masks ---


@pytest.mark.parametrize(
    ("percent", "holds", "partial"),
    [(4.99, False, False), (5, False, True), (49.99, False, True), (50, True, True),
     (95, True, True), (95.01, True, False)],
)  # fmt: skip
def test_a_mask_holds_from_half_and_is_partial_between_5_and_95(gather, percent, holds, partial):
    found = gather(plots("0103"), relocation=layer([share(0, percent)]))
    assert found["relocation"].tolist() == [holds]
    assert flags(found) == ["MASK_PARTIAL" if partial else ""]


def test_polygons_join_by_overlap_and_their_bsm_is_ignored(gather):
    found = gather(plots("0103", "0103"), relocation=layer([row(1)], bsm=["P0"]))
    assert found["relocation"].tolist() == [False, True]


def test_a_list_without_polygons_joins_by_bsm_on_every_piece(gather):
    found = gather(plots("0103", "0103"), pbf=[share(1, 40)], relocation=listing(bsm=["P1", "P7"]))
    assert found["bsm"].tolist() == ["P0", "P1", "P1"]
    assert found["relocation"].tolist() == [False, True, True]
    assert flags(found) == ["", "", ""]


def test_several_polygons_of_a_mask_hold_together_and_count_once(gather):
    approved = layer([share(0, 30), share(0, 40), box(60, 0, 90, 100), box(-50, 0, 2, 100)],
                     ly=["农转用批准", "生态退耕", "农转用批准", "灾毁"])  # fmt: skip
    found = gather(plots("0201"), approved=approved)
    ground = shapely.union_all([share(0, 40), box(60, 0, 90, 100)])
    assert found["approved"].tolist() == [True]
    assert found["approved_source"].tolist() == ["农转用批准|生态退耕"]  # 灾毁 covers 2 %
    assert found["approved_m2"].tolist() == measure.official_area([ground], CRS).tolist()


def test_approved_by_bsm_covers_the_whole_plot(gather):
    found = gather(plots("0201"), approved=listing(bsm=["P0"], ly=["设施农用地备案"]))
    assert found["approved_m2"].tolist() == found["area_m2"].tolist()


def test_only_what_was_known_on_the_date_counts(gather):
    monitoring = listing(
        bsm=["P0", "P0", "P1", "P1", "P2"],
        zt=["未销号", "已销号", "未销号", "已销号", "未销号"],
        sxrq=[date(2023, 9, 1), date(2023, 9, 30), None, date(2023, 10, 1), date(2023, 10, 1)],
    )
    now = plots("0301", "0301", "0301")
    assert gather(now, monitoring=monitoring)["monitoring"].tolist() == ["closed", "open", "none"]
    later = gather(now, monitoring=monitoring, export=date(2023, 11, 1))
    assert later["monitoring"].tolist() == ["closed", "closed", "open"]


def test_an_item_with_a_polygon_is_known_by_its_polygon(gather):
    again = shapely.reverse(row(0))
    monitoring = layer([row(0), again], zt=["未销号", "已销号"],
                       sxrq=[date(2023, 9, 1), date(2023, 9, 2)])  # fmt: skip
    assert gather(plots("0301"), monitoring=monitoring)["monitoring"].tolist() == ["closed"]


@pytest.mark.parametrize("word", [None, "处理中"])
def test_an_empty_or_unknown_status_is_missing(gather, word):
    found = gather(
        plots("0301"),
        monitoring=listing(bsm=["P0"], zt=[word]),
        self_submitted=listing(bsm=["P0"], shzt=[word], dczt=["未调出"]),
        balance=listing(bsm=["P0"], fx=[word]),
    )
    assert says(found["monitoring"]) == [None]
    assert says(found["self_submitted"]) == [None]
    assert says(found["balance"]) == [None]
    assert flags(found) == ["STATUS_MISSING"]


def test_contradictory_statuses_of_one_date_are_a_conflict(gather):
    found = gather(
        plots("0301", "0301"),
        monitoring=listing(bsm=["P0", "P0", "P1", "P1"], zt=["未销号", "已销号"] * 2,
                           sxrq=[date(2023, 9, 1)] * 3 + [date(2023, 9, 2)]),
        balance=listing(bsm=["P0", "P0"], fx=["进", "出"]),
    )  # fmt: skip
    assert says(found["monitoring"]) == [None, "closed"]
    assert says(found["balance"]) == [None, "none"]
    assert flags(found) == ["STATUS_CONFLICT", ""]


def test_of_two_items_one_open_is_open(gather):
    whole = layer([row(0), box(-10, -10, 110, 110)], zt=["已销号", "未销号"])
    assert gather(plots("0301"), monitoring=whole)["monitoring"].tolist() == ["open"]
    halves = layer([share(0, 55), box(55, 0, 100, 100)], zt=["已销号", "未销号"])
    assert gather(plots("0301"), monitoring=halves)["monitoring"].tolist() == ["closed"]
    together = layer([share(0, 40), box(40, 0, 70, 100)], zt=["已销号", "未销号"])
    assert gather(plots("0301"), monitoring=together)["monitoring"].tolist() == ["open"]


def test_two_items_of_another_list_that_differ_are_a_conflict(gather):
    submitted = layer([row(0), box(-10, -10, 110, 110)], shzt=["通过", "未通过"])
    found = gather(plots("0301"), self_submitted=submitted)
    assert says(found["self_submitted"]) == [None]
    assert flags(found) == ["STATUS_CONFLICT"]


def test_self_submitted_and_balance_words(gather):
    found = gather(
        plots("0301", "0301", "0301", "0301"),
        self_submitted=listing(bsm=["P0", "P1", "P2"], shzt=["通过", "待审", "未通过"],
                               dczt=["已调出", "未调出", None]),
        balance=listing(bsm=["P0", "P1"], fx=["进", "出"]),
    )  # fmt: skip
    assert found["self_submitted"].tolist() == ["approved", "pending", "rejected", "none"]
    assert found["moved_out"].tolist() == [True, False, False, False]
    assert found["balance"].tolist() == ["in", "out", "none", "none"]
    assert found["scheme_known"].all()


def test_an_empty_scheme_is_still_a_scheme(gather):
    found = gather(plots("0301"), balance=listing(bsm=[], fx=[]))
    assert found["scheme_known"].tolist() == [True]
    assert found["balance"].tolist() == ["none"]


def test_delivered_task_layers_name_their_categories(gather):
    found = gather(
        plots("0301", "0301"),
        task_outflow_restore=layer([row(0)]),
        task_in_out_balance=listing(bsm=["P0"]),
    )
    assert says(found["delivered"]) == ["in_out_balance|outflow_restore", None]


def test_a_bsm_list_follows_its_plot_through_split_and_reissue(gather):
    ledger = plots("0301", "0301")
    now = plots("0301", "0301", "0301", bsm=["N1", "N2", "N3"],
                shapes=[share(0, 60), box(60, 0, 100, 100), row(1)])  # fmt: skip
    zones = {"monitoring": listing(bsm=["P0"], zt=["未销号"]), "relocation": layer([row(1)])}
    assert gather(now, **zones)["monitoring"].tolist() == ["none"] * 3
    followed = evidence.follow_lists(zones, ledger)
    found = gather(now, **followed)
    assert found["monitoring"].tolist() == ["open", "open", "none"]
    assert found["relocation"].tolist() == [False, False, True]


def test_list_rows_that_nothing_joins_are_reported():
    known = ["P0"]
    zones = {
        "pbf": layer([row(0)], bsm=["x"]),
        "monitoring": listing(bsm=["P0", "P9"], zt=["未销号"] * 2,
                              source_file="监测.xlsx", source_row=[2, 3]),
        "balance": layer([row(0), None], bsm=["P5", None], source_file="平衡.shp",
                         source_row=[1, 2]),
    }  # fmt: skip
    problems = evidence.list_problems(zones, known)
    said = problems[["source_file", "source_row", "rule"]].to_numpy().tolist()
    assert said == [
        ["平衡.shp", 2, "LIST_UNMATCHED"],
        ["平衡.shp", 1, "LIST_BSM_IGNORED"],
        ["监测.xlsx", 3, "LIST_UNMATCHED"],
    ]
    assert "不在任何一期图斑中" in problems["found"].iloc[2]
    assert evidence.list_problems({}, known).empty


# --- supplements ---

LARGER = box(190, -10, 310, 110)


def moved_county(gather, **zones):
    """Return P0 in 永农, moved out; P1 (larger) cultivated outside; P2 orchard outside."""
    parcels = plots("0301", "0103", "0201", shapes=[row(0), LARGER, row(2)])
    return gather(parcels, pbf=[row(0)], **zones).iloc[0]


def test_a_supplement_stands_by_polygon_or_bsm(gather):
    for supplement in (layer([LARGER], glbh=["P0"]), listing(bsm=["P1"], glbh=["P0"])):
        piece = moved_county(gather, relocation=listing(bsm=["P0"]), supplement=supplement)
        assert piece["supplement"]
        assert piece["supplement_m2"] == piece["base_m2"]  # credited no more than was moved out


def test_a_supplement_must_be_cultivated_and_large_enough(gather):
    listed = listing(bsm=["P0"])
    orchard = moved_county(gather, relocation=listed, supplement=listing(bsm=["P2"], glbh=["P0"]))
    assert not orchard["supplement"]
    assert orchard["supplement_m2"] == 0
    small = moved_county(gather, relocation=listed, supplement=layer([share(1, 70)], glbh=["P0"]))
    assert not small["supplement"]
    assert small["supplement_m2"] == measure.official_area([share(1, 70)], CRS)[0]


def test_a_bad_supplement_does_not_count_and_does_not_block(gather):
    listed = listing(bsm=["P0"])
    both = listing(bsm=["P2", "P1"], glbh=["P0", "P0"])
    parcels = plots("0301", "0103", "0201", shapes=[row(0), LARGER, row(2)])
    found = gather(parcels, pbf=[row(0)], relocation=listed, supplement=both)
    assert found["supplement"].tolist() == [True, False, False]


@pytest.mark.parametrize(("inside_m", "good"), [(0.09, True), (0.11, False)])
def test_a_supplement_lies_outside_pbf(gather, inside_m, good):
    # 100 m × 0.09 m = 9 m² < 10 m² (and < 1 %); 0.11 m: 11 m²
    big = box(200, 0, 310, 100)
    parcels = plots("0301", "0103", shapes=[row(0), big])
    pbf = [row(0), box(310 - inside_m, 0, 400, 100)]
    found = gather(parcels, pbf=pbf, relocation=listing(bsm=["P0"]),
                   supplement=listing(bsm=["P1"], glbh=["P0"]))  # fmt: skip
    assert bool(found["supplement"].iloc[0]) is good


def test_a_small_supplement_may_not_lie_in_pbf_by_one_percent(gather):
    # 8 × 100 m in all; the part of 5 × 100 m lies 6 m² = 1.2 % inside 永农
    tiny = box(0, 0, 8, 100)
    parcels = plots("0301", "0103", shapes=[tiny, box(200, 0, 205, 100)])
    pbf = [tiny, box(204.94, 0, 300, 100)]
    found = gather(parcels, pbf=pbf, relocation=listing(bsm=["P0"]),
                   supplement=listing(bsm=["P1"], glbh=["P0"]))  # fmt: skip
    assert found["supplement_m2"].iloc[0] == 0


def test_a_shared_supplement_is_never_counted_twice(gather):
    big = box(600, 0, 750, 100)  # 1.5 ha for 2 × 1 ha
    parcels = plots("0301", "0301", "0103", shapes=[row(0), row(1), big])
    twice = listing(bsm=["P2", "P2"], glbh=["P0", "P1"])
    found = gather(parcels, pbf=[row(0), row(1)], relocation=listing(bsm=["P0", "P1"]),
                   supplement=twice)  # fmt: skip
    assert not found["supplement"].any()
    total = found["supplement_m2"].sum()
    assert total == pytest.approx(found["area_m2"].iloc[2], abs=0.02)


def test_a_supplement_known_later_does_not_stand_yet(gather):
    parcels = plots("0301", "0103", shapes=[row(0), LARGER])
    zones = {
        "relocation": listing(bsm=["P0"]),
        "supplement": listing(bsm=["P1"], glbh=["P0"], sxrq=[date(2023, 10, 1)]),
    }
    assert not gather(parcels, pbf=[row(0)], **zones)["supplement"].any()
    later = gather(parcels, pbf=[row(0)], export=date(2023, 10, 1), **zones)
    assert later["supplement"].tolist() == [True, False]


def test_a_polygon_list_names_its_plot_by_glbh(gather):
    parcels = plots("0301", "0103", shapes=[row(0), LARGER], bsm=["NEW", "P1"])
    found = gather(parcels, pbf=[row(0)], relocation=layer([row(0)], glbh=["OLD"], bsm=["Z"]),
                   supplement=listing(bsm=["P1"], glbh=["OLD"]))  # fmt: skip
    assert found["supplement"].tolist() == [True, False]


# --- the whole ---


@settings(deadline=None, derandomize=True, max_examples=12)
@given(
    st.lists(st.sampled_from(["0103", "0201", "0601", "9999"]), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(5, 300)), max_size=4),
    st.randoms(use_true_random=False),
)
def test_order_of_rows_changes_nothing_and_areas_are_kept(county, dlbm, zone, random):
    parcels = plots(*dlbm)
    before = parcels.assign(dlbm="0103")
    zone = [box(x, 10, x + width, 80) for x, width in zone]
    zones = {"pbf": layer(zone), "target": layer(zone[:1]), "relocation": layer(zone[1:])}

    def run(rows):
        return whole_evidence.gather(
            rows, zones=zones, previous=before, county=county, export=DAY, codes=CODES
        )

    found = run(parcels)
    assert found["base_m2"].sum() == pytest.approx(parcels["base_m2"].sum(), abs=1e-6)
    assert (found["prev_cultivated_m2"] == found["area_m2"]).all()
    again = run(parcels.sample(frac=1, random_state=random.randrange(1000)))
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.drop(columns="geometry")), pd.DataFrame(found.drop(columns="geometry"))
    )
    assert np.allclose(again.geometry.area, found.geometry.area)

"""Every plot has one lineage, and every hundredth of a m² goes somewhere."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely
from compare_histories import CRS, X0, Y0, A, B, histories, of, plot
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Polygon, affinity

from pipeline import measure
from pipeline.compare import (
    MIRROR,
    RELATIONS,
    changes,
    class_account,
    class_flow,
    compare_products,
    csv_tables,
    format_losses,
    lineage,
    match,
    summary_by_town,
)
from pipeline.errors import GengbaoError, InputError

properties = settings(deadline=None, derandomize=True, max_examples=30)
whole_products = settings(properties, max_examples=12)


def relations(old, new):
    links = lineage(old, new, crs=CRS)
    pairs = links[["old_bsm", "new_bsm", "relation"]].itertuples(index=False, name=None)
    return {tuple("-" if pd.isna(v) else v for v in pair) for pair in pairs}


ROW = {"1": plot(0, 0), "2": plot(100, 0), "3": plot(200, 0)}


# --- the zoo -----------------------------------------------------------------------------------


def test_the_same_plots_are_the_same():
    assert relations(of(ROW), of(ROW)) == {(b, b, "same") for b in ROW}


def test_another_attribute_on_the_same_ground_is_recoded():
    new = of(ROW, dlbm=["0103", "0201", "0103"])
    assert relations(of(ROW), new) == {
        ("1", "1", "same"), ("2", "2", "recoded"), ("3", "3", "same"),
    }  # fmt: skip


def test_another_bsm_on_the_same_ground_is_renumbered_even_with_another_class():
    new = of({"1": ROW["1"], "9": ROW["2"], "3": ROW["3"]}, dlbm=["0103", "0201", "0103"])
    assert ("2", "9", "renumbered") in relations(of(ROW), new)


def test_two_plots_that_swap_their_bsm_are_both_renumbered():
    new = of({"1": ROW["2"], "2": ROW["1"], "3": ROW["3"]})
    assert relations(of(ROW), new) == {
        ("1", "2", "renumbered"), ("2", "1", "renumbered"), ("3", "3", "same"),
    }  # fmt: skip


def test_a_bsm_reused_on_other_ground_is_no_descent():
    new = of({"1": ROW["1"], "2": ROW["2"], "3": plot(900, 0)})
    assert relations(of(ROW), new) >= {("3", "-", "gone"), ("-", "3", "new")}


def test_a_split_a_merge_and_a_many_to_many():
    split = of({"1": ROW["1"], "2": plot(100, 0, 40), "4": plot(140, 0, 60), "3": ROW["3"]})
    assert relations(of(ROW), split) >= {("2", "2", "split"), ("2", "4", "split")}
    merged = of({"1": plot(0, 0, 200), "3": ROW["3"]})
    assert relations(of(ROW), merged) >= {("1", "1", "merged"), ("2", "1", "merged")}
    many = of({"8": plot(0, 0, 150), "9": plot(150, 0, 50), "3": ROW["3"]})
    assert relations(of(ROW), many) == {
        ("1", "8", "many"), ("2", "8", "many"), ("2", "9", "many"), ("3", "3", "same"),
    }  # fmt: skip


def test_a_shifted_border_reshapes_both_neighbours_and_links_nobody_across():
    # 9 of 100 m: below a tenth of the smaller plot
    new = of({"1": plot(0, 0, 109), "2": plot(109, 0, 91), "3": ROW["3"]})
    assert relations(of(ROW), new) == {
        ("1", "1", "reshaped"), ("2", "2", "reshaped"), ("3", "3", "same"),
    }  # fmt: skip
    flows = match(of(ROW), new, crs=CRS).flows
    across = flows[(flows["old_bsm"] == "2") & (flows["new_bsm"] == "1")]
    assert across["linked"].tolist() == [False]
    assert across["flow_cm2"].item() == pytest.approx(90000, rel=1e-3)  # 9 m x 100 m


def test_a_link_starts_at_a_tenth_of_the_smaller_plot():
    wider = of({"1": plot(0, 0, 110.01), "2": plot(110.01, 0, 89.99), "3": ROW["3"]})
    assert ("2", "1", "many") in relations(of(ROW), wider)


def test_a_house_cut_out_of_a_forest_is_a_split_however_large_the_forest():
    forest, house = plot(0, 0, 1000, 1000), plot(500, 500, 10, 10)
    new = of({"1": forest.difference(house), "2": house})
    assert relations(of({"1": forest}), new) == {("1", "1", "split"), ("1", "2", "split")}


def test_copies_of_one_outline_pair_by_bsm_and_a_copy_too_many_is_gone():
    old = of({"1": ROW["1"], "2": ROW["1"]})
    assert relations(old, of({"2": ROW["1"]})) == {("1", "-", "gone"), ("2", "2", "same")}
    assert relations(old, of({"2": ROW["1"], "7": ROW["1"]})) == {
        ("1", "7", "renumbered"), ("2", "2", "same"),
    }  # fmt: skip


def test_ground_that_left_the_layer_is_gone_with_its_base():
    new = of({"1": ROW["1"], "2": plot(100, 0, 60), "3": ROW["3"]})
    found = match(of(ROW, base_m2=[1e4, 1e4, 1e4]), new, crs=CRS)
    gone = found.flows[found.flows["new_bsm"].isna()]
    assert gone["old_bsm"].tolist() == ["2"]
    assert gone["old_cm2"].item() == pytest.approx(400000, rel=1e-3)  # 40 m x 100 m of 10,000 m²
    assert shapely.equals(gone.geometry.iloc[0], plot(160, 0, 40))
    assert set(found.links["relation"]) == {"same", "reshaped"}


# --- form --------------------------------------------------------------------------------------

HOLED = Polygon(plot(0, 0).exterior.coords, [list(plot(20, 20, 10, 10).exterior.coords)[::-1]])


def respelled(shape, turn):
    ring = list(shape.exterior.coords)[:-1]
    ring = ring[turn:] + ring[:turn]
    holes = [list(hole.coords)[::-1] for hole in shape.interiors]
    return MultiPolygon([Polygon(ring[::-1], holes)])


@pytest.mark.parametrize("turn", range(4))
def test_ring_start_orientation_and_multi_part_are_form(turn):
    new = of({"1": respelled(HOLED, turn)})
    assert relations(of({"1": HOLED}), new) == {("1", "1", "same")}
    assert changes(of({"1": HOLED}), new, lineage(of({"1": HOLED}), new, crs=CRS)).links.empty


def test_a_vertex_more_on_a_straight_line_and_a_repeated_one_are_form():
    ring = list(ROW["1"].exterior.coords)
    middle = ((ring[0][0] + ring[1][0]) / 2, (ring[0][1] + ring[1][1]) / 2)
    new = of({"1": Polygon([ring[0], middle, ring[1], ring[1], *ring[2:]])})
    assert relations(of({"1": ROW["1"]}), new) == {("1", "1", "same")}


def test_seven_decimals_of_a_degree_are_a_loss_of_form_and_a_centimetre_is_a_change():
    old = of({"1": ROW["1"]}, tbmj=1e4)
    rounded = of({"1": affinity.translate(ROW["1"], 0.005, -0.004)}, tbmj=1e4)
    links = lineage(old, rounded, crs=CRS)
    assert links["relation"].tolist() == ["same"]
    assert links["shift_m"].item() == pytest.approx(0.0064, abs=1e-4)  # √(5² + 4²) mm
    assert format_losses(old, rounded, links)["loss"].tolist() == ["coordinates"]
    moved = of({"1": affinity.translate(ROW["1"], 0.01, 0)})
    assert relations(old, moved) == {("1", "1", "reshaped")}


@properties
@given(st.lists(st.integers(-49, 49), min_size=24, max_size=24))
def test_jitter_below_the_grid_is_no_change(steps):
    jitter = np.array(steps).reshape(-1, 2) * 1e-6  # below half a grid step of 0.0001 m
    old = of(ROW)
    xy = shapely.get_coordinates(old.geometry)
    ends = np.arange(len(xy)) % 5 == 4
    off = np.empty_like(xy)
    off[~ends] = jitter
    off[ends] = off[np.flatnonzero(ends) - 4]
    shaken = shapely.set_coordinates(np.array(old.geometry, dtype=object), xy + off)
    new = of(dict(zip(ROW, shaken, strict=True)), tbmj=old["tbmj"], base_m2=old["base_m2"])
    links = lineage(old, new, crs=CRS)
    assert set(links["relation"]) == {"same"}
    assert changes(old, new, links).links.empty
    assert format_losses(old, new, links).empty


# --- attributes --------------------------------------------------------------------------------


def both(old_values, new_values, column):
    shapes = {str(i): plot(100 * i, 0) for i in range(len(old_values))}
    old, new = of(shapes, **{column: old_values}), of(shapes, **{column: new_values})
    links = lineage(old, new, crs=CRS)
    return changes(old, new, links), format_losses(old, new, links), links


def test_a_changed_field_is_listed_with_both_values_after_its_link():
    table, losses, _ = both(["0103", "0103"], ["0103", "0201"], "dlbm")
    assert losses.empty
    assert table.links[["old_bsm", "fields"]].to_numpy().tolist() == [["1", "DLBM"]]
    assert table.fields["field"].tolist() == ["DLBM"]
    last = table.fields.iloc[0]
    assert (last["field_label"], last["old_value"], last["new_value"]) == (
        "地类编码",
        "0103",
        "0201",
    )
    assert (last["old_bsm"], last["relation"], last["label"]) == ("1", "recoded", "属性变更")
    assert (last["town_code"], last["town"]) == (A, "甲镇")


LONG = "柞水县" * 30  # 90 characters, 180 bytes in GBK, 270 in UTF-8


@pytest.mark.parametrize(
    ("column", "rich", "poor", "loss"),
    [
        ("bz", "2023-09-30 10:11:12", "2023-09-30", "time_dropped"),
        ("bz", "2023-09-30T10:11:12", "2023/9/30 00:00:00", "time_dropped"),
        ("bz", LONG, LONG[:80], "text_cut"),  # 80 characters
        ("bz", LONG, LONG[:40], "text_cut"),  # 80 bytes of GBK
        ("bz", LONG, LONG[:26], "text_cut"),  # 78 bytes of UTF-8, the next one needs 81
        ("zldwmc", LONG, LONG[:30], "text_cut"),  # 60 bytes of GBK: the standard's length
        ("bz", "路边", "路边  ", "blanks"),
        ("bz", None, "  ", "blanks"),
        ("kcxs", np.nan, 0.0, "null_as_zero"),
        ("kcxs", 0.0, -0.0, "negative_zero"),
        ("tbmj", 123.456, 123.46, "decimals"),
        ("tbmj", 123.455, 123.45, "decimals"),  # a writer that rounds halves down
    ],
)  # fmt: skip
def test_losses_of_form_are_no_change_either_way(column, rich, poor, loss):
    for values in ((rich, poor), (poor, rich)):
        table, losses, links = both([values[0], values[0]], [values[1], values[1]], column)
        assert set(links["relation"]) == {"same"}
        assert table.links.empty
        assert losses[["loss", "plots"]].to_numpy().tolist() == [[loss, 2]]


@pytest.mark.parametrize(
    ("column", "old", "new"),
    [
        ("bz", "2023-09-30 10:11:12", "2023-09-30 11:11:12"),
        ("bz", "2023-09-30 10:11:12", "2023-10-01"),
        ("bz", LONG, LONG[:50]),  # no usual width
        ("bz", "路边", "路 边"),
        ("kcxs", 0.1, 0.0),
        ("kcxs", np.nan, 0.1),
        ("tbmj", 123.46, 123.45),
        ("dlbm", "0201K", "0201"),
        ("zzsxdm", None, "JKHF"),
    ],
)
def test_what_no_format_does_is_a_change(column, old, new):
    # the second plot keeps the field from being taken for undelivered
    same = "LS" if column == "zzsxdm" else old
    table, losses, links = both([old, same], [new, same], column)
    assert links["relation"].tolist() == ["recoded", "same"]
    assert len(table.links) == len(table.fields) == 1
    assert losses.empty


def test_a_field_one_side_did_not_deliver_is_a_loss():
    table, losses, _ = both(["LS"] * 3, [None] * 3, "zzsxdm")
    assert table.links.empty
    assert losses[["loss", "field", "poorer", "plots"]].to_numpy().tolist() == [
        ["undelivered", "ZZSXDM", "new", 3]
    ]
    old, new = of(ROW, zzsxdm="LS"), of(ROW).drop(columns="zzsxdm")
    links = lineage(old, new, crs=CRS)
    assert set(links["relation"]) == {"same"}
    assert format_losses(old, new, links)["loss"].tolist() == ["undelivered"]


def test_areas_and_numbers_that_follow_a_cut_are_not_listed():
    new = of({"1": ROW["1"], "2": plot(100, 0, 40), "4": plot(140, 0, 60), "3": ROW["3"]},
             dlbm=["0103", "0103", "0702", "0103"])  # fmt: skip
    table = changes(of(ROW), new, lineage(of(ROW), new, crs=CRS))
    assert table.fields["field"].tolist() == ["DLBM"]
    assert table.links["fields"].tolist() == [None, "DLBM"]


# --- properties over made histories ------------------------------------------------------------


@properties
@given(histories)
def test_made_histories_are_told_as_they_were_made(history):
    old, new, truth = history
    links = lineage(old, new, crs=CRS).dropna(subset="old_bsm")
    told = links.groupby("old_bsm")["relation"].agg(set).to_dict()
    assert told == {bsm: {relation} for bsm, relation in truth.items()}


@properties
@given(histories)
def test_every_plot_stands_in_exactly_one_lineage_and_areas_balance_both_ways(history):
    old, new, _ = history
    found = match(old, new, crs=CRS)
    for frame, side in ((old, "old"), (new, "new")):
        of_plot = found.links.dropna(subset=f"{side}_bsm").groupby(f"{side}_bsm")
        assert set(of_plot.groups) == set(frame["bsm"])
        for column in ("lineage_id", "relation"):
            assert of_plot[column].nunique().max() == 1
        sums = found.flows.groupby(f"{side}_bsm")[f"{side}_cm2"].sum()
        assert sums.to_dict() == dict(
            zip(frame["bsm"], measure.to_cm2(frame["base_m2"].to_numpy()), strict=True)
        )
    assert (found.flows[["old_cm2", "new_cm2", "flow_cm2"]] >= 0).all(axis=None)
    matrix = class_flow(old, new, found.flows)
    account = class_account(old, new, matrix)  # raises where an account doesn't close
    for level in ("dlbm", "group", "town"):
        own = account[account["level"] == level]
        assert own["opening_cm2"].sum() == measure.to_cm2(old["base_m2"].to_numpy()).sum()
        assert own["closing_cm2"].sum() == measure.to_cm2(new["base_m2"].to_numpy()).sum()


@whole_products
@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(history, random):
    old, new, _ = history
    shuffled = [
        frame.iloc[random.sample(range(len(frame)), len(frame))].set_axis(range(len(frame)))
        for frame in (old, new)
    ]
    one, other = compare_products(old, new, crs=CRS), compare_products(*shuffled, crs=CRS)
    for name in ("links", "changes", "fields", "losses", "towns", "matrix", "account", "flows"):
        pd.testing.assert_frame_equal(
            pd.DataFrame(getattr(one, name)), pd.DataFrame(getattr(other, name))
        )


@properties
@given(histories)
def test_the_other_way_round_is_the_mirror(history):
    old, new, _ = history
    there, back = match(old, new, crs=CRS), match(new, old, crs=CRS)
    turn = {"old_bsm": "new_bsm", "new_bsm": "old_bsm", "old_cm2": "new_cm2", "new_cm2": "old_cm2"}
    links = back.links.rename(columns=turn)
    links["relation"] = links["relation"].replace(MIRROR)
    keys = ["old_bsm", "new_bsm"]
    columns = [*keys, "relation", "overlap_m2"]
    pd.testing.assert_frame_equal(
        there.links[columns].sort_values(keys, ignore_index=True),
        links[columns].sort_values(keys, ignore_index=True),
    )
    columns = [*keys, "overlap_m2", "old_cm2", "new_cm2", "flow_cm2", "linked"]
    flows = pd.DataFrame(back.flows).rename(columns=turn)
    pd.testing.assert_frame_equal(
        pd.DataFrame(there.flows)[columns].sort_values(keys, ignore_index=True),
        flows[columns].sort_values(keys, ignore_index=True),
    )


@whole_products
@given(histories)
def test_an_export_against_itself_is_empty(history):
    _, new, _ = history
    found = compare_products(new, new.copy(), crs=CRS)
    assert found.empty
    assert found.losses.empty
    assert set(found.links["relation"]) == {"same"}
    assert (found.matrix["source"] == found.matrix["target"]).all()


# --- tables ------------------------------------------------------------------------------------


def test_the_flow_matrix_adds_up_by_hand():
    # 10,000.00 m² each by statement: 2 becomes 0702, 3 loses 0.05 m² by 平差, 4 is new ground
    old = of(ROW, base_m2=[10000.0] * 3)
    new = of({**ROW, "4": plot(300, 0)}, dlbm=["0103", "0702", "0103", "0301"],
             base_m2=[10000.0, 10000.0, 9999.95, 10000.0])  # fmt: skip
    matrix = class_flow(old, new, match(old, new, crs=CRS).flows)
    group = matrix[matrix["level"] == "group"].drop(columns="level")
    assert group.to_numpy().tolist() == [
        ["cropland", "construction", 1000000],
        ["cropland", "cropland", 1999995],
        ["cropland", "revised", 5],
        ["new", "other_agri", 1000000],
    ]
    account = class_account(old, new, matrix).set_index(["level", "class"])
    assert account.loc[("group", "cropland")].tolist() == [3000000, 1000005, 0, 1999995, -5]
    assert account.loc[("dlbm", "0702")].tolist() == [0, 0, 1000000, 1000000, 0]
    assert account.loc[("town", f"{A} other_agri")].tolist() == [0, 0, 1000000, 1000000, 0]


def test_an_account_that_does_not_close_ends_the_run_and_names_the_class():
    old, new = of(ROW), of(ROW, dlbm=["0103", "0702", "0103"])
    matrix = class_flow(old, new, match(old, new, crs=CRS).flows)
    for source in ("0103", "cropland"):
        tampered = matrix.copy()
        row = tampered.index[(tampered["source"] == source) & (tampered["target"] != source)]
        tampered.loc[row, "area_cm2"] += 1
        with pytest.raises(GengbaoError, match=f"地类流量 {source}"):
            class_account(old, new, tampered)


def test_a_flow_lost_between_kept_ground_is_found():
    matrix = class_flow(of(ROW), of(ROW), match(of(ROW), of(ROW), crs=CRS).flows)
    with pytest.raises(GengbaoError, match="地类流量 0103"):
        class_account(of(ROW), of(ROW), matrix[matrix["level"] != "dlbm"])


def test_towns_count_every_plot_of_both_sides_once():
    old = of(ROW, town_code=[A, B, None], town=["甲镇", "乙镇", None])
    new = of({"1": plot(0, 0, 200), "3": ROW["3"], "4": plot(300, 0)},
             town_code=[A, None, B], town=["甲镇", None, "乙镇"])  # fmt: skip
    table = summary_by_town(old, new, lineage(old, new, crs=CRS))
    assert table["town"].drop_duplicates().tolist() == ["甲镇", "乙镇", "未定", "全县"]
    plots = table.set_index(["town", "relation"])[["old_plots", "new_plots"]]
    assert plots.loc[("甲镇", "merged")].tolist() == [1, 1]
    assert plots.loc[("乙镇", "merged")].tolist() == [1, 0]
    assert plots.loc[("乙镇", "new")].tolist() == [0, 1]
    assert plots.loc[("未定", "same")].tolist() == [1, 1]
    assert plots.loc["全县"].sum().tolist() == [3, 3]
    assert len(table) == 4 * len(RELATIONS)


def test_the_csv_tables_write_exact_areas():
    old = of(ROW, base_m2=[10000.0] * 3)
    new = of(ROW, dlbm=["0103", "0702", None], base_m2=[10000.0] * 3)
    tables = csv_tables(compare_products(old, new, crs=CRS))
    assert list(tables) == [
        "changes.csv", "属性变化.csv", "格式损失.csv", "更名.csv", "分镇变化.csv", "地类流量.csv",
        "分镇地类流量.csv",
    ]  # fmt: skip
    flow = tables["地类流量.csv"].set_index(["level", "class"])
    dry = flow.loc[("dlbm", "0103")]
    assert (dry["label"], dry["opening_m2"], dry["opening_mu"]) == ("旱地", "30000.00", "45.000000")
    assert (dry["decrease_m2"], dry["closing_m2"]) == ("20000.00", "10000.00")
    assert (dry["to_0702_m2"], dry["to_（空）_m2"]) == ("10000.00", "10000.00")
    assert flow.loc[("group", "unknown"), "label"] == "地类待核"
    built = flow.loc[("dlbm", "0702")]  # nothing to flow from: zeros, and blanks of other levels
    assert built["to_0103_m2"] == "0.00"
    assert pd.isna(built["to_cropland_m2"])
    by_town = tables["分镇地类流量.csv"].set_index(["town", "group"])
    assert by_town.loc[("甲镇", "cropland"), "closing_mu"] == "15.000000"
    assert by_town.loc[("甲镇", "unknown"), "label"] == "地类待核"
    towns = tables["分镇变化.csv"]
    row = towns[(towns["town"] == "全县") & (towns["relation"] == "recoded")].iloc[0]
    assert (row["old_plots"], row["old_m2"], row["old_mu"]) == (2, "20000.00", "30.000000")
    assert tables["changes.csv"]["overlap_m2"].str.fullmatch(r"\d+\.\d\d").all()


def test_the_layers_show_changed_plots_and_changed_ground():
    new = of({"1": ROW["1"], "2": plot(100, 0, 40), "4": plot(140, 0, 60), "3": ROW["3"]},
             dlbm=["0103", "0103", "0702", "0103"])  # fmt: skip
    layers = compare_products(of(ROW), new, crs=CRS).layers
    assert layers["变化前图斑"]["bsm"].tolist() == ["2"]
    assert layers["变化后图斑"]["bsm"].tolist() == ["2", "4"]
    ground = layers["地类变化地块"]
    assert ground[["old_dlbm", "new_dlbm"]].to_numpy().tolist() == [["0103", "0702"]]
    assert shapely.equals(ground.geometry.iloc[0], plot(140, 0, 60))
    assert all(layer.crs == CRS for layer in layers.values())


def test_inputs_are_not_modified():
    old, new = of(ROW), of({"1": plot(0, 0, 200), "3": ROW["3"]})
    copies = old.copy(), new.copy()
    compare_products(old, new, crs=CRS)
    for frame, copy in zip((old, new), copies, strict=True):
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(copy))


# --- bad input ---------------------------------------------------------------------------------


def test_another_crs_is_refused():
    with pytest.raises(InputError, match="后期成果：坐标系是"):
        lineage(of(ROW), of(ROW).to_crs("EPSG:4545"), crs=CRS)


def test_missing_and_repeated_bsm_and_missing_geometry_are_named_all_at_once():
    old = of(ROW)
    old["bsm"] = ["1", "1", None]
    new = of(ROW)
    new.loc[1, "geometry"] = None
    with pytest.raises(InputError) as caught:
        lineage(old, new, crs=CRS)
    message = str(caught.value)
    assert "前期成果图斑 1：标识码重复 2 次" in message
    assert "前期成果第 3 行：标识码（BSM）为空" in message
    assert "后期成果图斑 2：没有面图形" in message


def test_an_empty_export_and_another_county_are_refused():
    with pytest.raises(InputError, match="后期成果：没有一个图斑"):
        compare_products(of(ROW), of(ROW).iloc[:0], crs=CRS)
    with pytest.raises(InputError, match="不是同一个县"):
        compare_products(of(ROW), of(ROW, town_code="880001001"), crs=CRS)


def test_an_invalid_changed_plot_is_named():
    bow = Polygon([(X0, Y0), (X0 + 9, Y0 + 9), (X0 + 9, Y0), (X0, Y0 + 9)])
    new = of(ROW)
    new.loc[0, "geometry"] = bow
    with pytest.raises(GengbaoError, match="图斑 1：图形无效"):
        lineage(of(ROW), new, crs=CRS)


def test_an_empty_side_makes_everything_new_or_gone():
    none = of(ROW).iloc[:0]
    assert relations(of(ROW), none) == {(b, "-", "gone") for b in ROW}
    assert relations(none, of(ROW)) == {("-", b, "new") for b in ROW}

"""Plots cut by zones: ground and base conserved, slivers to neighbours, limits to the letter."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import measure, overlay
from pipeline.errors import GengbaoError
from pipeline.model import Thresholds

CRS = "EPSG:4524"
WEST, SOUTH = 36_600_000.0, 3_700_000.0
SOME = settings(deadline=None, derandomize=True, max_examples=40)


def box(left, bottom, right, top):
    return shapely.box(WEST + left, SOUTH + bottom, WEST + right, SOUTH + top)


def layer(*shapes):
    return gpd.GeoDataFrame(geometry=list(shapes), crs=CRS)


def plots(*shapes, base_factor=1.0):
    frame = layer(*shapes)
    frame["bsm"] = [f"{i:018d}" for i in range(len(frame))]
    frame["area_m2"] = measure.official_area(frame.geometry, CRS)
    frame["base_m2"] = measure.round_half_up(frame["area_m2"] * base_factor)
    return frame


def cut(parcels, pbf=(), target=(), thresholds=None):
    return overlay.cut(parcels, layer(*pbf), layer(*target), thresholds or Thresholds())


def zones(pieces):
    """Return the zone of each piece as one letter: P 永农, T target, O outside."""
    return "".join(
        np.where(pieces["in_pbf"], "P", np.where(pieces["in_target"], "T", "O")).tolist()
    )


def conserved(parcels, pieces):
    base = pieces.groupby("bsm")["base_m2"].apply(lambda v: int(measure.to_cm2(v).sum()))
    planar = pieces.groupby("bsm")["planar_m2"].sum()
    assert base.index.tolist() == parcels["bsm"].tolist()
    assert base.tolist() == measure.to_cm2(parcels["base_m2"]).tolist()
    assert np.allclose(planar, parcels.geometry.area, rtol=0, atol=1e-6)
    assert shapely.is_valid(pieces.geometry.to_numpy()).all()


def test_three_zones_largest_piece_first():
    parcels = plots(box(0, 0, 100, 100), base_factor=1.0004)
    pieces = cut(parcels, [box(0, 0, 30, 100)], [box(0, 0, 80, 100)])
    assert zones(pieces) == "TPO"
    assert pieces["piece"].tolist() == [1, 2, 3]
    assert pieces["planar_m2"].round(6).tolist() == [5000, 3000, 2000]
    assert pieces["in_target"].tolist() == [True, True, False]
    conserved(parcels, pieces)


def test_a_plot_inside_or_outside_keeps_its_shape_and_areas_untouched():
    shapes = [box(0, 0, 50, 50), box(100, 0, 150, 50), box(200, 0, 250, 50)]
    parcels = plots(*shapes, base_factor=0.9997)
    pieces = cut(parcels, [box(-5, -5, 60, 60)], [box(90, -5, 160, 60)])
    assert zones(pieces) == "PTO"
    assert shapely.equals_identical(pieces.geometry.to_numpy(), np.array(shapes)).all()
    assert pieces["area_m2"].tolist() == parcels["area_m2"].tolist()
    assert pieces["base_m2"].tolist() == parcels["base_m2"].tolist()


def test_zones_that_overlap_themselves_count_once():
    parcels = plots(box(0, 0, 100, 100))
    twice = [box(0, 0, 60, 100), box(20, -10, 60, 110), box(0, 0, 60, 100)]
    pieces = cut(parcels, twice, [*twice, box(50, 0, 60, 100)])
    assert pieces["planar_m2"].round(6).tolist() == [6000, 4000]
    assert zones(pieces) == "PO"
    assert pieces["pbf_outside_target_m2"].tolist() == [0, 0]


def test_a_plot_covered_only_by_several_zone_polygons_together_is_whole():
    parcels = plots(box(0, 0, 100, 100))
    pieces = cut(parcels, [box(-5, -5, 37.1234, 105), box(37.1234, -5, 105, 105)])
    assert zones(pieces) == "P"
    assert pieces["merged_parts"].tolist() == [0]
    conserved(parcels, pieces)


def test_pbf_outside_the_target_layer_is_pbf_with_its_area_reported():
    parcels = plots(box(0, 0, 100, 100), box(100, 0, 200, 100), box(300, 0, 400, 100))
    pieces = cut(parcels, [box(0, 0, 400, 100)], [box(50, 0, 200, 100)])
    assert zones(pieces) == "PPP"
    assert pieces["in_target"].tolist() == [True, True, False]  # half of it is enough
    half, whole = measure.official_area([box(0, 0, 50, 100), box(300, 0, 400, 100)], CRS)
    assert pieces["pbf_outside_target_m2"].tolist() == [half, 0, whole]
    less = cut(parcels.iloc[:1], [box(0, 0, 100, 100)], [box(51, 0, 200, 100)])
    assert less["in_target"].tolist() == [False]


def test_touching_zones_are_not_overlaps():
    parcels = plots(box(0, 0, 100, 100))
    corner, side = box(100, 100, 200, 200), box(100, 0, 200, 100)
    assert zones(cut(parcels, [corner, side])) == "O"


def test_a_hole_of_the_zone_is_outside_even_where_it_fits_the_plot_exactly():
    hole = box(0, 0, 100, 100)
    around = shapely.Polygon(box(-50, -50, 150, 150).exterior, [hole.exterior])
    pieces = cut(plots(hole, box(-50, -50, -20, 150)), [around])
    assert zones(pieces) == "OP"


def test_plots_with_holes_and_parts_are_whole_plot_by_zone():
    pierced = shapely.Polygon(box(0, 0, 100, 100).exterior, [box(40, 40, 60, 60).exterior])
    parts = shapely.MultiPolygon([box(200, 0, 240, 100), box(260, 0, 300, 100)])
    parcels = plots(pierced, parts)
    pieces = cut(parcels, [box(-10, 30, 400, 70)])
    # pierced: 100·40 − 20·20 inside; parts: 2 × 40·40 inside, in one piece of two polygons
    assert pieces["planar_m2"].round(6).tolist() == [6000, 3600, 4800, 3200]
    assert zones(pieces) == "OPOP"
    conserved(parcels, pieces)


# --- slivers: plot 100 × 100 m cut at x; the part left of x is in 永农 ---
@pytest.mark.parametrize(
    ("plot", "x", "expected"),
    [
        ((0, 0, 20, 50), 0.1999, "O"),  # 9.995 m² < 10
        ((0, 0, 5, 20), 0.5, "OP"),  # exactly 10 m², 2·10/41 = 0.488 m wide: see below
        ((0, 0, 100, 100), 0.66, "O"),  # 66 m² < 66.7 and 0.66 % < 1 %
        ((0, 0, 60, 100), 0.66, "O"),  # 1.1 %, but whole plot (98.9 %, rest under 200 m²)
        ((0, 0, 100, 100), 2.0, "OP"),  # 2 %, rest exactly 200 m²: not under 200
        ((0, 0, 100, 100), 1.9999, "O"),  # rest 199.99 m² and 98 %: whole
        ((0, 0, 30, 100), 1.5, "O"),  # exactly 95 %, rest 150 m²: whole
        ((0, 0, 30, 100), 1.5001, "OP"),  # 94.9997 %
    ],
)
def test_limits_hold_to_the_letter(plot, x, expected):
    parcels = plots(box(*plot))
    narrow_off = Thresholds(sliver_width_m=0.0)
    pieces = cut(parcels, [box(-5, -5, x, 200)], thresholds=narrow_off)
    assert zones(pieces) == expected
    conserved(parcels, pieces)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (300.0, 0.45, "O"),  # 135 m², 2A/P = 0.449 < 0.5
        (500.0, 0.4, "OP"),  # 200 m² exactly: not under 200
        (300.0, 0.55, "OP"),  # 165 m², 0.549 wide
    ],
)
def test_narrow_parts_below_200_m2_are_slivers(height, width, expected):
    parcels = plots(box(0, 0, 5, height))
    pieces = cut(parcels, [box(-5, -5, width, 600)], thresholds=Thresholds(whole_share=1.0))
    assert zones(pieces) == expected
    if expected == "O":
        assert pieces["merged_parts"].tolist() == [1]
        assert pieces["merged_m2"].tolist() == [measure.round_half_up(height * width)]


def test_the_share_limit_is_strict():
    limits = Thresholds(sliver_width_m=0.0, whole_share=1.0)
    exactly = plots(box(0, 0, 60, 100))
    assert zones(cut(exactly, [box(-5, -5, 0.6, 200)], thresholds=limits)) == "OP"  # 60 of 6000
    assert zones(cut(exactly, [box(-5, -5, 0.5999, 200)], thresholds=limits)) == "O"
    wide = plots(box(0, 0, 667, 20))
    assert zones(cut(wide, [box(-5, -5, 3.335, 200)], thresholds=limits)) == "OP"  # 66.7 m²
    assert zones(cut(wide, [box(-5, -5, 3.3349, 200)], thresholds=limits)) == "O"


def test_a_sliver_goes_to_the_neighbour_it_touches_not_to_the_largest():
    parcels = plots(box(0, 0, 100, 100))
    # 永农 on the left, target in the middle, outside on the right with the most ground; the
    # sliver of outside at the far left touches 永农 only
    pieces = cut(parcels, [box(0.05, 0, 30, 100)], [box(30, 0, 55, 100)])
    assert zones(pieces) == "OPT"  # outside is one part of two polygons: whole plot ∩ zone
    pieces = cut(parcels, [box(0.05, 0, 60, 100)], [box(-5, 0, 0.05, 100)])
    assert zones(pieces) == "PO"
    assert pieces["merged_parts"].tolist() == [1, 0]
    pieces = cut(parcels, [box(0.05, 0, 30, 100)], [box(-5, 0, 0.05, 100)])
    assert zones(pieces) == "OP"
    assert pieces["merged_parts"].tolist() == [0, 1]
    assert pieces["merged_m2"].tolist() == [0, 5]
    conserved(parcels, pieces)


def test_a_sliver_that_touches_no_proper_part_goes_to_the_largest():
    apart = shapely.MultiPolygon([box(0, 0, 100, 100), box(200, 0, 202, 4)])
    parcels = plots(apart)
    pieces = cut(parcels, [box(0, 0, 30, 100)], [box(190, 0, 210, 10)])
    assert zones(pieces) == "OP"
    assert pieces["merged_m2"].tolist() == [8, 0]
    conserved(parcels, pieces)


def test_a_point_is_no_shared_border():
    # the sliver meets 永农 (the larger) in one corner, and shares a side with the target part
    apart = shapely.union_all([box(0, 0, 50, 50), box(50, 50, 52, 54), box(52, 50, 70, 80)])
    parcels = plots(apart)
    pieces = cut(parcels, [box(0, 0, 50, 50)], [box(52, 50, 70, 80)])
    assert zones(pieces) == "PT"
    assert pieces["merged_m2"].tolist() == [0, 8]


def test_a_plot_of_slivers_only_is_one_piece_in_the_zone_of_its_largest_part():
    parcels = plots(box(0, 0, 4, 4))
    pieces = cut(parcels, [box(0, 0, 1.3, 4)], [box(1.3, 0, 2.8, 4)])
    assert zones(pieces) == "T"
    assert pieces["merged_parts"].tolist() == [2]
    assert pieces["base_m2"].tolist() == parcels["base_m2"].tolist()


def test_a_whole_plot_has_its_own_outline_again():
    shape = box(0, 0, 30, 100)
    pieces = cut(plots(shape), [box(1, -5, 50, 200)])
    assert zones(pieces) == "P"
    assert shapely.equals_identical(pieces.geometry.iloc[0], shape)
    assert pieces["merged_m2"].tolist() == [100]


@st.composite
def scenes(draw):
    """Plots on a grid, zones as rectangles anywhere over it, all on the 0.0001 m grid."""
    side = draw(st.sampled_from([3, 20, 60, 150]))
    columns = draw(st.integers(1, 4))
    shapes = [box(i * side, j * side, (i + 1) * side, (j + 1) * side)
              for i in range(columns) for j in range(2)]  # fmt: skip
    corner = st.integers(-20_000, columns * side * 10_000 + 20_000)

    def rectangle():
        a, b, c, d = (draw(corner) / 10_000 for _ in range(4))
        return box(min(a, c), min(b, d), max(a, c) + 0.01, max(b, d) + 0.01)

    pbf = [rectangle() for _ in range(draw(st.integers(0, 3)))]
    return plots(*shapes), pbf, [rectangle() for _ in range(draw(st.integers(0, 3)))]


@SOME
@given(scenes())
def test_ground_and_base_are_conserved_and_pieces_are_apart(scene):
    parcels, pbf, target = scene
    pieces = cut(parcels, pbf, target)
    conserved(parcels, pieces)
    assert pieces["piece"].tolist() == (pieces.groupby("bsm").cumcount() + 1).tolist()
    assert not pieces.duplicated(["bsm", "in_pbf", "in_target"]).any() or pieces["in_pbf"].any()
    whole = shapely.union_all(pieces.geometry.to_numpy()).area
    assert whole == pytest.approx(parcels.geometry.area.sum(), abs=1e-5)


@SOME
@given(scenes(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(scene, random):
    parcels, pbf, target = scene
    pieces = cut(parcels, pbf, target)
    shuffled = parcels.sample(frac=1, random_state=random.randrange(1000))
    random.shuffle(pbf)
    random.shuffle(target)
    again = cut(shuffled, pbf, target)
    columns = ["bsm", "piece", "in_pbf", "in_target", "base_m2", "merged_parts"]
    assert again[columns].equals(pieces[columns])


@SOME
@given(scenes())
def test_cutting_pieces_again_changes_nothing(scene):
    parcels, pbf, target = scene
    pieces = cut(parcels, pbf, target)
    ids = [f"{i:018d}" for i in range(len(pieces))]
    again = cut(pieces[["area_m2", "base_m2", "geometry"]].assign(bsm=ids), pbf, target)
    # a piece that took in slivers can't be told from a plot of that outline: those may only merge
    untouched = pieces["merged_parts"].to_numpy() == 0
    first = again[again["piece"] == 1].reset_index(drop=True)
    assert first.loc[untouched, "in_pbf"].tolist() == pieces.loc[untouched, "in_pbf"].tolist()
    assert again.groupby("bsm")["base_m2"].sum().round(2).tolist() == pieces["base_m2"].tolist()


@SOME
@given(scenes(), st.integers(-3, 3), st.integers(-3, 3))
def test_moving_the_scene_does_not_change_the_zones(scene, east, north):
    parcels, pbf, target = scene
    pieces = cut(parcels, pbf, target)

    def move(shapes):
        return [shapely.transform(s, lambda xy: xy + np.array([east, north]) * 500) for s in shapes]

    moved = cut(plots(*move(parcels.geometry)), move(pbf), move(target))
    assert zones(moved) == zones(pieces)
    assert np.allclose(moved["planar_m2"], pieces["planar_m2"], rtol=0, atol=1e-5)


def test_inputs_are_not_modified_and_no_plots_give_no_pieces():
    parcels = plots(box(0, 0, 100, 100))
    before = parcels.copy()
    cut(parcels, [box(0, 0, 50, 100)])
    assert parcels.equals(before)
    empty = cut(parcels.iloc[:0], [box(0, 0, 50, 100)])
    assert len(empty) == 0
    assert "pbf_outside_target_m2" in empty.columns


def test_all_bad_geometries_are_named_at_once():
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    with pytest.raises(GengbaoError) as caught:
        overlay.cut(plots(box(0, 0, 9, 9)), layer(bow, None), layer(), Thresholds())
    message = str(caught.value)
    assert "发现 2 处问题" in message
    assert "永久基本农田图层第1行：图形无效（Self-intersection" in message
    assert "永久基本农田图层第2行：没有图形" in message


def test_overlap_area_lists_pairs_with_ellipsoidal_areas():
    left = [box(0, 0, 100, 100), box(100, 0, 200, 100), box(900, 0, 950, 50)]
    right = [box(50, 0, 150, 100), box(0, 0, 100, 100), box(100, 100, 200, 200)]
    pairs = overlay.overlap_area(left, right, CRS)
    assert pairs[["left", "right"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0]]
    shared = [box(50, 0, 100, 100), left[0], box(100, 0, 150, 100)]
    geodesic = measure.geodesic_area(shared, CRS)
    assert np.allclose(pairs["area_m2"], geodesic, rtol=0, atol=0.005 + 1e-3)
    assert pairs["area_m2"][1] == measure.official_area(left[:1], CRS)[0], "covered whole"


def test_a_mask_that_overlaps_itself_counts_once():
    left = [box(0, 0, 100, 100), box(100, 0, 200, 100)]
    mask = [box(0, 0, 60, 100), box(40, 0, 70, 100), box(0, 0, 60, 100), box(90, -9, 300, 300)]
    covered = overlay.covered_area(left, mask, CRS)
    ground = shapely.union_all([box(0, 0, 70, 100), box(90, 0, 100, 100)])
    assert covered.tolist() == measure.official_area([ground, left[1]], CRS).tolist()


@SOME
@given(scenes())
def test_overlaps_agree_with_plain_geometry(scene):
    parcels, pbf, _ = scene
    left, right = parcels.geometry.to_numpy(), np.array(pbf, dtype=object)
    covered = overlay.covered_area(left, right, CRS)
    united = shapely.union_all(right) if len(right) else shapely.Polygon()
    planar = shapely.area(shapely.intersection(left, united))
    assert np.allclose(covered, planar, rtol=1e-3, atol=0.02)
    pairs = overlay.overlap_area(left, right, CRS)
    summed = pairs.groupby("left")["area_m2"].sum().reindex(range(len(left)), fill_value=0)
    assert (summed.to_numpy() >= covered - 0.02).all()


def test_boxes_in_a_row_lie_near_one_another():
    x, y = (side.ravel() * 10.0 for side in np.meshgrid(np.arange(32), np.arange(32)))
    mixed = np.random.default_rng(7).permutation(1024)
    boxes = np.column_stack((x, y, x + 10, y + 10))[mixed]
    order = overlay.near_one_another(boxes)
    assert sorted(order) == list(range(1024))
    quarters = boxes[order].reshape(4, 256, 4)
    for quarter in quarters:  # each a square of 16 × 16
        assert np.ptp(quarter[:, 0]) == np.ptp(quarter[:, 1]) == 150
    assert overlay.near_one_another(np.repeat(boxes[:1], 3, axis=0)).tolist() == [0, 1, 2]

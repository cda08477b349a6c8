"""Areas: the published formula, its cross-checks, and closing in hundredths."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from pipeline import measure
from pipeline.errors import ConfigError, GengbaoError
from pipeline.measure.projection import B_M, E2
from pipeline.measure.tiles import tiles_over
from pipeline.model import Thresholds

CRS = "EPSG:4524"
TO_PLANE = Transformer.from_crs("EPSG:4490", CRS, always_xy=True)
WEST, SOUTH = 36_600_000.0, 3_700_000.0
SOME = settings(deadline=None, derandomize=True, max_examples=40)


def square(lon: float, lat: float, side: float) -> shapely.Polygon:
    x, y = TO_PLANE.transform(lon, lat)
    return shapely.box(x, y, x + side, y + side)


def box(left: float, bottom: float, right: float, top: float) -> shapely.Polygon:
    return shapely.box(WEST + left, SOUTH + bottom, WEST + right, SOUTH + top)


# Values of an independent implementation of 国土调查办发〔2008〕32号 (EPSG:4524, south-west corner
# at the place named, m², to the digits it printed), with GeographicLib on the same outline.
PUBLISHED = [
    (108.9, 33.7, 20, 399.9314, 399.9314),
    (109.2, 33.7, 100, 9996.9459, 9996.9475),
    (109.5, 33.7, 1000, 999520.0821, 999520.0734),
    (109.2, 33.6, 10_000, 99966604.8968, 99966604.8784),
    (109.2, 33.6, 50_000, 2498841553.58, 2498841553.61),
]


@pytest.mark.parametrize(("lon", "lat", "side", "official", "geodesic"), PUBLISHED)
def test_the_published_squares_come_out_to_the_hundredth(lon, lat, side, official, geodesic):
    shape = [square(lon, lat, side)]
    expected = measure.round_half_up(official)
    assert measure.official_area(shape, CRS)[0] == expected
    assert measure.geodesic_area(shape, CRS)[0] == pytest.approx(geodesic, abs=0.01)


def by_the_letter(polygon: shapely.Polygon) -> float:
    """国土调查办发〔2008〕32号 edge by edge, B and L from pyproj: the referee."""
    back = Transformer.from_crs(CRS, "EPSG:4490", always_xy=True)
    series = (
        1 + 3 / 6 * E2 + 30 / 80 * E2**2 + 35 / 112 * E2**3 + 630 / 2304 * E2**4,
        -(1 / 6 * E2 + 15 / 80 * E2**2 + 21 / 112 * E2**3 + 420 / 2304 * E2**4),
        3 / 80 * E2**2 + 7 / 112 * E2**3 + 180 / 2304 * E2**4,
        -(1 / 112 * E2**3 + 45 / 2304 * E2**4),
        5 / 2304 * E2**4,
    )
    rings = []
    for ring in (polygon.exterior, *polygon.interiors):
        corners, points = [tuple(p) for p in np.round(ring.coords, 4)], []
        for a, b in pairwise(corners):
            length = math.hypot(b[0] - a[0], b[1] - a[1])
            parts = int(length / 70) + 1 if length > 70 else 1
            low, high = min(a, b), max(a, b)
            cut = [tuple(low[k] + (high[k] - low[k]) * n / parts for k in (0, 1))
                   for n in range(parts + 1)]  # fmt: skip
            points += [a, *(cut[1:-1] if a == low else cut[1:-1][::-1])]
        xy = np.floor(np.array([*points, points[0]]) / 1e-4 + 0.5) * 1e-4
        lon, lat = (np.radians(np.floor(v * 3600e6 + 0.5) / 3600e6) for v in back.transform(*xy.T))
        middle, half = (lat[1:] + lat[:-1]) / 2, np.diff(lat) / 2
        east = (lon[1:] + lon[:-1]) / 2 - lon[0]
        terms = sum(
            c * np.sin((2 * n + 1) * half) * np.cos((2 * n + 1) * middle)
            for n, c in enumerate(series)
        )
        rings.append(abs(float((2 * B_M**2 * east * terms).sum())))
    return 2 * rings[0] - sum(rings)


def test_the_compiled_formula_is_the_official_one_to_the_rounding_of_degrees():
    """Across two corners of the tiles that B and L come from; edges of 3 to 900 m, holes.

    pyproj gives degrees to 1e-14°, so that one point in 25,000 rounds to the next 1e-6″ (3e-5 m).
    """
    random = np.random.default_rng(32)
    shapes = []
    for n in range(120):
        angle = np.linspace(0, 2 * np.pi, random.integers(3, 90), endpoint=False)
        reach = random.choice([15.0, 60.0, 500.0]) * random.uniform(0.6, 1.0, len(angle))
        centre = 36_600_000 + random.normal(0, 700), 3_700_000 + 25_000 * (n % 2)
        turn = np.column_stack((np.cos(angle), np.sin(angle)))
        outer = np.round(centre + reach[:, None] * turn, 4)
        inner = np.round(centre + reach.min() / 3 * turn, 4)
        shapes.append(shapely.Polygon(outer, [inner] if n % 3 == 0 else []))
    off = measure.official_area(shapes, CRS) - [by_the_letter(shape) for shape in shapes]
    assert np.abs(off).max() < 0.02
    assert np.median(np.abs(off)) < 0.0051


def test_planar_area_is_too_large_by_the_published_share():
    # +135 ppm at 108.8°E and +547 ppm at 109.6°E: square of the scale factor, 1 + x²/R²
    for lon, ppm in ((108.8, 135), (109.6, 547)):
        shape = [square(lon, 33.6, 500)]
        ratio = measure.planar_area(shape)[0] / measure.official_area(shape, CRS)[0]
        assert (ratio - 1) * 1e6 == pytest.approx(ppm, abs=3)


def test_the_unprefixed_zone_gives_the_same_area():
    prefixed = square(109.2, 33.6, 300)
    bare = shapely.transform(prefixed, lambda xy: xy - [36_000_000, 0])
    same = measure.official_area([bare], "EPSG:4545")
    assert measure.official_area([prefixed], CRS) == same


def test_hole_and_parts_add_and_subtract():
    hull, hole, far = box(0, 0, 900, 900), box(100, 100, 400, 400), box(2000, 0, 2100, 100)
    pierced = shapely.Polygon(hull.exterior, [hole.exterior])
    both = shapely.MultiPolygon([pierced, far])
    areas = measure.official_area([hull, hole, far, pierced, both], CRS)
    assert areas[3] == pytest.approx(areas[0] - areas[1], abs=0.011)
    assert areas[4] == pytest.approx(areas[3] + areas[2], abs=0.011)


def test_an_empty_polygon_has_no_area_and_no_rows_give_no_rows():
    empty = [shapely.Polygon(), shapely.MultiPolygon(), box(0, 0, 10, 10)]
    areas = measure.official_area(empty, CRS)
    assert areas[:2].tolist() == [0.0, 0.0]
    assert areas[2] == pytest.approx(100, abs=0.1)
    assert measure.official_area([], CRS).shape == (0,)


def test_a_large_layer_is_the_same_in_blocks(monkeypatch):
    shapes = [box(i * 50, 0, i * 50 + 40, 30 + i) for i in range(60)]
    whole = measure.official_area(shapes, CRS)
    monkeypatch.setattr("pipeline.measure.ellipsoid._RINGS_AT_ONCE", 7)
    assert measure.official_area(shapes, CRS).tolist() == whole.tolist()


@SOME
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 300)), min_size=1, max_size=8))
def test_order_of_plots_and_start_of_ring_do_not_matter(sizes):
    shapes = np.array(
        [box(i * 400, j * 7, i * 400 + s, j * 7 + s) for i, (j, s) in enumerate(sizes)]
    )
    areas = measure.official_area(shapes, CRS)
    assert measure.official_area(shapes[::-1], CRS)[::-1].tolist() == areas.tolist()
    assert measure.official_area(shapely.reverse(shapes), CRS).tolist() == areas.tolist()
    assert measure.official_area(shapely.normalize(shapes), CRS).tolist() == areas.tolist()


@SOME
@given(st.integers(1, 99), st.integers(50, 2000))
def test_a_cut_conserves_area_up_to_its_own_rounding(percent, side):
    line = side * percent / 100
    parts = measure.official_area([box(0, 0, line, side), box(line, 0, side, side)], CRS)
    whole = measure.official_area([box(0, 0, side, side)], CRS)[0]
    # each of the two new corners is known to 1e-6″ (3e-5 m) along an edge of `side` metres
    assert parts.sum() == pytest.approx(whole, abs=0.02 + 4e-5 * side)


def test_cross_check_passes_on_plots_and_says_what_planar_would_add():
    rng = np.random.default_rng(7)
    corner = rng.integers(0, 40_000, (60, 2))
    size = rng.integers(20, 400, 60)
    shapes = [box(x, y, x + s, y + s / 2) for (x, y), s in zip(corner, size, strict=True)]
    rows = measure.spread(measure.planar_area(shapes), 40)
    result = measure.cross_check([shapes[row] for row in rows], CRS)
    assert result["sample_plots"] == 40
    assert result["plots_over_limit"] == 0
    assert result["passed"]
    assert 200 < result["planar_ppm"] < 500
    assert result["equal_area_max_difference_m2"] < 1e-3
    assert abs(result["equal_area_sum_difference_ppm"]) < 0.01


def test_cross_check_fails_when_the_formula_is_off(monkeypatch):
    def off(xy, crs):
        tiles = tiles_over(xy, crs)
        return tiles._replace(terms=tiles.terms * (1 + 0.35e-6))  # 0.7 ppm of the area

    monkeypatch.setattr("pipeline.measure.ellipsoid.tiles_over", off)
    result = measure.cross_check([box(0, 0, 900, 900)], CRS)
    assert not result["passed"]
    assert result["plots_over_limit"] == 1


@pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:2360", "EPSG:32649", "不是坐标系"])
def test_another_crs_is_refused_with_advice(crs):
    with pytest.raises(ConfigError, match="不是 CGCS2000 三度带高斯-克吕格投影") as caught:
        measure.official_area([box(0, 0, 1, 1)], crs)
    assert "EPSG:4513" in str(caught.value)


@pytest.mark.parametrize("shape", [None, shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])])
def test_what_is_no_polygon_is_refused(shape):
    with pytest.raises(GengbaoError, match="缺失的图形或不是面的图形"):
        measure.official_area([shape], CRS)


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [(0.125, 2, 0.13), (1.005, 2, 1.01), (2.675, 2, 2.68), (-1.005, 2, -1.01), (-0.001, 2, 0.0),
     (0.285, 2, 0.29), (2.5, 0, 3.0), (1e10 + 0.005, 2, 1e10 + 0.01), (0.1249999, 2, 0.12)],
)  # fmt: skip
def test_halves_go_away_from_zero_as_they_print(value, places, expected):
    assert measure.round_half_up(value, places) == expected


@SOME
@given(st.decimals("-99999999", "99999999", places=4))
def test_rounding_agrees_with_decimal(value):
    expected = value.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
    assert float(measure.round_half_up(float(value))) == float(expected)
    assert int(measure.to_cm2(float(value))) == int(expected * 100)


def test_a_missing_area_never_enters_a_sum():
    with pytest.raises(GengbaoError, match="缺失或无穷大"):
        measure.to_cm2([1.0, np.nan])


@pytest.mark.parametrize(
    ("area", "places", "text"),
    [(100_000, 2, "1.50"), (66_667, 2, "1.00"), (333_300, 1, "5.0"), (333_334, 0, "5"),
     (300_000, 0, "5"), (-10, 2, "0.00"), (Decimal("948.7") * 2000 / 3, 1, "948.7"),
     (np.int64(30_000_000), 2, "450.00")],
)  # fmt: skip
def test_mu_is_half_up_once(area, places, text):
    # 1 亩 = 2000/3 m²; 300 000 hundredths = 3000 m² = 4.5 亩 → 5
    assert measure.mu_text(area, places) == text
    assert measure.to_mu(area, places) == Decimal(text)


def test_tbmj_is_trusted_within_either_limit_and_says_why():
    tbmj = [1000.99, 1001.01, 100_049.0, 100_051.0, np.nan, 0.0, -3.0, 1.5, 0.1]
    area = [1000.0, 1000.0, 100_000.0, 100_000.0, 12.34, 12.34, 12.34, 1000.0, 1000.0]
    base = measure.base_area(tbmj, area, Thresholds())
    assert base.trusted.tolist() == [True, False, True, False, False, False, False, False, False]
    assert base.base_m2.tolist() == [
        1000.99, 1000.0, 100_049.0, 100_000.0, 12.34, 12.34, 12.34, 1000.0, 1000.0,
    ]  # fmt: skip
    assert base.reason[0] == "图斑面积与图形一致，采用图斑面积"
    assert "相差1.01㎡，超过允许值1.00㎡" in base.reason[1]
    assert "缺失" in base.reason[4]
    assert "不大于零" in base.reason[5]
    assert "疑似以亩填写" in base.reason[7]
    assert "疑似以公顷填写" in base.reason[8]


def test_tbmj_exactly_at_the_limit_is_trusted():
    assert measure.base_area([1001.0, 999.0], [1000.0, 1000.0], Thresholds()).trusted.all()


def test_the_largest_piece_takes_the_residue():
    # 100.00 m² over thirds: 33.33 + 33.33 + 33.33 leaves 0.01 for the first of the equals
    shares = measure.split_base([10_000], [1.0, 1.0, 1.0], [0, 0, 0])
    assert shares.tolist() == [3334, 3333, 3333]
    # rounding up four halves of a hundredth would leave −2: the others are cut down instead
    assert measure.split_base([2], [1.0, 1.0, 1.0, 1.0], [0] * 4).tolist() == [2, 0, 0, 0]


def test_a_plot_without_pieces_is_our_own_fault():
    with pytest.raises(GengbaoError, match="没有任何图块"):
        measure.split_base([5, 7], [1.0], [0])


@SOME
@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=6).flatmap(
        lambda base: st.tuples(
            st.just(base),
            st.lists(
                st.tuples(st.integers(0, len(base) - 1), st.floats(0.0, 1e6)), max_size=20
            ).map(lambda extra: [*((i, 1.0) for i in range(len(base))), *extra]),
        )
    )
)
def test_pieces_close_their_plot_exactly(case):
    base, pieces = case
    plot, area = zip(*pieces, strict=True)
    shares = measure.split_base(base, area, plot)
    assert (shares >= 0).all()
    assert np.bincount(plot, weights=shares, minlength=len(base)).tolist() == base


def test_adjustment_follows_the_rule_by_hand():
    # diff = −7 over 3 plots: f = 2, r = 1, so the largest gives 3, the others 2
    assert measure.adjust([100, 300, 200], 593).tolist() == [98, 297, 198]
    assert measure.adjust([100, 300, 200], 605).tolist() == [101, 302, 202]


@SOME
@given(st.lists(st.integers(1000, 10**8), min_size=1, max_size=30), st.integers(-900, 10**6))
def test_adjustment_closes_on_the_control_and_spreads_evenly(areas, drift):
    adjusted = measure.adjust(areas, sum(areas) + drift)
    assert int(adjusted.sum()) == sum(areas) + drift
    steps = adjusted - np.array(areas)
    assert int(steps.max() - steps.min()) <= 1


def test_an_adjustment_that_eats_a_plot_is_refused():
    with pytest.raises(GengbaoError, match="不大于零"):
        measure.adjust([5, 5], 0)
    with pytest.raises(GengbaoError, match="没有图斑可以承担"):
        measure.adjust([], 3)

"""Overlap areas straight from edges, GEOS as the referee; the compiled code's cache."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline import measure, overlay
from pipeline.measure import compiling

CRS = "EPSG:4524"
WEST, SOUTH = 36_600_000.0, 3_700_000.0
HOSTILE = settings(deadline=None, derandomize=True, max_examples=150)


def at(shape, east=WEST, north=SOUTH):
    return shapely.transform(shape, lambda xy: xy + np.array([east, north]))


def agree(left, right):
    """Hold the kernel against GEOS: 1e-9 of the area or 1e-6 m², whatever way round.

    GEOS is asked near the origin (the shift back is exact): at 4e7 m it snaps by up to 4e-5 m.
    """
    east, north = np.floor(shapely.bounds(right if left.is_empty else left)[:2])
    for one, other in ((left, right), (right, left)):
        pairs = overlay.overlaps(np.array([one]), np.array([other]))
        found = pairs.planar_m2.sum()
        near, far = at(one, -east, -north), at(other, -east, -north)
        assert found == pytest.approx(shapely.intersection(near, far).area, rel=1e-9, abs=1e-6)
        rest = shapely.difference(near, far).area
        if one.area > 1e-5 and not 5e-7 < rest < 2e-6:
            assert pairs.whole.any() == (rest <= 1e-6)


def polygon(points):
    """Return valid ground from any points: bows, spikes and repeats become parts and holes."""
    ring = shapely.linearrings([*points, points[0]])
    made = shapely.make_valid(shapely.Polygon(ring), method="structure", keep_collapsed=False)
    parts = [p for p in shapely.get_parts(made) if p.geom_type == "Polygon"]
    return shapely.MultiPolygon(parts) if len(parts) != 1 else parts[0]


# few distinct coordinates: borders shared and collinear, vertices that touch, holes, parts
coarse = st.tuples(st.integers(0, 5), st.integers(0, 5)).map(lambda p: (p[0] * 10.0, p[1] * 10.0))
fine = st.tuples(st.integers(0, 500_000), st.integers(0, 500_000)).map(
    lambda p: (p[0] / 10_000, p[1] / 10_000)
)
# a ten-thousandth beside a coarse one: slivers and spikes
beside = st.tuples(coarse, st.sampled_from([-1e-4, 0.0, 1e-4])).map(
    lambda p: (p[0][0] + p[1], p[0][1] - p[1])
)


def polygons(point):
    return st.lists(point, min_size=3, max_size=14).map(polygon)


@HOSTILE
@given(polygons(coarse), polygons(st.one_of(coarse, beside)))
def test_shared_borders_slivers_holes_and_parts_agree_with_geos(left, right):
    left, right = at(left), at(right)
    assume(left.is_valid and right.is_valid)  # far from the origin crossings are rounded
    agree(left, right)


@HOSTILE
@given(polygons(fine), polygons(st.one_of(fine, coarse)))
def test_crossing_borders_agree_with_geos(left, right):
    left, right = at(left), at(right)
    assume(left.is_valid and right.is_valid)
    agree(left, right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (shapely.box(0, 0, 9, 9), shapely.box(9, 0, 20, 9)),  # a shared border
        (shapely.box(0, 0, 9, 9), shapely.box(9, 9, 20, 20)),  # one shared point
        (shapely.box(2, 2, 4, 4), shapely.box(0, 0, 9, 9) - shapely.box(2, 2, 4, 4)),  # in its hole
        (shapely.box(2, 2, 4, 4), shapely.box(0, 0, 9, 9)),
        (shapely.box(0, 0, 9, 9), shapely.box(0, 0, 9, 9)),
        (shapely.Polygon([(0, 0), (1e4, 1e-4), (0, 2e-4)]), shapely.box(-5, -5, 9e3, 5)),  # a spike
        (shapely.box(0, 0, 1e4, 1e-4), shapely.box(50, -50, 50.0001, 50)),  # slivers that cross
        (shapely.Polygon(), shapely.box(0, 0, 9, 9)),
    ],
)
def test_the_awkward_cases_one_by_one(left, right):
    agree(at(left), at(right))
    agree(at(left, 36_999_999.9999, 3_999_999.9999), at(right, 36_999_999.9999, 3_999_999.9999))


@HOSTILE
@given(polygons(st.one_of(coarse, fine)), st.booleans())
def test_the_same_ground_on_both_sides_is_all_of_it_however_its_rings_are_drawn(shape, turned):
    shape = at(shape)
    assume(shape.is_valid and not shape.is_empty)
    agree(shape, shapely.reverse(shape) if turned else shape)
    pairs = overlay.overlaps(np.array([shape]), np.array([shape]))
    own = overlay.flat(np.array([shape])).area_m2
    assert pairs.planar_m2.tolist() == own[pairs.left].tolist()  # to the last bit


def test_a_polygon_that_parts_from_its_twin_in_one_vertex_or_a_hole_is_not_taken_for_it():
    ring = at(star(80, 100.0, 3))
    moved = shapely.get_coordinates(ring)
    inner = np.argmin(np.hypot(*(moved - (WEST, SOUTH)).T))  # in no corner of the box
    moved[inner] += 0.5
    hole = shapely.box(*(moved.mean(axis=0) - 1), *(moved.mean(axis=0) + 1))
    for other in (shapely.Polygon(moved), ring - hole):
        agree(ring, other)
        assert overlay.overlaps(np.array([ring]), np.array([other])).planar_m2[0] < ring.area - 0.1


def star(points, radius, seed):
    random = np.random.default_rng(seed)
    angle = np.sort(random.uniform(0, 2 * np.pi, points))
    reach = radius * random.uniform(0.5, 1.0, points)
    return polygon(np.column_stack((reach * np.cos(angle), reach * np.sin(angle))))


def test_plots_of_thousands_of_vertices_agree_with_geos():
    town, road = star(6_700, 8_000.0, 1), star(3_000, 2_500.0, 2)
    agree(at(town), at(road))
    agree(at(town), at(road, WEST + 7_000.0))


def test_what_lies_whole_in_or_out_of_a_long_border_is_told_and_is_right():
    """8,000 edges with a hole of 2,000: boxes over groups of runs, most of them not looked into."""
    angle = np.linspace(0, 2 * np.pi, 8_000, endpoint=False)
    reach = 9_000 + 700 * np.sin(9 * angle) + 5 * np.sin(700 * angle)
    turn = np.column_stack((np.cos(angle), np.sin(angle)))
    town = at(shapely.Polygon(reach[:, None] * turn, [2_000 * turn[::4]]))
    random = np.random.default_rng(8)
    corner = np.array([WEST, SOUTH]) + random.uniform(-1e4, 1e4, (400, 2))
    plots = np.array([at(star(30, 150.0, n), *place) for n, place in enumerate(corner)])
    every = shapely.area(shapely.intersection(plots, town))
    for scale in (measure.PLANAR, overlay.scale_of((plots, np.array([town])), CRS)):
        pairs = overlay.overlaps(plots, np.array([town]), scale)
        assert pairs.left.tolist() == np.flatnonzero(every > 1e-6).tolist()
        assert np.allclose(pairs.planar_m2, every[pairs.left], rtol=1e-9, atol=1e-6)
        assert pairs.whole.tolist() == shapely.covers(town, plots[pairs.left]).tolist()
    inside = pairs.left[pairs.whole]
    assert 100 < len(inside) < 300
    true = measure.geodesic_area(plots[inside], CRS)
    assert np.abs(pairs.area_m2[pairs.whole] - true).max() < 1e-3


def test_a_layer_made_ready_gives_the_same_pairs():
    left, right = (np.array([at(star(50, 70.0, n + k), WEST + 40 * n) for n in range(30)])
                   for k in (0, 90))  # fmt: skip
    plain = overlay.overlaps(left, right)
    ready = overlay.overlaps(left, overlay.layer(right), edges=overlay.flat(left))
    assert all(np.array_equal(a, b) for a, b in zip(plain, ready, strict=True))


VALUES = [None, b"", b"a", b"b", b"12345678", b"12345679", b"9" * 31, b"9" * 30]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(*[st.lists(st.sampled_from(VALUES), max_size=12) for _ in range(2)], st.integers(0, 12))
def test_twins_are_the_first_of_the_same_bytes_in_whatever_chunks(left, right, cut):
    chunked = pa.chunked_array([right[:cut], right[cut:]], pa.binary())
    expected = [right.index(value) if value and value in right else -1 for value in left]
    assert overlay.same_bytes(pa.chunked_array([left], pa.binary()), chunked).tolist() == expected


def test_every_pair_of_many_agrees_and_none_is_missing():
    random = np.random.default_rng(4)
    left, right = (
        np.array([at(star(40, 60.0, i + n), WEST + random.uniform(0, 400)) for i in range(60)])
        for n in (0, 500)
    )
    pairs = overlay.overlaps(left, right)
    every = shapely.area(shapely.intersection(left[:, None], right))
    assert (every > 1e-6).sum() == len(pairs.left)
    assert np.allclose(every[pairs.left, pairs.right], pairs.planar_m2, rtol=1e-9, atol=1e-6)


def test_on_the_ellipsoid_shared_ground_is_within_a_thousandth_of_a_square_metre_of_geographiclib():
    """The limit of 1e-3 m² per plot; 700 m wide, edges of 5 to 700 m."""
    shapes = np.array([at(star(60, 60.0, n), WEST + 300 * n) for n in range(80)])
    mask = np.array([at(shapely.box(0, -700, 30_000, 15)), at(star(900, 1_500.0, 9), WEST + 9_000)])
    pairs = overlay.overlaps(shapes, mask, overlay.scale_of((shapes, mask), CRS))
    shared = shapely.intersection(shapes[pairs.left], mask[pairs.right])
    assert np.abs(pairs.area_m2 - measure.geodesic_area(shared, CRS)).max() < 1e-3


def test_the_area_scale_is_that_of_the_projection():
    """Against GeographicLib on a square kilometre at every corner of a county 100 km wide."""
    scale = measure.area_scale((WEST - 50_000, SOUTH - 50_000, WEST + 50_000, SOUTH + 50_000), CRS)
    squares = np.array([at(shapely.box(0, 0, 1_000, 1_000), WEST + x, SOUTH + y)
                        for x in (-50_000, 0, 49_000) for y in (-50_000, 0, 49_000)])  # fmt: skip
    pairs = overlay.overlaps(squares, squares, scale)
    assert np.allclose(pairs.area_m2, measure.geodesic_area(squares, CRS), rtol=1e-9, atol=0)


def plus_one(x):
    return x + 1


def test_a_cache_that_cannot_be_written_never_stops_a_run(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(compiling.config, "CACHE_DIR", str(tmp_path / "file" / "cache"))
    assert compiling.compiled("int64(int64)")(plus_one)(41) == 42


def test_a_damaged_cache_is_as_good_as_none(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling.config, "CACHE_DIR", str(tmp_path))
    compiling.compiled("int64(int64)")(plus_one)
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        path.write_bytes(b"damaged")
    assert compiling.compiled("int64(int64)")(plus_one)(41) == 42


def test_the_cache_lies_in_the_users_cache_folder_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setattr(compiling.config, "CACHE_DIR", "")
    monkeypatch.setattr(compiling.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiling.compiled("int64(int64)")(plus_one)
    assert list((tmp_path / "gengbao" / "numba").rglob("*.nbi"))

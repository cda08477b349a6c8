"""Polygons proven valid without GEOS, GEOS as the referee; WKB read without making shapes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import measure, overlay
from pipeline.overlay.chains import MOST_CHAINS

WEST, SOUTH = 36_600_000.0, 3_700_000.0
HOSTILE = settings(deadline=None, derandomize=True, max_examples=300)

coarse = st.tuples(st.integers(0, 4), st.integers(0, 4)).map(lambda p: (p[0] * 10.0, p[1] * 10.0))
least = st.sampled_from([-1e-4, -1e-9, 0.0, 1e-9, 1e-4])  # 1e-9: lost beside an easting of 4e7
beside = st.tuples(coarse, least, least).map(lambda p: (p[0][0] + p[1], p[0][1] + p[2]))


@st.composite
def round_rings(draw):
    """Draw points around a middle, so that the ring is simple, then spoil it, or not."""
    reach = draw(st.lists(st.integers(1, 40), min_size=3, max_size=40))
    angle = np.linspace(0, 2 * np.pi, len(reach), endpoint=False)
    points = np.round(np.column_stack((np.cos(angle), np.sin(angle))) * np.array(reach)[:, None], 4)
    points = [tuple(point) for point in points]
    at, other = (draw(st.integers(0, len(points) - 1)) for _ in range(2))
    spoiled = draw(st.sampled_from(["", "repeat", "touch", "spike", "there and back", "middle"]))
    middle = tuple((np.array(points[other]) + points[other - 1]) / 2)
    new = {
        "": [],
        "repeat": [points[at]],
        "touch": [points[other]],
        "spike": [points[other], points[at]],
        "there and back": [points[at - 1], points[at]],
        "middle": [middle],
    }[spoiled]
    return points[: at + 1] + new + points[at + 1 :]


@st.composite
def polygons(draw):
    """Draw a polygon as it may be delivered: nothing is mended, holes lie anywhere."""
    ring = st.one_of(
        st.lists(coarse, min_size=3, max_size=8),
        st.lists(beside, min_size=3, max_size=8),
        round_rings(),
    )
    shell = draw(ring)
    holes = draw(st.one_of(st.just([]), st.lists(ring, max_size=2)))
    east, north = draw(st.sampled_from([(0.0, 0.0), (WEST, SOUTH), (36_999_999.9999, 3_999_999.9)]))
    # a start anywhere: the first and the last edge are neighbours too
    start = draw(st.integers(0, len(shell) - 1))
    shell = shell[start:] + shell[:start]
    return shapely.transform(shapely.Polygon(shell, holes), lambda xy: np.add(xy, (east, north)))


def proven(*shapes):
    return overlay.surely_valid(measure.rings_of(np.array(shapes))).tolist()


@HOSTILE
@given(st.lists(polygons(), min_size=1, max_size=8))
def test_what_is_proven_valid_is_valid_to_geos(shapes):
    sure = np.array(proven(*shapes))
    valid = shapely.is_valid(np.array(shapes))
    assert not (sure & ~valid).any(), [s.wkt for s in np.array(shapes)[sure & ~valid]]


@HOSTILE
@given(round_rings(), st.sampled_from([(0.0, 0.0), (WEST, SOUTH)]))
def test_plots_of_one_ring_that_stays_clear_of_itself_are_proven(points, corner):
    """Clear: edges that aren't neighbours are a hundredth of a millimetre apart."""
    shape = shapely.transform(shapely.Polygon(points), lambda xy: xy + np.array(corner))
    ring = shapely.get_coordinates(shape)
    edges = shapely.linestrings(np.stack((ring[:-1], ring[1:]), axis=1))
    apart = shapely.distance(edges[:, None], edges[None, :])
    number = np.arange(len(edges))
    step = np.abs(number[:, None] - number[None, :])
    far = (step > 1) & (step < len(edges) - 1)
    along = np.diff(ring, axis=0)
    before = np.roll(along, 1, axis=0)
    turn = np.abs(
        along[:, 0] * before[:, 1] - along[:, 1] * before[:, 0]
    )  # ~0: as good as straight
    if shape.is_valid and not (apart[far] < 1e-5).any() and turn.min() > 1e-6:
        assert proven(shape) == [True]


def test_plain_plots_are_proven():
    spiral = [(t * np.cos(t), t * np.sin(t)) for t in np.linspace(1, 30, 400)]
    spiral += [((t + 1) * np.cos(t), (t + 1) * np.sin(t)) for t in np.linspace(30, 1, 400)]
    comb = [(i, 10.0 * (i % 2)) for i in range(100)] + [(99, 20), (0, 20)]
    plots = [
        shapely.box(0, 0, 10, 10),
        shapely.Polygon([(0, 0), (10, 0), (0, 10)]),
        shapely.Polygon([(5, 0), (10, 0), (10, 10), (0, 10), (0, 0)]),  # starts within a side
        shapely.Polygon([(0, 0), (10, 0), (10, 5), (5, 5), (5, 10), (0, 10)]),
        shapely.Polygon(spiral),
        shapely.Polygon(comb),
        shapely.MultiPolygon([shapely.box(0, 0, 10, 10)]),
    ]
    assert shapely.is_valid(plots).all()
    moved = [shapely.transform(p, lambda xy: np.add(xy, (WEST, SOUTH))) for p in plots]
    assert proven(*plots, *moved, *(p.reverse() for p in plots)) == [True] * 3 * len(plots)


@pytest.mark.parametrize(
    "points",
    [
        [(0, 0), (10, 10), (10, 0), (0, 10)],  # a bow
        [(0, 0), (10, 0), (10, 10), (5, 0), (0, 10)],  # a vertex on an edge
        [(0, 0), (10, 0), (5, 5), (10, 10), (0, 10), (5, 5)],  # a vertex twice
        [(0, 0), (10, 0), (10, 0), (10, 10)],  # repeated at once: valid, but GEOS has to say so
        [(0, 0), (10, 0), (10, 20), (10, 10), (0, 10)],  # a spike
        [(0, 0), (10, 0), (5, 0), (5, 10)],  # there and back on one line
        [(0, 0), (10, 0), (0, 0), (0, 10)],
        [(0, 0), (10, 0), (20, 0)],  # no ground
    ],
)
def test_a_doubtful_ring_is_left_to_geos_wherever_it_starts(points):
    for start in range(len(points)):
        shape = shapely.Polygon([*points[start:], *points[: start + 1]])
        assert proven(shape, shapely.reverse(shape)) == [False, False]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_ring_with_a_coordinate_that_is_no_number_is_not_proven(wrong):
    rings = measure.rings_of(np.array([shapely.box(0, 0, 10, 10)]))
    for at in range(1, 4):
        xy = rings.xy.copy()
        xy[at, 0] = wrong
        assert not overlay.surely_valid(rings._replace(xy=xy)).any()


def test_holes_parts_and_rings_of_very_many_turns_are_left_to_geos():
    pierced = shapely.box(0, 0, 9, 9) - shapely.box(2, 2, 4, 4)
    parts = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 0, 3, 1)])
    comb = [(i, 10.0 * (i % 2)) for i in range(MOST_CHAINS + 10)]
    turning = shapely.Polygon([*comb, (MOST_CHAINS + 10, 20), (0, 20)])
    assert turning.is_valid
    assert proven(pierced, parts, turning, shapely.Polygon(), None) == [False] * 5


def same(found, expected):
    assert found.polygons == expected.polygons
    for one, other in zip(found[:4], expected[:4], strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


SHAPES = np.array([
    shapely.box(0, 0, 10, 10),
    None,
    shapely.Polygon(),
    shapely.box(0, 0, 9, 9) - shapely.box(2, 2, 4, 4),
    shapely.box(0, 0, 9, 9) - shapely.box(2, 2, 4, 4) | shapely.box(20, 0, 30, 9),
    shapely.MultiPolygon(),
    shapely.Polygon([(WEST, SOUTH), (WEST + 0.0001, SOUTH), (WEST, SOUTH + 1e-4)]),
])  # fmt: skip


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("form", [{}, {"byte_order": 0}, {"output_dimension": 3}])
def test_rings_of_bytes_are_those_of_the_shapes(kind, form):
    shapes = shapely.force_3d(SHAPES) if "output_dimension" in form else SHAPES
    wkb = pa.array(shapely.to_wkb(shapes, **form), kind)
    same(measure.rings_of_wkb(wkb), measure.rings_of(SHAPES))
    same(measure.rings_of_wkb(wkb.slice(3, 3)), measure.rings_of(SHAPES[3:6]))
    same(measure.rings_of_wkb(wkb.slice(0, 0)), measure.rings_of(SHAPES[:0]))


@settings(HOSTILE, max_examples=100)
@given(st.lists(polygons(), min_size=1, max_size=4))
def test_rings_of_whatever_polygons_bytes_are_those_of_the_shapes(shapes):
    wkb = pa.array(shapely.to_wkb(np.array(shapes)), pa.binary())
    same(measure.rings_of_wkb(wkb), measure.rings_of(np.array(shapes)))


def test_bytes_that_are_no_polygon_are_refused_as_shapely_refuses_them():
    whole = shapely.to_wkb(shapely.box(0, 0, 9, 9))
    unclosed = whole[:-16] + shapely.to_wkb(shapely.Point(1, 1))[5:]
    for wrong in (whole[:-1], whole[:7], b"x", unclosed):
        with pytest.raises(shapely.errors.GEOSException):
            measure.rings_of_wkb(pa.array([whole, wrong]))


def test_invalid_polygons_are_mended_the_others_stay_as_they_are():
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    spike = shapely.Polygon([(0, 0), (10, 0), (10, 20), (10, 10), (0, 10)])
    wkb = pa.array(shapely.to_wkb(np.array([*SHAPES, bow, spike])))
    mended = [shapely.make_valid(bow), shapely.box(0, 0, 10, 10)]
    flat = overlay.flat(overlay.valid_rings(wkb))
    assert flat.area_m2[-2:].tolist() == [shape.area for shape in mended]
    same(overlay.valid_rings(wkb.slice(0, len(SHAPES))), measure.rings_of(SHAPES))

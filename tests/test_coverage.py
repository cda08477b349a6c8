"""Overlaps and gaps of a coverage, against all pairs and a plain union."""

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.overlay import Held, coverage
from pipeline.overlay.coverage import NEIGHBOURS

X0, Y0 = 36_580_000.0, 3_720_000.0
GRID = 0.0001
EXTENT = shapely.box(X0, Y0, X0 + 120, Y0 + 120)


def box(x, y, width, height):
    return shapely.box(X0 + x, Y0 + y, X0 + x + width, Y0 + y + height)


def seen(shapes, neighbours=NEIGHBOURS):
    found = coverage(Held(np.array(shapes, dtype=object)), [EXTENT], GRID, neighbours)
    pairs = zip(
        found.overlaps.left.tolist(),
        found.overlaps.right.tolist(),
        shapely.area(found.overlaps.shape).tolist(),
        strict=True,
    )
    return {(a, b): area for a, b, area in pairs}, shapely.area(found.gaps).sum()


coordinate = st.integers(0, 8).map(lambda n: n * 10)
size = st.integers(1, 4).map(lambda n: n * 10)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.lists(st.tuples(coordinate, coordinate, size, size), min_size=1, max_size=7),
    st.sampled_from([1, 2, 3, NEIGHBOURS]),
)
def test_overlaps_and_gaps_are_those_of_all_pairs_and_of_the_union(boxes, neighbours):
    shapes = [box(*b) for b in boxes]
    overlaps, bare = seen(shapes, neighbours)
    expected = {
        (a, b): shapes[a].intersection(shapes[b]).area
        for a, b in itertools.combinations(range(len(shapes)), 2)
    }
    expected = {pair: area for pair, area in expected.items() if area > 0}
    assert overlaps == pytest.approx(expected)
    assert bare == pytest.approx(EXTENT.difference(shapely.union_all(shapes)).area)


def heap(boxes):
    """Boxes, the first two of them delivered again, the first three times in all."""
    shapes = [box(*b) for b in boxes]
    return np.array([*shapes, *shapes[:2], *shapes[:1]], dtype=object)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.lists(st.tuples(coordinate, coordinate, size, size), min_size=2, max_size=7),
    st.integers(1, 9),
)
def test_how_plots_are_grouped_has_no_say_in_a_single_byte(boxes, neighbours):
    # whatever runs how often each way, and wherever that is seen: 1 + 1, 2 + 1, 2 + 2, 3 + 1
    at_once, by_and_by = (
        coverage(Held(heap(boxes)), [EXTENT], GRID, n) for n in (NEIGHBOURS, neighbours)
    )
    for rows in ("left", "right"):
        assert (getattr(at_once.overlaps, rows) == getattr(by_and_by.overlaps, rows)).all()
    for one, other in (
        (at_once.overlaps.shape, by_and_by.overlaps.shape),
        (at_once.gaps, by_and_by.gaps),
    ):
        assert shapely.to_wkb(one).tolist() == shapely.to_wkb(other).tolist()


def quarters():
    return [box(x, y, 60, 60) for x in (0, 60) for y in (0, 60)]


@pytest.mark.parametrize(
    ("shapes", "overlaps", "bare"),
    [
        (quarters(), {}, 0),
        # two files with the same plots: every edge twice each way
        (quarters() * 2, {(n, n + 4): 3600 for n in range(4)}, 0),
        # three times: twice one way and once the other, or thrice each way
        (quarters() * 3, {(n, m): 3600 for n in range(12) for m in range(n + 4, 12, 4)}, 0),
        # a hole filled by another plot is no overlap, one left empty is a gap
        ([box(0, 0, 120, 120).difference(box(30, 30, 20, 20)), box(30, 30, 20, 20)], {}, 0),
        ([box(0, 0, 120, 120).difference(box(30, 30, 20, 20))], {}, 400),
        # a corner on another plot's edge is neither
        ([box(0, 0, 60, 120), box(60, 0, 60, 40), box(60, 40, 60, 80)], {}, 0),
        # two neighbours inside one plot share ground with it, not with each other
        ([box(0, 0, 120, 120), box(20, 20, 9, 9), box(29, 20, 9, 9)], {(0, 1): 81, (0, 2): 81}, 0),
        # below a hundredth of a square metre nothing is reported
        ([box(0, 0, 60.0001, 60), *quarters()[1:]], {}, 0),
    ],
)
@pytest.mark.parametrize("neighbours", [1, 3, NEIGHBOURS])
def test_overlaps_and_gaps(shapes, overlaps, bare, neighbours):
    found, rest = seen(shapes, neighbours)
    assert found == pytest.approx(overlaps)
    assert rest == pytest.approx(bare, abs=0.02)

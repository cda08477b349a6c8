"""The survey behind a wall map: simplified as one coverage, in few and quiet colours."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sheets import patches, rings

from pipeline.render import style
from pipeline.render.context import LAYERS, draw_context
from pipeline.render.frame import MapFrame
from pipeline.render.sheet import Box, new_sheet

BOX = Box(20, 20, 120, 120)
FRAME = MapFrame(BOX, 100_000, 36_600_000, 3_700_000)
"""10 km × 10 km at 1∶100 000; a vertex every 5 m is one every 0.05 mm."""


def areas(*pairs):
    """What is drawn of (dlbm, polygon in m from the frame's centre): by label, in page mm."""
    middle = np.array([FRAME.east_m, FRAME.north_m])
    moved = [shapely.transform(p, lambda xy: xy + middle) for _, p in pairs]
    land = gpd.GeoDataFrame(
        {"dlbm": [code for code, _ in pairs]}, geometry=moved, crs="EPSG:4524"
    )  # fmt: skip
    with style.context():
        sheet = new_sheet(style.page("A3"))
        shown = draw_context(sheet, land, FRAME)
    found = {p.get_gid().removeprefix("context:"): p for p in patches(sheet.figure, "context:")}
    assert [label for label, _ in shown] == list(found)
    return {label: shapely.union_all(rings(patch)) for label, patch in found.items()}


def wiggly(count=400, seed=3):
    """A border from south to north with far more detail than paper can show."""
    y = np.linspace(-2000, 2000, count)
    x = np.cumsum(np.random.default_rng(seed).normal(0, 4, count))
    return np.column_stack([x, y])


def test_neighbours_keep_their_border_without_gap_or_overlap():
    border = wiggly()
    west = shapely.Polygon([*border, (-1500, 2000), (-1500, -2000)])
    east = shapely.Polygon([*border, (1500, 2000), (1500, -2000)])
    drawn = areas(("0103", west), ("1101", east))
    field, river = drawn["耕地"], drawn["水面"]
    assert shapely.get_num_coordinates(field) < 0.4 * shapely.get_num_coordinates(west)
    assert field.intersection(river).area == pytest.approx(0, abs=1e-9)
    # 3 km × 4 km at 1∶100 000: 30 mm × 40 mm, in one piece
    both = shapely.union(field, river)
    assert both.area == pytest.approx(1200, rel=1e-9)
    assert len(shapely.get_parts(both)) == 1


def test_plots_that_overlap_are_drawn_all_the_same():
    plots = [shapely.box(-1000, -1000, 200, 1000), shapely.box(0, -1000, 1000, 1000)]
    drawn = areas(("0103", plots[0]), ("0702", plots[1]))
    # 1.2 km × 2 km and 1 km × 2 km
    assert drawn["耕地"].area == pytest.approx(240)
    assert drawn["村庄、城镇"].area == pytest.approx(200)


def test_rims_have_the_colour_of_their_ground_and_lines_stay_visible():
    brook = shapely.box(-2000, 0, 2000, 1)  # 1 m wide: 0.01 mm on paper
    speck = shapely.box(0, 500, 10, 510)  # 0.01 mm²
    drawn = areas(("1101", brook), ("0103", speck), ("0301", shapely.box(0, -900, 900, 0)))
    assert list(drawn) == ["水面"]
    assert all(rim_pt > 0 for *_, rim_pt in LAYERS)

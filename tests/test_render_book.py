"""The map book: every task on exactly one sheet, at a readable scale, found again by its BSM."""

from __future__ import annotations

import io
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text
from pypdf import PdfReader
from test_render import LEDGER, TOWNS, county_of, outlines

from pipeline.render import MapData, discover, render, style
from pipeline.render.book import callouts
from pipeline.render.book.plan import (
    MEDIAN_MM,
    MOST_PLOTS,
    RIM_MM,
    SCALES,
    WINDOW_MM,
    cover,
    plan_book,
)
from pipeline.render.maps.book import bookmarks, draw_part
from pipeline.render.sheet import Box, new_sheet
from pipeline.render.style import Page
from pipeline.tables import classes

SPEC = next(spec for spec in discover() if spec.name == "book")
TASKS = [category.name for category in classes() if category.task]


def ledger(boxes, towns):
    """Tasks from boxes (west, south, east, north) in m, one category after the other."""
    shapes = [shapely.box(*box) for box in boxes]
    frame = gpd.GeoDataFrame(
        {
            "bsm": [f"{611026200100000000 + n}" for n in range(len(shapes))],
            "town_code": towns,
            "category": [TASKS[n % 7] for n in range(len(shapes))],
            "status": [("open", "partial", "closed", "reopened", "withdrawn")[n % 5]
                       for n in range(len(shapes))],
            "area_m2": [shape.area for shape in shapes],
        },
        geometry=shapes, crs="EPSG:4524",
    )  # fmt: skip
    return frame.assign(task_id="T" + frame["bsm"])


def near(town, count, spread=900.0, size=45.0, seed=1):
    """Boxes scattered around a town's seat."""
    rng = np.random.default_rng(seed)
    east, north = TOWNS[town][-1]
    at = np.array([36e6 + east * 1e3, north * 1e3]) + rng.uniform(-spread, spread, (count, 2))
    sides = rng.uniform(0.5, 1.5, (count, 2)) * size
    return np.hstack([at, at + sides])


def data_of(tasks, land=None):
    if land is None:
        land = gpd.GeoDataFrame(
            {"dlbm": ["0103", "0301"]},
            geometry=[shapely.box(36.6e6, 3.70e6, 36.62e6, 3.75e6),
                      shapely.box(36.62e6, 3.70e6, 36.65e6, 3.75e6)],
            crs="EPSG:4524",
        )  # fmt: skip
    return MapData(
        county=county_of(), towns=outlines(), export=LEDGER, product_id="ab12", tasks=tasks,
        land=land, summary=pd.DataFrame(columns=["export", "level", "town_code", "category"]),
    )  # fmt: skip


BOXES = st.lists(
    st.tuples(
        st.floats(0, 8e3), st.floats(0, 8e3), st.floats(2, 600), st.floats(2, 600)
    ),
    min_size=1, max_size=60,
)  # fmt: skip


@settings(deadline=None, derandomize=True, max_examples=60)
@given(BOXES)
def test_every_plot_is_in_exactly_one_frame_and_lies_within_it(boxes):
    bounds = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes])
    found = cover(bounds)
    assert sorted(n for _, members in found for n in members) == list(range(len(bounds)))
    for scale, members in found:
        size = bounds[members, 2:].max(axis=0) - bounds[members, :2].min(axis=0)
        assert (size * 1000 / scale <= np.array(WINDOW_MM) - 2 * RIM_MM + 1e-6).all()
        assert len(members) <= MOST_PLOTS


@settings(deadline=None, derandomize=True, max_examples=40)
@given(BOXES)
def test_the_median_plot_is_readable(boxes):
    bounds = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes])
    widths = np.zeros(len(bounds))
    for scale, members in cover(bounds):
        wide = np.maximum(*(bounds[members, 2:] - bounds[members, :2]).T)
        widths[members] = wide * 1000 / scale
        assert scale <= SCALES[-1] or len(members) == 1
    small = np.maximum(*(bounds[:, 2:] - bounds[:, :2]).T) < MEDIAN_MM * SCALES[0] / 1000
    assert np.median(widths) >= MEDIAN_MM - 1e-6 or small.any()


def test_numbers_frames_and_pages_are_told_apart_and_found_by_bsm():
    boxes = np.vstack([near(0, 70), near(3, 9, seed=2)])
    tasks = ledger(boxes, [TOWNS[0][0]] * 70 + [TOWNS[3][0]] * 9)
    plan = plan_book(tasks, county_of().towns)
    assert plan.index["row"].nunique() == 79
    assert list(plan.index["bsm"]) == sorted(tasks["bsm"])
    for section in plan.sections:
        rows = [row for frame in section.frames for row in frame.rows]
        own = plan.index[plan.index["row"].isin(rows)]
        assert sorted(own["number"]) == list(range(1, len(rows) + 1))
        assert own["page"].between(section.page + 1, section.last_page).all() or own.empty
    pages = [number for s in plan.sections for number, _ in s.detail_pages]
    assert len(set(pages)) == len(pages)
    assert plan.sections[0].page == 3
    assert plan.pages == plan.index_page


def test_a_task_of_no_known_town_has_a_section_and_one_without_a_polygon_no_sheet():
    tasks = ledger(near(0, 3), [TOWNS[0][0], "999", None])
    tasks.loc[0, "geometry"] = None
    plan = plan_book(tasks, county_of().towns)
    assert plan.sections[-1].town == "未定"
    assert sorted(plan.index["row"]) == [1, 2]


def test_order_of_rows_does_not_matter():
    tasks = ledger(near(0, 50), [TOWNS[0][0]] * 50)
    mixed = tasks.sample(frac=1, random_state=7).reset_index(drop=True)
    one, two = (plan_book(frame, county_of().towns).index for frame in (tasks, mixed))
    columns = ["bsm", "number", "frame", "page"]
    pd.testing.assert_frame_equal(one[columns], two[columns])


def page_texts(figure):
    return [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]


@pytest.mark.parametrize(
    ("size", "spread"),
    [(45.0, 900.0), (2.2, 300.0), (2200.0, 3000.0)],
    ids=["usual", "small", "large"],
)
def test_a_detail_page_keeps_its_texts_on_the_sheet_and_numbers_apart(size, spread):
    tasks = ledger(near(0, 40, spread, size), [TOWNS[0][0]] * 40)
    data = data_of(tasks)
    with style.context():
        figures = list(draw_part(data, TOWNS[0][0]))[1:]
        seen = []
        for figure in figures:
            renderer = figure.canvas.get_renderer()
            boxes = {
                t: shapely.box(*(v * 25.4 / 300 for v in t.get_window_extent(renderer).extents))
                for t in page_texts(figure)
            }
            inner = shapely.box(10, 10, 410, 287)
            assert [t.get_text() for t, box in boxes.items() if not inner.contains(box)] == []
            numbers = [box for t, box in boxes.items() if t.get_gid() == "plot-number"]
            assert not any(
                a.intersection(b).area > 0 for n, a in enumerate(numbers) for b in numbers[:n]
            )
            seen += [t.get_gid()[5:] for t in boxes if (t.get_gid() or "").startswith("task:")]
            assert min(t.get_fontsize() for t in boxes) >= 5.5
    assert sorted(seen) == sorted(tasks["task_id"])


def test_the_file_has_bookmarks_jumps_and_every_bsm_once_on_sheets_and_once_in_the_index():
    boxes = np.vstack([near(0, 12), near(7, 5, seed=3)])
    tasks = ledger(boxes, [TOWNS[0][0]] * 12 + [TOWNS[7][0]] * 5)
    data = data_of(tasks)
    spec = SPEC
    content = render(spec, data)["图册.pdf"]
    reader = PdfReader(io.BytesIO(content))
    plan = plan_book(tasks, data.county.towns)
    assert len(reader.pages) == plan.pages
    said = [page.extract_text() for page in reader.pages]
    for bsm, number in zip(plan.index["bsm"], plan.index["page"], strict=True):
        assert [n for n, text in enumerate(said, 1) if bsm in text] == [number, plan.index_page]
    titles = [item.title for item in reader.outline if not isinstance(item, list)]
    assert titles == [title for title, _, level in bookmarks(data) if level == 0]
    jumps = [note.get_object() for note in reader.pages[plan.index_page - 1]["/Annots"]]
    assert len(jumps) == 17
    targets = [reader.get_page_number(jump["/Dest"][0].get_object()) + 1 for jump in jumps]
    assert sorted(targets) == sorted(plan.index["page"])
    assert not any("/A" in jump for jump in jumps)
    assert b"/URI" not in content  # opening it asks for nothing from outside
    assert re.search(r"乾佑街办.*第3页", said[0].replace("\n", " "))
    assert render(spec, data)["图册.pdf"] == content


def test_of_two_tasks_on_one_plot_the_leader_of_the_second_ends_beside_the_first_number():
    sheet = new_sheet(Page("试", 100, 100))
    plot = shapely.box(30, 30, 60, 60)
    first, second = callouts.place(
        sheet, np.array([plot, plot]), [("41", "6.22亩", "#000000"), ("42", "6.22亩", "#000000")],
        Box(0, 0, 100, 100),
    )  # fmt: skip
    assert first.anchor is None
    assert plot.contains(shapely.Point(second.anchor))
    leader = shapely.LineString([second.anchor, second.box.centre])
    assert not leader.intersects(first.box.shape())

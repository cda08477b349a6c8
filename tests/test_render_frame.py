"""The map frame at every scale: kilometre grid, scale bar, north, each true on the paper."""

from __future__ import annotations

import re

import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from pipeline.render import style
from pipeline.render.frame import MapFrame, neat_grid, scale_bar
from pipeline.render.sheet import Box, new_sheet
from pipeline.render.style import page

EAST, NORTH = 36_612_345.6, 3_721_098.7
BOX = Box(40.0, 60.0, 240.0, 220.0)
EVERY_SCALE = (1000, 1500, 2000, 5000, 7500, 10_000, 25_000, 50_000, 100_000, 300_000, 500_000)


def drawn(scale, zoom, what):
    with style.context():
        sheet = new_sheet(page("A0" if zoom > 1 else "A3"), zoom)
        what(sheet, MapFrame(BOX, scale, EAST, NORTH, zoom))
        return sheet.figure


def texts(figure):
    return [(t.get_text(), *t.get_position()) for t in figure.findobj(Text) if t.get_text()]


@pytest.mark.parametrize("zoom", [1.0, 1189 / 420])
@pytest.mark.parametrize("scale", EVERY_SCALE)
def test_grid_labels_are_the_coordinates_of_their_ticks(scale, zoom):
    figure = drawn(scale, zoom, lambda sheet, frame: neat_grid(sheet, frame, "EPSG:4524", ()))
    m_per_mm = scale * zoom / 1000
    seen = {"x": set(), "y": set()}
    for label, x, y in texts(figure):
        if y < BOX.bottom or y > BOX.top:
            ground, axis = EAST + (x - BOX.centre[0]) * m_per_mm, "x"
        else:
            ground, axis = NORTH + (y - BOX.centre[1]) * m_per_mm, "y"
        # a label that is rounded (36596.0 for 36596.05) is the trap this test is for
        assert float(label) * 1000 == pytest.approx(ground, abs=0.01)
        seen[axis].add(label)
    assert all(len(labels) >= 3 for labels in seen.values())


@pytest.mark.parametrize("zoom", [1.0, 1189 / 420])
@pytest.mark.parametrize("scale", EVERY_SCALE)
def test_the_bar_is_as_long_as_its_last_figure_says(scale, zoom):
    figure = drawn(scale, zoom, lambda sheet, frame: scale_bar(sheet, frame, 20, 20))
    bars = [p for p in figure.findobj(Rectangle) if p.get_height() == pytest.approx(1.5)]
    left = min(p.get_x() for p in bars)
    length_mm = max(p.get_x() + p.get_width() for p in bars) - left
    said = [text for text, *_ in texts(figure)]
    (unit,) = {"米", "公里"} & set(said)
    longest = max(float(text) for text in said if re.fullmatch(r"[\d.]+", text))
    metres = longest * (1000 if unit == "公里" else 1)
    assert length_mm * scale * zoom / 1000 == pytest.approx(metres, rel=1e-6)
    assert (unit == "米") == (metres < 1000)
    assert 25 < length_mm <= 72  # long enough to measure with
    # metres are whole, kilometres have no more decimals than a person adds up
    assert all(len(text.partition(".")[2]) <= 1 for text in said)

"""What the sheets print adds up to summary.csv and gaps.csv, row by row and in all."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from gallery import county_data
from matplotlib.text import Text

from pipeline.render import discover, style
from pipeline.render.data import table_of
from pipeline.tables import classes

DATA = county_data("plain")
SPECS = {spec.name: spec for spec in discover()}
TASKS = {category.name: category for category in classes() if category.task}


def drawn(name, part=None):
    spec = SPECS[name]
    with style.context():
        return list(spec.book.draw(DATA, part) if part else spec.draw(DATA))


def line(figure, label):
    """The texts to the right of a label in the side panel, on its line."""
    texts = [t for t in figure.findobj(Text) if t.get_text()]
    first = max((t for t in texts if t.get_text() == label), key=lambda t: t.get_position()[1])
    x, y = first.get_position()
    same = [t for t in texts if t.get_position()[1] == y and t.get_position()[0] > x]
    return [t.get_text() for t in sorted(same, key=lambda t: t.get_position()[0])]


def summary(level, code=None):
    """Category → (plots, 亩 in all, closed plots) of summary.csv at the export shown."""
    table = table_of(DATA, "summary")
    own = table[(table["level"] == level) & ((table["town_code"] == code) | (code is None))]
    return {
        row["category"]: (int(row["plots"]), Decimal(row["area_mu"]), int(row["closed_plots"]))
        for row in own.to_dict("records")
    }


def printed(mu, step):
    return f"{mu.quantize(Decimal(step), ROUND_HALF_UP):,}"


def test_the_wall_maps_legend_is_summary_csv():
    (figure,) = drawn("wall")
    wanted = summary("county")
    for name, label in {n: c.label for n, c in TASKS.items()}.items() | {("total", "合计")}:
        plots, mu, closed = wanted[name]
        assert line(figure, label) == [f"{plots:,}", printed(mu, "0.01"), f"{closed:,}"]


@pytest.mark.parametrize("town", [town.code for town in DATA.county.towns])
def test_a_towns_page_of_the_book_is_summary_csv(town):
    figure = drawn("book", town)[0]
    wanted = summary("town", town)
    for name, label in {n: c.label for n, c in TASKS.items()}.items() | {("total", "合计")}:
        plots, mu, closed = wanted[name]
        cells = line(figure, label)
        assert cells[:3] == [f"{plots:,}", printed(mu, "0.1"), f"{closed:,}"]


@pytest.mark.parametrize("name", [n for n in SPECS if n.endswith(("_gap", "_rate"))])
def test_a_choropleths_classes_sum_to_gaps_csv(name):
    (figure,) = drawn(name)
    short = {"cropland": "cropland", "pbf": "pbf", "balance": "in_out_balance"}
    table = table_of(DATA, "gaps")
    own = table[(table["indicator"] == short[name.rsplit("_", 1)[0]])]
    county = own[own["town"] == "全县"]["remaining_mu"].map(Decimal).item()
    total = line(figure, "合计")
    assert total == [f"{len(DATA.county.towns)} 个", f"{printed(county, '1')} 亩"]

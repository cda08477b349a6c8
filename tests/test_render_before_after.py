"""Before and after: the same frame, every task once at either date, figures of the history."""

from __future__ import annotations

import io

import numpy as np
import pytest
from gallery import county_data
from matplotlib.collections import PathCollection
from pypdf import PdfReader
from sheets import faults, written

from pipeline.render import changes, discover, render, style
from pipeline.render.maps.before_after import PAGES
from pipeline.tables import statuses

SPEC = next(spec for spec in discover() if spec.name == "before_after")


def pages(data):
    with style.context():
        return list(SPEC.draw(data))


def marks(figure, status):
    """Places of a state's marks, in mm: those of the two maps and of the table."""
    glyphs = figure.findobj(PathCollection)
    found = [c.get_offsets() for c in glyphs if c.get_gid() == f"status:{status}"]
    return np.vstack(found) if found else np.zeros((0, 2))


def on_map(points):
    return points[points[:, 1] > 74]


def test_every_task_has_its_mark_at_either_date_at_the_same_place():
    data = county_data("plain")
    county = pages(data)[0]
    both = np.vstack([on_map(marks(county, status.name)) for status in statuses()])
    left, right = both[both[:, 0] < 210], both[both[:, 0] > 210]
    assert len(left) == len(right) == len(data.tasks)
    # the second frame is the first one, moved: same scale, same ground
    shift = np.array(sorted(map(tuple, right))) - np.array(sorted(map(tuple, left)))
    assert shift == pytest.approx(np.broadcast_to([196.0, 0.0], shift.shape))
    for status in statuses():
        now = (data.tasks["status"] == status.name).sum()
        then = len(data.tasks) if status.name == "open" else 0
        assert len(on_map(marks(county, status.name))) == now + then


def test_figures_are_those_of_the_history_and_add_up():
    data = county_data("plain")
    found = changes.change(changes.pairs(data))
    now = data.history[data.history["export"] == data.export.isoformat()]
    alive = now[now["status"] != "withdrawn"]
    assert found.now.plots == len(alive)
    assert found.now.left_cm2 == round(alive["remaining_m2"].sum() * 100)
    total = data.summary[(data.summary["category"] == "total") & (data.summary["town"] == "全县")]
    row = total[total["export"] == data.export.isoformat()].iloc[0]
    # summary.csv: exact 亩; 0.015 亩 for a m², so 0.000015 for a hundredth
    assert found.now.left_cm2 * 15 == int(float(row["remaining_mu"]) * 1e6 + 0.5)
    assert int(row["plots"]) == found.now.plots
    towns = [
        changes.change(changes.pairs(data).query("town_code == @town.code"))
        for town in data.county.towns
    ]
    assert sum(town.now.left_cm2 for town in towns) == found.now.left_cm2


def test_the_headline_and_the_table_say_what_changed():
    data = county_data("plain")
    # 20 tasks, numbers 0–19: withdrawn 7 and 18; reopened 3, 9, 15; closed 0, 12 (6 and 18 are
    # partial and withdrawn, 3, 9, 15 reopened); so 18 tasks of which 2 are closed: 11.1 %
    said = written(pages(data)[0])
    closed = int((data.tasks["status"] == "closed").sum())
    alive = int((data.tasks["status"] != "withdrawn").sum())
    again = int((data.tasks["status"] == "reopened").sum())
    finding = next(text for text in said if text.startswith("全县"))
    assert f"全县{alive}个任务已销号{closed}个（{closed / alive:.1%}）" in finding
    assert f"反弹{again}个" in finding
    assert {status.label for status in statuses()} <= set(said)
    assert "合计（撤出除外）" in said


def test_tasks_that_came_later_are_new_and_remnants_are_not_zero():
    data = county_data("plain")
    first = data.history["export"] == data.county.ledger.isoformat()
    gone = data.history["task_id"] == data.tasks["task_id"].iloc[0]
    rows = changes.pairs(type(data)(
        **{name: getattr(data, name) for name in data.__slots__}
        | {"history": data.history[~(first & gone)]}
    ))  # fmt: skip
    found = changes.change(rows)
    assert found.came == 1
    assert found.was.plots == len(data.tasks) - 1
    assert changes.Tally(1, 7).left == "不足0.1"
    # 66,667 hundredths of a m² = 1.000005 亩
    assert changes.Tally(1, 66_667).left == "1.0"


def test_a_first_export_has_nothing_to_compare_with():
    figure = pages(county_data("one export only"))[0]
    assert "下一期成果入库后在此对照" in written(figure)
    assert any("台账首期：20个任务" in text for text in written(figure))
    assert faults(figure) == []


def test_one_file_with_a_bookmark_per_place_and_the_first_page_as_a_picture():
    data = county_data("one town, one class only")
    files = render(SPEC, data)
    assert sorted(files) == [
        "thumbs/before_after.png", "整改前后对照图_A3.pdf", "整改前后对照图_A3.png",
    ]  # fmt: skip
    reader = PdfReader(io.BytesIO(files["整改前后对照图_A3.pdf"]))
    assert [item.title for item in reader.outline] == ["全县", "河口镇"]
    assert "河口镇" in reader.pages[1].extract_text()
    assert SPEC.book.parts(county_data("sixty towns")) == ("0", "1", "2", "3", "4", "5")
    assert PAGES * 6 >= 61
    assert render(SPEC, data) == files

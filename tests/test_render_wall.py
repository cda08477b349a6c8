"""The wall map: every plot visible, figures those of the ledger, texts apart and readable."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sheets import faults, patches, rings, texts, written
from test_render import LEDGER, TOWNS, county_of, gaps_of, outlines
from test_render_book import TASKS, ledger, near

from pipeline.render import MapData, discover, style

SPEC = next(spec for spec in discover() if spec.name == "wall")


def all_gaps():
    return pd.concat(
        gaps_of().assign(indicator=name) for name in ("cropland", "pbf", "in_out_balance")
    )


def sheet(tasks):
    land = tasks[["geometry"]].assign(dlbm=["1101", "1006", "0702", "0103"] * (len(tasks) // 4))
    data = MapData(
        county=county_of(), towns=outlines(), export=LEDGER, product_id="ab12", tasks=tasks,
        land=land, gaps=all_gaps(),
    )  # fmt: skip
    with style.context():
        (figure,) = SPEC.draw(data)
    return figure


def test_plots_figures_and_texts_of_the_wall_map():
    boxes = np.vstack([near(0, 20), near(7, 20, seed=3)])
    tasks = ledger(boxes, [TOWNS[0][0]] * 20 + [TOWNS[7][0]] * 20)
    figure = sheet(tasks)
    said = written(figure)
    alive = tasks[tasks["status"] != "withdrawn"]
    assert f"整改任务{len(alive)}个图斑" in "".join(said)
    assert any(f"另有已撤出{len(tasks) - len(alive)}个" in text for text in said)
    assert {"河流" in t for t in said} == {False}
    assert {"水面", "道路", "村庄、城镇", "耕地"} <= set(said)
    assert next(t for t in texts(figure) if "挂图" in t.get_text()).get_fontsize() >= 60
    assert faults(figure) == []


def test_the_smallest_plot_is_as_wide_as_the_eye_needs():
    tasks = ledger(near(0, 8, size=2.0), [TOWNS[0][0]] * 8)
    figure = sheet(tasks)
    rims = patches(figure, "rims:")
    assert {c.get_gid()[5:] for c in rims} <= set(TASKS)
    assert sum(len(rings(c)) for c in rims) == (tasks["status"] != "withdrawn").sum()
    assert all(c.get_linewidth() * 25.4 / 72 >= 0.7 for c in rims)


def test_a_county_without_tasks_has_a_wall_map_all_the_same():
    tasks = ledger(near(0, 4), [TOWNS[0][0]] * 4).assign(status="withdrawn")
    figure = sheet(tasks)
    assert "全县没有整改任务" in written(figure)

"""What lies where, before it is drawn: parcels with their areas, zones, classes and histories.

An atom is the smallest piece that never changes; atoms of one bundle are cut from one stretch of
a lane, and the bundle's area is exact. A plot is one or more atoms. `group` names the purpose an
atom was planned for; it stays inside this room and is never delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.sample.book import Book, area_m2
from pipeline.sample.figures import MU_M2, table
from pipeline.sample.retained import enter_fields, enter_retained, with_stories
from pipeline.sample.tasks import enter_others, enter_tasks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.figures import Figures, Scale

    Floats = NDArray[np.float64]


def plan(figures: Figures, scale: Scale, rng: np.random.Generator) -> pd.DataFrame:
    """Return the atoms of all planned land (not yet rivers, roads, villages, forest).

    Columns: town, unit, bundle, weight (share of the bundle), bundle_m2 (official area), plot,
    plot_then, group, pbf, target, now, then (DLBM), slope (row of the slope table), story, lot.
    Areas of every (town, task category) add up to the published cell exactly. Raises GengbaoError
    if the figures leave no room for retained cropland.
    """
    slopes = table("slopes")
    net = 1 - slopes["kcxs"].to_numpy(np.float64)
    share = slopes["share"].to_numpy(np.float64)
    book = Book()
    for town, name in enumerate(figures.towns["name"]):
        enter_tasks(book, figures, town, name, rng)
        enter_others(book, figures, town, name, rng)
    _draw_slopes(book, share, rng)
    target, pbf = (figures.target_mu(k).to_numpy() * MU_M2 for k in ("cropland", "pbf"))
    for town in range(len(target)):
        enter_retained(book, scale, town, (pbf[town], target[town]), (net, share), rng)
    done = pd.concat(book.parts, ignore_index=True)
    grown = done["now"].str.startswith("01")
    now_net = float((area_m2(done) * net[done["slope"]])[grown].sum())
    rest = figures.cropland_now_mu * MU_M2 - now_net
    if rest <= 0:
        raise GengbaoError(
            Finding("示例县数表", f"目标外耕地为 {rest / MU_M2:.2f} 亩", "核对目标与毛缺口")
        )
    for town, goal in enumerate(rest * target / target.sum()):
        part = enter_fields(book, scale, (town, "outside", False, False), goal, (net, share), rng)
        book.replace(part, with_stories(part, rng))
    return pd.concat(book.parts, ignore_index=True)


def _draw_slopes(book: Book, share: Floats, rng: np.random.Generator) -> None:
    """Give each bundle one slope class, plots that reach over a border the same one."""
    for part in book.parts:
        unit, at = np.unique(part["unit"].to_numpy(), return_inverse=True)
        part["slope"] = rng.choice(len(share), len(unit), p=share)[at]

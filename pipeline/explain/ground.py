"""Where a task stands now: this export's plots on its ground, and the 补划 plots named for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline import overlay
from pipeline.evidence.lists import latest
from pipeline.measure import mu_text, to_cm2

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import geopandas as gpd

NOW = ("now", "now_source")
SUPPLEMENT = "supplement_source"
LEAST_CM2 = 1000
"""Plots that share less than 10 m² with a task are a shifted border (the ledger's own limit)."""
MOVED_OUT = ("pbf_self_submitted", "pbf_relocate")
JOIN = "|"


def now_on(
    tasks: gpd.GeoDataFrame, pieces: gpd.GeoDataFrame, sources: pd.DataFrame
) -> pd.DataFrame:
    """Return per task the plots of an export that lie on its ground, largest first.

    tasks: task_id, geometry; pieces: bsm, dlbm, cultivated, geometry of the export; sources: bsm,
    source_file, source_row of its parcels. Columns: task_id, now (BSM, class, whether cultivated,
    shared 亩), now_source (file and row), both joined by a bar in the same order.
    """
    pairs = overlay.overlap_area(tasks.geometry, pieces.geometry, tasks.crs)
    shared = pd.DataFrame(
        {
            "task_id": tasks["task_id"].to_numpy()[pairs["left"]],
            "cm2": to_cm2(pairs["area_m2"]),
            **{name: pieces[name].to_numpy()[pairs["right"]] for name in _ASKED},
        }
    )
    whole = shared.groupby(["task_id", *_ASKED], dropna=False, as_index=False)["cm2"].sum()
    plots = whole[whole["cm2"] >= LEAST_CM2].merge(sources, on="bsm", how="left")
    plots = plots.sort_values(["task_id", "cm2", "bsm"], ascending=[True, False, True])
    state = plots["cultivated"].map({True: "已耕", False: "未耕"}).fillna("不明")
    area = plots["cm2"].map(lambda cm2: mu_text(cm2, 6))
    plots["now"] = plots["bsm"] + " " + plots["dlbm"].fillna("地类不明") + " " + state + " " + area
    plots["now"] += " 亩"
    plots["now_source"] = _source(plots)
    joined: pd.DataFrame = plots.groupby("task_id")[list(NOW)].agg(JOIN.join).reset_index()
    return joined


_ASKED = ("bsm", "dlbm", "cultivated")


def supplements_of(bsms: Sequence[str], listed: gpd.GeoDataFrame, export: date) -> pd.DataFrame:
    """Return where the 补划 plots named for moved-out plots (GLBH = BSM) stand in their list.

    listed: rows of the supplement role, those not yet known at the export among them. Columns:
    bsm, supplement_source, joined by a bar in the order of the list.
    """
    rows = latest(listed, export)
    own = rows[rows["glbh"].isin(list(bsms))].sort_values(["glbh", "source_file", "source_row"])
    named = pd.DataFrame({"bsm": own["glbh"], SUPPLEMENT: _source(own)})
    joined: pd.DataFrame = named.groupby("bsm")[SUPPLEMENT].agg(JOIN.join).reset_index()
    return joined


def _source(rows: pd.DataFrame) -> pd.Series:
    """Return file and row as one text."""
    return rows["source_file"] + " 第 " + rows["source_row"].astype("Int64").astype("str") + " 行"

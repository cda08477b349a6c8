"""dask-geopandas: the plots in spatial partitions, geopandas.overlay on each, two processes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import dask
import dask_geopandas
import geopandas as gpd
import pandas as pd
import shapely
from geopandas_overlay import mended
from job import main

if TYPE_CHECKING:
    from pathlib import Path

    from job import Clock

PARTITIONS = 16


@cache
def layer(folder: Path, name: str) -> gpd.GeoDataFrame:
    """Return a layer, read once in every process."""
    return mended(folder / f"{name}.parquet")


def near(folder: Path, name: str, part: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    whole = layer(folder, name)
    return whole.iloc[whole.sindex.query(shapely.box(*part.total_bounds))]


def figures_of(part: gpd.GeoDataFrame, folder: Path) -> pd.DataFrame:
    """Return the figures of one partition."""
    part = part.reset_index(drop=True)
    figures = pd.DataFrame({"area_m2": part.geometry.area.to_numpy()}, index=part["bsm"])
    for name in ("pbf", "target", "before", "towns"):
        there = near(folder, name, part)
        columns = [c for c in ("dlbm", "xzqdm") if c in there and name in {"before", "towns"}]
        pieces = gpd.overlay(part, there[[*columns, "geometry"]], keep_geom_type=True)
        pieces = pieces.assign(m2=pieces.geometry.area)
        if name == "towns":
            top = pieces.sort_values("m2").drop_duplicates("bsm", keep="last")
            figures["xzqdm"] = top.set_index("bsm")["xzqdm"]
            continue
        if name == "before":
            pieces = pieces[pieces["dlbm_1"] != pieces["dlbm_2"]]
        column = "changed_m2" if name == "before" else f"{name}_m2"
        figures[column] = pieces.groupby("bsm")["m2"].sum()
    return figures.fillna({"pbf_m2": 0, "target_m2": 0, "changed_m2": 0}).reset_index()


def run(folder: Path, clock: Clock) -> pd.DataFrame:
    now = mended(folder / "now.parquet")
    clock("read, validity")
    parts = dask_geopandas.from_geopandas(now, npartitions=PARTITIONS).spatial_shuffle()
    lazy = [dask.delayed(figures_of)(part, folder) for part in parts.to_delayed()]
    answers = dask.compute(*lazy, scheduler="processes", num_workers=2)
    clock("overlays")
    return pd.concat(answers, ignore_index=True)


if __name__ == "__main__":
    main(run)

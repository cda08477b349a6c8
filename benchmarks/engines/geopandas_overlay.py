"""What most people write: geopandas.overlay, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
from job import main

if TYPE_CHECKING:
    from pathlib import Path

    from job import Clock


def mended(path: Path) -> gpd.GeoDataFrame:
    frame = gpd.read_parquet(path)
    bad = ~frame.geometry.is_valid
    frame.loc[bad, "geometry"] = frame.geometry[bad].make_valid()
    return frame


def run(folder: Path, clock: Clock) -> pd.DataFrame:
    names = ("now", "before", "pbf", "target", "towns")
    layers = {name: mended(folder / f"{name}.parquet") for name in names}
    clock("read, validity")
    now = layers["now"]
    figures = pd.DataFrame({"area_m2": now.geometry.area.to_numpy()}, index=now["bsm"])
    clock("area")
    for name in ("pbf", "target"):
        parts = gpd.overlay(
            now[["bsm", "geometry"]], layers[name][["geometry"]], keep_geom_type=True
        )
        figures[f"{name}_m2"] = parts.geometry.area.groupby(parts["bsm"]).sum()
        clock(f"x {name}")
    parts = gpd.overlay(now, layers["before"][["dlbm", "geometry"]], keep_geom_type=True)
    other = parts[parts["dlbm_1"] != parts["dlbm_2"]]
    figures["changed_m2"] = other.geometry.area.groupby(other["bsm"]).sum()
    clock("x before")
    parts = gpd.overlay(now[["bsm", "geometry"]], layers["towns"], keep_geom_type=True)
    parts = parts.assign(m2=parts.geometry.area).sort_values("m2")
    figures["xzqdm"] = parts.drop_duplicates("bsm", keep="last").set_index("bsm")["xzqdm"]
    clock("x towns")
    return figures.fillna({"pbf_m2": 0, "target_m2": 0, "changed_m2": 0}).reset_index()


if __name__ == "__main__":
    main(run)

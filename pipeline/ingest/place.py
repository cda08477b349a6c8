"""The town of a plot: by its code, checked against the place where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from pipeline import fields, overlay
from pipeline.errors import Finding, InputError

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.model import County

TOWN_DIGITS, VILLAGE_DIGITS = 9, 12
MAJORITY = 0.5
NEAR_M = 5000.0
BY_PLACE, MISMATCH = "TOWN_BY_PLACE", "TOWN_MISMATCH"


@dataclass(frozen=True, slots=True)
class TownShapes:
    """Codes of the county's towns and, in the same order, their polygons in the county's CRS."""

    codes: NDArray[np.object_]
    polygons: NDArray[np.object_]

    def near(self, geometry: NDArray[np.object_]) -> int:
        """Return how many of these geometries lie in or near the towns' extent."""
        box = shapely.box(*shapely.total_bounds(self.polygons)).buffer(NEAR_M)
        return int(shapely.intersects(box, geometry).sum())


def town_shapes(county: County, towns: gpd.GeoDataFrame, where: str) -> TownShapes:
    """Return one polygon per town; by XZQDM (9 digits, or 12 of villages), else by XZQMC.

    Raises InputError naming every town of towns.csv that the layer doesn't show.
    """
    by_code = {town.code: town.code for town in county.towns}
    codes = towns[fields.XZQDM.name].str[:TOWN_DIGITS].map(by_code).astype(object)
    by_name = towns[fields.XZQMC.name].map(county.town_code, na_action="ignore").astype(object)
    codes = codes.where(codes.notna(), by_name)
    missing = [town for town in county.towns if town.code not in set(codes)]
    if missing:
        names = "、".join(f"{town.name}（{town.code}）" for town in missing)
        advice = "补全行政区图层；或核对 XZQDM、XZQMC 与 towns.csv 的代码和名称是否一致"
        raise InputError(Finding(where, f"行政区图层里没有 {names}", advice))
    known = codes.notna().to_numpy()
    order, group = np.unique(codes[known].to_numpy(dtype=str), return_inverse=True)
    outlines = towns.geometry.to_numpy()[known]
    polygons = np.empty(len(order), dtype=object)
    for at in range(len(order)):
        polygons[at] = shapely.union_all(outlines[group == at])
    return TownShapes(order.astype(object), polygons)


def assign(county: County, plots: pd.DataFrame, place: NDArray[np.object_]) -> pd.DataFrame:
    """Return town_code, town, village and flags per plot; place: of each, as `majority` has it.

    The town is that of ZLDWDM[:9]; a code of this county that is no town of it (dissolved) is
    mapped by place and flagged; more than half of the plot in another town is flagged, the code
    kept (调查口径). A code of another county or none leaves the town missing.
    """
    code = plots[fields.ZLDWDM.name]
    own = code.str[:TOWN_DIGITS].where(code.str.len() >= TOWN_DIGITS).astype(object)
    known = own.isin([town.code for town in county.towns]).to_numpy()
    ours = code.str.startswith(county.code).to_numpy(dtype=bool)
    placed = pd.notna(place)
    by_place = ~known & ours & placed
    town_code = np.full(len(plots), None, dtype=object)
    town_code[known], town_code[by_place] = own[known], place[by_place]
    mismatch = known & placed & (place != own.to_numpy())
    flags = np.full(len(plots), None, dtype=object)
    flags[by_place], flags[mismatch] = BY_PLACE, MISMATCH
    names = {town.code: town.name for town in county.towns}
    village = plots[fields.ZLDWMC.name]
    fallback = code.str[:VILLAGE_DIGITS].where(code.str.len() >= VILLAGE_DIGITS)
    return pd.DataFrame(
        {
            fields.TOWN_CODE.name: pd.Series(town_code, index=plots.index).astype("str"),
            fields.TOWN.name: pd.Series(town_code, index=plots.index).map(names).astype("str"),
            fields.VILLAGE.name: village.where(village.notna(), fallback).astype("str"),
            fields.FLAGS.name: pd.Series(flags, index=plots.index).astype("str"),
        }
    )


def majority(
    geometry: NDArray[np.object_],
    planar_m2: NDArray[np.float64],
    towns: TownShapes,
    layer: overlay.Layer,
) -> NDArray[np.object_]:
    """Return the code of the town that holds more than half of each plot, None if none does.

    geometry, planar_m2: of the plots; layer: overlay.layer of the towns' polygons.
    """
    place = np.full(len(geometry), None, dtype=object)
    shared = overlay.overlaps(geometry, layer)
    most = shared.only(shared.planar_m2 > MAJORITY * planar_m2[shared.left])
    place[most.left] = towns.codes[most.right]
    return place

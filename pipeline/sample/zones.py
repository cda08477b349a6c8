"""永久基本农田, 耕地保护目标 and the status lists, derived from the atoms of the ledger date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from pipeline.measure import official_area_cm2
from pipeline.sample.coverage import union_by
from pipeline.sample.figures import table
from pipeline.sample.lanes import CRS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_SHIFT_M = (0.05, 0.07)
_SHIFT_PERIMETER_M = 900.0
_CROP = "0103"


def zone(atoms: gpd.GeoDataFrame, inside: pd.Series) -> gpd.GeoDataFrame:
    """Return one polygon per plot and zone, with its areas (m², two decimals).

    Columns: plot, BSM, town_code, ZLDWDM, DLBM, KCXS, gross, off, net, slope, geometry. The class
    is that of the day the zone was drawn: cropland.
    """
    part = atoms[inside]
    keys, shapes = union_by(part.geometry.to_numpy(), part["plot"].to_numpy())
    first = part.drop_duplicates("plot").set_index("plot").loc[keys].reset_index()
    slope = table("slopes").iloc[first["slope"]].reset_index(drop=True)
    kcxs = slope["kcxs"].astype(float).to_numpy()
    gross = official_area_cm2(shapes, CRS)
    off = (gross * np.round(kcxs * 10_000).astype(np.int64) + 5_000) // 10_000
    return gpd.GeoDataFrame(
        {
            "plot": keys, "ZLDWDM": first["zldwdm"], "ZLDWMC": first["zldwmc"],
            "town": first["town"], "tbbh": first["tbbh"], "KCXS": kcxs, "TBMJ": gross / 100,
            "KCMJ": off / 100, "TBDLMJ": (gross - off) / 100, "GDLX": slope["gdlx"],
            "GDPDJB": slope["gdpdjb"], "DLBM": _CROP, "DLMC": "旱地",
        },
        geometry=shapes, crs=CRS,
    )  # fmt: skip


def displaced(layer: gpd.GeoDataFrame, atoms: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Mark zone polygons that were drawn some centimetres off: every 40th lone field.

    None of them touches a plot that reaches over a zone's border: the strip would join its piece.
    """
    lone = atoms[(atoms["group"] == "retained") & (atoms["story"] == "") & (atoms["weight"] > 0)]
    short = layer.length < _SHIFT_PERIMETER_M
    torn = atoms[(atoms["group"] == "beyond") | (atoms["story"] == "straddle")]
    whole = atoms[atoms["plot"].isin(torn["plot"])].geometry.to_numpy()
    near, _ = shapely.STRtree(whole).query(layer.geometry.to_numpy(), predicate="dwithin",
                                           distance=1.0)  # fmt: skip
    clear = np.ones(len(layer), dtype=bool)
    clear[near] = False
    pick = layer["plot"].isin(lone["plot"]) & short & clear
    return np.asarray(pick & (pick.cumsum() % 40 == 1))


def shifted(layer: gpd.GeoDataFrame, off: NDArray[np.bool_]) -> gpd.GeoDataFrame:
    """Move the marked polygons by less than 0.1 m: slivers as real deliveries have them."""
    out = layer.copy()
    moved = shapely.transform(
        layer.geometry.to_numpy()[off], lambda xy: np.round(xy + np.array(_SHIFT_M), 4)
    )
    geometry = layer.geometry.to_numpy().copy()
    geometry[off] = moved
    return out.set_geometry(gpd.GeoSeries(geometry, crs=CRS))


def pbf_layer(layer: gpd.GeoDataFrame, code: str, names: list[tuple[str, str]]) -> gpd.GeoDataFrame:
    """Return YJJBNTBHTB (三区三线): the fields of the standard; personal fields stay empty."""
    n = np.arange(1, len(layer) + 1)
    town = layer["town"].to_numpy()
    crop = {
        "BSM": [f"{code}2005{i:08d}" for i in n], "YSDM": "2005010300",
        "XZQDM": [names[t][0] for t in town], "XZQMC": [names[t][1] for t in town],
        "YJJBNTTBBH": [f"{names[t][0]}{i:08d}" for t, i in zip(town, n, strict=True)],
        "TBBH": layer["tbbh"], "DLBM": layer["DLBM"], "DLMC": layer["DLMC"], "QSXZ": "30",
        "QSDWDM": layer["ZLDWDM"], "ZLDWDM": layer["ZLDWDM"], "YJJBNTTBMJ": layer["TBMJ"],
        "KCDLBM": np.where(layer["KCXS"] > 0, "1203", ""), "KCXS": layer["KCXS"],
        "KCMJ": layer["KCMJ"], "YJJBNTMJ": layer["TBDLMJ"], "GDLX": layer["GDLX"],
        "GDPDJB": layer["GDPDJB"], "SJNF": np.full(len(layer), 2020, dtype=np.int32),
        "ZRRZJHM": "", "ZRRMC": "", "LXDH": "", "JZDZ": "", "BZ": "",
    }  # fmt: skip
    return gpd.GeoDataFrame(crop, geometry=layer.geometry.to_numpy(), crs=layer.crs)


def target_layer(layer: gpd.GeoDataFrame, code: str) -> gpd.GeoDataFrame:
    """Return GDBHMB: the fields of DLTB that the layer has."""
    n = range(1, len(layer) + 1)
    crop = {
        "BSM": [f"{code}2006{i:08d}" for i in n], "YSDM": "2006010100", "TBBH": layer["tbbh"],
        "DLBM": layer["DLBM"], "DLMC": layer["DLMC"], "QSXZ": "30", "QSDWDM": layer["ZLDWDM"],
        "ZLDWDM": layer["ZLDWDM"], "ZLDWMC": layer["ZLDWMC"], "TBMJ": layer["TBMJ"],
        "KCDLBM": np.where(layer["KCXS"] > 0, "1203", ""), "KCXS": layer["KCXS"],
        "KCMJ": layer["KCMJ"], "TBDLMJ": layer["TBDLMJ"], "GDLX": layer["GDLX"],
        "GDPDJB": layer["GDPDJB"], "SFWHTD": "0", "ZZSXDM": "LS",
        "SJNF": np.full(len(layer), 2020, dtype=np.int32),
    }  # fmt: skip
    return gpd.GeoDataFrame(crop, geometry=layer.geometry.to_numpy(), crs=layer.crs)

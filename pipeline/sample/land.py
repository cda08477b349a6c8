"""What grows and stands on the land: classes of the unplanned plots, villages, plot attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from pipeline.sample.figures import table

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.sample.valleys import Valley

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Texts = NDArray[np.object_]

LINEAR = ("1003", "1006", "1101", "1107")
"""Classes whose plots carry a width (XZDWKD)."""
RESTORABLE = ("0201", "0202", "0204", "0301", "0305", "0307", "1104")
_STATE_OWNED = ("1003", "1101", "1106", "0701", "05H1")
_SMALL_M2, _LARGE_M2 = 15_000.0, 40_000.0
_INNER = (("0702", 26), ("0201", 22), ("0307", 12), ("0404", 12), ("0305", 12), ("0204", 6),
          ("1104", 5), ("1202", 4), ("0601", 3), ("08H2", 1), ("0809", 1))  # fmt: skip
_OUTER = (("0301", 24), ("0305", 20), ("0307", 16), ("0404", 14), ("0201", 16), ("0702", 10))
_URBAN = (("0701", 40), ("05H1", 8), ("08H1", 5), ("08H2", 8), ("0601", 8), ("0810", 6),
          ("0702", 25))  # fmt: skip
_SETTLED = ("05", "06", "07", "08", "09")  # groups that must carry a CZCSXM
_URBAN_ONLY = ("0701", "05H1", "08H1", "0810")
_ONLY_SMALL = ("1104", "1202", "08H2", "0809", "08H1", "05H1", "0810")
_TERRAIN = ("河湾", "石桥", "松坪", "梨园", "竹沟", "青岭", "柳坝", "南坡", "北沟", "杨坪", "石门",
            "泉水", "桃坪", "核桃", "银杏", "枫树", "老林", "新坪", "双河", "上湾", "下湾", "平地",
            "长坪", "黄土", "白岩", "红崖", "水磨", "板桥", "草坪", "云岭", "向阳", "背阴", "大坝",
            "小川", "岔口", "瓦沟", "窑坪", "金沟", "漆树", "油坊", "茶园", "药坪", "麦坪", "豆沟",
            "栗园", "樱沟", "兰坪", "荷塘")  # fmt: skip


def _choice(options: tuple[tuple[str, int], ...], n: int, rng: np.random.Generator) -> Texts:
    share = np.array([w for _, w in options], float)
    names = np.array([c for c, _ in options])
    return rng.choice(names, n, p=share / share.sum()).astype(object)


def filler_classes(
    fillers: pd.DataFrame, area_m2: Floats, rank: Floats, rng: np.random.Generator
) -> Texts:
    """Return classes for the valley land between fields; the first town's floor is built up."""
    n = len(fillers)
    out = np.where(rank < 1.5, _choice(_INNER, n, rng), _choice(_OUTER, n, rng))  # noqa: PLR2004 - 1: beside the river
    urban = (fillers["town"].to_numpy() == 0) & (rank < 2.5) & (rng.random(n) < 0.45)  # noqa: PLR2004 - shares
    out[urban] = _choice(_URBAN, int(urban.sum()), rng)
    big = (area_m2 > _SMALL_M2) & np.isin(out, _ONLY_SMALL)
    out[big] = rng.choice(["0201", "0307", "0305"], int(big.sum()))
    vast = (area_m2 > _LARGE_M2) & np.isin(out, ["0702", "0601"])
    out[vast] = rng.choice(["0305", "0307", "0201"], int(vast.sum()))
    return out


def forest_classes(
    points: NDArray[np.object_], valleys: list[Valley], rng: np.random.Generator
) -> Texts:
    """Return classes of mountain land: open land and shrubs near the valleys, then trees."""
    floors = np.array([v.polygon() for v in valleys], dtype=object)
    near = np.exp(-_distance_m(points, floors) / 700.0)
    draw = rng.random(len(points))
    out = np.full(len(points), "0301", dtype=object)
    for code, share in (("0305", 0.10 + 0.25 * near), ("0307", 0.05 + 0.15 * near),
                        ("0404", 0.02 + 0.18 * near), ("0201", 0.12 * near)):  # fmt: skip
        out[(draw >= 0) & (draw < share)] = code
        draw = draw - share
    bare = rng.random(len(points)) < 0.004  # noqa: PLR2004 - rock on the ridges
    out[bare] = "1207"
    return out


def _distance_m(points: NDArray[np.object_], polygons: NDArray[np.object_]) -> Floats:
    """Return how far each point is from the nearest of a few polygons with many vertices."""
    xy, of = shapely.get_coordinates(polygons, return_index=True)
    edges = np.stack((xy[:-1], xy[1:]), axis=1)[of[1:] == of[:-1]]
    _, distance = shapely.STRtree(shapely.linestrings(edges)).query_nearest(
        points, return_distance=True, all_matches=False
    )
    _, within = shapely.STRtree(points).query(polygons, predicate="intersects")
    distance[within] = 0.0
    return np.asarray(distance)


def villages(
    faces: gpd.GeoDataFrame, valleys: list[Valley], names: list[str], rng: np.random.Generator
) -> tuple[Ints, pd.DataFrame]:
    """Return each face's village number (1.. within its town) and the table of names.

    Villages gather around places along the valleys. Table: town, village, name.
    """
    spots = shapely.get_coordinates(faces.geometry.representative_point())
    town = faces["town"].to_numpy()
    axis = np.vstack([v.axis[:-1] for v in valleys])
    axis_town = np.concatenate([v.town for v in valleys])
    number = np.zeros(len(faces), dtype=np.int64)
    rows = []
    for t in range(len(names)):
        own = axis[axis_town == t]
        count = int(np.clip(len(own) // 80, 3, 14))
        seeds = own[np.linspace(0, len(own) - 1, count + 2).astype(int)[1:-1]]
        here = town == t
        gap = np.hypot(*(spots[here][:, None] - seeds[None]).transpose(2, 0, 1))
        number[here] = np.argmin(gap, axis=1) + 1
        words = rng.permutation(np.array(_TERRAIN))[:count]
        rows += [(t, i + 1, f"{w}村") for i, w in enumerate(words)]
    return number, pd.DataFrame(rows, columns=["town", "village", "name"])


def plots(state: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return DLTB attributes of plots that depend on the class only.

    state: bsm, tbbh, dlbm, zzsxdm, slope, zldwdm, zldwmc, cm2 (TBMJ in 0.01 m²), width,
    guest (QSDWDM of another village, or ""). Codes by TD/T 1057-2020 as listed in docs/fields.md.
    """
    code = state["dlbm"].to_numpy(dtype=object).astype(str)
    crop = np.char.startswith(code, "01")
    slope = table("slopes").iloc[np.maximum(state["slope"].to_numpy(), 0)].reset_index(drop=True)
    kcxs = np.where(crop, slope["kcxs"].astype(float), 0.0)
    total = state["cm2"].to_numpy()
    ten = np.round(kcxs * 10_000).astype(np.int64)
    off = (total * ten + 5_000) // 10_000
    names = table("land_names").set_index("dlbm")["dlmc"]
    grade = np.where(crop, slope["gdpdjb"], "")
    state_owned = np.isin(code, _STATE_OWNED)
    owner = np.where(state["guest"] != "", state["guest"], state["zldwdm"])
    county = state["zldwdm"].str[:6] + "0" * 13
    owner = np.where(state_owned, county, owner)
    abroad = pd.Series(owner).str[:12].to_numpy() != state["zldwdm"].str[:12].to_numpy()
    mc = {"LS": "种植粮食作物", "FLS": "种植非粮作物", "LYFL": "粮与非粮轮作", "WG": "未耕种",
          "JKHF": "即可恢复", "GCHF": "工程恢复", "": ""}  # fmt: skip
    built = np.isin(pd.Series(code).str[:2].to_numpy(), _SETTLED)
    town = np.where(np.isin(code, _URBAN_ONLY), "201", "203")
    town = np.where(np.isin(code, ("0602", "0603")), "204", np.where(code == "09", "205", town))
    return pd.DataFrame({
        "BSM": state["bsm"].to_numpy(), "YSDM": "2001010100", "TBYBH": state["tbbh"].to_numpy(),
        "TBBH": state["tbbh"].to_numpy(), "DLBM": code, "DLMC": names.loc[code].to_numpy(),
        "QSXZ": np.where(state_owned, "20", "30"), "QSDWDM": owner,
        "QSDWMC": np.where(state_owned, "国有", state["zldwmc"].astype(str) + "农民集体"),
        "ZLDWDM": state["zldwdm"].to_numpy(), "ZLDWMC": state["zldwmc"].to_numpy(),
        "TBMJ": total / 100, "KCDLBM": np.where(kcxs > 0, "1203", ""), "KCXS": kcxs,
        "KCMJ": off / 100, "TBDLMJ": (total - off) / 100,
        "GDLX": np.where(crop, slope["gdlx"], ""), "GDPDJB": grade,
        "XZDWKD": np.where(np.isin(code, LINEAR), state["width"], 0.0),
        "TBXHDM": "", "TBXHMC": "", "ZZSXDM": state["zzsxdm"].to_numpy(),
        "ZZSXMC": state["zzsxdm"].map(mc).to_numpy(),
        "GDDB": np.where(crop, 9 + slope["gdpdjb"].astype(int), 0).astype(np.int32),
        "FRDBS": np.where(abroad & ~state_owned, "1", "0"),
        "CZCSXM": np.where(built, town, ""),
        "SJNF": np.full(len(state), year, dtype=np.int32),
        "MSSM": "00", "HDMC": "", "BZ": "",
    })  # fmt: skip

"""Which plot a row of a list means: by task number, BSM, plot number or place; never guessed."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from pipeline.explain import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.inspection.ours import Ours

    Objects = NDArray[np.object_]

LEDGER = "台账"
UNKNOWN, AMBIGUOUS, NOWHERE, REJECTED = "unknown", "ambiguous", "nowhere", "rejected"
SLACK_M = 1.0
"""A point so near its plot is in it: surveyors click beside borders."""
NEAR_M = 100.0
_SHOWN = 5
_LOOKED_UP = 200
"""Unknown BSMs for which the nearest is looked up; more than that is another county's list."""
_LIKELY = 200
_COLUMNS = ("plot", "found_in", "by", "trouble", "hint", "maybe")


def locate(rows: pd.DataFrame, ours: Ours) -> pd.DataFrame:
    """Return which plot each readable row means, index as rows.

    plot: BSM, "" where none can be told; found_in: 台账 or the date of the export that has the
    plot; by: how; trouble: unknown, ambiguous, nowhere, rejected or ""; hint: in Chinese, what
    may help; maybe: BSMs it can mean, joined by a bar; off_m: how far the row's coordinates lie
    outside the plot that its BSM names (NaN: not told); hit: BSM of the plot they lie in.
    """
    found = pd.DataFrame("", index=rows.index, columns=list(_COLUMNS))
    hits = _hits(rows, ours)
    tasks = ours.items[ours.items["status"] != ""]
    by_task = rows["task_id"].isin(tasks["task_id"]) & (rows["task_id"] != "")
    plot_of = tasks.set_index("task_id")["bsm"]
    _set(found, by_task, plot=rows["task_id"].map(plot_of), found_in=LEDGER, by="任务编号")
    _by_bsm(rows, found, ours, tasks, hits)
    left = (found["plot"] == "") & (found["trouble"] == "") & (rows["bsm"] == "")
    _by_number(rows[left & (rows["tbbh"] != "")], found, ours)
    left &= (found["plot"] == "") & (found["trouble"] == "")
    _by_place(rows[left & rows["x"].notna()], found, ours, hits)
    lost = (found["plot"] == "") & (found["trouble"] == "")
    hint = "任务编号不在台账中，也没有别的依据"
    _set(found, lost, trouble=UNKNOWN, hint=hint)
    only = hits.drop_duplicates("row", keep=False).set_index("row")["bsm"]
    return found.assign(off_m=_off(rows, found, ours), hit=found.index.to_series().map(only))


def _set(found: pd.DataFrame, where: pd.Series, **values: str | pd.Series) -> None:
    for name, value in values.items():
        found.loc[where, name] = value[where] if isinstance(value, pd.Series) else value


def _by_bsm(
    rows: pd.DataFrame, found: pd.DataFrame, ours: Ours, tasks: gpd.GeoDataFrame, hits: pd.DataFrame
) -> None:
    """Find BSMs in the ledger, the export, other exports (newest first), what was set aside."""
    known = [(LEDGER, tasks["bsm"]), (ours.export.isoformat(), ours.plots["bsm"])]
    known += [(d.isoformat(), f["bsm"]) for d, f in sorted(ours.elsewhere.items(), reverse=True)]
    for when, codes in known:
        here = (found["plot"] == "") & (rows["bsm"] != "") & rows["bsm"].isin(codes)
        _set(found, here, plot=rows["bsm"], found_in=when, by="标识码")
    left = (found["plot"] == "") & (rows["bsm"] != "")
    aside = ours.rejects.groupby("bsm")["reason"].agg("；".join)
    cut = left & rows["bsm"].isin(aside.index)
    for at, bsm in rows.loc[cut, "bsm"].items():
        found.loc[at, ["trouble", "hint"]] = REJECTED, f"该图斑入库时被剔除：{aside[bsm]}"
    lost = rows.loc[left & ~cut, "bsm"]
    likely = _likely(lost[:_LOOKED_UP], ours.plots["bsm"])
    for at, bsm in lost.items():
        hint = "哪一期都没有这个标识码"
        if bsm in likely:
            near = "、".join(nearest(bsm, likely[bsm])) or "无"
            hint += f"；最接近的是 {near}（未必是同一图斑）"
        place = hits.loc[hits["row"] == at, "bsm"].tolist()
        if place:
            hint += f"；坐标落在图斑 {'、'.join(place[:_SHOWN])}"
        found.loc[at, ["trouble", "hint"]] = UNKNOWN, hint


def _likely(asked: pd.Series, known: pd.Series) -> dict[str, pd.Series]:
    """Return for each asked id the known ones that agree with it in most digits, from either end.

    The digits of all ids are laid out once: a look-up per row would read them all again.
    """
    if asked.empty or known.empty:
        return {}
    ids = known.to_numpy(dtype=str)
    width = int(np.strings.str_len(ids).max())
    grids = [
        side(ids, width).astype(f"U{width}").view(np.uint32).reshape(len(ids), width)
        for side in (np.strings.ljust, np.strings.rjust)
    ]
    likely = {}
    for bsm in asked.unique():
        lines = (bsm.ljust(width)[:width], bsm.rjust(width)[-width:])
        codes = [np.array([ord(c) for c in line], dtype=np.uint32) for line in lines]
        agree = sum((grid == code).sum(axis=1) for grid, code in zip(grids, codes, strict=True))
        likely[bsm] = pd.Series(ids[np.argsort(-agree, kind="stable")[:_LIKELY]])
    return likely


def _by_number(rows: pd.DataFrame, found: pd.DataFrame, ours: Ours) -> None:
    """Find plot numbers, which are unique within a village only."""
    plots = pd.DataFrame(ours.plots[["bsm", "tbbh", "zldwdm", "town_code", "village"]]).dropna(
        subset=["tbbh"]
    )
    asked = rows[["tbbh", "zldwdm", "town_code", "village"]].assign(at=rows.index)
    asked["number"], plots["number"] = (f["tbbh"].str.lstrip("0") for f in (asked, plots))
    pairs = asked.merge(plots, on="number", suffixes=("", "_ours"))
    exact = pairs["tbbh"] == pairs["tbbh_ours"]
    pairs = pairs[exact | ~pairs["at"].isin(pairs.loc[exact, "at"])]
    code = pairs["zldwdm"].str[:12]
    fits = (code == "") | (code == pairs["zldwdm_ours"].str[:12])
    fits &= (pairs["town_code"] == "") | (pairs["town_code"] == pairs["town_code_ours"])
    strip = [ours.county.name, *(n for t in ours.county.towns for n in (t.name, *t.aliases))]
    cores = {
        text: _core(text, strip) for text in {*pairs["village"], *pairs["village_ours"].dropna()}
    }
    fits &= pd.Series(
        [
            _same_village(cores[a], cores.get(b, ""))
            for a, b in zip(pairs["village"], pairs["village_ours"], strict=True)
        ],
        index=pairs.index,
        dtype=bool,
    )
    fitting = pairs[fits]
    once = fitting.drop_duplicates("at", keep=False).set_index("at")["bsm"]
    located = found.index.isin(once.index)
    values = {"found_in": ours.export.isoformat(), "by": "图斑编号"}
    _set(found, pd.Series(located, found.index), plot=found.index.to_series().map(once), **values)
    several = fitting[~fitting["at"].isin(once.index)]
    for (at, number), mine in several.groupby(["at", "tbbh"]):
        hint = f"图斑编号 {number} 在几个村重复：{_named(mine, ours)}；请补写村名或标识码"
        found.loc[at, ["trouble", "hint", "maybe"]] = AMBIGUOUS, hint, "|".join(mine["bsm"])
    others = dict(list(pairs[~fits].groupby("at")))
    nowhere = asked[~asked["at"].isin(fitting["at"])]
    for at, number in zip(nowhere["at"], nowhere["tbbh"], strict=True):
        hint = f"本县该期没有图斑编号 {number}"
        if at in others:
            hint = f"图斑编号 {number} 不在清单所写的镇村，别处有：{_named(others[at], ours)}"
        found.loc[at, ["trouble", "hint"]] = UNKNOWN, hint


def _named(plots: pd.DataFrame, ours: Ours) -> str:
    names = [
        f"{bsm}（{ours.town(town) or '镇办未定'} {village}）"
        for bsm, town, village in zip(
            plots["bsm"], plots["town_code_ours"], plots["village_ours"].fillna(""), strict=True
        )
    ]
    return "、".join(names[:_SHOWN]) + (f" 等 {len(names)} 个" if len(names) > _SHOWN else "")


def _core(text: str, strip: Iterable[str]) -> str:
    """Return a village's own name: county and town taken off its front."""
    core = "".join(unicodedata.normalize("NFKC", text).split())
    for name in sorted(strip, key=len, reverse=True):
        if core.startswith(name) and len(core) > len(name) + 1:
            core = core.removeprefix(name)
    return core


def _same_village(theirs: str, ours: str) -> bool:
    """Whether two names can be one village: “新坪” and “新坪村三组” are 新坪村."""
    return not theirs or (bool(ours) and (theirs.startswith(ours) or ours.startswith(theirs)))


def _reach(rows: pd.DataFrame) -> Objects:
    """Return the ground that coordinates can mean, as good as they are written."""
    points = shapely.points(rows["x"], rows["y"])
    spread = rows["spread_m"].to_numpy() * np.sqrt(2)
    return np.asarray(shapely.buffer(points, spread, quad_segs=4), dtype=object)


def _hits(rows: pd.DataFrame, ours: Ours) -> pd.DataFrame:
    """Return the plots that coordinates can lie in: row, bsm."""
    placed = rows[rows["x"].notna()]
    tree = shapely.STRtree(ours.plots.geometry.to_numpy())
    at, plot = tree.query(_reach(placed), predicate="intersects")
    bsm = ours.plots["bsm"].to_numpy(dtype=object)[plot]
    hits = pd.DataFrame({"row": placed.index.to_numpy()[at], "bsm": bsm})
    return hits.sort_values(["row", "bsm"], ignore_index=True)


def _by_place(rows: pd.DataFrame, found: pd.DataFrame, ours: Ours, hits: pd.DataFrame) -> None:
    """Find the one task, else the one plot, that coordinates lie in."""
    tasks = ours.items[ours.items["status"].isin(ours.statuses)]
    at, task = shapely.STRtree(tasks.geometry.to_numpy()).query(_reach(rows), predicate="within")
    inside = pd.DataFrame({"row": rows.index[at], "bsm": tasks["bsm"].to_numpy(dtype=object)[task]})
    once = inside.drop_duplicates().drop_duplicates("row", keep=False).set_index("row")["bsm"]
    own = found.index.to_series()
    _set(found, own.isin(once.index), plot=own.map(once), found_in=LEDGER, by="坐标")
    hits = hits[hits["row"].isin(rows.index) & ~hits["row"].isin(once.index)]
    one = hits.drop_duplicates("row", keep=False).set_index("row")["bsm"]
    when = ours.export.isoformat()
    _set(found, own.isin(one.index), plot=own.map(one), found_in=when, by="坐标")
    for at_row, several in hits[~hits["row"].isin(one.index)].groupby("row")["bsm"]:
        hint = f"坐标落在几个图斑的交界：{'、'.join(several[:_SHOWN])}"
        found.loc[at_row, ["trouble", "hint", "maybe"]] = AMBIGUOUS, hint, "|".join(several)
    lost = rows[~rows.index.isin(once.index) & ~rows.index.isin(hits["row"])]
    tree = shapely.STRtree(ours.plots.geometry.to_numpy())
    for row, x, y in lost[["x", "y"]].itertuples(name=None):
        near = tree.query_nearest(shapely.Point(x, y), max_distance=NEAR_M, return_distance=True)
        hint = "坐标不落在本县任何图斑"
        if len(near[0]):
            bsm = ours.plots["bsm"].iloc[int(near[0][0])]
            hint += f"；最近的是 {bsm}，相距 {near[1][0]:.1f} 米"
        found.loc[row, ["trouble", "hint"]] = NOWHERE, hint


def _off(rows: pd.DataFrame, found: pd.DataFrame, ours: Ours) -> Objects:
    """Return how far coordinates lie outside the plot that a BSM or number names."""
    off = np.full(len(rows), np.nan)
    told = (found["plot"] != "") & (found["by"] != "坐标") & rows["x"].notna()
    at = np.flatnonzero(told.to_numpy())
    ground = shapes_of(found.iloc[at], ours)
    points = shapely.points(rows["x"].to_numpy()[at], rows["y"].to_numpy()[at])
    apart = shapely.distance(points, ground)
    reach = rows["spread_m"].to_numpy()[at] * np.sqrt(2) + SLACK_M
    off[at] = np.where(apart > reach, apart, 0.0)
    return off


def shapes_of(found: pd.DataFrame, ours: Ours) -> Objects:
    """Return the ground of each located row's plot, as of the export that has it."""
    tasks = ours.items[ours.items["status"] != ""]
    sources = {LEDGER: tasks, ours.export.isoformat(): ours.plots} | {
        day.isoformat(): frame for day, frame in ours.elsewhere.items()
    }
    shapes = np.full(len(found), None, dtype=object)
    for when, frame in sources.items():
        here = np.flatnonzero((found["found_in"] == when).to_numpy())
        if len(here):
            once = frame.drop_duplicates("bsm").reset_index(drop=True)
            at = pd.Index(once["bsm"]).get_indexer(found["plot"].iloc[here])
            shapes[here] = np.asarray(once.geometry, dtype=object)[at]
    return shapes

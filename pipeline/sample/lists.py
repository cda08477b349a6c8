"""The county's status lists: monitoring, 自提, relocation, supplements, balance, approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.sample.coverage import union_by
from pipeline.sample.lanes import CRS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OPEN, _CLOSED = "未销号", "已销号"


def plots_of(atoms: gpd.GeoDataFrame, rows: pd.Series) -> gpd.GeoDataFrame:
    """Return the ledger plots behind these atoms: plot, bsm, group, now, lot, town, cm2."""
    part = atoms[rows]
    keys, shapes = union_by(part.geometry.to_numpy(), part["plot"].to_numpy())
    first = part.drop_duplicates("plot").set_index("plot").loc[keys].reset_index()
    area = part.groupby("plot")["cm2"].sum().reindex(keys).to_numpy()
    columns = ["plot", "bsm", "group", "now", "lot", "town", "xzqmc"]
    return gpd.GeoDataFrame(first[columns].assign(cm2=area), geometry=shapes, crs=CRS)


def monitoring(atoms: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return 疑似变化 items: BSM, XZQMC, ZT, SXRQ (several rows where the status changed)."""
    task = plots_of(atoms, atoms["lot"] == "monitoring")
    out = [_opened(task, rng)]
    crop = task[task["now"].str.startswith("01")]
    out.append(_dated(crop.iloc[::2], {"ZT": _CLOSED}, "2023-10-24"))
    out.append(_dated(task.drop(crop.index[::2]).iloc[::3], {"ZT": _CLOSED}, "2023-11-17"))
    still = plots_of(atoms, (atoms["group"] == "retained") & atoms["pbf"] & (atoms["story"] == ""))
    old = still.iloc[:: max(len(still) // 12, 1)]
    out.append(_dated(old, {"ZT": _OPEN}, "2023-04-20"))
    out.append(_dated(old, {"ZT": _CLOSED}, "2023-08-11"))
    other = plots_of(atoms, (atoms["group"] == "outflow_restore") & (atoms["lot"] == ""))
    out.append(_dated(other.iloc[::15], {"ZT": _OPEN}, "2023-07-06"))
    return _sorted(pd.concat(out))


def self_submitted(atoms: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return 核实处置自提: BSM, XZQMC, SHZT, DCZT, GLBH, SXRQ; some moved out after the ledger."""
    task = plots_of(atoms, atoms["lot"] == "self_submitted")
    passed = {"SHZT": "通过", "DCZT": "未调出"}
    out = [_dated(task, passed, "2023-08-25")]
    moved = {"SHZT": "通过", "DCZT": "已调出"}
    out.append(_dated(task.iloc[1::4], moved, "2023-10-20"))
    out.append(_dated(task.iloc[2::5], moved, "2023-11-15"))
    rest = plots_of(
        atoms,
        (atoms["group"] == "pbf_restore_in_place") & ~atoms["story"].eq("half")
        & (atoms["lot"] != "built"),
    )  # fmt: skip
    out.append(_dated(rest.iloc[::14], {"SHZT": "待审", "DCZT": "未调出"}, "2023-09-05"))
    out.append(_dated(rest.iloc[5::17], {"SHZT": "未通过", "DCZT": "未调出"}, "2023-09-12"))
    frame = _sorted(pd.concat(out))
    frame.insert(4, "GLBH", frame["BSM"])
    return frame.drop_duplicates(["BSM", "SXRQ"], keep="last", ignore_index=True)


def relocation(atoms: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return 异地调整补划 polygons: BSM, GLBH, SXRQ, geometry."""
    task = plots_of(atoms, atoms["lot"] == "relocation")
    return gpd.GeoDataFrame(
        {"BSM": task["bsm"], "GLBH": task["bsm"], "SXRQ": "2023-07-18"},
        geometry=task.geometry.to_numpy(), crs=CRS,
    )  # fmt: skip


def moved_out(atoms: gpd.GeoDataFrame, self_list: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the plots that get a supplement, with the day it stands: plots_of + day."""
    task = plots_of(atoms, atoms["lot"] == "relocation")
    # a sixth has its supplement at the ledger date, a third later, the rest none yet
    turn = np.arange(len(task)) % 6
    day = np.array(["2023-09-15", "2023-10-26", "2023-11-22", "", "2023-11-22", ""])[turn]
    task = task.assign(day=day)
    gone = self_list[self_list["DCZT"] == "已调出"].groupby("BSM")["SXRQ"].min()
    own = plots_of(atoms, atoms["lot"] == "self_submitted")
    own = own.assign(day=own["bsm"].map(gone).fillna(""))
    both = pd.concat([task, own], ignore_index=True)
    return both[both["day"] != ""].reset_index(drop=True)


def match_supplements(
    fields: gpd.GeoDataFrame, moved: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair each moved-out plot with the smallest free field that is large enough.

    Returns (rows of `moved`, rows of `fields`); fields of the same town first, then any.
    """
    order = np.argsort(fields["cm2"].to_numpy(), kind="stable")
    size, town = fields["cm2"].to_numpy()[order], fields["town"].to_numpy()[order]
    free = np.ones(len(order), dtype=bool)
    wanted, home = moved["cm2"].to_numpy() * 1.02, moved["town"].to_numpy()
    left, right = [], []
    for row in np.argsort(-wanted, kind="stable"):
        start = int(np.searchsorted(size, wanted[row]))
        fits = free[start:]
        near = fits & (town[start:] == home[row])
        pick = near if near.any() else fits
        if pick.any():
            i = start + int(np.argmax(pick))
            free[i] = False
            left.append(int(row))
            right.append(int(order[i]))
    return np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)


def supplement(fields: gpd.GeoDataFrame, moved: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return 补划 polygons: BSM of the field, GLBH of the moved-out plot, SXRQ, geometry."""
    left, right = match_supplements(fields, moved)
    frame = gpd.GeoDataFrame(
        {
            "BSM": fields["bsm"].to_numpy()[right], "GLBH": moved["bsm"].to_numpy()[left],
            "SXRQ": moved["day"].to_numpy()[left],
        },
        geometry=fields.geometry.to_numpy()[right], crs=CRS,
    )  # fmt: skip
    return frame.sort_values("BSM", ignore_index=True)


def balance(atoms: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the 进出平衡 scheme: BSM, FX (进 / 出), SXRQ, geometry."""
    task = plots_of(atoms, atoms["lot"].isin(["balance_in", "balance_out"]))
    way = np.where(task["lot"] == "balance_in", "进", "出")
    return gpd.GeoDataFrame(
        {"BSM": task["bsm"], "FX": way, "SXRQ": "2023-03-30"},
        geometry=task.geometry.to_numpy(), crs=CRS,
    )  # fmt: skip


def approved(atoms: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the legal-use mask: LY (source), SXRQ, geometry."""
    task = plots_of(atoms, atoms["lot"] == "approved")
    built = task["now"].isin(["0601", "0702"])
    source = np.where(built, "农转用批准", "生态退耕")
    return gpd.GeoDataFrame(
        {"BSM": task["bsm"], "LY": source, "SXRQ": "2023-02-28"},
        geometry=task.geometry.to_numpy(), crs=CRS,
    )  # fmt: skip


def _opened(task: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    day = [f"2023-0{m}-16" for m in rng.integers(5, 9, len(task))]
    return _dated(task, {"ZT": _OPEN}, "").assign(SXRQ=day)


def _dated(task: pd.DataFrame, status: dict[str, str], day: str) -> pd.DataFrame:
    frame = pd.DataFrame({"BSM": task["bsm"], "XZQMC": task["xzqmc"]})
    return frame.assign(**status, SXRQ=day)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["BSM", "SXRQ"], ignore_index=True)

"""The county's status lists: monitoring, 自提, relocation, supplements, balance, approvals."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.sample.course import NEVER, day_text
from pipeline.sample.coverage import union_by
from pipeline.sample.lanes import CRS

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

Listed = TypeVar("Listed", pd.DataFrame, gpd.GeoDataFrame)
_OPEN, _CLOSED = "未销号", "已销号"
_DAYS = ["moved_on", "approved_on", "refused_on"]
_BEFORE, _HORIZON = -15, 200  # supplements stand from before the ledger until long after


def plots_of(atoms: gpd.GeoDataFrame, rows: pd.Series) -> gpd.GeoDataFrame:
    """Return the ledger plots behind these atoms: plot, bsm, group, now, lot, town, cm2, days."""
    part = atoms[rows]
    keys, shapes = union_by(part.geometry.to_numpy(), part["plot"].to_numpy())
    first = part.drop_duplicates("plot").set_index("plot").loc[keys].reset_index()
    area = part.groupby("plot")["cm2"].sum().reindex(keys).to_numpy()
    columns = ["plot", "bsm", "group", "now", "lot", "town", "xzqmc", *_DAYS]
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
    """Return 核实处置自提: BSM, XZQMC, SHZT, DCZT, GLBH, SXRQ; many moved out after the ledger."""
    task = plots_of(atoms, atoms["lot"] == "self_submitted")
    out = [_dated(task, {"SHZT": "通过", "DCZT": "未调出"}, "2023-08-25")]
    out.append(_on(task, {"SHZT": "通过", "DCZT": "已调出"}, "moved_on"))
    out.append(_on(task, {"SHZT": "未通过", "DCZT": "未调出"}, "refused_on"))
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


def moved_out(atoms: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the plots that get a supplement, with the day it stands: plots_of + day (text).

    Of the relocated a sixth has one at the ledger date and a sixth gets none; every ninth 自提 is
    moved out without any.
    """
    task = plots_of(atoms, atoms["group"] == "pbf_relocate")
    turn = np.arange(len(task)) % 6
    early = (turn == 0) & (task["lot"] == "relocation")
    day = task["moved_on"].mask(early, _BEFORE).mask(turn == 5, NEVER)  # noqa: PLR2004 - the last
    own = plots_of(atoms, atoms["lot"] == "self_submitted")
    bare = np.arange(len(own)) % 9 == 4  # noqa: PLR2004 - any residue
    both = pd.concat(
        [task.assign(moved_on=day), own.assign(moved_on=own["moved_on"].mask(bare, NEVER))],
        ignore_index=True,
    )
    both = both[both["moved_on"] <= _HORIZON].reset_index(drop=True)
    return both.assign(day=both["moved_on"].map(day_text))


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
    """Return the legal-use mask: LY (source), SXRQ, geometry; some are found after the ledger."""
    task = plots_of(atoms, (atoms["lot"] == "approved") | (atoms["approved_on"] < NEVER))
    built = task["now"].isin(["0601", "0702"])
    source = np.where(built, "农转用批准", "生态退耕")
    day = task["approved_on"].where(task["approved_on"] < NEVER, 0).map(day_text)
    return gpd.GeoDataFrame(
        {"BSM": task["bsm"], "LY": source,
         "SXRQ": day.where(task["approved_on"] < NEVER, "2023-02-28")},
        geometry=task.geometry.to_numpy(), crs=CRS,
    )  # fmt: skip


def known_by(listed: Listed, newest: date) -> Listed:
    """Return the rows of a list that can be in hand on the day of the newest export."""
    return listed[listed["SXRQ"] <= newest.isoformat()].reset_index(drop=True)


def _opened(task: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    day = [f"2023-0{m}-16" for m in rng.integers(5, 9, len(task))]
    return _dated(task, {"ZT": _OPEN}, "").assign(SXRQ=day)


def _dated(task: pd.DataFrame, status: dict[str, str], day: str) -> pd.DataFrame:
    frame = pd.DataFrame({"BSM": task["bsm"], "XZQMC": task["xzqmc"]})
    return frame.assign(**status, SXRQ=day)


def _on(task: gpd.GeoDataFrame, status: dict[str, str], column: str) -> pd.DataFrame:
    """Return one row per plot that has a day in this column, dated by it."""
    some = task[task[column] < NEVER]
    return _dated(some, status, "").assign(SXRQ=some[column].map(day_text))


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(["BSM", "SXRQ"], ignore_index=True)

"""The campaign's course: on which day what happens to which atom, whatever dates exports have.

Days count from the ledger's date; NEVER where a thing doesn't happen. Every town keeps its own
pace, so that some stay ahead of the plan and some can't meet the deadline.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from pipeline.sample.dates import DEADLINE, LEDGER

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

NEVER = 100_000
RESTORE = ("pbf_restore_in_place", "outflow_restore", "target_restore_in_place", "in_out_balance")
_DONE = np.array([1.05, 0.62, 0.88, 1.20, 0.45, 0.80, 0.55, 0.95, 0.30])
"""Share of its work each town has done by the deadline; the sixth pauses, see _PAUSE."""
_PAUSE = (5, 20, 26)  # town, first day, days without any work (rain)
_RELAPSE_EVERY, _RELAPSE_AFTER, _AGAIN_AFTER = 9, 30, 28
_SPLIT, _MERGED, _REISSUED = 12, 18, 47
_CORRECTED, _APPROVED, _REFUSED = 26, 24, 27
_HALF_DELAY, _HALF_NEVER = 28, 0.3
_REGAINED_AFTER = 45
_SMALL_CM2 = 300_000  # 4.5 亩


def day_text(day: int) -> str:
    """Return the date of a day of the campaign, as lists write it."""
    return (LEDGER + timedelta(days=int(day))).isoformat()


def with_course(atoms: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return the atoms with the day of each event.

    New columns: restored_on, relapsed_on, again_on (cropland again, no longer, again), moved_on
    (自提 moved out; supplement of a relocated plot stands), corrected_on (misjudged: really
    water), approved_on (an approval found afterwards), refused_on (自提 turned down), split_on,
    merged_on, reissued_on (plots redrawn and renumbered without change on the ground).
    """
    turn = rng.random(int(atoms["plot"].max()) + 1)[atoms["plot"]]
    due = _due(turn, atoms["town"].to_numpy())
    group, story = atoms["group"], atoms["story"]
    lone = atoms["plot"].map(atoms["plot"].value_counts()).eq(1)
    corrected = _last(atoms, lone & group.eq("pbf_restore_in_place") & _may(atoms, 0, 2), turn)
    found = _last(atoms, lone & group.eq("target_restore_in_place") & _may(atoms, 1, 2), turn)
    own = group.eq("pbf_self_submitted") & ~atoms["now"].str.startswith("01")
    refused = _last(atoms, lone & own & _may(atoms, 1, 3), turn)
    restored = _restored(atoms, due, turn)
    restored[corrected | found] = NEVER
    relapsed = np.where(_every(atoms, restored), restored + _RELAPSE_AFTER, NEVER)
    again = np.where((relapsed < NEVER) & (turn * 100 % 1 < 0.5), relapsed + _AGAIN_AFTER, NEVER)  # noqa: PLR2004 - half of them
    moved = group.isin(["pbf_self_submitted", "pbf_relocate"]).to_numpy() & ~refused
    return atoms.assign(
        restored_on=restored,
        relapsed_on=relapsed,
        again_on=again,
        moved_on=np.where(moved, due, NEVER),
        corrected_on=np.where(corrected, _CORRECTED, NEVER),
        approved_on=np.where(found, _APPROVED, NEVER),
        refused_on=np.where(refused, _REFUSED, NEVER),
        split_on=np.where(
            story == "half", restored, np.where(story == "split_later_2", _SPLIT, NEVER)
        ),
        merged_on=np.where(story == "merged_later", _MERGED, NEVER),
        reissued_on=np.where((story == "reissued") & (atoms["order"] % 3 == 0), _REISSUED, NEVER),
    )


def with_losses(atoms: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the atoms with lost_on and regained_on: the one or two smallest lone fields of a town.

    Only fields of the target layer that stand in for nothing else (column supplement).
    """
    lone = (
        (atoms["group"] == "retained") & atoms["target"] & ~atoms["pbf"] & (atoms["story"] == "")
        & ~atoms["supplement"]
    )  # fmt: skip
    size = atoms["cm2"].where(lone & atoms["plot"].map(atoms["plot"].value_counts()).eq(1))
    rank = size.groupby(atoms["town"]).rank(method="first")
    town = atoms["town"]
    second = (rank == 2) & (town % 2 == 0) & (size < _SMALL_CM2)  # noqa: PLR2004 - after the first
    lost = np.select([rank == 1, second], [10 + 17 * town % 50, 66 + town], NEVER)
    back = (rank == 1) & (town % 3 == 0)
    return atoms.assign(lost_on=lost, regained_on=np.where(back, lost + _REGAINED_AFTER, NEVER))


def _due(turn: Floats, town: Ints) -> Ints:
    """Return the day on which each plot's turn comes at its town's pace."""
    span = (DEADLINE - LEDGER).days
    day = 1 + np.floor(turn / _DONE[town % len(_DONE)] * span).astype(np.int64)
    number, first, days = _PAUSE
    return np.asarray(np.where((town == number) & (day >= first), day + days, day))


def _restored(atoms: gpd.GeoDataFrame, due: Ints, turn: Floats) -> Ints:
    """Return when each atom is restored: whole plots at once, halves one after the other."""
    story = atoms["story"].to_numpy(dtype=object)
    work = atoms["group"].isin(RESTORE).to_numpy() & (atoms["lot"] != "built").to_numpy()
    halved = atoms["plot"].isin(atoms.loc[atoms["story"] == "half", "plot"]).to_numpy()
    beyond = (atoms["group"] == "beyond").to_numpy()
    follows = beyond & atoms["plot"].isin(atoms.loc[work & ~halved, "plot"]).to_numpy()
    rest = halved & work & (story != "half")
    out = np.where((work & ~halved) | follows | (story == "half"), due, NEVER)
    later = rest & (turn * 10 % 1 >= _HALF_NEVER)
    return np.where(later, due + _HALF_DELAY, out)


def _every(atoms: gpd.GeoDataFrame, restored: Ints) -> Bools:
    """Mark every ninth whole plot of a town in the order of restoring, from the second on."""
    whole = atoms["group"].isin(RESTORE) & (atoms["story"] == "") & (restored < NEVER)
    alone = whole & atoms["plot"].map(atoms["plot"].value_counts()).eq(1)
    order = atoms.assign(day=restored)[alone].groupby("town")["day"].rank(method="first")
    return np.asarray(order.reindex(atoms.index) % _RELAPSE_EVERY == 2)  # noqa: PLR2004 - the second


def _may(atoms: gpd.GeoDataFrame, rest: int, divisor: int) -> pd.Series[bool]:
    """Mark the towns whose number leaves this rest."""
    return atoms["town"] % divisor == rest


def _last(atoms: gpd.GeoDataFrame, rows: pd.Series[bool], turn: Floats) -> Bools:
    """Mark in each town the one of these atoms whose turn comes last."""
    rank = atoms.assign(turn=turn)[rows].groupby("town")["turn"].rank(ascending=False)
    return np.asarray(rank.reindex(atoms.index) == 1)

"""The exports: last year's survey, the ledger date, and what has changed since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from pipeline.sample.land import RESTORABLE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

PREVIOUS, LEDGER, DEADLINE = date(2022, 12, 31), date(2023, 9, 30), date(2023, 12, 20)
LATER = (date(2023, 10, 31), date(2023, 11, 30))
RESTORE = ("pbf_restore_in_place", "outflow_restore", "target_restore_in_place", "in_out_balance")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One export by atom: plot number, BSM serial, DLBM, ZZSXDM."""

    day: date
    plot: Ints
    serial: Ints
    dlbm: NDArray[np.object_]
    zzsxdm: NDArray[np.object_]


def states(atoms: pd.DataFrame, later: tuple[date, ...], rng: np.random.Generator) -> list[State]:
    """Return the states at PREVIOUS, LEDGER and each later export, in order of time.

    atoms: plot, plot_then, now, then, group, story, town, cm2, order (serial of the ledger plot).
    """
    serial = _Serials(atoms)
    out = [_previous(atoms, serial, rng)]
    planting = _planting(atoms, atoms["now"].to_numpy(dtype=object), rng)
    plot = atoms["plot"].to_numpy()
    now = State(day=LEDGER, plot=plot, serial=serial.of(plot), dlbm=atoms["now"].to_numpy(object),
                zzsxdm=planting)  # fmt: skip
    out.append(now)
    turn = rng.random(int(plot.max()) + 1)
    fresh = _fresh_outflow(atoms)
    for n, day in enumerate(later):
        now = _step(atoms, now, n, day, (turn, fresh, planting), serial)
        out.append(now)
    return out


class _Serials:
    """Running BSM serials: ledger plots in map order, later ones behind them."""

    def __init__(self, atoms: pd.DataFrame) -> None:
        first = atoms.drop_duplicates("plot")
        self._of = np.zeros(int(atoms["plot"].max()) + 1, dtype=np.int64)
        self._of[first["plot"]] = first["order"]
        self._next = int(first["order"].max()) + 1

    def of(self, plot: Ints) -> Ints:
        return np.asarray(self._of[plot])

    def fresh(self, key: Ints) -> Ints:
        """Return a new serial for every distinct key."""
        unique, at = np.unique(key, return_inverse=True)
        out = self._next + at.ravel()
        self._next += len(unique)
        return np.asarray(out, dtype=np.int64)


def _previous(atoms: pd.DataFrame, serial: _Serials, rng: np.random.Generator) -> State:
    story = atoms["story"].to_numpy(dtype=object)
    plot = atoms["plot_then"].to_numpy().copy()
    number = serial.of(plot)
    apart = story == "split_then_2"
    number[apart] = serial.fresh(plot[apart])
    plot[apart] = plot[apart] + int(atoms["plot"].max()) + 1
    again = story == "reissued"
    number[again] = serial.fresh(plot[again])
    then = atoms["then"].to_numpy(dtype=object)
    return State(day=PREVIOUS, plot=plot, serial=number, dlbm=then,
                 zzsxdm=_planting(atoms, then, rng))  # fmt: skip


def _planting(
    atoms: pd.DataFrame, dlbm: NDArray[np.object_], rng: np.random.Generator
) -> NDArray[np.object_]:
    """Return ZZSXDM by plot: what is grown on cropland, how the rest can be restored."""
    plot = atoms["plot"].to_numpy()
    top = int(max(plot.max(), atoms["plot_then"].max())) + 1
    grown = rng.choice(
        np.array(["LS", "FLS", "LYFL", "WG"], object), top, p=[0.7, 0.12, 0.14, 0.04]
    )
    works = rng.choice(np.array(["JKHF", "GCHF", ""], object), top, p=[0.45, 0.4, 0.15])
    task = (
        atoms["group"].isin([*RESTORE, "pbf_self_submitted", "pbf_relocate", "beyond"]).to_numpy()
    )
    code = dlbm.astype(str)
    out = np.where(np.char.startswith(code, "01"), grown[plot], "").astype(object)
    host = task & np.isin(code, RESTORABLE)
    out[host] = works[plot][host]
    balance = host & (atoms["group"] == "in_out_balance").to_numpy() & (out == "")
    out[balance] = "GCHF"
    grass = task & (code == "0404")
    out[grass] = "GCHF"
    return out


def _fresh_outflow(atoms: pd.DataFrame) -> NDArray[np.bool_]:
    """Mark the smallest lone field of the target layer in each town: it will be lost."""
    lone = (
        (atoms["group"] == "retained") & atoms["target"] & ~atoms["pbf"] & (atoms["story"] == "")
        & ~atoms["supplement"]
    )  # fmt: skip
    size = atoms["cm2"].where(lone & atoms["plot"].map(atoms["plot"].value_counts()).eq(1))
    return np.asarray(size.groupby(atoms["town"]).rank(method="first") == 1)


def _step(
    atoms: pd.DataFrame, last: State, n: int, day: date,
    draws: tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.object_]], serial: _Serials,
) -> State:  # fmt: skip
    """Return the next state: 14 % restored a month, some by halves, 8 % of them relapsing."""
    turn, fresh, origin = draws
    at, story = turn[atoms["plot"]], atoms["story"].to_numpy(dtype=object)
    group = atoms["group"].isin(RESTORE).to_numpy() & (atoms["lot"] != "built").to_numpy()
    halved = atoms["plot"].isin(atoms.loc[atoms["story"] == "half", "plot"]).to_numpy()
    low = 0.14 * n
    whole = group & ~halved & (at >= low) & (at < low + 0.14)
    beyond = atoms["plot"].isin(atoms.loc[whole, "plot"]).to_numpy() & (atoms["group"] == "beyond")
    part = (story == "half") & (at >= 0.5 * n) & (at < 0.5 * (n + 1))
    rest = halved & group & (story != "half") & (n > 0) & (at < 0.2)  # noqa: PLR2004 - a fifth
    relapsed = group & ~halved & (n > 0) & (at < 0.14 * 0.08 * 1.5)
    lost = fresh & (atoms["order"].to_numpy() % 2 == n % 2) & (n < 2)  # noqa: PLR2004 - two rounds
    dlbm, planting = last.dlbm.copy(), last.zzsxdm.copy()
    gained = whole | part | rest | beyond
    dlbm[gained], planting[gained] = "0103", "LS"
    dlbm[relapsed], planting[relapsed] = atoms["now"].to_numpy(object)[relapsed], origin[relapsed]
    dlbm[lost], planting[lost] = "0307", "JKHF"
    plot, number = last.plot.copy(), last.serial.copy()
    split = part | ((story == "split_later_2") & (n == 0))
    number[split] = serial.fresh(atoms["plot"].to_numpy()[split])
    plot[split] = number[split] + len(atoms) * 10
    if n == 0:
        merged = story == "merged_later"
        first = atoms[merged].groupby("unit")["plot"].transform("first").to_numpy()
        plot[merged], number[merged] = first, serial.of(first)
    again = (story == "reissued") & (atoms["order"].to_numpy() % 3 == 0) & (n == 1)
    number[again] = serial.fresh(plot[again])
    return State(day=day, plot=plot, serial=number, dlbm=dlbm, zzsxdm=planting)

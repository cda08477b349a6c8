"""The exports: last year's survey, the ledger date, and what has changed by each later date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.sample.course import RESTORE
from pipeline.sample.dates import LEDGER, PREVIOUS
from pipeline.sample.land import RESTORABLE

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Texts = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One export by atom: plot number, BSM serial, DLBM, ZZSXDM."""

    day: date
    plot: Ints
    serial: Ints
    dlbm: Texts
    zzsxdm: Texts


def states(atoms: pd.DataFrame, later: tuple[date, ...], rng: np.random.Generator) -> list[State]:
    """Return the states at PREVIOUS, LEDGER and each later export, in order of time.

    atoms: plot, plot_then, now, then, group, story, order (serial of the ledger plot) and the
    days of course.with_course and course.with_losses.
    """
    serial = _Serials(atoms)
    out = [_previous(atoms, serial, rng)]
    planting = _planting(atoms, atoms["now"].to_numpy(dtype=object), rng)
    plot = atoms["plot"].to_numpy()
    now = State(day=LEDGER, plot=plot, serial=serial.of(plot), dlbm=atoms["now"].to_numpy(object),
                zzsxdm=planting)  # fmt: skip
    out.append(now)
    for day in later:
        now = _step(atoms, now, day, planting, serial)
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


def _planting(atoms: pd.DataFrame, dlbm: Texts, rng: np.random.Generator) -> Texts:
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


def _step(atoms: pd.DataFrame, last: State, day: date, planting: Texts, serial: _Serials) -> State:
    """Return the state at a day: the ground by its events, the plots carried on from the last."""
    upto, since = (day - LEDGER).days, (last.day - LEDGER).days

    def past(name: str) -> NDArray[np.bool_]:
        return np.asarray(atoms[f"{name}_on"] <= upto)

    def new(name: str) -> NDArray[np.bool_]:
        return np.asarray((atoms[f"{name}_on"] <= upto) & (atoms[f"{name}_on"] > since))

    grown = past("restored") & (~past("relapsed") | past("again"))
    lost = past("lost") & ~past("regained")
    dlbm, crop = atoms["now"].to_numpy(object).copy(), planting.copy()
    for rows, code, use in (
        (grown, "0103", "LS"),
        (lost, "0307", "JKHF"),
        (past("corrected"), "1106", ""),
    ):
        dlbm[rows], crop[rows] = code, use
    plot, number = last.plot.copy(), last.serial.copy()
    split = new("split")
    number[split] = serial.fresh(atoms["plot"].to_numpy()[split])
    plot[split] = number[split] + len(atoms) * 10
    merged = new("merged")
    first = atoms[merged].groupby("unit")["plot"].transform("first").to_numpy()
    plot[merged], number[merged] = first, serial.of(first)
    again = new("reissued")
    number[again] = serial.fresh(plot[again])
    return State(day=day, plot=plot, serial=number, dlbm=dlbm, zzsxdm=crop)

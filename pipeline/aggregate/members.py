"""Which plots stand behind the measured terms of the indicators, and with what area.

A figure is the sum of its members, so that what is traced is what was counted. Areas in integer
hundredths of a m². Source: docs/decisions/0046-five-indicators.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.aggregate.summary import UNDECIDED
from pipeline.measure import split_base, to_cm2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

COLUMNS = ("measure", "bsm", "piece", "town_code", "cm2")
PIECES = (
    "bsm", "piece", "town_code", "category", "land", "cultivated", "cultivated_prev", "in_pbf",
    "moved_out", "supplement_m2", "balance", "area_m2", "base_m2", "prev_cultivated_m2",
    "to_construction_m2", "illegal_m2",
)  # fmt: skip
PLOTS = ("bsm", "base_m2", "tbdlmj", "kcxs", "tbmj_trusted")
"""What `members` reads of the pieces and of the parcels."""
TBDLMJ_CM2 = 1
"""TBDLMJ may exceed the plot's area by the rounding of one hundredth, no more."""


def members(pieces: pd.DataFrame, parcels: pd.DataFrame) -> pd.DataFrame:
    """Return every piece behind every measured term: COLUMNS, sorted by measure, bsm, piece.

    pieces: classified pieces (PIECES); parcels: the same export (PLOTS). measure:
    tables.indicators.MEASURES; a measure without any piece has no row, and one that can't be taken
    (balance_in where no scheme was delivered) none either. cm2 > 0: net area (TBDLMJ) for what is
    retained, base area for tasks and lists, exact official overlaps for occupation.
    """
    return _members(pieces, parcels).sort_values(["measure", "bsm", "piece"], ignore_index=True)


def sums(pieces: pd.DataFrame, parcels: pd.DataFrame) -> pd.DataFrame:
    """Return `members` summed by measure and town (未定: none): cm2, and plots counted once."""
    behind = _members(pieces, parcels).fillna({"town_code": UNDECIDED})
    groups = behind.groupby(["measure", "town_code"])
    return pd.DataFrame({"cm2": groups["cm2"].sum(), "plots": groups["bsm"].nunique()})


def _members(pieces: pd.DataFrame, parcels: pd.DataFrame) -> pd.DataFrame:
    net, known = net_area(parcels)
    plot = pd.Index(parcels["bsm"]).get_indexer(pd.Index(pieces["bsm"]))
    base = to_cm2(pieces["base_m2"])
    net_of = split_base(net, pieces["base_m2"], plot)
    measured = known[plot]
    worked, land_known = _true(pieces["cultivated"]), pieces["land"].notna().to_numpy()
    inside, out = _true(pieces["in_pbf"]), _true(pieces["moved_out"])
    supplied = to_cm2(pieces["supplement_m2"])
    supplied = np.where(worked & measured, np.minimum(supplied, net_of), supplied)
    blank = ~land_known | (worked & ~measured)
    kept = worked & measured
    listed_in = (pieces["balance"] == "in").fillna(value=False).to_numpy(dtype=bool)
    was = pieces["cultivated_prev"].astype("boolean")
    gained = listed_in & worked & ~was.fillna(value=True).to_numpy(dtype=bool)
    areas = {
        "cropland_net": np.where(kept, net_of, 0),
        "cropland_undecided": np.where(blank, base, 0),
        "pbf_kept": np.where(kept & inside & ~out, net_of, 0),
        "pbf_moved_out": np.where(kept & inside & out, net_of, 0),
        "pbf_supplied": np.where(inside & (out | ~worked), supplied, 0),
        "pbf_undecided": np.where(blank & inside & ~out, base, 0),
        "balance_out": np.where(pieces["category"] == "balance_out", base, 0),
        "balance_in": np.where(gained, base, 0),
        "taken": to_cm2(pieces["to_construction_m2"]),
        "illegal": to_cm2(pieces["illegal_m2"]),
        "taken_undecided": _taken_undecided(pieces, land_known, was),
    }
    rows = [np.flatnonzero(cm2 > 0) for cm2 in areas.values()]
    table = (
        pieces[["bsm", "piece", "town_code"]]
        .iloc[np.concatenate(rows)]
        .assign(
            measure=np.repeat([*areas], [len(own) for own in rows]),
            cm2=np.concatenate([cm2[own] for cm2, own in zip(areas.values(), rows, strict=True)]),
        )
    )
    return pd.DataFrame(table[list(COLUMNS)])


def net_area(parcels: pd.DataFrame) -> tuple[Ints, Bools]:
    """Return the net area of every plot in hundredths of a m², and whether it is known.

    TBDLMJ where TBMJ is trusted and TBDLMJ lies between 0 and it; else base_m2 × (1 − KCXS), KCMJ
    half-up to 0.01 m²; with neither the net area is unknown and stands as the base. Source: 三调
    KCMJ = round(TBMJ·KCXS, 2), TBDLMJ = TBMJ − KCMJ.
    """
    base = to_cm2(parcels["base_m2"])
    stated = parcels["tbdlmj"].to_numpy(dtype=np.float64, na_value=np.nan)
    ratio = parcels["kcxs"].to_numpy(dtype=np.float64, na_value=np.nan)
    sound = (stated > 0) & _true(parcels["tbmj_trusted"])
    stated_cm2 = to_cm2(np.where(sound, stated, 0.0))
    sound &= stated_cm2 <= base + TBDLMJ_CM2
    by_ratio = (ratio >= 0) & (ratio < 1)
    deducted = to_cm2(parcels["base_m2"].to_numpy(np.float64) * np.where(by_ratio, ratio, 0.0))
    net = np.where(sound, np.minimum(stated_cm2, base), base - deducted)
    return net, sound | by_ratio


def _taken_undecided(pieces: pd.DataFrame, land_known: Bools, was: pd.Series) -> Ints:
    """Return the area that may have been cropland turned construction, and can't be told.

    Present class unknown: what was cropland last year, or all where last year is unknown too;
    construction now and last year unknown: all that isn't counted as taken already.
    """
    area, worked = to_cm2(pieces["area_m2"]), to_cm2(pieces["prev_cultivated_m2"])
    unknown_before = was.isna().to_numpy()
    built = (pieces["land"] == "construction").fillna(value=False).to_numpy(dtype=bool)
    now_unknown = np.where(unknown_before, area, worked)
    before_unknown = np.where(
        unknown_before & built, area - to_cm2(pieces["to_construction_m2"]), 0
    )
    return np.where(land_known, before_unknown, now_unknown)


def _true(values: pd.Series) -> Bools:
    return values.astype("boolean").fillna(value=False).to_numpy(dtype=bool)

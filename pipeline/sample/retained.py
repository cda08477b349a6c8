"""Retained cropland: fields that bring 永农, the target layer and the county to their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.sample.book import area_m2, pick
from pipeline.sample.figures import MU_M2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.book import Book
    from pipeline.sample.figures import Scale

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_BUNDLE_M2 = 3500.0


def enter_retained(
    book: Book, scale: Scale, town: int, goals_m2: tuple[float, float],
    slopes: tuple[Floats, Floats], rng: np.random.Generator,
) -> None:  # fmt: skip
    """Fill 永久基本农田 and 耕地保护目标 up to their targets (goals_m2) with cultivated fields."""
    pbf_m2, target_m2 = goals_m2
    net, _ = slopes
    here = pd.concat([p for p in book.parts if p["town"].iloc[0] == town])
    value = area_m2(here) * net[here["slope"]]
    stray = book.add(np.ones(1, np.int64), np.array([820.0]), town=town, group="retained",
                     pbf=True, target=False, now="0103", then="0103", slope=0)  # fmt: skip
    in_pbf = float(value[here["pbf"]].sum() + area_m2(stray).sum())
    goal = pbf_m2 - in_pbf
    inner = enter_fields(book, scale, (town, "retained", True, True), goal, slopes, rng)
    outer_goal = target_m2 - float(value[here["target"]].sum()) - goal
    outer = enter_fields(book, scale, (town, "retained", False, True), outer_goal, slopes, rng)
    _join_zones(inner, outer)
    for part in (inner, outer):
        book.replace(part, with_stories(part, rng))


def enter_fields(
    book: Book, scale: Scale, place: tuple[int, str, bool, bool], net_m2: float,
    slopes: tuple[Floats, Floats], rng: np.random.Generator,
) -> pd.DataFrame:  # fmt: skip
    """Enter cultivated fields with exactly this net area (TBDLMJ)."""
    town, group, pbf, target = place
    net, share = slopes
    if net_m2 <= 0:
        raise GengbaoError(
            Finding("示例县数表", f"镇序号 {town} 的保留耕地为 {net_m2:.0f} ㎡", "核对各镇目标")
        )
    mean = scale.field_mu * MU_M2
    n = max(round(net_m2 * 1.08 / mean), 4)
    each = int(np.clip(round(_BUNDLE_M2 / mean), 1, 6))
    count = np.array([each] * (n // each) + [n % each] * (n % each > 0), dtype=np.int64)
    size = count * np.clip(rng.lognormal(0, 0.5, len(count)), 0.4, 2.2)
    slope = rng.choice(len(net), len(count), p=share)
    size = size * net_m2 / (size * net[slope]).sum()
    part = book.add(count, size, town=town, group=group, pbf=pbf, target=target, now="", then="",
                    slope=0)  # fmt: skip
    part["slope"] = np.repeat(slope, count)
    part["now"] = pick((("0103", 93), ("0102", 5), ("0101", 2)), len(count), rng).repeat(count)
    part["then"] = part["now"]
    return part


def _join_zones(inner: pd.DataFrame, outer: pd.DataFrame) -> None:
    """Make some fields lie half in 永久基本农田, half only in the target layer (in place)."""
    alone = [
        p.loc[p.groupby("bundle")["plot"].transform("size").eq(1), "slope"] for p in (inner, outer)
    ]
    pairs = [
        (a.index[-1], b.index[-1])
        for s in sorted(set(alone[0]) & set(alone[1]))
        for a, b in [tuple(p[p == s] for p in alone)]
    ][:4]
    rows_in, rows_out = (np.array([p[i] for p in pairs], dtype=int) for i in (0, 1))
    for column in ("unit", "plot", "plot_then", "now", "then"):
        outer.loc[rows_out, column] = inner.loc[rows_in, column].to_numpy()
    inner.loc[rows_in, "story"] = outer.loc[rows_out, "story"] = "straddle"


def with_stories(part: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Give some lone fields a past or a future: split, merged, re-digitised, reissued."""
    free = part.index[
        part.groupby("bundle")["plot"].transform("size").eq(1) & part["story"].eq("")
    ].to_numpy()
    each = max(len(free) // 60, 1)
    if len(free) < 9 * each:
        return part
    free = free[: 9 * each].reshape((each, 9))
    extra = []
    for column, story in ((0, "split_then"), (1, "split_later")):
        rows = free[:, column]
        part.loc[rows, "story"] = story
        part.loc[rows, "weight"] = rng.uniform(0.35, 0.65, each)
        second = part.loc[rows].copy()
        second["weight"] = 1 - second["weight"]
        second["story"] = story + "_2"
        extra.append(second)
    for (a, b), story in (((2, 3), "merged_then"), ((4, 5), "merged_later"), ((6, 7), "redrawn")):
        left, right = free[:, a], free[:, b]
        part.loc[left, "story"] = part.loc[right, "story"] = story
        for same in ("unit", "now", "then"):
            part.loc[right, same] = part.loc[left, same].to_numpy()
        if story == "merged_then":
            part.loc[right, "plot_then"] = part.loc[left, "plot_then"].to_numpy()
    strip = part.loc[free[:, 7]].copy()
    part.loc[free[:, 7], "weight"] = 0.985
    strip["weight"] = 0.015
    strip["plot_then"] = part.loc[free[:, 6], "plot_then"].to_numpy()
    strip["story"] = "strip"
    part.loc[free[:, 8], "story"] = "reissued"
    # a bundle is cut in the order of its rows: the strip lies where the other field ends
    return pd.concat([strip, part, *extra], ignore_index=True)

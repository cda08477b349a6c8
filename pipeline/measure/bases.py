"""The area sums are made of: TBMJ or not, shares of pieces, closing on a control area."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.errors import GengbaoError
from pipeline.measure.numbers import own_fault, round_half_up

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pipeline.measure.numbers import Floats, Ints
    from pipeline.model import Thresholds


class Base(NamedTuple):
    """Per plot: the area sums are made of, whether it is TBMJ, and why (Chinese)."""

    base_m2: Floats
    trusted: NDArray[np.bool_]
    reason: NDArray[np.object_]


def base_area(tbmj: ArrayLike, area_m2: ArrayLike, thresholds: Thresholds) -> Base:
    """Choose TBMJ where it agrees with the geometry, else the official area.

    tbmj: m², NaN where missing; area_m2: official area. Agreement: |TBMJ − area_m2| ≤
    max(tbmj_abs_m2, tbmj_rel × area_m2), both in hundredths. The result has two decimals.
    """
    stated = round_half_up(tbmj)
    area = round_half_up(area_m2)
    off = round_half_up(np.abs(stated - area))
    limit = np.maximum(thresholds.tbmj_abs_m2, thresholds.tbmj_rel * area)
    trusted = np.asarray((stated > 0) & (off <= limit))
    reason = np.full(stated.shape, "图斑面积与图形一致，采用图斑面积", dtype=object)
    reason[np.isnan(stated)] = "图斑面积缺失，采用椭球面积"
    reason[stated <= 0] = "图斑面积不大于零，采用椭球面积"
    differs = ~trusted & (stated > 0)
    reason[differs] = [
        f"图斑面积{t:.2f}㎡与椭球面积{a:.2f}㎡相差{d:.2f}㎡，"
        f"超过允许值{x:.2f}㎡{_unit_hint(t, a)}，采用椭球面积"
        for t, a, d, x in zip(
            stated[differs], area[differs], off[differs], limit[differs], strict=True
        )
    ]
    return Base(np.where(trusted, stated, area), trusted, reason)


def split_base(base_cm2: ArrayLike, piece_area: ArrayLike, plot_index: ArrayLike) -> Ints:
    """Share each plot's base among its pieces by area, closing exactly in hundredths.

    base_cm2: int per plot; piece_area: any area per piece; plot_index: row of the piece's plot.
    Each piece is rounded half-up, the plot's largest piece (the first of equals) takes the
    residue; where that would make it negative the others are rounded down instead.
    Raises GengbaoError if a plot with a base has no piece.
    """
    base = np.asarray(base_cm2, dtype=np.int64)
    area = np.asarray(piece_area, dtype=np.float64)
    plot = np.asarray(plot_index, dtype=np.int64)
    order = np.lexsort((-area, plot))
    first = np.r_[True, plot[order][1:] != plot[order][:-1]][: len(order)]
    largest = order[first]
    if base.sum() != base[plot[largest]].sum():
        raise GengbaoError(own_fault("图块面积分摊", "有图斑没有任何图块"))
    total = np.bincount(plot, weights=area, minlength=len(base))
    exact = base[plot] * np.divide(area, total[plot], out=np.zeros_like(area), where=area > 0)
    shares = _closed(round_half_up(exact, 0), base, plot, largest)
    short = (shares < 0) & (base[plot] >= 0)
    if short.any():
        small = np.isin(plot, plot[short])
        shares = np.where(small, _closed(np.floor(exact), base, plot, largest), shares)
    return shares


def adjust(area_cm2: ArrayLike, control_cm2: int) -> Ints:
    """Return the areas closed on the control area (平差), in hundredths of a m².

    diff = control − Σ; f, r = divmod(|diff|, n); by descending area (the first of equals first)
    the first r plots take ±(f+1), the others ±f. Source: 国土调查建库软件的通行做法,
    《汇总规定》控制面积等于图斑面积之和.
    Raises GengbaoError if there is no plot to take the difference or a plot would fall to ≤ 0.
    """
    area = np.asarray(area_cm2, dtype=np.int64)
    difference = int(control_cm2) - int(area.sum())
    if difference == 0:
        return area.copy()
    if len(area) == 0:
        raise GengbaoError(own_fault("面积平差", f"没有图斑可以承担{difference / 100:.2f}㎡"))
    each, rest = divmod(abs(difference), len(area))
    share = np.full(len(area), each, dtype=np.int64)
    share[np.argsort(-area, kind="stable")[:rest]] += 1
    adjusted = area + (share if difference > 0 else -share)
    if (adjusted <= 0).any() and (area > 0).all():
        raise GengbaoError(own_fault("面积平差", f"差值{difference / 100:.2f}㎡使图斑面积不大于零"))
    return np.asarray(adjusted)


def _closed(shares: Floats, base: Ints, plot: Ints, largest: Ints) -> Ints:
    closed = shares.astype(np.int64)
    given = np.zeros(len(base), np.int64)
    np.add.at(given, plot, closed)
    closed[largest] += (base - given)[plot[largest]]
    return closed


def _unit_hint(tbmj: float, area_m2: float) -> str:
    ratio = tbmj / area_m2 if area_m2 else 0.0
    for unit, factor in (("公顷", 1e-4), ("亩", 1.5e-3)):
        if abs(ratio / factor - 1) < 0.05:  # noqa: PLR2004 - small plots lose digits in hectares
            return f"（疑似以{unit}填写）"
    return ""

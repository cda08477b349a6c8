"""The seven task categories and the separate ledgers: their plots' areas and evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.sample.book import bundles, pick
from pipeline.sample.figures import MU_M2, TASKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.book import Book
    from pipeline.sample.figures import Figures

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ZONES = {
    "suspected_change": (True, True),
    "pbf_restore_in_place": (True, True),
    "pbf_self_submitted": (True, True),
    "pbf_relocate": (True, True),
    "outflow_restore": (False, True),
    "target_restore_in_place": (False, True),
    "in_out_balance": (False, False),
}
"""Task category → inside 永久基本农田, inside 耕地保护目标."""
_HOSTS = {  # class now, share
    "suspected_change": (("0103", 6), ("0201", 2), ("0404", 1)),
    "pbf_restore_in_place": (("0201", 5), ("0307", 4), ("0305", 2), ("0404", 2), ("1104", 1),
                             ("1202", 1), ("0702", 1)),
    "pbf_self_submitted": (("0201", 5), ("0307", 5), ("0305", 3), ("0404", 3), ("1104", 1),
                           ("1202", 1), ("0103", 1)),
    "pbf_relocate": (("0301", 4), ("0307", 4), ("0201", 3), ("0702", 2), ("1202", 1)),
    "outflow_restore": (("0201", 5), ("0307", 4), ("0404", 2), ("1202", 2), ("1104", 1)),
    "target_restore_in_place": (("0201", 5), ("0307", 4), ("0305", 3), ("0404", 3), ("1104", 1),
                                ("1202", 1)),
    "in_out_balance": (("0201", 5), ("0307", 4), ("0305", 4), ("0404", 4), ("1104", 1)),
}  # fmt: skip
NATURAL_HOSTS = ("1101", "1106")
_RECENT = 0.4  # share of what is to be restored in 永久基本农田 that was cropland last year
_CUT_SHARE = 0.3  # share of lone plots that will be restored by halves
_WHY_RELOCATED = ("relocation",) * 7 + ("natural",) * 2 + ("approved",)
_HALF_UP_M2 = 0.27
"""Added to every cell (0.0004 亩): a cell of exactly x.5 亩 must not fall below by a rounding."""


def enter_tasks(
    book: Book, figures: Figures, town: int, name: str, rng: np.random.Generator
) -> None:
    """Enter the plots of the seven task categories of a town, to the cell's exact area."""
    cells = figures.cells[figures.cells["town"] == name].set_index("category")
    taken = figures.occupation
    taken = taken[(taken["town"] == name) & (taken["approved"] == "no")]
    for category in TASKS:
        n = int(cells["plots"][category])
        total = float(cells["area_mu"][category]) * MU_M2 + _HALF_UP_M2
        pbf, target = ZONES[category]
        zone = {"pbf_restore_in_place": "pbf", "outflow_restore": "target"}.get(category, "-")
        built = taken[taken["zone"] == zone]["area_mu"].to_numpy() * MU_M2
        base: dict[str, str | bool | int] = {
            "town": town,
            "group": category,
            "pbf": pbf,
            "target": target,
        }
        if built.size:
            book.add(np.ones(built.size, np.int64), built, **base, now="0601", then="0103",
                     lot="built", slope=-1)  # fmt: skip
            n, total = n - built.size, total - float(built.sum())
        if n:
            count, area = bundles(n, total, rng)
            part = book.add(count, area, **base, now="", then="", slope=-1)
            _task_history(part, category, rng)
            book.replace(part, _cut_for_progress(part, category, rng))
    _straddle(book, town, rng)


def _task_history(part: pd.DataFrame, category: str, rng: np.random.Generator) -> None:
    """Set the evidence: class now and last year, and the list a plot stands on (in place)."""
    n = len(part)
    now = pick(_HOSTS[category], n, rng)
    if category in ("suspected_change", "pbf_self_submitted"):
        # only a whole bundle has an exact area, and what is cultivated must add up exactly
        now = now[np.unique(part["bundle"].to_numpy(), return_inverse=True)[1]]
    then = now.copy()
    lot = np.full(n, "", dtype=object)
    if category == "outflow_restore":
        then[:] = "0103"
    elif category == "suspected_change":
        then[:] = "0103"
        lot[:] = "monitoring"
    elif category == "pbf_restore_in_place":
        then[(rng.random(n) < _RECENT) & (now != "0702")] = "0103"
    elif category == "pbf_self_submitted":
        lot[:] = "self_submitted"
    elif category == "in_out_balance":
        lot[:] = "balance_in"
    elif category == "pbf_relocate":
        kind = rng.permutation(np.arange(n) % len(_WHY_RELOCATED))
        lot[:] = np.array(_WHY_RELOCATED, dtype=object)[kind]
        river = lot == "natural"
        now[river] = then[river] = rng.choice(NATURAL_HOSTS, int(river.sum()))
        now[lot == "approved"] = then[lot == "approved"] = "0307"
    part["now"], part["then"], part["lot"] = now, then, lot


def _cut_for_progress(part: pd.DataFrame, category: str, rng: np.random.Generator) -> pd.DataFrame:
    """Give some lone plots a second atom: that half will be restored first."""
    alone = part.groupby("bundle")["plot"].transform("size").eq(1)
    big = alone & (part["bundle_m2"] > 700) & (part["lot"] != "built")  # noqa: PLR2004 - worth it
    if category in ("suspected_change", "pbf_self_submitted", "pbf_relocate"):
        return part
    cut = big & (rng.random(len(part)) < _CUT_SHARE)
    half = rng.uniform(0.35, 0.65, len(part))
    first, second = part[cut].copy(), part[cut].copy()
    first["weight"], second["weight"] = half[cut], 1 - half[cut]
    first["story"] = "half"
    return pd.concat([part[~cut], first, second]).sort_values(["bundle", "plot"], kind="stable")


def _straddle(book: Book, town: int, rng: np.random.Generator) -> None:
    """Let some plots reach over a zone's border: a neighbour of the same plot, outside zones."""
    for category in ("pbf_self_submitted", "target_restore_in_place"):
        part = next(
            (p for p in reversed(book.parts)
             if p["group"].iloc[0] == category and p["town"].iloc[0] == town
             and p["lot"].iloc[0] != "built"), None,
        )  # fmt: skip
        if part is None:
            continue
        lone = part[
            part.groupby("bundle")["plot"].transform("size").eq(1)
            & ~part["now"].str.startswith("01")
        ].head(2)
        if lone.empty:
            continue
        area = rng.uniform(450, 1300, len(lone))
        beyond = book.add(np.ones(len(lone), np.int64), area, town=town, group="beyond",
                          pbf=False, target=False, now="", then="", slope=-1)  # fmt: skip
        beyond["now"] = beyond["then"] = lone["now"].to_numpy()
        for column in ("unit", "plot", "plot_then"):
            beyond[column] = lone[column].to_numpy()


def enter_others(
    book: Book, figures: Figures, town: int, name: str, rng: np.random.Generator
) -> None:
    """Enter what stands in the separate ledgers: occupation, flows, inflow, 待核."""
    rows = figures.occupation[figures.occupation["town"] == name]
    for zone, approved, mu in zip(
        rows["zone"].astype(str), rows["approved"], rows["area_mu"].astype(float), strict=True
    ):
        if zone != "outside" and approved == "no":
            continue
        legal = approved == "yes"
        book.add(np.ones(1, np.int64), np.array([mu * MU_M2]), town=town,
                 group="legal_outflow" if legal else "illegal_occupation", pbf=False,
                 target=zone == "target", now="0702" if town % 2 else "0601", then="0103",
                 lot="approved" if legal else "", slope=-1)  # fmt: skip
    goal = float(figures.target_mu("cropland").iloc[town])
    size = float(np.clip(goal / 10_000, 0.2, 1.0)) * MU_M2
    for group, plots, mu, target, now, then, lot in (
        ("inflow", 3, 4.2, True, "0103", "0307", ""),
        ("inflow", 2, 3.1, False, "0103", "0201", ""),
        ("balance_out", 3, 5.4, False, "0201", "0103", ""),
        ("balance_out", 2, 3.3, False, "0307", "0103", "balance_out"),
        ("legal_outflow", 2, 4.6, True, "0307", "0103", "approved"),
        ("review", 1, 1.3, False, "1206", "0103", ""),
    ):
        if group == "review" and town % 3:
            continue
        area = size * mu * rng.dirichlet(np.full(plots, 20.0))
        book.add(np.ones(plots, np.int64), area, town=town, group=group, pbf=False, target=target,
                 now=now, then=then, lot=lot, slope=-1)  # fmt: skip

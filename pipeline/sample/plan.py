"""What lies where, before it is drawn: parcels with their areas, zones, classes and histories.

An atom is the smallest piece that never changes; atoms of one bundle are cut from one stretch of
a lane, and the bundle's area is exact. A plot is one or more atoms. `group` names the purpose an
atom was planned for; it stays inside this room and is never delivered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.sample.figures import MU_M2, TASKS, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.sample.figures import Figures, Scale

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
_BUNDLE_M2 = 3500.0
_SINGLES = 3
_HALF_UP_M2 = 0.27
"""Added to every cell (0.0004 亩): a cell of exactly x.5 亩 must not fall below by a rounding."""


class Book:
    """Collects atoms bundle by bundle; numbers units, bundles and plots."""

    def __init__(self) -> None:
        """Start an empty book."""
        self.parts: list[pd.DataFrame] = []
        self.units = self.bundles = self.plots = 0

    def add(self, count: Ints, area_m2: Floats, **columns: object) -> pd.DataFrame:
        """Enter bundles of `count` plots with these areas; every bundle is its own unit."""
        n = len(count)
        bundle = np.repeat(np.arange(n), count)
        atoms = pd.DataFrame(
            {
                "unit": self.units + bundle,
                "bundle": self.bundles + bundle,
                "weight": 1.0 / np.repeat(count, count),
                "bundle_m2": np.repeat(area_m2, count),
                "plot": self.plots + np.arange(len(bundle)),
                "story": "",
                "lot": "",
            }
        ).assign(**columns)
        atoms["plot_then"] = atoms["plot"]
        self.units += n
        self.bundles += n
        self.plots += len(bundle)
        self.parts.append(atoms)
        return atoms

    def replace(self, old: pd.DataFrame, new: pd.DataFrame) -> None:
        """Put a changed part in the place of the one that `add` returned."""
        at = next(i for i, part in enumerate(self.parts) if part is old)
        self.parts[at] = new


def plan(figures: Figures, scale: Scale, rng: np.random.Generator) -> pd.DataFrame:
    """Return the atoms of all planned land (not yet rivers, roads, villages, forest).

    Columns: town, unit, bundle, weight (share of the bundle), bundle_m2 (official area), plot,
    plot_then, group, pbf, target, now, then (DLBM), slope (row of the slope table), story, lot.
    Areas of every (town, task category) add up to the published cell exactly. Raises GengbaoError
    if the figures leave no room for retained cropland.
    """
    slopes = table("slopes")
    net = 1 - slopes["kcxs"].astype(float).to_numpy()
    share = slopes["share"].astype(float).to_numpy()
    book = Book()
    for town, name in enumerate(figures.towns["name"]):
        _tasks(book, figures, town, name, rng)
        _others(book, figures, town, name, rng)
    _draw_slopes(book, share, rng)
    target, pbf = (figures.target_mu(k).to_numpy() * MU_M2 for k in ("cropland", "pbf"))
    for town in range(len(target)):
        _retained(book, scale, town, pbf[town], target[town], (net, share), rng)
    done = pd.concat(book.parts, ignore_index=True)
    grown = done["now"].str.startswith("01")
    now_net = float((_area(done) * net[done["slope"]])[grown].sum())
    rest = figures.cropland_now_mu * MU_M2 - now_net
    if rest <= 0:
        raise GengbaoError(
            Finding("示例县数表", f"目标外耕地为 {rest / MU_M2:.2f} 亩", "核对目标与毛缺口")
        )
    for town, goal in enumerate(rest * target / target.sum()):
        part = _fields(book, scale, (town, "outside", False, False), goal, (net, share), rng)
        book.replace(part, _retained_stories(part, rng))
    return pd.concat(book.parts, ignore_index=True)


def _area(atoms: pd.DataFrame) -> pd.Series[float]:
    return atoms["weight"] * atoms["bundle_m2"]


def _bundles(n: int, total_m2: float, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Group n plots so that a bundle fills a stretch of a lane; areas add up to the total."""
    mean = total_m2 / n
    group = int(np.clip(round(_BUNDLE_M2 / mean), 1, 6))
    single = min(_SINGLES, n) if mean > 450 else 0  # noqa: PLR2004 - too small to stand alone
    rest = n - single
    count = np.array([1] * single + [group] * (rest // group) + [rest % group] * (rest % group > 0))
    weight = count * np.clip(rng.lognormal(0, 0.35, len(count)), 0.6, 1.8)
    weight[:single] *= 1.25
    return count.astype(np.int64), np.asarray(total_m2 * weight / weight.sum())


def _pick(
    options: tuple[tuple[str, int], ...], n: int, rng: np.random.Generator
) -> NDArray[np.str_]:
    share = np.array([w for _, w in options], float)
    return rng.choice(np.array([c for c, _ in options]), n, p=share / share.sum())


def _tasks(book: Book, figures: Figures, town: int, name: str, rng: np.random.Generator) -> None:
    cells = figures.cells[figures.cells["town"] == name].set_index("category")
    taken = figures.occupation
    taken = taken[(taken["town"] == name) & (taken["approved"] == "no")]
    for category in TASKS:
        n = int(cells.loc[category, "plots"])
        total = float(cells.loc[category, "area_mu"]) * MU_M2 + _HALF_UP_M2
        pbf, target = ZONES[category]
        zone = {"pbf_restore_in_place": "pbf", "outflow_restore": "target"}.get(category, "-")
        built = taken[taken["zone"] == zone]["area_mu"].to_numpy() * MU_M2
        base = {"town": town, "group": category, "pbf": pbf, "target": target}
        if built.size:
            book.add(np.ones(built.size, np.int64), built, **base, now="0601", then="0103",
                     lot="built", slope=-1)  # fmt: skip
            n, total = n - built.size, total - float(built.sum())
        if n:
            count, area = _bundles(n, total, rng)
            part = book.add(count, area, **base, now="", then="", slope=-1)
            _task_history(part, category, rng)
            book.replace(part, _cut_for_progress(part, category, rng))
    _straddle(book, town, rng)


def _task_history(part: pd.DataFrame, category: str, rng: np.random.Generator) -> None:
    """Set the evidence: class now and last year, and the list a plot stands on (in place)."""
    n = len(part)
    now = _pick(_HOSTS[category], n, rng)
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
        then[(rng.random(n) < 0.4) & (now != "0702")] = "0103"
    elif category == "pbf_self_submitted":
        lot[:] = "self_submitted"
    elif category == "in_out_balance":
        lot[:] = "balance_in"
    elif category == "pbf_relocate":
        kind = rng.permutation(np.arange(n) % 10)
        lot[:] = np.where(kind < 7, "relocation", np.where(kind < 9, "natural", "approved"))
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
    cut = big & (rng.random(len(part)) < 0.3)
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


def _others(book: Book, figures: Figures, town: int, name: str, rng: np.random.Generator) -> None:
    """Enter what stands in the separate ledgers: occupation, flows, inflow, 待核."""
    rows = figures.occupation[figures.occupation["town"] == name]
    for row in rows.itertuples():
        if row.zone != "outside" and row.approved == "no":
            continue
        legal = row.approved == "yes"
        book.add(np.ones(1, np.int64), np.array([row.area_mu * MU_M2]), town=town,
                 group="legal_outflow" if legal else "illegal_occupation", pbf=False,
                 target=row.zone == "target", now="0702" if town % 2 else "0601", then="0103",
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


def _draw_slopes(book: Book, share: Floats, rng: np.random.Generator) -> None:
    """Give each bundle one slope class, plots that reach over a border the same one."""
    for part in book.parts:
        unit, at = np.unique(part["unit"].to_numpy(), return_inverse=True)
        part["slope"] = rng.choice(len(share), len(unit), p=share)[at]


def _retained(
    book: Book, scale: Scale, town: int, pbf_m2: float, target_m2: float,
    slopes: tuple[Floats, Floats], rng: np.random.Generator,
) -> None:  # fmt: skip
    """Fill 永久基本农田 and 耕地保护目标 up to their targets with cultivated fields."""
    net, _ = slopes
    here = pd.concat([p for p in book.parts if p["town"].iloc[0] == town])
    value = _area(here) * net[here["slope"]]
    stray = book.add(np.ones(1, np.int64), np.array([820.0]), town=town, group="retained",
                     pbf=True, target=False, now="0103", then="0103", slope=0)  # fmt: skip
    in_pbf = float(value[here["pbf"]].sum() + _area(stray).sum())
    goal = pbf_m2 - in_pbf
    inner = _fields(book, scale, (town, "retained", True, True), goal, slopes, rng)
    outer_goal = target_m2 - float(value[here["target"]].sum()) - goal
    outer = _fields(book, scale, (town, "retained", False, True), outer_goal, slopes, rng)
    _join_zones(inner, outer)
    for part in (inner, outer):
        book.replace(part, _retained_stories(part, rng))


def _fields(
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
    n = max(int(round(net_m2 * 1.08 / mean)), 4)
    each = int(np.clip(round(_BUNDLE_M2 / mean), 1, 6))
    count = np.array([each] * (n // each) + [n % each] * (n % each > 0), dtype=np.int64)
    size = count * np.clip(rng.lognormal(0, 0.5, len(count)), 0.4, 2.2)
    slope = rng.choice(len(net), len(count), p=share)
    size = size * net_m2 / (size * net[slope]).sum()
    part = book.add(count, size, town=town, group=group, pbf=pbf, target=target, now="", then="",
                    slope=0)  # fmt: skip
    part["slope"] = np.repeat(slope, count)
    part["now"] = _pick((("0103", 93), ("0102", 5), ("0101", 2)), len(count), rng).repeat(count)
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


def _retained_stories(part: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Give some lone fields a past or a future: split, merged, re-digitised, reissued."""
    free = part.index[
        part.groupby("bundle")["plot"].transform("size").eq(1) & part["story"].eq("")
    ].to_numpy()
    each = max(len(free) // 60, 1)
    if len(free) < 9 * each:
        return part
    free = free[: 9 * each].reshape(each, 9)
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
    extra.append(strip)
    return pd.concat([part, *extra], ignore_index=True)

"""Gathers, piece by piece, the columns of docs/architecture.md that rules may ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import overlay
from pipeline.errors import Finding, InputError
from pipeline.evidence import land as ground
from pipeline.evidence.lists import (
    CONFLICT_FLAG,
    MISSING_FLAG,
    Joined,
    Status,
    holds,
    is_partial,
    join,
    status,
    texts,
)
from pipeline.evidence.supplements import MADE_GOOD

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.fields import Field
    from pipeline.model import County, Thresholds

    Bools = NDArray[np.bool_]

MONITORING = {"未销号": "open", "已销号": "closed"}
SELF_SUBMITTED = {"通过": "approved", "待审": "pending", "未通过": "rejected"}
MOVED_OUT = {"已调出": "yes", "未调出": "no"}
BALANCE = {"进": "in", "出": "out"}
_TASK = "task_"

_FROM_PLOT = (
    F.DLBM, F.DLMC, F.ZZSXDM, F.TBBH, F.ZLDWDM, F.TOWN_CODE, F.TOWN, F.VILLAGE, F.FLAGS,
)  # fmt: skip
COLUMNS = (
    "bsm", "piece", "in_pbf", "in_target", "dlbm", "dlmc", "zzsxdm", "tbbh", "zldwdm", "town_code",
    "town", "village", "land", "dlbm_known", "town_known", "cultivated", "natural_host",
    "recoverable", "dlbm_prev", "cultivated_prev", "prev_source", "prev_share",
    "prev_cultivated_m2", "to_construction_m2", "approved_m2", "illegal_m2", "approved",
    "approved_source", "monitoring", "self_submitted", "moved_out", "relocation", "supplement",
    "supplement_m2", "balance", "scheme_known", "delivered", "pbf_outside_target_m2", "flags",
    "planar_m2", "area_m2", "base_m2", "geometry",
)  # fmt: skip
PLOTS = tuple(field.name for field in (F.BSM, F.AREA_M2, F.BASE_M2, *_FROM_PLOT, F.GEOMETRY))
"""What `gather_part` reads of the plots."""
PREVIOUS = (F.BSM.name, F.DLBM.name, F.GEOMETRY.name)
"""What it reads of last year's."""


def gather_part(
    parcels: gpd.GeoDataFrame,
    *,
    zones: Mapping[str, gpd.GeoDataFrame],
    previous: gpd.GeoDataFrame | None,
    county: County,
    export: date,
    codes: pd.DataFrame,
) -> gpd.GeoDataFrame:
    """Cut plots and gather what is known of each piece on the export's date.

    parcels: fields.PARCELS, all or some; zones: role → frame (pbf and target at least), a role not
    delivered is absent; previous: last year's parcels (None: unknown); codes: tables.land_codes().
    All in the county's working CRS. Returns COLUMNS but for the supplements', which reach across
    the county (`make_good`), sorted by bsm, piece; areas in m² with two decimals, shares 0 to 1;
    three-valued columns are pandas "boolean" or text with missing values. Beyond
    docs/architecture.md: illegal_m2 (cropland last year ∩ construction now − approved), delivered
    (categories of task layers that hold, "|" joined), pbf_outside_target_m2.
    Everything here is the plot's own: some plots, with the rows of zones and previous whose boxes
    meet theirs and the list rows of their BSM, have what they have among all plots. Besides: the
    rows of one list item are among the zones together or not at all.
    Raises InputError if 永农 or the target layer is absent, GengbaoError on invalid geometry.
    """
    _require(zones)
    limits = county.thresholds
    pieces = overlay.cut(parcels, zones["pbf"], zones["target"], limits)
    pieces = _with_plots(pieces, parcels)
    lands = ground.land_table(codes)
    pieces = pieces.join(ground.present(pieces[F.DLBM.name], pieces[F.ZZSXDM.name], lands))
    lists = {
        role: join(pieces, frame, export)
        for role, frame in zones.items()
        if role not in {"pbf", "target", "towns", "supplement"}
    }
    flags = {"SLIVER_MERGED": pieces["merged_parts"].to_numpy() > 0}
    pieces = _flow(
        pieces, ground.last_year(pieces, parcels, previous, lands, limits.mask_share), lists, lands
    )
    flags["PREV_BY_OVERLAP"] = pieces["prev_source"].eq("overlap").to_numpy()
    pieces, listed_flags = _listed(pieces, lists, limits)
    flags |= listed_flags
    pieces = pieces.assign(
        scheme_known="balance" in zones,
        town_known=pieces[F.TOWN_CODE.name].notna(),
        flags=_joined_flags(pieces[F.FLAGS.name], flags),
    )
    return pieces[[name for name in COLUMNS if name not in MADE_GOOD]]


def _require(zones: Mapping[str, gpd.GeoDataFrame]) -> None:
    labels = {"pbf": "永久基本农田", "target": "耕地保护目标"}
    advice = "在 county.toml 的 [layers] 中写明该图层，并把文件放到县文件夹的 reference/"
    absent = [
        Finding(f"[layers] {role}", f"没有{label}图层，无法划分图块", advice)
        for role, label in labels.items()
        if role not in zones
    ]
    if absent:
        raise InputError(absent)


def _with_plots(pieces: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    names = [field.name for field in _FROM_PLOT]
    plots = pd.DataFrame(parcels.set_index(F.BSM.name)[names])
    return pieces.join(plots, on=F.BSM.name)


def _flow(
    pieces: gpd.GeoDataFrame,
    before: ground.LastYear,
    lists: Mapping[str, Joined],
    lands: pd.DataFrame,
) -> gpd.GeoDataFrame:
    """Add last year's class and the exact areas that came from cropland."""
    dlbm = pd.Series(before.dlbm, index=pieces.index, dtype=object)
    approved = _ground(lists.get("approved"), len(pieces))
    worked = ground.ground_area(before.cropland, pieces)
    built = pieces["land"].eq(ground.CONSTRUCTION).to_numpy()
    taken = before.cropland.copy()
    taken[~built] = shapely.Polygon()
    return pieces.assign(
        dlbm_prev=dlbm,
        cultivated_prev=ground.cultivated(dlbm, lands),
        prev_source=before.source,
        prev_share=np.round(before.share, 6),
        prev_cultivated_m2=worked,
        to_construction_m2=np.where(built, worked, 0.0),
        approved_m2=ground.ground_area(approved, pieces),
        illegal_m2=ground.ground_area(overlay.difference(taken, approved), pieces),
    )


def _listed(
    pieces: gpd.GeoDataFrame, lists: Mapping[str, Joined], limits: Thresholds
) -> tuple[gpd.GeoDataFrame, dict[str, Bools]]:
    """Add what the lists say, and the flags that come of it."""
    least, count = limits.mask_share, len(pieces)

    def said(role: str, field: Field, words: Mapping[str, str], wins: str | None = None) -> Status:
        if role in lists:
            return status(lists[role], field, words, least=least, wins=wins)
        no = np.zeros(count, dtype=bool)
        return Status(np.full(count, "none", dtype=object), no, no, no)

    shares = {role: joined.share() for role, joined in lists.items()}
    held = {role: holds(share, least) for role, share in shares.items()}
    no = np.zeros(count, dtype=bool)
    monitoring = said("monitoring", F.ZT, MONITORING, "open")
    submitted = said("self_submitted", F.SHZT, SELF_SUBMITTED)
    moved = said("self_submitted", F.DCZT, MOVED_OUT)
    balance = said("balance", F.FX, BALANCE)
    judged = (monitoring, submitted, balance)
    masks = [share for role, share in shares.items() if not role.startswith(_TASK)]
    partial = [is_partial(share) for share in masks] + [one.partial for one in judged]
    flags = {
        "MASK_PARTIAL": np.logical_or.reduce([no, *partial]),
        MISSING_FLAG: np.logical_or.reduce([one.missing for one in judged]),
        CONFLICT_FLAG: np.logical_or.reduce([one.conflict for one in (*judged, moved)]),
    }
    approved = held.get("approved", no)
    source = texts(lists["approved"], F.LY, count) if "approved" in lists else None
    added = pieces.assign(
        approved=approved,
        approved_source=pd.Series(source, index=pieces.index, dtype=object),
        monitoring=monitoring.word,
        self_submitted=submitted.word,
        moved_out=moved.word == "yes",
        relocation=held.get("relocation", no),
        balance=balance.word,
        delivered=_delivered(held, pieces.index),
    )
    return added, flags


def _delivered(held: Mapping[str, Bools], index: pd.Index) -> pd.Series:
    """Return the categories of the delivered task layers that hold, sorted, "|" joined."""
    said = pd.Series("", index=index, dtype=object)
    for role in sorted(role for role in held if role.startswith(_TASK)):
        said = said.where(~held[role], said + "|" + role.removeprefix(_TASK))
    return said.str.removeprefix("|").replace("", None)


def _ground(joined: Joined | None, count: int) -> NDArray[np.object_]:
    if joined is None:
        return np.full(count, shapely.Polygon(), dtype=object)
    return overlay.merged(joined.pairs, count)


def _joined_flags(carried: pd.Series, flags: Mapping[str, Bools]) -> pd.Series:
    """Return the flags carried from the plot with the new ones, sorted, "|" joined, or missing."""
    said = carried.astype(object).where(carried.notna(), "")
    touched = np.logical_or.reduce(list(flags.values()))
    for name, holds_for in flags.items():
        said = said.where(~holds_for, said + "|" + name)
    sort = {text: "|".join(sorted(set(filter(None, text.split("|"))))) for text in said.unique()}
    joined = said.map(sort)
    return joined.where(touched | (joined != ""), None)

"""Two layers of plots → what became of every plot, and where every hundredth of a m² went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.compare.attributes import differing
from pipeline.compare.flows import Descent, codes, flows, whole
from pipeline.compare.forms import CHANGE
from pipeline.compare.ground import Same, Shared, Side, of_smaller, same_ground, shared_ground
from pipeline.errors import Finding, InputError

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.compare.ground import Bools, Ints

LINK_SHARE = 0.1
"""Ground shared from a tenth of the smaller plot on is descent; less is a shifted border."""
_LINK_PART = round(1 / LINK_SHARE)

RELATIONS = {
    "same": "未变",
    "recoded": "属性变更",
    "reshaped": "界线变更",
    "renumbered": "换号",
    "split": "分割",
    "merged": "合并",
    "many": "重新划分",
    "new": "新增",
    "gone": "灭失",
}
SAME_GROUND = ("same", "recoded", "renumbered")
MIRROR = {"split": "merged", "merged": "split", "new": "gone", "gone": "new"}
"""What a relation is called when the layers change places; the others keep their name."""

_POLYGONS = (3, 6)


@dataclass(frozen=True, slots=True)
class Match:
    """What `match` returns: links and flows, see there."""

    links: pd.DataFrame
    flows: gpd.GeoDataFrame


def lineage(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, *, crs: Any) -> pd.DataFrame:  # noqa: ANN401 - whatever pyproj takes
    """Return the links between the plots of two exports; see `match`."""
    return match(old, new, crs=crs).links


def match(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, *, crs: Any) -> Match:  # noqa: ANN401 - whatever pyproj takes
    """Match the plots of two exports by BSM and geometry.

    old, new: parcels frames in `crs` (at least bsm, area_m2, base_m2, geometry), rows in any order.

    links: lineage_id (1, 2, …), old_bsm, new_bsm (missing: new, gone), relation, label (Chinese),
    overlap_m2 (official area of the shared ground), shift_m (largest shift of an outline that
    counts as the same, else missing); sorted by lineage_id, old_bsm, new_bsm. Plots on the same
    ground are linked with each other alone; the others from LINK_SHARE of the smaller. Plots
    connected by links are one lineage, with one relation:

    same, recoded, renumbered: same outline (ROUNDED_M); recoded: another attribute (COMPARED);
    renumbered: another BSM, whatever the attributes; reshaped: one to one, another outline,
    whatever BSM and attributes; split, merged, many: 1 → n, n → 1, n → m; new, gone: no link.

    flows: old_bsm, new_bsm, overlap_m2, old_cm2, new_cm2, flow_cm2, linked, geometry; one row per
    pair that shares ground, linked or not, then rows without new_bsm (ground gone) and without
    old_bsm (new ground). Σ old_cm2 of an old plot = its base_m2, Σ new_cm2 of a new plot = its
    base_m2, in hundredths. flow_cm2 is the smaller of the two: what passed over; the rest is
    revision of the base (平差, TBMJ). geometry: the ground.

    Raises InputError (CRS, missing or repeated BSM, missing geometry; all at once), GengbaoError
    for invalid geometry among changed plots.
    """
    _require_comparable(old, new, crs)
    before, after = (frame.sort_values(F.BSM.name, ignore_index=True) for frame in (old, new))
    sides = _side(before), _side(after)
    same = same_ground(*sides)
    open_old, open_new = _open(same.old, len(before)), _open(same.new, len(after))
    shared = shared_ground(
        Side(sides[0].bsm[open_old], sides[0].shape[open_old]),
        Side(sides[1].bsm[open_new], sides[1].shape[open_new]),
        crs,
    )
    shared = shared._replace(old=open_old[shared.old], new=open_new[shared.new])
    linked = _linked(before, after, shared)
    descent = Descent(shared, linked)
    links = _links(before, after, same, descent)
    return Match(links, flows(before, after, same, descent))


def _require_comparable(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, crs: Any) -> None:  # noqa: ANN401 - whatever pyproj takes
    wanted = CRS.from_user_input(crs)
    findings = []
    for where, frame in (("前期成果", old), ("后期成果", new)):
        if frame.crs is None or CRS.from_user_input(frame.crs) != wanted:
            name = "没有坐标系" if frame.crs is None else f"坐标系是 {frame.crs.name}"
            advice = f"两期成果都按 {wanted.name} 入库后再比较"
            findings.append(Finding(where, name, advice))
        bsm = frame[F.BSM.name]
        if bsm.isna().any():
            rows = "、".join(str(r + 1) for r in np.flatnonzero(bsm.isna())[:5])
            findings.append(
                Finding(f"{where}第 {rows} 行", "标识码（BSM）为空", "补上标识码，或剔除该图斑")
            )
        findings += [
            Finding(f"{where}图斑 {code}", f"标识码重复 {count} 次", "改正重复的标识码，一斑一码")
            for code, count in bsm[bsm.duplicated(keep=False)].value_counts().sort_index().items()
        ]
        shapeless = ~np.isin(shapely.get_type_id(frame.geometry.to_numpy()), _POLYGONS)
        findings += [
            Finding(f"{where}图斑 {code}", "没有面图形", "补上图形，或剔除该图斑")
            for code in bsm[shapeless]
        ]
    if findings:
        raise InputError(findings)


def _side(frame: gpd.GeoDataFrame) -> Side:
    bsm = frame[F.BSM.name].to_numpy(dtype=object)
    return Side(bsm, np.asarray(frame.geometry.to_numpy(), dtype=object))


def _open(rows: Ints, count: int) -> Ints:
    return np.setdiff1d(np.arange(count, dtype=np.int64), rows)


def _linked(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, shared: Shared) -> Bools:
    area_old, area_new = (f[F.AREA_M2.name].to_numpy() for f in (old, new))
    return of_smaller(shared.area_m2, area_old[shared.old], area_new[shared.new], _LINK_PART)


def _links(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, same: Same, descent: Descent
) -> pd.DataFrame:
    shared, linked = descent.shared, descent.linked
    left = np.concatenate((same.old, shared.old[linked]))
    right = np.concatenate((same.new, shared.new[linked]))
    overlap = np.concatenate((whole(old, new, same), shared.area_m2[linked]))
    shift = np.concatenate((same.shift_m, np.full(int(linked.sum()), np.nan)))
    alone_old, alone_new = _open(left, len(old)), _open(right, len(new))
    none = [np.full(len(alone), -1, dtype=np.int64) for alone in (alone_old, alone_new)]
    left, right = (
        np.concatenate((left, alone_old, none[1])),
        np.concatenate((right, none[0], alone_new)),
    )
    alone = len(alone_old) + len(alone_new)
    group = _components(left, right, len(old), len(new))
    relation = _relations(left, right, group)
    relation[: len(same.old)] = _same_relations(old, new, same)
    frame = pd.DataFrame(
        {
            "lineage_id": group + 1,
            "old_bsm": codes(old, left),
            "new_bsm": codes(new, right),
            "relation": relation,
            "label": pd.Series(relation, dtype=object).map(RELATIONS),
            "overlap_m2": np.concatenate((overlap, np.zeros(alone))),
            "shift_m": np.concatenate((shift, np.full(alone, np.nan))),
        }
    )
    return frame.iloc[np.lexsort((right, left, group))].reset_index(drop=True)


def _components(left: Ints, right: Ints, count_old: int, count_new: int) -> Ints:
    """Return the number of each link's lineage, 0.., in the order of its first plot.

    Labels run along links and jump to the label of their label until nothing changes.
    """
    label = np.arange(count_old + count_new, dtype=np.int64)
    both = (left >= 0) & (right >= 0)
    a, b = left[both], right[both] + count_old
    while True:
        least = np.minimum(label[a], label[b])
        following = label.copy()
        for node in (a, b, label[a], label[b]):
            np.minimum.at(following, node, least)
        following = following[following]
        if (following == label).all():
            break
        label = following
    node = np.where(left >= 0, left, right + count_old)
    return np.unique(label[node], return_inverse=True)[1].astype(np.int64)


def _relations(left: Ints, right: Ints, group: Ints) -> NDArray[np.object_]:
    """Return the relation of each link by how many plots its lineage has on either side."""
    sides = pd.DataFrame({"group": group, "old": left, "new": right}).replace(-1, np.nan)
    count = sides.groupby("group")[["old", "new"]].nunique().to_numpy()[group]
    n_old, n_new = count[:, 0], count[:, 1]
    cases = [n_new == 0, n_old == 0, (n_old == 1) & (n_new == 1), n_old == 1, n_new == 1]
    names = ["gone", "new", "reshaped", "split", "merged"]
    return np.select(cases, names, "many").astype(object)


def _same_relations(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, same: Same
) -> NDArray[np.object_]:
    cells = differing(old, new, same.old, same.new)
    changed = np.zeros(len(same.old), dtype=bool)
    changed[cells.loc[cells["kind"] == CHANGE, "pair"].to_numpy(dtype=np.int64)] = True
    other = codes(old, same.old) != codes(new, same.new)
    return np.select([other, changed], ["renumbered", "recoded"], "same").astype(object)

"""补划: whether what was moved out of 永农 is made good elsewhere, and by how much.

A supplement plot names the moved-out plot (GLBH = its BSM). It counts where it lies outside 永农
and by as much of it as is cultivated in this export; a bad one doesn't count, it doesn't block.
Source: design.md §1, "Readings settled".
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import measure, overlay
from pipeline.evidence.lists import Joined, column, holds, join, latest, matches, outlined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

PBF_MOST_M2, PBF_MOST_SHARE = 10.0, 0.01


MADE_GOOD = ("supplement", "supplement_m2")
SUPPLEMENTED = (
    F.BSM.name, "in_pbf", "cultivated", F.AREA_M2.name, F.BASE_M2.name, F.GEOMETRY.name,
)  # fmt: skip
"""What `make_good` reads of the pieces."""
MOVED = ("relocation", "self_submitted")
"""The lists of what is moved out."""


class Reach(NamedTuple):
    """Which pieces the lists of this room may mean or look at: of these BSMs, near these boxes."""

    bsm: frozenset[str]
    boxes: Floats


def make_good(
    pieces: gpd.GeoDataFrame, zones: Mapping[str, gpd.GeoDataFrame], *, export: date, least: float
) -> dict[str, NDArray[np.generic]]:
    """Judge the supplements of every piece by what was known on the export's date.

    pieces: SUPPLEMENTED, those in `reach` at least (no other has a supplement); zones: role →
    frame: supplement (polygon or BSM, GLBH), the lists of what is moved out, pbf. Returns the
    columns supplement (whether it stands) and supplement_m2 (the area credited, at most the
    piece's own). Areas are bases: overlap × base_m2/area_m2 of the plot that
    lies there. A supplement plot named for several moved-out plots is shared among them by their
    area, never counted twice.
    """
    moved = [join(pieces, zones[role], export) for role in MOVED if role in zones]
    keys = _keys(pieces, moved, least)
    base = pieces[F.BASE_M2.name].to_numpy(np.float64)
    keys = keys[pieces["in_pbf"].to_numpy()[keys["piece"]]]
    need = keys.assign(m2=base[keys["piece"]]).groupby("key")["m2"].sum()
    listed = zones.get("supplement")
    offered = pd.Series(dtype=np.float64) if listed is None else _offered(
        pieces, latest(listed, export), zones["pbf"], need
    )  # fmt: skip
    got = measure.round_half_up(keys["key"].map(offered).fillna(0.0).to_numpy(np.float64))
    asked = measure.round_half_up(keys["key"].map(need).to_numpy(np.float64))
    stands = np.zeros(len(pieces), dtype=bool)
    stands[keys["piece"].to_numpy()[(got >= asked) & (asked > 0)]] = True
    credit = base[keys["piece"]] * np.minimum(got / np.maximum(asked, 0.01), 1.0)
    credited = np.zeros(len(pieces))
    np.maximum.at(credited, keys["piece"].to_numpy(), measure.round_half_up(credit))
    return dict(zip(MADE_GOOD, (stands, credited), strict=True))


def reach(zones: Mapping[str, gpd.GeoDataFrame], named: gpd.GeoDataFrame | None = None) -> Reach:
    """Return which pieces `make_good` must know: those that are named, and near what is.

    named: the pieces (geometry) of the BSMs that a first call gave, whose own ground is looked at.
    """
    lists = [zones[role] for role in (*MOVED, "supplement") if role in zones]
    grounds = [frame.geometry for frame in (*lists, *([] if named is None else [named]))]
    bounds = [shapely.bounds(ground.to_numpy()) for ground in grounds]
    boxes = np.concatenate(bounds) if bounds else np.zeros((0, 4))
    names = [column(frame, F.BSM) for frame in lists]
    if "supplement" in zones:
        names.append(column(zones["supplement"], F.GLBH))
    bsm = (name.dropna() for name in names)
    return Reach(frozenset(chain.from_iterable(bsm)), boxes[np.isfinite(boxes).all(axis=1)])


def _keys(pieces: gpd.GeoDataFrame, moved: Sequence[Joined], least: float) -> pd.DataFrame:
    """Return (piece, key): every name under which a supplement may mean the piece."""
    bsm = pieces[F.BSM.name].to_numpy(object)
    found = [pd.DataFrame({"piece": np.arange(len(pieces)), "key": bsm})]
    for joined in moved:
        pairs = joined.pairs
        share = np.asarray(shapely.area(pairs.shape)) / joined.piece_m2[pairs.left]
        hold = holds(share, least)
        rows = joined.rows.iloc[pairs.right[hold]]
        delivered = joined.shaped[pairs.right[hold]] & ~outlined(rows)
        own = column(rows, F.BSM).mask(delivered, None)
        found.extend(
            pd.DataFrame({"piece": pairs.left[hold], "key": names.to_numpy(object)})
            for names in (own, column(rows, F.GLBH))
        )
    return pd.concat(found, ignore_index=True).dropna().drop_duplicates(ignore_index=True)


def _offered(
    pieces: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, pbf: gpd.GeoDataFrame, need: pd.Series
) -> pd.Series:
    """Return the counted area offered under each key."""
    plots = _supplement_plots(pieces, rows)
    if plots.empty:
        return pd.Series(dtype=np.float64)
    shapes = plots.geometry.to_numpy()
    area = measure.official_area(shapes, pieces.crs)
    inside = overlay.covered_area(shapes, pbf.geometry.to_numpy(), pieces.crs)
    outside = (inside < PBF_MOST_M2) & (inside < PBF_MOST_SHARE * area)
    plots = plots.assign(m2=np.where(outside, _cultivated_m2(shapes, pieces), 0.0))
    links = plots[["item", "m2"]].merge(
        rows[["item", F.GLBH.name]].dropna().drop_duplicates(), on="item"
    )
    weight = links[F.GLBH.name].map(need).fillna(0.0)
    total = weight.groupby(links["item"]).transform("sum")
    links = links.assign(m2=links["m2"] * (weight / total.where(total > 0, 1.0)))
    return links.groupby(F.GLBH.name)["m2"].sum()


def _supplement_plots(pieces: gpd.GeoDataFrame, rows: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one polygon per supplement item: its own, or this export's plot of its BSM."""
    items = rows.drop_duplicates("item")
    shaped = items.geometry.notna().to_numpy()
    plain = items[~shaped]
    row, piece = matches(column(plain, F.BSM), pieces[F.BSM.name])
    slot, outline = overlay.union_by(pieces.geometry.to_numpy()[piece], row)
    item = np.concatenate((items["item"].to_numpy()[shaped], plain["item"].to_numpy()[slot]))
    shape = np.concatenate((items.geometry.to_numpy()[shaped], outline))
    return gpd.GeoDataFrame({"item": item}, geometry=shape, crs=pieces.crs)


def _cultivated_m2(shapes: NDArray[np.object_], pieces: gpd.GeoDataFrame) -> Floats:
    worked = pieces[pieces["cultivated"].fillna(value=False).to_numpy(bool)]
    pairs = overlay.intersections(overlay.checked(shapes, "补划图层"), worked.geometry.to_numpy())
    area = measure.official_area(pairs.shape, pieces.crs)
    own = worked[F.AREA_M2.name].to_numpy(np.float64)[pairs.right]
    base = worked[F.BASE_M2.name].to_numpy(np.float64)[pairs.right]
    scaled = area * np.divide(base, own, out=np.ones_like(own), where=own > 0)
    total: Floats = np.bincount(pairs.left, weights=scaled, minlength=len(shapes)).astype(
        np.float64
    )
    return total

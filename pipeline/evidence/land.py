"""What the land is and was: this export's class, last year's, and the exact flow between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import measure, overlay
from pipeline.evidence.lists import holds, matches

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Shapes = NDArray[np.object_]

CROPLAND, OTHER_AGRI, CONSTRUCTION = "cropland", "other_agri", "construction"
RECOVERABLE = ("JKHF", "GCHF")
_MUTUAL = 0.5


class LastYear(NamedTuple):
    """Per piece: class, where it comes from, the share it rests on, the cropland it shares."""

    dlbm: NDArray[np.object_]
    source: NDArray[np.object_]
    share: Floats
    cropland: Shapes


def land_table(codes: pd.DataFrame) -> pd.DataFrame:
    """Return name, land, natural_host by code; wetland classes are other agricultural land.

    codes: tables.land_codes().
    """
    table = codes.set_index("code") if "code" in codes.columns else codes
    land = table["group"].mask(table["wetland"].astype(bool), OTHER_AGRI)
    return pd.DataFrame({"land": land, "natural_host": table["natural_host"].astype(bool)})


def present(dlbm: pd.Series, zzsxdm: pd.Series, lands: pd.DataFrame) -> pd.DataFrame:
    """Return land, dlbm_known, cultivated, natural_host, recoverable for each row."""
    land = dlbm.map(lands["land"])
    return pd.DataFrame(
        {
            "land": land,
            "dlbm_known": land.notna(),
            "cultivated": _three_valued(land),
            "natural_host": dlbm.map(lands["natural_host"]).eq(other=True),
            "recoverable": zzsxdm.isin(RECOVERABLE),
        },
        index=dlbm.index,
    )


def last_year(
    pieces: gpd.GeoDataFrame,
    parcels: gpd.GeoDataFrame,
    previous: gpd.GeoDataFrame | None,
    lands: pd.DataFrame,
    least: float,
) -> LastYear:
    """Return each piece's class of last year.

    pieces: of parcels, by bsm; previous: last year's parcels.
    From the plot of the same BSM where the two plots overlap each other by at least half and the
    piece itself rests on it; else the class that covers most of the piece, from `least` on; a code
    not in the list covers as unknown. previous None: unknown everywhere.
    """
    count = len(pieces)
    if previous is None or len(previous) == 0:
        nothing = np.full(count, None, dtype=object)
        blank = np.full(count, shapely.Polygon(), dtype=object)
        return LastYear(nothing, np.full(count, "unknown", object), np.zeros(count), blank)
    grounds = pieces.geometry.to_numpy()
    pairs = _shared(pieces, parcels, overlay.checked(previous.geometry, "上年图斑"))
    code = previous[F.DLBM.name].where(previous[F.DLBM.name].isin(lands.index), None)
    table = pd.DataFrame(
        {
            "piece": pairs.left,
            "prev": pairs.right,
            "m2": shapely.area(pairs.shape),
            "share": shapely.area(pairs.shape) / shapely.area(grounds)[pairs.left],
            "dlbm": code.to_numpy(object)[pairs.right],
        }
    )
    dlbm, source, share = _by_overlap(table, count, least)
    same = _same_plot(table, pieces, previous, least)
    row = same["piece"].to_numpy(np.int64)
    dlbm[row], share[row] = same["dlbm"].to_numpy(object), same["share"].to_numpy(np.float64)
    source[row] = np.where(same["dlbm"].notna(), "bsm", "unknown")
    cropland = table["dlbm"].map(lands["land"]).eq(CROPLAND).to_numpy()
    worked = overlay.merged(pairs.only(cropland), count)
    return LastYear(dlbm, source, np.minimum(share, 1.0), worked)


def cultivated(dlbm: pd.Series, lands: pd.DataFrame) -> pd.Series:
    """Return whether a class is cropland; missing where the class is."""
    return _three_valued(dlbm.map(lands["land"]))


def ground_area(shape: Shapes, pieces: gpd.GeoDataFrame) -> Floats:
    """Return the official area of ground within each piece, at most the piece's own."""
    area = np.zeros(len(pieces))
    some = np.flatnonzero(~shapely.is_empty(shape))
    area[some] = measure.official_area(shape[some], pieces.crs)
    return np.asarray(np.minimum(area, pieces[F.AREA_M2.name].to_numpy(np.float64)))


def _three_valued(land: pd.Series) -> pd.Series:
    return land.eq(CROPLAND).astype("boolean").mask(land.isna(), pd.NA)


def _shared(pieces: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame, before: Shapes) -> overlay.Pairs:
    """Return the ground pieces share with last year's plots.

    All pieces of a plot whose outline hasn't changed by a bit lie on its twin: nothing to overlay.
    """
    twin_of = overlay.twins(parcels.geometry.to_numpy(), before)
    plot = pd.Index(parcels[F.BSM.name]).get_indexer(pd.Index(pieces[F.BSM.name]))
    on_twin = twin_of[plot] >= 0
    still, changed = np.flatnonzero(on_twin), np.flatnonzero(~on_twin)
    grounds = pieces.geometry.to_numpy()
    pairs = overlay.intersections(grounds[changed], before, settle=True)
    return overlay.Pairs(
        np.concatenate((still, changed[pairs.left])),
        np.concatenate((twin_of[plot[still]], pairs.right)),
        np.concatenate((grounds[still], pairs.shape)),
        np.concatenate((np.ones(len(still), dtype=bool), pairs.whole)),
    )


def _by_overlap(
    table: pd.DataFrame, count: int, least: float
) -> tuple[NDArray[np.object_], NDArray[np.object_], Floats]:
    """Return the class that covers most of each piece: summed over plots, the lower code first."""
    shares = table.groupby(["piece", "dlbm"])["share"].sum().reset_index()
    shares = shares.sort_values(["piece", "share", "dlbm"], ascending=[True, False, True])
    best = shares.drop_duplicates("piece")
    best = best[holds(best["share"].to_numpy(np.float64), least)]
    dlbm = np.full(count, None, dtype=object)
    source = np.full(count, "unknown", dtype=object)
    share = np.zeros(count)
    row = best["piece"].to_numpy(np.int64)
    dlbm[row], source[row] = best["dlbm"].to_numpy(object), "overlap"
    share[row] = best["share"].to_numpy(np.float64)
    return dlbm, source, share


def _same_plot(
    table: pd.DataFrame, pieces: gpd.GeoDataFrame, previous: gpd.GeoDataFrame, least: float
) -> pd.DataFrame:
    """Return the pairs whose plots have one BSM and one place, and whose piece rests on it."""
    own, prev = matches(pieces[F.BSM.name], previous[F.BSM.name])
    same = table.merge(pd.DataFrame({"piece": own, "prev": prev}), on=["piece", "prev"])
    bsm = pieces[F.BSM.name].to_numpy()[same["piece"]]
    shared = same.groupby(bsm)["m2"].transform("sum").to_numpy(np.float64)
    plot_m2 = pieces.geometry.area.groupby(pieces[F.BSM.name].to_numpy()).sum()
    prev_m2 = shapely.area(previous.geometry.to_numpy())[same["prev"]]
    mutual = holds(shared / plot_m2.loc[bsm].to_numpy(np.float64), _MUTUAL)
    mutual &= holds(shared / prev_m2, _MUTUAL)
    return same[mutual & holds(same["share"].to_numpy(np.float64), least)]

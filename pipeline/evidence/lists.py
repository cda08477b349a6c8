"""Lists and masks: which rows count on a date, which pieces they hold for, what they say.

A row with a polygon is joined by overlap and its BSM is ignored; a row without one is joined by
BSM. Source: design.md §1, "Readings settled".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import overlay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from pipeline.fields import Field

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

OUTLINE = "outline_by_bsm"
"""Marks a row whose polygon was found by its BSM (follow_lists), not delivered with it."""

PARTIAL_FROM, PARTIAL_TO = 0.05, 0.95
_EXACT = 1e-9  # a share that is one half on paper is one half here
_UNJOINED_ROLES = ("towns", "pbf", "target")
_ALWAYS = np.iinfo(np.int64).min  # an empty date: before any day
_MISSING, _CONFLICT = "?missing", "?conflict"
MISSING_FLAG, CONFLICT_FLAG = "STATUS_MISSING", "STATUS_CONFLICT"


class Joined(NamedTuple):
    """A list's rows that count on the date, and the ground each piece shares with each row.

    piece_m2: planar area of every piece; shaped: whether a row is joined by its polygon.
    """

    rows: pd.DataFrame
    pairs: overlay.Pairs
    piece_m2: Floats
    shaped: Bools

    def share(self, rows: Bools | None = None) -> Floats:
        """Return the planar share of each piece that the chosen rows (default: all) cover."""
        pairs = self.pairs if rows is None else self.pairs.only(rows[self.pairs.right])
        shapes = overlay.merged(pairs, len(self.piece_m2))
        return np.minimum(np.asarray(shapely.area(shapes)) / self.piece_m2, 1.0)


class Status(NamedTuple):
    """What a list says of each piece: its word, "none", or None with a flag; and the shares."""

    word: NDArray[np.object_]
    missing: Bools
    conflict: Bools
    partial: Bools


def join(pieces: gpd.GeoDataFrame, listed: gpd.GeoDataFrame, export: date) -> Joined:
    """Join a list to the pieces, by what was known on the export's date.

    pieces: bsm, geometry; listed: a role's frame. Of several rows of one item (the same polygon,
    or the same BSM without one) those of the latest SXRQ ≤ export count; an empty SXRQ is older
    than any date. Rows with neither polygon nor BSM are left out: list_problems names them.
    """
    rows = latest(listed, export)
    by_polygon = rows.geometry.notna().to_numpy()
    shaped = np.flatnonzero(by_polygon)
    shapes = overlay.checked(rows.geometry.to_numpy()[shaped], "清单图层")
    grounds = pieces.geometry.to_numpy()
    by_place = overlay.intersections(grounds, shapes)
    by_place = by_place._replace(right=shaped[by_place.right])
    plain = np.flatnonzero(~by_polygon)
    piece, row = matches(pieces[F.BSM.name], column(rows, F.BSM).iloc[plain])
    by_name = overlay.Pairs(piece, plain[row], grounds[piece], np.ones(len(piece), dtype=bool))
    pairs = overlay.Pairs(
        np.concatenate((by_place.left, by_name.left)),
        np.concatenate((by_place.right, by_name.right)),
        np.concatenate((by_place.shape, by_name.shape)),
        np.concatenate((by_place.whole, by_name.whole)),
    )
    return Joined(pd.DataFrame(rows), pairs, np.asarray(shapely.area(grounds)), by_polygon)


def latest(listed: gpd.GeoDataFrame, export: date) -> gpd.GeoDataFrame:
    """Return the rows known on the date, the latest of each item, numbered by item."""
    dates = pd.to_datetime(column(listed, F.SXRQ)).to_numpy("datetime64[D]")
    since = np.where(np.isnat(dates), _ALWAYS, dates.astype(np.int64))
    places = shapely.to_wkb(shapely.normalize(listed.geometry.to_numpy()), hex=True)
    keys = np.where(listed.geometry.isna(), column(listed, F.BSM).to_numpy(object), places)
    table = pd.DataFrame({"since": since, "item": keys})
    table = table[
        (table["since"] <= np.datetime64(export, "D").astype(np.int64)) & table["item"].notna()
    ]
    newest = table.groupby("item")["since"].transform("max")
    table = table[table["since"] == newest]
    rows = listed.iloc[table.index.to_numpy()].reset_index(drop=True)
    return rows.assign(item=pd.factorize(table["item"].to_numpy())[0])


def holds(share: Floats, least: float) -> Bools:
    """Return whether shares reach the limit, floating point aside."""
    return share >= least - _EXACT


def is_partial(share: Floats) -> Bools:
    """Return whether a mask covers a piece only in part (5 to 95 %)."""
    return (share >= PARTIAL_FROM - _EXACT) & (share <= PARTIAL_TO + _EXACT)


def status(
    joined: Joined,
    field: Field,
    words: Mapping[str, str],
    *,
    least: float,
    wins: str | None = None,
) -> Status:
    """Say for each piece what the list's status field says.

    words: delivered value → our word; least: share from which an item holds; wins: the word that
    decides as soon as one item says it. An empty or unknown value, or different values of one item
    on one date, leave the piece's word missing, as do items that contradict each other.
    """
    said = _said(joined.rows, field, words)
    names = [*dict.fromkeys(words.values()), _MISSING, _CONFLICT]
    shares = {name: joined.share(said == name) for name in names}
    held = {name: holds(shares[name], least) for name in names}
    listed = holds(joined.share(), least)
    known = np.column_stack([held[name] for name in names[:-2]])
    single = known.sum(axis=1) == 1
    first = np.array(names[:-2], dtype=object)[known.argmax(axis=1)]
    missing, conflict = held[_MISSING], held[_CONFLICT]
    conflict = conflict | (listed & ~missing & ~single)
    word = np.where(listed, np.where(single, first, None), "none")
    word[missing | conflict] = None
    if wins is not None:
        # several items hold together only: one of them that says it is enough
        together = listed & ~known.any(axis=1) & ~missing & (shares[wins] >= PARTIAL_FROM)
        won = held[wins] | together
        word[won] = wins
        missing, conflict = missing & ~won, conflict & ~won
    partial = np.logical_or.reduce([is_partial(share) for share in shares.values()])
    return Status(word, missing, conflict & ~missing, partial)


def texts(joined: Joined, field: Field, count: int) -> NDArray[np.object_]:
    """Return per piece the values of the rows that hold ground in it, sorted, joined by "|"."""
    values = column(joined.rows, field).iloc[joined.pairs.right].to_numpy()
    share = shapely.area(joined.pairs.shape) / joined.piece_m2[joined.pairs.left]
    said = pd.DataFrame({"piece": joined.pairs.left, "value": values})
    said = said[np.asarray(share >= PARTIAL_FROM) & said["value"].notna().to_numpy()]
    said = said.drop_duplicates().sort_values(["piece", "value"])
    result = np.full(count, None, dtype=object)
    joint = said.groupby("piece")["value"].agg("|".join)
    result[joint.index.to_numpy(np.int64)] = joint.to_numpy()
    return result


def matches(left: pd.Series, right: pd.Series) -> tuple[Ints, Ints]:
    """Return the row numbers of equal, not missing values in both, by left, then right."""
    a = pd.DataFrame({"key": left.to_numpy(object), "left": np.arange(len(left))})
    b = pd.DataFrame({"key": right.to_numpy(object), "right": np.arange(len(right))})
    both = a.dropna().merge(b.dropna(), on="key").sort_values(["left", "right"])
    return both["left"].to_numpy(np.int64), both["right"].to_numpy(np.int64)


def column(frame: pd.DataFrame, field: Field) -> pd.Series:
    """Return a column of a delivered list, all missing where the list has none."""
    if field.name in frame.columns:
        return frame[field.name]
    return pd.Series(None, index=frame.index, dtype=object)


def outlined(rows: pd.DataFrame) -> Bools:
    """Return which rows have a polygon that follow_lists found, not one delivered with them."""
    if OUTLINE not in rows.columns:
        return np.zeros(len(rows), dtype=bool)
    return rows[OUTLINE].to_numpy(bool)


def follow_lists(
    zones: Mapping[str, gpd.GeoDataFrame], plots: gpd.GeoDataFrame
) -> dict[str, gpd.GeoDataFrame]:
    """Give BSM lists the outlines of the plots they name, so that they follow a reissued id.

    plots: an earlier export (bsm, geometry), as a rule the one that opened the ledger. A row whose
    BSM isn't among them is left to be joined by BSM. Layers with polygons pass unchanged.
    """
    outlines = plots.set_index(F.BSM.name).geometry
    return {
        role: frame if role in _UNJOINED_ROLES else _outlined(frame, outlines)
        for role, frame in zones.items()
    }


def named(listed: gpd.GeoDataFrame) -> set[str]:
    """Return the BSMs of a list's rows without polygon."""
    return set(column(listed, F.BSM)[listed.geometry.isna()].dropna())


def concerning(listed: gpd.GeoDataFrame, bsm: pd.Series, near: Bools) -> gpd.GeoDataFrame:
    """Return the rows of a list that may be joined to plots of these BSMs.

    near: which of its rows have a polygon that comes near them.
    """
    plain = listed.geometry.isna().to_numpy() & _among(column(listed, F.BSM), bsm)
    return listed[near | plain].reset_index(drop=True)


def list_problems(
    zones: Mapping[str, gpd.GeoDataFrame], known_bsm: Sequence[str] | pd.Series
) -> pd.DataFrame:
    """Return findings on lists that no join reports: rows for problems.csv (see architecture.md).

    known_bsm: BSMs of this export, last year's and the ledger's. Rules: LIST_UNMATCHED (a BSM that
    no plot has, or a row with neither polygon nor BSM), LIST_BSM_IGNORED (once per layer).
    """
    found = [_list_problems(role, zones[role], known_bsm) for role in sorted(zones)]
    columns = ["source_file", "source_row", "bsm", "rule", "severity", "field", "found", "advice"]
    frames = [frame for frame in found if len(frame)]
    problems = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)
    return problems[columns].assign(x=np.nan, y=np.nan)


def _list_problems(
    role: str, listed: gpd.GeoDataFrame, known_bsm: Sequence[str] | pd.Series
) -> pd.DataFrame:
    rows = pd.DataFrame(listed.drop(columns=listed.geometry.name)).reset_index(drop=True)
    rows["bsm"] = column(rows, F.BSM)
    shaped = listed.geometry.notna().to_numpy()
    if role in _UNJOINED_ROLES:
        return rows.iloc[:0]
    lost = rows[~shaped & ~_among(rows["bsm"], pd.Series(known_bsm, dtype="str"))]
    unmatched = lost.assign(
        rule="LIST_UNMATCHED", severity="警告", field=F.BSM.national,
        found=f"清单 {role} 的这一行既无图形，标识码也不在任何一期图斑中，不起作用",
        advice="核对标识码是否被改写或写错；换号的图斑请填写原标识码或提供图形",
    )  # fmt: skip
    named = rows[shaped & rows["bsm"].notna().to_numpy()].head(1)
    ignored = named.assign(
        rule="LIST_BSM_IGNORED", severity="警告", field=F.BSM.national, bsm=None,
        found=f"图层 {role} 带图形，按空间叠加认定，其标识码列不参与匹配",
        advice="如应按标识码认定，请改为不带图形的清单",
    )  # fmt: skip
    return pd.concat([frame for frame in (unmatched, ignored) if len(frame)] or [rows.iloc[:0]])


def _among(few: pd.Series, many: pd.Series) -> Bools:
    """Return which of a few texts are among many: a county's ids take seconds to be listed."""
    met = many[many.isin(few.dropna().unique())]
    return few.isin(met.unique()).to_numpy()


def _said(rows: pd.DataFrame, field: Field, words: Mapping[str, str]) -> NDArray[np.object_]:
    """Return what each row's item says: a word, missing, or conflict."""
    word = column(rows, field).map(dict(words)).astype(object)
    word = word.where(word.notna(), _MISSING)
    groups = word.groupby(rows["item"].to_numpy())
    differs = (groups.transform("nunique") > 1).to_numpy()
    unknown = (word == _MISSING).groupby(rows["item"].to_numpy()).transform("any").to_numpy()
    said = word.to_numpy(object).copy()
    said[differs] = _CONFLICT
    said[unknown] = _MISSING
    return said


def _outlined(listed: gpd.GeoDataFrame, outlines: gpd.GeoSeries) -> gpd.GeoDataFrame:
    shapes = np.array(listed.geometry, dtype=object)
    bsm = column(listed, F.BSM)
    found = np.flatnonzero(listed.geometry.isna().to_numpy() & bsm.isin(outlines.index).to_numpy())
    shapes[found] = np.asarray(outlines.loc[bsm.iloc[found]], dtype=object)
    by_bsm = np.zeros(len(listed), dtype=bool)
    by_bsm[found] = True
    geometry = gpd.GeoSeries(shapes, index=listed.index, crs=outlines.crs)
    return listed.set_geometry(geometry).assign(**{OUTLINE: by_bsm})

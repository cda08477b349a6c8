"""Every check run over its subject: one table of findings, each with its place and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.quality.around import only
from pipeline.quality.checks import discover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipeline.quality.check import Check, Hits
    from pipeline.quality.subject import Subject

    Shapes = NDArray[np.object_]
    Ints = NDArray[np.int64]

FILE, ROW, BSM = (f.name for f in (F.SOURCE_FILE, F.SOURCE_ROW, F.BSM))
COLUMNS = (
    FILE, ROW, BSM, "other_bsm", "rule", "severity", "field", "found", "size", "unit", "town_code",
    "town", "x", "y", "located", "advice",
)  # fmt: skip
"""Of problems.csv, in this order; `known` (reason of an acknowledgement) follows."""
HERE, IN_TOWN, IN_FILE, NOWHERE = "本处", "镇内", "文件范围内", ""
TEXT = (FILE, BSM, "other_bsm", "rule", "severity", "field", "found", "unit", "advice")
SHAPE_FIELD = F.GEOMETRY.label


class Found(NamedTuple):
    """What one check found: its findings, in the subject's plane."""

    check: Check
    rows: gpd.GeoDataFrame


def run(subject: Subject) -> Iterator[Found]:
    """Yield what each check for the subject's role found, one after the other.

    An empty layer has nothing to check. Findings: COLUMNS without town, x, y and located, which
    `settled` adds; `row` and geometry: the place itself; for findings about a shape the plot, for
    others a point in it.
    """
    for check in discover():
        if subject.role in check.roles and len(subject):
            yield Found(check, _frame(subject, check, check.find(subject)))


def _frame(subject: Subject, check: Check, hits: Hits) -> gpd.GeoDataFrame:
    rows = np.asarray(hits.rows, dtype=np.int64)
    plots = subject.table[[FILE, ROW, BSM]].reindex(rows).reset_index(drop=True)
    named = [hits.field] * len(rows) if isinstance(hits.field, str) else list(hits.field)
    columns: dict[str, Any] = {
        FILE: plots[FILE].where(rows >= 0, pd.Series(hits.file or None, dtype="str")),
        "other_bsm": _others(subject, hits),
        "rule": check.code, "severity": check.level, "field": named,
        "found": list(hits.found), "advice": check.advice, "unit": check.unit,
        "size": np.nan if hits.size is None else np.asarray(hits.size), "row": rows,
    }  # fmt: skip
    frame = plots.assign(**columns)
    return gpd.GeoDataFrame(_typed(frame), geometry=_places(subject, hits), crs=subject.crs)


def _others(subject: Subject, hits: Hits) -> NDArray[np.object_]:
    if len(hits.other_bsm):
        return np.array(hits.other_bsm, dtype=object)
    if hits.other is None:
        return np.full(len(hits.rows), None, dtype=object)
    bsm = subject.table[BSM].take(np.maximum(hits.other, 0)).to_numpy(dtype=object)
    return only(np.asarray(bsm, dtype=object), hits.other >= 0)


def _places(subject: Subject, hits: Hits) -> Shapes:
    """Return where each hit is, None where its plot has no shape or there is no single plot."""
    if hits.shape is not None:
        return np.asarray(hits.shape, dtype=object)
    places = np.full(len(hits.rows), None, dtype=object)
    own = hits.rows >= 0
    if not own.any():
        return places
    plots = subject.drawn[hits.rows[own]]
    whole = hits.field == SHAPE_FIELD
    places[own] = plots if whole else _middles(plots)
    return places


def _middles(shapes: Shapes) -> Shapes:
    """Return a point of each shape: inside a polygon, on a line."""
    valid = shapely.is_valid(shapes)
    safe = np.where(valid, shapes, shapely.envelope(shapes))
    return np.asarray(shapely.point_on_surface(safe), dtype=object)


def of_intake(subject: Subject, problems: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return what reading found, without the rules that a check looks at itself."""
    own = {check.code for check in discover()}
    kept = problems[~problems["rule"].isin(own)].reset_index(drop=True)
    keys = pd.Series(
        np.arange(len(subject)),
        index=pd.MultiIndex.from_frame(subject.table[[FILE, ROW]].astype({ROW: "Int64"})),
    )
    asked = pd.MultiIndex.from_frame(kept[[FILE, ROW]])
    row = keys[~keys.index.duplicated()].reindex(asked).fillna(-1).to_numpy(dtype=np.int64)
    row = np.where(kept[ROW].isna(), -1, row)
    points = np.full(len(kept), None, dtype=object)
    stated = kept["x"].notna().to_numpy()
    points[stated] = shapely.points(kept.loc[stated, ["x", "y"]].to_numpy())
    rest = ~stated & (row >= 0)
    points[rest] = _middles(subject.drawn[row[rest]])
    frame = kept.drop(columns=["x", "y"]).assign(other_bsm=None, unit="", size=np.nan, row=row)
    return gpd.GeoDataFrame(_typed(frame), geometry=points, crs=subject.crs)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    texts = dict.fromkeys(TEXT, "str")
    return frame.astype({**texts, "size": "float64", ROW: "Int64"})


def settled(subject: Subject, parts: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return all findings of a subject, sorted, with town and place.

    x, y: a point of the place, in the subject's plane; located: how exactly: 本处 (the place
    itself), 镇内 (the town of the plot's code), 文件范围内 (middle of the file's plots), "" none.
    Sorted by severity, rule, file, row, other BSM, text.
    """
    parts = [part for part in parts if len(part)] or parts[:1]
    frame = gpd.GeoDataFrame(
        pd.concat(parts, ignore_index=True), geometry="geometry", crs=subject.crs
    )
    frame = _towns(subject, _located(subject, frame))
    order = ["severity", "rule", FILE, ROW, "other_bsm", "found", "x", "y"]
    frame = frame.sort_values(order, kind="stable", ignore_index=True)
    return frame[[*COLUMNS, "geometry"]]


def _located(subject: Subject, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = frame.geometry.to_numpy().copy()
    located = np.where(shapely.is_missing(shapes), NOWHERE, HERE).astype(object)
    for how, points in ((IN_TOWN, _town_points(subject, frame)), (IN_FILE, _files(subject, frame))):
        fill = shapely.is_missing(shapes) & ~shapely.is_missing(points)
        shapes[fill], located[fill] = points[fill], how
    points = _middles(shapes)
    return frame.set_geometry(shapes, crs=frame.crs).assign(
        x=np.round(shapely.get_x(points), 4),
        y=np.round(shapely.get_y(points), 4),
        located=pd.Series(located, index=frame.index, dtype="str"),
    )


def _codes(subject: Subject, frame: pd.DataFrame) -> NDArray[np.object_]:
    """Return the town's code by the plot's ZLDWDM, "" without a plot."""
    codes = np.full(len(frame), "", dtype=object)
    own = frame["row"].to_numpy() >= 0
    if F.ZLDWDM.name in subject.table and own.any():
        code = subject.text(F.ZLDWDM).str[:9].to_numpy(dtype=object)
        codes[own] = code[frame["row"].to_numpy()[own]]
    return codes


def _town_points(subject: Subject, frame: pd.DataFrame) -> Shapes:
    points = np.full(len(frame), None, dtype=object)
    if subject.towns is not None:
        middles = dict(
            zip(
                subject.towns["town_code"], _middles(subject.towns.geometry.to_numpy()), strict=True
            )
        )
        points[:] = [middles.get(code) for code in _codes(subject, frame)]
    return points


def _files(subject: Subject, frame: pd.DataFrame) -> Shapes:
    """Return the middle of each finding's file, None where it has no usable shape."""
    bounds = pd.DataFrame(shapely.bounds(subject.drawn), columns=["w", "s", "e", "n"])
    by_file = bounds.groupby(subject.table[FILE].to_numpy()).agg(
        {"w": "min", "s": "min", "e": "max", "n": "max"}
    )
    middle = pd.DataFrame(
        {"x": (by_file["w"] + by_file["e"]) / 2, "y": (by_file["s"] + by_file["n"]) / 2}
    ).dropna()
    points = np.full(len(frame), None, dtype=object)
    have = frame[FILE].isin(middle.index).to_numpy()
    points[have] = shapely.points(middle.loc[frame.loc[have, FILE]].to_numpy())
    return points


def _towns(subject: Subject, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add town_code and town: by the plot's code where it is a town's, else by place."""
    codes = _codes(subject, frame)
    names = {town.code: town.name for town in subject.county.towns} if subject.county else {}
    code = only(codes, np.isin(codes, list(names)))
    if subject.towns is not None:
        exact = (frame["located"] == HERE).to_numpy() & pd.isna(code)
        rows = np.flatnonzero(exact)
        spots = shapely.points(frame[["x", "y"]].to_numpy()[rows])
        at, town = shapely.STRtree(subject.towns.geometry.to_numpy()).query(spots, "intersects")
        code[rows[at[::-1]]] = subject.towns["town_code"].to_numpy(dtype=object)[town[::-1]]
    column = pd.Series(code, index=frame.index, dtype="str")
    return frame.assign(town_code=column, town=column.map(names).astype("str"))

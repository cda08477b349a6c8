"""What a quality check looks at: files, zones and an earlier export, read as delivered."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pipeline.ingest.files import role_files, source_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd

    from pipeline.errors import Finding
    from pipeline.ingest.asdelivered import AsDelivered
    from pipeline.ingest.place import TownShapes
    from pipeline.model import County
    from pipeline.quality import Subject

log = logging.getLogger("gengbao")

ROLES = ("pbf", "target")
"""The zones that are checked with an export's plots, where asked for."""


class Towns(NamedTuple):
    """The county's towns as `placing` and as checks want them, and why they can't be read."""

    shapes: TownShapes | None
    frame: gpd.GeoDataFrame | None
    findings: list[Finding]


def towns_of(county: County | None, day: date | None) -> Towns:
    """Return the towns with their control areas, as known at an export."""
    from pipeline.ingest.read import TOWNS, read_role, read_towns

    if county is None:
        return Towns(None, None, [])
    known = day or county.newest
    shapes, findings = read_towns(county, known)
    if shapes is None:
        return Towns(None, None, findings)
    frame = read_role(county, TOWNS, known).frame
    return Towns(shapes, _control(county, shapes, frame), findings)


def _control(county: County, shapes: TownShapes, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return town_code, town, dcmj (m², missing where a part has none), polygons."""
    import geopandas as gpd

    codes = frame["xzqdm"].str[:9]
    names = {town.code: town.name for town in county.towns}
    by_name = frame["xzqmc"].map(county.town_code, na_action="ignore")
    codes = codes.where(codes.isin(list(names)), by_name)
    stated = frame["dcmj"].groupby(codes).agg(lambda areas: areas.sum(skipna=False))
    towns = gpd.GeoDataFrame({"town_code": shapes.codes}, geometry=shapes.polygons, crs=county.crs)
    town = towns["town_code"]
    return towns.assign(town=town.map(names), dcmj=town.map(stated).astype("float64"))


def delivered_rows(
    county: County | None, towns: Towns, paths: Sequence[Path], day: date | None
) -> list[AsDelivered]:
    """Return all rows of some files as delivered, with what is said of the towns' layer.

    day: of the export whose plots they are; None: files of any kind.
    """
    from pipeline.ingest.asdelivered import Asked, read_as_delivered

    asked = Asked(county=county, towns=towns.shapes)
    if county is not None and day is not None:
        asked = replace(asked, role="parcels", source=county.stated_of(day))
    log.info("读入 %s", "、".join(path.name for path in paths))
    found, ignored = read_as_delivered(paths, asked)
    return [_noted(one, towns, ignored) for one in found]


def zone_rows(county: County, towns: Towns, day: date) -> list[AsDelivered]:
    """Return all rows of 永农 and 耕地保护目标 as they count at an export."""
    from pipeline.ingest.asdelivered import Asked, read_as_delivered

    found = []
    for role in ROLES:
        files = role_files(county, role, day)
        log.info("读入 %s", "、".join(path.name for path in files))
        asked = Asked(county=county, towns=towns.shapes, role=role, source=county.layers[role])
        found += read_as_delivered(files, asked)[0]
    return found


def _noted(one: AsDelivered, towns: Towns, ignored: Sequence[str]) -> AsDelivered:
    """Return a delivery with what is said about the towns' layer and files passed by."""
    import pandas as pd

    from pipeline.ingest.result import ERROR, WARNING, Problem, problem_frame

    more = [
        Problem(f.where, None, None, "READ_REFUSED", ERROR, "", f.found, f.advice)
        for f in towns.findings
    ]
    more += [
        Problem(
            name, None, None, "FILE_IGNORED", WARNING, "", "是其他图层，未检查", "移出该期文件夹"
        )
        for name in ignored
    ]
    if not more:
        return one
    problems = pd.concat([one.problems, problem_frame(more)], ignore_index=True)
    return replace(one, problems=problems)


def earlier_rows(county: County | None, towns: Towns, day: date | None) -> AsDelivered | None:
    """Return the plots of the export to compare with, as delivered; None without one."""
    from pipeline.ingest.asdelivered import Asked, read_as_delivered

    if county is None or day is None:
        return None
    log.info("读入对照期 %s", day)
    asked = Asked(county=county, towns=towns.shapes, role="parcels", source=county.stated_of(day))
    return read_as_delivered(source_files(county, day), asked)[0][0]


def subjects_of(
    county: County | None,
    towns: Towns,
    delivered: Sequence[AsDelivered],
    day: date | None,
    earlier: AsDelivered | None,
) -> list[Subject]:
    """Return what is checked, zones knowing of each other, plots of the earlier export.

    A delivery whose CRS isn't the county's working one is checked without the county.
    """
    zones = {
        one.role: _subject(county, towns, one, day) for one in delivered if one.role != "parcels"
    }
    before = None if earlier is None else _subject(county, towns, earlier, None)
    return [
        _subject(county, towns, one, day, zones, before if one.role == "parcels" else None)
        for one in delivered
    ]


def _subject(
    county: County | None,
    towns: Towns,
    one: AsDelivered,
    day: date | None,
    zones: Mapping[str, Subject] | None = None,
    earlier: Subject | None = None,
) -> Subject:
    from pipeline import quality
    from pipeline.ingest.asdelivered import ANYWHERE

    home = county is not None and one.frame.crs == county.crs and one.frame.local is None
    return quality.Subject(
        role=one.role,
        table=one.table,
        raw=one.raw,
        drawn=one.drawn,
        shapes=one.shapes,
        crs=one.frame.crs_for_areas(ANYWHERE),
        columns=tuple(quality.Column(*column) for column in one.columns),
        county=county if home else None,
        towns=towns.frame if home else None,
        export=day,
        zones=zones or {},
        earlier=earlier if home else None,
    )

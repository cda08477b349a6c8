"""Quality checks: read as delivered, checked, acknowledged, written all at once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import Finding, InputError, UsageError
from pipeline.ingest.files import delivered_files, parse_date, role_files, source_files
from pipeline.stages import problems
from pipeline.stages.problems import Checked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd

    from pipeline.ingest.asdelivered import AsDelivered
    from pipeline.ingest.baseline import Acknowledged
    from pipeline.ingest.place import TownShapes
    from pipeline.model import County
    from pipeline.quality import Subject

log = logging.getLogger("gengbao")

ROLES = ("pbf", "target")
_UNSAFE = str.maketrans(dict.fromkeys('\\/:*?"<>|', "-"))
SILENCE_S = 1.0
"""So long nothing is said of checks that find nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be checked.

    files: instead of an export; export, against: dates as written, None the newest and nothing;
    zones: also 永农 and 耕地保护目标; baseline: acknowledged findings.
    """

    files: tuple[Path, ...] = ()
    export: str | None = None
    against: str | None = None
    zones: bool = False
    baseline: Path | None = None


class _Towns(NamedTuple):
    """The county's towns as `placing` and as checks want them, and why they can't be read."""

    shapes: TownShapes | None
    frame: gpd.GeoDataFrame | None
    findings: list[Finding]


def check(county: County | None, out: Path, request: Request) -> Checked:
    """Check an export or files, write all products at once.

    county: None for files that belong to nobody. Raises UsageError for what isn't there,
    ConfigError for a wrong baseline; never for what is in the files: that is found.
    """
    done = examine(county, out, request)
    problems.write(done)
    return done


def examine(county: County | None, out: Path, request: Request) -> Checked:
    """Check as `check` does, but write nothing."""
    from pipeline.quality.known import acknowledge

    lines = _baseline(request.baseline)
    day, before = _days(county, request)
    towns = _read_towns(county, day)
    paths = _paths(county, request, day)
    delivered = _read(county, towns, request, paths, day)
    earlier = _earlier(county, towns, before)
    subjects = _subjects(county, towns, delivered, day, earlier)
    parts = [
        _told(_run(subject, source), source)
        for subject, source in zip(subjects, delivered, strict=True)
    ]
    findings, stale = acknowledge(_joined(parts), lines)
    return Checked(
        county=county,
        name=_name(request, day, before),
        day=day,
        findings=findings,
        stale=stale,
        rows={subject.role: len(subject) for subject in subjects},
        towns=towns.frame,
        inputs=tuple(_inputs(county, request, paths, (day, before))),
        out=out,
    )


def _baseline(path: Path | None) -> tuple[Acknowledged, ...]:
    from pipeline import quality
    from pipeline.ingest.baseline import read_baseline

    if path is None:
        return ()
    codes = [check.code for check in quality.discover()] + [r.code for r in quality.INTAKE]
    return read_baseline(path, codes)


def _days(county: County | None, request: Request) -> tuple[date | None, date | None]:
    """Return the export and the earlier one; UsageError for dates that are none."""
    if county is None:
        if request.against or request.zones or request.export:
            advice = "给出 --county 县文件夹，或去掉这些选项"
            raise UsageError(Finding("quality", "没有县，不能查某一期、范围或两期", advice))
        return None, None
    found = []
    for option, text in (("--export", request.export), ("--against", request.against)):
        day = parse_date(text) if text else None
        if text and day not in county.exports:
            have = "、".join(export.isoformat() for export in county.exports)
            raise UsageError(Finding(option, f"{text} 不是县里的一期", f"现有各期：{have}"))
        found.append(day)
    day = found[0] or (None if request.files else county.newest)
    if day is not None and day == found[1]:
        raise UsageError(Finding("--against", f"与 --export 是同一期 {day}", "给出另一期"))
    return day, found[1]


def _read_towns(county: County | None, day: date | None) -> _Towns:
    """Return the towns with their control areas, as known at an export."""
    from pipeline.ingest.read import TOWNS, read_role, read_towns

    if county is None:
        return _Towns(None, None, [])
    known = day or county.newest
    shapes, findings = read_towns(county, known)
    if shapes is None:
        return _Towns(None, None, findings)
    frame = read_role(county, TOWNS, known).frame
    return _Towns(shapes, _control(county, shapes, frame), findings)


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


def _paths(county: County | None, request: Request, day: date | None) -> tuple[Path, ...]:
    if request.files:
        found: list[Path] = []
        findings: list[Finding] = []
        for path in request.files:
            try:
                found += delivered_files(path)
            except InputError as error:
                findings += error.findings
        if findings:
            raise UsageError(findings)
        return tuple(found)
    assert county is not None and day is not None  # noqa: PT018, S101 - by _days
    return source_files(county, day)


def _read(
    county: County | None,
    towns: _Towns,
    request: Request,
    paths: tuple[Path, ...],
    day: date | None,
) -> list[AsDelivered]:
    """Return everything to be checked, as delivered."""
    from pipeline.ingest.asdelivered import Asked, read_as_delivered

    log.info("读入 %s", "、".join(path.name for path in paths))
    if request.files:
        asked = Asked(county=county, towns=towns.shapes)
        found, ignored = read_as_delivered(paths, asked)
    else:
        assert county is not None and day is not None  # noqa: PT018, S101 - by _days
        stated = county.stated_of(day)
        asked = Asked(county=county, towns=towns.shapes, role="parcels", source=stated)
        found, ignored = read_as_delivered(paths, asked)
    found = [_noted(one, towns, ignored) for one in found]
    if request.zones and county is not None:
        for role in ROLES:
            source = county.layers[role]
            files = role_files(county, role, day or county.newest)
            log.info("读入 %s", "、".join(path.name for path in files))
            asked = Asked(county=county, towns=towns.shapes, role=role, source=source)
            found += read_as_delivered(files, asked)[0]
    return found


def _noted(one: AsDelivered, towns: _Towns, ignored: Sequence[str]) -> AsDelivered:
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


def _earlier(county: County | None, towns: _Towns, day: date | None) -> AsDelivered | None:
    from pipeline.ingest.asdelivered import Asked, read_as_delivered

    if county is None or day is None:
        return None
    log.info("读入对照期 %s", day)
    asked = Asked(county=county, towns=towns.shapes, role="parcels", source=county.stated_of(day))
    return read_as_delivered(source_files(county, day), asked)[0][0]


def _subjects(
    county: County | None,
    towns: _Towns,
    delivered: Sequence[AsDelivered],
    day: date | None,
    earlier: AsDelivered | None,
) -> list[Subject]:
    """Return what is checked, zones knowing of each other, plots of the earlier export."""
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
    towns: _Towns,
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


def _run(subject: Subject, source: AsDelivered) -> gpd.GeoDataFrame:
    """Return all findings of a subject, saying how far it has come."""
    from pipeline import quality

    log.info("检查 %s：%d 行", source.role, len(subject))
    parts = [quality.of_intake(subject, source.problems)]
    total = sum(subject.role in check.roles for check in quality.discover())
    said = time.monotonic()
    for number, found in enumerate(quality.run(subject), 1):
        parts.append(found.rows)
        if len(found.rows) or time.monotonic() - said >= SILENCE_S:
            told = f"{len(found.rows)} 处" if len(found.rows) else "无"
            log.info("  %d/%d %s %s", number, total, found.check.code, told)
            said = time.monotonic()
    return quality.settled(subject, parts)


def _told(findings: gpd.GeoDataFrame, source: AsDelivered) -> gpd.GeoDataFrame:
    """Return the findings where they lie in the delivery's own CRS."""
    import geopandas as gpd
    import numpy as np
    import shapely

    frame = source.frame
    if frame.local is None and frame.shift == (0.0, 0.0):
        return gpd.GeoDataFrame(findings, geometry="geometry", crs=findings.crs)
    placed = findings["x"].notna().to_numpy()
    xy = findings[["x", "y"]].to_numpy().copy()
    points = frame.told(np.asarray(shapely.points(xy[placed]), dtype=object))
    xy[placed] = np.round(shapely.get_coordinates(points), 8)
    shapes = frame.told(findings.geometry.to_numpy())
    table = findings.drop(columns="geometry").assign(x=xy[:, 0], y=xy[:, 1])
    return gpd.GeoDataFrame(table, geometry=shapes, crs=frame.crs)


def _joined(parts: Sequence[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the findings of all subjects, those of the first subject first."""
    import geopandas as gpd
    import pandas as pd

    crs = parts[0].crs or problems.NO_CRS
    whole = pd.concat([part.set_crs(crs, allow_override=True) for part in parts], ignore_index=True)
    whole = whole.sort_values("severity", ascending=False, kind="stable", ignore_index=True)
    return gpd.GeoDataFrame(whole, geometry="geometry", crs=crs)


def _name(request: Request, day: date | None, before: date | None) -> str:
    """Return what the folder of the products is called."""
    words = [day.isoformat()] if day else [request.files[0].stem.translate(_UNSAFE)]
    words += ["zones"] if request.zones else []
    words += [f"against-{before.isoformat()}"] if before else []
    return "_".join(words)


def _inputs(
    county: County | None,
    request: Request,
    paths: tuple[Path, ...],
    days: tuple[date | None, date | None],
) -> Iterator[Path]:
    """Yield every file that the findings rest on."""
    yield from paths
    if request.baseline:
        yield request.baseline
    if county is None:
        return
    for role in ("towns", *(ROLES if request.zones else ())):
        yield from role_files(county, role, days[0] or county.newest)
    if days[1]:
        yield from source_files(county, days[1])

"""Quality checks: read as delivered, checked, acknowledged, written all at once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding, InputError, UsageError
from pipeline.ingest.files import delivered_files, parse_date, role_files, source_files
from pipeline.stages import problems
from pipeline.stages.problems import Checked
from pipeline.stages.subjects import (
    ROLES,
    delivered_rows,
    earlier_rows,
    subjects_of,
    towns_of,
    zone_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    import geopandas as gpd

    from pipeline.ingest.asdelivered import AsDelivered
    from pipeline.ingest.baseline import Acknowledged
    from pipeline.model import County
    from pipeline.quality import Subject

log = logging.getLogger("gengbao")

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
    towns = towns_of(county, day)
    paths = _paths(county, request, day)
    delivered = delivered_rows(county, towns, paths, None if request.files else day)
    if request.zones and county is not None:
        delivered += zone_rows(county, towns, day or county.newest)
    earlier = earlier_rows(county, towns, before)
    subjects = subjects_of(county, towns, delivered, day, earlier)
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

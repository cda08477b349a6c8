"""The geometry of one layer brought into the county's CRS, with evidence for where it lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from pipeline.errors import Finding, InputError
from pipeline.ingest import crs as crs_room
from pipeline.ingest import geometry as shapes
from pipeline.ingest import rings
from pipeline.ingest.result import WARNING, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.ingest.place import TownShapes
    from pipeline.ingest.raw import RawLayer
    from pipeline.model import County, LayerSource

RINGS_ADVICE = "在原数据中改正环的方向（外环顺时针，洞逆时针）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is read for whom: the county, the role, what the county states, where towns lie."""

    county: County
    role: str
    source: LayerSource | None
    towns: TownShapes | None = None


@dataclass(slots=True)
class Placed:
    """A layer's geometry in the county's CRS (None: unusable, faults say why), notes and log.

    wkb: as delivered, of the rows that are or may be set aside.
    """

    geometry: shapes.Shapes
    faults: dict[int, shapes.Fault]
    wkb: dict[int, bytes] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    log: dict[str, Any] = field(default_factory=dict)


def place(raw: RawLayer, task: Task, where: str, tbmj: NDArray[np.float64]) -> Placed:
    """Parse a layer's WKB and bring it into the county's CRS, on its grid.

    tbmj: m² as delivered, NaN where missing, to judge contradictory rings by.
    Raises InputError when no geometry is usable or the CRS can't be told beyond doubt.
    """
    county = task.county
    if raw.wkb is None:
        return Placed(np.full(len(raw.table), None, dtype=object), {})
    shaped = shapes.parse(raw.wkb)
    placed = Placed(shaped.geometry, shaped.faults, log={"geometry": shaped.notes})
    placed.faults |= {at: shapes.Fault("GEOM_UNREADABLE", why) for at, why in raw.broken.items()}
    placed.problems += _shape_notes(raw, shaped, where)
    if shapely.is_missing(shaped.geometry).all():
        if len(shaped.geometry):
            first = next(iter(shaped.faults.values()))
            found = f"全部 {len(shaped.geometry)} 个图形都不能用（{first.found}）"
            raise InputError(Finding(where, found, "检查原数据后重新导出；多面体先转换为面"))
        return placed
    frame, odd, extent = shapes.frame_of(shaped.geometry)
    epsg = _decide_crs(raw, task, where, (frame, extent), placed, shaped.geometry[~odd])
    shapes.add(
        placed.faults,
        np.flatnonzero(odd),
        "GEOM_FRAME",
        lambda _: "坐标与本图层其余图斑不在同一坐标范围",
    )
    shaped.geometry[list(placed.faults)] = None
    grid = county.thresholds.grid_m
    placed.geometry = shapes.project(shaped.geometry, epsg, county.crs, grid)
    _judge_rings(raw, shaped.geometry, placed, where, tbmj, county)
    doubtful = ~shapely.is_valid(placed.geometry) | (shapely.area(placed.geometry) == 0)
    doubtful |= shapely.is_missing(placed.geometry)
    placed.wkb = {int(at): raw.wkb[at] for at in np.flatnonzero(doubtful) if raw.wkb[at]}
    if task.towns is not None and not task.towns.covers(placed.geometry):
        found = f"半数以上图形不在行政区图层的范围内（坐标系 EPSG:{epsg}，{extent}）"
        advice = "核对中央经线（带号）和坐标系；确认数据属于本县"
        raise InputError(Finding(where, found, advice))
    return placed


def _judge_rings(
    raw: RawLayer,
    read: shapes.Shapes,
    placed: Placed,
    where: str,
    tbmj: NDArray[np.float64],
    county: County,
) -> None:
    """Set aside, or keep with a warning, rows whose rings GDAL joined otherwise than drawn."""
    crs, limits = county.crs, county.thresholds
    aside, kept = rings.judge(raw.drawn, read, placed.geometry, tbmj, limits, crs)
    placed.faults |= aside
    placed.geometry[list(aside)] = None
    placed.problems += [
        Problem(where, int(raw.rows[at]), None, fault.rule, WARNING, "", fault.found, RINGS_ADVICE)
        for at, fault in kept.items()
    ]


def _shape_notes(raw: RawLayer, shaped: shapes.Shaped, where: str) -> list[Problem]:
    """Return a warning for Z and M, and one per curve with what chords did to its area."""
    problems = [
        Problem(where, None, None, "GEOM_DIMENSION", WARNING, "", note, "可不处理")
        for note in shaped.notes
    ]
    advice = "可不处理；最好在原数据中用“增密”化为折线"
    for at, (was, now) in sorted(raw.arcs.items()):
        found = f"曲线图形已化为折线，平面面积 {was:.4f} → {now:.4f}（差 {now - was:+.4f}）"
        row = int(raw.rows[at])
        problems.append(Problem(where, row, None, "GEOM_CURVE", WARNING, "", found, advice))
    return problems


def _decide_crs(
    raw: RawLayer,
    task: Task,
    where: str,
    seen: tuple[int, str],
    placed: Placed,
    geometry: shapes.Shapes,
) -> int:
    """Return the layer's EPSG code; note what was inferred. Raises InputError for a wrong CRS."""
    decision = crs_room.decide(
        raw.crs_wkt,
        stated=task.source.crs if task.source else None,
        frame=seen[0],
        extent=seen[1],
        where=where,
    )
    if decision.findings:
        raise InputError(decision.findings)
    x, y = shapes.middle(geometry)
    evidence, findings = crs_room.check_place(decision.epsg, x, y, task.county, where)
    if findings:
        raise InputError(findings)
    placed.log["crs"] = f"{decision.evidence}；{evidence}"
    notes = []
    if decision.warning:
        advice = "核对无误后可不处理；最好由原单位补上坐标系声明（.prj）"
        notes.append(("CRS_INFERRED", decision.warning, advice))
    if f"EPSG:{decision.epsg}" != task.county.crs:
        found = f"坐标系是 EPSG:{decision.epsg}，已换算到本县坐标系 {task.county.crs}"
        advice = "同为 CGCS2000，只换投影，不改基准；可不处理"
        notes.append(("CRS_REPROJECTED", found, advice))
    placed.problems += [
        Problem(where, None, None, rule, WARNING, "", found, advice)
        for rule, found, advice in notes
    ]
    return decision.epsg

"""The geometry of one layer brought into the county's CRS, with evidence for where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from pipeline.errors import Finding, InputError
from pipeline.ingest import crs as crs_room
from pipeline.ingest import geometry as shapes
from pipeline.ingest import rings
from pipeline.ingest.place import MAJORITY
from pipeline.ingest.result import WARNING, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipeline.ingest.place import TownShapes
    from pipeline.ingest.raw import RawLayer
    from pipeline.model import County, LayerSource
    from pipeline.storage import Shelf

RINGS_ADVICE = "在原数据中改正环的方向（外环顺时针，洞逆时针）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is read for whom: the county, the role, what the county states, where towns lie."""

    county: County
    role: str
    source: LayerSource | None
    towns: TownShapes | None = None


@dataclass(slots=True, kw_only=True)
class Placed:
    """A layer whose CRS is known; its shapes are brought into the county's as `blocks` are asked.

    epsg: of the layer, None where it has no shape at all; extent: where it lies, in figures;
    faults: by position, why a row has no usable shape; problems, log: what was noted. What rings
    tell is added block by block.
    """

    raw: RawLayer
    task: Task
    where: str
    tbmj: NDArray[np.float64]
    epsg: int | None = None
    extent: str = ""
    faults: dict[int, shapes.Fault]
    problems: list[Problem]
    log: dict[str, Any]

    def blocks(self) -> Iterator[tuple[slice, shapes.Shapes]]:
        """Yield all rows in the county's CRS, on its grid, None where a row is unusable.

        Raises InputError at the end where most shapes don't lie in the county.
        """
        county, towns = self.task.county, self.task.towns
        shaped = near = 0
        unusable = np.zeros(len(self.raw.table), dtype=np.bool_)
        unusable[list(self.faults)] = True
        for rows, read in shapes.again(self._wkb(), unusable):
            assert self.epsg is not None  # noqa: S101 - only a layer without rows has none
            placed = shapes.project(read, self.epsg, county.crs, county.thresholds.grid_m)
            self._judge_rings(rows, read, placed)
            given = placed[~shapely.is_missing(placed)]
            shaped += len(given)
            near += towns.near(given) if towns else len(given)
            yield rows, placed
        if near < MAJORITY * shaped:
            found = f"半数以上图形不在行政区图层的范围内（{self.extent}）"
            advice = "核对中央经线（带号）和坐标系；确认数据属于本县"
            raise InputError(Finding(self.where, found, advice))

    def delivered(self, rows: NDArray[np.int64]) -> NDArray[np.object_]:
        """Return the WKB of these rows as delivered."""
        return self._wkb().take(rows)

    def _wkb(self) -> Shelf:
        assert self.raw.wkb is not None  # noqa: S101 - only layers with shapes are placed
        return self.raw.wkb

    def _judge_rings(self, rows: slice, read: shapes.Shapes, placed: shapes.Shapes) -> None:
        """Set aside, or keep with a warning, rows whose rings GDAL joined otherwise than drawn."""
        county, first = self.task.county, rows.start
        drawn = {at - first: a for at, a in self.raw.drawn.items() if first <= at < rows.stop}
        aside, kept = rings.judge(
            drawn, read, placed, self.tbmj[rows], county.thresholds, county.crs
        )
        self.faults |= {first + at: fault for at, fault in aside.items()}
        placed[list(aside)] = None
        self.problems += [
            Problem(
                self.where, int(self.raw.rows[first + at]), None, fault.rule, WARNING, "",
                fault.found, RINGS_ADVICE,
            )
            for at, fault in kept.items()
        ]  # fmt: skip


def place(raw: RawLayer, task: Task, where: str, tbmj: NDArray[np.float64]) -> Placed:
    """Look at a layer's shapes and decide where they lie.

    tbmj: m² as delivered, NaN where missing, to judge contradictory rings by.
    Raises InputError when no geometry is usable or the CRS can't be told beyond doubt.
    """
    assert raw.wkb is not None  # noqa: S101 - by the caller
    seen = shapes.look(raw.wkb)
    log: dict[str, Any] = {"geometry": seen.notes}
    problems = _shape_notes(raw, seen.notes, where)
    faults = seen.faults | {at: shapes.Fault("GEOM_UNREADABLE", w) for at, w in raw.broken.items()}
    placed = Placed(
        raw=raw, task=task, where=where, tbmj=tbmj, faults=faults, problems=problems, log=log
    )
    if np.isnan(seen.boxes[:, 0]).all():
        if len(seen.boxes):
            first = next(iter(seen.faults.values()))
            found = f"全部 {len(seen.boxes)} 个图形都不能用（{first.found}）"
            raise InputError(Finding(where, found, "检查原数据后重新导出；多面体先转换为面"))
        return placed
    frame, odd, extent = shapes.frame_of(seen.boxes)
    placed.epsg = _decide_crs(placed, (frame, extent), seen.boxes[~odd])
    other = "坐标与本图层其余图斑不在同一坐标范围"
    shapes.add(faults, np.flatnonzero(odd), "GEOM_FRAME", lambda _: other)
    return placed


def _shape_notes(raw: RawLayer, notes: list[str], where: str) -> list[Problem]:
    """Return a warning for Z and M, and one per curve with what chords did to its area."""
    problems = [
        Problem(where, None, None, "GEOM_DIMENSION", WARNING, "", note, "可不处理")
        for note in notes
    ]
    advice = "可不处理；最好在原数据中用“增密”化为折线"
    for at, (was, now) in sorted(raw.arcs.items()):
        found = f"曲线图形已化为折线，平面面积 {was:.4f} → {now:.4f}（差 {now - was:+.4f}）"
        row = int(raw.rows[at])
        problems.append(Problem(where, row, None, "GEOM_CURVE", WARNING, "", found, advice))
    return problems


def _decide_crs(placed: Placed, seen: tuple[int, str], boxes: NDArray[np.float64]) -> int:
    """Return the layer's EPSG code; note what was inferred. Raises InputError for a wrong CRS.

    seen: frame and extent; boxes: of the rows in that frame.
    """
    raw, task, where = placed.raw, placed.task, placed.where
    decision = crs_room.decide(
        raw.crs_wkt,
        stated=task.source.crs if task.source else None,
        frame=seen[0],
        extent=seen[1],
        where=where,
    )
    if decision.findings:
        raise InputError(decision.findings)
    x, y = shapes.middle(boxes)
    evidence, findings = crs_room.check_place(decision.epsg, x, y, task.county, where)
    if findings:
        raise InputError(findings)
    placed.extent = f"坐标系 EPSG:{decision.epsg}，{seen[1]}"
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

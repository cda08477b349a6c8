"""The polygon itself: single part, no slivers, spikes or needless nodes, large enough to map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import tables
from pipeline.measure import round_half_up
from pipeline.quality import corners
from pipeline.quality.check import (
    ALL_ROLES,
    DEGREES,
    ERROR,
    M2,
    METRES,
    NOTHING,
    PLOTS_ONLY,
    WARNING,
    Check,
    Example,
    Hits,
    where,
)  # fmt: skip

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.quality.subject import Subject

    Floats = NDArray[np.float64]

TITLE, ORDER = "图形", 7
SPIKE_DEG = 1.0
BUILT_M2, FARM_M2, OTHER_M2 = 200.0, 400.0, 600.0
FACILITY = "1202"


def multi_part(subject: Subject) -> Hits:
    """Find plots of several parts."""
    count = shapely.get_num_geometries(subject.drawn)
    rows = where(count > 1)
    return Hits(rows=rows, found=[f"图斑由 {n} 个部分组成" for n in count[rows]], field="图形")


def sliver(subject: Subject) -> Hits:
    """Find plots smaller than the sliver limit."""
    area, limit = subject.area_m2, subject.limits.sliver_area_m2
    with np.errstate(invalid="ignore"):
        rows = where(area < limit)
    found = [f"面积 {a:.2f} ㎡，小于 {limit:g} ㎡" for a in area[rows]]
    return Hits(rows=rows, found=found, field="图形", size=area[rows])


def _width(subject: Subject) -> Floats:
    """Return the mean width 2A/P in m, NaN without a shape."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * subject.planar_m2 / shapely.length(subject.shapes))


def narrow(subject: Subject) -> Hits:
    """Find plots that are slivers by their mean width."""
    limits, width = subject.limits, _width(subject)
    with np.errstate(invalid="ignore"):
        thin = (width < limits.sliver_width_m) & (subject.area_m2 < limits.sliver_width_area_m2)
    rows = where(thin)
    found = [
        f"平均宽度（2×面积÷周长）{w:.2f} 米，小于 {limits.sliver_width_m:g} 米" for w in width[rows]
    ]
    return Hits(rows=rows, found=found, field="图形", size=round_half_up(width[rows]))


def _corners(subject: Subject, low: float, high: float, said: str) -> Hits:
    found = subject.corners
    at = np.flatnonzero((found.angle_deg >= low) & (found.angle_deg < high))
    _, first = np.unique(found.xy[at], axis=0, return_index=True)
    at = at[np.sort(first)]
    angle = found.angle_deg[at]
    return Hits(
        rows=found.row[at], found=[f"{said} {a:.2f}°" for a in angle], field="图形",
        shape=np.asarray(shapely.points(found.xy[at]), dtype=object), size=round_half_up(angle),
    )  # fmt: skip


def spike(subject: Subject) -> Hits:
    """Find corners below 1°: a boundary that runs out and back."""
    return _corners(subject, 0.0, SPIKE_DEG, "尖刺，夹角")


def sharp_angle(subject: Subject) -> Hits:
    """Find corners from 1° to below 10°."""
    return _corners(subject, SPIKE_DEG, corners.SHARP_DEG, "锐角")


def close_nodes(subject: Subject) -> Hits:
    """Find neighbouring nodes that the grid doesn't tell apart."""
    grid = subject.limits.grid_m
    edges = corners.short(subject.drawn, grid)
    if not len(edges.row):
        return NOTHING
    lines = shapely.linestrings(np.stack([edges.start, edges.end], axis=1))
    return Hits(
        rows=edges.row,
        found=[
            f"相邻节点相距 {d:.4f} 米，x、y 都不超过一格（{grid:g} 米）" for d in edges.length_m
        ],
        field="图形",
        shape=np.asarray(lines, dtype=object),
        size=round_half_up(edges.length_m, 4),
    )


def tiny(subject: Subject) -> Hits:
    """Find plots below the minimum mapping unit of their class, that aren't slivers anyway."""
    codes = tables.land_codes().set_index("code")["group"]
    group = subject.text(F.DLBM).map(codes)
    least = group.map(
        {"construction": BUILT_M2, "cropland": FARM_M2, "other_agri": FARM_M2, "unused": OTHER_M2}
    ).to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    least[(subject.text(F.DLBM) == FACILITY).to_numpy()] = BUILT_M2
    area = subject.area_m2
    with np.errstate(invalid="ignore"):
        small = (area >= subject.limits.sliver_area_m2) & (area < least)
    rows = where(small)
    if not len(rows):
        return NOTHING
    found = [f"面积 {area[r]:.2f} ㎡，小于该地类最小上图面积 {least[r]:g} ㎡" for r in rows]
    return Hits(rows=rows, found=found, field="图形", size=area[rows])


_SQUARE = "POLYGON((0 0,50 0,50 50,0 50,0 0))"
_TWO = "MULTIPOLYGON(((0 0,50 0,50 50,0 50,0 0)),((60 0,90 0,90 50,60 50,60 0)))"
_SPIKE = "POLYGON((0 0,50 0,50 25,80 25.05,50 25.1,50 50,0 50,0 0))"
_SHARP = "POLYGON((0 0,50 0,50 24,80 25,50 26,50 50,0 50,0 0))"
_NODES = "POLYGON((0 0,50 0,50 0.0001,50 50,0 50,0 0))"
_HOLLOW = "POLYGON((0 0,50 0,50 50,0 50,0 0),(10 10,20 10,20 20,10 20,10 10))"


def _one(wkt: str) -> tuple[dict[str, str]]:
    return ({"wkt": wkt},)


CHECKS = (
    Check(
        code="MULTI_PART", level=ERROR, text="一个图斑只有一个部分",
        source="国家质检规则“多部分检查”；TD/T 1055-2019 图斑为单一封闭图形",
        advice="用“多部件转单部件”拆开，重编标识码和图斑编号，重算面积",
        example=Example(bad=_one(_TWO), good=_one(_HOLLOW), said="隔路的两块地合成一个图斑"),
        find=multi_part, roles=PLOTS_ONLY,
    ),
    Check(
        code="GEOM_SLIVER", level=WARNING, text="没有面积小于 10 ㎡ 的碎片",
        source="国家质检规则 4601 碎片多边形（<10 ㎡，三级）",
        advice="用“消除”（Eliminate）并入公共边最长的同类邻斑",
        example=Example(
            bad=_one("POLYGON((0 0,3 0,3 3,0 3,0 0))"), good=_one(_SQUARE), said="3 米 × 3 米的图斑"
        ),
        find=sliver, roles=ALL_ROLES, unit=M2,
    ),
    Check(
        code="GEOM_NARROW", level=WARNING,
        text="没有平均宽度不到 0.5 米的狭长碎片（面积小于 200 ㎡）",
        source="TDDC3D FrmCheckGraphics 狭长图斑：周长×2÷面积超限；门槛见 county.toml",
        advice="核对是否误切：并入邻斑；确有其物的按线状地物处理",
        example=Example(
            bad=_one("POLYGON((0 0,100 0,100 0.3,0 0.3,0 0))"), good=_one(_SQUARE),
            said="长 100 米、宽 0.3 米的图斑",
        ),
        find=narrow, roles=ALL_ROLES, unit=METRES,
    ),
    Check(
        code="GEOM_SPIKE", level=ERROR, text="边界没有尖刺（夹角小于 1°）",
        source="没有可查的国家条文；门槛为本项目所定", advice="在编辑状态删去尖端节点",
        example=Example(bad=_one(_SPIKE), good=_one(_SQUARE), said="底宽 0.1 米、长 30 米的尖刺"),
        find=spike, roles=ALL_ROLES, unit=DEGREES,
    ),
    Check(
        code="GEOM_SHARP", level=WARNING, text="边界没有小于 10° 的锐角",
        source="没有可查的国家条文；门槛为本项目所定",
        advice="对照影像核对该节点，误画的移动或删去",
        example=Example(bad=_one(_SHARP), good=_one(_SQUARE), said="夹角 3.8° 的锐角"),
        find=sharp_angle, roles=PLOTS_ONLY, unit=DEGREES,
    ),
    Check(
        code="NODE_CLOSE", level=WARNING, text="相邻节点的 x 或 y 相差大于一格（0.0001 米）",
        source="国家质检软件 XY 容差 0.0001 米（TDDC3D XMLHelper）",
        advice="用“修复几何”或“简化（删去重复点）”处理，容差 0.001 米",
        example=Example(bad=_one(_NODES), good=_one(_SQUARE), said="两个节点相距 0.0001 米"),
        find=close_nodes, roles=PLOTS_ONLY, unit=METRES,
    ),
    Check(
        code="PLOT_TINY", level=WARNING,
        text="不小于最小上图面积：建设用地和设施农用地 200 ㎡，农用地 400 ㎡，其他 600 ㎡",
        source="TD/T 1055-2019 最小上图图斑面积；任务图斑平均可小于此，故为警告",
        advice="核对影像：可并入邻斑的并入；任务图斑、政策要求单独上图的保留",
        example=Example(
            bad=_one("POLYGON((0 0,15 0,15 15,0 15,0 0))"), good=_one(_SQUARE), said="225 ㎡ 的旱地"
        ),
        find=tiny, unit=M2,
    ),
)  # fmt: skip

"""Plots against each other: ground counted twice, ground in no plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline.quality.check import (
    ALL_ROLES,
    ERROR,
    M2,
    NOTHING,
    WARNING,
    ZONES_ONLY,
    Check,
    Example,
    Hits,
)  # fmt: skip
from pipeline.quality.examples import box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.quality.subject import Subject

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

TITLE, ORDER = "拓扑", 8
ERROR_M2 = 1.0
PLOT_M2, PLOT_WIDTH_M = 200.0, 2.0
"""Bare ground of at least the smallest mapping unit and so wide is a plot that is missing."""
NAMED = 6
TOPOLOGY = "国家质检规则 4101、4201（报为 4301）：DLTB 不重叠、无缝隙"


def _name(subject: Subject, row: int) -> str:
    bsm = subject.table[F.BSM.name].iloc[row]
    known = not pd.isna(bsm)
    return f"图斑 {bsm}" if known else f"第 {subject.table[F.SOURCE_ROW.name].iloc[row]} 行"


def _pairs(subject: Subject, chosen: Bools, area: Floats, said: str) -> Hits:
    cover = subject.cover
    left, right, shape = cover.left[chosen], cover.right[chosen], cover.shape[chosen]
    found = [
        f"与{_name(subject, a)} {said} {m2:.2f} ㎡"
        for a, m2 in zip(left, area[chosen], strict=True)
    ]
    return Hits(rows=right, other=left, found=found, field="图形", shape=shape, size=area[chosen])


def _shared(subject: Subject) -> Floats:
    return subject.official(subject.cover.shape)


def overlap(subject: Subject) -> Hits:
    """Find pairs that share ground of at least 1 m²; rows: the later one, other: the earlier."""
    area = _shared(subject)
    return _pairs(subject, (area >= ERROR_M2) & ~subject.cover.same, area, "重叠")


def overlap_trace(subject: Subject) -> Hits:
    """Find pairs that share ground from 0.01 to 1 m²."""
    area = _shared(subject)
    return _pairs(subject, (area < ERROR_M2) & ~subject.cover.same, area, "微小重叠")


def duplicate(subject: Subject) -> Hits:
    """Find pairs of the same ground."""
    return _pairs(subject, subject.cover.same, _shared(subject), "图形相同，重复")


def _missing_plots(gaps: Shapes) -> Bools:
    """Return which gaps are as large and as wide as a plot."""
    area = shapely.area(gaps)
    width = 2 * area / shapely.length(gaps)
    return np.asarray((area >= PLOT_M2) & (width >= PLOT_WIDTH_M), dtype=bool)


def _bare(subject: Subject, gaps: Shapes, said: str) -> Hits:
    """Return hits of bare ground with the plots around it, longest common border first."""
    if not len(gaps):
        return NOTHING
    gap, near = subject.tree.query(gaps, predicate="intersects")
    border = shapely.length(
        shapely.intersection(shapely.boundary(gaps[gap]), subject.shapes[subject.usable[near]])
    )
    order = np.lexsort((near, -border, gap))
    gap, near = gap[order], subject.usable[near[order]]
    starts = np.searchsorted(gap, np.arange(len(gaps)))
    ends = np.searchsorted(gap, np.arange(len(gaps)), side="right")
    area = subject.official(gaps)
    around = [near[a:b] for a, b in zip(starts, ends, strict=True)]
    found = []
    for m2, rows in zip(area, around, strict=True):
        names = "、".join(_name(subject, int(row)) for row in rows[:NAMED])
        more = f" 等 {len(rows)} 个" if len(rows) > NAMED else ""
        found.append(f"{said} {m2:.2f} ㎡" + (f"，周围是{names}{more}" if len(rows) else ""))
    return Hits(
        rows=np.array([rows[0] if len(rows) else -1 for rows in around], dtype=np.int64),
        other=np.array([rows[1] if len(rows) > 1 else -1 for rows in around], dtype=np.int64),
        found=found, field="图形", shape=gaps, size=area,
        file=[subject.first_file] * len(gaps),
    )  # fmt: skip


def missing_plot(subject: Subject) -> Hits:
    """Find ground in no plot that is as large as one: a plot that was left out."""
    gaps = subject.cover.gaps
    return _bare(subject, gaps[_missing_plots(gaps)], "没有图斑的空洞")


def gap(subject: Subject) -> Hits:
    """Find gaps from 1 m² that aren't a missing plot."""
    gaps = subject.cover.gaps
    wide = (shapely.area(gaps) >= ERROR_M2) & ~_missing_plots(gaps)
    return _bare(subject, gaps[wide], "缝隙")


def gap_trace(subject: Subject) -> Hits:
    """Find gaps from 0.01 to 1 m²."""
    gaps = subject.cover.gaps
    return _bare(subject, gaps[shapely.area(gaps) < ERROR_M2], "微小缝隙")


def _edge_only(subject: Subject) -> Bools:
    """Return which overlaps are thinner than the county's sliver width: borders not aligned."""
    shape = subject.cover.shape
    width = 2 * shapely.area(shape) / shapely.length(shape)
    return np.asarray(width < subject.limits.sliver_width_m, dtype=bool)


def zone_overlap(subject: Subject) -> Hits:
    """Find polygons of a zone that share ground of at least 1 m², wider than a sliver."""
    area = _shared(subject)
    wide = (area >= ERROR_M2) & ~_edge_only(subject) & ~subject.cover.same
    return _pairs(subject, wide, area, "重叠")


def zone_edges(subject: Subject) -> Hits:
    """Find polygons of a zone that share a strip of ground along a border not aligned."""
    area = _shared(subject)
    strip = ((area < ERROR_M2) | _edge_only(subject)) & ~subject.cover.same
    return _pairs(subject, strip, area, "边线没有对齐，重叠")


_TIGHT = (box(0, 50), box(50, 100))
_TOWN = {"extent": "POLYGON((0 0,100 0,100 50,0 50,0 0))"}
SNAP = "用拓扑工具（不能重叠、不能有空隙）定位，移动或捕捉公共边后重算面积"
CHECKS = (
    Check(
        code="PLOT_OVERLAP", level=ERROR, text="图斑互不重叠（1 ㎡ 及以上）", source=TOPOLOGY,
        advice=SNAP,
        example=Example(bad=(box(0, 50), box(49, 100)), good=_TIGHT, said="两个图斑重叠 1 米宽",
                        world=_TOWN),
        find=overlap, unit=M2,
    ),
    Check(
        code="OVERLAP_TRACE", level=WARNING, text="没有微小重叠（0.01–1 ㎡）",
        source=TOPOLOGY + "，容差 0.0001 米", advice=SNAP,
        example=Example(bad=(box(0, 50), box(49.999, 100)), good=_TIGHT, said="重叠 1 毫米宽",
                        world=_TOWN),
        find=overlap_trace, unit=M2,
    ),
    Check(
        code="PLOT_DUPLICATE", level=ERROR, text="同一块地没有两个图斑", source=TOPOLOGY,
        advice="删去重复的一个（看标识码、年份哪个是现行的）",
        example=Example(bad=(box(0, 100), box(0, 100)), good=_TIGHT, said="图斑复制了一份",
                        world=_TOWN),
        find=duplicate, roles=ALL_ROLES, unit=M2,
    ),
    Check(
        code="PLOT_MISSING", level=ERROR,
        text="镇界范围内没有成块的空白（200 ㎡ 及以上、平均宽 2 米及以上）",
        source=TOPOLOGY + "；XZQ 须被 DLTB 覆盖",
        advice="从原数据库补上漏交的图斑；确是空白的按影像新绘",
        example=Example(bad=(box(0, 50),), good=_TIGHT, said="漏交一个图斑", world=_TOWN),
        find=missing_plot, unit=M2,
    ),
    Check(
        code="COVERAGE_GAP", level=ERROR, text="图斑之间、图斑与镇界之间没有缝隙（1 ㎡ 及以上）",
        source=TOPOLOGY, advice=SNAP,
        example=Example(bad=(box(0, 50), box(50.5, 100)), good=_TIGHT,
        said="两个图斑之间留了 0.5 米宽的缝",
                        world=_TOWN),
        find=gap, unit=M2,
    ),
    Check(
        code="GAP_TRACE", level=WARNING, text="没有微小缝隙（0.01–1 ㎡）",
        source=TOPOLOGY + "，容差 0.0001 米", advice=SNAP,
        example=Example(bad=(box(0, 50), box(50.001, 100)), good=_TIGHT, said="1 毫米宽的缝",
                        world=_TOWN),
        find=gap_trace, unit=M2,
    ),
    Check(
        code="ZONE_OVERLAP", level=ERROR,
        text="永农、耕地保护目标各自互不重叠（1 ㎡ 及以上，平均宽 0.5 米及以上）",
        source="三区三线数据库质检：同层图斑不重叠", advice="裁去重叠部分，重算面积",
        example=Example(
            bad=(box(0, 50), box(40, 100)), good=_TIGHT, said="两个永农图斑重叠",
            world={"role": "pbf"},
        ),
        find=zone_overlap, roles=ZONES_ONLY, unit=M2,
    ),
    Check(
        code="ZONE_EDGES", level=WARNING,
        text="永农、耕地保护目标同层的相邻边线对齐（重叠条带平均宽不到 0.5 米）",
        source="三区三线数据库质检：同层图斑不重叠；门槛同碎片宽度", advice="捕捉公共边后重算面积",
        example=Example(
            bad=(box(0, 50), box(49.9, 100)), good=_TIGHT, said="永农图斑整体偏了 0.1 米",
            world={"role": "pbf"},
        ),
        find=zone_edges, roles=ZONES_ONLY, unit=M2,
    ),
)  # fmt: skip

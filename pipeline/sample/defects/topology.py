"""Plots that no longer fit together: overlaps, gaps, copies, holes, borders crossed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import shapely

from pipeline.sample.defects.ground import edge, ground, moved, outward, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from shapely import Polygon

    from pipeline.sample.defects.bed import Bed

_MINIMUM = 3000.0
_LONG_M = 20.0
_MARGIN_M = 4.0
_SHARE = 0.01
_NEAR_M = 0.001
_GRID_M = 1e-4
"""Coordinates of a survey lie on a grid of 0.1 mm."""


def _plots(bed: Bed, count: int) -> Iterator[int]:
    return bed.take(shapely.area(bed.outlines) > _MINIMUM, count, apart=True)


class _Strip(NamedTuple):
    """A rectangle on the far side of an edge that two plots share."""

    other: int
    ends: tuple[NDArray[np.float64], NDArray[np.float64]]
    profile: tuple[tuple[float, float], ...]
    ground: Polygon


def _strip(bed: Bed, plot: int, width: float) -> _Strip | None:
    """Return a strip `width` m wide of a neighbour's ground along the longest common edge.

    It begins and ends 4 m from the edge's nodes and is at most 40 m long. None where the edge is
    too short, or the strip isn't the neighbour's alone.
    """
    found = shared(bed, plot, _LONG_M)
    if found is None:
        return None
    other, *ends = found
    strip = _beyond(bed, plot, (ends[0], ends[1]), width)
    if not shapely.covers(shapely.buffer(bed.outlines[other], _NEAR_M), strip.ground):
        return None
    return strip._replace(other=other)


def _beyond(bed: Bed, plot: int, ends: tuple[Any, Any], width: float) -> _Strip:
    side = outward(bed.outlines[plot], ends) * width
    stop = min(float(np.linalg.norm(ends[1] - ends[0])) - _MARGIN_M, _MARGIN_M + 40)
    profile = ((_MARGIN_M, 0.0), (_MARGIN_M, side), (stop, side), (stop, 0.0))
    return _Strip(plot, ends, profile, ground(ends, profile))


def _overlap(kind: str, width: float) -> Callable[[Bed, int], None]:
    def plant(bed: Bed, count: int) -> None:
        for plot in _plots(bed, count):
            strip = _strip(bed, plot, width)
            if strip:
                bed.put(plot, moved(bed.outlines[plot], strip.ends, strip.profile))
                bed.note(kind, plot, strip.ground, other=strip.other)

    plant.__doc__ = f"Let plots reach {width} m into a neighbour."
    return plant


def _gap(kind: str, width: float) -> Callable[[Bed, int], None]:
    def plant(bed: Bed, count: int) -> None:
        for plot in _plots(bed, count):
            strip = _strip(bed, plot, width)
            if strip:
                rest = moved(bed.outlines[strip.other], strip.ends, strip.profile)
                bed.put(strip.other, rest)
                bed.note(kind, plot, strip.ground, other=strip.other)

    plant.__doc__ = f"Leave {width} m bare along a border."
    return plant


def copied(bed: Bed, count: int) -> None:
    """Put a plot in twice, under a new number."""
    for plot in _plots(bed, count):
        twin = bed.add(plot, bed.outlines[plot])
        bed.note("copied", twin, bed.outlines[plot], other=plot)


def missing(bed: Bed, count: int) -> None:
    """Take a plot out."""
    for plot in _plots(bed, count):
        bed.note("missing", plot)
        bed.drop(plot)


def crossing(bed: Bed, count: int) -> None:
    """Give plots 4 m of a neighbour in another town: the border now runs through them."""
    town = bed.sound["ZLDWDM"].str[:9].to_numpy()
    border = np.zeros(len(bed.outlines), dtype=bool)
    left, right = bed.tree.query(bed.outlines, predicate="touches")
    border[left[town[left] != town[right]]] = True
    for plot in bed.take(border & (shapely.area(bed.outlines) > _MINIMUM), count, apart=True):
        strip = _strip(bed, plot, 4.0)
        if strip and town[strip.other] != town[plot]:
            bed.put(plot, moved(bed.outlines[plot], strip.ends, strip.profile))
            bed.put(strip.other, moved(bed.outlines[strip.other], strip.ends, strip.profile))
            bed.note("crossing", plot, strip.ground, other=strip.other)


def outside(bed: Bed, count: int) -> None:
    """Let plots at the county's border reach 6 m beyond it."""
    county = shapely.union_all(bed.outlines, grid_size=_GRID_M)
    rim = shapely.buffer(county.boundary, _NEAR_M)
    at_rim = shapely.intersects(bed.outlines, rim) & (shapely.area(bed.outlines) > _MINIMUM)
    for plot in bed.take(at_rim, count, apart=True):
        start, end = edge(bed.outlines[plot], within=rim)
        if math.dist(start, end) < _LONG_M:
            continue
        strip = _beyond(bed, plot, (start, end), 6.0)
        inside = shapely.area(shapely.intersection(strip.ground, county))
        if inside < _SHARE * strip.ground.area:
            bed.put(plot, moved(bed.outlines[plot], strip.ends, strip.profile))
            bed.note("outside", plot, strip.ground)


def number_twice(bed: Bed, count: int) -> None:
    """Give a plot the number of another far away."""
    for plot in bed.take(np.ones(len(bed.outlines), dtype=bool), count):
        other = int(bed.rng.choice(np.flatnonzero(bed.whole)))
        if other != plot:
            bed.write(plot, {"BSM": bed.value(other, "BSM")})
            bed.note("bsm_twice", plot, other=other)


def tbbh_twice(bed: Bed, count: int) -> None:
    """Give a plot the plot number of another in its village."""
    village = bed.sound["ZLDWDM"].str[:12].to_numpy()
    for plot in bed.take(np.ones(len(bed.outlines), dtype=bool), count):
        same = np.flatnonzero((village == village[plot]) & bed.whole)
        same = same[same != plot]
        if len(same):
            other = int(bed.rng.choice(same))
            bed.write(plot, {"TBBH": bed.value(other, "TBBH")})
            bed.note("tbbh_twice", plot, other=other)


def _town(kind: str, code: Callable[[Bed, str], str]) -> Callable[[Bed, int], None]:
    """Return what gives plots of their village's own people another town's code."""

    def plant(bed: Bed, count: int) -> None:
        home = (bed.sound["FRDBS"] == "0") & bed.sound["QSXZ"].str.startswith("3")
        for plot in bed.take(home.to_numpy() & (shapely.area(bed.outlines) > _MINIMUM), count):
            old = str(bed.value(plot, "ZLDWDM"))
            new = code(bed, old[:9]) + old[9:]
            bed.write(plot, {"ZLDWDM": new, "QSDWDM": new})
            names = bed.sound.loc[(bed.sound["ZLDWDM"] == new).to_numpy(), "ZLDWMC"]
            bed.write(plot, {"ZLDWMC": next(iter(names), bed.value(plot, "ZLDWMC"))})
            bed.note(kind, plot)

    plant.__doc__ = f"Plant {kind}."
    return plant


def _another(bed: Bed, town: str) -> str:
    towns = sorted(set(bed.sound["ZLDWDM"].str[:9]))
    known = [code for code in towns if code != town and code[:6] == town[:6]]
    return str(bed.rng.choice(known))


TOPOLOGY: dict[str, tuple[str, Callable[[Bed, int], None]]] = {
    "overlap": ("与邻斑重叠半米宽", _overlap("overlap", 0.5)),
    "overlap_trace": ("与邻斑重叠四毫米宽", _overlap("overlap_trace", 0.004)),
    "gap": ("与邻斑之间有半米宽的缝", _gap("gap", 0.5)),
    "gap_trace": ("与邻斑之间有四毫米宽的缝", _gap("gap_trace", 0.004)),
    "copied": ("同一块地有两个图斑", copied),
    "missing": ("漏交图斑", missing),
    "crossing": ("图斑越过镇界", crossing),
    "outside": ("图斑伸出县界", outside),
    "bsm_twice": ("标识码与另一图斑相同", number_twice),
    "tbbh_twice": ("图斑编号与同村另一图斑相同", tbbh_twice),
    "town_other": ("坐落单位代码是别的镇的", _town("town_other", _another)),
    "town_foreign": ("坐落单位代码是外县的", _town("town_foreign", lambda _, __: "610999001")),
    "town_gone": ("坐落单位代码是已撤销的镇的", _town("town_gone", lambda _, t: t[:6] + "199")),
}

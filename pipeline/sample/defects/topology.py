"""Plots that no longer fit together: overlaps, gaps, copies, holes, borders crossed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops

from pipeline.sample.defects.ground import shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely import Geometry

    from pipeline.sample.defects.bed import Bed

_MINIMUM = 3000.0
_LONG_M = 25.0
WIDE_M2 = 20.0
"""A strip that no tolerance takes for rounding."""
GRID_M = 1e-4
"""Coordinates of a survey lie on a grid of 0.1 mm; a cut leaves them there."""


def _plots(bed: Bed, count: int) -> list[int]:
    big = shapely.area(bed.outlines) > _MINIMUM
    return bed.take(big, count, apart=True)


def _strip(bed: Bed, plot: int, width: float) -> tuple[int, Geometry, Geometry] | None:
    """Return a neighbour, a band along the common border and the neighbour's ground in it."""
    found = shared(bed, plot)
    if found is None or found[1].length < _LONG_M:
        return None
    other, line = found
    band = _band(line, width)
    strip = shapely.intersection(band, bed.outlines[other])
    return (other, band, strip) if strip.geom_type == "Polygon" else None


def _band(line: shapely.LineString, width: float) -> Geometry:
    """Return the ground up to `width` m on both sides of at most 40 m of a line, not of its ends."""
    middle = shapely.ops.substring(line, 5, min(line.length - 5, 45))
    return middle.buffer(width, cap_style="flat", join_style="mitre")


def _with(shape: Geometry, band: Geometry) -> Geometry:
    return shapely.union(shape, band, grid_size=GRID_M)


def _without(shape: Geometry, band: Geometry) -> Geometry:
    return shapely.difference(shape, band, grid_size=GRID_M)


def _overlap(kind: str, width: float) -> Callable[[Bed, int], None]:
    def plant(bed: Bed, count: int) -> None:
        for plot in _plots(bed, count):
            found = _strip(bed, plot, width)
            if found:
                other, band, strip = found
                bed.put(plot, _with(bed.outlines[plot], band))
                bed.note(kind, plot, strip, other=other)

    plant.__doc__ = f"Let plots reach {width} m into a neighbour."
    return plant


def _gap(kind: str, width: float) -> Callable[[Bed, int], None]:
    def plant(bed: Bed, count: int) -> None:
        for plot in _plots(bed, count):
            found = _strip(bed, plot, width)
            if found:
                other, band, strip = found
                bed.put(other, _without(bed.outlines[other], band))
                bed.note(kind, plot, strip, other=other)

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
    """Move a piece of the towns' border: a strip of a neighbour in another town changes hands."""
    town = bed.frame["ZLDWDM"].str[:9].to_numpy()
    border = np.zeros(len(bed.outlines), dtype=bool)
    left, right = bed.tree.query(bed.outlines, predicate="touches")
    border[left[town[left] != town[right]]] = True
    done = 0
    for plot in bed.take(border & (shapely.area(bed.outlines) > _MINIMUM), 4 * count, apart=True):
        found = _strip(bed, plot, 4.0)
        if done == count or not found or town[found[0]] == town[plot]:
            continue
        other, band, strip = found
        rest = _without(bed.outlines[other], band)
        if rest.geom_type == "Polygon" and strip.area > WIDE_M2:
            bed.put(plot, _with(bed.outlines[plot], band))
            bed.put(other, rest)
            bed.note("crossing", plot, strip, other=other)
            done += 1


def outside(bed: Bed, count: int) -> None:
    """Let plots at the county's border reach 6 m beyond it."""
    whole = shapely.union_all(bed.outlines, grid_size=0.0001)
    rim = whole.boundary
    at_rim = shapely.intersects(bed.outlines, rim) & (shapely.area(bed.outlines) > _MINIMUM)
    for plot in bed.take(at_rim, count, apart=True):
        line = shapely.line_merge(shapely.intersection(bed.outlines[plot].boundary, rim))
        line = max(shapely.get_parts(line), key=lambda part: part.length)
        if line.length < _LONG_M:
            continue
        band = _band(line, 6.0)
        strip = shapely.difference(band, whole)
        if strip.geom_type == "Polygon" and strip.area > WIDE_M2:
            bed.put(plot, _with(bed.outlines[plot], shapely.union(strip, band)))
            bed.note("outside", plot, strip)


def number_twice(bed: Bed, count: int) -> None:
    """Give a plot the number of another far away."""
    plots = bed.take(np.ones(len(bed.outlines), dtype=bool), 2 * count)
    for plot, other in zip(plots[::2], plots[1::2], strict=False):
        bed.frame.loc[bed.row(plot), "BSM"] = bed.frame.loc[bed.row(other), "BSM"]
        bed.note("bsm_twice", plot, other=other)


def tbbh_twice(bed: Bed, count: int) -> None:
    """Give a plot the plot number of another in its village."""
    village = bed.frame["ZLDWDM"].str[:12].to_numpy()
    done = 0
    for plot in bed.take(np.ones(len(bed.outlines), dtype=bool), 2 * count):
        same = np.flatnonzero((village == village[plot]) & bed.free)
        if len(same) and done < count:
            other = int(bed.rng.choice(same))
            bed.free[other] = False
            bed.frame.loc[bed.row(plot), "TBBH"] = bed.frame.loc[bed.row(other), "TBBH"]
            bed.note("tbbh_twice", plot, other=other)
            done += 1


def _town(kind: str, code: Callable[[Bed, str], str]) -> Callable[[Bed, int], None]:
    """Return what gives plots of their village's own people another town's code."""

    def plant(bed: Bed, count: int) -> None:
        home = (bed.frame["FRDBS"] == "0") & bed.frame["QSXZ"].str.startswith("3")
        for plot in bed.take(home.to_numpy() & (shapely.area(bed.outlines) > _MINIMUM), count):
            row = bed.row(plot)
            old = bed.frame.loc[row, "ZLDWDM"]
            new = code(bed, old[:9]) + old[9:]
            bed.frame.loc[row, ["ZLDWDM", "QSDWDM"]] = new
            names = bed.frame.loc[(bed.frame["ZLDWDM"] == new).to_numpy(), "ZLDWMC"]
            bed.frame.loc[row, "ZLDWMC"] = names.iloc[0]  # its own name where it is the only one
            bed.note(kind, plot)

    plant.__doc__ = f"Plant {kind}."
    return plant


def _another(bed: Bed, town: str) -> str:
    towns = sorted(set(bed.frame["ZLDWDM"].str[:9]))
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

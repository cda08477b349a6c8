"""Wrong shapes of single plots: spikes, slivers, knots, rings, coordinates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import MultiPolygon, Point, Polygon

from pipeline.sample.defects.ground import (
    corner,
    edge,
    ground,
    inward,
    moved,
    outward,
    reshaped,
    shared,
    split_off,
)
from pipeline.sample.place import ZONE_M

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.sample.defects.bed import Bed

WIDE_M2 = 4000.0
_LONG_M, _NEAR_M = 10.0, 0.001
_TIP_M = 11.45
"""Height of a triangle of 5° over a base of 1 m: 1 ÷ (2 tan 2.5°)."""


def _plots(bed: Bed, count: int) -> Iterator[int]:
    big = shapely.area(bed.outlines) > WIDE_M2
    single = shapely.get_type_id(bed.outlines) == shapely.GeometryType.POLYGON
    return bed.take(big & single, count, apart=True)


def spike(bed: Bed, count: int) -> None:
    """Draw a spike 0.02 m wide and 20 m long outwards from the middle of an edge."""
    for plot in _plots(bed, count):
        start, end = edge(bed.outlines[plot])
        along = (end - start) / np.linalg.norm(end - start)
        middle = (start + end) / 2
        tip = middle - inward(bed.outlines[plot], start, end) * 20
        shape = reshaped(bed.outlines[plot], start, [middle, tip, middle + along * 0.02])
        if shape.is_valid:
            bed.put(plot, shape)
            bed.note("spike", plot)


def sharp(bed: Bed, count: int) -> None:
    """Draw a corner of 5° into a neighbour, which gives up its ground."""
    for plot in _plots(bed, count):
        found = shared(bed, plot, _LONG_M)
        if found is None:
            continue
        other, start, end = found
        middle = math.dist(start, end) / 2
        tip = outward(bed.outlines[plot], (start, end)) * _TIP_M
        profile = ((middle - 0.5, 0.0), (middle, tip), (middle + 0.5, 0.0))
        wedge = ground((start, end), profile)
        if shapely.covers(shapely.buffer(bed.outlines[other], _NEAR_M), wedge):
            bed.put(plot, moved(bed.outlines[plot], (start, end), profile))
            bed.put(other, moved(bed.outlines[other], (start, end), profile))
            bed.note("sharp", plot, wedge, other=other)


def close_nodes(bed: Bed, count: int) -> None:
    """Set a second node 0.00007 m beside one."""
    for plot in _plots(bed, count):
        start, end = edge(bed.outlines[plot])
        along = (end - start) / np.linalg.norm(end - start)
        bed.put(plot, reshaped(bed.outlines[plot], start, [start + along * 7e-5]), measured=False)
        bed.note("close_nodes", plot)


def sliver(bed: Bed, count: int) -> None:
    """Cut a corner of less than 10 m² off as a plot of its own."""
    for plot in _plots(bed, count):
        split_off(bed, "sliver", plot, corner(bed.outlines[plot], 5.0), most=9.5, least=3.0)


def tiny(bed: Bed, count: int) -> None:
    """Cut a corner of 60 to 190 m² off as a plot of its own."""
    for plot in _plots(bed, count):
        split_off(bed, "tiny", plot, corner(bed.outlines[plot], 22.0), most=190.0, least=60.0)


def narrow(bed: Bed, count: int) -> None:
    """Cut a strip 0.3 m wide along an edge off as a plot of its own."""
    for plot in _plots(bed, count):
        start, end = edge(bed.outlines[plot])
        strip = shapely.LineString([start, end]).buffer(0.3, cap_style="flat")
        split_off(bed, "narrow", plot, strip, most=60.0, least=10.0)


def multi(bed: Bed, count: int) -> None:
    """Join two plots that don't touch into one of two parts."""
    code, town = bed.sound["DLBM"].to_numpy(), bed.sound["ZLDWDM"].str[:9].to_numpy()
    for plot in _plots(bed, count):
        near = bed.around(plot)
        beyond = np.setdiff1d(
            np.concatenate([bed.around(other) for other in near]), np.append(near, plot)
        )
        for other in beyond[(code[beyond] == code[plot]) & (town[beyond] == town[plot])]:
            if bed.whole[np.append(bed.around(other), other)].all():
                both = MultiPolygon([bed.outlines[plot], bed.outlines[other]])
                bed.put(plot, both)
                bed.drop(int(other))
                bed.note("multi", plot, both, other=int(other))
                break


def knot(bed: Bed, count: int) -> None:
    """Exchange two nodes far from each other: the outline crosses itself widely."""
    for plot in _plots(bed, count):
        ring = shapely.get_coordinates(bed.outlines[plot].exterior)[:-1]
        half = len(ring) // 2
        ring[[0, half]] = ring[[half, 0]]
        shape = Polygon(ring)
        if not shape.is_valid:
            bed.put(plot, shape, measured=False)
            bed.note("knot", plot)


def _replaced(
    kind: str, make: Callable[[Polygon], shapely.Geometry | None]
) -> Callable[[Bed, int], None]:
    def plant(bed: Bed, count: int) -> None:
        for plot in _plots(bed, count):
            shape = make(bed.outlines[plot])
            bed.put(plot, shape, measured=False)
            bed.note(kind, plot)

    plant.__doc__ = f"Plant {kind}."
    return plant


def _hole_twice(shape: Polygon) -> Polygon:
    ring = np.asarray(shape.representative_point().buffer(2, quad_segs=2).exterior.coords)
    return Polygon(shape.exterior, [ring, ring])


def _hole_outside(shape: Polygon) -> Polygon:
    west, south, _, _ = shape.bounds
    return Polygon(shape.exterior, [Point(west - 60, south - 60).buffer(3, quad_segs=2).exterior])


def _flat(shape: Polygon) -> Polygon:
    start, end = edge(shape)
    return Polygon([start, end, end, start])


def _not_a_number(shape: Polygon) -> Polygon:
    ring = shapely.get_coordinates(shape.exterior)
    ring[1, 0] = np.nan
    with np.errstate(invalid="ignore"):
        return Polygon(ring)


def _loop(shape: Polygon) -> Polygon:
    """Cross an edge twice within a few centimetres: a loop of 0.0001 m²."""
    start, end = edge(shape)
    along, within = (end - start) / math.dist(start, end), inward(shape, start, end)
    steps = ((0.52, 0.0), (0.5, 0.01), (0.51, -0.01))
    return reshaped(shape, start, [start + along * a + within * b for a, b in steps])


def _unzoned(shape: Polygon) -> Polygon:
    zone_m = shape.bounds[0] // ZONE_M * ZONE_M
    return shapely.transform(shape, lambda xy: xy - np.array([zone_m, 0.0]))


def _far(shape: Polygon) -> Polygon:
    return shapely.transform(shape, lambda xy: xy + np.array([0.0, 2_000_000.0]))


SHAPES: dict[str, tuple[str, Callable[[Bed, int], None]]] = {
    "spike": ("边界有尖刺", spike),
    "sharp": ("边界有尖锐的缺口", sharp),
    "close_nodes": ("两个节点几乎重合", close_nodes),
    "sliver": ("不到十平方米的碎片", sliver),
    "tiny": ("小于最小上图面积", tiny),
    "narrow": ("零点三米宽的狭长图斑", narrow),
    "multi": ("一个图斑两个部分", multi),
    "knot": ("边界大范围自相交", knot),
    "hole_twice": ("同一个洞画了两遍", _replaced("hole_twice", _hole_twice)),
    "hole_outside": ("洞在外环以外", _replaced("hole_outside", _hole_outside)),
    "no_shape": ("没有图形", _replaced("no_shape", lambda _: None)),
    "empty": ("图形为空", _replaced("empty", lambda _: Polygon())),
    "flat": ("面积为零", _replaced("flat", _flat)),
    "loop": ("边界打了一个小结", _replaced("loop", _loop)),
    "point": ("图形是点", _replaced("point", lambda shape: shape.centroid)),
    "line": ("图形是线", _replaced("line", lambda shape: shape.exterior)),
    "not_a_number": ("坐标不是数", _replaced("not_a_number", _not_a_number)),
    "unzoned": ("坐标没有带号，其余图斑有", _replaced("unzoned", _unzoned)),
    "far": ("图形在两千公里以外", _replaced("far", _far)),
}

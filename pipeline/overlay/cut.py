"""Plots cut by 永久基本农田 and 耕地保护目标 into the pieces that rules classify.

Three zones: 永农 (also where it leaves the target layer), target without 永农, outside. A part is
plot ∩ zone as a whole, however many polygons it has. Source: design.md §1, domain.md §5.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import measure
from pipeline.overlay.pairs import checked, difference, intersections, merged, union_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.model import Thresholds
    from pipeline.overlay.pairs import Shapes

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

_PBF, _TARGET, _OUTSIDE = 0, 1, 2
_ZONES = 3
WHOLE_REST_M2 = 200.0
"""A rest from here on is land in its own right, however small its share (smallest mapped plot)."""
_NOISE_M2 = 0.01  # less than a hundredth is rounding, not a sliver worth a note
_TOUCH_M = 0.001
# what floating point does to eastings of 4e7 m, in m² and in m or share: far below the grid
_EXACT_M2, _EXACT = 1e-4, 1e-7


class _Parts(NamedTuple):
    """Plots that borders cross: their row, and per zone the part's shape, area and receiver."""

    row: Ints
    shape: Shapes
    area: Floats
    receiver: Ints


def cut(
    parcels: gpd.GeoDataFrame,
    pbf: gpd.GeoDataFrame,
    target: gpd.GeoDataFrame,
    thresholds: Thresholds,
) -> gpd.GeoDataFrame:
    """Cut plots into pieces; slivers go to their neighbour, ground and base are conserved.

    parcels: bsm, area_m2, base_m2, geometry (valid, working CRS), bsm unique; pbf, target: polygons
    in the same CRS, which may overlap themselves and each other.

    Returns one row per piece, sorted by bsm, piece (1 = largest): bsm, piece, in_pbf, in_target
    (of 永农: at least half of it lies in the target layer), planar_m2, area_m2, base_m2 (closes the
    plot in 0.01 m²), merged_parts, merged_m2 (parts of other zones taken in, planar),
    pbf_outside_target_m2 (official; of 永农 pieces), geometry.

    Limits are planar and apply to whole plot ∩ zone: a sliver goes to the largest proper part it
    shares a border with, else to the largest; a plot of slivers only is one piece in the zone of
    its largest part. Then whole_share, where the rest is under 200 m².
    Raises GengbaoError on missing or invalid geometry.
    """
    plots = checked(parcels.geometry, "图斑")
    in_pbf, within_pbf = _zone(plots, checked(pbf.geometry, "永久基本农田图层"))
    in_target, within_target = _zone(plots, checked(target.geometry, "耕地保护目标图层"))
    no_pbf = np.asarray(shapely.is_empty(within_pbf))
    crossed = np.flatnonzero(
        ~in_pbf & ~(no_pbf & (in_target | shapely.is_empty(within_target)))
    )  # fmt: skip
    parts = _received(_parted(plots, within_pbf, within_target, crossed), thresholds)
    zone = np.where(in_pbf, _PBF, np.where(in_target, _TARGET, _OUTSIDE))
    pieces = _pieces(parcels, plots, zone, parts)
    return _in_target(pieces, within_pbf, within_target, parcels.crs)


def _zone(plots: Shapes, zone: Shapes) -> tuple[Bools, Shapes]:
    """Return which plots lie wholly in the zone, and each plot's ground in it."""
    polygons = np.asarray(shapely.get_parts(zone))
    pairs = intersections(plots, polygons, settle=True)
    whole = np.zeros(len(plots), dtype=bool)
    whole[pairs.left[pairs.whole]] = True
    return whole, merged(pairs, len(plots))


def _parted(plots: Shapes, pbf: Shapes, target: Shapes, row: Ints) -> _Parts:
    plot, inside = plots[row], pbf[row]
    beyond = difference(plot, inside)
    shape = np.empty((len(row), _ZONES), dtype=object)
    shape[:, _PBF] = inside
    shape[:, _TARGET] = difference(target[row], inside)
    shape[:, _OUTSIDE] = difference(beyond, target[row])
    area = np.asarray(shapely.area(shape), dtype=np.float64)
    return _Parts(row, shape, area, np.tile(np.arange(_ZONES), (len(row), 1)))


def _received(parts: _Parts, limits: Thresholds) -> _Parts:
    """Say for each part which zone's piece takes it: its own, a sliver's neighbour, the whole."""
    area, lines = parts.area, np.arange(len(parts.row))
    sliver = _slivers(parts, limits)
    proper = (area > 0) & ~sliver
    largest = np.where(proper.any(axis=1), np.where(proper, area, -1).argmax(1), area.argmax(1))
    receiver = np.where(proper, parts.receiver, largest[:, None])
    choice = np.flatnonzero((proper.sum(axis=1) > 1) & sliver.any(axis=1))
    if len(choice):  # two proper parts, hence one sliver
        lost = sliver[choice].argmax(axis=1)
        near = proper[choice] & _borders(parts.shape[choice], lost)
        near = np.where(near.any(axis=1, keepdims=True), near, proper[choice])
        receiver[choice, lost] = np.where(near, area[choice], -1).argmax(axis=1)
    held = np.zeros_like(area)
    np.add.at(held, (lines[:, None], receiver), area)
    winner, total = held.argmax(axis=1), area.sum(axis=1)
    rest = total - held[lines, winner]
    whole = (rest / total < 1 - limits.whole_share + _EXACT) & (rest < WHOLE_REST_M2 - _EXACT_M2)
    return parts._replace(receiver=np.where(whole[:, None], winner[:, None], receiver))


def _slivers(parts: _Parts, limits: Thresholds) -> Bools:
    area = parts.area
    share = area / area.sum(axis=1, keepdims=True)
    length = np.asarray(shapely.length(parts.shape), dtype=np.float64)
    width = np.divide(2 * area, length, out=np.zeros_like(area), where=length > 0)
    measured = area + _EXACT_M2  # what meets a limit on paper is not below it here
    tiny = measured < limits.sliver_area_m2
    narrow = (width + _EXACT < limits.sliver_width_m) & (measured < limits.sliver_width_area_m2)
    minor = (share + _EXACT < limits.sliver_share) & (measured < limits.sliver_share_area_m2)
    return np.asarray((area > 0) & (tiny | narrow | minor))


def _borders(shape: Shapes, lost: Ints) -> Bools:
    """Return which parts of each row share a border (more than a point) with its sliver."""
    outline = np.asarray(shapely.boundary(shape[np.arange(len(shape)), lost]))[:, None]
    shared = shapely.intersection(shape, outline, grid_size=_TOUCH_M)
    return np.asarray(shapely.length(np.asarray(shared)) > _TOUCH_M)


def _pieces(
    parcels: gpd.GeoDataFrame, plots: Shapes, zone: Ints, parts: _Parts
) -> gpd.GeoDataFrame:
    """Return the pieces, with their zone, areas and share of the base."""
    simple = np.setdiff1d(np.arange(len(plots)), parts.row)
    present = parts.area > 0
    line, own = np.nonzero(present)
    receiver = parts.receiver[line, own]
    key, shape = union_by(parts.shape[present], line * _ZONES + receiver)
    line_of, zone_of = np.divmod(key, _ZONES)
    alone = np.bincount(line_of, minlength=len(parts.row))[line_of] == 1
    shape[alone] = plots[parts.row[line_of[alone]]]
    taken = (own != receiver) & (parts.area[present] >= _NOISE_M2)
    slot = np.searchsorted(key, (line * _ZONES + receiver)[taken])
    merged_m2 = np.bincount(slot, weights=parts.area[present][taken], minlength=len(key))
    plot = np.concatenate((simple, parts.row[line_of]))
    split = np.concatenate((np.zeros(len(simple), bool), ~alone))
    geometry = np.concatenate((plots[simple], shape))
    area = parcels[F.AREA_M2.name].to_numpy(np.float64)[plot]
    area[split] = measure.official_area(geometry[split], parcels.crs)
    base = measure.split_base(measure.to_cm2(parcels[F.BASE_M2.name].to_numpy()), area, plot)
    quiet = np.zeros(len(simple))
    frame = gpd.GeoDataFrame(
        {
            F.BSM.name: parcels[F.BSM.name].to_numpy()[plot],
            "zone": np.concatenate((zone[simple], zone_of)),
            F.PLANAR_M2.name: measure.planar_area(geometry),
            F.AREA_M2.name: area,
            F.BASE_M2.name: base / 100.0,
            "merged_parts": np.concatenate((quiet, np.bincount(slot, minlength=len(key)))),
            "merged_m2": measure.round_half_up(np.concatenate((quiet, merged_m2))),
            "plot": plot,
        },
        geometry=geometry,
        crs=parcels.crs,
    )
    frame["merged_parts"] = frame["merged_parts"].astype(np.int64)
    order = np.lexsort((frame["zone"], -np.round(frame[F.PLANAR_M2.name], 6), plot))
    frame = frame.iloc[order].sort_values(F.BSM.name, kind="stable", ignore_index=True)
    frame.insert(1, "piece", frame.groupby("plot", sort=False).cumcount() + 1)
    return frame


def _in_target(
    pieces: gpd.GeoDataFrame, pbf: Shapes, target: Shapes, crs: object
) -> gpd.GeoDataFrame:
    """Replace zone by in_pbf, in_target; 永农 is in the target layer by its larger half."""
    zone, plot = pieces["zone"].to_numpy(), pieces["plot"].to_numpy()
    rows = np.flatnonzero(zone == _PBF)
    ground = pbf[plot[rows]]
    beyond = difference(ground, target[plot[rows]])
    inside = zone == _TARGET
    inside[rows] = 2 * shapely.area(beyond) <= shapely.area(ground)
    outside = np.zeros(len(pieces))
    outside[rows] = measure.official_area(beyond, crs)
    frame = pieces.assign(in_pbf=zone == _PBF, in_target=inside, pbf_outside_target_m2=outside)
    columns = [
        F.BSM.name, "piece", "in_pbf", "in_target", F.PLANAR_M2.name, F.AREA_M2.name,
        F.BASE_M2.name, "merged_parts", "merged_m2", "pbf_outside_target_m2", F.GEOMETRY.name,
    ]  # fmt: skip
    return frame[columns]

"""Where every hundredth of a m² went: each plot's base shared out among the ground it stands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import measure
from pipeline.compare.ground import GRID_M, ROUNDED_M, WITHIN_GRID_M
from pipeline.compare.plots import picked
from pipeline.overlay import difference, union_by

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.compare.ground import Bools, Floats, Ints, Same, Shapes, Shared

_ROUNDING_M2 = 0.01  # every official area is rounded to it


@dataclass(frozen=True, slots=True)
class Descent:
    """Pairs that share ground, and which of them are links."""

    shared: Shared
    linked: Bools


def flows(
    old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, same: Same, descent: Descent
) -> gpd.GeoDataFrame:
    """Return where the ground of every plot went and came from; see `lineage.match`.

    old, new: parcels frames, sorted by BSM; rows of `same` and `descent` are theirs.
    """
    shared = descent.shared
    left, right = np.concatenate((same.old, shared.old)), np.concatenate((same.new, shared.new))
    overlap = np.concatenate((whole(old, new, same), shared.area_m2))
    shape = np.concatenate((new.geometry.to_numpy()[same.new], shared.shape))
    parts = _Parts(overlap, shape, len(same.old), _step(same))
    old_cm2, gone, gone_cm2, gone_shape = _shared_out(old, left, parts)
    new_cm2, fresh, fresh_cm2, fresh_shape = _shared_out(new, right, parts)
    no_old, no_new = (np.full(len(rows), -1, dtype=np.int64) for rows in (fresh, gone))
    rows_old = np.concatenate((left, gone, no_old))
    rows_new = np.concatenate((right, no_new, fresh))
    before = np.concatenate((old_cm2, gone_cm2, np.zeros(len(fresh), np.int64)))
    after = np.concatenate((new_cm2, np.zeros(len(gone), np.int64), fresh_cm2))
    rest = len(gone) + len(fresh)
    frame = gpd.GeoDataFrame(
        {
            "old_bsm": codes(old, rows_old),
            "new_bsm": codes(new, rows_new),
            "overlap_m2": np.concatenate((overlap, np.zeros(rest))),
            "old_cm2": before,
            "new_cm2": after,
            "flow_cm2": np.minimum(before, after),
            "linked": np.concatenate(
                (np.ones(len(same.old), bool), descent.linked, np.zeros(rest, bool))
            ),
        },
        geometry=np.concatenate((shape, gone_shape, fresh_shape)),
        crs=old.crs,
    )
    order = np.lexsort((rows_new, rows_old, rows_old < 0, rows_new < 0))
    return frame.iloc[order].reset_index(drop=True)


class _Parts(NamedTuple):
    """Overlaps of the two sides; the first `settled` of them are of plots on the same ground."""

    overlap_m2: Floats
    shape: Shapes
    settled: int
    step_m: float


def _step(same: Same) -> float:
    """Return how far rounding moves an outline: further if most unchanged plots were rounded."""
    coarse = len(same.old) > 0 and np.median(same.shift_m) > WITHIN_GRID_M
    return ROUNDED_M if coarse else GRID_M


def _shared_out(
    plots: gpd.GeoDataFrame, row: Ints, parts: _Parts
) -> tuple[Ints, Ints, Ints, Shapes]:
    """Share each plot's base among its overlaps and the ground nobody else has.

    row: of the plot each overlap lies in, first those of plots on the same ground, which have no
    other. A rest is ground of its own only where rounding can't explain it: a hundredth per part,
    and `step_m` along the outline. Returns the overlaps' shares; rows, shares and ground of rests.
    """
    geometry = np.asarray(plots.geometry.to_numpy(), dtype=object)
    area = plots[F.AREA_M2.name].to_numpy(dtype=np.float64)
    count = np.bincount(row, minlength=len(plots))
    rest = area - np.bincount(row, weights=parts.overlap_m2, minlength=len(plots))
    noise = _ROUNDING_M2 * (count + 1) + parts.step_m * shapely.length(geometry)
    noise[row[: parts.settled]] = np.inf
    alone = np.flatnonzero((rest > noise) | (count == 0))
    # a plot below a hundredth still has to go somewhere
    size = np.concatenate((parts.overlap_m2, np.maximum(rest[alone], np.finfo(float).tiny)))
    base = measure.to_cm2(plots[F.BASE_M2.name].to_numpy())
    share = measure.split_base(base, size, np.concatenate((row, alone)))
    taken = np.full(len(plots), shapely.Polygon(), dtype=object)
    mine = np.isin(row, alone)
    rows, united = union_by(parts.shape[mine], row[mine])
    taken[rows] = united
    return share[: len(row)], alone, share[len(row) :], difference(geometry[alone], taken[alone])


def whole(old: gpd.GeoDataFrame, new: gpd.GeoDataFrame, same: Same) -> Floats:
    """Return the official area of plots on the same ground, of the smaller outline."""
    area_old, area_new = (f[F.AREA_M2.name].to_numpy(dtype=np.float64) for f in (old, new))
    return np.asarray(np.minimum(area_old[same.old], area_new[same.new]))


def codes(frame: gpd.GeoDataFrame, rows: Ints) -> NDArray[np.object_]:
    """Return the BSMs at rows, None at row -1."""
    return picked(frame[F.BSM.name].to_numpy(dtype=object), rows)

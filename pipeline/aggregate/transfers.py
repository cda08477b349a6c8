"""Ground that changed category: which task's remaining area went over to which other task.

Ground by ground, by exact overlaps, never by majority: a task that left its category hands over
what another task takes of its ground, no more than either side books. Source:
docs/decisions/0051-ground-that-changed-category.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from pipeline import measure, overlay
from pipeline.measure import split_base, to_cm2

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

LEAST_CM2 = 1000
"""Less than 10 m² is a shifted border (the ledger's own limit)."""
COLUMNS = ("gone", "into", "cm2")


class _Side(NamedTuple):
    """One side of the pairs: row of each pair, area of each row's outline, what it books."""

    row: Ints
    area_cm2: Ints
    booked_cm2: Ints


def transfers(gone: pd.DataFrame, into: pd.DataFrame, tasks: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return what went over from rows of `gone` to rows of `into` at one export: COLUMNS.

    gone, into: task_id, category, cm2 (≥ 0: remaining area that left, that came); tasks: task_id,
    geometry. gone, into of the result: index labels; cm2 > 0. Each side shares what it books by
    the ground it has in common, ground of no other task included; the smaller share goes over.
    Ground of less than 10 m² is no transfer, and a rest of less than 10 m² is shared out too.
    """
    if gone.empty or into.empty:
        return pd.DataFrame({name: np.zeros(0, np.int64) for name in COLUMNS})
    outlines = tasks.set_index("task_id").geometry
    shapes = [np.asarray(outlines.reindex(side["task_id"])) for side in (gone, into)]
    pairs = overlay.overlap_area(shapes[0], shapes[1], tasks.crs)
    left, right = (pairs[name].to_numpy(np.int64) for name in ("left", "right"))
    shared = to_cm2(pairs["area_m2"])
    other = gone["category"].to_numpy()[left] != into["category"].to_numpy()[right]
    keep = other & (shared >= LEAST_CM2)
    left, right, shared = left[keep], right[keep], shared[keep]
    areas = [to_cm2(measure.official_area(shape, tasks.crs)) for shape in shapes]
    shares = [
        _shares(_Side(row, area, side["cm2"].to_numpy(np.int64)), shared)
        for row, area, side in zip((left, right), areas, (gone, into), strict=True)
    ]
    table = pd.DataFrame(
        {"gone": gone.index[left], "into": into.index[right], "cm2": np.minimum(*shares)}
    )
    return table[table["cm2"] > 0].sort_values(["gone", "into"], ignore_index=True)


def _shares(side: _Side, shared_cm2: Ints) -> Ints:
    """Share what every row books among its pairs and the ground of no pair, exactly."""
    rows, at = np.unique(side.row, return_inverse=True)
    rest = side.area_cm2[rows] - np.bincount(at, shared_cm2, len(rows)).astype(np.int64)
    rest = np.where(rest >= LEAST_CM2, rest, 0)
    ground = np.concatenate([shared_cm2, rest])
    owner = np.concatenate([at, np.arange(len(rows))])
    return split_base(side.booked_cm2[rows], ground, owner)[: len(at)]

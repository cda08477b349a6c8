"""Boxes near boxes, by a grid: quick enough to choose rows by before any shape is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from shapely import STRtree, box

from pipeline.storage.shelf import row_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

LEAST_CELLS, MOST_CELLS = 64, 1024
"""Of the grid's side: at most some 50 m in a county of 50 km."""
_CELLS_PER_PLACE = 4


class Places:
    """Boxes (west, south, east, north, one a row) that others may come near."""

    def __init__(self, boxes: Floats) -> None:
        """Mark the cells of a grid that the boxes lie in; one without figures lies nowhere."""
        boxes = boxes[np.isfinite(boxes).all(axis=1)]
        self._boxes = boxes
        self._any = len(boxes) > 0
        if not self._any:
            return
        wanted = int(_CELLS_PER_PLACE * np.sqrt(len(boxes)))
        self._count = min(max(wanted, LEAST_CELLS), MOST_CELLS)
        self._low, self._high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
        extent = float((self._high - self._low).max())
        self._size = max(extent, float(np.finfo(float).tiny)) / self._count
        self._sums = self._marked(boxes)

    def near(self, boxes: Floats) -> Bools:
        """Return which of these boxes come near: all that meet a place, and some close by."""
        found = np.zeros(len(boxes), dtype=bool)
        if self._any:
            for rows in row_blocks(len(boxes)):
                found[rows] = self._near(boxes[rows])
        return found

    def meeting(self, boxes: Floats) -> Bools:
        """Return which of these boxes meet a place, if only with an edge."""
        found = self.near(boxes)
        rows = np.flatnonzero(found)
        places, asked = (np.asarray(box(*sides.T)) for sides in (self._boxes, boxes[rows]))
        met = STRtree(places).query(asked)[0]
        found[rows] = np.isin(np.arange(len(rows)), met)
        return found

    def _near(self, boxes: Floats) -> Bools:
        known = np.isfinite(boxes).all(axis=1)
        within = (boxes[:, :2] <= self._high).all(axis=1) & (boxes[:, 2:] >= self._low).all(axis=1)
        found: Bools = known & within
        west, south, east, north = self._cells(boxes[found])
        sums = self._sums
        found[found] = (
            sums[east + 1, north + 1] - sums[west, north + 1] - sums[east + 1, south]
            + sums[west, south] > 0
        )  # fmt: skip
        return found

    def _cells(self, boxes: Floats) -> Ints:
        """Return west, south, east, north as numbers of cells."""
        cells = np.floor((boxes - np.tile(self._low, 2)) / self._size).clip(0, self._count - 1)
        return np.asarray(cells.astype(np.int64).T)

    def _marked(self, boxes: Floats) -> Ints:
        """Return how many cells with a box lie below and left of each corner."""
        west, south, east, north = self._cells(boxes)
        side = self._count + 1
        edges = np.zeros((side, side), dtype=np.int64)
        for x, y, sign in (
            (west, south, 1),
            (east + 1, south, -1),
            (west, north + 1, -1),
            (east + 1, north + 1, 1),
        ):
            np.add.at(edges, (x, y), sign)
        marked = edges.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0
        sums = np.zeros((side, side), dtype=np.int64)
        sums[1:, 1:] = marked.cumsum(axis=0).cumsum(axis=1)
        return sums

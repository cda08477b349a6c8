"""Frames laid on disk one after the other: of many rows none need be in memory at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import pandas as pd
import shapely

from pipeline.storage.register import Laying, Register
from pipeline.storage.rows import GEOMETRY
from pipeline.storage.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import geopandas as gpd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Laid(NamedTuple):
    """Rows of frames: their columns, their shapes, and the shapes' extents; row by row."""

    columns: Register
    shapes: Shelf
    boxes: Floats
    crs: Any

    @classmethod
    def lay(cls, frames: Iterable[gpd.GeoDataFrame]) -> Self:
        """Lay frames of the same columns and CRS, at least one, one after the other.

        Raises OutputError where the disk of the temporary folder is full.
        """
        columns = Laying()
        boxes: list[Floats] = []
        crs: list[Any] = []

        def drawn() -> Iterator[NDArray[np.object_]]:
            for frame in frames:
                shapes = frame.geometry.to_numpy()
                columns.add(pd.DataFrame(frame.drop(columns=GEOMETRY)))
                boxes.append(shapely.bounds(shapes))
                crs[:] = [frame.crs]
                wkb = np.asarray(shapely.to_wkb(shapes), dtype=object)
                del frame, shapes  # the next frame is made while this one is waited for
                yield wkb

        shapes = Shelf.lay(drawn())
        return cls(Register.joined(columns.laid), shapes, np.concatenate(boxes), crs[0])

    def select(self, rows: NDArray[Any]) -> Self:
        """Return these rows, in this order."""
        columns, shapes = self.columns.select(rows), self.shapes.select(rows)
        return self._replace(columns=columns, shapes=shapes, boxes=self.boxes[rows])

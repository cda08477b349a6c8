"""Shapes of rows brought into the county's CRS, mended and measured, some thousands at a time.

What is kept of each row is its figures; the shapes themselves lie on a shelf until asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline import measure
from pipeline.ingest.mending import mend
from pipeline.storage import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from pipeline.ingest.geometry import Fault, Shapes
    from pipeline.ingest.placing import Placed
    from pipeline.model import County

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Drawn:
    """Shapes of rows and their figures, by position; where there is no shape, 0 and NaN.

    shapes: in the county's CRS, mended, none where unusable; boxes: their extents (n, 4); own_cm2:
    official area as drawn, area_cm2: as mended; planar_m2, length_m: as mended; as_drawn: the
    shapes that mending changed or set aside.
    """

    shapes: Shelf
    boxes: Floats
    own_cm2: Ints
    area_cm2: Ints
    planar_m2: Floats
    length_m: Floats
    as_drawn: dict[int, BaseGeometry] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.boxes)

    @property
    def area_m2(self) -> Floats:
        """Return the official area as mended, in m² with two decimals."""
        return self.area_cm2 / 100.0

    def select(self, rows: NDArray[Any]) -> Drawn:
        """Return these rows, in this order, as mended only; without a copy where they are all."""
        if np.array_equal(rows, np.arange(len(self))):
            return replace(self, as_drawn={})
        return Drawn(
            shapes=self.shapes.select(rows), boxes=self.boxes[rows], own_cm2=self.own_cm2[rows],
            area_cm2=self.area_cm2[rows], planar_m2=self.planar_m2[rows],
            length_m=self.length_m[rows],
        )  # fmt: skip

    def geometry(self, rows: NDArray[Any] | slice = slice(None)) -> Shapes:
        """Return the shapes of these rows as mended, None where there is none."""
        return np.asarray(shapely.from_wkb(self.shapes.take(rows)), dtype=object)

    def blocks(self) -> Iterator[tuple[slice, Shapes]]:
        """Yield all shapes as mended, some thousands at a time."""
        for rows, wkb in self.shapes.blocks():
            yield rows, np.asarray(shapely.from_wkb(wkb), dtype=object)

    def before(self, rows: Ints) -> Shapes:
        """Return the shapes of these rows as drawn, None where there is none."""
        shapes = self.geometry(rows)
        for n, at in enumerate(rows.tolist()):
            shapes[n] = self.as_drawn.get(at, shapes[n])
        return shapes

    def boxes_before(self) -> Floats:
        """Return the extents of all rows as drawn."""
        boxes = self.boxes.copy()
        changed = list(self.as_drawn)
        boxes[changed] = shapely.bounds(np.array([*self.as_drawn.values()], dtype=object))
        return boxes

    def unshaped(self) -> NDArray[np.bool_]:
        """Return which rows had no usable shape even before mending."""
        none = self.shapes.missing
        none[list(self.as_drawn)] = False
        return none


@dataclass(slots=True)
class Measured:
    """Drawn rows, what mending did or found (faults by position), WKB as delivered where it did."""

    drawn: Drawn
    mended: dict[int, Fault]
    wkb: dict[int, bytes]


def measured(placed: Placed, tbmj: Floats, county: County) -> Measured:
    """Bring shapes into the county's CRS, mend and measure them.

    tbmj: m² that a mended shape must agree with, NaN where nothing is asked. Raises InputError
    where most shapes don't lie in the county.
    """
    count = len(tbmj)
    drawn = nothing(count)
    found = Measured(drawn, {}, {})

    def shapes() -> Iterator[Shapes]:
        for rows, geometry in placed.blocks():
            rings = measure.rings_of(geometry)
            after, mended = mend(geometry, rings, tbmj[rows], county.thresholds, county.crs)
            drawn.own_cm2[rows] = measure.official_area_cm2(rings, county.crs)
            _enter(drawn, rows, geometry, after, mended.keys(), county)
            _note(found, rows, placed, mended, shapely.is_missing(geometry))
            yield np.asarray(shapely.to_wkb(after), dtype=object)

    drawn.shapes = Shelf.lay(shapes())
    return found


def _enter(
    drawn: Drawn,
    rows: slice,
    geometry: Shapes,
    after: Shapes,
    changed: Iterable[int],
    county: County,
) -> None:
    drawn.area_cm2[rows] = drawn.own_cm2[rows]
    places = np.array(sorted(changed), dtype=np.int64)
    mended = measure.rings_of(after[places])
    drawn.area_cm2[rows.start + places] = measure.official_area_cm2(mended, county.crs)
    drawn.as_drawn.update(zip((rows.start + places).tolist(), geometry[places], strict=True))
    drawn.boxes[rows] = shapely.bounds(after)
    drawn.planar_m2[rows], drawn.length_m[rows] = shapely.area(after), shapely.length(after)


def _note(
    found: Measured,
    rows: slice,
    placed: Placed,
    mended: dict[int, Fault],
    missing: NDArray[np.bool_],
) -> None:
    """Keep what mending said and, of rows that are or may be set aside, the WKB as delivered."""
    missing[list(mended)] = True
    places = np.flatnonzero(missing) + rows.start
    delivered = zip(places.tolist(), placed.delivered(places), strict=True)
    found.mended |= {rows.start + at: fault for at, fault in mended.items()}
    found.wkb |= {at: wkb for at, wkb in delivered if wkb}


def nothing(count: int) -> Drawn:
    """Return so many rows without a shape."""
    return Drawn(
        shapes=Shelf.lay([np.full(count, None, dtype=object)]),
        boxes=np.full((count, 4), np.nan),
        own_cm2=np.zeros(count, dtype=np.int64),
        area_cm2=np.zeros(count, dtype=np.int64),
        planar_m2=np.full(count, np.nan),
        length_m=np.full(count, np.nan),
    )


def joined(parts: Sequence[Drawn]) -> Drawn:
    """Return the rows of all parts, one after the other."""
    starts = np.cumsum([0, *map(len, parts)]).tolist()
    return Drawn(
        shapes=Shelf.joined(part.shapes for part in parts),
        boxes=np.concatenate([part.boxes for part in parts]),
        own_cm2=np.concatenate([part.own_cm2 for part in parts]),
        area_cm2=np.concatenate([part.area_cm2 for part in parts]),
        planar_m2=np.concatenate([part.planar_m2 for part in parts]),
        length_m=np.concatenate([part.length_m for part in parts]),
        as_drawn={
            start + at: shape
            for start, part in zip(starts, parts, strict=False)
            for at, shape in part.as_drawn.items()
        },
    )

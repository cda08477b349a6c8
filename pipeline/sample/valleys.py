"""A valley in its own frame: centre line, lanes across it, side streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FIELD = "field"
MOUTH_M = 120.0
"""Length of the first stretch of a side valley, left without fields: its parent's edge bends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Valley:
    """One valley in its own (s along, n across) frame.

    axis, normal: (k, 2) at the knots; town: (k-1) town of each stretch; parent: index or −1;
    edges: side → (lanes + 1, k) distance n of the lane edges; lanes: side → kinds.
    mouths: (n, 3) s, side and half-width of the side valleys' streams, filled by the children.
    """

    name: str
    axis: Floats
    normal: Floats
    town: Ints
    parent: int
    edges: dict[int, Floats]
    lanes: dict[int, tuple[str, ...]]
    mouths: tuple[tuple[float, int, float], ...] = ()
    step_m: float = 25.0

    def line(self, side: int, row: int) -> Floats:
        """Return the (k, 2) points of a lane edge; row −1 is the outermost."""
        n = self.edges[side][row]
        return np.asarray(np.round(self.axis + side * n[:, None] * self.normal, 4))

    def polygon(self) -> shapely.Polygon:
        """Return the valley floor."""
        ring = np.vstack((self.line(1, -1), self.line(-1, -1)[::-1]))
        return shapely.Polygon(ring)

    @property
    def first(self) -> int:
        """First knot from which lanes are drawn (behind the mouth)."""
        return 0 if self.parent < 0 else int(np.ceil(MOUTH_M / self.step_m))


def field_area(valleys: list[Valley], towns: int) -> Floats:
    """Return the plane area of field lanes by town (m²)."""
    total = np.zeros(towns)
    for v in valleys:
        for side, lanes in v.lanes.items():
            for row, kind in enumerate(lanes):
                if kind == FIELD:
                    depth = v.edges[side][row + 1] - v.edges[side][row]
                    part = (depth[1:] + depth[:-1]) / 2 * v.step_m
                    part[: v.first] = 0
                    np.add.at(total, v.town, part)
    return total

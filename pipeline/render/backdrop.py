"""The survey as a quiet backdrop: land classes in their usual colours, paled, with borders."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline import storage
from pipeline.render.sheet import Box, Ink
from pipeline.render.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from pipeline.render.frame import MapFrame
    from pipeline.render.sheet import Sheet

TABLE = Path(__file__).parent.parent / "tables" / "land_colours.csv"
PALE = 0.55
"""Share of white in the backdrop: what is mapped stands out from where it lies."""
_NAMED_MM2 = 220.0
_OTHER = "#E6E6E6"
_LEGEND_COLUMNS, _LEGEND_ROW_MM = 4, 4.0


@lru_cache(maxsize=1)
def land_colours() -> dict[str, str]:
    """Return the fill of each land class by its DLBM (tables/land_colours.csv)."""
    table = storage.read_table(TABLE)
    return dict(zip(table["dlbm"], table["colour"], strict=True))


def paled(colour: str, white: float = PALE) -> str:
    """Return a colour with this share of white mixed in."""
    parts = [int(colour[n : n + 2], 16) for n in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (255 - part) * white):02X}" for part in parts)


class Backdrop:
    """The plots of an export (dlbm, dlmc if there, geometry), ready to be cut out by windows."""

    def __init__(self, land: gpd.GeoDataFrame, names: dict[str, str]) -> None:
        """Index the plots; names: Chinese name by DLBM."""
        self._shapes: NDArray[np.object_] = np.asarray(land.geometry.to_numpy(), dtype=object)
        self._codes: NDArray[np.object_] = land["dlbm"].fillna("").to_numpy(dtype=object)
        self._tree = shapely.STRtree(self._shapes)
        self._names = names

    def draw(
        self, sheet: Sheet, frame: MapFrame, covered: Sequence[BaseGeometry] = ()
    ) -> list[Box]:
        """Draw what lies within the frame: fills by class, thin borders, names where there is room.

        covered: what will lie over it in page mm; no name there. Returns the names' boxes.
        """
        rows = np.sort(self._tree.query(shapely.box(*frame.ground)))
        shapes = shapely.clip_by_rect(frame.to_page(self._shapes[rows]), *frame.box)
        codes = self._codes[rows]
        solid = np.asarray(shapely.area(shapes)) > 0
        shapes, codes = shapes[solid], codes[solid]
        colours = land_colours()
        for code in sorted(set(codes)):
            own = shapes[codes == code]
            sheet.fill(own, paled(colours.get(code, _OTHER)), f"land:{code}")
        if len(shapes):
            edges = shapely.union_all(shapely.boundary(shapes))
            sheet.lines(edges, STYLE.hair_pt, STYLE.rule, "land")
        return self._name(sheet, shapes, codes, shapely.STRtree(list(covered)))

    def _name(
        self,
        sheet: Sheet,
        shapes: NDArray[np.object_],
        codes: NDArray[np.object_],
        covered: shapely.STRtree,
    ) -> list[Box]:
        """Write the class on plots that hold it, largest first; return the names' boxes."""
        ink = Ink(STYLE.small_pt, colour=STYLE.quiet, ha="center")
        taken: list[Box] = []
        areas = np.asarray(shapely.area(shapes))
        for n in np.argsort(-areas, kind="stable"):
            if areas[n] < _NAMED_MM2:
                break
            text = self._names.get(str(codes[n]), str(codes[n]))
            half = sheet.width(text, ink) / 2 + 0.6
            over = covered.geometries.take(covered.query(shapes[n], predicate="intersects"))
            room = shapely.difference(shapes[n], shapely.union_all(over))
            if room.is_empty:
                continue
            part = max(shapely.get_parts(room), key=shapely.area)
            at = shapely.get_point(shapely.maximum_inscribed_circle(part, tolerance=0.5), 0)
            box = Box(at.x - half, at.y - 0.8, at.x + half, at.y + 2.4)
            if room.contains(box.shape()):
                sheet.text((at.x, at.y), text, ink, gid="land-name")
                taken.append(box)
        return taken


def legend_height(count: int) -> float:
    """Return the height in mm that the legend of so many classes takes."""
    return -(-count // _LEGEND_COLUMNS) * _LEGEND_ROW_MM + 2


def land_legend(sheet: Sheet, box: Box, codes: Sequence[str], names: Mapping[str, str]) -> None:
    """Draw the classes' colours with their names, in columns; names: by DLBM."""
    colours, rows = land_colours(), -(-len(codes) // _LEGEND_COLUMNS)
    width = box.width / _LEGEND_COLUMNS
    for n, code in enumerate(codes):
        x = box.left + 1 + (n // rows) * width
        y = box.top - 0.5 - (n % rows + 1) * _LEGEND_ROW_MM
        swatch = Box(x, y, x + 5, y + 2.8)
        sheet.rect(swatch, paled(colours.get(code, _OTHER)), STYLE.rule, STYLE.hair_pt)
        name = names.get(code, code)
        sheet.fitted((x + 6.2, y + 0.5), name, Ink(STYLE.note_pt), width - 7.5)

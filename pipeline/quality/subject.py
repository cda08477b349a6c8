"""What is checked: rows as delivered, what lies around them, facts that several checks need."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere
from pipeline import measure, overlay
from pipeline.model import Thresholds
from pipeline.quality.around import Around, Cover, around, cover
from pipeline.quality.changes import Change, changed
from pipeline.quality.corners import SHARP_DEG, Corners, sharp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.model import County

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

PLOTS, PBF, TARGET = "parcels", "pbf", "target"


class Column(NamedTuple):
    """A delivered column: the national field it is taken for (None: none), stored as, widths.

    kind: text, number, float or unreadable, "" unknown; width: (characters, decimals) where the
    file declares them.
    """

    file: str
    name: str
    national: str | None
    kind: str = ""
    width: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Rows of one role, none left out, in one plane of metres.

    table: standard columns (text: str, numbers: float64 or Int64), source_file, source_row, index
    0..n-1; raw: those delivered, as delivered; drawn: polygons on the grid (None: unusable);
    shapes: the same, valid (None: can't be); crs: the CGCS2000 zone areas are told in; towns:
    town_code, town, dcmj (m², may be missing), polygons; zones: other roles; earlier: the plots of
    an earlier export. Facts are computed when first asked for and belong to the subject alone.
    """

    role: str
    table: pd.DataFrame
    raw: pd.DataFrame
    drawn: Shapes
    shapes: Shapes
    crs: str
    columns: tuple[Column, ...] = ()
    county: County | None = None
    towns: gpd.GeoDataFrame | None = None
    export: date | None = None
    zones: Mapping[str, Subject] = field(default_factory=dict)
    earlier: Subject | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.table)

    @property
    def limits(self) -> Thresholds:
        """The county's thresholds."""
        return self.county.thresholds if self.county else Thresholds()

    @property
    def standard(self) -> tuple[F.Field, ...]:
        """The fields that the standard has for a layer of this role."""
        return F.DLTB if self.role == PLOTS else F.ROLE_FIELDS[self.role]

    @property
    def first_file(self) -> str:
        """Where findings of no single plot are said to be, "" without rows."""
        return str(self.table[F.SOURCE_FILE.name].iloc[0]) if len(self) else ""

    def has(self, *wanted: F.Field) -> bool:
        """Return whether all these fields were delivered."""
        return all(one.name in self.raw.columns for one in wanted)

    def text(self, wanted: F.Field) -> pd.Series:
        """Return a text field with "" for missing."""
        return self.table[wanted.name].fillna("").astype(str)

    def number(self, wanted: F.Field) -> Floats:
        """Return a number field, NaN for missing."""
        return self.table[wanted.name].to_numpy(dtype=np.float64, na_value=np.nan)

    @cached_property
    def cropland(self) -> Bools:
        """Rows whose DLBM is 01xx."""
        return self.text(F.DLBM).str.startswith("01").to_numpy(dtype=bool)

    @cached_property
    def usable(self) -> NDArray[np.int64]:
        """Rows with a valid polygon."""
        return np.flatnonzero(~shapely.is_missing(self.shapes)).astype(np.int64)

    @cached_property
    def area_m2(self) -> Floats:
        """Official area per row, NaN without a valid polygon."""
        area = np.full(len(self), np.nan)
        area[self.usable] = measure.official_area(self.shapes[self.usable], self.crs)
        return area

    @cached_property
    def planar_m2(self) -> Floats:
        """Planar area per row, NaN without a valid polygon."""
        return np.asarray(shapely.area(self.shapes), dtype=np.float64)

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The usable polygons; its positions are those of `usable`."""
        return shapely.STRtree(self.shapes[self.usable])

    @cached_property
    def extent(self) -> Shapes:
        """Ground that is to be covered: the towns, else the layer's own outer outline."""
        if self.towns is not None:
            return np.asarray(self.towns.geometry.to_numpy(), dtype=object)
        whole = shapely.get_parts(shapely.union_all(self.shapes[self.usable]))
        return np.asarray(shapely.polygons(shapely.get_exterior_ring(whole)), dtype=object)

    @cached_property
    def corners(self) -> Corners:
        """Sharp corners of the delivered polygons, each once."""
        return sharp(self.drawn, SHARP_DEG)

    @cached_property
    def cover(self) -> Cover:
        """Overlaps, duplicates and bare ground; row numbers are the subject's."""
        return cover(self.shapes, self.usable, self.extent, self.limits.grid_m)

    @cached_property
    def around(self) -> Around | None:
        """How much of each plot lies in which town and outside all; None without towns."""
        if self.towns is None:
            return None
        return around(self.shapes, self.usable, self.towns)

    @cached_property
    def change(self) -> Change | None:
        """What became of the earlier plots; None without an earlier export."""
        return None if self.earlier is None else changed(self.earlier, self)

    def official(self, shapes: Shapes) -> Floats:
        """Return the official area of polygons of this subject's plane."""
        return measure.official_area(overlay.polygonal(shapes), self.crs)

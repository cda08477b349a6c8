"""Plots in which defects are planted: which are still whole, what was planted where."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from shapely import Geometry

    Bools = NDArray[np.bool_]

EXTRA = 7_000_000
"""Serial numbers of planted plots start here, far above those of the sample."""
_GEOD = Geod(ellps="GRS80")  # CGCS2000 differs from it by 0.1 mm in the polar axis
_CENT = Decimal("0.01")


@dataclass(slots=True)
class Bed:
    """A layer while defects are planted in it.

    frame: the layer, with a column `plot` that numbers its rows (a private copy); layer: its name
    in the truth; sound: the layer as it was, its rows by `plot`;
    whole: which plots no defect has touched, by `plot`; truth: what was planted; beside: shapes of
    another layer that it is to lie in; gone: numbers of plots taken out; planted: how many were
    put in.
    """

    frame: gpd.GeoDataFrame
    layer: str
    rng: np.random.Generator
    sound: gpd.GeoDataFrame = field(init=False)
    whole: Bools = field(init=False)
    truth: list[dict[str, Any]] = field(default_factory=list)
    tree: shapely.STRtree = field(init=False)
    outlines: NDArray[np.object_] = field(init=False)
    beside: NDArray[np.object_] | None = None
    gone: dict[int, str] = field(default_factory=dict)
    planted: int = 0

    def __post_init__(self) -> None:
        """Give the rows numbers, and remember the outlines as they are without defects."""
        self.sound = self.frame
        self.frame = self.frame.assign(plot=np.arange(len(self.frame)))
        self.whole = np.ones(len(self.frame), dtype=bool)
        self.outlines = self.frame.geometry.to_numpy().copy()
        self.tree = shapely.STRtree(self.outlines)

    def around(self, plot: int) -> NDArray[np.int64]:
        """Return the plots whose outline touches a plot's, itself not among them."""
        near = self.tree.query(self.outlines[plot], predicate="intersects")
        return np.asarray(near[near != plot], dtype=np.int64)

    def take(self, among: Bools, count: int, *, apart: bool = False) -> Iterator[int]:
        """Yield up to `count` whole plots, at random; apart: all their neighbours are whole too.

        A plot is no longer whole once it was taken (and used, where the caller marks others).
        """
        for plot in self.rng.permutation(np.flatnonzero(among[: len(self.whole)] & self.whole)):
            if count == 0:
                return
            group = np.append(self.around(plot), plot) if apart else np.array([plot])
            if self.whole[group].all():
                planted = len(self.truth)
                yield int(plot)
                if len(self.truth) > planted:
                    count -= 1

    def note(self, kind: str, plot: int, place: Geometry | None = None, **more: object) -> None:
        """Remember what was planted: at a place, else on the whole plot as it was."""
        own = self.outlines[plot] if plot < len(self.outlines) else self.value(plot, "geometry")
        for touched in (plot, more.get("other")):
            if isinstance(touched, int) and touched < len(self.whole):
                self.whole[touched] = False
        shape = own if place is None else place
        west, south, east, north = shapely.bounds(shape)
        self.truth.append(
            {
                "kind": kind, "layer": self.layer, "plot": plot,
                "x_min": west, "y_min": south, "x_max": east, "y_max": north,
                "area_m2": float(shapely.area(shape)), "company": False, **more,
            }
        )  # fmt: skip

    def put(self, plot: int, shape: Geometry | None, *, measured: bool = True) -> None:
        """Give a plot another outline, and the areas that belong to it where it has any."""
        self.write(plot, {"geometry": shape})
        if measured and shape is not None:
            self.write(plot, self.areas(shape, float(self.value(plot, "KCXS"))))

    def add(self, like: int, shape: Geometry, *, measured: bool = True) -> int:
        """Add a plot with another's attributes, new numbers and areas of its own; return it."""
        plot = int(self.frame["plot"].max()) + 1
        new = self.frame.iloc[[self.row(like)]].assign(plot=plot)
        self.planted += 1
        serial = EXTRA + self.planted
        new["BSM"] = f"{new['BSM'].iloc[0][:10]}{serial:08d}"
        if "TBBH" in new:
            new["TBBH"] = f"{serial:08d}"
        self.frame = pd.concat([self.frame, new], ignore_index=True)
        self.put(plot, shape, measured=measured)
        return plot

    def value(self, plot: int, name: str) -> Any:  # noqa: ANN401 - a cell
        """Return what stands in a field of a plot."""
        return self.frame[name].iloc[self.row(plot)]

    def write(self, plot: int, values: Mapping[str, Any]) -> None:
        """Write into fields of a plot."""
        row = self.row(plot)
        for name, value in values.items():
            self.frame.iloc[row, list(self.frame).index(name)] = value

    def drop(self, plot: int) -> None:
        """Take a plot out of the layer, and remember its number."""
        self.gone[plot] = str(self.value(plot, "BSM"))
        self.frame = self.frame[self.frame["plot"] != plot].reset_index(drop=True)

    def row(self, plot: int) -> int:
        """Return a plot's place in the frame."""
        return int(np.flatnonzero(self.frame["plot"].to_numpy() == plot)[0])

    def areas(self, shape: Geometry, rate: float) -> dict[str, float]:
        """Return TBMJ, KCMJ and TBDLMJ of an outline: geodesic area, rounded half-up."""
        degrees = gpd.GeoSeries([shape], crs=self.frame.crs).to_crs("EPSG:4490").iloc[0]
        area = Decimal(abs(_GEOD.geometry_area_perimeter(degrees)[0])).quantize(
            _CENT, ROUND_HALF_UP
        )
        off = (area * Decimal(str(rate))).quantize(_CENT, ROUND_HALF_UP)
        return {"TBMJ": float(area), "KCMJ": float(off), "TBDLMJ": float(area - off)}

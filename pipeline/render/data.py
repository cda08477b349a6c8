"""What a map is and what it is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
from pyproj import CRS

from pipeline.errors import Finding, GengbaoError, InputError
from pipeline.render.scope import COUNTY, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from pipeline.model import County
    from pipeline.render.style import Page

GAP_COLUMNS = (
    "export", "town_code", "town", "indicator", "target_mu", "published_gap_mu", "gap_mu",
    "restored_mu", "remaining_mu", "done_pct", "planned_mu", "rank",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """How a book is drawn in parts.

    parts: their names in order; draw: a part's pages; bookmarks: title, page from 1, level from 0.
    """

    parts: Callable[[MapData], Sequence[str]]
    draw: Callable[[MapData, str], Iterable[Figure]]
    bookmarks: Callable[[MapData], Sequence[tuple[str, int, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSpec:
    """One product: how it is drawn, what it is called, and what it is drawn from.

    name: in English, unique, the name on the command line; title: in Chinese, of the file; size:
    its paper; needs: members of MapData it can't do without; draw: its pages, one after the other;
    answers: the question it answers, one Chinese sentence (docs/maps.md); newest_only: tells the
    whole story, so earlier exports have none of their own; png: also as pictures (of a book:
    its first page); book: of many pages, which several processes draw; file: name without ending
    where it isn't title_paper; command: that draws it (all but `maps` draw theirs on request, from
    data of their own). Where it needs the land: land: first digits of the DLBM whose plots it may
    show anywhere; windows: from all its data but the land, boxes of ground (n, 4: west, south,
    east, north, m) in which it shows every plot. The shapes of others are not read.
    """

    name: str
    title: str
    size: Page
    needs: tuple[str, ...]
    draw: Callable[[MapData], Iterable[Figure]]
    answers: str
    newest_only: bool = False
    png: bool = True
    book: Book | None = None
    file: str = ""
    command: str = "maps"
    land: tuple[str, ...] = ()
    windows: Callable[[MapData], NDArray[np.float64]] | None = None

    def __post_init__(self) -> None:
        """Refuse a product that needs the land and says nothing of which: it would show none."""
        if ("land" in self.needs) != bool(self.land or self.windows):
            message = (
                f"map {self.name}: give land or windows where it needs the land, and only there"
            )
            raise ValueError(message)

    @property
    def stem(self) -> str:
        """File name without ending, such as 耕地缺口分布图_A3."""
        return self.file or f"{self.title}_{self.size.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapData:
    """Everything maps are drawn from.

    towns: town_code, town, geometry (polygons in the county's CRS); gaps and summary: tables of
    design §3, any exports (亩 as decimal text or Decimal); export: the date shown; product_id:
    printed on it. Members that only some products need: land: plots (dlbm, geometry) of the
    export, without the shapes that the product doesn't show; tasks: the export's ledger (design §3,
    with polygons); history, waterfall, progress: the tables of that name, any exports, as text;
    findings: of a quality check (rule, text, severity, bsm, found, town_code, x, y, geometry in the
    county's CRS). scope: what the places are called; of a province, its counties stand as towns of
    a county in one CRS for all.

    Raises
    ------
    InputError
        Towns without any polygon.
    GengbaoError
        A column is missing, or the towns are in another CRS than the county's.

    """

    county: County
    towns: gpd.GeoDataFrame
    export: date
    product_id: str
    gaps: pd.DataFrame | None = None
    summary: pd.DataFrame | None = None
    land: gpd.GeoDataFrame | None = None
    tasks: gpd.GeoDataFrame | None = None
    history: pd.DataFrame | None = None
    waterfall: pd.DataFrame | None = None
    progress: pd.DataFrame | None = None
    findings: gpd.GeoDataFrame | None = None
    scope: Scope = COUNTY

    def __post_init__(self) -> None:
        """Check columns, CRS and presence of polygons."""
        found = [
            Finding(f"制图数据 {name}", f"缺少列 {column}", "请把运行日志交给维护人员")
            for name, frame, wanted in (
                ("towns", self.towns, ("town_code", "town", "geometry")),
                ("gaps", self.gaps, GAP_COLUMNS),
            )
            if frame is not None
            for column in wanted
            if column not in frame.columns
        ]
        if found:
            raise GengbaoError(found)
        if self.towns.crs is None or CRS(self.towns.crs) != CRS(self.county.crs):
            raise GengbaoError(
                Finding(
                    "制图数据 towns",
                    f"坐标系是 {self.towns.crs}，不是工作坐标系 {self.county.crs}",
                    "请把运行日志交给维护人员",
                )
            )
        if self.towns.geometry.is_empty.all() or self.towns.geometry.isna().all():
            raise InputError(
                Finding("图层 towns", "没有一个镇办有界线", "请在 county.toml 的 towns 中给出镇界")
            )


def town_shapes(zone: gpd.GeoDataFrame, county: County) -> gpd.GeoDataFrame:
    """Return one row per town: town_code, town, geometry, sorted by code, in the zone's CRS.

    zone: the towns role (xzqdm of 9 or 12 digits, xzqmc, polygons). A polygon belongs to the town
    whose code its code starts with, else to the town of its name or alias; any other keeps its own
    code and name and stands on the map without data. Parts of a town become one geometry.
    """
    names = {town.code: town.name for town in county.towns}
    own = zone["xzqdm"].astype(str).str[:9]
    by_name = zone["xzqmc"].map(county.town_code)
    code = own.where(own.isin(list(names)), by_name.fillna(own))
    shapes = gpd.GeoDataFrame(
        {"town_code": code, "town": code.map(names).fillna(zone["xzqmc"])},
        geometry=zone.geometry,
    )
    merged = shapes.dissolve(by="town_code", aggfunc="first", sort=True).reset_index()
    return merged[["town_code", "town", "geometry"]]


def table_of(data: MapData, name: str, day: date | None = None) -> pd.DataFrame:
    """Return a table's rows at an export (the one shown); GengbaoError where there is no table.

    name: a member of MapData with an `export` column.
    """
    table = getattr(data, name)
    if table is None:
        raise GengbaoError(Finding("制图数据", f"缺少 {name}", "请先运行前面的步骤"))
    rows: pd.DataFrame = table[table["export"].astype(str) == (day or data.export).isoformat()]
    return rows

"""What an office product is and what it is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import geopandas as gpd
    import pandas as pd

    from pipeline.model import Category, Contact, County
    from pipeline.tables import RulePack

SAMPLE_MARK = "示例数据"
REPORTS = "data/processed/reports"
"""Where workbooks and bulletins go, below the out folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSpec:
    """One product: what it is called, what it answers, what it is made from.

    name: in English, unique, the name on the command line; title: in Chinese; answers: the
    question it answers, one Chinese sentence; needs: the members of ReportData it reads, so that
    only these are loaded and only their change makes it anew; maps: finished maps of the newest
    export it holds, as "name.pdf" or "name.png" of render/maps (more than one page as PNG: the
    first); land: first digits of DLBM of the plots whose shapes it shows, where it needs the land;
    module: the one below pipeline.reports whose `make(data: ReportData)` returns the
    files by path relative to the out folder, the same bytes for the same data. It is imported
    only when there is something to make: a run with nothing to do ends before pandas is loaded.
    """

    name: str
    title: str
    answers: str
    needs: tuple[str, ...]
    module: str
    maps: tuple[str, ...] = ()
    land: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that a product that needs the land says which: it would get none, silently."""
        if ("land" in self.needs) != bool(self.land):
            msg = f"{self.name}: needs and land disagree"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything products are made from; members that no product asked for are None.

    county, classes, pack: settings, categories in the order of 附件2, the rules; export: the data
    date; product_id: printed on the product, stands in the manifest beside run_id (decision 0021).
    Tables as text, all exports (design §3): summary, gaps, progress, indicators,
    indicator_terms, reconcile, waterfall, waterfall_tasks, history. Layers of the newest
    export: ledger (one row per task, with polygons), land (every plot's dlbm, with the polygons of
    the classes that the product shows, ReportSpec.land); opened: the tasks' pieces at
    the export each was first seen in (first_seen, evidence and verdict, no geometry); towns:
    town_code, town, polygons. sheets: task_id, bsm, category, number (within its town), frame,
    page of the map book (图册.pdf); tasks without polygon have no row. returned: what came back in
    filled ledgers (`reports.returned.COLUMNS`); contacts: of contacts.csv, empty where there is
    none. maps: finished pictures by the names of ReportSpec.maps.
    """

    county: County
    classes: tuple[Category, ...]
    pack: RulePack
    export: date
    product_id: str
    summary: pd.DataFrame | None = None
    gaps: pd.DataFrame | None = None
    progress: pd.DataFrame | None = None
    indicators: pd.DataFrame | None = None
    indicator_terms: pd.DataFrame | None = None
    reconcile: pd.DataFrame | None = None
    waterfall: pd.DataFrame | None = None
    waterfall_tasks: pd.DataFrame | None = None
    history: pd.DataFrame | None = None
    ledger: gpd.GeoDataFrame | None = None
    land: gpd.GeoDataFrame | None = None
    opened: pd.DataFrame | None = None
    towns: gpd.GeoDataFrame | None = None
    sheets: pd.DataFrame | None = None
    returned: pd.DataFrame | None = None
    contacts: tuple[Contact, ...] = ()
    maps: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def stamp(self) -> str:
        """The line every product carries: data date, product id, 示例数据 where it is one."""
        mark = f"　{SAMPLE_MARK}" if self.county.sample else ""
        return f"数据日期 {self.export.isoformat()}　产品编号 {self.product_id}{mark}"

    def table(self, name: str, day: date | None = None) -> pd.DataFrame:
        """Return a table's rows at an export (the data date), index 0..n-1.

        Raises GengbaoError where the product didn't ask for the table.
        """
        rows = self.whole(name)
        wanted = (day or self.export).isoformat()
        return rows[rows["export"] == wanted].reset_index(drop=True)

    def whole(self, name: str) -> pd.DataFrame:
        """Return a table or layer with all its rows; GengbaoError where nobody asked for it."""
        member: pd.DataFrame | None = getattr(self, name)
        if member is None:
            raise GengbaoError(
                Finding("报表数据", f"没有读入 {name}", "在该产品 ReportSpec 的 needs 中列出它")
            )
        return member

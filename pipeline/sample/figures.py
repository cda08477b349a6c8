"""The figures a synthetic county is built to: package tables, read and cross-checked."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from decimal import Decimal

MU_M2 = 2000 / 3
"""m² in one 亩 (1 亩 = 2000/3 m² exactly)."""

TASKS = (
    "suspected_change",
    "pbf_restore_in_place",
    "pbf_self_submitted",
    "pbf_relocate",
    "outflow_restore",
    "target_restore_in_place",
    "in_out_balance",
)
"""The seven task categories in the order of 附件2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much land is drawn: field, valley and forest plots.

    field_mu, filler_mu: mean size of a retained field and of other valley land; cells: forest
    cells; set_name: which figures; layout: which towns and rivers; radius_km: of the outline;
    least_m2: smaller forest cells join their neighbours; vertex_m: most between two vertices of a
    border (None: as drawn, half a real survey's number, and no clearings); clear_every: of how
    many forest cells with room for it one has a clearing, so that 1 % of the plots have a hole.
    """

    name: str
    set_name: str
    layout: str
    radius_km: float
    cells: int
    field_mu: float
    filler_mu: float
    step_m: float
    least_m2: float = 1500.0
    vertex_m: float | None = None
    clear_every: int = 60


SCALES = {
    s.name: s
    for s in (
        Scale(name="tiny", set_name="tiny", layout="three", radius_km=4.6, cells=330,
              field_mu=8.0, filler_mu=10.0, step_m=25.0),
        Scale(name="small", set_name="zhashui", layout="nine", radius_km=27.0, cells=2600,
              field_mu=40.0, filler_mu=40.0, step_m=30.0),
        Scale(name="medium", set_name="zhashui", layout="nine", radius_km=27.0, cells=39_000,
              field_mu=12.0, filler_mu=14.0, step_m=25.0, vertex_m=12.5),
        Scale(name="large", set_name="zhashui", layout="nine", radius_km=27.0, cells=92_000,
              field_mu=7.0, filler_mu=8.0, step_m=25.0, vertex_m=13.0),
        Scale(name="county", set_name="zhashui", layout="nine", radius_km=27.0, cells=236_000,
              field_mu=3.6, filler_mu=4.0, step_m=25.0, vertex_m=5.5),
        Scale(name="stress", set_name="zhashui", layout="nine", radius_km=27.0, cells=1_130_000,
              field_mu=1.4, filler_mu=1.5, step_m=25.0, least_m2=400.0, vertex_m=4.0,
              clear_every=38),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Published and derived figures of one county, all as text-exact tables.

    towns: code (3 digits), name, aliases, group, basin. cells: town, category, plots, area_mu.
    targets, published: as they go into the county folder. occupation: town, zone, approved,
    area_mu. cropland_now_mu: cultivated net area at the ledger date.
    """

    towns: pd.DataFrame
    cells: pd.DataFrame
    targets: pd.DataFrame
    published: pd.DataFrame
    occupation: pd.DataFrame
    cropland_now_mu: float

    def target_mu(self, indicator: str) -> pd.Series[float]:
        """Return the target of an indicator in 亩, by town name, in the order of `towns`."""
        rows = self.targets[
            (self.targets["indicator"] == indicator) & (self.targets["kind"] == "target")
        ]
        value = rows.set_index("town")["value"].astype(float)
        return value.reindex(self.towns["name"])


def table(name: str) -> pd.DataFrame:
    """Read one package table as text; an empty cell is an empty string."""
    path = files("pipeline.sample") / "tables" / f"{name}.csv"
    with path.open("r", encoding="utf-8") as handle:
        return pd.read_csv(handle, dtype=str, keep_default_na=False)


def load_figures(set_name: str) -> Figures:
    """Return the figures of a set (zhashui or tiny).

    Raises GengbaoError when the package tables contradict themselves: a town missing from one of
    them, or leaves that don't give the printed county totals.
    """
    towns = table(f"{set_name}_towns").drop(columns="source")
    cells = table(f"{set_name}_cells").drop(columns="source")
    cells = cells.astype({"plots": int, "area_mu": float})
    targets = table(f"{set_name}_targets")
    occupation = table(f"{set_name}_occupation").astype({"area_mu": float})
    published = table(f"{set_name}_published")
    gross_gap = float(_value(targets, "cropland", "gross_gap"))
    goal = targets[
        (targets["indicator"] == "cropland")
        & (targets["kind"] == "target")
        & (targets["town"] != "全县")
    ]
    _check(towns, cells, published)
    return Figures(
        towns=towns,
        cells=cells,
        targets=targets,
        published=published,
        occupation=occupation,
        cropland_now_mu=float(goal["value"].astype(float).sum()) - gross_gap,
    )


def _value(targets: pd.DataFrame, indicator: str, kind: str) -> str | Decimal:
    hit = targets[
        (targets["town"] == "全县")
        & (targets["indicator"] == indicator)
        & (targets["kind"] == kind)
    ]
    return str(hit["value"].iloc[0])


def _check(towns: pd.DataFrame, cells: pd.DataFrame, published: pd.DataFrame) -> None:
    printed = published[(published["table"] == "附件2") & (published["town"] == "全县")]
    count = printed.set_index("item")["plots"].astype(int)
    leaves = cells.groupby("category")["plots"].sum()
    wrong = [c for c in TASKS if int(leaves[c]) != int(count[c])]
    missing = sorted(set(towns["name"]) - set(cells["town"]))
    if wrong or missing:
        raise GengbaoError(
            Finding("示例县数表", f"与印刷表不符：{wrong + missing}", "核对 pipeline/sample/tables")
        )

"""The values that travel between rooms: frozen, checked where they are made, free of pandas."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

WHOLE_PROVINCE = "全省"
"""What stands for all counties where each has its row."""


class Mode(StrEnum):
    """Who decides a plot's category: our rules, or the task layers delivered from above."""

    DERIVE = "derive"
    TRUST = "trust"


class Indicator(StrEnum):
    """Indicators of targets.csv."""

    CROPLAND = "cropland"
    PBF = "pbf"
    IN_OUT_BALANCE = "in_out_balance"
    REPLENISHMENT_AREA = "replenishment_area"
    REPLENISHMENT_GRAIN = "replenishment_grain"
    ILLEGAL_RATIO = "illegal_ratio"
    ILLEGAL_AREA = "illegal_area"


GAP_INDICATORS = (Indicator.CROPLAND, Indicator.PBF, Indicator.IN_OUT_BALANCE)
"""Indicators whose gap is a sum of tasks: ranked, planned and followed town by town."""


class TargetKind(StrEnum):
    """What a row of targets.csv states."""

    TARGET = "target"
    GAP = "gap"
    GROSS_GAP = "gross_gap"
    DUE = "due"
    DONE = "done"
    LIMIT = "limit"
    ACTUAL = "actual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Every number the county may set ([thresholds]); data/raw/README.md says what each is."""

    sliver_area_m2: float = 10.0
    sliver_width_m: float = 0.5
    sliver_width_area_m2: float = 200.0
    sliver_share: float = 0.01
    sliver_share_area_m2: float = 66.7
    whole_share: float = 0.95
    mask_share: float = 0.5
    close_share: float = 0.95
    tbmj_rel: float = 0.0005
    tbmj_abs_m2: float = 1.0
    repair_abs_m2: float = 0.01
    repair_rel: float = 1e-6
    grid_m: float = 0.0001


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSource:
    """Where one role's layer lies below data/raw: path or glob, with what the county states."""

    role: str
    path: str
    layer: str | None = None
    encoding: str | None = None
    crs: str | None = None

    @property
    def dated(self) -> bool:
        """Whether the path holds {date}: the newest file ≤ the export's date counts."""
        return "{date}" in self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """A township: 9-digit code, the county's own name, aliases, 督导组 and river basin."""

    code: str
    name: str
    aliases: tuple[str, ...]
    group: str
    basin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One row of targets.csv; value kept as the printed decimal."""

    town: str
    indicator: Indicator
    kind: TargetKind
    value: Decimal
    unit: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One row of plan.csv: what a town has to have done of an indicator by the end of a date."""

    town: str
    indicator: Indicator
    date: date
    planned_mu: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One row of contacts.csv: who answers for a town (or 全县) or one village ("" = all)."""

    town: str
    village: str
    unit: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One row of published.csv: plots and 亩 as the text that was printed ("110" isn't "110.0")."""

    table: str
    town: str
    item: str
    plots: str
    area_mu: str


@dataclass(frozen=True, slots=True, kw_only=True)
class County:
    """A county folder, read and checked. `root` is data/raw (or what --county names)."""

    root: Path
    name: str
    code: str
    crs: str
    previous: date
    ledger: date
    deadline: date
    rules: str
    publisher: str
    mode: Mode
    sample: bool
    layers: Mapping[str, LayerSource]
    phases: Mapping[str, tuple[date, date]]
    thresholds: Thresholds
    towns: tuple[Town, ...]
    targets: tuple[Target, ...]
    published: tuple[Published, ...] = ()
    plan: tuple[Planned, ...] = ()
    exports: tuple[date, ...] = ()
    parcels: Mapping[str, LayerSource] = field(default_factory=dict)
    """What the county states of its exports' DLTB (layer, encoding, crs; no path), by the export's
    date (YYYY-MM-DD); "" for all others."""

    @property
    def newest(self) -> date:
        """The newest export: 'now'."""
        return max(self.exports)

    def stated_of(self, export: date | None) -> LayerSource | None:
        """Return what is stated of an export's plots; None for a delivery from elsewhere."""
        general = self.parcels.get("")
        return general if export is None else self.parcels.get(export.isoformat(), general)

    def town_code(self, name: str) -> str | None:
        """Return the code of a town by its name or one of its aliases."""
        for town in self.towns:
            if name == town.name or name in town.aliases:
                return town.code
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One row of tables/classes.csv.

    task: one of the seven task categories; gap: the indicator whose gap it counts in, or "";
    subtotal: pbf_subtotal / cropland_subtotal / ""; work_needed: False where no field work.
    """

    name: str
    label: str
    label_long: str
    short: str
    order: int
    task: bool
    gap: str
    subtotal: str
    work_needed: bool
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One row of tables/statuses.csv: a state of a task, its words, colour and mark."""

    name: str
    label: str
    short: str
    order: int
    colour: str
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStyle:
    """How a GIS shows a layer of a GeoPackage: a row of its table layer_styles.

    layer: its name in the file; default: taken when the layer is opened (one per layer).
    """

    layer: str
    name: str
    description: str
    qml: str
    sld: str
    default: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """A stage's account, in plots and hundredths of a m²; the residual must be exactly 0.

    in = out + aside + repaired + rebased (repaired: net area that accepted repairs took away;
    rebased: official area minus the base chosen for it, where TBMJ is trusted).
    """

    stage: str
    export: str
    read_plots: int
    accepted_plots: int
    rejected_plots: int
    in_cm2: int
    out_cm2: int
    aside_cm2: int
    repaired_cm2: int = 0
    rebased_cm2: int = 0
    unknown_area_plots: int = 0

    @property
    def residual_cm2(self) -> int:
        """Hundredths of a m² that went missing: 0, or the run fails."""
        spent = self.out_cm2 + self.aside_cm2 + self.repaired_cm2 + self.rebased_cm2
        return self.in_cm2 - spent

    @property
    def residual_plots(self) -> int:
        """Plots that went missing: 0, or the run fails."""
        return self.read_plots - self.accepted_plots - self.rejected_plots

"""The cells of the products a figure stands in, each with what its plots add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.errors import Finding, OutputError
from pipeline.explain import stated
from pipeline.explain.adding import totals
from pipeline.explain.words import COUNTY, TOWN, UNDECIDED
from pipeline.tables.figures import CATEGORY, GAP, SUBTOTAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.explain.words import Asked
    from pipeline.model import County

SUMMARY, GAPS, RECONCILE, PROGRESS = "summary.csv", "gaps.csv", "reconcile.csv", "progress.csv"
SUMMARY_COLUMNS = (
    "plots", "area_m2", "area_mu", "closed_plots", "restored_mu", "open_plots", "withdrawn_plots",
    "remaining_mu", "distinct_plots", "withdrawn_mu",
)  # fmt: skip
GAP_COLUMNS = (
    "target_mu", "published_gap_mu", "gap_mu", "restored_mu", "remaining_mu", "done_pct",
    "planned_mu", "rank",
)  # fmt: skip
RANK, RANK_AREA = "rank", "rank_area"
COMPUTED = "printed-computed"
AGAIN = "重新运行 gengbao all；仍如此，请保留现场文件并联系维护人员"


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """The tables a figure may stand in, all cells text, as storage reads them."""

    summary: pd.DataFrame
    gaps: pd.DataFrame
    reconcile: pd.DataFrame
    progress: pd.DataFrame
    waterfall: pd.DataFrame
    waterfall_tasks: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question and what is needed to answer it.

    rows: the plots of the figure's categories in the place at the export (adding.ROWS), withdrawn
    ones too; earlier: the same at the judged exports before, oldest first (for what changed).
    """

    asked: Asked
    export: date
    rows: pd.DataFrame
    products: Products
    county: County
    earlier: Mapping[date, pd.DataFrame] = field(default_factory=dict)

    def within(self, line: pd.Series) -> NDArray[np.bool_]:
        """Tell which rows lie in the place of a product's line (rows lie in the asked place)."""
        if line["level"] != TOWN:
            return self.rows["town_code"].notna().to_numpy()
        codes = {town.name: town.code for town in self.county.towns}
        code = codes.get(line["town"], UNDECIDED)
        return (self.rows["town_code"] == code).to_numpy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number or a word of a product and what plots (or the county's tables) give for it.

    added: False for an estimate that is no sum of plots; it is shown, not checked.
    """

    product: str
    place: str
    row: str
    column: str
    stated: Decimal | str | None
    found: Decimal | str | None
    added: bool = True

    @property
    def agrees(self) -> bool:
        """Whether both are the same."""
        return not self.added or self.stated == self.found

    def finding(self, export: date) -> Finding:
        """Say where the product holds which number, and what its plots add up to."""
        where = f"{self.product} {export} {self.place} {self.row} {self.column}"
        return Finding(where, f"成果中为 {self.stated}，图斑加出来是 {self.found}", AGAIN)


def number(text: object) -> Decimal | None:
    """Return a cell of a product as a number."""
    return Decimal(str(text)) if isinstance(text, str) else None


def lines(
    case: Case, table: pd.DataFrame, product: str, keys: Sequence[tuple[str, str]]
) -> Iterator[tuple[pd.Series, str]]:
    """Yield a product's lines for the place and its towns: the line, its row.

    keys: (column, value) of the rows wanted. Raises OutputError when the place has none of one.
    """
    place = case.asked.place
    here = table[table["export"] == case.export.isoformat()]
    inside = (here["level"] == TOWN) & here["town_code"].fillna(UNDECIDED).isin(list(place.towns))
    itself = (here["level"] == place.level) & (here["town"] == place.name)
    for column, value in keys:
        own = here[(inside | itself) & (here[column] == value)]
        if not itself[own.index].any():
            found = f"没有 {place.name} {value} 这一行"
            advice = f"成果不是这次设置下作出的；{AGAIN}"
            raise OutputError(Finding(f"{product} {case.export}", found, advice))
        for _, line in own.iterrows():
            yield line, value


def cell(product: str, line: pd.Series, row: str, column: str, found: Decimal | None) -> Cell:
    """Return a cell of a product's line beside what was found for it."""
    return Cell(
        product=product, place=line["town"], row=row, column=column, stated=number(line[column]),
        found=found,
    )  # fmt: skip


def summary_cells(case: Case) -> Iterator[Cell]:
    """Yield every cell of summary.csv the figure is or adds up from."""
    figure = case.asked.figure
    names = list(figure.parts)
    if {CATEGORY, SUBTOTAL} & set(figure.kinds) and figure.name not in names:
        names.append(figure.name)
    keys = [("category", name) for name in names]
    for line, name in lines(case, case.products.summary, SUMMARY, keys):
        own = case.rows[case.within(line)]
        if name in figure.parts:
            own = own[own["category"] == name]
        found = totals(own)
        for column in SUMMARY_COLUMNS:
            yield cell(SUMMARY, line, name, column, found[column])


def gap_cells(case: Case) -> Iterator[Cell]:
    """Yield every cell of gaps.csv of a gap indicator: the place's and its towns'."""
    if GAP not in case.asked.figure.kinds:
        return
    name = case.asked.figure.name
    place_of = ranks(case, case.export).set_index("town")[RANK]
    with_gap = towns_with_gap(case)
    for line, _ in lines(case, case.products.gaps, GAPS, [("indicator", name)]):
        level, place = line["level"], line["town"]
        found: dict[str, Decimal | None] = {**totals(case.rows[case.within(line)])}
        for column, kind in stated.TARGETS.items():
            found[column] = stated.stated(level, place, name, kind, case.county)
        plans = stated.plans(level, place, name, with_gap, case.county)
        found["planned_mu"] = None if plans is None else stated.due(plans, case.export)
        ranked = level == TOWN and place in place_of.index
        found[RANK] = Decimal(int(place_of[place])) if ranked else None
        for column in GAP_COLUMNS:
            yield cell(GAPS, line, name, column, found[column])


def reconcile_cells(case: Case) -> Iterator[Cell]:
    """Yield the computed cells of reconcile.csv (made at the ledger's export alone)."""
    table, place = case.products.reconcile, case.asked.place
    if case.export != case.county.ledger or place.level not in (TOWN, COUNTY):
        return
    own = table[(table["check"] == COMPUTED) & (table["town"] == place.name)]
    sums = totals(case.rows)
    for _, line in own[own["item"].isin(list(case.asked.figure.published))].iterrows():
        yield Cell(
            product=RECONCILE, place=place.name, row=f"{line['table']} {line['item']}",
            column=line["measure"], stated=number(line["computed"]), found=sums[line["measure"]],
        )  # fmt: skip


def towns_with_gap(case: Case) -> set[str]:
    """Return the names of the towns that have a gap of the indicator at the export."""
    towns = _town_lines(case, case.export)
    return set(towns.loc[towns["gap_mu"].map(Decimal) > 0, "town"])


def ranks(case: Case, day: date, column: str = "done_pct") -> pd.DataFrame:
    """Return every known town's rank in a column of gaps.csv at an export: 1, 2, 2, 4."""
    towns = _town_lines(case, day)
    towns = towns[towns["town_code"].notna()]
    share = [Decimal(text) for text in towns[column]]
    places = [1 + sum(other > own for other in share) for own in share]
    found: pd.DataFrame = towns[["town_code", "town", column]].assign(rank=places)
    return found.sort_values([RANK, "town_code"], ignore_index=True)


def _town_lines(case: Case, day: date) -> pd.DataFrame:
    gaps = case.products.gaps
    own: pd.DataFrame = gaps[
        (gaps["export"] == day.isoformat())
        & (gaps["level"] == TOWN)
        & (gaps["indicator"] == case.asked.figure.name)
    ]
    return own

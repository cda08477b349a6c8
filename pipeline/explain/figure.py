"""What stands behind a figure: its plots, added up again and held against every product."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import Finding, GengbaoError, OutputError, UsageError
from pipeline.explain.adding import SUMS, counted, in_order, piece_rows, task_rows, totals
from pipeline.explain.words import COUNTY, GROUP, TOWN, UNDECIDED
from pipeline.model import TargetKind
from pipeline.tables.figures import CATEGORY, GAP, SUBTOTAL, load_measures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from pipeline.explain.words import Asked
    from pipeline.model import Category, County, Target

SUMMARY, GAPS, RECONCILE = "summary.csv", "gaps.csv", "reconcile.csv"
SUMMARY_COLUMNS = (
    "plots", "area_m2", "area_mu", "closed_plots", "restored_mu", "open_plots", "withdrawn_plots",
    "remaining_mu", "distinct_plots", "withdrawn_mu",
)  # fmt: skip
GAP_COLUMNS = (
    "target_mu", "published_gap_mu", "gap_mu", "restored_mu", "remaining_mu", "done_pct", "rank",
)  # fmt: skip
STATED = {"target_mu": TargetKind.TARGET, "published_gap_mu": TargetKind.GAP}
"""Measures that targets.csv states: no plot stands behind them."""
RANK = "rank"
COMPUTED = "printed-computed"
AGAIN = "重新运行 gengbao all；仍如此，请保留现场文件并联系维护人员"


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """The tables a figure may stand in, all cells text, as storage reads them."""

    summary: pd.DataFrame
    gaps: pd.DataFrame
    reconcile: pd.DataFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number of a product and what the plots (or targets.csv) give for it."""

    product: str
    place: str
    row: str
    column: str
    stated: Decimal | None
    found: Decimal | None

    @property
    def agrees(self) -> bool:
        """Whether both are the same number."""
        return self.stated == self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A figure and everything behind it.

    rows: the plots of its categories in the place (adding.ROWS), withdrawn ones too; listed: those
    that count in the measure, in order, with `counted` (plots, or hundredths of a m²); cells: the
    figure's own cells; checked: per product, how many
    cells were added up again; printed: rows
    of reconcile.csv about it; targets: what targets.csv states; ranks: towns by done_pct.
    """

    asked: Asked
    export: date
    rows: pd.DataFrame
    listed: pd.DataFrame
    cells: tuple[Cell, ...]
    checked: Mapping[str, int]
    printed: pd.DataFrame
    targets: tuple[Target, ...]
    ranks: pd.DataFrame


def stand_behind(
    asked: Asked,
    *,
    ledger: pd.DataFrame,
    pieces: pd.DataFrame,
    classes: Sequence[Category],
    export: date,
) -> pd.DataFrame:
    """Return the plots of a figure's categories in its place, as adding.ROWS, in order.

    ledger: the tasks known at the export; pieces: its classified pieces (may be empty where the
    figure has only tasks). Tasks count by the ledger, everything else by this export's pieces.
    """
    tasks = [c.name for c in classes if c.task and c.name in asked.figure.parts]
    others = [name for name in asked.figure.parts if name not in tasks]
    rows = task_rows(ledger, tasks)
    if others:
        found = piece_rows(pieces, others, export.isoformat())
        rows = pd.concat([rows, found], ignore_index=True) if tasks else found
    return in_order(rows[rows["town_code"].isin(list(asked.place.towns))], classes)


def trace(
    asked: Asked, rows: pd.DataFrame, products: Products, *, county: County, export: date
) -> Trace:
    """Return a figure with the plots behind it, added up against every product that holds it.

    rows: `stand_behind`'s. Every cell of the figure and of its terms (each category, each town of
    the place) is added up from the plots. Raises UsageError for a measure the figure hasn't,
    OutputError when a product lacks the figure, GengbaoError naming every cell that isn't the sum
    of its plots.
    """
    cells = [
        *_summary_cells(asked, rows, products, county, export),
        *_gap_cells(asked, rows, products, county, export),
        *_reconcile_cells(asked, rows, products, county, export),
    ]
    own = tuple(c for c in cells if c.place == asked.place.name and c.row == asked.figure.name)
    own += tuple(c for c in cells if c.product == RECONCILE)
    _check_measure(asked, own)
    wrong = [cell for cell in cells if not cell.agrees]
    if wrong:
        raise GengbaoError(_wrong(cell, export) for cell in wrong)
    at_ledger = export == county.ledger
    about = products.reconcile[
        (products.reconcile["town"] == asked.place.name)
        & products.reconcile["item"].isin(list(asked.figure.published))
    ]
    return Trace(
        asked=asked,
        export=export,
        rows=rows,
        listed=_listed(asked, rows),
        cells=own,
        checked=Counter(cell.product for cell in cells),
        printed=about if at_ledger else about.iloc[:0],
        targets=_targets(asked, county),
        ranks=_ranks(asked, products.gaps, export),
    )


def _listed(asked: Asked, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that count in the measure, with what each adds to it."""
    name = asked.measure.name if asked.measure else "plots"
    if name in STATED:
        return rows.iloc[:0].assign(counted=0)
    sums = {"done_pct": "gap_mu", RANK: "gap_mu"}
    weights = counted(rows)[sums.get(name, name)]
    own: pd.DataFrame = rows.assign(counted=weights)[weights != 0]
    return own.reset_index(drop=True)


def _check_measure(asked: Asked, cells: Iterable[Cell]) -> None:
    """Raise UsageError when the figure has no such measure: sums go with every figure."""
    have = {*SUMS, *(cell.column for cell in cells)}
    if asked.measure and asked.measure.name not in have:
        found = f"{asked.place.name}的{asked.figure.label}没有“{asked.measure.label}”这一项"
        labels = [measure.label for measure in load_measures() if measure.name in have]
        raise UsageError(Finding("--measure", found, f"可用：{'、'.join(labels)}"))


def _wrong(cell: Cell, export: date) -> Finding:
    where = f"{cell.product} {export} {cell.place} {cell.row} {cell.column}"
    return Finding(where, f"成果中为 {cell.stated}，图斑加出来是 {cell.found}", AGAIN)


def _lines(
    table: pd.DataFrame, product: str, asked: Asked, keys: Sequence[tuple[str, str]], export: date
) -> Iterator[tuple[pd.Series, str, str]]:
    """Yield a product's lines for a place and its towns: the line, its place, its row.

    keys: (column, value) of the rows wanted. Raises OutputError when the place has none of one.
    """
    place = asked.place
    here = table[table["export"] == export.isoformat()]
    inside = (here["level"] == TOWN) & here["town_code"].fillna(UNDECIDED).isin(list(place.towns))
    itself = (here["level"] == place.level) & (here["town"] == place.name)
    for column, value in keys:
        lines = here[(inside | itself) & (here[column] == value)]
        if not itself[lines.index].any():
            where = f"{product} {export}"
            found = f"没有 {place.name} {value} 这一行"
            raise OutputError(Finding(where, found, "成果不是这次设置下作出的；" + AGAIN))
        for _, line in lines.iterrows():
            yield line, line["town"], value


def _summary_cells(
    asked: Asked, rows: pd.DataFrame, products: Products, county: County, export: date
) -> Iterator[Cell]:
    """Yield every cell of summary.csv the figure is or adds up from."""
    names = list(asked.figure.parts)
    if {CATEGORY, SUBTOTAL} & set(asked.figure.kinds) and asked.figure.name not in names:
        names.append(asked.figure.name)
    keys = [("category", name) for name in names]
    for line, place, name in _lines(products.summary, SUMMARY, asked, keys, export):
        own = _within(rows, line, county)
        if name != asked.figure.name or name in asked.figure.parts:
            own = own[own["category"] == name]
        found = totals(own)
        for column in SUMMARY_COLUMNS:
            yield _cell(SUMMARY, place, name, line, column, found[column])


def _gap_cells(
    asked: Asked, rows: pd.DataFrame, products: Products, county: County, export: date
) -> Iterator[Cell]:
    """Yield every cell of gaps.csv of a gap indicator: the place's and its towns'."""
    if GAP not in asked.figure.kinds:
        return
    name = asked.figure.name
    ranks = _ranks(asked, products.gaps, export).set_index("town")[RANK]
    for line, place, _ in _lines(products.gaps, GAPS, asked, [("indicator", name)], export):
        found = totals(_within(rows, line, county))
        for column in GAP_COLUMNS:
            if column in STATED:
                number = _stated(line["level"], place, name, STATED[column], county)
            elif column == RANK:
                ranked = line["level"] == TOWN and place in ranks.index
                number = Decimal(int(ranks[place])) if ranked else None
            else:
                number = found[column]
            yield _cell(GAPS, place, name, line, column, number)


def _reconcile_cells(
    asked: Asked, rows: pd.DataFrame, products: Products, county: County, export: date
) -> Iterator[Cell]:
    """Yield the computed cells of reconcile.csv (made at the ledger's export alone)."""
    table = products.reconcile
    if export != county.ledger or asked.place.level not in (TOWN, COUNTY):
        return
    own = table[(table["check"] == COMPUTED) & (table["town"] == asked.place.name)]
    sums = totals(rows)
    for _, line in own[own["item"].isin(list(asked.figure.published))].iterrows():
        found = sums[line["measure"]]
        name = f"{line['table']} {line['item']}"
        yield Cell(
            product=RECONCILE, place=asked.place.name, row=name, column=line["measure"],
            stated=_number(line["computed"]), found=found,
        )  # fmt: skip


def _cell(
    product: str, place: str, name: str, line: pd.Series, column: str, found: Decimal | None
) -> Cell:
    return Cell(
        product=product, place=place, row=name, column=column, stated=_number(line[column]),
        found=found,
    )  # fmt: skip


def _number(text: object) -> Decimal | None:
    return Decimal(str(text)) if isinstance(text, str) else None


def _within(rows: pd.DataFrame, line: pd.Series, county: County) -> pd.DataFrame:
    """Return the rows in the place of a product's line; rows lie in the asked place already."""
    if line["level"] != TOWN:
        return rows
    codes = {town.name: town.code for town in county.towns}
    return rows[rows["town_code"] == codes.get(line["town"], UNDECIDED)]


def _stated(
    level: str, place: str, indicator: str, kind: TargetKind, county: County
) -> Decimal | None:
    """Return what targets.csv states for a place, 督导组 as the sum of their towns."""
    stated = {t.town: t.value for t in _of(county, indicator) if t.kind is kind}
    if level in (TOWN, COUNTY):
        return stated.get(place)
    towns = [t.name for t in county.towns if (t.group if level == GROUP else t.basin) == place]
    known = [stated[town] for town in towns if town in stated]
    return sum(known, Decimal(0)) if len(known) == len(towns) else None


def _of(county: County, indicator: str) -> Iterator[Target]:
    return (target for target in county.targets if target.indicator.value == indicator)


def _targets(asked: Asked, county: County) -> tuple[Target, ...]:
    """Return the rows of targets.csv a gap indicator is held against, in the place."""
    if GAP not in asked.figure.kinds:
        return ()
    inside = {town.name for town in county.towns if town.code in asked.place.towns}
    names = {asked.place.name} if asked.place.level in (TOWN, COUNTY) else inside
    stated = _of(county, asked.figure.name)
    return tuple(t for t in stated if t.town in names and t.kind in STATED.values())


def _ranks(asked: Asked, gaps: pd.DataFrame, export: date) -> pd.DataFrame:
    """Return every town's done_pct of the indicator and its rank, added up again: 1, 2, 2, 4."""
    towns = gaps[
        (gaps["export"] == export.isoformat())
        & (gaps["level"] == TOWN)
        & (gaps["indicator"] == asked.figure.name)
        & gaps["town_code"].notna()
    ]
    share = [Decimal(text) for text in towns["done_pct"]]
    ranks = [1 + sum(other > own for other in share) for own in share]
    return (
        towns[["town_code", "town", "done_pct"]]
        .assign(rank=ranks)
        .sort_values(["rank", "town_code"], ignore_index=True)
    )

"""What is known of a judged list: relations, rows and items as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.inspection.areas import Unit
    from pipeline.reconcile import Printed

MATCHED, ONLY_THEIRS, ONLY_OURS, DUPLICATE, PART, UNREAD, NEITHER = (
    "matched", "only_theirs", "only_ours", "duplicate", "part", "unread", "neither",
)  # fmt: skip
RELATIONS = {
    MATCHED: "对上",
    ONLY_THEIRS: "仅清单有",
    ONLY_OURS: "仅本方有",
    DUPLICATE: "清单重复",
    PART: "同一任务的另一部分",
    UNREAD: "清单行读不出",
    NEITHER: "双方都不计",
}


class Row(NamedTuple):
    """A row of the list with what became of it; see `Judged`."""

    sheet: str
    row: int
    bsm: str
    tbbh: str
    village: str
    town_code: str
    categories: str
    statuses: str
    bsm_unread: str
    plot: str
    found_in: str
    by: str
    hint: str
    off_m: float
    hit: object
    item: int
    first: int
    relation: str
    counted: bool
    verdict: str
    contradicts: bool
    area: str
    unit: str
    area_too: str
    unit_too: str
    differs: str
    town_cell: str
    category_cell: str


class Item(NamedTuple):
    """One of our items with what became of it; see `Judged`."""

    task_id: str
    bsm: str
    town_code: str
    village: str
    category: str
    cm2: int
    remaining_cm2: int
    rule_id: str
    basis: str
    flags: str
    status: str
    closed_on: str
    reason: str
    row: int
    named: tuple[int, ...]
    counted: bool
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A list held against our items.

    rows: all rows of the list, with plot, found_in, by, trouble, hint, maybe, off_m, hit, item (-1:
    none), relation, counted (stands in their figures), verdict (of the area), contradicts (its two
    areas), differs (what differs, joined by a bar), first (row that has the same plot, -1: none),
    town_cell and category_cell (where it counts). items: ours, with row (-1: none), relation (""
    where it counts in nothing), named (rows that may mean it). printed: areas of the rows as
    intervals of 亩. unit: what was taken where the list states none.
    """

    rows: pd.DataFrame
    items: pd.DataFrame
    links: pd.DataFrame
    printed: dict[int, Printed]
    unit: Unit

    def row_records(self) -> dict[int, Row]:
        """Return the rows of the list by number."""
        table = self.rows[list(Row._fields)]
        return {at: Row(*cells) for at, *cells in table.itertuples(name=None)}

    def item_records(self) -> dict[int, Item]:
        """Return the items that count, or that a row means, by number."""
        asked = self.items.index.isin(self.links["item"])
        table = self.items.loc[asked | (self.items["relation"] != ""), list(Item._fields)]
        return {at: Item(*cells) for at, *cells in table.itertuples(name=None)}

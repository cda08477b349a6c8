"""Counts and areas side by side, town × category, and what the difference is made of; exact."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.inspection import areas
from pipeline.inspection.records import DUPLICATE, MATCHED, PART

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.inspection.ours import Ours
    from pipeline.inspection.records import Item, Judged, Row
    from pipeline.reconcile import Printed

STEPS = {
    "only_theirs": "仅清单有",
    "duplicate": "清单重复",
    "part": "同一任务分写几行",
    "only_ours": "仅本方有",
    "unread": "清单行读不出",
    "moved": "类别或镇办不同",
    "area": "面积不同",
    "rounding": "取整与换算",
    "no_area": "清单没写面积",
}
"""What theirs − ours is made of, in plots and in 亩; the last three only in 亩."""
AREA_ONLY = ("area", "rounding", "no_area")
SUBTOTAL_LABELS = {
    "pbf_subtotal": "永久基本农田小计",
    "cropland_subtotal": "耕地保护目标小计",
    "total": "合计",
}
SAME, ROUNDED = "相同", "相同（取整）"
WHOLE_COUNTY, NO_TOWN, NO_CATEGORY = "全县", "未写镇办", "未写类别"


@dataclass(slots=True)
class Cell:
    """One town × category: theirs, ours, and the steps between them."""

    their_plots: int = 0
    our_plots: int = 0
    our_closed: int = 0
    our_cm2: int = 0
    without_area: int = 0
    theirs: list[Printed] = field(default_factory=list)
    plots: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    mu: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(STEPS, Decimal(0)))

    def step(self, name: str, plots: int, mu: Decimal) -> None:
        """Book what one plot adds to the difference."""
        self.plots[name] += plots
        self.mu[name] += mu

    @property
    def their_mu(self) -> Decimal:
        """What the list adds up to, in 亩."""
        return sum((cell.value for cell in self.theirs), Decimal(0))

    @property
    def our_mu(self) -> Decimal:
        """What we add up to, in 亩."""
        return areas.MU_PER_CM2 * self.our_cm2

    def verdict(self) -> str:
        """Return in Chinese how the two sides agree."""
        equal = self.their_plots == self.our_plots
        if not equal or any(self.plots.values()):
            return "个数不同" if not equal else "个数相同，图斑不同"
        if self.without_area:
            return "个数相同，清单没写全面积"
        if self.their_mu == self.our_mu:
            return SAME
        return "面积不同" if self.mu["area"] else ROUNDED


Key = tuple[str, str]


def side_by_side(judged: Judged, ours: Ours) -> pd.DataFrame:
    """Return one row per town × category, with subtotals per town and for the county.

    Columns: level, town_code, town, category, label, their_plots, their_area_mu, our_plots,
    our_area_mu, our_closed_plots, diff_plots, diff_area_mu, verdict, then per step of STEPS
    STEP_plots and STEP_mu. Areas are exact decimals as text. Raises GengbaoError where the steps
    don't add up to the difference.
    """
    cells = _cells(judged)
    towns = [t.code for t in ours.county.towns]
    towns += sorted({town for town, _ in cells} - set(towns))
    order = {c.name: c.order for c in ours.classes}
    names = sorted(
        {category for _, category in cells} | {c.name for c in ours.classes if c.task},
        key=lambda n: (order.get(n.split("|")[0], 99), n.count("|"), n),
    )
    rows = []
    for town in [*towns, WHOLE_COUNTY]:
        own = {c: cell for (t, c), cell in cells.items() if town in {t, WHOLE_COUNTY}}
        if town == WHOLE_COUNTY:
            own = {c: _sum(cell for (_, k), cell in cells.items() if k == c) for c in names}
        for category, members in _groups(names, ours):
            cell = _sum(own[name] for name in members if name in own)
            if cell.their_plots or cell.our_plots or category == "total":
                rows.append(_row(cell, town, category, ours))
    return pd.DataFrame(rows)


def _cells(judged: Judged) -> dict[Key, Cell]:
    cells: defaultdict[Key, Cell] = defaultdict(Cell)
    items = judged.item_records()
    for at, row in judged.row_records().items():
        if row.counted:
            _book_theirs(cells, row, judged.printed.get(at), items.get(row.item))
    for item in items.values():
        if item.counted:
            _book_ours(cells[item.town_code, item.category], item)
    return dict(cells)


def _book_theirs(
    cells: defaultdict[Key, Cell], row: Row, theirs: Printed | None, item: Item | None
) -> None:
    """Book a row where it counts, and how its plot differs from ours."""
    cell = cells[row.town_cell, row.category_cell]
    cell.their_plots += 1
    if theirs is None:
        cell.without_area += 1
    else:
        cell.theirs.append(theirs)
    mu = Decimal(0) if theirs is None else theirs.value
    if row.relation != MATCHED or item is None:
        step = {DUPLICATE: "duplicate", PART: "part"}.get(row.relation, "only_theirs")
        cell.step(step, 1, mu)
        return
    our_mu = areas.MU_PER_CM2 * item.cm2
    if (item.town_code, item.category) != (row.town_cell, row.category_cell):
        cell.step("moved", 1, our_mu)
        cells[item.town_code, item.category].step("moved", -1, -our_mu)
    step = "area" if row.verdict == areas.DIFFERENT else "rounding"
    cell.step("no_area" if theirs is None else step, 0, mu - our_mu)


def _book_ours(cell: Cell, item: Item) -> None:
    cell.our_plots += 1
    cell.our_closed += item.status == "closed"
    cell.our_cm2 += item.cm2
    if item.relation != MATCHED:
        cell.step(item.relation, -1, -areas.MU_PER_CM2 * item.cm2)


def _groups(names: Iterable[str], ours: Ours) -> Iterator[tuple[str, list[str]]]:
    """Yield what is shown per town: categories in order, each subtotal behind its members."""
    names = list(names)
    subtotal = {c.name: c.subtotal for c in ours.classes}
    for name in names:
        yield name, [name]
        group = subtotal.get(name.split("|")[0], "")
        last = [n for n in names if group and subtotal.get(n.split("|")[0]) == group]
        if last and last[-1] == name:
            yield group, last
    tasks = {c.name for c in ours.classes if c.task}
    yield "total", [n for n in names if set(n.split("|")) <= tasks or not n]


def _sum(cells: Iterable[Cell]) -> Cell:
    total = Cell()
    for cell in cells:
        total.their_plots += cell.their_plots
        total.our_plots += cell.our_plots
        total.our_closed += cell.our_closed
        total.our_cm2 += cell.our_cm2
        total.without_area += cell.without_area
        total.theirs += cell.theirs
        for name in STEPS:
            total.step(name, cell.plots[name], cell.mu[name])
    return total


def _row(cell: Cell, town: str, category: str, ours: Ours) -> dict[str, object]:
    plots, mu = cell.their_plots - cell.our_plots, cell.their_mu - cell.our_mu
    if plots != sum(cell.plots.values()) or mu != sum(cell.mu.values()):
        where = f"清单对照 {ours.town(town) or town} {category}"
        raise GengbaoError(Finding(where, "差额与各项之和不等", "请保留现场文件并联系开发者"))
    county = town == WHOLE_COUNTY
    label = SUBTOTAL_LABELS.get(category) or ours.label(category) or NO_CATEGORY
    if "|" in category:
        label += "（清单未细分）"
    row: dict[str, object] = {
        "level": "county" if county else "town",
        "town_code": "" if county else town,
        "town": WHOLE_COUNTY if county else ours.town(town) or NO_TOWN,
        "category": category,
        "label": label,
        "their_plots": cell.their_plots,
        "their_area_mu": areas.plain(cell.their_mu),
        "our_plots": cell.our_plots,
        "our_area_mu": areas.plain(cell.our_mu),
        "our_closed_plots": cell.our_closed,
        "diff_plots": plots,
        "diff_area_mu": areas.plain(mu),
        "verdict": cell.verdict(),
    }
    for name in STEPS:
        if name not in AREA_ONLY:
            row[f"{name}_plots"] = cell.plots[name]
        row[f"{name}_mu"] = areas.plain(cell.mu[name])
    return row

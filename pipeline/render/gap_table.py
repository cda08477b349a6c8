"""The figures on a gap map: one row per town, class sums, ranks, headline. Pure, no drawing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.render.breaks import half_up
from pipeline.render.data import table_of
from pipeline.render.scope import COUNTY, Scope

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from datetime import date

    from pipeline.render.breaks import Break, Breaks
    from pipeline.render.data import MapData

COUNTY_ROW = COUNTY.whole
_TOP = 3


@dataclass(frozen=True, slots=True)
class TownGap:
    """A town's figures in 亩, unrounded; remaining None: no data."""

    code: str
    town: str
    group: str
    remaining: Decimal | None
    target: Decimal | None
    done_pct: Decimal | None
    gap: Decimal | None
    published: Decimal | None
    restored: Decimal | None = None

    @property
    def permille(self) -> Decimal | None:
        """Share done in whole ‰ as it is classed: 1000 only where nothing remains."""
        if self.done_pct is None:
            return None
        rounded = half_up(self.done_pct * 10, 0)
        return min(rounded, Decimal(999)) if self.remaining else Decimal(1000)

    @property
    def shown(self) -> int:
        """Whole 亩, half-up; 0 without data."""
        return int(half_up(self.remaining or Decimal(0), 0))

    @property
    def standing(self) -> Decimal:
        """What ranks a town: its whole 亩, a half for a remnant that rounds to 0."""
        return Decimal(self.shown) if self.shown or not self.remaining else Decimal("0.5")


@dataclass(frozen=True, slots=True)
class GapTable:
    """All towns in order of their code, with the county's totals."""

    towns: tuple[TownGap, ...]
    county: TownGap | None

    @property
    def target(self) -> Decimal | None:
        """The sum of the targets of the towns with data; None where one of them has no target."""
        stated = [town.target for town in self.known if town.target is not None]
        complete = bool(stated) and len(stated) == len(self.known)
        return sum(stated, Decimal(0)) if complete else None

    @property
    def known(self) -> tuple[TownGap, ...]:
        """The towns with data."""
        return tuple(town for town in self.towns if town.remaining is not None)

    @property
    def remaining(self) -> Decimal:
        """The county's gap: the exact sum of its towns."""
        return sum((town.remaining or Decimal(0) for town in self.towns), Decimal(0))

    def sums(self, breaks: Breaks) -> tuple[tuple[Break, int, Decimal], ...]:
        """Return (class, number of towns, exact sum of 亩), lowest class first, empty ones too."""
        members = [
            (breaks.of(t.remaining), t.remaining) for t in self.known if t.remaining is not None
        ]
        return tuple(
            (item, *_count_and_sum([mu for found, mu in members if found == item]))
            for item in breaks.classes
        )

    def by_group(self) -> dict[str, tuple[int, Decimal | None]]:
        """Return (number of towns, exact sum of 亩) of each 督导组; None where no town has data."""
        found = {}
        for group in dict.fromkeys(town.group for town in self.towns):
            members = [town.remaining for town in self.towns if town.group == group]
            known = [mu for mu in members if mu is not None]
            found[group] = len(members), sum(known, Decimal(0)) if known else None
        return found

    def ranked(self) -> tuple[tuple[int, TownGap], ...]:
        """Return (rank, town) by printed 亩, largest first; ties share a rank, then by code.

        A remnant that rounds to 0 still ranks before no gap at all.
        """
        order = sorted(self.known, key=lambda town: (-town.standing, town.code))
        return tuple((1 + sum(t.standing > town.standing for t in order), town) for town in order)


def _count_and_sum(amounts: list[Decimal]) -> tuple[int, Decimal]:
    """Return how many and how much."""
    return len(amounts), sum(amounts, Decimal(0))


def gap_table(data: MapData, indicator: str, day: date | None = None) -> GapTable:
    """Collect an indicator's gaps at an export (the one shown), one row per town.

    Towns are those of the county and of the map.

    Raises GengbaoError when two rows stand for one town, an amount is negative, or the towns
    don't sum to the county's row (beyond the rounding of the delivered decimals).
    """
    gaps = table_of(data, "gaps", day)
    rows = gaps[gaps["indicator"] == indicator]
    names = {town.code: (town.name, town.group) for town in data.county.towns}
    for code, name in zip(data.towns["town_code"], data.towns["town"], strict=True):
        names.setdefault(code, (name, ""))
    ours = rows[rows["town_code"].isin(list(names))]
    by_code = {row["town_code"]: row for row in ours.to_dict("records")}
    faults = [
        f"{names[str(code)][0]}有 {count} 行"
        for code, count in ours["town_code"].value_counts(sort=False).items()
        if count > 1
    ]
    towns = tuple(_town(code, *names[code], by_code.get(code, {})) for code in sorted(names))
    faults += [f"{t.town}剩余缺口为 {t.remaining}" for t in towns if (t.remaining or 0) < 0]
    scope = data.scope
    whole = rows[rows["town"] == scope.whole].to_dict("records")
    county = _town("", scope.whole, "", whole[0]) if whole else None
    table = GapTable(towns, county)
    faults += _total_fault(table, scope)
    if faults:
        raise GengbaoError(
            Finding(f"gaps {day or data.export} {indicator}", fault, "请把运行日志交给维护人员")
            for fault in faults
        )
    return table


def _town(code: str, name: str, group: str, row: Mapping[Hashable, object]) -> TownGap:
    """Return a place's figures from its row of gaps, which may be empty."""
    columns = ("remaining_mu", "target_mu", "done_pct", "gap_mu", "published_gap_mu", "restored_mu")
    return TownGap(code, name, group, *(amount(row.get(column)) for column in columns))


def _total_fault(table: GapTable, scope: Scope) -> list[str]:
    """Compare the towns' sum with the county row, allowing half a unit of each last decimal."""
    printed = table.county.remaining if table.county else None
    if printed is None:
        return []
    amounts = [printed, *(town.remaining for town in table.known if town.remaining is not None)]
    allowed = sum((Decimal(5).scaleb(_exponent(a) - 1) for a in amounts), Decimal(0))
    if abs(table.remaining - printed) <= allowed:
        return []
    return [f"{scope.each}剩余缺口之和 {table.remaining} 与{scope.whole}行 {printed} 不符"]


def _exponent(value: Decimal) -> int:
    """Return the exponent of the last decimal."""
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def amount(value: object) -> Decimal | None:
    """Return a cell as Decimal, None where it is missing."""
    return None if value is None or pd.isna(value) else Decimal(str(value))  # type: ignore[call-overload]  # any cell


def town_lines(tables: Sequence[GapTable], most: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return (name, remaining 亩 and rate by indicator) of the towns and the county.

    Where there are more than so many towns, those with least left share a line.
    """
    by_town = list(zip(*(table.towns for table in tables), strict=True))
    sums = [sum((t.remaining or Decimal(0) for t in towns), Decimal(0)) for towns in by_town]
    order = sorted(range(len(by_town)), key=lambda n: (-sums[n], n))
    kept, rest = sorted(order[:most]), order[most:]
    lines = [
        (by_town[n][0].town, [(whole_mu(town.remaining), done(town)) for town in by_town[n]])
        for n in kept
    ]
    if rest:
        left = [
            sum((by_town[n][k].remaining or Decimal(0) for n in rest), Decimal(0))
            for k in range(len(tables))
        ]
        lines.append((f"其余{len(rest)}个镇办", [(whole_mu(mu), "—") for mu in left]))
    whole = [(whole_mu(t.remaining), done(t.county) if t.county else "—") for t in tables]
    return [*lines, (COUNTY_ROW, whole)]


def percent(part: Decimal | None, whole: Decimal | None) -> str:
    """Return a share with one decimal, half-up; a dash where it can't be told.

    0.0% only of exactly nothing: a smaller share than can be printed is <0.1%.
    """
    if part is None or not whole:
        return "—"
    share = half_up(part * 100 / whole, 1)
    return "<0.1%" if part > 0 and not share else f"{share}%"


def done(town: TownGap) -> str:
    """Return the share done; 100.0% only where nothing remains."""
    return rate_text(town.done_pct, town.remaining)


def rate_text(done_pct: Decimal | None, remaining: Decimal | None) -> str:
    """Return a completion rate as printed, with one decimal; 100.0% only where nothing remains."""
    if done_pct is None:
        return "—"
    rounded = half_up(done_pct, 1)
    return f"{min(rounded, Decimal('99.9')) if remaining else rounded}%"


def whole_mu(value: Decimal | None) -> str:
    """Return 亩 as printed: half-up whole number, 不足1 for what would round to 0."""
    if value is None:
        return "无数据"
    rounded = int(half_up(value, 0))
    return "不足1" if value > 0 and rounded == 0 else f"{rounded:,}"


def headline(table: GapTable, what: str, scope: Scope = COUNTY) -> str:
    """Say in one sentence where the gap lies, from the figures alone; what: its Chinese name."""
    missing, part = len(table.towns) - len(table.known), scope.part
    tail = f"（另有{missing}个{part}无数据，未计入）" if missing else ""
    ranked = table.ranked()
    if not ranked:
        return f"各{part}均无{what}数据"
    total, open_towns = table.remaining, [town for _, town in ranked if town.remaining]
    if not open_towns:
        return f"{scope.whole}已无{what}{tail}"
    text = f"{scope.whole}{what}{whole_mu(total)}亩"
    first = [town for rank, town in ranked if rank == 1 and town.remaining]
    if len(open_towns) == 1:
        return f"{text}，全部在{first[0].town}{tail}"
    if len(first) > 1:
        names = "、".join(town.town for town in first[:_TOP])
        text += f"，{names}{'等' if len(first) > _TOP else ''}{len(first)}个{part}并列最大"
        text += f"，各{whole_mu(first[0].remaining)}亩"
    else:
        text += f"，{first[0].town}占{percent(first[0].remaining, total)}"
    if len(open_towns) > _TOP + 1:
        top = sum((t.remaining or Decimal(0) for t in open_towns[:_TOP]), Decimal(0))
        text += f"，最大的三个{part}合计占{percent(top, total)}"
    return text + tail

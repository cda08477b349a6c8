"""Published figures against themselves and against ours, with the proof for every verdict.

A printed number stands for an interval: "110" for [109.5, 110.5), "110.0" for [109.95, 110.05).
Parts printed on their own add up to an interval too; where it meets the printed sum's, rounding
can explain a difference, where it doesn't, nothing but a real difference (or another definition)
can. Verdicts: equal, rounding, definition, real.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import ConfigError, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.model import Published
    from pipeline.tables.published import PublishedItem

COLUMNS = (
    "check", "table", "town", "item", "measure", "published", "computed", "difference", "verdict",
    "reason",
)  # fmt: skip
MEASURES = {"plots": "个", "area_mu": "亩"}
WHOLE_COUNTY = "全县"
INTERNAL, COMPUTED = "printed-internal", "printed-computed"


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as printed and the half-open interval [low, high) of values it can stand for."""

    value: Decimal
    low: Decimal
    high: Decimal

    @classmethod
    def parse(cls, text: str) -> Printed:
        """Read a printed area; its last digit tells the interval; nothing is below 0."""
        value = Decimal(text)
        half = Decimal((0, (5,), int(value.as_tuple().exponent) - 1))
        return cls(value, max(value - half, Decimal(0)), value + half)

    @classmethod
    def count(cls, text: str) -> Printed:
        """Read a printed number of plots: it stands for itself alone."""
        value = Decimal(text)
        return cls(value, value, value)

    def __add__(self, other: Printed) -> Printed:
        """Add two printed numbers and their intervals."""
        return Printed(self.value + other.value, self.low + other.low, self.high + other.high)

    def meets(self, other: Printed) -> bool:
        """Tell whether one exact value can stand behind both."""
        if self.low == self.high or other.low == other.high:
            return self.low <= other.low <= self.high or other.low <= self.low <= other.high
        return self.low < other.high and other.low < self.high

    def __str__(self) -> str:
        """Return the interval as it is printed in a reason."""
        return f"[{self.low}, {self.high})" if self.low < self.high else f"{self.value}"


Cells = dict[tuple[str, str, str, str], Printed]
"""(table, town, item, measure) → printed number."""


def read_cells(published: Sequence[Published]) -> Cells:
    """Turn published.csv (text as printed) into cells; 0 plots make the area exactly 0."""
    cells: Cells = {}
    for row in published:
        place = (row.table, row.town, row.item)
        if row.plots:
            cells[*place, "plots"] = Printed.count(row.plots)
        if row.area_mu:
            parse = Printed.count if row.plots == row.area_mu == "0" else Printed.parse
            cells[*place, "area_mu"] = parse(row.area_mu)
    return cells


def reconcile(
    published: Sequence[Published],
    summary: pd.DataFrame,
    items: Sequence[PublishedItem],
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """Check the published tables against themselves, then cell by cell against summary.csv.

    published: rows of published.csv; summary: rows of summary.csv at the ledger
    export, as text; items: tables/published_items.csv; labels: what categories and items are
    called in the reasons. Returns the rows of reconcile.csv, in the order of the published cells;
    difference = published − computed.
    """
    _check_items(published, items, summary)
    cells = read_cells(published)
    rows = [*_sums(cells, items, labels), *_columns(cells), *_repeats(cells)]
    rows += _against_summary(cells, summary, items, labels)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _check_items(
    published: Sequence[Published], items: Sequence[PublishedItem], summary: pd.DataFrame
) -> None:
    """Raise ConfigError for items that are neither a category nor a known sum."""
    known = [*dict.fromkeys(summary["category"]), *dict.fromkeys(row.item for row in items)]
    unknown = [row for row in published if row.item not in known]
    if unknown:
        raise ConfigError(
            Finding(
                f"published.csv {row.table} {row.town}",
                f"item“{row.item}”不认识",
                f"可用：{'、'.join(dict.fromkeys(known))}",
            )
            for row in unknown
        )


def _row(
    check: str,
    key: tuple[str, str, str, str],
    left: Printed,
    right: Decimal,
    verdict: str,
    reason: str,
) -> dict[str, str]:
    table, town, item, measure = key
    return {
        "check": check, "table": table, "town": town, "item": item, "measure": measure,
        "published": str(left.value), "computed": str(right),
        "difference": str(left.value - right), "verdict": verdict, "reason": reason,
    }  # fmt: skip


def _judge(whole: Printed, parts: Printed, what: str) -> tuple[str, str]:
    """Return the verdict on a printed whole against its printed parts, with the proof."""
    if whole.value == parts.value:
        return "equal", what
    if whole.meets(parts):
        return "rounding", f"{what}；合计区间 {whole} 与各部分区间之和 {parts} 相交，取整可同时成立"
    return "real", f"{what}；合计区间 {whole} 与各部分区间之和 {parts} 不相交，取整不能解释"


def _total(cells: Cells, key: tuple[str, str, str, str], parts: Sequence[str]) -> Printed | None:
    """Add the printed parts of a cell, from its own table first, else from any that prints them."""
    table, town, _, measure = key
    tables = dict.fromkeys([table, *(name for name, *_ in cells)])
    found = [
        next(
            (cells[t, town, part, measure] for t in tables if (t, town, part, measure) in cells),
            None,
        )
        for part in parts
    ]
    known = [cell for cell in found if cell is not None]
    if not known or len(known) < len(parts):
        return None
    total = known[0]
    for cell in known[1:]:
        total += cell
    return total


def _added(parts: Sequence[str], labels: Mapping[str, str]) -> str:
    """Return the sum of parts as a reason has it."""
    return " + ".join(labels[part] for part in parts)


def _sums(
    cells: Cells, items: Sequence[PublishedItem], labels: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Yield every printed sum against its printed parts, by each way it can be added."""
    definitions = _definitions(items)
    for key, whole in cells.items():
        for relation in (row for row in items if row.item == key[2]):
            total = _total(cells, key, relation.parts)
            if total is None:
                continue
            verdict, reason = _judge(whole, total, f"应等于 {_added(relation.parts, labels)}")
            if relation.kind == "compare" and verdict != "equal":
                parts = definitions[key[2]]
                own = _total(cells, key, parts)
                if own is not None and whole.meets(own):  # its own definition explains it
                    said = f"按 {_added(parts, labels)} = {own.value} 相符"
                    verdict, reason = "definition", f"{relation.reason}；{said}"
                else:
                    verdict = "real"
            yield _row(INTERNAL, key, whole, total.value, verdict, reason)


def _columns(cells: Cells) -> Iterator[dict[str, str]]:
    """Yield every printed county figure against the sum of its printed towns."""
    for key, whole in cells.items():
        table, town, item, measure = key
        towns = [
            cell
            for (t, place, i, m), cell in cells.items()
            if (t, i, m) == (table, item, measure) and place != WHOLE_COUNTY
        ]
        if town != WHOLE_COUNTY or not towns:
            continue
        total = towns[0]
        for cell in towns[1:]:
            total += cell
        verdict, reason = _judge(whole, total, f"应等于 {len(towns)} 个镇办之和")
        yield _row(INTERNAL, key, whole, total.value, verdict, reason)


def _repeats(cells: Cells) -> Iterator[dict[str, str]]:
    """Yield every figure that is printed in two places against its first printing."""
    first: dict[tuple[str, str, str], tuple[str, Printed]] = {}
    for key, cell in cells.items():
        table, before = first.setdefault(key[1:], (key[0], cell))
        if table != key[0]:
            verdict, reason = _judge(cell, before, f"与{table}同一数")
            yield _row(INTERNAL, key, cell, before.value, verdict, reason)


def _definitions(items: Sequence[PublishedItem]) -> dict[str, tuple[str, ...]]:
    """Return the leaf categories each published item is made of."""
    return {row.item: row.parts for row in items if row.kind == "definition"}


def _against_summary(
    cells: Cells,
    summary: pd.DataFrame,
    items: Sequence[PublishedItem],
    labels: Mapping[str, str],
) -> Iterator[dict[str, str]]:
    """Yield every published cell against what the plots add up to."""
    leaves = _definitions(items)
    others = {row.item: row.parts[0] for row in items if row.kind == "compare"}
    computed = _computed(summary)
    for key, cell in cells.items():
        _, town, item, measure = key
        parts = leaves.get(item, (item,))
        values = [computed.get((town, part, measure)) for part in parts]
        known = [value for value in values if value is not None]
        if len(known) < len(parts):
            yield _row(COMPUTED, key, cell, Decimal(0), "real", "成果中没有这个镇办或项目")
            continue
        total = sum(known, Decimal(0))
        verdict, reason = _judge_computed(cell, known, measure)
        if verdict == "real" and item in others:
            other = [computed[town, part, measure] for part in leaves[others[item]]]
            if _judge_computed(cell, other, measure)[0] != "real":
                verdict, reason = "definition", f"公布数按“{labels[others[item]]}”口径"
        yield _row(COMPUTED, key, cell, total, verdict, reason)


def _computed(summary: pd.DataFrame) -> Mapping[tuple[str, str, str], Decimal]:
    """Return exact computed values by (town, category, measure)."""
    return {
        (town, category, measure): Decimal(value)
        for measure in MEASURES
        for town, category, value in zip(
            summary["town"], summary["category"], summary[measure], strict=True
        )
    }


def _judge_computed(cell: Printed, parts: Sequence[Decimal], measure: str) -> tuple[str, str]:
    """Return the verdict on a printed cell against exact values."""
    total = sum(parts, Decimal(0))
    if cell.low <= total < cell.high or cell.value == total:
        return "equal", f"计算值 {total} 四舍五入即公布数"
    step = cell.high - cell.value
    rounded = sum((part.quantize(cell.value) for part in parts), Decimal(0))
    if measure == "area_mu" and rounded == cell.value:
        return "rounding", f"公布数为各部分取整后相加，计算值 {total} 在 ±{step * len(parts)} 之内"
    return "real", f"计算值 {total} 不在公布数区间 {cell} 之内"


CHECKS = {INTERNAL: "公布的数自己核对", COMPUTED: "公布的数与图斑加出来的数核对"}
VERDICTS = {"real": "真差", "definition": "口径", "rounding": "取整", "equal": "相等"}
"""Worst first."""


def findings_text(
    table: pd.DataFrame, labels: Mapping[str, str], *, sample: bool, equal: bool
) -> str:
    """Return reconcile.csv in Chinese: per check how many cells of each verdict, then the cells.

    table: its rows as text; labels: what items are called; equal: whether cells that are equal
    are listed too.
    """
    lines = ["公布数核对（示例数据）" if sample else "公布数核对"]
    for check, title in CHECKS.items():
        own = table[table["check"] == check]
        counts = own["verdict"].value_counts()
        said = "、".join(f"{label} {counts.get(name, 0)}" for name, label in VERDICTS.items())
        lines.append(f"{title}（{len(own)} 个数）：{said}")
        for name, label in VERDICTS.items():
            if name == "equal" and not equal:
                continue
            for row in own[own["verdict"] == name].to_dict("records"):
                unit = MEASURES[row["measure"]]
                place = f"{row['table']} {row['town']} {labels[row['item']]}"
                numbers = f"公布 {row['published']} {unit}，核对 {row['computed']} {unit}"
                lines.append(
                    f"  {label} {place}：{numbers}，差 {row['difference']}；{row['reason']}"
                )
    return "\n".join(lines)

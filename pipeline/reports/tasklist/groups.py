"""督导组: what each inspection group has in hand, with the sum over the county."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_rowcol_to_cell

from pipeline.errors import Finding, GengbaoError
from pipeline.reports.book import A3, BOLD, EXACT, WHOLE
from pipeline.reports.words import INDICATORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xlsxwriter.worksheet import Worksheet

    from pipeline.reports.book import Book

SHEET = "督导组"
FROM_TOTAL = (
    ("任务图斑（个）", "plots", WHOLE), ("任务面积（亩）", "area_mu", EXACT),
    ("已销号（个）", "closed_plots", WHOLE), ("已恢复（亩）", "restored_mu", EXACT),
    ("未销号（个）", "open_plots", WHOLE), ("剩余（亩）", "remaining_mu", EXACT),
)  # fmt: skip
_FIRST = 3
_HEAD = 2


def write(book: Book) -> None:
    """Write the sheet at the newest export: per group its towns, then its own row."""
    data = book.data
    page = book.sheet(SHEET)
    last = _FIRST + len(FROM_TOTAL) + 2 * len(INDICATORS) - 1
    book.heading(page, f"{data.county.name}各督导组整改情况", "单位：个、亩", last)
    _head(book, page)
    figures = _figures(book)
    groups = list(dict.fromkeys(town.group for town in data.county.towns))
    row, group_rows = _HEAD + 1, []
    for group in groups:
        towns = [town for town in data.county.towns if town.group == group]
        first = row
        for town in towns:
            for at, text in enumerate((group, town.basin, town.name)):
                book.put(page, (row, at), text, align="center")
            _values(book, page, row, figures[town.name], {})
            row += 1
        for at, text in enumerate((group, "", "小计")):
            book.put(page, (row, at), text, align="center", **BOLD)
        _sums(book, page, row, list(range(first, row)), figures[group])
        group_rows.append(row)
        row += 1
    for at, text in enumerate(("全县", "", "合计")):
        book.put(page, (row, at), text, align="center", **BOLD)
    stray = _stray(book, figures, groups)
    _sums(book, page, row, group_rows, figures["全县"], stray)
    notes = ["图斑、面积为附件2七类任务之和（不含已撤出的）；完成率＝已恢复÷缺口。"]
    if any(stray.values()):
        notes.append("镇办未定的任务只在全县合计中。")
    book.notes(page, row + 1, last, notes)
    page.freeze_panes(_HEAD + 1, _FIRST)
    book.page_setup(page, paper=A3, heads=(0, _HEAD))


def _head(book: Book, page: Worksheet) -> None:
    heads = [("督导组", 14.0), ("流域", 13.0), ("镇办", 12.0)]
    heads += [(text, 11.0) for text, _, _ in FROM_TOTAL]
    for label in INDICATORS.values():
        heads += [(f"{label}\n剩余（亩）", 14.0), (f"{label}\n完成率（%）", 14.0)]
    book.heads(page, _HEAD, heads)


def _figures(book: Book) -> dict[str, dict[str, Decimal]]:
    """Return by place the figures of its row: those of the total, then rest and rate per gap."""
    totals = book.data.table("summary")
    totals = totals[totals["category"] == "total"]
    gaps = book.data.table("gaps")
    found = {
        str(row["town"]): {name: Decimal(row[name]) for _, name, _ in FROM_TOTAL}
        for row in totals.to_dict("records")
    }
    for row in gaps.to_dict("records"):
        own = found[str(row["town"])]
        own[f"{row['indicator']}:rest"] = Decimal(row["remaining_mu"])
        own[f"{row['indicator']}:rate"] = Decimal(row["done_pct"])
    return found


def _cells() -> list[tuple[str, str]]:
    """Return name and number format of every figure of a row."""
    cells = [(name, number) for _, name, number in FROM_TOTAL]
    for name in INDICATORS:
        cells += [(f"{name}:rest", EXACT), (f"{name}:rate", EXACT)]
    return cells


def _values(
    book: Book,
    page: Worksheet,
    row: int,
    figures: Mapping[str, Decimal],
    style: Mapping[str, Any],
) -> None:
    for at, (name, number) in enumerate(_cells(), _FIRST):
        book.put(page, (row, at), figures.get(name), num_format=number, **style)


def _stray(
    book: Book, figures: Mapping[str, Mapping[str, Decimal]], groups: list[str]
) -> dict[str, Decimal]:
    """Return what the county has beyond its groups: tasks of no known town."""
    found = {}
    for name, _ in _cells():
        if not name.endswith(":rate"):
            own = sum((figures[group].get(name, Decimal(0)) for group in groups), Decimal(0))
            found[name] = figures["全县"].get(name, Decimal(0)) - own
    known = figures.get("未定", {})
    wrong = {name for name, rest in found.items() if rest != known.get(name, Decimal(0))}
    if wrong:
        raise GengbaoError(
            Finding(
                f"{SHEET} {book.data.export}", f"各组之和不等于全县：{'、'.join(sorted(wrong))}",
                "请保留现场文件并联系维护人员",
            )
        )  # fmt: skip
    return found


def _sums(
    book: Book,
    page: Worksheet,
    row: int,
    rows: list[int],
    figures: Mapping[str, Decimal],
    stray: Mapping[str, Decimal] | None = None,
) -> None:
    """Write sums as formulas over rows, rates as they are."""
    for at, (name, number) in enumerate(_cells(), _FIRST):
        value = figures.get(name)
        if name.endswith(":rate") or value is None:
            book.put(page, (row, at), value, num_format=number, **BOLD)
            continue
        formula = "=" + "+".join(xl_rowcol_to_cell(own, at) for own in rows)
        rest = (stray or {}).get(name, Decimal(0))
        formula += f"+{rest}" if rest else ""
        book.formula(page, (row, at), formula, value, num_format=number, **BOLD)

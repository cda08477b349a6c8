"""缺口与进度: targets, gaps, rates and ranks per town; 倒排与预测: plan, pace and forecast."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_rowcol_to_cell

from pipeline.reports.book import A3, BOLD, EXACT, HEAD, WHOLE, Column, records
from pipeline.reports.words import INDICATORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd
    from xlsxwriter.worksheet import Worksheet

    from pipeline.reports.book import Book

SHEET, PLAN_SHEET = "缺口与进度", "倒排与预测"
MEASURES = (
    ("任务", "target_mu", EXACT, 10.5), ("公布缺口", "published_gap_mu", EXACT, 9.5),
    ("缺口", "gap_mu", EXACT, 9.5), ("已恢复", "restored_mu", EXACT, 9.5),
    ("剩余", "remaining_mu", EXACT, 9.5), ("完成率（%）", "done_pct", EXACT, 9.5),
    ("名次", "rank", WHOLE, 8.5),
)  # fmt: skip
GAP, RESTORED, RATE = 2, 3, 5
_FIRST = 2
_HEADS = (2, 3)
LEVELS = ("town", "group", "county")
KIND = {"town": "镇办", "group": "督导组", "county": "全县"}


def write(book: Book) -> None:
    """Write the sheet at the newest export."""
    data = book.data
    page = book.sheet(SHEET)
    gaps = data.table("gaps")
    last = _FIRST + len(MEASURES) * len(INDICATORS) - 1
    book.heading(page, f"{data.county.name}缺口与整改进度", "单位：亩", last)
    _head(book, page)
    row = _HEADS[1] + 1
    for (level, town), own in _places(gaps):
        style = {} if level == "town" else BOLD
        book.put(page, (row, 0), KIND[level], align="center", **style)
        book.put(page, (row, 1), town, align="center", **style)
        values = {row["indicator"]: row for row in records(own)}
        for block, name in enumerate(INDICATORS):
            if name in values:
                _block(book, page, (row, block), values[name], style)
        row += 1
    book.notes(page, row, last, NOTES)
    page.freeze_panes(_HEADS[1] + 1, _FIRST)
    book.page_setup(page, paper=A3, heads=(0, _HEADS[1]))


NOTES = (
    "缺口＝该指标各类任务（含已撤出的）开账面积之和；剩余＝未销号任务的剩余面积。",
    "完成率＝已恢复÷缺口，缺口为 0 记 100%；名次按完成率由高到低，同率并列；督导组、全县不排名。",
    "公布缺口照抄 targets.csv，与图斑加总的差见“核对”。",
)


def _places(table: pd.DataFrame) -> Iterable[tuple[tuple[str, str], pd.DataFrame]]:
    """Yield towns by rank-free order of the table, then groups, then the county."""
    for level in LEVELS:
        rows = table[table["level"] == level]
        for town in dict.fromkeys(rows["town"]):
            yield (level, town), rows[rows["town"] == town]


def _head(book: Book, page: Worksheet) -> None:
    width: float
    for at, (text, width) in enumerate((("层级", 8.0), ("地方", 12.0))):
        book.merged(page, (_HEADS[0], at, _HEADS[1], at), text, **HEAD)
        page.set_column(at, at, width)
    for block, label in enumerate(INDICATORS.values()):
        left = _FIRST + block * len(MEASURES)
        book.merged(page, (_HEADS[0], left, _HEADS[0], left + len(MEASURES) - 1), label, **HEAD)
        for offset, (text, _, _, width) in enumerate(MEASURES):
            book.put(page, (_HEADS[1], left + offset), text, **HEAD)
            page.set_column(left + offset, left + offset, width)
    page.set_row(_HEADS[1], 30)


def _block(
    book: Book,
    page: Worksheet,
    at: tuple[int, int],
    values: Mapping[str, Any],
    style: Mapping[str, Any],
) -> None:
    """Write one indicator of a place; the rate is a formula of its neighbours."""
    row, left = at[0], _FIRST + at[1] * len(MEASURES)
    for offset, (_, name, number, _) in enumerate(MEASURES):
        value = as_number(values.get(name))
        if offset == RATE and value is not None:
            done, gap = (xl_rowcol_to_cell(row, left + n) for n in (RESTORED, GAP))
            rate = f"=IF({gap}=0,100,ROUND({done}/{gap}*100,2))"
            book.formula(page, (row, left + offset), rate, value, num_format=number, **style)
        else:
            book.put(page, (row, left + offset), value, num_format=number, **style)


def as_number(text: object) -> Decimal | None:
    """Return the number of a cell of our tables; None where it is empty."""
    return Decimal(text) if isinstance(text, str) and text else None


def number_of(name: str) -> Any:  # noqa: ANN401 - a cell's value
    """Return what reads a column of our tables as a number."""
    return lambda row: as_number(row[name])


FORECAST = (
    Column(head="层级", width=8, value=lambda row: KIND[row["level"]], align="center"),
    Column(head="地方", width=12, value=lambda row: row["town"], align="center"),
    Column(head="指标", width=14, value=lambda row: INDICATORS[row["indicator"]]),
    *(
        Column(
            head=head, width=8 if number == WHOLE else 10.5, number=number, value=number_of(name)
        )
        for head, name, number in (
            ("未销号（个）", "open_plots", WHOLE), ("未销号（亩）", "open_mu", EXACT),
            ("计划应完成（亩）", "planned_mu", EXACT), ("已完成（亩）", "done_mu", EXACT),
            ("低于计划（亩）", "behind_mu", EXACT), ("反弹（个）", "reopened_plots", WHOLE),
            ("反弹（亩）", "reopened_mu", EXACT), ("距期限（天）", "days_left", WHOLE),
            ("每周须完成（亩）", "needed_mu_week", EXACT),
            ("实际每周（亩）", "pace_mu_week", EXACT),
            ("近一期每周（亩）", "last_pace_mu_week", EXACT),
            ("预计到期剩余（亩）", "left_mu", EXACT),
            ("下限（亩）", "low_mu", EXACT), ("上限（亩）", "high_mu", EXACT),
        )
    ),
    Column(head="说明", width=66, value=lambda row: row["note"]),
)  # fmt: skip
PLAN_NOTES = (
    "计划应完成＝倒排工期到本期为止的应完成数；低于计划＝应完成（不超过任务）减已完成。",
    "每周须完成＝未销号面积÷距期限天数×7；实际每周从开账算起，近一期每周只算最近一期。",
    "预计到期剩余及其下限、上限（80% 区间）由各期进度推算，开账后满三期才有；是推算，不是结论。",
)


def forecast(book: Book) -> None:
    """Write plan, pace and forecast of every place at the newest export."""
    data = book.data
    page = book.sheet(PLAN_SHEET)
    rows = data.table("progress")
    phase = next(iter(rows["phase"].dropna()), "")
    unit = f"期限 {data.county.deadline.isoformat()}"
    unit += f"，现处“{phase}”阶段" if phase else ""
    title = f"{data.county.name}倒排工期与预测"
    row = book.heading(page, title, f"{unit}　　单位：个、亩", len(FORECAST) - 1)
    order = [record for _, own in _places(rows) for record in records(own)]
    end = book.table(page, row, FORECAST, order, bold=lambda own: own["level"] != "town")
    book.notes(page, end, len(FORECAST) - 1, PLAN_NOTES)
    page.freeze_panes(row + 1, 3)
    book.page_setup(page, paper=A3, heads=(0, row))

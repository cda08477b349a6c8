"""全省汇总.xlsx: gaps and ranking, categories, verdicts, and how every county ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.aggregate.province import VERDICTS
from pipeline.model import WHOLE_PROVINCE
from pipeline.reports.book import A3, A4, EXACT, WHOLE, Column, Pages, records
from pipeline.reports.words import INDICATORS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

TITLE = "全省汇总"
FIGURES = (
    ("target_mu", "任务（亩）"), ("published_gap_mu", "公布缺口（亩）"), ("gap_mu", "缺口（亩）"),
    ("restored_mu", "已恢复（亩）"), ("remaining_mu", "剩余（亩）"), ("planned_mu", "计划（亩）"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceTables:
    """The tables of pipeline.aggregate.province, the counties' lines, and the stamp to print."""

    gaps: pd.DataFrame
    summary: pd.DataFrame
    indicators: pd.DataFrame
    counties: pd.DataFrame
    stamp: str


def province_workbook(tables: ProvinceTables) -> bytes:
    """Return the workbook; every sum stands in it as our tables have it, half-up by the reader."""
    book = Pages(owner="", title=TITLE, stamp=tables.stamp)
    _gaps(book, tables.gaps)
    _summary(book, tables.summary)
    _indicators(book, tables.indicators)
    _counties(book, tables.counties)
    return book.close()


def _is_sum(row: Mapping[str, Any]) -> bool:
    return bool(row["county"] == WHOLE_PROVINCE)


def _gaps(book: Pages, table: pd.DataFrame) -> None:
    """Write a block per indicator: counties by rank, then the province."""
    columns = [
        _text("指标", 18, "indicator_label"),
        _number("名次", 8, "rank", WHOLE),
        _text("县（市、区）", 16, "county"),
        _text("数据日期", 13, "export"),
        *(_number(head, 15, name, EXACT) for name, head in FIGURES),
        _number("完成率（%）", 12, "done_pct", EXACT),
    ]
    page = book.sheet("缺口与排名")
    row = book.heading(page, "各县缺口与排名", "单位：亩", len(columns) - 1)
    order = table.assign(last=table["county"] == WHOLE_PROVINCE).sort_values(
        ["indicator", "last", "rank", "county_code"], kind="stable"
    )
    order = order.assign(indicator_label=order["indicator"].map(INDICATORS))
    last = book.table(page, row, columns, records(order), bold=_is_sum)
    notes = (
        "各县取其最新一期；日期见“数据日期”。缺口只计台账中相应类别的任务，不用任务减现状。",
        "名次按完成率由高到低，并列同名次。某县没有某数时，全省合计留空，不以部分充整体。",
        "面积为精确值，显示两位小数。",
    )
    book.notes(page, last, len(columns) - 1, notes)
    book.page_setup(page, paper=A3, heads=(row, row))


def _summary(book: Pages, table: pd.DataFrame) -> None:
    """Write counts and areas per county and category."""
    columns = [
        _text("县（市、区）", 16, "county"),
        _text("数据日期", 13, "export"),
        _text("类别", 30, "label"),
        _number("图斑数", 11, "plots", WHOLE),
        _number("面积（亩）", 16, "area_mu", EXACT),
        _number("销号", 10, "closed_plots", WHOLE),
        _number("未销号", 10, "open_plots", WHOLE),
        _number("已恢复（亩）", 15, "restored_mu", EXACT),
        _number("剩余（亩）", 15, "remaining_mu", EXACT),
    ]
    page = book.sheet("分类汇总")
    row = book.heading(page, "各县图斑分类汇总", "单位：个、亩", len(columns) - 1)
    book.table(page, row, columns, records(table), bold=_is_sum)
    book.page_setup(page, paper=A4, heads=(row, row))


def _indicators(book: Pages, table: pd.DataFrame) -> None:
    """Write how many counties meet each figure."""
    columns = [
        _text("序号", 8, "number"),
        _text("指标", 18, "name"),
        _text("考核的数", 26, "label"),
        _number("县数", 9, "counties", WHOLE),
        *(_number(name, 9, name, WHOLE) for name in VERDICTS),
    ]
    page = book.sheet("五项指标")
    row = book.heading(page, "五项指标达标县数", "单位：个", len(columns) - 1)
    book.table(page, row, columns, records(table))
    book.page_setup(page, paper=A4, heads=(row, row))


def _counties(book: Pages, table: pd.DataFrame) -> None:
    """Write what became of every county's folder."""
    columns = [
        _text("文件夹", 18, "folder"),
        _text("县（市、区）", 16, "county"),
        _text("代码", 10, "county_code"),
        _text("数据日期", 13, "export"),
        _text("坐标系", 13, "crs"),
        _text("状态", 16, "status"),
        _text("原因", 70, "reason"),
    ]
    page = book.sheet("各县情况")
    row = book.heading(page, "各县完成情况", "", len(columns) - 1)
    book.table(page, row, columns, records(table), bold=lambda row: row["exit_code"] != 0)
    book.page_setup(page, paper=A3, heads=(row, row))


def _text(head: str, width: float, name: str) -> Column:
    return Column(head=head, width=width, value=lambda row: row[name])


def _number(head: str, width: float, name: str, number: str) -> Column:
    return Column(head=head, width=width, value=lambda row: row[name], number=number)

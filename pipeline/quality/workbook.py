"""The findings as a workbook: counted by rule and town, with links to the rows themselves."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

import xlsxwriter

from pipeline import storage
from pipeline.quality.check import ERROR, WARNING
from pipeline.quality.findings import COLUMNS
from pipeline.quality.summary import by_rule, by_rule_and_town, by_town

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import geopandas as gpd
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

LABELS = {
    "source_file": "来源文件", "source_row": "行号", "bsm": "标识码", "other_bsm": "另一图斑",
    "rule": "编号", "severity": "级别", "field": "字段", "found": "发现", "size": "大小",
    "unit": "单位", "town_code": "镇办代码", "town": "镇办", "x": "x", "y": "y", "located": "位置",
    "advice": "处理办法", "known": "认可理由",
}  # fmt: skip
WIDTHS = {
    "found": 60, "advice": 50, "source_file": 24, "bsm": 20, "other_bsm": 20, "rule": 22,
    "known": 24, "x": 14, "y": 13,
}  # fmt: skip
ROWS_SHOWN = 50_000
"""A workbook with more is slow to open; the whole list is problems.csv."""
LIST, RULES, TOWNS, GRID, STALE = "问题清单", "按规则", "按镇办", "规则×镇办", "失效的认可"
RULE_HEADS = ("级别", "编号", "要求", "处数", "其中新的", "大小合计", "单位", "看清单")
RULE_WIDTHS = (6, 24, 64, 8, 10, 14, 6, 10)
TOWN_HEADS = ("镇办代码", "镇办", "错误", "警告", "其中新的", "涉及规则")
A3, A4 = 8, 9
FITS_A4 = 160
"""Characters side by side that a page of A4 still holds legibly."""
COLOURS = {ERROR: "#F8D7D3", WARNING: "#FBEBC8"}


class Styles(NamedTuple):
    """The formats of the book."""

    head: Format
    plain: Format
    link: Format
    quoted: Format
    levels: dict[str, Format]


def workbook(
    findings: gpd.GeoDataFrame, title: Sequence[str], stale: Sequence[tuple[str, ...]]
) -> bytes:
    """Return the bytes of the workbook; equal content gives equal bytes.

    findings: COLUMNS and known, in their order; title: lines above the summary; stale: baseline
    lines that meet nothing (line, rule, bsm, reason).
    """
    raw = io.BytesIO()
    plain_text = dict.fromkeys(
        ("strings_to_formulas", "strings_to_numbers", "strings_to_urls"), False
    )
    with xlsxwriter.Workbook(raw, {"in_memory": True, **plain_text}) as book:
        book.set_properties({"title": "质量检查", "author": "耕保", "created": storage.BOOK_CLOCK})
        styles = _styles(book)
        shown = findings.head(ROWS_SHOWN)
        if len(shown) < len(findings):
            title = [*title, f"“{LIST}”页只列前 {ROWS_SHOWN:,} 处，其余见 problems.csv"]
        _rules(book.add_worksheet(RULES), findings, title, styles)
        _towns(book.add_worksheet(TOWNS), findings, styles)
        _grid(book.add_worksheet(GRID), findings, styles)
        _list(book.add_worksheet(LIST), shown, styles)
        if stale:
            page = book.add_worksheet(STALE)
            _head(page, 0, ("基线行号", "编号", "标识码", "理由"), (10, 24, 22, 60), styles)
            _rows(page, 1, stale, styles)
    return raw.getvalue()


def _styles(book: xlsxwriter.Workbook) -> Styles:
    base = {"font_name": "宋体", "font_size": 10, "valign": "top"}
    return Styles(
        head=book.add_format({**base, "bold": True, "bg_color": "#DDEBF7", "text_wrap": True}),
        plain=book.add_format(base),
        link=book.add_format({**base, "font_color": "#0563C1", "underline": 1}),
        quoted=book.add_format({**base, "quote_prefix": True}),
        levels={k: book.add_format({**base, "bg_color": v}) for k, v in COLOURS.items()},
    )


def _head(
    page: Worksheet, row: int, heads: Sequence[str], widths: Sequence[int], styles: Styles
) -> None:
    """Write the heads; printed, a sheet is one page wide with its heads on every page."""
    page.set_paper(A3 if sum(widths) > FITS_A4 else A4)
    page.set_landscape()
    page.fit_to_pages(1, 0)
    page.repeat_rows(row)
    page.hide_gridlines(0)
    page.set_footer("&L&9&A&R&9第 &P 页，共 &N 页")
    for column, (head, width) in enumerate(zip(heads, widths, strict=True)):
        page.set_column(column, column, width)
        page.write_string(row, column, head, styles.head)
    page.freeze_panes(row + 1, 0)


def _put(page: Worksheet, row: int, column: int, value: object, styles: Styles) -> None:
    """Write a cell: numbers as numbers, text as text, never as a formula; missing is empty."""
    if isinstance(value, int | float) and value == value:  # noqa: PLR0124 - not NaN
        page.write_number(row, column, value, styles.plain)
    elif isinstance(value, str) and value:
        said = storage.cell_text(value)
        style = styles.levels.get(said, styles.plain)
        quoted = said.startswith(storage.FORMULA_STARTS)
        page.write_string(row, column, said, styles.quoted if quoted else style)


def _rows(page: Worksheet, first: int, rows: Iterable[Sequence[object]], styles: Styles) -> None:
    for number, cells in enumerate(rows, first):
        for column, value in enumerate(cells):
            _put(page, number, column, value, styles)


def _rules(
    page: Worksheet, findings: gpd.GeoDataFrame, title: Sequence[str], styles: Styles
) -> None:
    """Write a row per rule with a link to its first row in the list."""
    _rows(page, 0, [(line,) for line in title], styles)
    start = len(title) + 1
    _head(page, start, RULE_HEADS, RULE_WIDTHS, styles)
    table = by_rule(findings)
    columns = ("severity", "rule", "text", "count", "new", "size", "unit", "first")
    for number, row in enumerate(table[list(columns)].to_dict("records"), start + 1):
        size = round(row["size"], 2) if row["unit"] == "㎡" else None
        cells = [*(row[name] for name in columns[:5]), size, row["unit"] if size else None]
        _rows(page, number, [cells], styles)
        if row["first"] < ROWS_SHOWN:
            target = f"internal:'{LIST}'!A{row['first'] + 2}"
            page.write_url(number, len(cells), target, styles.link, f"第 {row['first'] + 2} 行")


def _towns(page: Worksheet, findings: gpd.GeoDataFrame, styles: Styles) -> None:
    _head(page, 0, TOWN_HEADS, (14, 16, 10, 10, 10, 10), styles)
    _rows(page, 1, by_town(findings).itertuples(index=False, name=None), styles)


def _grid(page: Worksheet, findings: gpd.GeoDataFrame, styles: Styles) -> None:
    table = by_rule_and_town(findings)
    heads = ("级别", "编号", *(str(name) for name in table.columns[2:]))
    _head(page, 0, heads, (6, 24, *[11] * (len(heads) - 2)), styles)
    _rows(page, 1, table.itertuples(index=False, name=None), styles)


def _list(page: Worksheet, findings: gpd.GeoDataFrame, styles: Styles) -> None:
    columns = [*COLUMNS, "known"]
    heads, widths = [LABELS[c] for c in columns], [WIDTHS.get(c, 11) for c in columns]
    _head(page, 0, heads, widths, styles)
    table = findings[columns].astype(object)
    _rows(page, 1, table.where(table.notna(), None).itertuples(index=False, name=None), styles)
    page.autofilter(0, 0, len(findings), len(columns) - 1)

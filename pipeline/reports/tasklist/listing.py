"""清单: 附件2, town by town, with the three-row head and a check beside the printed figures."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_rowcol_to_cell

from pipeline.errors import Finding, GengbaoError
from pipeline.reports.book import (
    A3,
    BOLD,
    HEAD,
    LINE_PT,
    WHOLE,
    line_count,
    records,
    sum_down,
    sum_of,
)
from pipeline.reports.words import CHECKS, MEASURES, UNITS, VERDICTS
from pipeline.tables.figures import figure_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from xlsxwriter.worksheet import Worksheet

    from pipeline.reports.book import Book
    from pipeline.reports.data import ReportData

SHEET = "清单"
FIRST_ROW, FIRST_COLUMN = 5, 2
STEMS = ("永久基本农田", "耕地保护目标")
GROUPS = {"pbf_subtotal": "永久基本农田保护", "cropland_subtotal": "耕地保护目标"}
WHOLE_COUNTY, UNDECIDED = "全县", "未定"
TABLE = "附件2"
CHECK_WIDTH = 46
Figures = dict[tuple[str, str], tuple[int, Decimal]]


def write(book: Book) -> None:
    """Write the sheet: figures at the ledger's export, as 附件2 has them."""
    data = book.data
    page = book.sheet(SHEET)
    blocks = _blocks(data)
    figures = _figures(data.table("summary", data.county.ledger))
    towns = _towns(data, figures)
    notes = _differences(data)
    last = FIRST_COLUMN + 2 * len(blocks) - 1
    checked = bool(data.county.published)
    _head(book, page, blocks, last, checked=checked)
    rows = range(FIRST_ROW, FIRST_ROW + len(towns))
    for number, town in zip(rows, towns, strict=True):
        book.put(page, (number, 0), number - FIRST_ROW + 1, align="center", num_format=WHOLE)
        book.put(page, (number, 1), town, align="center")
        for at, name in enumerate(blocks):
            _pair(book, page, (number, at), blocks, figures[town, name], name)
        if checked:
            _check(book, page, (number, last + 1), notes.get(town, []))
    end = rows.stop
    book.merged(page, (end, 0, end, 1), "合计", align="center", **BOLD)
    for at, name in enumerate(blocks):
        _require_sums(data, figures, towns, name)
        _total(book, page, at, rows, figures[WHOLE_COUNTY, name])
    if checked:
        _check(book, page, (end, last + 1), notes.get(WHOLE_COUNTY, []))
    book.notes(page, end + 1, last + checked, _notes(data, figures))
    page.freeze_panes(FIRST_ROW, FIRST_COLUMN)
    book.page_setup(page, paper=A3, heads=(0, FIRST_ROW - 1))


def _blocks(data: ReportData) -> list[str]:
    """Return the table's pairs of columns in the order of 附件2: leaves, subtotals, totals."""
    found: list[str] = []
    tasks = [category for category in data.classes if category.task]
    for number, category in enumerate(tasks):
        found.append(category.name)
        after = tasks[number + 1].subtotal if number + 1 < len(tasks) else None
        if category.subtotal and category.subtotal != after:
            found.append(category.subtotal)
    return [*found, "total", "work_needed"]


def _parts(data: ReportData, name: str) -> list[str]:
    """Return the categories that a subtotal adds; none for a leaf."""
    tasks = [category for category in data.classes if category.task]
    if name == "total":
        return [category.name for category in tasks]
    if name == "work_needed":
        return [category.name for category in tasks if category.work_needed]
    return [category.name for category in tasks if category.subtotal == name]


def _figures(summary: pd.DataFrame) -> Figures:
    rows = summary[summary["level"] != "group"]
    cells = rows[["town", "category", "plots", "area_mu"]].itertuples(index=False, name=None)
    return {(town, name): (int(plots), Decimal(mu)) for town, name, plots, mu in cells}


def _towns(data: ReportData, figures: Figures) -> list[str]:
    """Return the towns in the order of the printed table, then 未定 where it counts."""
    known = [town.name for town in data.county.towns]
    printed = [row.town for row in data.county.published if row.table == TABLE]
    order = list(dict.fromkeys([*(town for town in printed if town in known), *known]))
    stray = figures.get((UNDECIDED, "total"), (0, Decimal(0)))
    return [*order, UNDECIDED] if any(stray) else order


def _head(book: Book, page: Worksheet, blocks: Sequence[str], last: int, *, checked: bool) -> None:
    """Write title, unit line and the head of three rows."""
    county, labels = book.data.county, {c.name: c.label_long for c in book.data.classes}
    title = f"{county.name}耕地保护目标责任考核图斑整改任务清单"
    book.heading(page, title, "单位：个、亩", last + checked)
    book.merged(page, (2, 0, 4, 0), "序号", **HEAD)
    book.merged(page, (2, 1, 4, 1), "镇（街道）", **HEAD)
    single = {
        "total": "合计", "work_needed": "需整改合计\n（不含自提）",
    }  # fmt: skip
    start = 0
    for at, name in enumerate(blocks):
        left = FIRST_COLUMN + 2 * at
        owner = next((c.subtotal for c in book.data.classes if c.name == name), name)
        if owner in GROUPS:
            label = _head_label(labels.get(name, "小计"))
            book.merged(page, (3, left, 3, left + 1), label, **HEAD)
            if name == owner:
                first = FIRST_COLUMN + 2 * start
                book.merged(page, (2, first, 2, left + 1), GROUPS[owner], **HEAD)
                start = at + 1
        else:
            book.merged(page, (2, left, 3, left + 1), single.get(name) or labels[name], **HEAD)
            start = at + 1
        for offset, text in enumerate(("图斑\n（个）", "面积\n（亩）")):
            book.put(page, (4, left + offset), text, **HEAD)
            page.set_column(left + offset, left + offset, 6.5 if offset == 0 else 8)
    page.set_column(0, 0, 5)
    page.set_column(1, 1, 12)
    page.set_row(3, 46)
    page.set_row(4, 34)
    if checked:
        book.merged(page, (2, last + 1, 4, last + 1), "核对：与公布数不同之处及原因", **HEAD)
        page.set_column(last + 1, last + 1, CHECK_WIDTH)


def _head_label(label: str) -> str:
    """Return a category's name, what all of its group begin with on a line of its own."""
    stem = next((stem for stem in STEMS if label.startswith(stem)), "")
    return f"{stem}\n{label.removeprefix(stem)}" if stem else label


def _pair(
    book: Book,
    page: Worksheet,
    at: tuple[int, int],
    blocks: Sequence[str],
    figure: tuple[int, Decimal],
    name: str,
) -> None:
    """Write a town's plots and 亩: a leaf as it is, a subtotal as the formula that adds them."""
    row, left = at[0], FIRST_COLUMN + 2 * at[1]
    parts = _parts(book.data, name)
    style: dict[str, Any] = {"num_format": WHOLE, **(BOLD if parts else {})}
    for offset, value in enumerate((Decimal(figure[0]), figure[1])):
        if not parts:
            book.put(page, (row, left + offset), value, **style)
            continue
        cells = [
            xl_rowcol_to_cell(row, FIRST_COLUMN + 2 * blocks.index(part) + offset) for part in parts
        ]
        book.formula(page, (row, left + offset), sum_of(cells), value, **style)


def _total(book: Book, page: Worksheet, at: int, rows: range, figure: tuple[int, Decimal]) -> None:
    """Write the county's figure of a pair of columns as the sum of the towns'."""
    for offset, value in enumerate((Decimal(figure[0]), figure[1])):
        column = FIRST_COLUMN + 2 * at + offset
        formula = sum_down(column, rows)
        book.formula(page, (rows.stop, column), formula, value, num_format=WHOLE, **BOLD)


def _require_sums(data: ReportData, figures: Figures, towns: Sequence[str], name: str) -> None:
    """Raise GengbaoError where towns or categories don't add up to the figure of summary.csv."""
    sums = [(WHOLE_COUNTY, _added(figures[town, name] for town in towns))]
    if parts := _parts(data, name):
        places = [*towns, WHOLE_COUNTY]
        sums += [(place, _added(figures[place, part] for part in parts)) for place in places]
    wrong = [(place, total) for place, total in sums if total != figures[place, name]]
    if wrong:
        raise GengbaoError(
            Finding(
                f"{SHEET} {place} {name}", f"加出 {total}，汇总表是 {figures[place, name]}",
                "请保留现场文件并联系维护人员",
            )
            for place, total in wrong
        )  # fmt: skip


def _added(pairs: Iterable[tuple[int, Decimal]]) -> tuple[int, Decimal]:
    """Return plots and 亩 of several cells."""
    plots, areas = zip(*pairs, strict=True)
    return sum(plots), sum(areas, Decimal(0))


def _check(book: Book, page: Worksheet, at: tuple[int, int], said: Sequence[str]) -> None:
    """Write what differs in a row; the row is as high as its lines need."""
    text = "\n".join(said) or "无不同"
    colour = {"bg_color": "#FFF3BF"} if said else {}
    book.put(page, at, text, text_wrap=True, font_size=10, **colour)
    page.set_row(at[0], max(26, 0.95 * LINE_PT * line_count(text, CHECK_WIDTH * 11 / 10) + 4))


def _differences(data: ReportData) -> dict[str, list[str]]:
    """Return by town what the printed table says otherwise, the first reading of each cell."""
    rows = data.whole("reconcile")
    rows = rows[(rows["table"] == TABLE) & (rows["verdict"] != "equal")]
    rows = rows.drop_duplicates(["check", "town", "item", "measure"])
    found: dict[str, list[str]] = {}
    for row in records(rows):
        found.setdefault(str(row["town"]), []).append(_said(row))
    return found


def _said(row: Mapping[str, Any]) -> str:
    unit = UNITS[row["measure"]]
    wanted = "各项相加" if row["check"] == "printed-internal" else "计算"
    what = f"{figure_labels().get(row['item'], row['item'])}{MEASURES[row['measure']]}"
    figures = f"公布 {row['published']}，{wanted} {row['computed']}，差 {row['difference']} {unit}"
    reason = str(row["reason"]).rpartition("；")[2]
    return f"{CHECKS[row['check']]}·{what}：{figures}（{VERDICTS[row['verdict']]}：{reason}）"


def _notes(data: ReportData, figures: Figures) -> list[str]:
    """Return the notes below the table."""
    unworked = [c for c in data.classes if c.task and not c.work_needed]
    found = [
        f"数据基期 {data.county.ledger.isoformat()}（开台账的一期），以后见“缺口与进度”“变化”。",
        "图斑数按类计，一个图斑在两类中各计一次；各格由精确面积独立四舍五入到整亩。",
        "单元格里存的是精确值，所以显示出来的各项相加可能与合计差 1 亩。",
    ]
    for category in unworked:
        plots, mu = figures[WHOLE_COUNTY, category.name]
        area = mu.quantize(Decimal("0.1"), ROUND_HALF_UP)
        found.append(
            f"{category.label_long} {plots} 个、{area} 亩无需实施整改，不在“需整改合计”之内。"
        )
    if data.county.published:
        found.append(
            "公布数照抄 published.csv，不改动；核对列写明差在哪里、为什么，逐格核对见“核对”。"
        )
    return found

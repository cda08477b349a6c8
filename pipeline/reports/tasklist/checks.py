"""五项指标, 核对 and 变化: the county against its limits, printed figures, why gaps moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xlsxwriter.utility import xl_col_to_name

from pipeline.reports.book import A3, EXACT, WHOLE, Column, records
from pipeline.reports.tasklist.standing import number_of
from pipeline.reports.words import CHECKS, INDICATORS, MEASURES, UNITS, VERDICTS
from pipeline.tables.figures import figure_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xlsxwriter.worksheet import Worksheet

    from pipeline.reports.book import Book

INDICATOR_SHEET, CHECK_SHEET, MOVE_SHEET = "五项指标", "核对", "变化"
GENERAL = "#,##0.00####"
"""At least two places, as many as there are: limits are of 亩, of % and of 万公斤."""
COUNTED = "plots"
VERDICT_COLOURS = {
    "达标": "#DDEFE3", "不达标": "#F9D2C8", "待核": "#FFF3BF", "缺数": "#FFF3BF",
    "取整": "#EEF2F5", "口径": "#FFF3BF", "真差": "#F9D2C8",
}  # fmt: skip
STEPS = {
    "restored": "恢复", "newly_lost": "新流出", "relapsed": "反弹", "reclassified": "改类",
    "revised": "修订", "withdrawn": "撤出",
}  # fmt: skip


def _of(name: str) -> Callable[[Mapping[str, Any]], object]:
    return lambda row: row[name]


def _coded(name: str, words: Mapping[str, str]) -> Callable[[Mapping[str, Any]], object]:
    return lambda row: words.get(row[name], row[name])


def indicators(book: Book) -> None:
    """Write the five indicators of the newest export."""
    columns = (
        Column(head="序号", width=6, value=number_of("number"), number=WHOLE, align="center"),
        Column(head="考核指标", width=16, value=_of("name")),
        Column(head="测算项", width=22, value=_of("label")),
        Column(head="数值", width=14, value=number_of("value"), number=EXACT),
        Column(head="限值", width=14, value=number_of("limit"), number=GENERAL),
        Column(head="单位", width=7, value=_of("unit"), align="center"),
        Column(head="余量", width=13, value=number_of("headroom"), number=EXACT),
        Column(head="完成率（%）", width=10, value=number_of("rate_pct"), number=EXACT),
        Column(head="结论", width=9, value=_of("verdict"), align="center"),
        Column(head="测算过程", width=56, value=_of("formula")),
        Column(head="缺什么、说明", width=30, value=_missing),
        Column(head="依据", width=36, value=_of("basis")),
    )
    data = book.data
    page = book.sheet(INDICATOR_SHEET)
    row = book.heading(
        page, f"{data.county.name}耕地保护责任目标五项考核指标", "比例为 %", len(columns) - 1
    )
    end = book.table(page, row, columns, records(data.whole("indicators")))
    _coloured(book, page, (row + 1, 8, end - 1, 8))
    lines = [
        "同一指标有几个测算项时，以最差的一项为该指标的结论；每一项的来历见 indicator_terms.csv。"
    ]
    book.notes(page, end, len(columns) - 1, lines)
    page.freeze_panes(row + 1, 3)
    book.page_setup(page, paper=A3, heads=(0, row))


def _missing(row: Mapping[str, Any]) -> str:
    return "；".join(row[name] for name in ("missing", "note") if isinstance(row[name], str))


def reconciled(book: Book) -> None:
    """Write every checked cell of the published figures, those that differ first."""
    columns = (
        Column(head="比对", width=14, value=_coded("check", CHECKS)),
        Column(head="公布于", width=10, value=_of("table")),
        Column(head="地方", width=12, value=_of("town")),
        Column(head="项目", width=30, value=_coded("item", figure_labels())),
        Column(head="量", width=8, value=_coded("measure", MEASURES), align="center"),
        Column(head="单位", width=6, value=_coded("measure", UNITS), align="center"),
        Column(head="公布", width=12, value=number_of("published"), number=_as_printed),
        Column(head="应为或计算", width=14, value=number_of("computed"), number=_counted),
        Column(
            head="差", width=12, value=number_of("difference"), number=_counted,
            formula=lambda row: f"=ROUND(G{row}-H{row},6)",
        ),
        Column(head="结论", width=8, value=_coded("verdict", VERDICTS), align="center"),
        Column(head="原因", width=96, value=_of("reason")),
    )  # fmt: skip
    data = book.data
    page = book.sheet(CHECK_SHEET)
    row = book.heading(
        page, f"{data.county.name}公布数核对", "公布数照抄，不改动", len(columns) - 1
    )
    table = data.whole("reconcile")
    table = table.assign(same=table["verdict"] == "equal").sort_values("same", kind="stable")
    end = book.table(page, row, columns, records(table))
    _coloured(book, page, (row + 1, 9, end - 1, 9))
    counts = table["verdict"].value_counts()
    said = "、".join(
        f"{word} {counts[name]} 处" for name, word in VERDICTS.items() if name in counts
    )
    lines = [
        f"共核对 {len(table)} 处：{said or '没有 published.csv，无可核对'}。",
        "公布数自核＝文件里的数自己对不对；公布与计算＝文件里的数与图斑加出来的数对不对。",
        "一个印出的数代表一个区间（如 110 代表 [109.5, 110.5)）：区间相交为取整。",
        "换一种口径相符为口径；都不能解释为真差。",
    ]
    book.notes(page, end, len(columns) - 1, lines)
    page.freeze_panes(row + 1, 4)
    book.page_setup(page, paper=A3, heads=(0, row))


def _as_printed(row: Mapping[str, Any]) -> str:
    """Return the format of as many places as the published figure has."""
    places = len(str(row["published"]).partition(".")[2])
    return WHOLE + ("." + "0" * places if places else "")


def _counted(row: Mapping[str, Any]) -> str:
    return WHOLE if row["measure"] == COUNTED else EXACT


def movements(book: Book) -> None:
    """Write why every gap moved, export by export, the newest first; the close is a formula."""
    first, last = (xl_col_to_name(4 + at) for at in (0, len(STEPS)))
    places = {"county": 0, "group": 1, "town": 2}
    columns = (
        Column(head="从", width=11, value=_of("since"), align="center"),
        Column(head="到", width=11, value=_of("export"), align="center"),
        Column(head="地方", width=13, value=_of("town"), align="center"),
        Column(head="指标", width=14, value=_coded("indicator", INDICATORS)),
        Column(head="期初（亩）", width=13, value=number_of("opening_mu"), number=EXACT),
        *(
            Column(head=f"{word}（亩）", width=12, value=number_of(f"{name}_mu"), number=EXACT)
            for name, word in STEPS.items()
        ),
        Column(
            head="期末（亩）", width=13, value=number_of("closing_mu"), number=EXACT,
            formula=lambda row: f"=SUM({first}{row}:{last}{row})",
        ),
        *(
            Column(head=f"{word}（个）", width=8.5, value=number_of(f"{name}_tasks"), number=WHOLE)
            for name, word in STEPS.items()
        ),
    )  # fmt: skip
    data = book.data
    page = book.sheet(MOVE_SHEET)
    row = book.heading(
        page, f"{data.county.name}缺口变动", "单位：亩、个；减少为负", len(columns) - 1
    )
    table = data.whole("waterfall")
    table = table.assign(place=table["level"].map(places)).sort_values(
        ["export", "place"], ascending=[False, True], kind="stable"
    )
    end = book.table(page, row, columns, records(table), bold=lambda own: own["level"] != "town")
    lines = [
        "期末＝期初与各步之和，恰好相等；期末即“缺口与进度”里的剩余。",
        "每一步是哪些任务，见 waterfall_tasks.csv。",
        "改类＝任务改属另一类（两边各记一次）；修订＝首次入库或图形调整；撤出＝离开任务而未恢复。",
    ]
    if table.empty:
        lines = ["只有开台账一期，还没有变动。"]
    book.notes(page, end, len(columns) - 1, lines)
    page.freeze_panes(row + 1, 4)
    book.page_setup(page, paper=A3, heads=(0, row))


def _coloured(book: Book, page: Worksheet, box: tuple[int, int, int, int]) -> None:
    """Colour verdicts by their word."""
    if box[2] < box[0]:
        return
    for word, colour in VERDICT_COLOURS.items():
        rule = {
            "type": "cell", "criteria": "==", "value": f'"{word}"',
            "format": book.workbook.add_format({"bg_color": colour}),
        }  # fmt: skip
        page.conditional_format(*box, rule)

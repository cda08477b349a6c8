"""口径说明: what the figures rest on, so that a printed workbook can be traced."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.reports.book import A4, HEAD, LINE_PT, ROW_PT, line_count
from pipeline.reports.data import SAMPLE_MARK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.reports.book import Book
    from pipeline.reports.data import ReportData

SHEET = "口径说明"
THRESHOLDS = {
    "sliver_area_m2": "碎片面积（㎡）", "sliver_width_m": "碎片宽度（m）",
    "sliver_width_area_m2": "按宽度算碎片的面积上限（㎡）", "sliver_share": "碎片占图斑的比例",
    "sliver_share_area_m2": "按比例算碎片的面积上限（㎡）", "whole_share": "整图斑的比例",
    "mask_share": "名单、范围成立的比例", "close_share": "销号的恢复比例",
    "tbmj_rel": "图斑面积与图形相符的相对差", "tbmj_abs_m2": "图斑面积与图形相符的绝对差（㎡）",
    "repair_abs_m2": "图形修复可接受的面积差（㎡）", "repair_rel": "图形修复可接受的相对差",
    "grid_m": "坐标格网（m）",
}  # fmt: skip
METHODS = (
    ("图斑面积", "国土调查办发〔2008〕32号椭球面积，CGCS2000"),
    ("计算基数", "图斑面积（TBMJ）与图形相符的整图斑用 TBMJ；被界线切开的按比例分，分完恰好闭合"),
    ("亩", "1 亩 = 2000/3 ㎡，即 亩 = ㎡ × 0.0015；以 0.01 ㎡ 的整数求和"),
    ("取整", "呈现时由精确值四舍五入一次；面积单元格里是精确值，按格式显示"),
    ("合计", "合计、小计、差是公式，其缓存值与 summary.csv、gaps.csv、reconcile.csv 相同"),
    ("图斑数", "一个图斑在一类中计一次；已撤出的任务不计入图斑数和面积，计入缺口"),
    ("销号", "恢复面积达到任务面积的销号比例；以调查成果为准，自报不改变销号"),
    ("指标", "五项指标取最新一期；缺数、待核不当作达标"),
)  # fmt: skip


def write(book: Book) -> None:
    """Write the sheet."""
    page = book.sheet(SHEET)
    page.set_column(0, 0, 30)
    page.set_column(1, 1, 92)
    row = book.heading(page, f"{book.data.county.name}口径说明", "", 1)
    for at, text in enumerate(("项目", "内容")):
        book.put(page, (row, at), text, **HEAD)
    for number, (item, text) in enumerate(_lines(book.data), row + 1):
        book.put(page, (number, 0), item, text_wrap=True)
        book.put(page, (number, 1), text, text_wrap=True)
        page.set_row(number, max(ROW_PT, LINE_PT * line_count(text, 92) + 3))
    page.freeze_panes(row + 1, 0)
    book.page_setup(page, paper=A4, heads=(0, row), across="portrait")


def plain(value: float) -> str:
    """Return a number as people write it, without an exponent."""
    return f"{Decimal(repr(value)).normalize():f}"


def _lines(data: ReportData) -> Iterator[tuple[str, str]]:
    county = data.county
    if county.sample:
        yield SAMPLE_MARK, "本县为合成的示例：县界、镇界、图斑都不是真的"
    yield (
        "数据日期",
        f"{data.export.isoformat()}（最新一期）；任务清单为 {county.ledger.isoformat()}",
    )
    yield "各期调查成果", "、".join(day.isoformat() for day in county.exports)
    yield "上年度调查", county.previous.isoformat()
    yield "整改期限", county.deadline.isoformat()
    yield "编制单位", county.publisher or "未填（county.toml 的 publisher）"
    yield (
        "产品编号",
        (
            f"{data.product_id}：本表所依据的数据、设置与程序的哈希，内容不变则编号不变。"
            "整次运行的 run_id 在上一级文件夹的 manifest.json 开头；同一文件“facts”的"
            "“报表 task_list”一节列着本编号，对得上就是那次运行的成果，"
            "成果和全部输入的 sha256 也在其中"
        ),
    )
    yield from METHODS
    yield "坐标系", f"{county.crs}（CGCS2000 三度带高斯-克吕格）"
    yield "规则包", f"{data.pack.name}（版本 {data.pack.version}）；逐条见 docs/rules.md"
    yield (
        "判定方式",
        "规则判定，名单为证据" if county.mode == "derive" else "以下发任务图层为准，规则核对",
    )
    for name, value in asdict(county.thresholds).items():
        yield f"门槛：{THRESHOLDS.get(name, name)}", plain(value)

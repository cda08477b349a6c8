"""Where every figure comes from, and the command that shows the plots behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.aggregate.summary import WHOLE_COUNTY
from pipeline.reports.bulletin.document import Annex, Column, Notes, Table
from pipeline.reports.bulletin.words import NOTHING, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.reports.data import ReportData


class Source(NamedTuple):
    """A kind of figure: its name in the text, the product it stands in, how to ask for it.

    figure, measure: as `gengbao trace` takes them; figure "" where the product lists it itself.
    """

    said: str
    product: str
    figure: str = ""
    measure: str = ""

    def words(self, data: ReportData) -> tuple[str, ...]:
        """Return the arguments that trace the county's figure; none where no command does."""
        if not self.figure:
            return ()
        asked = ("trace", f"{WHOLE_COUNTY} {self.figure}", "--measure", self.measure)
        return (*asked, "--export", data.export.isoformat())


RANKED = (
    Source("任务面积", "progress.csv", "耕地缺口", "缺口"),
    Source("已恢复面积", "progress.csv", "耕地缺口", "已恢复"),
    Source("完成率", "progress.csv", "耕地缺口", "完成率"),
    Source("剩余面积", "progress.csv", "耕地缺口", "剩余"),
    Source("未销号图斑", "progress.csv", "耕地缺口", "未销号"),
    Source("名次、升降", "progress.csv（rank）"),
    Source("计划完成", "progress.csv", "耕地缺口", "计划"),
    Source("低于计划", "progress.csv", "耕地缺口", "低于计划"),
    Source("反弹图斑、面积", "progress.csv", "耕地缺口", "反弹"),
    Source("新反弹", "history.csv（status）"),
)
"""Figures of a ranking; the command names cropland, the other indicators are asked for alike."""
MOVED = (Source("缺口变化各步", "waterfall.csv，逐个任务见waterfall_tasks.csv"),)
PROJECTED = (
    Source("需要的进度", "progress.csv", "耕地缺口", "需要的进度"),
    Source("平均进度", "progress.csv", "耕地缺口", "平均进度"),
    Source("期限时约剩及区间", "progress.csv（left_mu、low_mu、high_mu）"),
)
ASSESSED = (Source("五项考核指标", "indicators.csv，逐项见indicator_terms.csv"),)
VISITED = (
    Source("恢复类任务（三类分别查）", "summary.csv", "耕地保护目标就地恢复", "图斑数"),
    Source("已销号图斑", "summary.csv", "耕地保护目标就地恢复", "已销号"),
    Source("已恢复面积", "summary.csv", "耕地保护目标就地恢复", "已恢复"),
    Source("剩余面积", "summary.csv", "耕地保护目标就地恢复", "剩余"),
    Source("未销号图斑", "summary.csv", "合计", "未销号"),
    Source("待核图斑", "summary.csv", "待核", "图斑数"),
    Source("反弹图斑、面积", "progress.csv", "耕地缺口", "反弹"),
    Source("种植责任落实、督导结果填报", "returned.csv"),
    Source("待整改、部分恢复、反弹", "ledger.gpkg、history.csv（status）"),
)
COLUMNS = (
    Column("数字", 46, "left"), Column("成果文件", 44, "left"), Column("地名与数字名", 44, "left"),
    Column("项目", 22, "left"),
)  # fmt: skip


def source_annex(data: ReportData, sources: Sequence[Source]) -> Annex:
    """Return the 附件 that says where the figures come from and how to check them."""
    rows = tuple(
        (
            one.said, one.product, f"{WHOLE_COUNTY} {one.figure}" if one.figure else NOTHING,
            one.measure or NOTHING,
        )
        for one in sources
    )  # fmt: skip
    day = data.export.isoformat()
    command = f"gengbao trace '地名 数字名' --measure 项目 --export {day}"
    how = Notes("说明", (say("trace_how", command=command),))
    return Annex("数字出处与核查办法", (Table("", COLUMNS, rows), how))

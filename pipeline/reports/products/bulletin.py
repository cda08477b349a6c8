"""通报: 一周一排名, 半月一督查, 一月一通报, each as PDF and as a DOCX that an office can edit."""

from __future__ import annotations

from pipeline.reports.data import ReportSpec

RATES = ("cropland_rate", "pbf_rate", "balance_rate")
GAPS = ("cropland_gap", "pbf_gap", "balance_gap")


def _both(*names: str) -> tuple[str, ...]:
    """Return maps as the PDF and the DOCX take them."""
    return tuple(f"{name}.{kind}" for name in names for kind in ("pdf", "png"))


PRODUCTS = (
    ReportSpec(
        name="weekly_ranking",
        title="周排名",
        answers="本期各镇办完成率排第几、升降多少，哪些低于计划，哪里反弹",
        needs=("progress", "history"),
        module="bulletin.weekly",
        maps=_both(*RATES),
    ),
    ReportSpec(
        name="half_month_note",
        title="半月督查",
        answers="每个督导组就地恢复、种植责任、反弹和未解决的问题各是什么情况",
        needs=("progress", "history", "summary", "ledger", "returned"),
        module="bulletin.half_month",
        maps=_both("categories"),
    ),
    ReportSpec(
        name="monthly_bulletin",
        title="月通报",
        answers="本月全县进展、排名、缺口变化、对照计划、期限推算和五项指标",
        needs=("progress", "history", "waterfall", "indicators", "reconcile"),
        module="bulletin.monthly",
        maps=_both(*GAPS),
    ),
)

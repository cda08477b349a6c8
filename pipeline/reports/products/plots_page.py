"""plots.html: the tasks on a map and in a list, offline; and the same without coordinates."""

from __future__ import annotations

from pipeline.reports.data import ReportSpec

# land: the classes of reports.page.ground.KINDS; a list of products loads no geometry
PRODUCTS = (
    ReportSpec(
        name="plots_page",
        title="任务图斑查询页",
        answers="这个图斑在哪里、为什么归入这一类、办到哪一步；筛选出来的共多少个、多少亩（离线，浏览器打开）",
        needs=("ledger", "opened", "history", "summary", "land", "towns", "sheets"),
        module="page",
        land=(
            "05",
            "06",
            "07",
            "1101",
            "1102",
            "1103",
            "1104",
            "1001",
            "1002",
            "1003",
            "1004",
            "1006",
        ),
    ),
)

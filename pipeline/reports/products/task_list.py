"""任务清单.xlsx: 附件2 as a workbook that adds up, with what stands behind it."""

from __future__ import annotations

from pipeline.reports.data import ReportSpec

PRODUCTS = (
    ReportSpec(
        name="task_list",
        title="任务清单",
        answers="各镇办每一类多少个图斑、多少亩，与公布数差在哪里、为什么",
        needs=("summary", "gaps", "progress", "indicators", "reconcile", "waterfall"),
        module="tasklist",
    ),
)

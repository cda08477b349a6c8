"""台账: what towns and inspection groups fill in and send back."""

from __future__ import annotations

from pipeline.reports.data import ReportSpec

PRODUCTS = (
    ReportSpec(
        name="ledgers",
        title="问题台账",
        answers="每个镇办的每个任务：在哪、多少亩、依据什么、图册第几页，谁在什么时候怎么整改",
        needs=("summary", "ledger", "sheets", "returned", "contacts"),
        module="ledgers",
    ),
)

"""What a town's ledger adds up to: exact, printed once, the same as in the tables."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from pipeline.tables import statuses

if TYPE_CHECKING:
    from pipeline.reports.ledgers.rows import Row

AREAS = ("area_mu", "restored_mu", "remaining_mu")


def sums(rows: list[Row]) -> str:
    """Return the counts and 亩 of a town in words, tasks that were withdrawn apart."""
    labels = {status.name: status.label for status in statuses()}
    gone = labels["withdrawn"]
    counts = Counter(row["status"] for row in rows)
    plots, areas = totals(rows)
    said = f"任务 {plots} 个、{_printed(areas['area_mu'])} 亩"
    states = [f"{label} {counts[label]} 个" for label in labels.values() if counts[label]]
    said += f"；其中{'、'.join(s for s in states if not s.startswith(gone)) or '无'}"
    said += (
        f"；已恢复 {_printed(areas['restored_mu'])} 亩，剩余 {_printed(areas['remaining_mu'])} 亩"
    )
    return said + (f"；另有{gone} {counts[gone]} 个" if counts[gone] else "") + "。"


def totals(rows: list[Row]) -> tuple[int, dict[str, Decimal]]:
    """Return number and exact 亩 of the tasks that aren't withdrawn."""
    gone = next(status.label for status in statuses() if status.name == "withdrawn")
    standing = [row for row in rows if row["status"] != gone]
    areas = {name: sum((row[name] for row in standing), Decimal(0)) for name in AREAS}
    return len(standing), areas


def _printed(mu: Decimal) -> str:
    """Return 亩 as printed: two decimals, half-up, once."""
    return f"{mu.quantize(Decimal('0.01'), ROUND_HALF_UP)}"

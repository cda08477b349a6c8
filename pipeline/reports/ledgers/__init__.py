"""台账: one workbook per town, a row per task, with columns that people fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.disk import file_name
from pipeline.reports import returned
from pipeline.reports.data import REPORTS
from pipeline.reports.ledgers.rows import Filled, task_rows
from pipeline.reports.ledgers.workbook import Town, workbook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.reports.data import ReportData

UNDECIDED = "未定"


def make(data: ReportData) -> Mapping[str, bytes]:
    """Return the towns' workbooks; tasks of no known town are in 未定, where there are any."""
    merged = data.whole("returned").fillna("")
    filled = Filled(
        values=returned.adopted(merged),
        notes=returned.notes(merged),
        history=returned.history(merged),
    )
    ledger = data.whole("ledger")
    codes = {town.code: town.name for town in data.county.towns}
    owner = ledger["town_code"].map(codes).fillna(UNDECIDED)
    files = {}
    for name in [*codes.values(), *([UNDECIDED] if (owner == UNDECIDED).any() else [])]:
        own = ledger[owner == name].drop(columns="geometry").reset_index(drop=True)
        town = Town(
            name=name,
            rows=task_rows(data, own, filled),
            merged=tuple(sorted(set(merged.loc[merged["town"] == name, "digest"]))),
        )
        files[f"{REPORTS}/台账/{file_name(name)}问题台账.xlsx"] = workbook(data, town)
    return files

"""台账: one workbook per town, a row per task, with columns that people fill."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.disk import file_name
from pipeline.errors import Finding, GengbaoError
from pipeline.reports import returned
from pipeline.reports.data import REPORTS
from pipeline.reports.ledgers.rows import Filled, task_rows
from pipeline.reports.ledgers.sums import totals
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
        _require_sums(data, town)
        files[f"{REPORTS}/台账/{file_name(name)}问题台账.xlsx"] = workbook(data, town)
    return files


def _require_sums(data: ReportData, town: Town) -> None:
    """Raise GengbaoError where a ledger's rows don't add up to the town's row of summary.csv."""
    rows = data.table("summary")
    own = rows[(rows["town"] == town.name) & (rows["category"] == "total")]
    stated = next(iter(own.to_dict("records")), {})
    plots, areas = totals(town.rows)
    wrong = [
        f"{name} 加出 {value}，汇总表是 {stated.get(name, '没有')}"
        for name, value in ({"plots": Decimal(plots)} | areas).items()
        if value != Decimal(str(stated.get(name, 0)))
    ]
    if wrong:
        raise GengbaoError(
            Finding(f"问题台账 {town.name}", text, "请保留现场文件并联系维护人员") for text in wrong
        )

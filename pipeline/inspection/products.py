"""What an inspection hands out: tables and a workbook, nothing written here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from pipeline import storage
from pipeline.errors import Finding, GengbaoError
from pipeline.inspection import tables
from pipeline.inspection.cells import side_by_side
from pipeline.inspection.judging import judge

if TYPE_CHECKING:
    from pipeline.ingest.checklist import Checklist
    from pipeline.inspection.ours import Ours
    from pipeline.inspection.records import Judged

NUMBERS = ("_mu", "_plots")
"""Columns with these endings, `row` and `times` hold numbers; all others hold text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """A list held against the ledger.

    judged: row by row; cells: side by side; differences: plot by plot with the reason; unread:
    rows set aside; rows: every row; repeats: plots that stand in several rows; reading: how the
    list was read.
    """

    checklist: Checklist
    ours: Ours
    judged: Judged
    cells: pd.DataFrame
    differences: pd.DataFrame
    unread: pd.DataFrame
    rows: pd.DataFrame
    repeats: pd.DataFrame
    reading: pd.DataFrame

    @property
    def equal(self) -> bool:
        """Whether both sides agree in every plot."""
        return self.differences.empty and self.unread.empty

    @property
    def accepted(self) -> int:
        """How many rows were taken; the others of the list are in `unread`."""
        return int((self.rows["state"] == tables.ACCEPTED).sum())


def inspect(checklist: Checklist, ours: Ours) -> Inspection:
    """Hold a list against our items. Raises GengbaoError where an account doesn't close."""
    judged = judge(checklist.rows, ours)
    names = list(tables.UNREAD_COLUMNS)
    found = Inspection(
        checklist=checklist,
        ours=ours,
        judged=judged,
        cells=side_by_side(judged, ours),
        differences=tables.difference_table(judged, ours),
        unread=checklist.rows.loc[~checklist.rows["readable"], names].reset_index(drop=True),
        rows=tables.row_table(judged, ours),
        repeats=tables.repeat_table(judged),
        reading=_reading(checklist, judged),
    )
    if found.accepted + len(found.unread) != len(checklist.rows):
        said = f"读入 {len(checklist.rows)} 行，采用 {found.accepted}，读不出 {len(found.unread)}"
        raise GengbaoError(Finding("清单行数", said, "请保留现场文件并联系开发者"))
    return found


def _reading(checklist: Checklist, judged: Judged) -> pd.DataFrame:
    rows = [(remark.sheet, remark.item, remark.text) for remark in checklist.remarks]
    if judged.unit.why:
        rows.append(("", "面积单位", judged.unit.why))
    return pd.DataFrame(rows, columns=["sheet", "item", "text"])


def csv_tables(found: Inspection) -> dict[str, pd.DataFrame]:
    """Return the CSV products by file name; text that a spreadsheet would run is quoted."""
    return {
        "分镇分类对照.csv": guarded(found.cells),
        "差异图斑.csv": guarded(found.differences),
        "读不出的行.csv": guarded(found.unread),
        "重复图斑.csv": guarded(found.repeats),
        "逐行对照.csv": guarded(found.rows),
        "读表说明.csv": guarded(found.reading),
    }


def guarded(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with an apostrophe before text that a spreadsheet takes for a formula."""
    numbers = [c for c in table.columns if c in ("row", "times") or c.endswith(NUMBERS)]
    return storage.guarded(table, numbers)

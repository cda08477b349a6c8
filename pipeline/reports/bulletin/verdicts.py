"""The five assessment indicators, as indicators.csv judges them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.aggregate.indicators import FAIL, MISSING, PASS, REVIEW, VOID
from pipeline.reports.bulletin.document import Column, Table
from pipeline.reports.bulletin.rows import text_rows
from pipeline.reports.bulletin.words import NOTHING, listed, say, signed, two
from pipeline.tables.indicators import assessed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from pipeline.tables.indicators import Tested

COLUMNS = (
    Column("序号", 10), Column("指标", 44, "left"), Column("单位", 14), Column("现状", 21, "right"),
    Column("要求", 32, "right"), Column("余量", 20, "right"), Column("判定", 15),
)  # fmt: skip
GRAIN = "万公斤"
_TESTS = {"at_least": "不小于", "at_most": "不大于", "below": "小于"}


def verdict_sentence(table: pd.DataFrame) -> str:
    """Say how many of the five indicators stand how; table: indicators.csv."""
    overall = table.drop_duplicates("number")["overall"]
    counts = [(v, int((overall == v).sum())) for v in (PASS, FAIL, REVIEW, MISSING, VOID)]
    said = [say("verdict_count", verdict=v, count=str(n)) for v, n in counts if n]
    return say("verdicts", counts=listed(said))


def verdict_table(table: pd.DataFrame, title: str) -> Table:
    """Return the figures tested, with the product's notes and what is missing below."""
    tests = {tested.indicator.value: tested for tested in assessed()}
    rows, notes = [], []
    for row in text_rows(table):
        tested, unit = tests[row["indicator"]], row["unit"]
        limit = f"{_TESTS[tested.test]}{_figure(row['limit'], unit)}" if row["limit"] else NOTHING
        rows.append(
            (
                row["number"], row["label"], unit, _figure(row["value"], unit), limit,
                _room(row["headroom"], unit), row["verdict"],
            )
        )  # fmt: skip
        if row["verdict"] == MISSING:
            notes.append(say("verdict_missing", label=row["label"], what=_missing(tested, row)))
        elif row["note"]:
            notes.append(say("verdict_note", label=row["label"], note=row["note"]))
    return Table(title, COLUMNS, tuple(rows), notes=tuple(notes))


def _missing(tested: Tested, row: Mapping[str, str]) -> str:
    """Name what the county didn't state: the terms whose figures the row lacks."""
    wanted = [getattr(tested, name) for name in ("value", "limit") if not row[name]]
    labels = {term.name: term.label for term in tested.terms}
    return listed([labels[name] for name in wanted])


def _figure(text: str, unit: str) -> str:
    """Return a figure: grain as exact as it was stated, the others with two decimals."""
    if not text:
        return NOTHING
    return f"{Decimal(text).normalize():f}" if unit == GRAIN else two(Decimal(text))


def _room(text: str, unit: str) -> str:
    if not text or unit != GRAIN:
        return signed(Decimal(text) if text else None)
    return f"{Decimal(text).normalize():+f}".replace("-", "−")

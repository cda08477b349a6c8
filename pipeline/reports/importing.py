"""What a set of filled ledgers would bring, in Chinese for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ingest.checklist.values import shown
from pipeline.reports.returned import AGAINST, CONFLICT, NOWHERE, REFUSED, TAKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from pipeline.ingest.returned import Returned

MOST = 30
"""Cells listed per kind; all stand in returned.csv after `gengbao all`."""


def import_text(books: Sequence[Returned], merged: pd.DataFrame) -> str:
    """Return per file what is taken, then cell by cell what isn't, and what is in conflict."""
    if not books:
        return "returned/ 里没有交回的台账（.xlsx）。"
    lines = []
    for book in sorted(books, key=lambda item: item.name):
        own = merged[merged["file"] == book.name]
        counts = own["verdict"].value_counts()
        said = "、".join(f"{name} {count} 格" for name, count in counts.items()) or "没有填一格"
        issued, saved = book.issued or "未写", book.saved or "未知"
        lines.append(
            f"{book.name}（数据日期 {issued}，保存于 {saved}）：{book.rows} 个任务，{said}"
        )
        taken = own[own["verdict"].isin([TAKEN, AGAINST, CONFLICT])]
        for label, count in taken["label"].value_counts(sort=False).items():
            lines.append(f"    {label} {count} 格")
    for verdict, title in (
        (REFUSED, "没有采用的单元格"), (NOWHERE, "没有着落的填报"), (CONFLICT, "互相冲突的填报"),
        (AGAINST, "与调查不符的自报"),
    ):  # fmt: skip
        lines += _listed(merged[merged["verdict"] == verdict], title)
    return "\n".join(lines)


def _listed(rows: pd.DataFrame, title: str) -> Iterator[str]:
    if rows.empty:
        return
    yield f"{title}（{len(rows)} 处）："
    columns = ["file", "row", "task_id", "label", "text", "note"]
    for file, row, task, label, text, note in rows[columns].head(MOST).itertuples(index=False):
        where = f"{file} 第 {row} 行" if row != "0" else str(file)
        said = f"“{shown(str(text))}”：" if text else ""
        yield f"  {' '.join(filter(None, (where, task, label)))} {said}{note}"
    if len(rows) > MOST:
        yield f"  ……另有 {len(rows) - MOST} 处，运行 gengbao all 后见 data/processed/returned.csv"

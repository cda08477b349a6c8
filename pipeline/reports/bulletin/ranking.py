"""Who is first, who is last: in a sentence that knows ties, and in tables."""

from __future__ import annotations

from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from pipeline.aggregate.standings import LABELS
from pipeline.model import GAP_INDICATORS
from pipeline.reports.bulletin.document import Column, Table
from pipeline.reports.bulletin.words import NOTHING, cell, listed, say, signed, two

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model import Indicator
    from pipeline.reports.bulletin.document import Align
    from pipeline.reports.bulletin.standing import Standing, Standings

ENDS = 3
"""How many places each end of a ranking names."""
MOST_NAMED = 5
"""Towns of one rank that are named; more are counted."""


def rank_sentence(standings: Standings, indicator: Indicator) -> str:
    """Say who leads and who is last with an indicator; all of them where they are few."""
    ranked, name = standings.ranked(indicator), LABELS[indicator]
    rows = [row for row in ranked if not row.idle]
    if not rows:
        return say("rank_idle", name=name)
    resting = len(ranked) - len(rows)
    idle = say("rank_no_task", count=str(resting)) if resting else ""
    if len(rows) == 1:
        return say("rank_single", name=name, town=rows[0].place, rate=rows[0].rate, idle=idle)
    ranks = [list(group) for _, group in groupby(rows, key=lambda row: row.count("rank"))]
    if len(ranks) == 1:
        count = str(len(rows))
        return say("rank_equal", name=name, count=count, rate=rows[0].rate, idle=idle)
    first, last = _ends(ranks)
    if not last:
        said = listed([_said(group) for group in ranks])
        return say("rank_all", name=name, ranks=said, idle=idle)
    return say(
        "rank_ends",
        name=name,
        first=listed([_said(group) for group in first]),
        last=listed([_said(group) for group in last]),
        idle=idle,
    )


def _ends(ranks: Sequence[list[Standing]]) -> tuple[list[list[Standing]], list[list[Standing]]]:
    """Return the ranks at both ends that hold three towns or more; last empty where they meet."""
    first = _leading(ranks)
    last = _leading(ranks[::-1])[::-1]
    if len(first) + len(last) >= len(ranks):
        return list(ranks), []
    return first, last


def _leading(ranks: Sequence[list[Standing]]) -> list[list[Standing]]:
    """Return the first ranks until they hold three towns."""
    found: list[list[Standing]] = []
    for group in ranks:
        if sum(map(len, found)) >= ENDS:
            break
        found.append(group)
    return found


def _said(group: Sequence[Standing]) -> str:
    """Say one rank."""
    rank = group[0].now["rank"]
    if len(group) == 1:
        return say("rank_one", rank=rank, town=group[0].place, rate=group[0].rate)
    if len(group) > MOST_NAMED:
        return say("rank_many", rank=rank, count=str(len(group)), rate=group[0].rate)
    return say("rank_tied", rank=rank, towns=listed([f"{r.place}（{r.rate}）" for r in group]))


def rank_table(standings: Standings, title: str) -> Table:
    """Return the ranking page's table: the three indicators side by side, each in its order."""
    columns = tuple(
        Column(head, width, align, LABELS[indicator])
        for indicator in GAP_INDICATORS
        for head, width, align in _RANK_COLUMNS
    )
    sides = [
        [_rank_cells(row) for row in standings.ranked(indicator)] for indicator in GAP_INDICATORS
    ]
    empty = ("",) * len(_RANK_COLUMNS)
    rows = [sum(cells, ()) for cells in zip_longest(*sides, fillvalue=empty)]
    counties = [standings.county(indicator) for indicator in GAP_INDICATORS]
    rows.append(
        sum((("", "", row.place, row.rate) if row else empty for row in counties), ())
    )  # fmt: skip
    return Table(title, columns, tuple(rows), sums=1)


_RANK_COLUMNS: tuple[tuple[str, float, Align], ...] = (
    ("名次", 9, "center"), ("升降", 9, "center"), ("镇办", 18, "center"), ("完成率", 16, "right"),
)  # fmt: skip


def _rank_cells(row: Standing) -> tuple[str, ...]:
    return row.now["rank"], _risen(row), row.place, row.rate


def _risen(row: Standing) -> str:
    """Return how many places a town rose or fell since the export compared with."""
    fallen = row.change("rank")
    if fallen is None:
        return ""
    if not fallen:
        return NOTHING
    return f"{'↓' if fallen > 0 else '↑'}{abs(fallen)}"


def standing_table(standings: Standings, indicator: Indicator, title: str) -> Table:
    """Return an indicator's figures by town in the order of rank, then 未定 and the county."""
    heads: tuple[tuple[str, float, Align], ...] = (
        ("名次", 9.5, "center"), ("镇办", 18.0, "center"), ("任务", 17.0, "right"),
        ("已恢复", 17.0, "right"), ("完成率", 15.0, "right"), ("恢复增减", 18.0, "right"),
        ("剩余", 17.0, "right"), ("未销号（个）", 13.5, "right"), ("反弹（个）", 13.5, "right"),
        ("低于计划", 17.5, "right"),
    )  # fmt: skip
    ranked = standings.ranked(indicator)
    others = [row for row in standings.of(indicator) if not row.now["rank"]]
    county = standings.of(indicator, "county")
    rows = [
        (
            row.now["rank"], row.place, two(row.mu("gap_mu")), two(row.mu("restored_mu")),
            row.rate, signed(row.change("restored_mu")), two(row.mu("remaining_mu")),
            row.now["open_plots"], row.now["reopened_plots"], cell(row.known("behind_mu")),
        )
        for row in (*ranked, *others, *county)
    ]  # fmt: skip
    columns = tuple(Column(head, width, align) for head, width, align in heads)
    return Table(title, columns, tuple(rows), unit="亩", sums=len(county))

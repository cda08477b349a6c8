"""Who is ahead, who is behind: the gaps of every export side by side, held against plan and time.

Work is counted by open tasks: what is left to do is the remaining area of tasks that are open,
partial or reopened (open_mu), and a closed task counts as done whole, its rest within close_share
too. Net work of a step = restored − relapsed − new tasks; tasks that were withdrawn or came back
from withdrawal count in neither: a correction of the books is nobody's work.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from pipeline.aggregate.flows import AREAS, COUNTS, flows
from pipeline.aggregate.forecast import Forecast, Outlook, Step, forecast
from pipeline.aggregate.schedule import place_schedules
from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.aggregate.schedule import Schedule
    from pipeline.model import Category, County

COLUMNS = (
    "export", "phase", "level", "town_code", "town", "indicator", "gap_mu", "restored_mu",
    "remaining_mu", "done_pct", "rank", "rank_area", "since", "restored_change_mu",
    "remaining_change_mu", "done_pct_change", "rank_change", "open_plots", "open_mu", "done_mu",
    "reopened_plots", "reopened_mu", "newly_reopened_plots", "planned_mu", "behind_mu", "next_date",
    "next_mu", "days_left", "needed_mu_week", "pace_mu_week", "last_pace_mu_week", "left_mu",
    "low_mu", "high_mu", "outlook", "note",
)  # fmt: skip
"""Columns of progress.csv (docs/architecture.md)."""
TOO_FEW = "期数太少，无法推算"
_EXACT, _CENT = Decimal("0.000001"), Decimal("0.01")
_MU_PER_CM2 = Decimal("0.000015")


class _Row(NamedTuple):
    """A row of gaps.csv with its flows, and the rows of the same place before it."""

    day: date
    gap: Mapping[str, str | None]
    flows: Mapping[str, int]
    before: tuple[_Row, ...]

    def mu(self, name: str) -> Decimal:
        """Return a flow in 亩, exact."""
        return (self.flows[name] * _MU_PER_CM2).quantize(_EXACT)

    def number(self, name: str) -> Decimal | None:
        """Return a column of gaps.csv."""
        text = self.gap[name]
        return None if text is None else Decimal(text)


def progress(
    gaps: pd.DataFrame, history: pd.DataFrame, *, county: County, classes: Sequence[Category]
) -> pd.DataFrame:
    """Return the rows of progress.csv: export × place × indicator, in the order of gaps.csv.

    gaps, history: the rows of gaps.csv and history.csv, as text. Areas in 亩; changes are against
    the export before (column since), rank_change > 0 is better; paces in 亩 a week. Every export
    is judged by itself and those before. Raises GengbaoError if history and gaps don't hold the
    same areas.
    """
    moved = flows(history, county=county, classes=classes)
    plans = place_schedules(gaps, county)
    nothing = dict.fromkeys((*AREAS, *COUNTS), 0)
    series: dict[tuple[str, ...], tuple[_Row, ...]] = {}
    lines = []
    for gap in gaps.sort_values("export", kind="stable").to_dict("records"):
        cells = {str(k): None if pd.isna(v) else str(v) for k, v in gap.items()}
        export, *place = (str(cells[k]) for k in ("export", "level", "town", "indicator"))
        before = series.get(tuple(place), ())
        key = (export, place[0], place[1], place[2])
        row = _Row(date.fromisoformat(export), cells, moved.get(key, nothing), before)
        _check(row)
        series[tuple(place)] = (*before, row)
        lines.append(_line(row, county, plans.get(key)))
    table = pd.DataFrame(lines, columns=[c for c in COLUMNS if c != "rank_area"])
    change = table["rank_change"].astype("Int64")
    return table.assign(rank_change=change, rank_area=_area_ranks(table))[list(COLUMNS)]


def phase_of(county: County, day: date) -> str | None:
    """Return the phase of the campaign a day lies in; None outside all of them."""
    return next((n for n, (first, last) in county.phases.items() if first <= day <= last), None)


def _check(row: _Row) -> None:
    """Fail loudly unless the tasks' history holds what gaps.csv says."""
    for name in ("restored", "remaining"):
        if row.mu(name) != row.number(f"{name}_mu"):
            where = f"progress.csv {row.gap['export']} {row.gap['town']} {row.gap['indicator']}"
            found = f"history.csv 合计 {row.mu(name)} 亩，gaps.csv 为 {row.gap[f'{name}_mu']} 亩"
            raise GengbaoError(Finding(where, found, "请保留现场文件并联系开发者"))


def _line(row: _Row, county: County, plan: Schedule | None) -> dict[str, object]:
    """Return one row of progress.csv, rank_area still to come."""
    ahead = (county.deadline - row.day).days
    steps = _steps(row)
    seen = forecast(row.mu("open"), steps, ahead, done=not row.flows["open_plots"])
    behind, following = _behind(row), plan.following(row.day) if plan else None
    copied = ("export", "level", "town_code", "town", "indicator", "gap_mu", "restored_mu",
              "remaining_mu", "done_pct", "rank", "planned_mu")  # fmt: skip
    last = row.before[-1] if row.before else None
    return {
        **{name: row.gap[name] for name in copied},
        **{name: row.flows[name] for name in COUNTS},
        "phase": phase_of(county, row.day),
        "since": last.day.isoformat() if last else None,
        "restored_change_mu": _change(row, "restored_mu"),
        "remaining_change_mu": _change(row, "remaining_mu"),
        "done_pct_change": _change(row, "done_pct"),
        "rank_change": _rank_change(row),
        "open_mu": row.mu("open"),
        "done_mu": row.mu("alive") - row.mu("open"),
        "reopened_mu": row.mu("reopened"),
        "behind_mu": behind,
        "next_date": following.date.isoformat() if following else None,
        "next_mu": following.due_mu if following else None,
        "days_left": ahead,
        **{name: _printed(getattr(seen, name)) for name in Forecast._fields if name != "outlook"},
        "outlook": seen.outlook.value,
        "note": "；".join(_notes(row, behind, seen)),
    }


def _steps(row: _Row) -> list[Step]:
    """Return the steps between exports up to a row."""
    rows = (*row.before, row)
    return [Step((b.day - a.day).days, b.mu("work")) for a, b in pairwise(rows)]


def _behind(row: _Row) -> Decimal | None:
    """Return what is missing to the plan, never more than there is to do; None without a plan."""
    planned = row.number("planned_mu")
    if planned is None:
        return None
    done = row.mu("alive") - row.mu("open")
    return max(min(planned, row.mu("alive")) - done, Decimal(0)).quantize(_EXACT)


def _change(row: _Row, name: str) -> Decimal | None:
    """Return the change of a column since the export before."""
    now, then = row.number(name), row.before[-1].number(name) if row.before else None
    return None if now is None or then is None else now - then


def _rank_change(row: _Row) -> int | None:
    """Return how many places a town has risen (> 0) or fallen since the export before."""
    change = _change(row, "rank")
    return None if change is None else -int(change)


def _area_ranks(table: pd.DataFrame) -> pd.Series[int]:
    """Rank the towns of an export and indicator by restored area: 1, 2, 2, 4."""
    towns = table[table["rank"].notna()]
    area = towns["restored_mu"].map(Decimal).astype(float)
    ranks = area.groupby([towns["export"], towns["indicator"]]).rank("min", ascending=False)
    return ranks.astype("Int64").reindex(table.index)


def _printed(value: Decimal | None) -> Decimal | None:
    """Return an estimate with two decimals, half-up."""
    return None if value is None else value.quantize(_CENT, ROUND_HALF_UP) + 0


def _notes(row: _Row, behind: Decimal | None, seen: Forecast) -> list[str]:
    """Say in Chinese what stands out: behind the plan, reopened tasks, the outlook."""
    notes = []
    if behind:
        notes.append(f"低于计划 {_printed(behind)} 亩")
    if row.flows["reopened_plots"]:
        notes.append(f"反弹 {row.flows['reopened_plots']} 个 {_printed(row.mu('reopened'))} 亩")
    if not row.flows["open_plots"]:
        return [*notes, "已全部销号" if row.flows["alive"] else "没有任务"]
    if seen.pace_mu_week is not None and seen.pace_mu_week <= 0:
        word = "建账以来没有净进展" if seen.pace_mu_week == 0 else "新增和反弹多于恢复，进度为负"
        notes.append(word)
    left = f"期限时约剩 {_printed(seen.left_mu)} 亩"
    left += f"（{_printed(seen.low_mu)} 至 {_printed(seen.high_mu)} 亩）"
    said = {
        Outlook.OVERDUE: f"整改期限已到，未销号 {_printed(row.mu('open'))} 亩",
        Outlook.TOO_FEW: TOO_FEW,
        Outlook.ON_COURSE: "按目前进度可按期完成",
        Outlook.UNCERTAIN: f"能否按期完成尚难判断：{left}",
        Outlook.WILL_MISS: f"预警：按目前进度不能按期完成，{left}",
    }
    return [*notes, said[seen.outlook]]

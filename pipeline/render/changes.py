"""What changed in a place between the ledger's opening and an export: pure figures, no drawing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from pipeline.measure import mu_text, to_cm2
from pipeline.render.data import table_of
from pipeline.render.gap_table import percent

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from pipeline.render.data import MapData

WITHDRAWN = "withdrawn"
NO_VILLAGE = "村名不详"


@dataclass(frozen=True, slots=True)
class Tally:
    """Tasks and what is left of them, in hundredths of a m²."""

    plots: int
    left_cm2: int

    @property
    def left(self) -> str:
        """What is left in 亩 as printed: one decimal, half-up, 不足0.1 for what would be 0.0."""
        rounded = Decimal(mu_text(self.left_cm2, 1))
        return "不足0.1" if self.left_cm2 > 0 and not rounded else f"{rounded:,}"


@dataclass(frozen=True, slots=True)
class Change:
    """A place before and after: tallies by status at either date, tasks that came between.

    Withdrawn tasks have a tally without anything left, and are in no total.
    """

    before: dict[str, Tally]
    after: dict[str, Tally]
    came: int

    @property
    def was(self) -> Tally:
        """All tasks at the ledger's opening."""
        return _total(self.before)

    @property
    def now(self) -> Tally:
        """All tasks at the export."""
        return _total(self.after)


def pairs(data: MapData) -> gpd.GeoDataFrame:
    """Return every task with its two states: before, before_cm2, after, after_cm2 (0: not there).

    Columns of the ledger beside them; from history.csv at the ledger's date and the export's.
    """
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    found = data.tasks.sort_values("task_id", ignore_index=True)
    for name, day in (("before", data.county.ledger), ("after", data.export)):
        rows = table_of(data, "history", day).set_index("task_id").reindex(found["task_id"])
        left = to_cm2(rows["remaining_m2"].astype(float).fillna(0))
        gone = (rows["status"] == WITHDRAWN).to_numpy()
        found[name] = rows["status"].to_numpy()
        found[f"{name}_cm2"] = np.where(gone, 0, left)
    return found


def change(tasks: pd.DataFrame) -> Change:
    """Tally a place's tasks; tasks: rows of `pairs`."""
    came = tasks["before"].isna() & tasks["after"].notna()
    return Change(_tallies(tasks, "before"), _tallies(tasks, "after"), int(came.sum()))


def _tallies(tasks: pd.DataFrame, when: str) -> dict[str, Tally]:
    """Return tallies by status, those that are there."""
    return {
        str(status): Tally(len(own), int(own[f"{when}_cm2"].sum()))
        for status, own in tasks.groupby(when, sort=True)
    }


def _total(tallies: dict[str, Tally]) -> Tally:
    """Return the tally of all that count."""
    own = [tally for status, tally in tallies.items() if status != WITHDRAWN]
    return Tally(sum(t.plots for t in own), sum(t.left_cm2 for t in own))


def most_left(
    tasks: pd.DataFrame, by: str, count: int
) -> list[tuple[str, NDArray[np.intp], Tally]]:
    """Return (name, positions, tally) of the areas with most left at the export, largest first.

    by: column of the areas' names; positions: of the tasks there with something left.
    """
    rest = np.flatnonzero(tasks["after_cm2"].to_numpy() > 0)
    names = tasks[by].fillna(NO_VILLAGE).to_numpy()[rest]
    left = tasks["after_cm2"].to_numpy()[rest]
    found = [
        (
            str(name),
            rest[names == name],
            Tally(int((names == name).sum()), int(left[names == name].sum())),
        )
        for name in sorted(set(names))
    ]
    return sorted(found, key=lambda item: (-item[2].left_cm2, item[0]))[:count]


def headline(name: str, found: Change, *, first: bool) -> str:
    """Say what changed, from the figures alone; first: the ledger has only just been opened."""
    was, now = found.was, found.now
    if not now.plots:
        return f"{name}没有整改任务"
    if first:
        return f"{name}台账首期：{now.plots:,}个任务，剩余{now.left}亩，尚无前后可比"
    closed = found.after.get("closed", Tally(0, 0)).plots
    share = percent(Decimal(closed), Decimal(now.plots))
    text = f"{name}{now.plots:,}个任务已销号{closed:,}个（{share}），剩余{was.left}→{now.left}亩"
    again = found.after.get("reopened", Tally(0, 0)).plots
    return (
        text
        + (f"，反弹{again:,}个" if again else "")
        + (f"，新增{found.came:,}个" if found.came else "")
    )

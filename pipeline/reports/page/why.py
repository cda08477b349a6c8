"""Why each task is one: its pieces with their areas, and the reasons of explain, each line once."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import explain
from pipeline.errors import Finding, GengbaoError
from pipeline.measure import to_cm2
from pipeline.tables import vocabulary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pipeline.model import Category, Mode
    from pipeline.tables import RulePack

KEY = ("first_seen", "bsm", "category")
APPROVED = "approved_m2"


class Lines:
    """Lines of text, each kept once and called by its number."""

    def __init__(self) -> None:
        """Start without any."""
        self._numbers: dict[str, int] = {}

    def number(self, line: str) -> int:
        """Return the number of a line, a new one where it hasn't been heard yet."""
        return self._numbers.setdefault(line, len(self._numbers))

    @property
    def all(self) -> list[str]:
        """All lines in the order of their numbers."""
        return list(self._numbers)


def overlaps() -> list[dict[str, Any]]:
    """Return the areas that are told of a piece: label, and whether it names its approvals."""
    known = vocabulary()
    return [
        {"label": known[name].label.split("（")[0], "approved": name == APPROVED}
        for name in explain.OVERLAPS
    ]


def pieces_of(
    tasks: pd.DataFrame,
    opened: pd.DataFrame,
    lines: Lines,
    *,
    pack: RulePack,
    classes: Sequence[Category],
    mode: Mode,
) -> tuple[list[list[list[Any]]], list[dict[str, Any]], list[str]]:
    """Return per task its pieces, the reasons they refer to, the approvals they name.

    tasks: the ledger; opened: classified pieces with `first_seen`, the export they are of. A piece
    is [reason, number in the plot, base, area, approval, line of its land class, OVERLAPS …],
    areas in hundredths of a m². Raises GengbaoError for a task without pieces.
    """
    own = opened.merge(
        tasks[list(KEY)].assign(task=np.arange(len(tasks))), on=list(KEY), validate="many_to_one"
    ).sort_values(["task", "piece"], ignore_index=True)
    lost = np.setdiff1d(np.arange(len(tasks)), own["task"])
    if len(lost):
        raise GengbaoError(
            Finding(f"任务 {task}", "分类成果中没有它的图块", "请重新运行 gengbao all")
            for task in tasks["task_id"].iloc[lost]
        )
    number, found = explain.reasons(own, pack, classes, mode)
    sources = sorted(own["approved_source"].dropna().unique())
    land = [explain.standing(*codes) for codes in zip(own["dlbm"], own["zzsxdm"], strict=True)]
    columns = [
        number.tolist(),
        own["piece"].tolist(),
        _cm2(own["base_m2"]),
        _cm2(own["area_m2"]),
        [sources.index(text) if isinstance(text, str) else None for text in own["approved_source"]],
        [lines.number(line) for line in land],
        *(_cm2(own[name]) for name in explain.OVERLAPS),
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    bounds = np.searchsorted(own["task"], np.arange(len(tasks) + 1))
    told = [rows[start:end] for start, end in pairwise(bounds)]
    return told, [_told(why, lines) for why in found], sources


def _cm2(area_m2: pd.Series) -> list[int | None]:
    """Return areas in hundredths of a m², None where they aren't known."""
    known = to_cm2(area_m2.fillna(0.0)).tolist()
    return [None if gone else cm2 for cm2, gone in zip(known, area_m2.isna(), strict=True)]


def _told(why: explain.Reasons, lines: Lines) -> dict[str, Any]:
    """Return reasons with their lines by number."""
    return {
        "evidence": [lines.number(line) for line in why.evidence],
        "tried": [lines.number(line) for line in why.tried],
        "verdict": [lines.number(line) for line in why.verdict],
        "runner_up": lines.number(why.runner_up),
        "flags": [lines.number(line) for line in why.flags],
    }

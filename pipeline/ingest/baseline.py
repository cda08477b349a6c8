"""Findings a county has acknowledged, each with its reason: a CSV of its own. Stdlib only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, Finding
from pipeline.ingest.text import nearest, read_rows

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

COLUMNS = ("rule", "bsm", "other_bsm", "source_file", "x", "y", "reason")
NUMBER = r"-?[0-9]+(\.[0-9]+)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """One line: the finding it means, as problems.csv states it ("" where left out), and why.

    place: x and y in m; line: in the file.
    """

    line: int
    rule: str
    bsm: str
    other_bsm: str
    source_file: str
    place: tuple[float, float] | None
    reason: str


def read_baseline(path: Path, rules: Collection[str]) -> tuple[Acknowledged, ...]:
    """Read a baseline; rules: the codes there are.

    Raises ConfigError for all at once: unknown code, no reason, half a place, nothing that tells
    which finding is meant.
    """
    rows, findings = read_rows(path, COLUMNS)
    for row in rows:
        where, cells = f"{path.name} 第 {row.line} 行", row.cells
        if cells["rule"] not in rules:
            text = f"编号“{cells['rule']}”不认识"
            findings.append(Finding(where, text, nearest(cells["rule"], rules)))
        if not cells["reason"]:
            findings.append(Finding(where, "没有写明理由", "在 reason 列写明为什么认可这处问题"))
        given = [cells["x"], cells["y"]]
        if any(given) and not all(re.fullmatch(NUMBER, cell) for cell in given):
            text = f"位置“{cells['x']},{cells['y']}”不是两个普通数字"
            findings.append(Finding(where, text, "x、y 照抄 problems.csv，或都留空"))
        if not any((cells["bsm"], cells["source_file"], *given)):
            advice = "照抄 problems.csv 的 bsm，或 x、y，或 source_file"
            findings.append(Finding(where, "没有写明是哪一处问题", advice))
    if findings:
        raise ConfigError(findings)
    return tuple(
        Acknowledged(
            line=row.line,
            place=(float(row.cells["x"]), float(row.cells["y"])) if row.cells["x"] else None,
            **{
                name: row.cells[name]
                for name in ("rule", "bsm", "other_bsm", "source_file", "reason")
            },
        )
        for row in rows
    )

"""The books of every delivered file: its own count and ΣTBMJ against what was taken and set aside.

The account of a stage closes over areas that we computed; this one over what stood in the file,
so that a row can neither vanish between door and product nor move to another file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import fields, measure
from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.storage import Table

WORLD_M2 = 1e13  # beyond it no figure is an area, and sums would no longer be exact
FILE, TBMJ = fields.SOURCE_FILE.name, fields.TBMJ.name


def entry(table: Table) -> dict[str, Any]:
    """Return rows and ΣTBMJ of a table: hundredths of a m², and the rows that state no area.

    Tables without a TBMJ column have rows only.
    """
    if TBMJ not in table:
        return {"rows": len(table)}
    stated = table[TBMJ].to_numpy(dtype=np.float64)
    given = stated[np.abs(stated) < WORLD_M2]
    return {
        "rows": len(table),
        "tbmj_cm2": int(measure.to_cm2(given).sum()),
        "tbmj_missing": len(stated) - len(given),
    }


def close(
    files: Iterable[dict[str, Any]], accepted: Table, aside: Table
) -> dict[str, dict[str, Any]]:
    """Return, per file, what came in, was accepted and set aside.

    files: the log of each file, with its name and, under "read", the entry made at the door,
    whose rows are the container's own count. Raises GengbaoError when a file doesn't add up.
    """
    books, wrong = {}, []
    accepted, aside = (
        rows[[name for name in (FILE, TBMJ) if name in rows]] for rows in (accepted, aside)
    )
    for log in files:
        name, read = log["file"], log["read"]
        taken = entry(accepted[accepted[FILE] == name])
        left = entry(aside[aside[FILE] == name])
        books[name] = {"read": read, "accepted": taken, "set_aside": left}
        wrong += [
            Finding(
                f"账目 {name}",
                f"{key}：读入 {read[key]}，接收 {taken[key]}，剔除 {left[key]}，加不起来",
                "请保留现场文件并联系开发者",
            )
            for key in read
            if read[key] != taken[key] + left[key]
        ]
    if wrong:
        raise GengbaoError(wrong)
    return books

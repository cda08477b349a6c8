"""Coordinates of a list to points in the county's CRS."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.ingest import crs
from pipeline.ingest.checklist.numbers import (
    METRES_PER_DEGREE,
    Ordinate,
    ordinate,
    pair,
    places,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.ingest.checklist.rows import Record
    from pipeline.model import County

PLACES = ("x", "y", "lon", "lat")


def locate(records: Sequence[Record], county: County) -> pd.DataFrame:
    """Return where each record's coordinates lie: x, y in the county's CRS, good to spread_m."""
    both = _ordinates(records)
    blank = (Ordinate(np.nan, np.nan), Ordinate(np.nan, np.nan))
    x, y = (np.array([(b or blank)[at].value for b in both]) for at in (0, 1))
    half = np.array([max(ordinate.half for ordinate in b or blank) for b in both])
    found = places(x, y, county.crs)
    metres = np.where(found.frame == crs.DEGREES, half * METRES_PER_DEGREE, half)
    return pd.DataFrame({"x": found.x, "y": found.y, "spread_m": metres})


def _ordinates(records: Sequence[Record]) -> list[tuple[Ordinate, Ordinate] | None]:
    """Return both coordinates of each record; numbers as good as the best of their column."""
    best: dict[tuple[str, str], float] = {}
    for record in records:
        for name in PLACES:
            found = ordinate(record.text(name)) if record.is_number(name) else None
            if found is not None:
                key = (record.sheet, name)
                best[key] = min(best.get(key, found.half), found.half)
    return [_pair(record, best) for record in records]


def _pair(
    record: Record, best: Mapping[tuple[str, str], float]
) -> tuple[Ordinate, Ordinate] | None:
    for names in (PLACES[:2], PLACES[2:]):
        first, second = (
            found._replace(half=best[record.sheet, name])
            if (found := ordinate(record.text(name))) and record.is_number(name)
            else found
            for name in names
        )
        if first is not None and second is not None:
            return first, second
    return pair(record.text("point"))


def why_nowhere(record: Record) -> str:
    """Return in Chinese why coordinates of a record say no place."""
    both = _pair(record, defaultdict(float))
    if both is None:
        return "坐标读不出来，或只有一个"
    x, y = (np.array([o.value]) for o in both)
    return f"坐标{crs.describe(int(crs.frames(x, y)[0]))}"

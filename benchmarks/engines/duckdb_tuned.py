"""DuckDB spatial as a specialist would use it: shortcuts first, the towns cut into tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from duckdb_plain import asking, opened
from job import main
from sql import (
    ALIGNED,
    AREA,
    BORDER,
    CHANGED_MOVED,
    MOVED,
    SAME,
    TOWNS_OF_BORDER,
    WITHIN,
    joined,
)

if TYPE_CHECKING:
    from pathlib import Path

    from job import Clock

TILES = """CREATE TABLE tiles AS WITH framed AS (
SELECT xzqdm, geometry, ST_XMin(geometry) AS x, ST_YMin(geometry) AS y,
(ST_XMax(geometry) - ST_XMin(geometry)) / 8 AS wide,
(ST_YMax(geometry) - ST_YMin(geometry)) / 8 AS high FROM towns),
cut AS (SELECT xzqdm, ST_Intersection(geometry, ST_MakeEnvelope(
x + i * wide, y + j * high, x + (i + 1) * wide, y + (j + 1) * high)) AS geometry
FROM framed, range(8) AS a(i), range(8) AS b(j))
SELECT * FROM cut WHERE NOT ST_IsEmpty(geometry)"""
"""It has no ST_Subdivide, and its predicates go through all of a town's vertices for every plot."""


def run(folder: Path, clock: Clock) -> pd.DataFrame:
    """Return the figures."""
    db = opened(folder, "now", "before")
    asked = asking(db, clock)
    clock("read, validity")
    area = asked(AREA, "area")
    zones = {
        f"{name}_m2": asked(ALIGNED.format(zone=name), f"x {name}") for name in ("pbf", "target")
    }
    same = asked(SAME, "match years")
    db.execute(f"CREATE TABLE moved AS {MOVED}")
    changed = pd.concat([same, asked(CHANGED_MOVED, "x before")])
    db.execute(TILES)
    db.execute(f"CREATE TABLE inside AS {WITHIN.format(towns='tiles')}")
    db.execute(f"CREATE TABLE border AS {BORDER}")
    rest = TOWNS_OF_BORDER.format(towns="tiles")
    return joined(
        area, zones | {"changed_m2": changed},
        asked(f"SELECT * FROM inside UNION ALL {rest}", "x towns"),  # noqa: S608 - our own names
    )  # fmt: skip


main(run)

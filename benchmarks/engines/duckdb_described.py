"""DuckDB spatial as described beside the goals: two shortcuts, otherwise as anybody would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from duckdb_plain import asking, opened
from job import main
from sql import AREA, CHANGED, COVERED, MOVED, SAME, TOWNS_COVERED, joined

if TYPE_CHECKING:
    from pathlib import Path

    from job import Clock


def run(folder: Path, clock: Clock) -> pd.DataFrame:
    """Return the figures; last year's plots by their bytes, covered plots by their own area."""
    db = opened(folder, "now", "before")
    asked = asking(db, clock)
    clock("read, validity")
    area = asked(AREA, "area")
    parts = {
        f"{name}_m2": asked(COVERED.format(zone=name), f"x {name}") for name in ("pbf", "target")
    }
    same = asked(SAME, "match years")
    db.execute(f"CREATE TABLE moved AS {MOVED}")
    parts["changed_m2"] = pd.concat([same, asked(CHANGED.format(now="moved"), "x before")])
    return joined(area, parts, asked(TOWNS_COVERED, "x towns"))


main(run)

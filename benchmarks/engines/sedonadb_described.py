"""SedonaDB as described beside the goals: one shortcut, otherwise as anybody would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from job import main
from sedonadb_plain import asking, opened
from sql import AREA, CHANGED, MOVED, PAIRS, SAME, TOWNS, joined

if TYPE_CHECKING:
    from pathlib import Path

    from job import Clock

BATCH = 1024  # rows: at 8192, outlines of towns beside plots wouldn't fit into 2 GiB


def run(folder: Path, clock: Clock) -> pd.DataFrame:
    """Return the figures; last year's plots by their bytes."""
    db = opened(folder, "now", "before")
    asked = asking(db, clock)
    clock("read, validity")
    area = asked(AREA, "area")
    parts = {
        f"{name}_m2": asked(PAIRS.format(zone=name), f"x {name}") for name in ("pbf", "target")
    }
    same = asked(SAME, "match years")
    db.sql(MOVED).to_memtable().to_view("moved")
    parts["changed_m2"] = pd.concat([same, asked(CHANGED.format(now="moved"), "x before")])
    db.sql(f"SET datafusion.execution.batch_size = {BATCH}").to_memtable()
    return joined(area, parts, asked(TOWNS, "x towns"))


main(run)

"""SedonaDB as a specialist would use it: shortcuts first, joins that hand back codes only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from job import main
from sedonadb_plain import asking, opened
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

BATCH = 1024  # rows: at 8192, whole outlines of towns beside plots wouldn't fit into 2 GiB


def run(folder: Path, clock: Clock) -> pd.DataFrame:
    """Return the figures.

    ST_Touches is asked before ST_Covers, which 0.5.0 may answer wrongly with a plot that fills a
    hole.
    """
    db = opened(folder, "now", "before")
    asked = asking(db, clock)
    clock("read, validity")
    area = asked(AREA, "area")
    zones = {
        f"{name}_m2": asked(ALIGNED.format(zone=name), f"x {name}") for name in ("pbf", "target")
    }
    same = asked(SAME, "match years")
    db.sql(MOVED).to_memtable().to_view("moved")
    changed = pd.concat([same, asked(CHANGED_MOVED, "x before")])
    db.sql(WITHIN.format(towns="towns")).to_memtable().to_view("inside")
    db.sql(BORDER).to_memtable().to_view("border")
    db.sql(f"SET datafusion.execution.batch_size = {BATCH}").to_memtable()
    rest = TOWNS_OF_BORDER.format(towns="towns")
    towns = asked(f"SELECT * FROM inside UNION ALL {rest}", "x towns")  # noqa: S608 - our own names
    return joined(area, zones | {"changed_m2": changed}, towns)


main(run)

"""SedonaDB, the queries as anybody would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import sedonadb
from job import main
from sql import AREA, CHANGED, LAYERS, PAIRS, TOWNS, joined

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd
    from job import Clock
    from sedonadb.context import SedonaContext


def opened(folder: Path, *keyed: str) -> SedonaContext:
    """Return the layers in memory, all shapes made valid; `keyed` ones with their WKB besides."""
    db = sedonadb.connect()
    for name in LAYERS:
        db.read_parquet(folder / f"{name}.parquet").to_view(f"{name}_file")
        keys = {"now": "bsm, dlbm, ", "before": "dlbm, ", "towns": "xzqdm, "}.get(name, "")
        wkb = ", ST_AsBinary(geometry) AS wkb" if name in keyed else ""
        query = f"SELECT {keys}ST_MakeValid(geometry) AS geometry{wkb} FROM {name}_file"  # noqa: S608 - our own names
        db.sql(query).to_memtable().to_view(name)
    return db


def asking(db: SedonaContext, clock: Clock) -> Callable[[str, str], pd.DataFrame]:
    """Return how a query is asked, as a stage of its own: its answer by bsm."""

    def asked(query: str, stage: str) -> pd.DataFrame:
        answer = pa.table(db.sql(query)).to_pandas().set_index("bsm")
        clock(stage)
        return answer

    return asked


def run(folder: Path, clock: Clock) -> pd.DataFrame:
    """Return the figures."""
    asked = asking(opened(folder), clock)
    clock("read, validity")
    return joined(
        asked(AREA, "area"),
        {
            "pbf_m2": asked(PAIRS.format(zone="pbf"), "x pbf"),
            "target_m2": asked(PAIRS.format(zone="target"), "x target"),
            "changed_m2": asked(CHANGED.format(now="now"), "x before"),
        },
        asked(TOWNS, "x towns"),
    )


if __name__ == "__main__":
    main(run)

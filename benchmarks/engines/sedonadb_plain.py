"""SedonaDB, the queries as anybody would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import sedonadb
from job import main
from sql import AREA, CHANGED, LAYERS, PAIRS, SAME, TOWNS

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from job import Clock


def run(folder: Path, clock: Clock, *, tuned: bool = False) -> pd.DataFrame:
    """Return the figures; tuned: last year's plots by their bytes (its ST_Covers isn't safe)."""
    db = sedonadb.connect()
    for name in LAYERS:
        db.read_parquet(folder / f"{name}.parquet").to_view(f"{name}_file")
        keys = {"now": "bsm, dlbm, ", "before": "dlbm, ", "towns": "xzqdm, "}.get(name, "")
        wkb = ", ST_AsBinary(geometry) AS wkb" if name in {"now", "before"} else ""
        query = f"SELECT {keys}ST_MakeValid(geometry) AS geometry{wkb} FROM {name}_file"  # noqa: S608
        db.sql(query).to_memtable().to_view(name)
    clock("read, validity")

    def asked(query: str, stage: str) -> pd.DataFrame:
        answer = pa.table(db.sql(query)).to_pandas().set_index("bsm")
        clock(stage)
        return answer

    figures = asked(AREA, "area").rename(columns={"m2": "area_m2"})
    for name in ("pbf", "target"):
        figures[f"{name}_m2"] = asked(PAIRS.format(zone=name), f"x {name}")["m2"]
    if tuned:
        same = asked(SAME, "match years")["m2"]
        query = "SELECT * FROM now WHERE wkb NOT IN (SELECT wkb FROM before)"
        db.sql(query).to_memtable().to_view("moved")
        moved = asked(CHANGED.format(now="moved"), "x before")["m2"]
        figures["changed_m2"] = same.reindex(figures.index).fillna(0).add(moved, fill_value=0)
    else:
        figures["changed_m2"] = asked(CHANGED.format(now="now"), "x before")["m2"]
    parts = asked(TOWNS, "x towns").sort_values("m2")
    figures["xzqdm"] = parts[~parts.index.duplicated(keep="last")]["xzqdm"]
    return figures.fillna({"pbf_m2": 0, "target_m2": 0, "changed_m2": 0}).reset_index()


if __name__ == "__main__":
    main(run)

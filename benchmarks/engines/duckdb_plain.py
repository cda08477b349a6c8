"""DuckDB spatial, the queries as anybody would write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import duckdb_extension_spatial
from job import main
from sql import AREA, CHANGED, INSIDE, LAYERS, PAIRS, SAME, TOWNS, TOWNS_INSIDE

if TYPE_CHECKING:
    import pandas as pd
    from job import Clock

EXTENSION = next(Path(duckdb_extension_spatial.__file__).parent.rglob("*.duckdb_extension"))


def run(folder: Path, clock: Clock, *, tuned: bool = False) -> pd.DataFrame:
    """Return the figures; tuned: covered plots by their own area, last year's by their bytes."""
    db = duckdb.connect()
    db.execute(f"LOAD '{EXTENSION}'")
    for name in LAYERS:
        columns = "*, ST_AsWKB(geometry) AS wkb" if name in {"now", "before"} else "*"
        source = f"read_parquet('{folder}/{name}.parquet')"
        db.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM {source}")  # noqa: S608
        db.execute(
            f"UPDATE {name} SET geometry = ST_MakeValid(geometry) WHERE NOT ST_IsValid(geometry)"  # noqa: S608
        )
    clock("read, validity")

    def asked(query: str, stage: str) -> pd.DataFrame:
        answer = db.execute(query).df().set_index("bsm")
        clock(stage)
        return answer

    figures = asked(AREA, "area").rename(columns={"m2": "area_m2"})
    for name in ("pbf", "target"):
        query = (INSIDE if tuned else PAIRS).format(zone=name)
        figures[f"{name}_m2"] = asked(query, f"x {name}")["m2"]
    if tuned:
        same = asked(SAME, "match years")["m2"]
        db.execute(
            "CREATE TABLE moved AS SELECT * FROM now WHERE wkb NOT IN (SELECT wkb FROM before)"
        )
        moved = asked(CHANGED.format(now="moved"), "x before")["m2"]
        figures["changed_m2"] = same.reindex(figures.index).fillna(0).add(moved, fill_value=0)
    else:
        figures["changed_m2"] = asked(CHANGED.format(now="now"), "x before")["m2"]
    parts = asked(TOWNS_INSIDE if tuned else TOWNS, "x towns").sort_values("m2")
    figures["xzqdm"] = parts[~parts.index.duplicated(keep="last")]["xzqdm"]
    return figures.fillna({"pbf_m2": 0, "target_m2": 0, "changed_m2": 0}).reset_index()


if __name__ == "__main__":
    main(run)

"""DuckDB spatial, the queries as anybody would write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import duckdb_extension_spatial
from job import main
from sql import AREA, CHANGED, LAYERS, PAIRS, TOWNS, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from job import Clock

EXTENSION = next(Path(duckdb_extension_spatial.__file__).parent.rglob("*.duckdb_extension"))


def opened(folder: Path, *keyed: str) -> duckdb.DuckDBPyConnection:
    """Return the layers as tables, invalid shapes mended; `keyed` ones with their WKB besides."""
    db = duckdb.connect()
    db.execute(f"LOAD '{EXTENSION}'")
    for name in LAYERS:
        columns = "*, ST_AsWKB(geometry) AS wkb" if name in keyed else "*"
        source = f"read_parquet('{folder}/{name}.parquet')"
        db.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM {source}")  # noqa: S608 - our own names
        db.execute(
            f"UPDATE {name} SET geometry = ST_MakeValid(geometry) WHERE NOT ST_IsValid(geometry)"  # noqa: S608 - our own names
        )
    return db


def asking(db: duckdb.DuckDBPyConnection, clock: Clock) -> Callable[[str, str], pd.DataFrame]:
    """Return how a query is asked, as a stage of its own: its answer by bsm."""

    def asked(query: str, stage: str) -> pd.DataFrame:
        answer = db.execute(query).df().set_index("bsm")
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

"""Our own engine: areas straight from edges, last year's plots by their bytes, block by block.

The files are unpacked while the libraries are loaded; what is done with them is in gengbao_blocks.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from job import main

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa
    from job import Clock

FILES = ("pbf", "target", "towns", "now", "before")


def run(folder: Path, clock: Clock) -> tuple[pd.DataFrame, pa.Table]:
    """Return the figures of the job, and the plots as read."""

    def table(name: str) -> pa.Table:
        # from where the system keeps the file: no copy of its bytes is made
        return pq.read_table(folder / f"{name}.parquet", memory_map=True)

    with ThreadPoolExecutor() as readers:
        tables = readers.map(table, FILES)
        from gengbao_blocks import figures  # noqa: PLC0415 - takes a while, the readers' meanwhile

        read = dict(zip(FILES, tables, strict=True))
    return figures(read, clock), read["now"]


main(run)

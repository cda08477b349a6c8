"""Our own engine: areas straight from edges, last year's plots by their bytes, block by block.

The files are unpacked while the libraries are loaded; what is done with them is in gengbao_blocks.
"""

from __future__ import annotations

import gc
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.parquet as pq
from job import Clock

FILES = ("pbf", "target", "towns", "now", "before")


def main(folder: Path) -> None:
    """Do the job; print stages and totals as JSON."""
    gc.disable()  # arrays go when they are let go of; the rest is the libraries' and stays
    clock = Clock()
    with ThreadPoolExecutor(1) as reader:  # in this order, each file in two threads of Arrow's
        # from where the system keeps the file: no copy of its bytes is made
        tables = {
            name: reader.submit(pq.read_table, folder / f"{name}.parquet", memory_map=True)
            for name in FILES
        }
        from gengbao_blocks import answer  # noqa: PLC0415 - takes a while, the reader's meanwhile

        totals, plots = answer(tables, folder / "gengbao.out.parquet", clock)
    json.dump({"stages": clock.stages, "totals": totals, "plots": plots}, sys.stdout)
    gc.freeze()  # else the exit looks through all that the libraries are: a quarter second


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The core job as every engine does it: what is asked, what is handed back, and how it is timed.

Files of a folder: now, before (bsm, dlbm, geometry), pbf, target (geometry), towns (xzqdm,
geometry), all GeoParquet in one Gauss-Krüger CRS. Asked per plot of now: its area, the area in pbf,
in target, on plots of before with another class (summed over pairs), and the town that most of it
lies in. Written: the plots with those figures, and the sums per town.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

CRS = "EPSG:4524"
AREAS = ("area_m2", "pbf_m2", "target_m2", "changed_m2")


class Clock:
    """Seconds per stage, in the order they were done."""

    def __init__(self) -> None:
        self.stages: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, stage: str) -> None:
        """End a stage."""
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + now - self._last
        self._last = now


def finish(figures: pd.DataFrame, folder: Path, clock: Clock) -> None:
    """Sum per town, write, print stages and totals as JSON.

    figures: bsm, xzqdm (missing: in no town) and AREAS, one row per plot of now, in any order.
    """
    towns = figures.groupby("xzqdm")[list(AREAS)].sum().sort_index()
    clock("sums")
    plots = pq.read_table(folder / "now.parquet", columns=["bsm", "geometry"])
    columns = figures.set_index("bsm").loc[plots["bsm"].to_pylist()]
    for name in ("xzqdm", *AREAS):
        plots = plots.append_column(name, pa.array(columns[name].to_numpy(), from_pandas=True))
    pq.write_table(plots, folder / f"{Path(sys.argv[0]).stem}.out.parquet", compression="zstd")
    clock("write")
    totals = {"county": figures[list(AREAS)].sum().to_dict()} | towns.to_dict("index")
    json.dump({"stages": clock.stages, "totals": totals, "plots": len(figures)}, sys.stdout)


def main(run: Callable[[Path, Clock], pd.DataFrame]) -> None:
    """Do the job on the folder named on the command line."""
    folder, clock = Path(sys.argv[1]), Clock()
    finish(run(folder, clock), folder, clock)

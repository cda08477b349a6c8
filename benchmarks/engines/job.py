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
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

CRS = "EPSG:4524"
AREAS = ("area_m2", "pbf_m2", "target_m2", "changed_m2")


class Clock:
    """Wall and CPU seconds per stage, in the order of doing.

    Parts of a stage that threads do side by side have CPU seconds only.
    """

    def __init__(self) -> None:
        self.stages: dict[str, list[float | None]] = {}
        self._last = time.perf_counter(), time.process_time()

    def __call__(self, stage: str) -> None:
        """End a stage."""
        last, self._last = self._last, (time.perf_counter(), time.process_time())
        self.stages[stage] = [b - a for a, b in zip(last, self._last, strict=True)]

    @contextmanager
    def part(self, stage: str) -> Iterator[None]:
        """Count the time of this thread to a stage that threads share."""
        start = time.thread_time()
        yield
        spent = self.stages.setdefault(stage, [None, 0.0])
        spent[1] += time.thread_time() - start

    def skip(self) -> None:
        """Begin the next stage here: what was before was counted by parts."""
        self._last = time.perf_counter(), time.process_time()


def finish(
    figures: pd.DataFrame, folder: Path, clock: Clock, plots: pa.Table | None = None
) -> None:
    """Sum per town, write, print stages and totals as JSON.

    figures: bsm, xzqdm (missing: in no town) and AREAS, one row per plot of now, in any order;
    plots: now as read, where the engine has it.
    """
    towns = figures.groupby("xzqdm")[list(AREAS)].sum().sort_index()
    clock("sums")
    if plots is None:
        plots = pq.read_table(folder / "now.parquet", columns=["bsm", "geometry"])
        figures = figures.set_index("bsm").loc[plots["bsm"].to_pylist()]
    plots = plots.select(["bsm", "geometry"])
    for name in ("xzqdm", *AREAS):
        plots = plots.append_column(name, pa.array(figures[name].to_numpy(), from_pandas=True))
    pq.write_table(
        plots, folder / f"{Path(sys.argv[0]).stem}.out.parquet",
        compression="snappy", use_dictionary=["xzqdm"],
    )  # fmt: skip
    clock("write")
    totals = {"county": figures[list(AREAS)].sum().to_dict()} | towns.to_dict("index")
    json.dump({"stages": clock.stages, "totals": totals, "plots": len(figures)}, sys.stdout)


def main(run: Callable[[Path, Clock], pd.DataFrame | tuple[pd.DataFrame, pa.Table]]) -> None:
    """Do the job on the folder named on the command line."""
    folder, clock = Path(sys.argv[1]), Clock()
    answer = run(folder, clock)
    figures, plots = answer if isinstance(answer, tuple) else (answer, None)
    finish(figures, folder, clock, plots)

"""Every map product of the sample: time, size and memory, each in a process of its own.

python benchmarks/products.py [COUNTY OUT] – folders of a finished run; without them the sample
county is made first. Then the wall map over a made survey of 250,000 plots, and the whole set as
`gengbao maps` draws it, in its two processes.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely

from pipeline.ingest.county import load_county
from pipeline.render import MapData, MapSpec, discover, render
from pipeline.render.fonts import faces
from pipeline.stages import Desk
from pipeline.stages.pictured import map_data

PLOTS_A_SIDE = 500
ALONE = 4
"""Arguments of a process that draws one product."""


def main() -> None:
    """Draw each product in a process and print one line for each."""
    if len(sys.argv) == ALONE:
        alone(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
        return
    with tempfile.TemporaryDirectory() as name:
        county, out = (Path(p) for p in sys.argv[1:3] or (f"{name}/raw", name))
        if not county.exists():
            for command in (("sample", "--county", county), ("all", "--county", county)):
                more = ("--out", out) if command[0] == "all" else ()
                line = [sys.executable, "-m", "pipeline", *map(str, (*command, *more))]
                subprocess.run(line, check=True, stderr=subprocess.DEVNULL)
        print("| 图名 | 图斑层 | CPU 秒 | 秒 | 文件 | 大小 kB | 内存峰值 MB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for product in [
            *(spec.name for spec in discover() if spec.command == "maps"),
            "wall+250000",
        ]:
            line = [sys.executable, __file__, str(county), str(out), product]
            subprocess.run(line, check=True)
        whole(county, out, Path(name) / "again")


def whole(county: Path, out: Path, again: Path) -> None:
    """Draw everything with the command, from a copy of the figures, and print its line."""
    shutil.copytree(out / "data", again / "data")
    line = [sys.executable, "-m", "pipeline", "maps", "--county", str(county), "--out", str(again)]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(line, check=True, stderr=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    files = [file for file in (again / "maps").rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) // 1000
    print(f"| gengbao maps | | {busy:.1f} | {seconds:.1f} | {len(files)} | {size:,} | |")


def alone(county: Path, out: Path, product: str) -> None:
    """Draw one product and print its line; reading and imports are counted, fonts are at hand."""
    faces()
    started, busy = time.perf_counter(), time.process_time()
    name, _, made = product.partition("+")
    spec = next(spec for spec in discover() if spec.name == name)
    data = data_of(spec, county, out)
    if made:
        data = replace(data, land=survey(data))
    files = render(spec, data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    size = sum(map(len, files.values())) // 1000
    layer = f"{len(data.land):,}" if data.land is not None else ""
    print(
        f"| {product} | {layer} | {time.process_time() - busy:.1f} "
        f"| {time.perf_counter() - started:.1f} | {len(files)} | {size:,} | {peak:,} |",
        flush=True,
    )


def data_of(spec: MapSpec, county: Path, out: Path) -> MapData:
    """Read what a product needs, as the run does."""
    desk = Desk(load_county(county), out)
    return map_data(desk, spec, desk.county.newest, "0" * 12)


def survey(data: MapData) -> gpd.GeoDataFrame:
    """Make a gap-free survey of the whole county: wiggly shared borders, every class."""
    west, south, east, north = data.towns.total_bounds
    rng = np.random.default_rng(7)
    fine = 4 * PLOTS_A_SIDE + 1  # four edges to a side of a plot
    x, y = np.meshgrid(np.linspace(west, east, fine), np.linspace(south, north, fine))
    step = (east - west) / (fine - 1)
    x, y = (axis + rng.uniform(-0.3, 0.3, axis.shape) * step for axis in (x, y))
    rows, columns = np.divmod(np.arange(PLOTS_A_SIDE**2), PLOTS_A_SIDE)
    ring = [*((0, n) for n in range(4)), *((n, 4) for n in range(4))]
    ring += [*((4, 4 - n) for n in range(4)), *((4 - n, 0) for n in range(5))]
    corners = [(4 * rows + down, 4 * columns + right) for down, right in ring]
    points = np.stack([np.stack([x[at], y[at]], axis=1) for at in corners], axis=1)
    codes = np.array(["0103", "0301", "0702", "1006", "1101", "0404", "0201", "1104"])
    return gpd.GeoDataFrame(
        {"dlbm": codes[rng.integers(0, len(codes), len(points))]},
        geometry=shapely.polygons(points), crs=data.towns.crs,
    )  # fmt: skip


if __name__ == "__main__":
    main()

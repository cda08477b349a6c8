"""What nobody gets below: bytes in and out, and the sums that have to be made, each alone.

Not an engine: it knows beforehand which pairs may share ground, and keeps nothing. Besides, the
official areas and those by the area scale against GeographicLib, on a sample of the plots.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pyarrow.parquet as pq
import shapely
from job import CRS

from pipeline import measure, overlay
from pipeline.overlay.kernel import PIECE, X0, X1, gather, most_pieces, pair_areas

LAYERS = ("now", "before", "pbf", "target", "towns")
SAMPLE = 5_000


@numba.njit
def edge_pairs(left, right, pairs):  # noqa: ANN001, ANN201 - numba knows
    """Return how many pairs of pieces of edges share a range of x, over all pairs of polygons."""
    one = np.empty((most_pieces(left), PIECE))
    other = np.empty((most_pieces(right), PIECE))
    total = 0
    for i, j in pairs:
        a, b = left.box[i], right.box[j]
        window = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
        if window[0] < window[2] and window[1] < window[3]:
            n, m = gather(left, i, window, one), gather(right, j, window, other)
            for k in range(n):
                for h in range(m):
                    total += one[k, X0] < other[h, X1] and other[h, X0] < one[k, X1]
    return total


def main(folder: Path) -> None:
    """Print what each part took, as JSON."""
    busy = time.process_time()
    read_mb, read_s = read(folder)
    read_cpu_s = time.process_time() - busy
    write_mb, write_s = written(folder)
    plots = shapely.from_wkb(pq.read_table(folder / "now.parquet")["geometry"].to_numpy())
    rings = measure.rings_of(plots)
    measure.official_area(plots[:1], CRS)  # compiled or taken from the cache
    cpu, counted = overlays(folder, plots, rings)
    cpu["validity"] = spent(lambda: shapely.is_valid(plots))
    cpu["official area"] = spent(lambda: measure.official_area(rings, CRS))
    json.dump(
        {
            "plots": len(plots), "vertices": len(rings.xy), "cpu": cpu, "stages": {}, "totals": {},
            "read_mb": read_mb, "read_s": read_s, "read_cpu_s": read_cpu_s,
            "write_mb": write_mb, "write_s": write_s,
        } | counted | areas(plots),
        sys.stdout,
    )  # fmt: skip


def spent(action: object) -> float:
    """Return the CPU seconds of something done once."""
    started = time.process_time()
    action()
    return time.process_time() - started


def overlays(folder: Path, plots: np.ndarray, rings: measure.Rings) -> tuple[dict, dict]:
    """Return the CPU seconds of the areas of all pairs, and how many pairs and edge pairs."""
    flat, cpu = overlay.flat(rings), 0.0
    counted = {"pairs": 0, "edge_pairs": 0}
    for name in LAYERS[2:]:
        zone = shapely.from_wkb(pq.read_table(folder / f"{name}.parquet")["geometry"].to_numpy())
        pairs = np.ascontiguousarray(shapely.STRtree(zone).query(plots).T)
        theirs, area = overlay.flat(zone), np.empty((len(pairs), 2))
        started = time.process_time()
        pair_areas(flat, theirs, pairs, measure.PLANAR, area)
        cpu += time.process_time() - started
        counted["pairs"] += len(pairs)
        counted["edge_pairs"] += int(edge_pairs(flat, theirs, pairs))
    return {"overlay": cpu}, counted


def areas(plots: np.ndarray) -> dict:
    """Return how the areas of a sample compare: µs per plot and largest difference in m²."""
    some = plots[:: max(len(plots) // SAMPLE, 1)]
    scale = measure.area_scale(shapely.total_bounds(plots), CRS)
    found: dict[str, np.ndarray] = {}
    took = {
        name: spent(lambda name=name, area=area: found.update({name: area()})) / len(some) * 1e6
        for name, area in {
            "geod": lambda: measure.geodesic_area(some, CRS),
            "official": lambda: measure.official_area(some, CRS),
            "equal": lambda: measure.equal_area(some, scale),
        }.items()
    }
    off = {name: float(np.abs(found[name] - found["geod"]).max()) for name in ("official", "equal")}
    return {"area_us": took, "area_off_m2": off, "area_sample": len(some)}


def read(folder: Path) -> tuple[float, float]:
    """Return the size of the input in MB and how long it takes to read the bytes."""
    started = time.perf_counter()
    size = sum(len((folder / f"{name}.parquet").read_bytes()) for name in LAYERS)
    return size / 1e6, time.perf_counter() - started


def written(folder: Path) -> tuple[float, float]:
    """Return the size of the output in MB and how long it takes to get it onto the disk."""
    out = (folder / "gengbao.out.parquet").read_bytes()
    started = time.perf_counter()
    with (folder / "floor.tmp").open("wb") as stream:
        stream.write(out)
        os.fsync(stream.fileno())
    took = time.perf_counter() - started
    (folder / "floor.tmp").unlink()
    return len(out) / 1e6, took


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""The core job of a county by every engine on the same files; writes docs/performance.md.

python benchmarks/core_job.py                    10⁴ plots, all engines: a couple of minutes
python benchmarks/core_job.py --full             10⁴, 5·10⁴, 2.5·10⁵; our own at 10⁶ too
python benchmarks/core_job.py --scales county --data FOLDER --engines gengbao duckdb_tuned

Fails where an engine's areas part from ours by more than 1e-9. A peer that isn't installed is named
and left out (pip install '.[bench]').
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import shapely
from made.report import page

HERE = Path(__file__).parent
ROOT = HERE.parent
DATA = ROOT / ".gengbao" / "bench"
PAGE = ROOT / "docs" / "performance.md"
SCALES = ("small", "medium", "county", "stress")
OURS = "gengbao"
NEEDS = {
    OURS: "pipeline",
    "shapely_by_hand": "shapely",
    "duckdb_tuned": "duckdb_extension_spatial",
    "sedonadb_tuned": "sedonadb",
    "duckdb_plain": "duckdb_extension_spatial",
    "sedonadb_plain": "sedonadb",
    "dask_geopandas_overlay": "dask_geopandas",
    "geopandas_overlay": "geopandas",
}
"""Engine → the module it can't do without."""
OURS_ALONE = "stress"
LAYERS = {
    "now": ["bsm", "dlbm", "geometry"],
    "before": ["dlbm", "geometry"],
    "pbf": ["geometry"],
    "target": ["geometry"],
    "towns": ["xzqdm", "geometry"],
}
AGREEMENT = 1e-9


def main() -> None:
    """Make the counties, run the engines, check that they agree, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all sizes")
    parser.add_argument("--scales", nargs="+", choices=SCALES)
    parser.add_argument("--engines", nargs="+", choices=NEEDS, default=list(NEEDS))
    parser.add_argument("--data", type=Path, default=DATA, help="where the counties are kept")
    asked = parser.parse_args()
    scales = asked.scales or (SCALES if asked.full else SCALES[:1])
    results = {}
    for scale in scales:
        folder = asked.data / scale
        prepare(scale, folder)
        for engine in [OURS] if scale == OURS_ALONE else asked.engines:
            if importlib.util.find_spec(NEEDS[engine]) is None:
                print(f"{scale:8s}{engine:26s}not installed: {NEEDS[engine]}", flush=True)
                continue
            results[scale, engine] = measured(engine, folder)
            print(line(scale, engine, results), flush=True)
        floor = by_hand(folder)
        results = {k: v | floor if k[0] == scale else v for k, v in results.items()}
        PAGE.write_text(page(results), encoding="utf-8")  # what is measured is kept
    disagreeing = [text for (scale, _), text in differences(results).items() if text]
    if disagreeing:
        sys.exit("\n".join(disagreeing))
    print(f"all areas agree to {AGREEMENT:g}; written: {PAGE.relative_to(ROOT)}")


def prepare(scale: str, folder: Path) -> None:
    """Make the county and read it in once; keep the layers the job asks for."""
    if all((folder / f"{name}.parquet").is_file() for name in LAYERS):
        return
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pipeline"]
    where = ["--county", folder / "raw", "--out", folder / "read"]
    if not (folder / "raw" / "county.toml").is_file():
        made = [*command, "sample", "--scale", scale, "--exports", "0", *where[:2]]
        subprocess.run(made, check=True, cwd=ROOT)
    subprocess.run([*command, "ingest", *where], check=True, cwd=ROOT)
    products = folder / "read" / "data" / "processed"
    before, now = sorted((products / "exports").iterdir())[:2]
    exports = {"now": now / "parcels.parquet", "before": before / "parcels.parquet"}
    for name, columns in LAYERS.items():
        frame = gpd.read_parquet(
            exports.get(name, products / "zones" / f"{name}.parquet"), columns=columns
        )
        # one form for a plot of one part, whatever format it came in: equal bytes are equal plots
        shapes = frame.geometry.to_numpy()
        lone = shapely.get_num_geometries(shapes) == 1
        shapes[lone] = shapely.get_geometry(shapes[lone], 0)
        frame.to_parquet(folder / f"{name}.parquet", compression="zstd")


def measured(engine: str, folder: Path) -> dict:
    """Run an engine in a process of its own: its answer, wall and CPU seconds, peak memory."""
    started = time.perf_counter()
    command = [sys.executable, str(HERE / "engines" / f"{engine}.py"), str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as process:
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{engine}: exit code {process.returncode}")
    return json.loads(answer) | {
        "wall_s": time.perf_counter() - started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
        "engine": engine,
    }


def by_hand(folder: Path) -> dict:
    """Return what nobody gets below: the bytes of the input read, the output's written to disk."""
    started = time.perf_counter()
    size = sum(len((folder / f"{name}.parquet").read_bytes()) for name in LAYERS)
    read = time.perf_counter() - started
    out = next(folder.glob("*.out.parquet")).read_bytes()
    started = time.perf_counter()
    with (folder / "floor.tmp").open("wb") as stream:
        stream.write(out)
        os.fsync(stream.fileno())
    write = time.perf_counter() - started
    (folder / "floor.tmp").unlink()
    return {"read_mb": size / 1e6, "read_s": read, "write_mb": len(out) / 1e6, "write_s": write}


def differences(results: dict) -> dict:
    """Return per scale and engine what differs from our areas, "" where nothing does."""
    found = {}
    for (scale, engine), result in results.items():
        ours = results.get((scale, OURS), result)["totals"]
        off = [
            f"{scale} {engine}: {place} {name} {value!r}, ours {ours[place][name]!r}"
            for place, figures in result["totals"].items()
            for name, value in figures.items()
            if abs(value - ours[place][name]) > AGREEMENT * ours[place]["area_m2"]
        ]
        found[scale, engine] = "\n".join(off)
    return found


def line(scale: str, engine: str, results: dict) -> str:
    """Return one line of the table on the terminal."""
    own, ours = results[scale, engine], results.get((scale, OURS), results[scale, engine])
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in own["stages"].items())
    agrees = "" if not differences(results)[scale, engine] else "  DIFFERS"
    return (
        f"{scale:8s}{engine:26s}{own['wall_s']:8.1f} s {own['cpu_s']:8.1f} s CPU"
        f"{own['peak_mb']:8.0f} MB {own['wall_s'] / ours['wall_s']:7.1f} ×  {stages}{agrees}"
    )


if __name__ == "__main__":
    main()

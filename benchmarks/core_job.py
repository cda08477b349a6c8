"""The core job of a county by every engine on the same files; writes docs/performance.md.

python benchmarks/core_job.py                    10⁴ plots, all engines: a few minutes
python benchmarks/core_job.py --full             10⁴, 5·10⁴, 2.5·10⁵; our own at 10⁶ too: hours
python benchmarks/core_job.py --scales county --engines gengbao duckdb_tuned --resume

--resume keeps what was measured on the same files by the same scripts before, so that a long run
can be done in parts; an engine ended after --limit minutes is tried again with a higher limit.
Fails where an engine's areas part from ours by more than 1e-9, and where our own engine or the
floor has no answer. A peer without an answer is named in the table with the reason; one that isn't
installed is named and left out (make bench installs them). The page goes to docs/ where 2.5·10⁵
plots are among the scales, else beside the counties.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import shapely
from made.engine import OURS, ROOT, measured, script
from made.report import page, tables

DATA = ROOT / ".gengbao" / "bench"
PAGE = ROOT / "docs" / "performance.md"
SCALES = ("small", "medium", "county", "stress")
FLOOR = "floor"
NEEDS = {
    OURS: "pipeline",
    "shapely_by_hand": "shapely",
    "duckdb_tuned": "duckdb_extension_spatial",
    "sedonadb_tuned": "sedonadb",
    "duckdb_described": "duckdb_extension_spatial",
    "sedonadb_described": "sedonadb",
    "duckdb_plain": "duckdb_extension_spatial",
    "sedonadb_plain": "sedonadb",
    "geopandas_overlay": "geopandas",
    "dask_geopandas_overlay": "dask_geopandas",
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
ROWS = 16_384  # in a row group, as our products have them: every engine reads them side by side
AGREEMENT = 1e-9
LIMIT_MIN = 30.0
DRIFT_M, WAVES_M = 3.0, (700.0, 500.0)
"""An older survey beside this one: metres off, slowly changing over hundreds of metres."""


def main() -> None:
    """Make the counties, run the engines, check that they agree, print and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="all sizes")
    parser.add_argument("--scales", nargs="+", choices=SCALES)
    parser.add_argument("--engines", nargs="+", choices=NEEDS, default=list(NEEDS))
    parser.add_argument("--data", type=Path, default=DATA, help="where the counties are kept")
    parser.add_argument("--resume", action="store_true", help="keep what was measured before")
    parser.add_argument("--limit", type=float, default=LIMIT_MIN, help="minutes a run may take")
    asked = parser.parse_args()
    results: dict = {}
    scales = asked.scales or (SCALES if asked.full else SCALES[:1])
    path = PAGE if "county" in scales else asked.data / PAGE.name
    for scale in scales:
        folder = asked.data / scale
        prepare(scale, folder)
        kept = Kept(folder, resume=asked.resume)
        for engine in [OURS, FLOOR] if scale == OURS_ALONE else [*asked.engines, FLOOR]:
            if engine != FLOOR and importlib.util.find_spec(NEEDS[engine]) is None:
                print(f"{scale:8s}{engine:26s}not installed: {NEEDS[engine]}", flush=True)
            elif not kept.stands(engine, asked.limit):
                kept.add(engine, measured(engine, folder, asked.limit * 60))
                print(line(scale, engine, kept.results), flush=True)
        results |= {(scale, engine): result for engine, result in kept.results.items()}
        path.write_text(page(results), encoding="utf-8")  # what is measured is kept
    print("", *tables(results), sep="\n")
    if wrong := faults(results):
        sys.exit("\n".join(wrong))
    print(f"all areas agree to {AGREEMENT:g}; written: {path}")


class Kept:
    """Results of one county, in a file beside it: they stand as long as files and scripts do."""

    def __init__(self, folder: Path, *, resume: bool) -> None:
        self._path = folder / "results.json"
        self._plots = pq.ParquetFile(folder / "now.parquet").metadata.num_rows
        digest = hashlib.sha256()
        for name in LAYERS:
            digest.update((folder / f"{name}.parquet").read_bytes())
        self._files = digest.hexdigest()
        self.results: dict[str, dict] = {}
        if resume and self._path.is_file():
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            if kept["files"] == self._files:
                self.results = {
                    engine: result
                    for engine, result in kept["results"].items()
                    if result.get("script") == script(engine)
                }

    def stands(self, engine: str, limit_min: float) -> bool:
        """Tell whether a result is kept that needn't be measured again."""
        kept = self.results.get(engine, {"over_min": 0.0})
        return kept.get("over_min", limit_min) >= limit_min

    def add(self, engine: str, result: dict) -> None:
        """Keep a result."""
        self.results[engine] = {"plots": self._plots} | result
        text = json.dumps({"files": self._files, "results": self.results}, indent=1)
        self._path.write_text(text, encoding="utf-8")


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
    products = folder / "read" / "data" / "processed"
    if not (products / "zones" / "towns.parquet").is_file():
        subprocess.run([*command, "ingest", *where], check=True, cwd=ROOT)
    before, now = sorted((products / "exports").iterdir())[:2]
    exports = {"now": now / "parcels.parquet", "before": before / "parcels.parquet"}
    for name, columns in LAYERS.items():
        path = exports.get(name, products / "zones" / f"{name}.parquet")
        frame = unwrapped(gpd.read_parquet(path, columns=columns))
        if name == "pbf":
            frame = drawn_earlier(frame)
        frame.to_parquet(folder / f"{name}.parquet", compression="zstd", row_group_size=ROWS)


def unwrapped(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return plots in one form, whatever format they came in: equal bytes are equal plots."""
    shapes = frame.geometry.to_numpy().copy()
    lone = shapely.get_num_geometries(shapes) == 1
    shapes[lone] = shapely.get_geometry(shapes[lone], 0)
    return frame.set_geometry(gpd.GeoSeries(shapes, crs=frame.crs))


def drawn_earlier(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return zones as an older survey drew them: no border lies on a border of today's plots."""

    def moved(xy: np.ndarray) -> np.ndarray:
        off = np.column_stack((np.sin(xy[:, 1] / WAVES_M[0]), np.cos(xy[:, 0] / WAVES_M[1])))
        return np.round(xy + DRIFT_M * off, 4)

    return frame.set_geometry(shapely.transform(frame.geometry.to_numpy(), moved), crs=frame.crs)


def faults(results: dict) -> list[str]:
    """Return why a run is no good: areas that part from ours, ours or the floor not measured.

    results: (scale, engine) → what `measured` returned.
    """
    found = []
    for (scale, engine), result in results.items():
        ours = results.get((scale, OURS), {"failed": ""})
        if "failed" in result:
            found += [f"{scale} {engine}: {result['failed']}"] if engine in (OURS, FLOOR) else []
        elif engine != FLOOR and "failed" not in ours:
            found += [f"{scale} {engine}: {text}" for text in differing(result, ours)]
    return found


def differing(result: dict, ours: dict) -> list[str]:
    """Return what of an engine's areas parts from ours, place by place."""
    own, other = ours["totals"], result["totals"]
    off = [f"{place} is missing on one side" for place in sorted(set(own) ^ set(other))]
    off += [
        f"{place} {name} {value!r}, ours {own[place][name]!r}"
        for place in sorted(set(own) & set(other))
        for name, value in other[place].items()
        if not abs(value - own[place][name]) <= AGREEMENT * own[place]["area_m2"]
    ]
    return off


def line(scale: str, engine: str, results: dict) -> str:
    """Return one line of the table on the terminal."""
    own = results[engine]
    if "failed" in own:
        over = f"over {own['over_min']:g} min" if "over_min" in own else own["failed"]
        return f"{scale:8s}{engine:26s}no answer after {own['wall_s']:.0f} s: {over}"
    ours = results.get(OURS, own)
    differs = "  DIFFERS" if engine != FLOOR and differing(own, ours) else ""
    return (
        f"{scale:8s}{engine:26s}{own['wall_s']:8.1f} s {own['cpu_s']:8.1f} s CPU"
        f"{own['peak_mb']:8.0f} MB {own['wall_s'] / ours['wall_s']:7.1f} × wall"
        f" {own['cpu_s'] / ours['cpu_s']:7.1f} × CPU{differs}"
    )


if __name__ == "__main__":
    main()

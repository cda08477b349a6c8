"""Our own engine: areas straight from edges, last year's plots by their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely
from job import CRS, main

from pipeline import measure, overlay

if TYPE_CHECKING:
    from pathlib import Path

    from job import Clock


BLOCK = 20_000


def run(folder: Path, clock: Clock) -> pd.DataFrame:
    """Return the figures of the job, and the official areas besides."""
    tables = {
        name: pq.read_table(folder / f"{name}.parquet")
        for name in ("now", "before", "pbf", "target", "towns")
    }
    wkb = {name: table["geometry"].to_numpy() for name, table in tables.items()}
    clock("read")
    twin = overlay.same_bytes(wkb["now"], wkb["before"])
    moved = np.flatnonzero(twin < 0)
    clock("match years")
    plots = shapely.from_wkb(wkb["now"])
    layers = {name: shapely.from_wkb(wkb[name]) for name in ("pbf", "target", "towns")}
    clock("decode")
    plots = overlay.checked(plots, "图斑")
    layers = {name: overlay.checked(shapes, name) for name, shapes in layers.items()}
    clock("validity")
    official = measure.official_area(plots, CRS)
    clock("official area")
    flat = overlay.flat(plots)
    own = overlay.own_areas_m2(flat)
    clock("edges")
    shared = {}
    for name, shapes in layers.items():
        shared[name] = overlay.overlaps(plots, shapes, edges=flat)
        clock(f"x {name}")
    codes = {name: tables[name]["dlbm"].to_numpy() for name in ("now", "before")}
    near, earlier = _near(wkb["before"], plots[moved])
    pairs = overlay.overlaps(plots[moved], overlay.checked(earlier, "上年图斑"))
    changed = np.where((twin >= 0) & (codes["now"] != codes["before"][twin]), own, 0.0)
    other = codes["now"][moved[pairs.left]] != codes["before"][near[pairs.right]]
    np.add.at(changed, moved[pairs.left[other]], pairs.planar_m2[other])
    clock("x before")
    most = shared["towns"].only(np.lexsort((shared["towns"].planar_m2, shared["towns"].left)))
    town = np.full(len(plots), None, dtype=object)
    town[most.left] = tables["towns"]["xzqdm"].to_numpy()[most.right]
    return pd.DataFrame(
        {
            "bsm": tables["now"]["bsm"].to_numpy(),
            "xzqdm": town,
            "area_m2": own,
            "official_m2": official,
            **{f"{name}_m2": _sum(shared[name], len(plots)) for name in ("pbf", "target")},
            "changed_m2": changed,
        }
    )


def _sum(pairs: overlay.Overlaps, count: int) -> np.ndarray:
    return np.bincount(pairs.left, weights=pairs.planar_m2, minlength=count)


def _near(wkb: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows whose box meets one of the shapes, decoded block by block, and the shapes."""
    tree, rows, found = shapely.STRtree(shapes), [], []
    for start in range(0, len(wkb), BLOCK):
        block = shapely.from_wkb(wkb[start : start + BLOCK])
        met = np.unique(tree.query(block)[0])
        rows.append(start + met)
        found.append(block[met])
    return np.concatenate(rows), np.concatenate(found)


main(run)

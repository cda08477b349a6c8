"""Our own engine: areas straight from edges, last year's plots by their bytes, block by block."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import shapely
from job import CRS, main

from pipeline import measure, overlay

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from job import Clock


BLOCK = 4_000


class Block(NamedTuple):
    """What comes of a block of plots: figures per plot, and the moved plots themselves."""

    area_m2: np.ndarray
    official_m2: np.ndarray
    pbf_m2: np.ndarray
    target_m2: np.ndarray
    town: np.ndarray
    box: np.ndarray
    moved: np.ndarray


def run(folder: Path, clock: Clock) -> tuple[pd.DataFrame, pa.Table]:
    """Return the figures of the job, the official areas besides, and the plots as read."""
    read = [partial(pq.read_table, folder / f"{name}.parquet") for name in ("now", "before")]
    (codes_of_towns, layers), now, before = measure.for_each(
        lambda act: act(), (partial(zones, folder), *read)
    )
    clock("read, small layers")
    twin = overlay.same_bytes(now["geometry"], before["geometry"])
    clock("match years")
    blocks = measure.for_each(
        lambda start: block(now["geometry"][start : start + BLOCK], layers, twin[start:], clock),
        range(0, len(now), BLOCK),
    )
    joined = Block(*(np.concatenate(values) for values in zip(*blocks, strict=True)))
    clock.skip()
    changed = joined.area_m2 * differing(now, before, twin)
    moved = np.flatnonzero(twin < 0)
    near, row = earlier(before["geometry"], joined, twin)
    pairs = overlay.overlaps(joined.moved, near)
    codes = [table["dlbm"].to_numpy() for table in (now, before)]
    other = codes[0][moved[pairs.left]] != codes[1][row[pairs.right]]
    np.add.at(changed, moved[pairs.left[other]], pairs.planar_m2[other])
    clock("x before")
    towns = np.append(codes_of_towns, None)
    figures = {name: getattr(joined, name) for name in Block._fields[:4]}
    return pd.DataFrame(
        {"bsm": now["bsm"], "xzqdm": towns[joined.town], **figures, "changed_m2": changed}
    ), now


def zones(folder: Path) -> tuple[np.ndarray, dict[str, overlay.Layer]]:
    """Return the codes of the towns, and the layers made ready."""
    tables = {
        name: pq.read_table(folder / f"{name}.parquet") for name in ("pbf", "target", "towns")
    }
    layers = {
        name: overlay.layer(valid(table["geometry"].to_numpy())) for name, table in tables.items()
    }
    return tables["towns"]["xzqdm"].to_numpy(), layers


def block(wkb: pa.ChunkedArray, layers: dict, twin: np.ndarray, clock: Clock) -> Block:
    """Return the figures of some plots."""
    with clock.part("decode, validity"):
        shapes = valid(wkb.to_numpy())
    with clock.part("edges"):
        rings = measure.rings_of(shapes)
        flat = overlay.flat(rings)
    with clock.part("official area"):
        official = measure.official_area(rings, CRS)
    shared = {}
    for name, layer in layers.items():
        with clock.part(f"x {name}"):
            shared[name] = overlay.overlaps(shapes, layer, edges=flat)
    town = np.full(len(shapes), -1)
    most = np.lexsort((shared["towns"].planar_m2, shared["towns"].left))
    town[shared["towns"].left[most]] = shared["towns"].right[most]
    return Block(
        flat.area_m2, official,
        *(np.bincount(shared[name].left, shared[name].planar_m2, len(shapes))
          for name in ("pbf", "target")),
        town, flat.box, shapes[twin[: len(shapes)] < 0],
    )  # fmt: skip


def valid(wkb: np.ndarray) -> np.ndarray:
    """Return the polygons, the invalid ones mended."""
    shapes = shapely.from_wkb(wkb)
    bad = ~shapely.is_valid(shapes)
    shapes[bad] = shapely.make_valid(shapes[bad])
    return shapes


def differing(now: pa.Table, before: pa.Table, twin: np.ndarray) -> np.ndarray:
    """Return which plots were there a year ago with another class."""
    code, old = now["dlbm"].to_numpy(), before["dlbm"].to_numpy()
    return (twin >= 0) & (code != old[twin])


def earlier(wkb: pa.ChunkedArray, joined: Block, twin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return last year's plots whose box meets a moved plot, and their rows.

    The box of a plot that is still there is known; only the others are decoded to know theirs.
    """
    box = np.full((len(wkb), 4), np.nan)
    box[twin[twin >= 0]] = joined.box[twin >= 0]
    gone = np.flatnonzero(np.isnan(box[:, 0]))
    box[gone] = shapely.bounds(shapely.from_wkb(taken(wkb, gone)))
    row = np.unique(shapely.STRtree(joined.moved).query(shapely.box(*box.T))[0])
    return valid(taken(wkb, row)), row


def taken(values: pa.ChunkedArray, row: np.ndarray) -> np.ndarray:
    """Return some values, chunk by chunk: taken at once, all chunks would be joined first."""
    ends = np.cumsum([len(chunk) for chunk in values.chunks])
    parts = np.split(row, np.searchsorted(row, ends[:-1]))
    start = np.append(0, ends[:-1])
    chosen = [c.take(r - at) for c, r, at in zip(values.chunks, parts, start, strict=True)]
    return np.concatenate([part.to_numpy(zero_copy_only=False) for part in chosen])


main(run)

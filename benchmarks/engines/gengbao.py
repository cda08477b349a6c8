"""Our own engine: areas straight from edges, last year's plots by their bytes, block by block."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from job import CRS, main

from pipeline import measure, overlay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from job import Clock


BLOCK = 4_096


class Block(NamedTuple):
    """What comes of a block of plots: figures per plot, and what they share with moved plots."""

    area_m2: np.ndarray
    official_m2: np.ndarray
    pbf_m2: np.ndarray
    target_m2: np.ndarray
    town: np.ndarray
    row: np.ndarray
    moved: np.ndarray
    moved_m2: np.ndarray


def run(folder: Path, clock: Clock) -> tuple[pd.DataFrame, pa.Table]:
    """Return the figures of the job, the official areas besides, and the plots as read."""
    read = [partial(table, folder, name) for name in ("now", "before")]
    (codes_of_towns, layers), now, before = measure.for_each(
        lambda act: act(), (partial(zones, folder), *read)
    )
    clock("read, small layers")
    twin = overlay.same_bytes(now["geometry"], before["geometry"])
    known, standing = np.unique(twin, return_index=True)  # plots of now for those of before
    standing = standing[known >= 0]
    moved = np.flatnonzero(twin < 0)
    gone = np.setdiff1d(np.arange(len(before)), known)
    layers["moved"] = overlay.layer(overlay.valid_rings(taken(now["geometry"], moved)))
    clock("match years")
    blocks = measure.for_each(
        lambda part: block(*part, layers, clock), list(in_blocks(now["geometry"]))
    )
    joined = Block(*(np.concatenate(values) for values in zip(*blocks, strict=True)))
    clock.skip()
    left = overlay.layer(overlay.valid_rings(taken(before["geometry"], gone)))
    pairs = overlay.overlaps(overlay.boxes(left.edges), layers["moved"], edges=left.edges)
    met = np.isin(joined.row, standing)
    one = np.concatenate((joined.moved[met], pairs.right))
    other = np.concatenate((twin[joined.row[met]], gone[pairs.left]))
    area = np.concatenate((joined.moved_m2[met], pairs.planar_m2))
    same = np.flatnonzero(twin >= 0)
    changed = np.zeros(len(now))
    changed[same] = joined.area_m2[same] * differing(now, same, before, twin[same])
    np.add.at(changed, moved[one], area * differing(now, moved[one], before, other))
    clock("x before")
    towns = np.append(codes_of_towns, None)
    figures = {name: getattr(joined, name) for name in Block._fields[:4]}
    return pd.DataFrame(
        {"bsm": now["bsm"], "xzqdm": towns[joined.town], **figures, "changed_m2": changed}
    ), now


def table(folder: Path, name: str) -> pa.Table:
    """Return a file of the job, unpacked from where the system keeps it: no copy of it is made."""
    return pq.read_table(folder / f"{name}.parquet", memory_map=True)


def zones(folder: Path) -> tuple[np.ndarray, dict[str, overlay.Layer]]:
    """Return the codes of the towns, and the layers made ready."""
    tables = {name: table(folder, name) for name in ("pbf", "target", "towns")}
    layers = {
        name: overlay.layer(overlay.valid_rings(read["geometry"].combine_chunks()))
        for name, read in tables.items()
    }
    return tables["towns"]["xzqdm"].to_numpy(), layers


def in_blocks(values: pa.ChunkedArray) -> Iterator[tuple[int, pa.Array]]:
    """Yield the values block by block, none across chunks, each with the row it starts at."""
    start = 0
    for chunk in values.chunks:
        for at in range(0, len(chunk), BLOCK):
            yield start + at, chunk.slice(at, BLOCK)
        start += len(chunk)


def block(start: int, wkb: pa.Array, layers: dict[str, overlay.Layer], clock: Clock) -> Block:
    """Return the figures of some plots."""
    with clock.part("decode, validity"):
        rings = overlay.valid_rings(wkb)
    with clock.part("edges"):
        flat = overlay.flat(rings)
        boxes = overlay.boxes(flat)
    with clock.part("official area"):
        official = measure.official_area(rings, CRS)
    shared = {}
    for name, layer in layers.items():
        with clock.part(f"x {name}"):
            shared[name] = overlay.overlaps(boxes, layer, edges=flat)
    town = np.full(len(wkb), -1)
    most = np.lexsort((shared["towns"].planar_m2, shared["towns"].left))
    town[shared["towns"].left[most]] = shared["towns"].right[most]
    near = shared["moved"]
    return Block(
        flat.area_m2, official,
        *(np.bincount(shared[name].left, shared[name].planar_m2, len(wkb))
          for name in ("pbf", "target")),
        town, start + near.left, near.right, near.planar_m2,
    )  # fmt: skip


def differing(now: pa.Table, row: np.ndarray, before: pa.Table, other: np.ndarray) -> np.ndarray:
    """Return whether plots and plots of a year ago are of different classes, pair by pair."""
    return pc.not_equal(now["dlbm"].take(row), before["dlbm"].take(other)).to_numpy()


def taken(values: pa.ChunkedArray, row: np.ndarray) -> pa.Array:
    """Return some values, chunk by chunk: taken at once, all chunks would be joined first."""
    ends = np.cumsum([len(chunk) for chunk in values.chunks])
    parts = np.split(row, np.searchsorted(row, ends[:-1]))
    start = np.append(0, ends[:-1])
    return pa.concat_arrays(
        [c.take(pa.array(r - at)) for c, r, at in zip(values.chunks, parts, start, strict=True)]
    )


main(run)

"""What our own engine does once the files are read: see gengbao."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from job import CRS

from pipeline import measure, overlay

if TYPE_CHECKING:
    from collections.abc import Iterator

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


class Years(NamedTuple):
    """Rows of two years: each plot of now's twin in before (−1: none), those without one.

    standing: of the plots of now with the same twin the first, which stands for it.
    """

    twin: np.ndarray
    standing: np.ndarray
    moved: np.ndarray
    gone: np.ndarray


def figures(tables: dict[str, pa.Table], clock: Clock) -> pd.DataFrame:
    """Return the figures of the job, the official areas besides."""
    now, before = tables["now"], tables["before"]
    layers = {name: zone(tables[name]["geometry"]) for name in ("pbf", "target", "towns")}
    clock("load, read, small layers")
    years = matched(now["geometry"], before["geometry"])
    layers["moved"] = overlay.layer(overlay.valid_rings(taken(now["geometry"], years.moved)))
    clock("match years")
    blocks = measure.for_each(
        lambda part: block(*part, layers, clock), list(in_blocks(now["geometry"]))
    )
    joined = Block(*(np.concatenate(values) for values in zip(*blocks, strict=True)))
    clock.skip()
    changed = changed_area(now, before, years, joined, layers["moved"])
    clock("x before")
    towns = np.append(tables["towns"]["xzqdm"].to_numpy(), None)
    areas = {name: getattr(joined, name) for name in Block._fields[:4]}
    return pd.DataFrame(
        {"bsm": now["bsm"], "xzqdm": towns[joined.town], **areas, "changed_m2": changed}
    )


def matched(now: pa.ChunkedArray, before: pa.ChunkedArray) -> Years:
    """Return which plots of two years are the same, byte for byte."""
    twin = overlay.same_bytes(now, before)
    known, first = np.unique(twin, return_index=True)
    gone = np.setdiff1d(np.arange(len(before)), known)
    return Years(twin, first[known >= 0], np.flatnonzero(twin < 0), gone)


def changed_area(
    now: pa.Table, before: pa.Table, years: Years, joined: Block, moved: overlay.Layer
) -> np.ndarray:
    """Return how much of each plot of now was of another class a year ago, summed over pairs.

    Last year's plots that are still there have been overlaid as plots of now; here only the others.
    """
    left = overlay.flat(overlay.valid_rings(taken(before["geometry"], years.gone)))
    pairs = overlay.overlaps(overlay.boxes(left), moved, edges=left)
    met = np.isin(joined.row, years.standing)
    one = years.moved[np.concatenate((joined.moved[met], pairs.right))]
    other = np.concatenate((years.twin[joined.row[met]], years.gone[pairs.left]))
    area = np.concatenate((joined.moved_m2[met], pairs.planar_m2))
    same = np.flatnonzero(years.twin >= 0)
    changed = np.zeros(len(now))
    changed[same] = joined.area_m2[same] * differing(now, same, before, years.twin[same])
    np.add.at(changed, one, area * differing(now, one, before, other))
    return changed


def zone(wkb: pa.ChunkedArray) -> overlay.Layer:
    """Return a layer made ready."""
    return overlay.layer(overlay.valid_rings(wkb.combine_chunks()))


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

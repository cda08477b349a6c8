"""What our own engine does with the files: see gengbao.

Two threads take plots from bytes to areas, block by block, as soon as this year's are read; one of
them first waits for last year's and finds which plots are the same. This thread meanwhile writes
what is finished. Plots that weren't there a year ago are written last, when all that they may lie
on is known.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from job import AREAS, CRS

from pipeline import measure, overlay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from job import Clock


BLOCK = 4_096


class Years(NamedTuple):
    """Which plots of two years are the same.

    twin: per row of now its row in before (−1: none); standing: whether it is the first row with
    that twin, which stands for it; moved: rows of now without one; gone: rows of before that are
    no twin.
    """

    twin: np.ndarray
    standing: np.ndarray
    moved: np.ndarray
    gone: np.ndarray


class Met(NamedTuple):
    """Ground that moved plots (place among them) and plots of a year ago (row) share, in m²."""

    moved: np.ndarray
    row: np.ndarray
    m2: np.ndarray


class Before(NamedTuple):
    """What is asked of a year ago: classes, which plots are the same, where the moved ones lie.

    met: on which plots that are gone.
    """

    classes: pa.ChunkedArray
    years: Years
    moved: overlay.Layer
    met: Met

    def differing(self, now: pa.Array, row: np.ndarray) -> np.ndarray:
        """Return whether classes of now and those of rows a year ago differ, pair by pair."""
        return pc.not_equal(now, self.classes.take(row)).to_numpy()


class Block(NamedTuple):
    """Plots from one row on, their areas by name, their boxes, the town that most of each lies in.

    town: row among the towns, null for none.
    """

    start: int
    plots: pa.RecordBatch
    areas: dict[str, np.ndarray]
    boxes: np.ndarray
    town: pa.Array


def answer(read: dict[str, Future[pa.Table]], out: Path, clock: Clock) -> tuple[dict, int]:
    """Write the plots with their figures; return the sums of county and towns, and their number."""
    zones = {name: read.pop(name).result() for name in ("pbf", "target", "towns")}
    layers = {name: zone(table["geometry"]) for name, table in zones.items()}
    now, towns = read.pop("now").result(), zones["towns"]["xzqdm"]
    number, classes = len(now), now["dlbm"]
    clock("load, read, small layers")
    results = measure.one_by_one(
        lambda work: work(),
        [
            partial(year_ago, now["geometry"], read.pop("before"), clock),
            *(partial(measured, *part, layers, clock) for part in in_blocks(now)),
        ],
    )
    del now  # from here on a block's shapes are let go of when it is written
    before = next(results)
    with Output(out, clock) as output:
        late, near = [], []
        for block in results:
            with clock.part("figures"):
                plots, moved = with_figures(block, before, towns)
                near.append(standing_near(block, before))
            output.write(plots)
            late.append(moved)
        clock.skip()
        output.write(reclassed(pa.concat_tables(late), classes, near, before))
    clock("moved plots")
    totals = sums(pa.concat_tables(output.figures))
    clock("sums")
    return totals, number


class Output:
    """A file of plots, written table by table; their figures are kept."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.figures: list[pa.Table] = []
        self._path, self._clock = path, clock
        self._file: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def write(self, plots: pa.Table) -> None:
        """Add plots."""
        with self._clock.part("write"):
            if self._file is None:
                self._file = pq.ParquetWriter(
                    self._path, plots.schema, compression="snappy", use_dictionary=["xzqdm"]
                )
            self._file.write_table(plots)
        self.figures.append(plots.drop_columns(["bsm", "geometry"]))


def in_blocks(plots: pa.Table) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the plots block by block, each with the row it starts at."""
    start = 0
    for batch in plots.to_batches(BLOCK):
        yield start, batch
        start += len(batch)


def year_ago(now: pa.ChunkedArray, read: Future[pa.Table], clock: Clock) -> Before:
    """Return what is asked of a year ago, its shapes let go of."""
    table = read.result()
    before = table["geometry"]
    with clock.part("match years"):
        years = matched(now, before)
        moved = overlay.layer(overlay.valid_rings(taken(now, years.moved)))
        return Before(table["dlbm"], years, moved, on(taken(before, years.gone), years.gone, moved))


def matched(now: pa.ChunkedArray, before: pa.ChunkedArray) -> Years:
    """Return which plots of two years are the same, byte for byte."""
    twin = overlay.same_bytes(now, before)
    known, first = np.unique(twin, return_index=True)
    standing = np.zeros(len(now), np.bool_)
    standing[first[known >= 0]] = True
    gone = np.setdiff1d(np.arange(len(before)), known)
    return Years(twin, standing, np.flatnonzero(twin < 0), gone)


def measured(
    start: int, plots: pa.RecordBatch, layers: dict[str, overlay.Layer], clock: Clock
) -> Block:
    """Return a block of plots with its areas."""
    with clock.part("decode, validity"):
        rings = overlay.valid_rings(plots["geometry"])
    with clock.part("edges"):
        edges = overlay.flat(rings)
        boxes = overlay.boxes(edges)
    with clock.part("official area"):
        official = measure.official_area(rings, CRS)
    shared = {}
    for name, layer in layers.items():
        with clock.part(f"x {name}"):
            shared[name] = overlay.overlaps(boxes, layer, edges=edges)
    areas = {"area_m2": edges.area_m2, "official_m2": official} | {
        f"{name}_m2": np.bincount(shared[name].left, shared[name].planar_m2, len(plots))
        for name in ("pbf", "target")
    }
    return Block(start, plots, areas, boxes, most_in(shared["towns"], len(plots)))


def most_in(towns: overlay.Overlaps, plots: int) -> pa.Array:
    """Return per plot the row of the town that most of it lies in; null: it lies in none."""
    row = np.full(plots, -1)
    most = np.lexsort((towns.planar_m2, towns.left))
    row[towns.left[most]] = towns.right[most]
    return pa.array(row, mask=row < 0)


def with_figures(block: Block, before: Before, towns: pa.ChunkedArray) -> tuple[pa.Table, pa.Table]:
    """Return the plots with their figures: those that were there a year ago, and the others.

    Ground of another class is known of the first only.
    """
    twin = before.years.twin[block.start : block.start + len(block.plots)]
    stayed = twin >= 0
    changed = np.zeros(len(twin))
    differs = before.differing(block.plots["dlbm"].filter(stayed), twin[stayed])
    changed[stayed] = block.areas["area_m2"][stayed] * differs
    areas = block.areas | {"changed_m2": changed}
    table = pa.table({
        "bsm": block.plots["bsm"],
        "geometry": block.plots["geometry"],
        "xzqdm": towns.take(block.town).combine_chunks(),
        **{name: pa.array(m2, pa.float64()) for name, m2 in areas.items()},
    })  # fmt: skip
    return table.filter(stayed), table.filter(~stayed)


def standing_near(block: Block, before: Before) -> tuple[pa.Array, np.ndarray]:
    """Return the plots of a block that stand for last year's near moved ones, and its rows."""
    near = np.unique(before.moved.tree.query(block.boxes)[0])
    near = near[before.years.standing[block.start + near]]
    return block.plots["geometry"].take(pa.array(near)), before.years.twin[block.start + near]


def reclassed(
    moved: pa.Table,
    classes: pa.ChunkedArray,
    near: list[tuple[pa.Array, np.ndarray]],
    before: Before,
) -> pa.Table:
    """Return the moved plots with how much of each was of another class, summed over pairs.

    classes: of all plots of now; near: what stands of last year's near them, block by block.
    """
    found = measure.for_each(lambda some: on(*some, before.moved), near)
    met = Met(*(np.concatenate(values) for values in zip(before.met, *found, strict=True)))
    differs = before.differing(classes.take(before.years.moved[met.moved]), met.row)
    changed = np.bincount(met.moved, met.m2 * differs, len(moved))
    at = moved.column_names.index("changed_m2")
    return moved.set_column(at, "changed_m2", pa.array(changed, pa.float64()))


def on(wkb: pa.Array, row: np.ndarray, moved: overlay.Layer) -> Met:
    """Return which moved plots lie on these of a year ago, whose rows are given."""
    edges = overlay.flat(overlay.valid_rings(wkb))
    pairs = overlay.overlaps(overlay.boxes(edges), moved, edges=edges)
    return Met(pairs.right, row[pairs.left], pairs.planar_m2)


def sums(figures: pa.Table) -> dict:
    """Return the sums of the areas, of the county and of every town."""
    towns = figures.group_by("xzqdm").aggregate([(name, "sum") for name in AREAS]).to_pylist()
    totals = {"county": {name: pc.sum(figures[name]).as_py() for name in AREAS}}
    return totals | {
        town["xzqdm"]: {name: town[f"{name}_sum"] for name in AREAS}
        for town in towns
        if town["xzqdm"] is not None
    }


def zone(wkb: pa.ChunkedArray) -> overlay.Layer:
    """Return a layer made ready."""
    return overlay.layer(overlay.valid_rings(wkb.combine_chunks()))


def taken(values: pa.ChunkedArray, row: np.ndarray) -> pa.Array:
    """Return some values, chunk by chunk: taken at once, all chunks would be joined first."""
    ends = np.cumsum([len(chunk) for chunk in values.chunks])
    parts = np.split(row, np.searchsorted(row, ends[:-1]))
    start = np.append(0, ends[:-1])
    return pa.concat_arrays(
        [c.take(pa.array(r - at)) for c, r, at in zip(values.chunks, parts, start, strict=True)]
    )

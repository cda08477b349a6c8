"""Two exports of a county with a made history: time, memory, recall and precision by relation.

python benchmarks/compare_exports.py [plots]
"""

from __future__ import annotations

import resource
import sys
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from pipeline import measure
from pipeline.compare import compare_products

CRS = "EPSG:4524"
ORIGIN = np.array((36_589_000.0, 3_700_000.0))
CELL_M, SHAKE_M, WIGGLE_M = 95.0, 20.0, 1.0
EDGE_VERTICES = 20  # 80 per plot: the mean of a county
CHANGED = 0.03
STEPS = ("recoded", "renumbered", "split", "merged", "reshaped", "many", "gone")
CODES = ("0101", "0103", "0201", "0301", "0307", "0702", "1101")


def coverage(side: int, random: np.random.Generator) -> np.ndarray:
    """Return side x side plots without gaps, with crooked shared borders, on the 0.0001 m grid."""
    at = np.arange(side + 1) * CELL_M
    shake = random.uniform(-SHAKE_M, SHAKE_M, (side + 1, side + 1, 2))
    node = np.round(np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1) + shake + ORIGIN, 4)

    def border(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        part = np.linspace(0, 1, EDGE_VERTICES + 1)[:-1]
        line = start[..., None, :] + (end - start)[..., None, :] * part[:, None]
        line[..., 1:, :] += random.uniform(-WIGGLE_M, WIGGLE_M, line[..., 1:, :].shape)
        return np.round(line, 4)

    def back(line: np.ndarray, end: np.ndarray) -> np.ndarray:
        return np.concatenate((end[..., None, :], line[..., :0:-1, :]), axis=-2)

    across, along = border(node[:-1], node[1:]), border(node[:, :-1], node[:, 1:])
    ring = np.concatenate(
        (
            across[:, :-1], along[1:],
            back(across[:, 1:], node[1:, 1:]), back(along[:-1], node[:-1, 1:]),
        ),
        axis=-2,
    )  # fmt: skip
    return shapely.polygons(ring.reshape(side * side, -1, 2))


def export(bsm: np.ndarray, shapes: np.ndarray, dlbm: np.ndarray) -> gpd.GeoDataFrame:
    """Return a parcels frame with the attributes of a cropland plot."""
    area = measure.official_area(shapes, CRS)
    plots = gpd.GeoDataFrame({"bsm": bsm, "dlbm": dlbm}, geometry=shapes, crs=CRS)
    village = "9900010010010000000"
    return plots.assign(
        dlmc="地类", tbbh=plots["bsm"].str[-5:], qsxz="30", qsdwdm=village, qsdwmc="河口村",
        zldwdm=village, zldwmc="河口村", gdlx="TT", gdpdjb="2", zzsxdm="LS", kcxs=0.1, bz=None,
        tbmj=area, kcmj=measure.round_half_up(area * 0.1), area_m2=area, base_m2=area,
        town_code="990001001", town="甲镇",
    )  # fmt: skip


def halves(shape: shapely.Polygon) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Cut a shape in the middle of its width."""
    left, low, right, high = shape.bounds
    middle = (left + right) / 2
    boxes = shapely.box(left, low, middle, high), shapely.box(middle, low, right, high)
    return shape.intersection(boxes[0]), shape.intersection(boxes[1])


def changed(step: str, a: shapely.Polygon, b: shapely.Polygon) -> list[shapely.Polygon | None]:
    """Return what becomes of two neighbours a, b: their shapes, and a third plot's."""
    if step == "split":
        first, second = halves(a)
        return [first, b, second]
    if step == "merged":
        return [a.union(b), None, None]
    if step == "many":
        return [*halves(a.union(b)), None]
    if step == "gone":
        return [None, b, None]
    if step == "reshaped":
        left, low, _, _ = b.bounds
        # well below a tenth of either plot: a shifted border, no descent
        strip = b.intersection(shapely.box(left, low, left + 25, low + 30))
        return [a.union(strip), b.difference(strip), None]
    return [a, b, None]


def history(side: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, pd.Series]:
    """Return two exports and the true relation of every old plot; the same at every run."""
    random = np.random.default_rng(611026)
    shapes = coverage(side, random)
    count = len(shapes)
    bsm = np.array([f"990001200100{i:06d}" for i in range(count)], dtype=object)
    dlbm = random.choice(CODES, count).astype(object)
    old = export(bsm, shapes, dlbm)
    after, codes, classes = shapes.copy(), bsm.copy(), dlbm.copy()
    truth = pd.Series("same", index=bsm, dtype=object)
    extra = []
    free = np.arange(count).reshape(side, side)[:, : side // 2 * 2 : 2].ravel()
    chosen = random.choice(free, int(count * CHANGED / 1.5), replace=False)
    for row, step in zip(chosen, random.choice(STEPS, len(chosen)), strict=True):
        after[row], after[row + 1], third = changed(step, shapes[row], shapes[row + 1])
        rows = [row, row + 1] if step in ("merged", "reshaped", "many") else [row]
        truth.iloc[rows] = step
        if third is not None:
            extra.append((f"S{bsm[row]}", third))
        if step == "recoded":
            classes[row] = "1202"
        if step == "renumbered":
            codes[row] = f"R{bsm[row]}"
    keep = ~shapely.is_missing(after)
    more, pieces = (np.array(column, dtype=object) for column in zip(*extra, strict=True))
    new = export(
        np.concatenate((codes[keep], more)),
        np.concatenate((after[keep], pieces)),
        np.concatenate((classes[keep], np.full(len(more), "0702", dtype=object))),
    )
    return old, new, truth


def main() -> None:
    """Print one line on time and memory, then recall and precision of every relation."""
    side = round(float(sys.argv[1] if len(sys.argv) > 1 else 250_000) ** 0.5)
    old, new, truth = history(side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    found = compare_products(old, new, crs=CRS)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"plots {len(old)}/{len(new)}  {seconds:.1f} s  peak {peak:.0f} MB (inputs {before:.0f})")
    told = found.links.dropna(subset="old_bsm").drop_duplicates("old_bsm")
    told = told.set_index("old_bsm")["relation"].reindex(truth.index)
    for step in ("same", *STEPS):
        right = ((truth == step) & (told == step)).sum()
        of_truth, of_told = (truth == step).sum(), (told == step).sum()
        if of_truth and of_told:
            print(f"{step:12s} recall {right / of_truth:.4f}  precision {right / of_told:.4f}")
        else:
            print(f"{step:12s} made {of_truth}  told {of_told}")


if __name__ == "__main__":
    main()

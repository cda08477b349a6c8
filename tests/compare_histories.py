"""Made exports with known lineage, for the tests of the comparison and the ledger."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from hypothesis import strategies as st
from shapely import Polygon, box

from pipeline import measure

CRS = "EPSG:4524"
X0, Y0 = 36_589_000.0, 3_712_000.0
A, B = "990001001", "990001002"
TEXTS = ("dlbm", "dlmc", "zldwdm", "zldwmc", "bz", "zzsxdm", "town_code", "town")


def plot(x, y, width=100.0, height=100.0):
    return box(X0 + x, Y0 + y, X0 + x + width, Y0 + y + height)


def parcels(shapes, **columns):
    """Return a parcels frame of {bsm: polygon}; columns: a list each, or one value for all."""
    geometry = list(shapes.values())
    frame = gpd.GeoDataFrame({"bsm": list(shapes)}, geometry=geometry, crs=CRS)
    area = measure.official_area(np.array(geometry, dtype=object), CRS)
    values = {
        "dlbm": "0103", "dlmc": "旱地", "zldwdm": f"{A}0010000000", "zldwmc": "河口村",
        "tbbh": None, "bz": None, "zzsxdm": None, "kcxs": 0.0, "tbmj": area,
        "town_code": A, "town": "甲镇", "area_m2": area, "base_m2": area,
    } | columns  # fmt: skip
    return frame.assign(**{
        name: pd.Series(value if np.ndim(value) else [value] * len(frame), dtype=object)
        if name in TEXTS else value
        for name, value in values.items()
    })  # fmt: skip


def of(shapes, **columns):
    return parcels(dict(shapes), **columns)


SIZE = 6
PAIRS = SIZE * SIZE // 2
ALONE = {"recode": "recoded", "renumber": "renumbered", "split": "split", "drop": "gone"}
TOGETHER = {"merge": "merged", "reshape": "reshaped", "redivide": "many"}
STEPS = (*ALONE, *TOGETHER, "add")


def coverage(seed):
    """Return a gap-free SIZE x SIZE coverage of crooked cells on the coordinate grid."""
    rng = np.random.default_rng(seed)
    at = np.arange(SIZE + 1) * 60.0
    xy = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1)
    xy = np.round(xy + rng.uniform(-14, 14, xy.shape), 4) + np.array((X0, Y0))
    corners = np.stack((xy[:-1, :-1], xy[1:, :-1], xy[1:, 1:], xy[:-1, 1:]), axis=2)
    return shapely.polygons(corners.reshape(-1, 4, 2))


def pair(number):
    """Return the BSMs of the two neighbouring cells that a step is about."""
    return f"{2 * number:03d}", f"{2 * number + 1:03d}"


def advance(plots, steps):
    """Return the plots after one step per pair of cells, and the true relation of every old one.

    plots: BSM → (shape, class); no two steps touch each other's cells; both cells of a pair that
    isn't kept must be as `coverage` made them.
    """
    new, truth = dict(plots), dict.fromkeys(plots, "same")
    for number, step in enumerate(steps):
        a, b = pair(number)
        truth |= {bsm: ALONE[step] for bsm in (a,) if step in ALONE}
        truth |= {bsm: TOGETHER[step] for bsm in (a, b) if step in TOGETHER}
        _take(new, step, a, b)
    return new, truth


def _take(new, step, a, b):
    if step in ("keep", "add"):
        return
    (shape, code), (other, other_code) = new[a], new[b]
    if step == "recode":
        new[a] = shape, "1202"
    elif step == "renumber":
        new["R" + a] = new.pop(a)
    elif step == "drop":
        del new[a]
    elif step == "split":
        ring = shapely.get_coordinates(shape)
        new[a] = Polygon(ring[[0, 1, 2]]), code
        new["S" + a] = Polygon(ring[[0, 2, 3]]), "0702"
    elif step == "merge":
        del new[b]
        new[a] = shapely.union(shape, other), code
    elif step == "redivide":
        whole = shapely.union(shape, other)
        left, low, right, high = whole.bounds
        half = box(left, low, (left + right) / 2, high)
        new[a] = shapely.intersection(whole, half), code
        new[b] = shapely.difference(whole, half), other_code
    elif step == "reshape":
        rings = shapely.get_coordinates(shape), shapely.get_coordinates(other)
        strip = Polygon([rings[0][3], rings[0][2], np.round(rings[0][2] + (0, 2.5), 4)])
        strip = shapely.intersection(strip, other)
        new[a] = shapely.union(shape, strip), code
        new[b] = shapely.difference(other, strip), other_code


def beginning(seed, steps=()):
    """Return the first plots: BSM → (shape, class); a pair to be added to lacks its first."""
    rng = np.random.default_rng(seed)
    cells = coverage(seed)
    codes = rng.choice(["0101", "0103", "0201", "0301", "0702", "1101"], len(cells))
    plots = {f"{i:03d}": (cells[i], str(codes[i])) for i in range(len(cells))}
    for number, step in enumerate(steps):
        if step == "add":
            del plots[pair(number)[0]]
    return plots


def made_history(seed, steps):
    """Return two exports and the true relation of every old plot; steps: see `advance`."""
    rng = np.random.default_rng(seed)
    old = beginning(seed, steps)
    new, truth = advance(old, steps)
    first = beginning(seed)
    for number, step in enumerate(steps):
        if step == "add":
            new["N" + pair(number)[0]] = first[pair(number)[0]]
    before, after = frame(old), frame(new)
    noise = rng.integers(-3, 4, len(before)) / 100
    before["base_m2"] = measure.round_half_up(before["area_m2"] + noise)
    return before, after, truth


def frame(plots):
    """Return a parcels frame of BSM → (shape, class), in two towns."""
    shapes = {bsm: shape for bsm, (shape, _) in plots.items()}
    codes = [code for _, code in plots.values()]
    return of(shapes, dlbm=codes, town_code=[A if int(b[-1]) % 2 == 0 else B for b in plots])


words = st.lists(st.sampled_from(("keep", *STEPS)), min_size=PAIRS, max_size=PAIRS)
seeds = st.integers(0, 10_000)
histories = st.builds(made_history, seeds, words)

"""Curves: smooth lines, meanders, smooth noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def smooth(points: Floats, step_m: float) -> Floats:
    """Round a polyline's corners (Chaikin) and set points every `step_m` along it."""
    line = points
    for _ in range(6):
        q = line[:-1] * 0.75 + line[1:] * 0.25
        r = line[:-1] * 0.25 + line[1:] * 0.75
        line = np.vstack((line[:1], np.column_stack((q, r)).reshape(-1, 2), line[-1:]))
    s = np.r_[0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T))]
    at = np.arange(0.0, s[-1], step_m)
    return np.column_stack((np.interp(at, s, line[:, 0]), np.interp(at, s, line[:, 1])))


def meander(points: Floats, every_m: float, swing_m: float, rng: np.random.Generator) -> Floats:
    """Let a line swing sideways by up to swing_m about every every_m; its source stays."""
    base = smooth(points, every_m)
    along = np.gradient(base, axis=0)
    side = np.column_stack((-along[:, 1], along[:, 0]))
    side = side / np.hypot(side[:, 0], side[:, 1])[:, None]
    swing = rng.uniform(-swing_m, swing_m, len(base))
    swing[:2] = 0.0
    return np.asarray(base + side * swing[:, None])


def normals(axis: Floats) -> Floats:
    """Return the unit normals (to the left) at the points of an axis."""
    along = np.gradient(axis, axis=0)
    normal = np.column_stack((-along[:, 1], along[:, 0]))
    return np.asarray(normal / np.hypot(normal[:, 0], normal[:, 1])[:, None])


def noise(k: int, every: int, rng: np.random.Generator) -> Floats:
    """Return k values of smooth noise in [-1, 1] with a knot every `every` values."""
    knots = rng.uniform(-1, 1, k // every + 3)
    x = np.arange(k) / every
    i = x.astype(int)
    f = x - i
    f = f * f * (3 - 2 * f)
    return np.asarray(knots[i] * (1 - f) + knots[i + 1] * f)

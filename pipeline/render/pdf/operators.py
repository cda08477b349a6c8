"""Paths as PDF operators (ISO 32000-2, 8.5.2), in whole hundredths of a point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.path import Path

if TYPE_CHECKING:
    from matplotlib.transforms import Transform
    from numpy.typing import NDArray

UNITS = 100
"""Steps of a point: 3.5 µm, a third of a dot of the finest plate."""
_CLOSE = 4
_WORDS = np.array(["%d %d m\n", "%d %d l\n", "%d %d ", "%d %d c\n", "h\n"], dtype=object)
"""What is written at each point of a path: move, line, control point, end of a curve, close."""


def path_operators(path: Path, transform: Transform) -> str:
    """Return what makes a path current, in hundredths of a pt of what the transform leads to."""
    points, words = _written(path)
    placed = transform.transform(points[words != _CLOSE])
    steps = np.rint(placed * UNITS).astype(np.int64)
    return "".join(_WORDS[words]) % tuple(steps.ravel().tolist())


def _written(path: Path) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return a path's points, quadratic curves as cubic ones, and the word for each."""
    points = np.asarray(path.vertices, dtype=float)
    if path.codes is None:
        words = np.ones(len(points), dtype=np.intp)
        words[:1] = 0
        return points, words
    codes = np.asarray(path.codes)
    if (codes == Path.STOP).any():
        points, codes = points[codes != Path.STOP], codes[codes != Path.STOP]
    if (codes == Path.CURVE3).any():
        points, codes = _cubic(points, codes)
    words = np.zeros(len(codes), dtype=np.intp)
    words[codes == Path.LINETO] = 1
    curves = np.flatnonzero(codes == Path.CURVE4)
    words[curves] = np.resize([2, 2, 3], len(curves))
    words[codes == Path.CLOSEPOLY] = _CLOSE
    return points, words


def _cubic(points: NDArray[np.float64], codes: NDArray[Any]) -> tuple[NDArray[np.float64], Any]:
    """Raise quadratic curves to cubic ones: both control points two thirds towards the one."""
    control = np.flatnonzero(codes == Path.CURVE3)[::2]
    first, last = points[control - 1], points[control + 1]
    points, middle = points.copy(), points[control]
    points[control] = first + (middle - first) * 2 / 3
    points = np.insert(points, control + 1, last + (middle - last) * 2 / 3, axis=0)
    codes = np.where(codes == Path.CURVE3, Path.CURVE4, codes)
    return points, np.insert(codes, control + 1, Path.CURVE4)

"""Atoms, bundles, units and plots: the book the planning enters its land in.

An atom is the smallest piece that never changes; the atoms of a bundle are cut from one stretch
of a lane, and the bundle's area is exact. A unit is one or more bundles laid side by side; a plot
is one or more atoms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_BUNDLE_M2 = 3500.0
_SINGLES = 3


class Book:
    """Collects atoms bundle by bundle; numbers units, bundles and plots."""

    def __init__(self) -> None:
        """Start an empty book."""
        self.parts: list[pd.DataFrame] = []
        self.units = self.bundles = self.plots = 0

    def add(self, count: Ints, area_m2: Floats, **columns: str | bool | int) -> pd.DataFrame:
        """Enter bundles of `count` plots with these areas; every bundle is its own unit."""
        n = len(count)
        bundle = np.repeat(np.arange(n), count)
        atoms = pd.DataFrame(
            {
                "unit": self.units + bundle,
                "bundle": self.bundles + bundle,
                "weight": 1.0 / np.repeat(count, count),
                "bundle_m2": np.repeat(area_m2, count),
                "plot": self.plots + np.arange(len(bundle)),
                "story": "",
                "lot": "",
            }
        ).assign(**columns)
        atoms["plot_then"] = atoms["plot"]
        self.units += n
        self.bundles += n
        self.plots += len(bundle)
        self.parts.append(atoms)
        return atoms

    def replace(self, old: pd.DataFrame, new: pd.DataFrame) -> None:
        """Put a changed part in the place of the one that `add` returned."""
        at = next(i for i, part in enumerate(self.parts) if part is old)
        self.parts[at] = new


def area_m2(atoms: pd.DataFrame) -> pd.Series[float]:
    """Return the planned official area of each atom in m²."""
    return atoms["weight"] * atoms["bundle_m2"]


def bundles(n: int, total_m2: float, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Group n plots so that a bundle fills a stretch of a lane; areas add up to the total."""
    mean = total_m2 / n
    group = int(np.clip(round(_BUNDLE_M2 / mean), 1, 6))
    single = min(_SINGLES, n) if mean > 450 else 0  # noqa: PLR2004 - too small to stand alone
    rest = n - single
    count = np.array([1] * single + [group] * (rest // group) + [rest % group] * (rest % group > 0))
    weight = count * np.clip(rng.lognormal(0, 0.35, len(count)), 0.6, 1.8)
    weight[:single] *= 1.25
    return count.astype(np.int64), np.asarray(total_m2 * weight / weight.sum())


def pick(
    options: tuple[tuple[str, int], ...], n: int, rng: np.random.Generator
) -> NDArray[np.str_]:
    """Draw n codes by their weights."""
    share = np.array([w for _, w in options], float)
    return rng.choice(np.array([c for c, _ in options]), n, p=share / share.sum())

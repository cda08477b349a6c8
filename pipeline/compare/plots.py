"""Look up plots by BSM, with -1 as the row of no plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Objects = NDArray[np.object_]


def row_of(frame: pd.DataFrame, bsm: pd.Series) -> Ints:
    """Return the row of each BSM, -1 where the frame has none."""
    index = pd.Index(frame[F.BSM.name].astype(object))
    return np.asarray(index.get_indexer(bsm.astype(object)), dtype=np.int64)


def values_at(frame: pd.DataFrame, column: str, rows: Ints) -> Objects:
    """Return a column's values at rows as objects; missing values and row -1 are None."""
    values = frame[column].astype(object)
    return picked(values.where(values.notna(), None).to_numpy(dtype=object), rows)


def picked(values: Objects, rows: Ints) -> Objects:
    """Return the values at rows, None at row -1."""
    more = np.full(len(values) + 1, None, dtype=object)
    more[:-1] = values
    return np.asarray(more[rows], dtype=object)

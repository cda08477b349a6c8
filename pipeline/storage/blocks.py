"""Rows of our Parquet files block by block: who counts and adds up looks at a few at a time.

What comes of a block is small, and blocks are forgotten: a sum over a county costs the memory of a
group of rows, however many there are.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.parquet as pq

from pipeline.errors import Finding, GengbaoError
from pipeline.storage.rows import BBOX, GEOMETRY, Lying

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

KEY = "bsm"
"""By which plots and their pieces are sorted in our files."""


def read_blocks(path: Path, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """Yield the rows of one of our frames group by group, without geometry; at least one block.

    columns: default all; one that isn't there is left out. The index counts through the file.
    """
    asked = plain_names(path) if columns is None else list(columns)
    for rows, group in Lying(path).groups(asked):
        block: pd.DataFrame = group.to_pandas()
        block.index = pd.RangeIndex(rows.start, rows.stop)
        yield block


def plain_names(path: Path) -> list[str]:
    """Return the columns of one of our frames but its geometry."""
    return [name for name in pq.read_schema(path).names if name not in {GEOMETRY, BBOX}]


def whole(blocks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Yield the same rows in the same order, all pieces of a plot in one block; at least one block.

    blocks: at least one, together sorted by BSM. Raises GengbaoError where they aren't.
    """
    held: list[pd.DataFrame] = []
    given = False
    for block in blocks:
        rows = pd.concat([*held, block]) if held else block
        _check_sorted(rows[KEY])
        cut = int((rows[KEY] < rows[KEY].iloc[-1]).sum()) if len(rows) else 0
        held = [rows.iloc[cut:]]
        if cut:
            given = True
            yield rows.iloc[:cut]
    if not given or len(held[0]):
        yield held[0]


def beside(
    blocks: Iterable[pd.DataFrame], others: Iterable[pd.DataFrame]
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield every block with the rows of another table up to its last plot.

    Both are sorted by BSM, the blocks as `whole` gives them; what the other table has beyond their
    end comes last, beside no row.
    """
    coming = iter(others)
    rest = next(coming)
    nothing = rest.iloc[:0]
    for block in blocks:
        nothing = block.iloc[:0]
        if len(block):
            end = block[KEY].iloc[-1]
            rest = _filled(rest, coming, end)
            cut = int((rest[KEY] <= end).sum())
            yield block, rest.iloc[:cut]
            rest = rest.iloc[cut:]
    for left in chain([rest], coming):
        yield nothing, left


def _filled(rows: pd.DataFrame, coming: Iterator[pd.DataFrame], end: str) -> pd.DataFrame:
    """Return rows with as many of those to come as it takes to pass `end`."""
    parts = [rows]
    while not len(parts[-1]) or parts[-1][KEY].iloc[-1] <= end:
        more = next(coming, None)
        if more is None:
            break
        parts.append(more)
    return pd.concat(parts) if len(parts) > 1 else rows


def _check_sorted(keys: pd.Series) -> None:
    if bool((keys.iloc[1:].array < keys.iloc[:-1].array).any()):
        raise GengbaoError(Finding("成果表", "各行没有按标识码排列", "请保留现场文件并联系开发者"))

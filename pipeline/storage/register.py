"""Columns of many rows in a temporary file: a table is in memory a block or a column at a time.

A county's attributes are a gigabyte per million plots, and no step looks at all of them at once.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise, starmap
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeAlias, overload

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.storage.shelf import Sheet, row_blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

PANDAS = b"pandas"
Table: TypeAlias = "pd.DataFrame | Register"
"""What gives its columns by name, in memory or not."""


class Chunk(NamedTuple):
    """Where a column's values of one block lie."""

    sheet: Sheet
    start: int
    size: int

    @classmethod
    def lay(cls, sheet: Sheet, table: pa.Table) -> Chunk:
        """Write columns at the end of a sheet."""
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, table.schema) as stream:
            stream.write_table(table)
        return cls(sheet, sheet.write(sink.getbuffer()), sink.tell())

    def table(self) -> pa.Table:
        """Return the columns."""
        return pa.ipc.open_stream(self.sheet.read(self.start, self.size)).read_all()


class _Column(NamedTuple):
    """A column: its type and pandas' note on it over all blocks, and where each block lies."""

    kind: pa.DataType
    note: dict[str, Any]
    chunks: tuple[Chunk, ...]

    def values(self, blocks: Iterable[int]) -> pa.ChunkedArray:
        """Return its values in these blocks."""
        parts = [part for n in blocks for part in self.chunks[n].table().column(0).chunks]
        return pa.chunked_array([part.cast(self.kind) for part in parts], self.kind)


@dataclass(frozen=True, slots=True)
class Register:
    """A table that lies in temporary files, blocks of rows by columns; rows are numbered from 0.

    ends: the first row of each block, and the end of the last; all columns are cut alike. Never
    changed: what is added or taken away gives another register over the same files.
    """

    ends: tuple[int, ...]
    held: Mapping[str, _Column]

    @classmethod
    def lay(cls, frames: Iterable[pd.DataFrame]) -> Self:
        """Lay frames of the same columns, at least one, one after the other; indexes are dropped.

        A column that is missing throughout in one takes the type it has in the others. Raises
        OutputError where the disk of the temporary folder is full.
        """
        laying = Laying()
        for frame in frames:
            laying.add(frame)
        return cls.joined(laying.laid)

    @classmethod
    def by_column(cls, rows: int, columns: Iterable[tuple[str, pd.Series]]) -> Self:
        """Lay columns of so many rows each, one after the other; none is kept in memory."""
        sheet = Sheet()
        cut = [*row_blocks(rows)] or [slice(0, 0)]
        held = {
            name: _merged(
                [cls.block(sheet, values.iloc[part].to_frame(name)).held[name] for part in cut]
            )
            for name, values in columns
        }
        return cls((0, *(part.stop for part in cut)), held)

    @classmethod
    def block(cls, sheet: Sheet, frame: pd.DataFrame) -> Self:
        """Lay a frame at the end of a sheet, as one block."""
        table = pa.Table.from_pandas(frame, preserve_index=False)
        notes = json.loads(table.schema.metadata[PANDAS])["columns"]
        bare = table.replace_schema_metadata()
        columns = {
            name: _Column(field.type, note, (Chunk.lay(sheet, bare.select([name])),))
            for name, field, note in zip(bare.column_names, bare.schema, notes, strict=True)
        }
        return cls((0, len(frame)), columns)

    @classmethod
    def joined(cls, registers: Sequence[Register]) -> Self:
        """Return the rows of all registers, at least one, one after the other; none is copied.

        Those without rows add none, nor have a say in the types.
        """
        filled = [one for one in registers if len(one)] or list(registers[:1])
        sizes = [size for one in filled for size in np.diff(one.ends).tolist()]
        columns = {name: _merged([one.held[name] for one in filled]) for name in filled[0].held}
        return cls((0, *accumulate(sizes)), columns)

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.ends[-1]

    def __contains__(self, name: object) -> bool:
        """Return whether there is a column of that name."""
        return name in self.held

    @property
    def columns(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.held)

    @property
    def schema(self) -> pa.Schema:
        """Return the schema that Arrow has for the table as pandas would hand it over."""
        empty = pa.Schema.from_pandas(pd.DataFrame(), preserve_index=False).metadata[PANDAS]
        about = json.loads(empty) | {"columns": [column.note for column in self.held.values()]}
        plain = pa.schema([(name, column.kind) for name, column in self.held.items()])
        return plain.with_metadata({PANDAS: json.dumps(about).encode()})

    @overload
    def __getitem__(self, names: str) -> pd.Series: ...
    @overload
    def __getitem__(self, names: list[str]) -> pd.DataFrame: ...
    def __getitem__(self, names: str | list[str]) -> pd.Series | pd.DataFrame:
        """Return one column, or some as a frame, of all rows."""
        if isinstance(names, str):
            return self.frame(names=[names])[names]
        return self.frame(names=names)

    def frame(
        self, rows: slice | Ints = slice(None), names: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """Return these columns (default: all) of rows in a row, or of some rows in this order."""
        if isinstance(rows, slice):
            return _frame(self.arrow(rows, names))
        blocks, place = self._places(rows)
        return _frame(self._of_blocks(blocks, names).take(pa.array(place)))

    def arrow(self, rows: slice, names: Sequence[str] | None = None) -> pa.Table:
        """Return these columns of rows in a row, as `schema` has them."""
        start, stop, _ = rows.indices(len(self))
        first = max(int(np.searchsorted(self.ends, start, side="right")) - 1, 0)
        last = int(np.searchsorted(self.ends, stop, side="left"))
        table = self._of_blocks(range(first, max(last, first)), names)
        return table.slice(start - self.ends[first], max(stop - start, 0))

    def _of_blocks(self, blocks: Sequence[int], names: Sequence[str] | None) -> pa.Table:
        chosen = self if names is None else self.only(names)
        values = [column.values(blocks) for column in chosen.held.values()]
        return pa.Table.from_arrays(values, schema=chosen.schema)

    def blocks(self, names: Sequence[str] | None = None) -> Iterator[tuple[slice, pd.DataFrame]]:
        """Yield all rows block by block."""
        for rows in starmap(slice, pairwise(self.ends)):
            yield rows, self.frame(rows, names)

    def only(self, names: Iterable[str]) -> Self:
        """Return some of the columns, in this order."""
        return replace(self, held={name: self.held[name] for name in names})

    def without(self, *names: str) -> Self:
        """Return the other columns."""
        return self.only(name for name in self.held if name not in names)

    def assign(self, columns: pd.DataFrame | Iterable[pd.DataFrame]) -> Self:
        """Return the table with more columns, or others in place of those of their name.

        columns: as many rows in the same order, whole or as the table's own blocks; their index
        has no say. Raises ValueError where they don't fit.
        """
        sheet, bounds = Sheet(), [*pairwise(self.ends)]
        frames = (
            (columns.iloc[at:to] for at, to in bounds)
            if isinstance(columns, pd.DataFrame)
            else columns
        )
        cut = [self.block(sheet, frame) for frame in frames]
        sizes, wanted = [len(one) for one in cut], [to - at for at, to in bounds]
        if sizes != wanted or (isinstance(columns, pd.DataFrame) and len(columns) != len(self)):
            msg = f"blocks of {sizes} rows beside {wanted}"
            raise ValueError(msg)
        more = {name: _merged([one.held[name] for one in cut]) for name in cut[0].held}
        return replace(self, held={**self.held, **more})

    def select(self, rows: NDArray[Any]) -> Self:
        """Return these rows, in this order.

        What is near stays near: rows are sorted out block by block, with a pass over the disk in
        between, never all at once.
        """
        order = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        if np.array_equal(order, np.arange(len(self))):
            return self
        wanted = [*row_blocks(len(order))] or [slice(0, 0)]
        places, dealt = np.argsort(order, kind="stable"), Sheet()
        piles: list[list[tuple[Chunk, Ints]]] = [[] for _ in wanted]
        bounds = np.searchsorted(order[places], self.ends)
        stops = [block.stop for block in wanted]
        for number, (first, last) in enumerate(pairwise(bounds)):
            to = np.sort(places[first:last])
            block = self._of_blocks([number], None).replace_schema_metadata()
            pile_of = np.searchsorted(stops, to, side="right")
            for pile in np.unique(pile_of).tolist():
                own = to[pile_of == pile]
                part = block.take(pa.array(order[own] - self.ends[number]))
                piles[pile].append((Chunk.lay(dealt, part), own))
        empty, sheet = self.schema.empty_table().replace_schema_metadata(), Sheet()
        chunks: dict[str, list[Chunk]] = {name: [] for name in self.held}
        for pile, own in zip(piles, wanted, strict=True):
            table = _gathered(pile, empty, own.start)
            for name, laid in chunks.items():
                laid.append(Chunk.lay(sheet, table.select([name])))
        held = {
            name: column._replace(chunks=tuple(chunks[name])) for name, column in self.held.items()
        }
        return type(self)((0, *(own.stop for own in wanted)), held)

    def _places(self, rows: Ints) -> tuple[list[int], Ints]:
        """Return the blocks that hold these rows, and where the rows are in them put together."""
        number = np.searchsorted(self.ends, rows, side="right") - 1
        blocks, slot = np.unique(number, return_inverse=True)
        ends = np.asarray(self.ends)
        sizes = np.diff(ends)[blocks]
        return blocks.tolist(), (np.cumsum(sizes) - sizes)[slot] + rows - ends[number]


class Laying:
    """Frames laid one after the other as they come, where something else comes with them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._sheet = Sheet()
        self.laid: list[Register] = []

    def add(self, frame: pd.DataFrame) -> None:
        """Lay one more, of the same columns; `Register.joined` makes a table of all. As `lay`."""
        for rows in [*row_blocks(len(frame))] or [slice(0, 0)]:
            self.laid.append(Register.block(self._sheet, frame.iloc[rows]))


def _gathered(pile: Sequence[tuple[Chunk, Ints]], empty: pa.Table, start: int) -> pa.Table:
    """Return the rows of a pile in the order of their places, which begin at `start`."""
    if not pile:
        return empty
    table = pa.concat_tables([chunk.table() for chunk, _ in pile])
    order = np.argsort(np.concatenate([places for _, places in pile]) - start)
    return table.take(pa.array(order))


def _frame(table: pa.Table) -> pd.DataFrame:
    found: pd.DataFrame = table.to_pandas()
    return found


def _merged(parts: Sequence[_Column]) -> _Column:
    """Return a column's blocks as one, of the type it has where it isn't missing throughout."""
    named = [part for part in parts if not pa.types.is_null(part.kind)] or parts[:1]
    kinds = {part.kind for part in named}
    if len(kinds) > 1:
        msg = f"one column of several types: {sorted(map(str, kinds))}"
        raise TypeError(msg)
    chunks = tuple(chunk for part in parts for chunk in part.chunks)
    return _Column(named[0].kind, named[0].note, chunks)

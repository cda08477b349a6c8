"""Shapes of many rows as WKB in a temporary file: what isn't looked at isn't in memory.

A county's shapes are gigabytes once they are decoded, and nobody looks at all of them at once.
"""

from __future__ import annotations

import io
import tempfile
import weakref
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Objects = NDArray[np.object_]

BLOCK_ROWS = 16_384
"""Rows that are decoded together: as many as lie in a group of our files."""
IN_MEMORY_BYTES = 8 << 20
HEAD_BYTES = 5
"""Of WKB: byte order and kind of geometry."""
_BOOK = np.dtype([("file", "u2"), ("start", "i8"), ("size", "i8"), ("head", "u1", HEAD_BYTES)])


class Sheet:
    """A temporary file that is gone with the last shelf that looks into it.

    Small ones stay in memory; others have no name on disk, so that a killed run leaves nothing.
    """

    def __init__(self) -> None:
        """Open it."""
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, prefix="gengbao-")  # noqa: SIM115 - closed with this object
        weakref.finalize(self, self.file.close)

    def write(self, data: memoryview) -> int:
        """Add bytes at the end, to the disk at once: what it has no room for, it says here.

        Returns where they begin. Raises OutputError.
        """
        try:
            start = self.file.seek(0, io.SEEK_END)
            self.file.write(data)
            self.file.flush()
        except OSError as error:
            advice = "清理该磁盘，或用环境变量 TMPDIR 另指一个有空间的文件夹"
            found = f"图形暂存写不下（{error.strerror or error}）"
            raise OutputError(Finding(_where(), found, advice)) from error
        return start

    def read(self, start: int, size: int) -> bytes:
        """Return so many bytes from `start`. Raises OutputError where there are fewer."""
        self.file.seek(start)
        data = self.file.read(size)
        if len(data) != size:
            found = f"暂存的图形应有 {size} 字节，只读回 {len(data)} 字节"
            raise OutputError(Finding(_where(), found, "检查磁盘是否正常后重新运行"))
        return data


@dataclass(frozen=True, slots=True)
class Shelf:
    """Rows of WKB that lie in temporary files; a choice or another order of rows costs no copy.

    sheets: the files; book: where each row lies in them, and how it begins.
    """

    sheets: tuple[Sheet, ...]
    book: NDArray[Any]

    @classmethod
    def lay(cls, blocks: Iterable[pa.Array | pa.ChunkedArray | Objects]) -> Shelf:
        """Lay rows of WKB (binary; null or empty: none) on a new shelf.

        Raises OutputError where the disk of the temporary folder is full.
        """
        sheet, at, books = Sheet(), 0, [np.empty(0, dtype=_BOOK)]
        for block in blocks:
            for part in _arrays(block):
                data, book = _entered(part)
                book["start"] += at
                at += len(data)
                books.append(book)
                sheet.write(data)
        return cls((sheet,), np.concatenate(books))

    @classmethod
    def joined(cls, shelves: Iterable[Shelf]) -> Shelf:
        """Return the rows of all shelves, one after the other."""
        sheets: list[Sheet] = []
        books = [np.empty(0, dtype=_BOOK)]
        for shelf in shelves:
            books.append(shelf.book.copy())
            books[-1]["file"] += len(sheets)
            sheets += shelf.sheets
        return cls(tuple(sheets), np.concatenate(books))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.book)

    @property
    def heads(self) -> NDArray[np.uint8]:
        """Return the first five bytes of each row (n, 5), zeros where there are fewer or none."""
        return np.asarray(self.book["head"], dtype=np.uint8)

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Return which rows have no WKB."""
        return np.asarray(self.book["size"] == 0, dtype=np.bool_)

    def select(self, rows: NDArray[Any]) -> Shelf:
        """Return these rows, in this order."""
        return Shelf(self.sheets, self.book[rows])

    def replaced(self, rows: NDArray[Any], others: Shelf) -> Shelf:
        """Return the shelf with `others` in place of these rows."""
        both = Shelf.joined([self, others])
        order = np.arange(len(self))
        order[rows] = len(self) + np.arange(len(others))
        return both.select(order)

    def take(self, rows: NDArray[Any] | slice) -> Objects:
        """Return rows as bytes, None where there is none."""
        book = self.book[rows]
        lying = np.lexsort((book["start"], book["file"]))  # so read, the reads are few and long
        found = np.empty(len(book), dtype=object)
        found[lying] = self._gathered(book[lying]).to_numpy(zero_copy_only=False)
        return found

    def blocks(self) -> Iterator[tuple[slice, Objects]]:
        """Yield all rows in order, some thousands at a time."""
        for rows in row_blocks(len(self)):
            yield rows, self.take(rows)

    def _gathered(self, book: NDArray[Any]) -> pa.LargeBinaryArray:
        sizes = book["size"]
        ends = np.concatenate(([0], np.cumsum(sizes)))
        given = np.flatnonzero(sizes)
        own = book[given]
        # rows that follow one another in a file are read at one go
        follows = (own["file"][1:] == own["file"][:-1]) & (
            own["start"][1:] == own["start"][:-1] + own["size"][:-1]
        )
        first = np.flatnonzero(np.append(True, ~follows)[: len(own)])
        last = np.append(first[1:], len(own))[: len(first)] - 1
        length = own["start"][last] + own["size"][last] - own["start"][first]
        runs = zip(own["file"][first], own["start"][first], length, strict=True)
        data = b"".join(self.sheets[n].read(int(at), int(size)) for n, at, size in runs)
        known = pa.py_buffer(np.packbits(sizes > 0, bitorder="little"))
        parts = [known, pa.py_buffer(ends.astype(np.int64)), pa.py_buffer(data)]
        return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(book), parts)


def _where() -> str:
    return f"临时文件夹 {tempfile.gettempdir()}"


def row_blocks(rows: int) -> Iterator[slice]:
    """Yield the blocks that so many rows are looked at in."""
    for start in range(0, rows, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, rows))


def _arrays(block: pa.Array | pa.ChunkedArray | Objects) -> list[pa.LargeBinaryArray]:
    if isinstance(block, np.ndarray):
        block = pa.array(block, type=pa.large_binary(), from_pandas=True)
    chunks = block.chunks if isinstance(block, pa.ChunkedArray) else [block]
    return [chunk.cast(pa.large_binary()) for chunk in chunks if len(chunk)]


def _entered(part: pa.LargeBinaryArray) -> tuple[memoryview, NDArray[Any]]:
    """Return the bytes of an array and where its rows lie in them."""
    _, offsets, data = part.buffers()
    ends = np.frombuffer(offsets, np.int64)[part.offset : part.offset + len(part) + 1]
    whole = memoryview(data or b"")[ends[0] : ends[-1]]
    book = np.zeros(len(part), dtype=_BOOK)
    book["start"] = ends[:-1] - ends[0]
    book["size"] = np.where(part.is_valid().to_numpy(zero_copy_only=False), np.diff(ends), 0)
    long = np.flatnonzero(book["size"] >= HEAD_BYTES)
    places = book["start"][long][:, None] + np.arange(HEAD_BYTES)
    book["head"][long] = np.frombuffer(whole, np.uint8)[places] if len(whole) else 0
    return whole, book

"""DBF tables as survey software writes them: narrow fields, the code page declared."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_HEAD, _END, _LDID_BYTE, _GBK = 32, b"\r", 29, 0x4D


class Column(NamedTuple):
    """A field of a DBF: name, type letter, the cells of all records as bytes, decimals."""

    name: bytes
    kind: bytes
    cells: list[bytes]
    decimals: int


def narrow(file: Path) -> None:
    """Make every field as wide as its widest value, and say that text is GBK."""
    data = file.read_bytes()
    columns = [_narrowed(column) for column in read(data)]
    widths = [max(max((len(cell) for cell in column.cells), default=1), 1) for column in columns]
    size = 1 + sum(widths)
    head = bytearray(data[:_HEAD])
    struct.pack_into("<HH", head, 8, _HEAD * (len(columns) + 1) + 1, size)
    head[_LDID_BYTE] = _GBK
    fields = [
        column.name.ljust(11, b"\0") + column.kind + bytes(4)
        + bytes([width, column.decimals]) + bytes(14)
        for column, width in zip(columns, widths, strict=True)
    ]  # fmt: skip
    padded = [
        [cell.rjust(width) if column.kind in b"NF" else cell.ljust(width) for cell in column.cells]
        for column, width in zip(columns, widths, strict=True)
    ]
    records = [b" " + b"".join(row) for row in zip(*padded, strict=True)]
    file.write_bytes(bytes(head) + b"".join(fields) + _END + b"".join(records) + b"\x1a")


def read(data: bytes) -> list[Column]:
    """Return the columns of a DBF with all cells, blanks at their ends cut off."""
    count, start, size = struct.unpack_from("<IHH", data, 4)
    columns, place = [], 1
    for at in range(_HEAD, start - 1, _HEAD):
        name = data[at : at + 11].split(b"\0")[0]
        width, decimals = data[at + 16], data[at + 17]
        rows = (start + record * size + place for record in range(count))
        cells = [data[row : row + width].strip() for row in rows]
        columns.append(Column(name, data[at + 11 : at + 12], cells, decimals))
        place += width
    return columns


def cell_at(data: bytes | bytearray, name: str, record: int) -> int:
    """Return where the cell of a field begins in a record (0 = first); KeyError without it."""
    _, start, size = struct.unpack_from("<IHH", data, 4)
    place = 1
    for at in range(_HEAD, start - 1, _HEAD):
        if bytes(data[at : at + 11]).split(b"\0")[0] == name.encode("ascii"):
            return int(start + record * size + place)
        place += data[at + 16]
    raise KeyError(name)


def _narrowed(column: Column) -> Column:
    """Return a numeric column without zeros that say nothing."""
    if not column.decimals:
        return column
    whole = [cell.partition(b".")[0] for cell in column.cells]
    parts = [cell.partition(b".")[2].rstrip(b"0") for cell in column.cells]
    decimals = max(map(len, parts), default=0)
    cells = [
        w + b"." + p.ljust(decimals, b"0") if w and decimals else w
        for w, p in zip(whole, parts, strict=True)
    ]
    return column._replace(cells=cells, decimals=decimals)

"""Shapefiles written byte by byte, after ESRI's white paper and the dBASE III layout.

No library in between: whatever bytes, LDID and .cpg a test wants stand in the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import shapely

POLYGON = 5
HEADER = 100
FLAG = b" "


@dataclass(frozen=True)
class Column:
    """A DBF column: name as bytes, type letter, width, decimals."""

    name: bytes
    kind: str
    width: int
    decimals: int = 0


@dataclass(frozen=True)
class Region:
    """What stands at a place of a file: which record (from 1; 0: the head), which column."""

    what: str
    row: int = 0
    column: bytes = b""


def dbf(columns, rows, *, ldid=0, deleted=()):
    """Return a DBF; rows: bytes cells, text left, numbers right aligned; deleted: positions."""
    length = 1 + sum(column.width for column in columns)
    header = 32 + 32 * len(columns) + 1
    data = bytearray(struct.pack("<B3BIHH17xB2x", 3, 123, 9, 30, len(rows), header, length, ldid))
    for column in columns:
        kind = column.kind.encode()
        data += struct.pack("<11s1s4xBB14x", column.name, kind, column.width, column.decimals)
    data += b"\r"
    for number, cells in enumerate(rows):
        data += b"*" if number in deleted else FLAG
        for cell, column in zip(cells, columns, strict=True):
            if len(cell) > column.width:
                message = f"{cell!r} is wider than {column.width}"
                raise ValueError(message)
            data += cell.rjust(column.width) if column.kind in "NF" else cell.ljust(column.width)
    return bytes(data + b"\x1a")


def dbf_region(columns, count, offset):
    """Return what stands at an offset of `dbf(columns, …)` with `count` rows."""
    header = 32 + 32 * len(columns) + 1
    length = 1 + sum(column.width for column in columns)
    if offset < 32:
        return Region("head")
    if offset < header - 1:
        column = columns[(offset - 32) // 32]
        return Region("name" if (offset - 32) % 32 < 11 else "head", column=column.name)
    if offset == header - 1 or offset >= header + count * length:
        return Region("head")
    row, at = divmod(offset - header, length)
    if at == 0:
        return Region("flag", row + 1)
    at -= 1
    for column in columns:
        if at < column.width:
            return Region("cell", row + 1, column.name)
        at -= column.width
    raise AssertionError


def _rings(geometry):
    """Yield rings as the format wants them: outer clockwise, holes the other way round."""
    for polygon in shapely.get_parts(geometry):
        yield shapely.geometry.polygon.orient(polygon, -1.0).exterior.coords
        for hole in shapely.geometry.polygon.orient(polygon, -1.0).interiors:
            yield hole.coords


def shp(geometries):
    """Return (.shp, .shx) of polygons; None is a null shape."""
    body, index = bytearray(), bytearray()
    for number, geometry in enumerate(geometries, 1):
        content = struct.pack("<i", 0)
        if geometry is not None:
            rings = [list(ring) for ring in _rings(geometry)]
            starts = [sum(len(r) for r in rings[:n]) for n in range(len(rings))]
            points = [xy for ring in rings for xy in ring]
            content = struct.pack("<i4d2i", POLYGON, *geometry.bounds, len(rings), len(points))
            content += struct.pack(f"<{len(starts)}i", *starts)
            content += b"".join(struct.pack("<2d", *xy) for xy in points)
        at = (HEADER + len(body)) // 2
        index += struct.pack(">2i", at, len(content) // 2)
        body += struct.pack(">2i", number, len(content) // 2) + content
    shaped = [geometry for geometry in geometries if geometry is not None]
    bounds = shapely.total_bounds(shaped) if shaped else (0.0,) * 4
    return tuple(
        struct.pack(">i20xi", 9994, (HEADER + len(part)) // 2)
        + struct.pack("<2i8d", 1000, POLYGON, *bounds, 0, 0, 0, 0)
        + bytes(part)
        for part in (body, index)
    )


def shp_region(data, offset):
    """Return what stands at an offset of a .shp."""
    at, row = HEADER, 0
    if offset < HEADER:
        return Region("head")
    while at < len(data):
        row += 1
        length = struct.unpack(">i", data[at + 4 : at + 8])[0] * 2
        if offset < at + 8:
            return Region("head", row)
        if offset < at + 8 + length:
            return Region("shape", row)
        at += 8 + length
    raise AssertionError

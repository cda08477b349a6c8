"""The parts of a shapefile held against each other: .shp chain, .shx, sizes, record by record.

Layout: ESRI Shapefile Technical Description (1998): 100-byte headers, lengths in 16-bit words,
record headers (number, length) big-endian, contents little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.errors import Finding, InputError
from pipeline.ingest.mapped import content, let_go
from pipeline.storage import row_blocks

if TYPE_CHECKING:
    import mmap
    from pathlib import Path

    from pipeline.ingest.raw import Delivery

Ints = NDArray[np.int64]

HEADER = 100
MAGIC = 9994
POLYGON, POLYGON_Z, POLYGON_M = 5, 15, 25
POLYGONS = frozenset({POLYGON, POLYGON_Z, POLYGON_M})
KINDS = {0: "空", 1: "点", 3: "线", 8: "多点", 31: "多面体（multipatch）"}
RECORD_HEADER, TYPE_BYTES = 8, 4
BOX_AT, PARTS_AT, POINTS_AT, FIRST_PART = 4, 36, 40, 44
BOX_TOLERANCE = 1e-9  # of the coordinate: 4 cm in a zone's metres, 1 cm in degrees
RE_EXPORT = "请从原数据库重新导出整套 shapefile(.shp、.shx、.dbf、.prj)"


@dataclass(frozen=True, slots=True)
class Shapes:
    """The .shp as bytes, and where its records lie: offset and content length in bytes, each."""

    data: NDArray[np.uint8]
    offset: Ints
    length: Ints
    kind: int

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.offset)

    def outside_box(self, rows: slice, wkb: NDArray[np.object_]) -> NDArray[np.bool_]:
        """Return which of these records have coordinates that don't span the box they state."""
        at = np.flatnonzero(np.array([bool(b) for b in wkb], dtype=np.bool_))
        base = self.offset[rows][at] + RECORD_HEADER + BOX_AT
        stated = np.ascontiguousarray(self.data[base[:, None] + np.arange(32)]).view("<f8")
        real = shapely.bounds(shapely.from_wkb(wkb[at], on_invalid="ignore"))
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.abs(stated - real) > BOX_TOLERANCE * np.maximum(np.abs(real), 1)
        odd = np.zeros(len(wkb), dtype=np.bool_)
        odd[at] = (off | np.isnan(stated)).any(axis=1) & np.isfinite(real).all(axis=1)
        return odd

    def ints(self, at: Ints, order: str = "<") -> Ints:
        """Return the 32-bit integers at these bytes."""
        found = np.empty(len(at), dtype=np.int64)
        for rows in row_blocks(len(at)):
            raw = np.ascontiguousarray(self.data[at[rows, None] + np.arange(4)])
            found[rows] = raw.view(f"{order}i4").ravel()
            if rows.start:  # many, all over the file
                let_go(self.data)
        return found


def part(where: str, suffix: str) -> str:
    """Return how findings name a part of the shapefile that is known as `where`."""
    return PurePosixPath(where).with_suffix(suffix).as_posix()


def open_shapes(delivery: Delivery) -> tuple[Shapes, list[str]]:
    """Read .shp and .shx and hold them against each other; a missing .shx is rebuilt in the copy.

    Returns the shapes and what a person should know. Raises InputError when a header, a length or
    an offset contradicts another one.
    """
    data = content(delivery.copy)
    kind = _check_header(data, delivery.where, ".shp")
    if kind not in POLYGONS:
        found = f"图形类型是{KINDS.get(kind, f'类型 {kind}')}，不是面"
        raise InputError(Finding(delivery.where, found, "换用面图层；多面体先转换为面"))
    path = delivery.copy.with_suffix(".shx")
    said = []
    if not path.is_file():
        _write_index(path, data, _walk(data, delivery.where))
        said.append("缺少 .shx，已在临时副本中按 .shp 重建索引")
    offset, length = _index(path.read_bytes(), delivery.where)
    shapes = Shapes(np.frombuffer(data, np.uint8), offset, length, kind)
    findings = _check_chain(shapes, delivery.where)
    if findings:
        raise InputError(findings)
    return shapes, said


def _check_header(data: bytes | mmap.mmap, where: str, suffix: str) -> int:
    """Return the shape type. Raises InputError when the header or the length in it is wrong."""
    place = part(where, suffix)
    if len(data) < HEADER or struct.unpack(">i", data[:4])[0] != MAGIC:
        found = f"{suffix} 只有 {len(data)} 字节或不是 shapefile 文件头"
        raise InputError(Finding(place, found, RE_EXPORT))
    claimed = struct.unpack(">i", data[24:28])[0] * 2
    if claimed != len(data):
        word = "被截断" if len(data) < claimed else "长度不符"
        found = f"{suffix} {word}：文件头记 {claimed} 字节，实有 {len(data)} 字节"
        if suffix == ".shp" and len(data) < claimed:
            found += f"，完整的图形只有 {len(_chain(data))} 个"
        raise InputError(Finding(place, found, RE_EXPORT))
    return int(struct.unpack("<i", data[32:36])[0])


def _index(data: bytes, where: str) -> tuple[Ints, Ints]:
    _check_header(data, where, ".shx")
    if (len(data) - HEADER) % 8:
        found = f".shx 长度不是整数条索引（{len(data)} 字节）"
        raise InputError(Finding(part(where, ".shx"), found, RE_EXPORT))
    pairs = np.frombuffer(data, ">i4", offset=HEADER).reshape(-1, 2).astype(np.int64) * 2
    return pairs[:, 0], pairs[:, 1]


def _chain(data: bytes | mmap.mmap) -> list[tuple[int, int]]:
    """Follow the records from the first by their own lengths, as far as they are whole."""
    found, at = [], HEADER
    while at + RECORD_HEADER <= len(data):
        length = struct.unpack(">i", data[at + 4 : at + 8])[0] * 2
        if length < TYPE_BYTES or at + RECORD_HEADER + length > len(data):
            break
        found.append((at, length))
        at += RECORD_HEADER + length
    return found


def _walk(data: bytes | mmap.mmap, where: str) -> Ints:
    found = _chain(data)
    end = found[-1][0] + RECORD_HEADER + found[-1][1] if found else HEADER
    if end != len(data):
        text = f".shp 第 {len(found) + 1} 个图形残缺，且没有 .shx 可对照"
        raise InputError(Finding(where, text, RE_EXPORT))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _write_index(path: Path, data: bytes | mmap.mmap, index: Ints) -> None:
    size = (HEADER + 8 * len(index)) // 2
    header = data[:24] + struct.pack(">i", size) + data[28:HEADER]
    path.write_bytes(header + (index // 2).astype(">i4").tobytes())


def _check_chain(shapes: Shapes, where: str) -> list[Finding]:
    """Check that the index names every record of the .shp once, by its number and length."""
    offset, length, size = shapes.offset, shapes.length, len(shapes.data)
    end = offset + RECORD_HEADER + length
    bad = (offset < HEADER) | (length < TYPE_BYTES) | (end > size)
    if not bad.any():
        bad = shapes.ints(offset, ">") != np.arange(1, len(shapes) + 1)
        bad |= shapes.ints(offset + 4, ">") * 2 != length
    if bad.any():
        row = int(np.flatnonzero(bad)[0]) + 1
        found = f".shx 与 .shp 不符：共 {int(bad.sum())} 条索引指错，首个在第 {row} 条"
        return [Finding(where, found, RE_EXPORT)]
    order = np.argsort(offset, kind="stable")
    starts, ends = np.append(offset[order], size), np.append(HEADER, end[order])
    if (starts < ends).any():
        return [Finding(where, ".shx 有重复的索引", RE_EXPORT)]
    gap = int((starts - ends).sum())
    if gap:
        found = f".shx 只记 {len(shapes)} 个图形，.shp 里还有 {gap} 字节没有索引"
        return [Finding(where, found, RE_EXPORT)]
    return []


def contradictory(shapes: Shapes) -> NDArray[np.bool_]:
    """Return the records whose counts of rings and points don't fill exactly their length.

    GDAL reads such a record with fewer points, or as none at all, and says nothing.
    """
    bad = np.zeros(len(shapes), dtype=np.bool_)
    content = shapes.offset + RECORD_HEADER
    kind = shapes.ints(content)
    shaped = np.flatnonzero(kind != 0)
    bad[shaped] = (kind[shaped] != shapes.kind) | (shapes.length[shaped] < FIRST_PART)
    whole = shaped[~bad[shaped]]
    rings, points = (shapes.ints(content[whole] + at) for at in (PARTS_AT, POINTS_AT))
    flat, extra = FIRST_PART + 4 * rings + 16 * points, 16 + 8 * points
    layers = {POLYGON: (0,), POLYGON_Z: (1, 2), POLYGON_M: (0, 1)}[shapes.kind]
    fits = np.isin(shapes.length[whole] - flat, 0)
    if layers != (0,):
        fits = np.any([shapes.length[whole] == flat + n * extra for n in layers], axis=0)
    bad[whole[~(fits & (rings > 0) & (points > 0))]] = True
    good = fits & (rings > 0) & (points > 0)
    bad[_bad_rings(shapes, whole[good], rings[good], points[good])] = True
    return bad


def _bad_rings(shapes: Shapes, rows: Ints, rings: Ints, points: Ints) -> Ints:
    """Return the rows whose ring starts don't begin at 0 and rise below the number of points."""
    owner = np.repeat(np.arange(len(rows)), rings)
    first = np.cumsum(rings) - rings
    within = np.arange(len(owner)) - first[owner]
    base = shapes.offset[rows] + RECORD_HEADER + FIRST_PART
    starts = shapes.ints(base[owner] + 4 * within)
    wrong = np.where(within == 0, starts != 0, starts <= np.append(0, starts[:-1]))
    wrong |= starts >= points[owner]
    return rows[np.unique(owner[wrong])]

"""The table files of a FileGDB held against each other: headers, indexes, rows.

Layout: the public reverse engineering of FileGDB by E. Rouault. A .gdbtable states its rows and
bytes; its .gdbtablx keeps, per row ever made, where the row starts in it (0: deleted).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import Finding, InputError
from pipeline.ingest.mapped import content, let_go
from pipeline.storage import row_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HEADER = 40
INDEX_HEADER = INDEX_TRAILER = 16
INDEX_VERSION = 3  # 4 has 64-bit object ids; then the rows that are read are the only witness
BLOCK = 1024
LENGTH_BYTES = 4
OFFSET_BYTES = (4, 5, 6)
COMPRESSED = (".cdf", ".sdc")
ADVICE = "在 ArcGIS 中检查该库，复制整个 .gdb 文件夹，或导出为 GPKG 或 SHP"


@dataclass(frozen=True, slots=True)
class TableHeader:
    """What a .gdbtable states about itself: rows that are not deleted, bytes of the file."""

    rows: int
    size: int


def header_of(path: Path) -> TableHeader:
    """Read a .gdbtable's header; of a file too short for one, a size that it doesn't have."""
    with path.open("rb") as handle:
        data = handle.read(HEADER)
    if len(data) < HEADER:
        return TableHeader(0, HEADER)
    return TableHeader(struct.unpack("<i", data[4:8])[0], struct.unpack("<q", data[24:32])[0])


def check_files(folder: Path, where: str) -> None:
    """Raise InputError when the folder is no FileGDB, is compressed, or a file of it is cut."""
    tables = sorted(folder.glob("a*.gdbtable"))
    packed = sorted(p.name for p in folder.glob("a*") if p.suffix.lower() in COMPRESSED)
    findings = []
    if packed:
        found = f"是压缩过的库（CDF/SDC：{'、'.join(packed[:5])}），其中的图层读不出来"
        advice = "在 ArcGIS 中用“解压缩文件地理数据库数据”解开，或导出为 GPKG 或 SHP"
        findings.append(Finding(where, found, advice))
    elif not tables:
        found = "不是 FileGDB：文件夹中没有 .gdbtable 文件"
        findings.append(Finding(where, found, ADVICE))
    for table in tables:
        place = f"{where}/{table.name}"
        size, actual = header_of(table).size, table.stat().st_size
        if actual < size:
            found = f"文件被截断：文件头记 {size} 字节，实有 {actual} 字节"
            findings.append(Finding(place, found, ADVICE))
        index = table.with_suffix(".gdbtablx")
        if not index.is_file():
            findings.append(Finding(place, "缺少同名的 .gdbtablx 索引", ADVICE))
        elif (short := _index_shortfall(index)) > 0:
            found = f"索引被截断，少 {short} 字节"
            findings.append(Finding(f"{where}/{index.name}", found, ADVICE))
    if findings:
        raise InputError(findings)


def _index_head(data: bytes) -> tuple[int, int, int]:
    """Return (version, blocks of 1024 rows, bytes per offset) of a .gdbtablx."""
    version, blocks, _, width = struct.unpack("<4i", data[:INDEX_HEADER])
    return version, blocks, width


def _index_shortfall(path: Path) -> int:
    """Return how many bytes an index lacks of what its header states; 0 if it is whole."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        data = handle.read(INDEX_HEADER)
    if len(data) < INDEX_HEADER:
        return INDEX_HEADER - len(data)
    _, blocks, width = _index_head(data)
    return max(0, INDEX_HEADER + blocks * BLOCK * width + INDEX_TRAILER - size)


def rows_in(table: Path, where: str) -> int:
    """Return the rows of a table by its header, held against its index and the rows themselves.

    Raises InputError when the index names another number of rows, or rows that lie outside the
    file or within one another.
    """
    if not table.is_file():
        raise InputError(Finding(f"{where}/{table.name}", "缺少这个表文件", ADVICE))
    stated = header_of(table).rows
    offsets = _offsets(table.with_suffix(".gdbtablx"))
    if offsets is None:
        return stated
    place = f"{where}/{table.name}"
    if len(offsets) != stated:
        found = f"表头记 {stated} 行，索引里有 {len(offsets)} 行"
        raise InputError(Finding(place, found, ADVICE))
    bad = _misplaced(np.frombuffer(content(table), np.uint8), offsets)
    if bad:
        found = f"索引与内容不符：{bad} 行的位置落在文件之外或与其他行重叠"
        raise InputError(Finding(place, found, ADVICE))
    return stated


def _offsets(index: Path) -> NDArray[np.int64] | None:
    """Return where the rows start that an index knows, None for a version we can't read."""
    data = index.read_bytes()
    version, blocks, width = _index_head(data)
    if version != INDEX_VERSION or width not in OFFSET_BYTES:
        return None
    cells = np.frombuffer(data, np.uint8, blocks * BLOCK * width, INDEX_HEADER)
    wide = np.zeros((blocks * BLOCK, 8), dtype=np.uint8)
    wide[:, :width] = cells.reshape(-1, width)
    offsets = wide.view("<i8").ravel()
    return np.asarray(offsets[offsets != 0], dtype=np.int64)


def _misplaced(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> int:
    """Return how many rows lie outside the table's bytes or start within another row."""
    outside = (offsets < HEADER) | (offsets + LENGTH_BYTES > len(data))
    inside = np.sort(offsets[~outside])
    ends = inside + LENGTH_BYTES
    for rows in row_blocks(len(inside)):
        lengths = np.ascontiguousarray(data[inside[rows, None] + np.arange(LENGTH_BYTES)])
        ends[rows] += lengths.view("<i4").ravel()
        let_go(data)
    after = np.append(inside[1:], len(data))
    return int(outside.sum() + ((ends > after) | (ends < inside + LENGTH_BYTES)).sum())

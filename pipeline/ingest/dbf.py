"""The attribute table of a shapefile, from its raw bytes: ids exact, nothing silently coerced."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, InputError
from pipeline.ingest import names
from pipeline.ingest.encoding import (
    CANDIDATES,
    Decision,
    Sample,
    Witnesses,
    decide,
    decode_value,
)
from pipeline.ingest.mapped import let_go
from pipeline.ingest.raw import NUMBER, TEXT, UNREADABLE
from pipeline.storage import Register, row_blocks

if TYPE_CHECKING:
    import mmap
    from collections.abc import Container, Iterator

    from numpy.typing import NDArray

    from pipeline.ingest.raw import Delivery

ASCII_LIMIT = 0x80
FIELD_BYTES, NAME_BYTES = 32, 10
END_OF_FIELDS = 0x0D
BOM = b"\xef\xbb\xbf"
DELETED, LIVE = 0x2A, 0x20
TEXT_TYPES, NUMBER_TYPES = "CDL", "NF"
BINARY_TYPES = "MGPBIYT@O+QVW0"  # memo references and binary values of dBase and FoxPro
CUT = "末尾的汉字被字段宽度截断，已去掉半个字"
NUL = "中含空字符，其后内容未采用"
LOSSES = (CUT, NUL)
RE_EXPORT = "请从原数据库重新导出整套 shapefile(.shp、.shx、.dbf、.prj)"


@dataclass(frozen=True, slots=True)
class DbfField:
    """A column: its name's bytes, type letter, offset in the record, width in bytes, decimals."""

    raw_name: bytes
    kind: str
    offset: int
    width: int
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Dbf:
    """A parsed table: records as a byte matrix, deleted ones still in it.

    notes: Chinese, on names that were tidied.
    """

    fields: tuple[DbfField, ...]
    records: NDArray[np.uint8]
    deleted: NDArray[np.bool_]
    ldid: int
    notes: tuple[str, ...] = ()

    def raw(self, column: DbfField, rows: slice) -> NDArray[np.uint8]:
        """Return the bytes of a column's cells, a row each."""
        return self.records[rows, column.offset : column.offset + column.width]

    def cells(self, column: DbfField, rows: slice) -> NDArray[np.bytes_]:
        """Return a column's cells, blanks at the right (and NULs) removed."""
        part = self.raw(column, rows)
        flat = np.ascontiguousarray(part).view(f"S{column.width}").ravel()
        return np.char.rstrip(flat)


def parse(data: bytes | mmap.mmap, where: str) -> Dbf:
    """Parse a DBF. Raises InputError when header and bytes disagree (truncated, damaged)."""
    if len(data) < FIELD_BYTES + 1:
        raise InputError(Finding(where, f"文件只有 {len(data)} 字节，不是完整的 DBF", RE_EXPORT))
    count, header, length = struct.unpack("<IHH", data[4:12])
    fields, notes, findings = _fields(data[:header], length, where)
    whole = header + count * length
    if len(data) < whole and not findings:
        have = max(len(data) - header, 0) // max(length, 1)
        found = f"文件被截断：表头记 {count} 条，实际完整的只有 {have} 条"
        findings.append(Finding(where, found, RE_EXPORT))
    if not findings and length and len(data) - whole >= length:
        found = f"表头记 {count} 条，文件里却还有 {(len(data) - whole) // length} 条以上的内容"
        findings.append(Finding(where, found, RE_EXPORT))
    if findings:
        raise InputError(findings)
    records = np.frombuffer(data, np.uint8, count * length, header).reshape(count, length)
    flags = records[:, 0].copy()
    let_go(records)
    if not np.isin(flags, (DELETED, LIVE)).all():
        row = int(np.flatnonzero(~np.isin(flags, (DELETED, LIVE)))[0]) + 1
        found = "删除标记既不是空格也不是 *，记录已错位"
        raise InputError(Finding(f"{where} 第 {row} 行", found, RE_EXPORT))
    return Dbf(tuple(fields), records, flags == DELETED, data[29], tuple(notes))


def _fields(
    header: bytes, length: int, where: str
) -> tuple[list[DbfField], list[str], list[Finding]]:
    """Return the fields, notes on names that were tidied, and what is wrong with the header."""
    fields, notes, offset, at = [], [], 1, FIELD_BYTES
    while at + FIELD_BYTES <= len(header) and header[at] != END_OF_FIELDS:
        stored = header[at : at + 11].split(b"\0")[0]
        name = stored.removeprefix(BOM).strip()
        if name and name != stored:
            shown = name.decode("ascii", errors="replace")
            notes.append(f"字段名 {shown} 带有空格或 BOM，已去掉")
        kind, width, decimals = chr(header[at + 11]), header[at + 16], header[at + 17]
        fields.append(DbfField(name, kind, offset, width, decimals))
        offset += header[at + 16]
        at += FIELD_BYTES
    findings = []
    if not fields or offset != length:
        found = f"表头损坏：各字段宽度合计 {offset} 字节，记录长度却是 {length}"
        findings.append(Finding(where, found, RE_EXPORT))
    if any(f.width == 0 for f in fields):
        findings.append(Finding(where, "有宽度为 0 的字段", RE_EXPORT))
    names = [f.raw_name for f in fields]
    doubled = sorted({name for name in names if names.count(name) > 1} - {b""})
    wrong = [f"字段 {name.decode('ascii', errors='replace')} 重名" for name in doubled]
    wrong += ["有没有名字的字段"] if b"" in names else []
    advice = "在原数据中改名或删去多余字段后重新导出"
    findings += [Finding(where, found, advice) for found in wrong]
    return fields, notes, findings


def choose_encoding(
    table: Dbf, delivery: Delivery, *, wanted: Container[DbfField], cpg: str | None
) -> Decision:
    """Decide the table's encoding over all field names and the wanted columns.

    Columns about persons have no say: their values are never read, not even to be quoted.
    """
    samples = [
        Sample(repr(f.raw_name), 0, f.raw_name, NAME_BYTES)
        for f in table.fields
        if not f.raw_name.isascii()
    ]
    for column in table.fields:
        if column in wanted and _kind(column) != UNREADABLE and not _personal(column):
            samples += _samples(table, column)
    return decide(
        samples,
        witnesses=Witnesses(cpg, table.ldid),
        words=delivery.words,
        stated=delivery.encoding,
        where=delivery.where,
    )


def _personal(column: DbfField) -> bool:
    return bool(names.personal([column.raw_name.decode(e, errors="ignore") for e in CANDIDATES]))


def _samples(table: Dbf, column: DbfField) -> list[Sample]:
    first: dict[bytes, int] = {}
    for rows in row_blocks(len(table.records)):
        odd = (table.raw(column, rows) >= ASCII_LIMIT).any(axis=1) & ~table.deleted[rows]
        at = np.flatnonzero(odd)
        values, place = np.unique(table.cells(column, rows)[at], return_index=True)
        for value, row in zip(values.tolist(), (at[place] + rows.start + 1).tolist(), strict=True):
            first.setdefault(value, row)
        let_go(table.records)
    name = column.raw_name.decode("ascii", errors="replace")
    return [Sample(name, first[value], value, column.width) for value in sorted(first)]


def texts(
    table: Dbf, columns: dict[str, DbfField], encoding: str
) -> tuple[Register, dict[str, str], list[str]]:
    """Return live rows of `columns` as text (missing = NA), how each is stored, and the losses."""
    kinds = {name: _kind(column) for name, column in columns.items()}
    lost: dict[str, Counter[str]] = {name: Counter() for name in columns}

    def blocks() -> Iterator[pd.DataFrame]:
        for rows in [*row_blocks(len(table.records))] or [slice(0, 0)]:
            live = ~table.deleted[rows]
            texts = {
                name: np.full(int(live.sum()), None, dtype=object)
                if kinds[name] == UNREADABLE
                else _decode(table.cells(column, rows)[live], column, encoding, lost[name])
                for name, column in columns.items()
            }
            yield pd.DataFrame(texts, index=pd.RangeIndex(int(live.sum())), dtype="str")
            let_go(table.records)

    laid, losses = Register.lay(blocks()), []
    for name, column in columns.items():
        if column.kind not in TEXT_TYPES + NUMBER_TYPES and kinds[name] != UNREADABLE:
            losses.append(f"字段 {name}：类型“{column.kind}”不认识，按文本读入")
        losses += [
            f"字段 {name}：{lost[name][what]} 个值{what}" for what in LOSSES if lost[name][what]
        ]
    return laid, kinds, [*losses, *_zeroed(table, columns)]


def _zeroed(table: Dbf, columns: dict[str, DbfField]) -> list[str]:
    """Tell of zero bytes in cells: some programs pad with them, a lost disk block leaves them."""
    count, first, named = 0, 0, set[str]()
    for rows in row_blocks(len(table.records)):
        live = ~table.deleted[rows]
        at = {name: (table.raw(c, rows) == 0).any(axis=1) & live for name, c in columns.items()}
        odd = np.flatnonzero(np.logical_or.reduce([np.zeros_like(live), *at.values()]))
        first = first or (len(odd) and rows.start + int(odd[0]) + 1)
        count += len(odd)
        named |= {name for name, found in at.items() if found.any()}
        let_go(table.records)
    if not count:
        return []
    listed = "、".join(name for name in columns if name in named)
    said = f"{count} 条记录（首条第 {first} 条）的字段 {listed} 里有空字符，当空白处理"
    return [f"{said}；若不是导出软件以此补位，就是内容被冲掉了"]


def _kind(column: DbfField) -> str:
    if column.kind in BINARY_TYPES:
        return UNREADABLE
    return NUMBER if column.kind in NUMBER_TYPES else TEXT


def _decode(
    cells: NDArray[np.bytes_], column: DbfField, encoding: str, lost: Counter[str]
) -> NDArray[np.object_]:
    """Return cells as text, None where empty; count in `lost` what was lost of them."""
    values, inverse = np.unique(cells, return_inverse=True)
    decoded = np.empty(len(values), dtype=object)
    counts = np.bincount(inverse, minlength=len(values)).tolist()
    for at, value in enumerate(values.tolist()):
        head, _, tail = value.partition(b"\0")
        text, was_cut = decode_value(head, encoding, column.width)
        decoded[at] = text.strip(" ") or None
        lost[CUT] += counts[at] * was_cut
        lost[NUL] += counts[at] * bool(tail.strip(b"\0 "))
    return decoded[inverse]

"""Shapefile: every length in it checked against every other, attributes from the raw DBF."""

from __future__ import annotations

import struct
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pyogrio

from pipeline.errors import Finding, InputError
from pipeline.ingest import dbf
from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.ingest.encoding import Decision

SUFFIXES = (".shp",)
MARKS: tuple[bytes, ...] = (b"\x00\x00\x27\x0a",)
HEADER = 100
POLYGONS = frozenset({5, 15, 25})
KINDS = {0: "空", 1: "点", 3: "线", 8: "多点", 31: "多面体(multipatch)"}
MAGIC = 9994


def layers(delivery: Delivery) -> tuple[LayerInfo, ...]:
    """Return the one layer of a shapefile. Raises InputError when a part is missing or damaged."""
    table = _table(delivery)
    decision = _names_encoding(table, delivery)
    return (LayerInfo(name=delivery.name, columns=tuple(_columns(table, decision))),)


def read(delivery: Delivery, layer: str, columns: Sequence[str]) -> RawLayer:
    """Read a shapefile. Raises InputError for truncated parts or parts that don't fit together."""
    del layer  # a shapefile has only one
    table = _table(delivery)
    names = _columns(table, _names_encoding(table, delivery))
    wanted = {name: names[name] for name in columns}
    decision = dbf.choose_encoding(
        table, delivery, wanted=frozenset(wanted.values()), cpg=_sidecar(delivery, ".cpg")
    )
    index, losses = _index(delivery)
    findings = [*decision.findings, *_check_records(delivery, index)]
    if len(index) != len(table.records):
        found = f".shp 有 {len(index)} 个图形,.dbf 有 {len(table.records)} 条记录,二者不符"
        findings.append(Finding(delivery.where, found, dbf.RE_EXPORT))
    if findings:
        raise InputError(findings)
    frame, kinds, lost = dbf.texts(table, wanted, decision.encoding)
    live = ~table.deleted
    if table.deleted.any():
        losses.append(f".dbf 中 {int(table.deleted.sum())} 条记录已标记删除,未读入")
    return RawLayer(
        table=frame,
        rows=np.flatnonzero(live) + 1,
        wkb=_geometry(delivery, len(index), losses)[live],
        claimed=len(index) - int(table.deleted.sum()),
        crs_wkt=_sidecar(delivery, ".prj"),
        kinds=kinds,
        encoding=decision.evidence,
        losses=(*losses, *lost),
        encoding_warning=decision.warning,
    )


def _sidecar(delivery: Delivery, suffix: str) -> str | None:
    path = delivery.copy.with_suffix(suffix)
    text = path.read_bytes().decode("utf-8", errors="replace").strip() if path.is_file() else ""
    return text or None


def _table(delivery: Delivery) -> dbf.Dbf:
    path = delivery.copy.with_suffix(".dbf")
    where = delivery.where[: -len(".shp")] + ".dbf"
    if not path.is_file():
        found = "缺少 .dbf 文件,图形没有属性"
        raise InputError(Finding(where, found, "把同名的 .dbf 放到 .shp 旁边"))
    return dbf.parse(path.read_bytes(), where)


def _names_encoding(table: dbf.Dbf, delivery: Delivery) -> Decision:
    wanted = frozenset(table.fields) if _chinese_names(table) else frozenset()
    decision = dbf.choose_encoding(table, delivery, wanted=wanted, cpg=_sidecar(delivery, ".cpg"))
    if decision.findings:
        raise InputError(decision.findings)
    return decision


def _chinese_names(table: dbf.Dbf) -> bool:
    return any(not f.raw_name.isascii() for f in table.fields)


def _columns(table: dbf.Dbf, decision: Decision) -> dict[str, dbf.DbfField]:
    # a Chinese name may be cut inside its last character; the rest still tells the field
    return {f.raw_name.decode(decision.encoding, errors="ignore"): f for f in table.fields}


def _index(delivery: Delivery) -> tuple[NDArray[np.int64], list[str]]:
    """Return (offset, length) in bytes of each record by .shx, or by walking the .shp."""
    data = delivery.copy.read_bytes()
    _check_header(data, delivery.where, ".shp")
    path = delivery.copy.with_suffix(".shx")
    if not path.is_file():
        index = _walk(data, delivery.where)
        _write_index(path, data, index)
        return index, ["缺少 .shx,已在临时副本中按 .shp 重建索引"]
    shx = path.read_bytes()
    _check_header(shx, delivery.where[: -len(".shp")] + ".shx", ".shx")
    pairs = np.frombuffer(shx, ">i4", offset=HEADER, count=(len(shx) - HEADER) // 8 * 2)
    return pairs.reshape(-1, 2).astype(np.int64) * 2, []


def _check_header(data: bytes, where: str, part: str) -> None:
    if len(data) < HEADER or struct.unpack(">i", data[:4])[0] != MAGIC:
        found = f"{part} 只有 {len(data)} 字节或不是 shapefile 文件头"
        raise InputError(Finding(where, found, dbf.RE_EXPORT))
    claimed = struct.unpack(">i", data[24:28])[0] * 2
    if claimed != len(data):
        word = "被截断" if len(data) < claimed else "长度不符"
        found = f"{part} {word}:文件头记 {claimed} 字节,实有 {len(data)} 字节"
        raise InputError(Finding(where, found, dbf.RE_EXPORT))
    kind = struct.unpack("<i", data[32:36])[0]
    if kind not in POLYGONS:
        found = f"图形类型是{KINDS.get(kind, f'类型 {kind}')},不是面"
        raise InputError(Finding(where, found, "换用面图层;多面体先转换为面"))


def _walk(data: bytes, where: str) -> NDArray[np.int64]:
    found, at = [], HEADER
    while at + 8 <= len(data):
        length = struct.unpack(">i", data[at + 4 : at + 8])[0] * 2
        if length < 4 or at + 8 + length > len(data):  # noqa: PLR2004 - a record holds its type
            break
        found.append((at, length))
        at += 8 + length
    if at != len(data):
        text = f".shp 第 {len(found) + 1} 个图形残缺,且没有 .shx 可对照"
        raise InputError(Finding(where, text, dbf.RE_EXPORT))
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _write_index(path: Path, data: bytes, index: NDArray[np.int64]) -> None:
    size = (HEADER + 8 * len(index)) // 2
    header = data[:24] + struct.pack(">i", size) + data[28:HEADER]
    path.write_bytes(header + (index // 2).astype(">i4").tobytes())


def _check_records(delivery: Delivery, index: NDArray[np.int64]) -> list[Finding]:
    """Check that every entry of the index points at the record of that number and length."""
    data = np.frombuffer(delivery.copy.read_bytes(), np.uint8)
    offset, length = index[:, 0], index[:, 1]
    inside = (offset >= HEADER) & (length >= 4) & (offset + 8 + length <= len(data))  # noqa: PLR2004
    bad = ~inside
    if inside.all() and len(index):
        at = offset[:, None] + np.arange(8)
        words = np.ascontiguousarray(data[at]).view(">i4").astype(np.int64)
        bad = (words[:, 0] != np.arange(1, len(index) + 1)) | (words[:, 1] * 2 != length)
    covered = HEADER + int((length + 8).sum())
    findings = []
    if bad.any():
        row = int(np.flatnonzero(bad)[0]) + 1
        found = f".shx 与 .shp 不符:共 {int(bad.sum())} 条索引指错,首个在第 {row} 条"
        findings.append(Finding(delivery.where, found, dbf.RE_EXPORT))
    elif covered > len(data) or len(np.unique(offset)) != len(offset):
        findings.append(Finding(delivery.where, ".shx 有重复的索引", dbf.RE_EXPORT))
    elif covered < len(data):
        found = f".shx 只记 {len(index)} 个图形,.shp 里还有 {len(data) - covered} 字节没有索引"
        findings.append(Finding(delivery.where, found, dbf.RE_EXPORT))
    return findings


def _geometry(delivery: Delivery, count: int, losses: list[str]) -> NDArray[np.object_]:
    """Read WKB by GDAL from .shp and .shx alone, so that no attribute and no .prj interferes."""
    alone = delivery.copy.parent / "shapes"
    alone.mkdir()
    for part in (delivery.copy, delivery.copy.with_suffix(".shx")):
        part.rename(alone / part.name)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            _, fids, wkb, _ = pyogrio.raw.read(
                alone / delivery.copy.name, columns=[], return_fids=True, force_2d=False
            )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError) as error:
        found = f"图形读不出来({error})"
        raise InputError(Finding(delivery.where, found, dbf.RE_EXPORT)) from error
    losses += sorted({f"GDAL 提示:{w.message}" for w in caught})
    if len(fids) != count or not np.array_equal(fids, np.arange(count)):
        found = f"应有 {count} 个图形,只读出 {len(fids)} 个"
        raise InputError(Finding(delivery.where, found, dbf.RE_EXPORT))
    return np.asarray(wkb, dtype=object)

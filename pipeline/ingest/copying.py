"""Files copied byte by byte, hashed on the way, held against their checksum lists."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from typing import TYPE_CHECKING

from pipeline.errors import Finding, InputError, OutputError
from pipeline.ingest import checksums, neighbours
from pipeline.ingest.files import JOURNALS, file_group
from pipeline.ingest.raw import Delivery, Note
from pipeline.ingest.signature import ZIP
from pipeline.ingest.sources import formats

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHUNK = 1 << 20
ATTEMPTS = 3
PAUSE_S = 0.5
SPARE_BYTES = 64 << 20
SHAPEFILE_LIMIT = 2 << 30
SHAPEFILE_PARTS = frozenset({".shp", ".shx", ".dbf"})
RE_EXPORT = "从原数据库重新导出或重新拷贝"
UNLISTED = "把它补进 sha256sums，或确认它没有被改动过"
SHOWN = 5


def deliver(path: Path, kind: str, folder: Path, where: str) -> tuple[Delivery, dict[Path, str]]:
    """Copy one data file with all that belongs to it into the new `folder`, as data.KIND.

    A plain name because GDAL takes "!" in a path for an archive. Copied again while another
    program keeps changing it. Raises InputError when that doesn't end.
    """
    holder = neighbours.writer_of(path)
    if holder is not None:
        found = f"正被其他程序锁定写入（{holder}；常见的是 QGIS、ArcGIS）"
        raise InputError(Finding(where, found, "在该程序中保存并关闭后重新运行"))
    for _ in range(ATTEMPTS):
        before = _stamps(path)
        _check_sizes(path, before, where)
        digests = _copy(path, folder / f"data{kind}", where)
        if _stamps(path) == before:
            break
        shutil.rmtree(folder)
        time.sleep(PAUSE_S)
    else:
        found = "复制期间内容一直在变，有其他程序正在写它"
        raise InputError(Finding(where, found, "等写入结束、关闭该程序后重新运行"))
    copy = folder / f"data{kind}"
    whole = hashlib.sha256("".join(sorted(digests.values())).encode()).hexdigest()
    return Delivery(
        copy=copy, name=path.stem, where=where, kind=kind, digest=whole,
        notes=_notes(path, copy, kind),
    ), digests  # fmt: skip


def _stamps(path: Path) -> dict[Path, tuple[int, int]]:
    stats = {member: member.stat() for member in file_group(path)}
    return {member: (stat.st_size, stat.st_mtime_ns) for member, stat in stats.items()}


def _check_sizes(path: Path, stamps: Mapping[Path, tuple[int, int]], where: str) -> None:
    """Refuse what can't be whole, and what the temporary folder can't hold, before copying it."""
    sizes = {member: size for member, (size, _) in stamps.items()}
    if path.is_file() and not sizes[path]:
        raise InputError(Finding(where, "文件是空的（0 字节）", RE_EXPORT))
    for member, size in sizes.items():
        if member.suffix.lower() in SHAPEFILE_PARTS and size > SHAPEFILE_LIMIT:
            place = f"{where.removesuffix(path.name)}{member.name}"
            found = f"{size / 2**30:.2f} GB，超过 shapefile 的 2 GB 上限，其后内容各软件读法不一"
            raise InputError(Finding(place, found, "改用 FileGDB 或 GPKG 导出，或按镇办分开导出"))
    if shutil.disk_usage(tempfile.gettempdir()).free < sum(sizes.values()) + SPARE_BYTES:
        raise no_room(where)


def _copy(path: Path, target: Path, where: str) -> dict[Path, str]:
    """Copy the group of `path`, hashing every byte; return the digests by the user's paths."""
    digests = {}
    for member in file_group(path):
        if path.is_dir():
            copy = target / member.relative_to(path)
        elif member == path:
            copy = target
        else:
            journal = next((j for j in JOURNALS if member.name == path.name + j), None)
            copy = target.with_name(target.name + journal if journal else _part(member))
        copy.parent.mkdir(parents=True, exist_ok=True)
        if copy.exists():
            place = f"{where.removesuffix(path.name)}{member.name}"
            found = "同一个文件夹里有两个只差大小写的同名文件，不知以哪个为准"
            raise InputError(Finding(place, found, "移走多余的一个"))
        digests[member] = _hashed_copy(member, copy)
    target.mkdir(parents=True, exist_ok=True) if path.is_dir() else None
    return digests


def _part(member: Path) -> str:
    return f"data{member.suffix.lower()}"


def _hashed_copy(source: Path, target: Path) -> str:
    digest = hashlib.sha256()
    with source.open("rb") as data, target.open("xb") as out:
        while chunk := data.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def _notes(path: Path, copy: Path, kind: str) -> tuple[Note, ...]:
    notes = []
    if path.is_file():
        journals = [j for j in JOURNALS if copy.with_name(copy.name + j).is_file()]
        notes += [Note(*said) for said in neighbours.journal_notes(copy, journals)]
    if kind != ZIP and path.is_file() and path.suffix.lower() not in formats()[kind].SUFFIXES:
        said = f"后缀是“{path.suffix}”，内容却是 {kind.removeprefix('.').upper()}，按内容读入"
        notes.append(Note(said, "改正文件后缀"))
    return tuple(notes)


def checked(
    digests: Mapping[Path, str], path: Path, root: Path, within: str = ""
) -> tuple[tuple[Note, ...], bool | None]:
    """Hold the bytes against the checksum lists beside them. Raises InputError if they differ.

    Returns notes, and whether the lists vouch for every byte (None: there is no list).
    """
    findings, loose, listed = checksums.compare(digests, path, root, within)
    if findings:
        raise InputError(findings)
    if not loose:
        return (), listed or None
    shown = "、".join(loose[:SHOWN]) + (f" 等 {len(loose)} 个文件" if len(loose) > SHOWN else "")
    return (Note(f"旁有 sha256sums，但没有列入 {shown}，其内容无从核对", UNLISTED),), False


def no_room(where: str) -> OutputError:
    """Return the error that says that the work copy of `where` doesn't fit on the disk."""
    advice = "清理磁盘，或把环境变量 TMPDIR 指向空间足够的文件夹后重新运行；原文件和成果都没有改动"
    found = f"空间不足，放不下 {where} 的工作副本"
    return OutputError(Finding(f"临时文件夹 {tempfile.gettempdir()}", found, advice))

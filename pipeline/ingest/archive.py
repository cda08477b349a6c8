"""Zip archives, unpacked where they can do no harm. Stdlib only.

Everything is checked before the first byte is written: where members would land, what they are,
how large they say they are. Then every member is unpacked whole and its CRC compared. Python's
own extraction would strip "..", overwrite members of the same name and trust any size.
"""

from __future__ import annotations

import errno
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MAX_BYTES = 2 << 30
MAX_MEMBERS = 10_000
MAX_RATIO = 100
RATIO_FROM_BYTES = 16 << 20  # a small table of blanks may well shrink a hundredfold
MAX_DEPTH = 3
MAX_DIRECTORY_BYTES = 16 << 20
CHUNK = 1 << 20
END_RECORD = struct.Struct("<4s4H2LH")
END_MAGIC = b"PK\x05\x06"
SATURATED = (0xFFFF, 0xFFFFFFFF)
UTF8_FLAG, ENCRYPTED_FLAG = 0x800, 0x1
UNPACK = "请自行解压、核对后，把数据文件连同文件夹放入"
AGAIN = "请重新拷贝或下载，或请交来方重新打包（zip，不加密）"
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(slots=True)
class Allowance:
    """What may still be unpacked, shared by an archive and those inside it."""

    size: int = MAX_BYTES
    count: int = MAX_MEMBERS


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive: its entry and its path within, as text."""

    info: zipfile.ZipInfo
    name: str


def unpack(path: Path, target: Path, where: str, allowance: Allowance) -> None:
    """Unpack a zip into the new folder `target`. Raises InputError with all findings.

    Refused: what leaves the folder, links, encryption, repeated names, a bomb (size, ratio,
    count), a CRC that doesn't agree, an unknown method. where: the archive as the user knows it.
    Raises OSError when the disk is full.
    """
    try:
        _check_end(path, where)
        with zipfile.ZipFile(path) as archive:
            members = _members(archive.infolist(), where)
            _check(members, path.stat().st_size, where, allowance)
            findings = [f for member in members if (f := _unpack(archive, member, target, where))]
    except BROKEN as error:
        found = f"压缩包损坏或不完整（{error}）"
        raise InputError(Finding(where, found, AGAIN)) from error
    if findings:
        raise InputError(findings)


def _check_end(path: Path, where: str) -> None:
    """Refuse by its end record an archive whose directory alone would fill the memory."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        handle.seek(max(0, size - END_RECORD.size - 0xFFFF))
        tail = handle.read()
    at = tail.rfind(END_MAGIC)
    if at < 0 or len(tail) - at < END_RECORD.size:
        found = "压缩包不完整：没有结尾的目录"
        raise InputError(Finding(where, found, AGAIN))
    _, _, _, _, count, directory, offset, _ = END_RECORD.unpack_from(tail, at)
    if {count, directory, offset} & set(SATURATED) or directory > MAX_DIRECTORY_BYTES:
        raise InputError(_too_much(where, f"目录有 {directory} 字节、{count} 个成员以上"))


def _too_much(where: str, found: str) -> Finding:
    limits = f"{MAX_BYTES >> 30} GB、{MAX_MEMBERS} 个文件、{MAX_RATIO} 倍"
    return Finding(where, f"压缩包展开后过大（{found}；上限 {limits}），不予展开", UNPACK)


def _members(infos: Iterable[zipfile.ZipInfo], where: str) -> list[Member]:
    """Return the files of an archive with their names; names without the UTF-8 flag by trial."""
    infos = list(infos)
    raw = [info.filename.encode("cp437") for info in infos if not info.flag_bits & UTF8_FLAG]
    encoding = _names_encoding(raw)
    if encoding is None:
        found = "成员的文件名既不是 UTF-8 也不是 GBK 编码"
        raise InputError(Finding(where, found, UNPACK))
    members = []
    for info in infos:
        text = info.filename
        if not info.flag_bits & UTF8_FLAG:
            text = text.encode("cp437").decode(encoding)
        members.append(Member(info, text.replace("\\", "/")))
    return [member for member in members if not member.name.endswith("/")]


def _names_encoding(names: list[bytes]) -> str | None:
    """Return the encoding that all names are in, None if there is none."""
    for encoding in ("utf-8", "gb18030"):
        try:
            for name in names:
                name.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return None


def _check(members: list[Member], packed: int, where: str, allowance: Allowance) -> None:
    """Refuse an archive by what its directory says, before anything is unpacked."""
    findings = [f for member in members if (f := _fault(member, where))]
    findings += _doubled(members, where)
    size = sum(member.info.file_size for member in members)
    allowance.size -= size
    allowance.count -= len(members)
    if allowance.size < 0 or allowance.count < 0:
        findings.append(_too_much(where, f"{size / 2**30:.2f} GB、{len(members)} 个文件"))
    elif size > RATIO_FROM_BYTES and size > MAX_RATIO * packed:
        findings.append(_too_much(where, f"{size / max(packed, 1):.0f} 倍"))
    if findings:
        raise InputError(findings)


def _fault(member: Member, where: str) -> Finding | None:
    """Return why one member can't be unpacked."""
    place = f"{where}/{member.name}"
    name, mode = member.name, member.info.external_attr >> 16
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/") or "\0" in name:
        found = "成员的路径指向压缩包之外"
        return Finding(place, found, f"来源可疑，请与交来方核实；{UNPACK}")
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return Finding(place, "成员是符号链接或特殊文件，不是数据", UNPACK)
    if member.info.flag_bits & ENCRYPTED_FLAG:
        return Finding(place, "压缩包有密码", f"{UNPACK}；或请交来方重新打包，不加密")
    return None


def _doubled(members: list[Member], where: str) -> list[Finding]:
    """Return the names that stand for two members, on systems blind to case as well."""
    names: dict[str, list[str]] = {}
    for member in members:
        names.setdefault(member.name.casefold(), []).append(member.name)
    return [
        Finding(f"{where}/{same[0]}", f"压缩包里有 {len(same)} 个同名成员，不知以哪个为准", UNPACK)
        for same in names.values()
        if len(same) > 1
    ]


def _unpack(archive: zipfile.ZipFile, member: Member, target: Path, where: str) -> Finding | None:
    """Write one member; return what is wrong with it. Its CRC is compared by reading it whole."""
    place = f"{where}/{member.name}"
    file = target / member.name
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member.info) as packed, file.open("xb") as out:
            while chunk := packed.read(CHUNK):
                out.write(chunk)
    except NotImplementedError:
        return Finding(place, "用了不支持的压缩方法", UNPACK)
    except BROKEN as error:
        return Finding(place, f"解不开，内容已损坏（{error}）", AGAIN)
    except OSError as error:
        if error.errno in FULL:
            raise
        return Finding(place, f"这个成员解不出来（{error.strerror}）", UNPACK)
    if file.stat().st_size != member.info.file_size:
        return Finding(place, "解出的字节数与目录所记不符", AGAIN)
    return None

"""A private copy of what was delivered: libraries repair, lock and litter what they open.

Every byte is hashed while it is copied, so that what is read is what the manifest names and what
a checksum list promises. Archives are unpacked in the copy.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.disk import alive
from pipeline.errors import Finding, InputError, OutputError
from pipeline.ingest import checksums, neighbours
from pipeline.ingest.archive import FULL, MAX_DEPTH, UNPACK, Allowance, unpack
from pipeline.ingest.copying import checked, deliver, no_room
from pipeline.ingest.files import entries, is_data, is_folder_format, orphans, shown
from pipeline.ingest.signature import ZIP, kind_of
from pipeline.ingest.sources import marks, source_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.ingest.raw import Delivery, Note

PREFIX = "gengbao-"
RETRY = "确认文件没有被移走、网络盘没有断开、有读取权限后重新运行"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCopy:
    """What one delivered path holds, as private copies, sorted by name.

    deliveries: one for a plain file, one per data file of an archive; digests: sha256 of every
    file of the user's that was copied; remarks: Chinese, about the moment rather than the data
    (locks of other programs), so that no product depends on them.
    """

    deliveries: tuple[Delivery, ...]
    digests: Mapping[Path, str]
    remarks: tuple[str, ...] = ()


@contextmanager
def work_copy(path: Path, root: Path, encoding: str | None = None) -> Iterator[WorkCopy]:
    """Yield private copies of `path` and all that belongs to it, gone afterwards.

    root: the folder that names in messages are relative to. Raises InputError when it is no
    format we read, can't be read whole, is being written, contradicts its checksum list or is an
    archive that isn't safe; OutputError when the disk of the temporary folder is full.
    """
    where = shown(path, root)
    remove_leftovers()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-") as name:
        try:
            work = _open(path, root, Path(name), encoding)
        except OSError as error:
            raise _failure(error, where) from error
        yield work


def _failure(error: OSError, where: str) -> InputError | OutputError:
    if error.errno in FULL:
        return no_room(where)
    return InputError(Finding(where, f"文件读不出来（{error.strerror or error}）", RETRY))


def remove_leftovers() -> None:
    """Remove the copies of runs that were killed: survey data must not pile up in /tmp."""
    if os.name != "posix":
        return
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).split("-")[0]
        with contextlib.suppress(OSError):
            if pid.isdecimal() and folder.stat().st_uid == os.getuid() and not alive(int(pid)):
                shutil.rmtree(folder)


def _open(path: Path, root: Path, folder: Path, encoding: str | None) -> WorkCopy:
    where = shown(path, root)
    kind = kind_of(path, marks())
    if kind != ZIP:
        source_for(kind, where)
    delivery, digests = deliver(path, kind, folder / "0", where)
    notes, verified = checked(digests, path, root)
    remark = neighbours.lock_remark(path) if path.is_dir() else None
    found = [replace(delivery, notes=(*notes, *delivery.notes), verified=verified)]
    if kind == ZIP:
        found = _inside(delivery, folder, notes)
    return WorkCopy(
        deliveries=tuple(replace(one, encoding=encoding) for one in found),
        digests=digests,
        remarks=(f"{where}：{remark}",) if remark else (),
    )


def _inside(archive: Delivery, folder: Path, notes: tuple[Note, ...]) -> list[Delivery]:
    """Return copies of all data files in an archive. Raises InputError with all findings."""
    top = folder / "inside"
    findings = _unpack_all(archive, top)
    data = [top] if is_folder_format(top) else [p for p in entries(top) if is_data(p)]
    where = archive.where
    findings += orphans(top, where) + checksums.check_delivery(top, where)
    if not data and not findings:
        names = "、".join(p.relative_to(top).as_posix() for p in [*entries(top)][:8]) or "空的"
        advice = "核对打包时是否漏了数据文件，重新打包"
        findings.append(Finding(where, f"压缩包里没有数据文件（{names}）", advice))
    found = []
    for number, path in enumerate(data, 1):
        place = where if path == top else f"{where}/{path.relative_to(top).as_posix()}"
        try:
            kind = kind_of(path, marks())
            source_for(kind, place)
            delivery, digests = deliver(path, kind, folder / str(number), place)
            more, verified = checked(digests, path, top, f"{where}/")
        except InputError as error:
            findings += error.findings
            continue
        name = archive.name if path == top else delivery.name
        said = (*archive.notes, *notes, *more, *delivery.notes)
        found.append(replace(delivery, name=name, notes=said, verified=verified))
    if findings:
        raise InputError(findings)
    return found


def _unpack_all(archive: Delivery, top: Path) -> list[Finding]:
    """Unpack an archive and the archives in it, each into a folder of its name."""
    allowance = Allowance()
    findings: list[Finding] = []
    waiting = [(archive.copy, top, archive.where, 1)]
    while waiting:
        packed, folder, where, depth = waiting.pop()
        folder.mkdir()
        try:
            unpack(packed, folder, where, allowance)
        except InputError as error:
            findings += error.findings
            continue
        packed.unlink()
        for inner in [p for p in entries(folder) if p.is_file() and is_data(p)]:
            if kind_of(inner, marks()) != ZIP:
                continue
            place = f"{where}/{inner.relative_to(folder).as_posix()}"
            if depth == MAX_DEPTH:
                found = f"压缩包套了 {MAX_DEPTH} 层以上，不予展开"
                findings.append(Finding(place, found, UNPACK))
                continue
            parked = inner.with_name(f"{inner.name}.packed")
            inner.rename(parked)
            is_zip = inner.suffix.lower() == ZIP
            into = inner if is_zip else inner.with_name(inner.name + ZIP)
            waiting.append((parked, into, place, depth + 1))
    return findings

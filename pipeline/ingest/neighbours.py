"""What other programs leave beside a data file: journals, locks. Stdlib only.

Nothing is opened for writing and no lock is taken: a lock is only asked about.
"""

from __future__ import annotations

import struct
import sys
import time
from pathlib import Path

SQLITE_MARK = b"SQLite format 3\0"
WAL_MODE = b"\x02\x02"  # bytes 18 and 19 of a database whose changes go to a -wal file first
LOCK_BYTES = (0x40000000, 512)  # SQLite's pending, reserved and shared range
PATIENCE_S = 3.0
PAUSE_S = 0.1
FLOCK = {"linux": "hhqqi4x", "darwin": "qqihh"}


def writer_of(path: Path) -> str | None:
    """Return who holds a SQLite file locked for writing, None if nobody does or it can't be told.

    Waits PATIENCE_S for a short transaction to end.
    """
    deadline = time.monotonic() + PATIENCE_S
    while (holder := _holder(path)) is not None and time.monotonic() < deadline:
        time.sleep(PAUSE_S)
    return holder


def _holder(path: Path) -> str | None:
    form = FLOCK.get(sys.platform)
    if form is None or not path.is_file():
        return None
    import fcntl  # noqa: PLC0415 - there is none on Windows, where a locked file can't be copied

    start, length = LOCK_BYTES
    with path.open("rb") as handle:
        if handle.read(len(SQLITE_MARK)) != SQLITE_MARK:
            return None
        if sys.platform == "linux":
            asked = struct.pack(form, fcntl.F_RDLCK, 0, start, length, 0)
        else:
            asked = struct.pack(form, start, length, 0, fcntl.F_RDLCK, 0)
        answer = struct.unpack(form, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    kind, pid = (answer[0], answer[4]) if sys.platform == "linux" else (answer[3], answer[2])
    return None if kind == fcntl.F_UNLCK else _program(pid)


def _program(pid: int) -> str:
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return f"进程 {pid}"
    return f"{name}，进程 {pid}"


def journal_notes(copy: Path, journals: list[str]) -> list[tuple[str, str]]:
    """Return (what was found, advice) about the journals of a SQLite file, looking at its copy."""
    advice = "在打开它的软件（QGIS 等）中保存并关闭，再复制一次，以免漏掉未保存的编辑"
    with copy.open("rb") as handle:
        head = handle.read(20)
    if not head.startswith(SQLITE_MARK):
        return []
    if "-journal" in journals:
        return [("旁有未完成事务的 -journal 文件，按最后一次提交的内容读入", advice)]
    if "-wal" in journals:
        return [("旁有 -wal 文件，其中已提交的修改一并读入", advice)]
    if head[18:20] == WAL_MODE:
        found = "是在软件打开时复制的（WAL 模式，却没有 -wal 文件）：尚未写回的修改不在其中"
        return [(found, advice)]
    return []


def lock_remark(folder: Path) -> str | None:
    """Return a remark on the lock files in a FileGDB, None if there is none."""
    locks = sorted(p.name for p in folder.glob("*.lock"))
    if not locks:
        return None
    shown = "、".join(locks[:3]) + (f" 等 {len(locks)} 个" if len(locks) > 3 else "")  # noqa: PLR2004 - shown
    return f"有锁文件（{shown}），可能正被 ArcGIS 打开：还没有保存的编辑不会读入"

"""One run at a time: a lock that the system lets go of when its holder dies, however it dies.

The lock is the kernel's, on an open file, not the file's existence: a killed run, a restarted
machine or a process number given out again can't leave a folder locked for ever. The file only
says who holds it.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline.disk.replace import cannot_write
from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HIDDEN = ".gengbao"
"""The folder below the products' folder that holds lock, journal and work; gone after a run."""

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # a locked byte can't be read by others: lock one far behind the text

    def _seize(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _seize(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a folder: process number, since when (local time), on which machine."""

    pid: int
    since: str
    host: str

    def __str__(self) -> str:
        """Return the holder as Chinese text."""
        return f"{self.since} 开始，pid {self.pid}，主机 {self.host}"


@contextmanager
def locked(out: Path) -> Iterator[Holder | None]:
    """Hold `out` against other runs; yield the dead run whose lock was taken over, if any.

    Raises OutputError where another run is under way, or the folder can't be written.
    """
    path = out / HIDDEN / "lock"
    try:
        descriptor = _acquire(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        before = _read(path)
        _sign(path, descriptor)
        yield before
    finally:
        if os.name != "posix":  # Windows deletes no open file
            os.close(descriptor)
        with suppress(OSError):
            path.unlink()
        if os.name == "posix":
            os.close(descriptor)
        with suppress(OSError):  # journal or work of a run to be gone on with
            path.parent.rmdir()


def _sign(path: Path, descriptor: int) -> None:
    """Write into the lock file who holds it."""
    now = datetime.now(UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    mine = Holder(os.getpid(), now, platform.node())
    try:
        os.truncate(descriptor, 0)
        os.write(descriptor, json.dumps(asdict(mine), ensure_ascii=False).encode())
    except OSError as error:
        raise cannot_write(path, error) from error


def _acquire(path: Path) -> int:
    """Return the lock file's descriptor, locked; its last holder may just have removed it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            continue
        try:
            _seize(descriptor)
        except (BlockingIOError, PermissionError):
            os.close(descriptor)
            raise _busy(path) from None
        except BaseException:
            os.close(descriptor)
            raise
        if path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
        os.close(descriptor)


def _read(path: Path) -> Holder | None:
    """Return who the lock file names, None for an empty or damaged one."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _busy(path: Path) -> OutputError:
    holder = _read(path)
    return OutputError(
        Finding(
            f"文件夹 {path.parent.parent.resolve()}",
            f"另一次运行正在进行（{holder or '刚刚开始'}）",
            "等它结束后再运行；或用 --out 把成果写到别的文件夹",
        )
    )

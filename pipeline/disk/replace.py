"""One file, whole or not at all: written beside, fsynced, renamed."""

from __future__ import annotations

import errno
import glob
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
SPARE_BYTES = 4 << 20
"""Left free whatever a run needs: journals, the state, other programs."""


def cannot_write(path: Path, error: Exception) -> OutputError:
    """Turn a system's refusal into what a clerk can do about it."""
    if isinstance(error, OSError) and error.errno in FULL:
        advice = "腾出磁盘空间（或用 --out 换一个磁盘）后重新运行；原有成果未改动"
        return OutputError(Finding(f"文件 {path}", f"磁盘已满，写不下（{error.strerror}）", advice))
    advice = (
        "请关闭占用该文件的程序（Excel、WPS、QGIS 等），检查磁盘空间和写权限后重新运行；"
        "原有成果未改动"
    )
    return OutputError(Finding(f"文件 {path}", f"无法写入（{error}）", advice))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it over `path`.

    On any failure the temporary file is removed and the old file stays as it was; what a killed
    process left here before is removed too. Raises OutputError when the system refuses.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clean(path)
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.{os.getpid()}.", suffix=f".tmp{path.suffix}"
        )
        os.close(handle)
    except OSError as error:
        raise cannot_write(path, error) from error
    temporary = path.parent / name
    try:
        yield temporary
        flush(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _clean(path: Path) -> None:
    """Remove the temporary files of processes that died while writing `path`."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp{glob.escape(path.suffix)}"):
        pid = left.name.removeprefix(f".{path.name}.").split(".")[0]
        if pid.isdigit() and not alive(int(pid)):
            left.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Tell whether a process runs (Windows: unknown, so yes; signal 0 would be Ctrl-C there)."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def flush(path: Path) -> None:
    """Force a file's bytes to disk."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def flush_folder(folder: Path) -> None:
    """Force a rename to disk (folders can't be opened on Windows, which needs no such flush)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def require_room(folder: Path, needed: int, what: str) -> None:
    """Raise OutputError, before anything is computed, where the disk can't hold what will come.

    needed: bytes, an estimate from below; what: Chinese, what the room is for.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        found = f"磁盘空间不足：{what}至少要 {_megabytes(needed + SPARE_BYTES)}，"
        found += f"只剩 {_megabytes(free)}"
        advice = "腾出磁盘空间（或用 --out 换一个磁盘）后重新运行；原有成果未改动"
        raise OutputError(Finding(f"文件夹 {folder}", found, advice))


def _megabytes(size: int) -> str:
    return f"{size / (1 << 20):.1f} MB"

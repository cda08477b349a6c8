"""Files mapped into memory: their pages are let go once they have been looked at."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray


def content(path: Path) -> bytes | mmap.mmap:
    """Return a file's bytes, mapped where that doesn't keep the file from being removed."""
    if os.name != "posix" or not path.stat().st_size:
        return path.read_bytes()
    with path.open("rb") as handle:
        return mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)


def let_go(view: NDArray[Any]) -> None:
    """Let go of all pages of the file that an array looks into; asked again, they are read again.

    They count as this process's memory as long as they are mapped, and a survey's files are larger
    than that. Does nothing for an array that lies in memory.
    """
    base: object = view
    while isinstance(base, np.ndarray):
        base = base.base
    source = base.obj if isinstance(base, memoryview) else base
    if isinstance(source, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        source.madvise(mmap.MADV_DONTNEED)

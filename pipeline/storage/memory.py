"""Memory that is kept though nothing is in it."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa


def give_back() -> None:
    """Return to the system the memory that Arrow and the C library keep when it is let go.

    After a step it is several times what the step leaves, and lies beneath what the next one needs.
    """
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's alone
        if trim is not None:
            trim(0)

"""Compiled functions, kept in the user's cache: a cache that can't be used costs time, never a run.

The folder is NUMBA_CACHE_DIR where that is set, else gengbao/numba in the user's cache folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from numba import config, njit

if TYPE_CHECKING:
    from collections.abc import Callable


Function = TypeVar("Function", bound="Callable[..., Any]")


def compiled(signature: Any) -> Callable[[Function], Function]:  # noqa: ANN401 - numba's or its text
    """Return a decorator that compiles a function for one signature; it lets go of the GIL.

    A compiled copy of the same source is taken from the cache. One that can't be read, or a folder
    that can't be written, is as good as none.
    """

    def compile_it(function: Function) -> Function:
        if _cache_is_usable():
            with suppress(Exception):  # whatever a damaged cache or a full disk raises
                kept: Function = njit(signature, nogil=True, cache=True)(function)
                return kept
        fresh: Function = njit(signature, nogil=True)(function)
        return fresh

    return compile_it


def _cache_is_usable() -> bool:
    """Point numba at the user's cache folder; return whether it can be written."""
    try:
        folder = Path(config.CACHE_DIR or _user_cache() / "gengbao" / "numba")
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return False
    config.CACHE_DIR = str(folder)
    return True


def _user_cache() -> Path:
    """Return where this system keeps what a program can make again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")

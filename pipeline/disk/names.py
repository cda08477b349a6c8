"""File names from text that others wrote, the same on Linux and Windows."""

from __future__ import annotations

import re

_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f\ud800-\udfff]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=$|\.)")


def file_name(text: str) -> str:
    """Return text as a file's name without ending: one part of a path, never hidden or reserved."""
    plain = _UNSAFE.sub("-", text).strip(" .")
    return _RESERVED.sub(r"_\1", plain, count=1) if _RESERVED.match(plain) else plain or "未命名"

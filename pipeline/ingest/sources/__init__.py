"""Delivery formats, one module each, found by name.

A module states SUFFIXES (lower case, with dot) and MARKS (the first bytes of such a file, where
they are always the same) and has two functions::

    layers(delivery) -> tuple[LayerInfo, ...]
    read(delivery, layer, columns) -> RawLayer

Both see a private copy only and raise InputError with all findings of the file.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import Finding, InputError
from pipeline.ingest.signature import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer


class Source(Protocol):
    """What a format module offers."""

    SUFFIXES: tuple[str, ...]
    MARKS: tuple[bytes, ...]
    layers: Callable[[Delivery], tuple[LayerInfo, ...]]
    read: Callable[[Delivery, str, Sequence[str]], RawLayer]


@cache
def formats() -> dict[str, Source]:
    """Return the format module of each suffix. A suffix claimed twice is our own fault."""
    found: dict[str, Source] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        source: Source = importlib.import_module(f"{__name__}.{module.name}")
        found |= dict.fromkeys(source.SUFFIXES, source)
    return found


@cache
def marks() -> dict[bytes, str]:
    """Return first bytes → suffix of the formats that are told by them."""
    return {mark: source.SUFFIXES[0] for source in formats().values() for mark in source.MARKS}


def source_for(kind: str, where: str) -> Source:
    """Return the module of a format, by its suffix. Raises InputError for one we don't read."""
    source = formats().get(kind)
    if source is not None:
        return source
    foreign = BY_NAME.get(kind)
    label = f"（{foreign.label}）" if foreign else ""
    readable = "、".join(sorted(formats()))
    advice = f"转换为可读的格式（{readable}），或把与数据无关的文件移出"
    found = f"不支持的格式“{kind or Path(where).name}”{label}"
    raise InputError(Finding(where, found, foreign.advice if foreign else advice))

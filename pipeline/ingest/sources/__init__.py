"""Delivery formats, one module each, found by name.

A module states SUFFIXES (lower case, with dot) and has two functions::

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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer


class Source(Protocol):
    """What a format module offers."""

    SUFFIXES: tuple[str, ...]
    layers: Callable[[Delivery], tuple[LayerInfo, ...]]
    read: Callable[[Delivery, str, Sequence[str]], RawLayer]


UNSUPPORTED = {
    ".zip": "先解压,再把其中的数据文件放进文件夹",
    ".rar": "先解压,再把其中的数据文件放进文件夹",
    ".7z": "先解压,再把其中的数据文件放进文件夹",
    ".mdb": "用 ArcGIS 或 QGIS 导出为 FileGDB、GPKG 或 SHP",
    ".vct": "用建库软件导出为 FileGDB、GPKG 或 SHP",
    ".xls": "另存为 .xlsx 或 CSV(UTF-8)",
}


@cache
def formats() -> dict[str, Source]:
    """Return the format module of each suffix. A suffix claimed twice is our own fault."""
    found: dict[str, Source] = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        source: Source = importlib.import_module(f"{__name__}.{module.name}")
        found |= dict.fromkeys(source.SUFFIXES, source)
    return found


def source_for(path: Path, where: str) -> Source:
    """Return the format module for a file. Raises InputError for a format we don't read."""
    suffix = path.suffix.lower()
    source = formats().get(suffix)
    if source is not None:
        return source
    readable = "、".join(sorted(formats()))
    advice = UNSUPPORTED.get(suffix, f"转换为可读的格式({readable}),或把与数据无关的文件移出")
    raise InputError(Finding(where, f"不支持的格式“{suffix or path.name}”", advice))

"""One light module per product or family: ``PRODUCTS``, a tuple of ReportSpec, found by itself.

What makes a product lies beside, in the module its spec names.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from functools import cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeline.reports.data import ReportData, ReportSpec

FOLDERS = (("data", "processed", "reports"), ("maps",))


@cache
def discover() -> tuple[ReportSpec, ...]:
    """Return every product in order of module names; GengbaoError when two bear one name."""
    modules = sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name)
    found = tuple(
        spec
        for info in modules
        for spec in importlib.import_module(f"{__name__}.{info.name}").PRODUCTS
    )
    twice = [name for name, count in Counter(spec.name for spec in found).items() if count > 1]
    if twice:
        raise GengbaoError(
            Finding("报表模块", f"name 重复：{'、'.join(twice)}", "请改正这些模块的 PRODUCTS")
        )
    return found


def make(spec: ReportSpec, data: ReportData) -> dict[str, bytes]:
    """Make a product; return its files by path below the out folder, sorted.

    Raises GengbaoError when the data lacks what it needs or a path leaves the products' folders.
    """
    missing = [name for name in spec.needs if getattr(data, name) is None]
    missing += [name for name in spec.maps if name not in data.maps]
    if missing:
        raise GengbaoError(
            Finding(f"报表 {spec.title}", f"缺少 {name}", "请先运行前面的步骤") for name in missing
        )
    files = _maker(spec)(data)
    _check_paths(spec, files)
    return dict(sorted(files.items()))


def _maker(spec: ReportSpec) -> Callable[[ReportData], Mapping[str, bytes]]:
    module = importlib.import_module(f"pipeline.reports.{spec.module}")
    maker: Callable[[ReportData], Mapping[str, bytes]] = module.make
    return maker


def _check_paths(spec: ReportSpec, files: Iterable[str]) -> None:
    wrong = [
        name
        for name in files
        if ".." in (parts := PurePosixPath(name).parts)
        or not any(parts[: len(folder)] == folder for folder in FOLDERS)
    ]
    if wrong:
        raise GengbaoError(
            Finding(f"报表 {spec.title}", f"文件写到了别处：{name}", "只能写在报表或图件文件夹里")
            for name in wrong
        )

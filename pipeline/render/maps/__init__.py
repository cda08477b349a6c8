"""One module per map: ``SPEC: MapSpec`` and ``draw(data: MapData) -> Figure``, found by name."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

    from pipeline.render.data import MapData, MapSpec


def discover() -> dict[MapSpec, Callable[[MapData], Figure]]:
    """Return every map's drawing function by its spec, in order of module names.

    Raises GengbaoError when a module's SPEC doesn't bear the module's name, or two maps would
    write the same file.
    """
    found: dict[MapSpec, Callable[[MapData], Figure]] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if module.SPEC.name != info.name or module.SPEC.stem in {spec.stem for spec in found}:
            raise GengbaoError(
                Finding(
                    f"图件模块 {info.name}",
                    f"SPEC 的名称“{module.SPEC.name}”与模块不符，或文件名“{module.SPEC.stem}”重复",
                    "请改正该模块的 SPEC",
                )
            )
        found[module.SPEC] = module.draw
    return found

"""One module per product or family: ``SPECS``, a tuple of MapSpec; all are found by themselves."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from pipeline.render.data import MapSpec


@cache
def discover() -> tuple[MapSpec, ...]:
    """Return every product in order of module names.

    Raises GengbaoError when two bear one name or would write the same file.
    """
    modules = sorted(pkgutil.iter_modules(__path__), key=lambda item: item.name)
    found = tuple(
        spec
        for info in modules
        for spec in importlib.import_module(f"{__name__}.{info.name}").SPECS
    )
    for what in ("name", "stem"):
        twice = [n for n, count in Counter(getattr(s, what) for s in found).items() if count > 1]
        if twice:
            raise GengbaoError(
                Finding("图件模块", f"{what} 重复：{'、'.join(twice)}", "请改正这些模块的 SPECS")
            )
    return found

"""The checks, a module per subject with TITLE, ORDER and CHECKS; all are found by themselves."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError

if TYPE_CHECKING:
    from pipeline.quality.check import Check


@cache
def groups() -> tuple[tuple[str, tuple[Check, ...]], ...]:
    """Return the checks of each module under its TITLE, by its ORDER."""
    modules = [
        importlib.import_module(f"{__name__}.{info.name}")
        for info in pkgutil.iter_modules(__path__)
    ]
    ordered = sorted(modules, key=lambda module: (module.ORDER, module.__name__))
    return tuple((module.TITLE, module.CHECKS) for module in ordered)


@cache
def discover() -> tuple[Check, ...]:
    """Return every check in order; GengbaoError where a code is doubled."""
    found = tuple(check for _, checks in groups() for check in checks)
    twice = [code for code, n in Counter(check.code for check in found).items() if n > 1]
    if twice:
        advice = "请改正 quality/checks 里这些检查的 code"
        raise GengbaoError(Finding("质量检查", f"编号重复：{'、'.join(twice)}", advice))
    return found

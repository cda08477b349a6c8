"""What a check is: a rule with its words, and one function that finds where it is broken."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.quality.subject import PBF, PLOTS, TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.quality.subject import Subject

    Shapes = NDArray[np.object_]
    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

ERROR, WARNING = "错误", "警告"
ALL_ROLES = (PLOTS, PBF, TARGET)
PLOTS_ONLY = (PLOTS,)
ZONES_ONLY = (PBF, TARGET)
M2, METRES, DEGREES = "㎡", "米", "度"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Where a check is broken; all members are aligned.

    rows: the plot's row, -1 where no single plot is meant; found: Chinese; field: national names,
    one for all or one each; other: the other plot's row, -1 none; other_bsm: instead, where it is
    no row of the subject; shape: the place, in the subject's plane (None: the plot itself); size:
    in the check's unit; file: of hits without a row.
    """

    rows: Ints
    found: Sequence[str]
    field: str | Sequence[str] = ""
    other: Ints | None = None
    other_bsm: Sequence[str] = ()
    shape: Shapes | None = None
    size: Floats | None = None
    file: Sequence[str] = ()


NOTHING = Hits(rows=np.empty(0, dtype=np.int64), found=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A check's own test: layers that break it and layers that don't.

    bad, good: plots as differences from a sound one (see `examples.layer`); said: the bad one in
    Chinese; world: what else there is (towns, columns, earlier, target …), as `examples` takes it.
    """

    bad: Sequence[Mapping[str, Any]]
    good: Sequence[Mapping[str, Any]]
    said: str
    world: Mapping[str, Any] = field(default_factory=dict)
    good_world: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule.

    code: stable, in capitals; level: 错误 / 警告; text: what must hold; source: clause, national
    rule number or practice it rests on; advice: what a person does in their GIS; roles: layers it
    is for; unit: of `size`; find: subject → Hits.
    """

    code: str
    level: str
    text: str
    source: str
    advice: str
    example: Example
    find: Callable[[Subject], Hits]
    roles: tuple[str, ...] = PLOTS_ONLY
    unit: str = ""


def where(mask: NDArray[np.bool_]) -> Ints:
    """Return the rows that a mask marks."""
    return np.flatnonzero(mask).astype(np.int64)

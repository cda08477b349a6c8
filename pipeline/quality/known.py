"""Findings that were acknowledged, told from new ones; acknowledgements that mean nothing now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import pandas as pd

from pipeline import fields as F  # noqa: N812 - the field dictionary, as everywhere

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

NEAR_M = 1.0
"""A place means the findings of its rule within this distance."""
FILE, BSM = F.SOURCE_FILE.name, F.BSM.name


class Line(Protocol):
    """What an acknowledgement says: see ingest.baseline.Acknowledged."""

    @property
    def rule(self) -> str: ...  # noqa: D102 - as named
    @property
    def bsm(self) -> str: ...  # noqa: D102 - as above
    @property
    def other_bsm(self) -> str: ...  # noqa: D102 - as above
    @property
    def source_file(self) -> str: ...  # noqa: D102 - as above
    @property
    def place(self) -> tuple[float, float] | None: ...  # noqa: D102 - as above
    @property
    def reason(self) -> str: ...  # noqa: D102 - as above


Stated = TypeVar("Stated", bound=Line)


def acknowledge(
    findings: gpd.GeoDataFrame, lines: Sequence[Stated]
) -> tuple[gpd.GeoDataFrame, tuple[Stated, ...]]:
    """Return the findings with `known` (reason, missing: new), and the lines that meet none.

    A line means the findings of its rule with its BSM and other BSM; without BSM those of its
    file that name no plot; with a place only those within 1 m of it. The first line counts.
    """
    reasons = np.full(len(findings), None, dtype=object)
    rules = findings["rule"].to_numpy(dtype=object)
    stale = []
    for line in lines:
        rows = np.flatnonzero(rules == line.rule)
        met = rows[_meets(findings.iloc[rows], line)]
        if not len(met):
            stale.append(line)
        open_ = met[pd.isna(reasons[met])]
        reasons[open_] = line.reason
    known = pd.Series(reasons, index=findings.index, dtype="str")
    return findings.assign(known=known), tuple(stale)


def _meets(part: pd.DataFrame, line: Line) -> NDArray[np.bool_]:
    meets = np.ones(len(part), dtype=bool)
    for name in (BSM, "other_bsm", FILE):
        stated = getattr(line, name)
        if stated:
            meets &= part[name].eq(stated).to_numpy(dtype=bool)
    if not line.bsm and line.place is None:
        meets &= part[BSM].isna().to_numpy()
    if line.place is not None:
        off = part[["x", "y"]].to_numpy(dtype=np.float64) - np.array(line.place)
        meets &= np.hypot(*off.T) <= NEAR_M
    return meets


def draft(findings: gpd.GeoDataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the new findings as lines of a baseline whose reasons are still to be written."""
    new = findings[findings["known"].isna()]
    return pd.DataFrame(new.assign(reason="")[list(columns)])

"""What reading hands back: the accepted rows, those set aside, the findings, the account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from pipeline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.errors import Finding
    from pipeline.ingest.drawn import Drawn
    from pipeline.model import AccountRow
    from pipeline.storage import Register

ERROR, WARNING = "错误", "警告"
TEXT_COLUMNS = ("source_file", "bsm", "rule", "severity", "field", "found", "advice")


class Problem(NamedTuple):
    """A row of problems.csv; source_row and bsm are missing where a whole file is meant."""

    source_file: str
    source_row: int | None
    bsm: str | None
    rule: str
    severity: str
    field: str
    found: str
    advice: str
    x: float = np.nan
    y: float = np.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestResult:
    """A role or an export as read.

    table, drawn: accepted rows and, in their order, their shapes in crs, the county's; rejects:
    source_file, source_row, bsm, rule, reason, tbmj_text, area_m2 (what the account booked, NA:
    unknown), attributes (JSON), wkb (as delivered, hexadecimal), geometry; problems: the columns of
    Problem; log: what was decided per file and why, ready for JSON; ground (exports only): layers
    overlaps and gaps; digests: sha256 of each of the user's files as it was read; remarks: about
    the moment (locks of other programs), for the log line and in no product.
    """

    table: Register
    drawn: Drawn
    crs: str
    rejects: gpd.GeoDataFrame
    problems: pd.DataFrame
    account: AccountRow
    log: dict[str, Any] = field(default_factory=dict)
    ground: Mapping[str, gpd.GeoDataFrame] = field(default_factory=dict)
    digests: Mapping[Path, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()

    @property
    def frame(self) -> gpd.GeoDataFrame:
        """Return the accepted rows with their shapes decoded, all of them at once."""
        return gpd.GeoDataFrame(self.table.frame(), geometry=self.drawn.geometry(), crs=self.crs)


class AllRejectedError(InputError):
    """Not one row can be used; `result` holds every row with its reason."""

    def __init__(self, findings: Finding | Iterable[Finding], result: IngestResult) -> None:
        """Keep the findings and what was read."""
        super().__init__(findings)
        self.result = result


def problem_frame(problems: Sequence[Problem]) -> pd.DataFrame:
    """Return the problems as a frame sorted by file, row and rule, with fixed column types."""
    frame = pd.DataFrame(list(problems), columns=list(Problem._fields))
    types: dict[str, Any] = dict.fromkeys(TEXT_COLUMNS, "str")
    frame = frame.astype(types | {"source_row": "Int64", "x": "float64", "y": "float64"})
    order = ["source_file", "source_row", "rule", "field", "found"]
    return frame.sort_values(order, kind="stable", ignore_index=True)

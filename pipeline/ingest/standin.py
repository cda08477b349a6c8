"""A county that asks nothing of its own, for data that belongs to none we know."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import fields
from pipeline.ingest import names
from pipeline.ingest.parameters import GEOGRAPHIC_EPSG, PREFIXED_EPSG, ZONES, meridian
from pipeline.model import County, Mode, Thresholds

if TYPE_CHECKING:
    from pipeline.ingest.raw import LayerInfo, RawLayer

ANY_DAY = date(2000, 1, 1)
CODE_DIGITS = 6
ZONE_DEGREES = 3


def stand_in(raw: RawLayer, layer: LayerInfo, role: str, crs: str) -> County:
    """Return a county with the code that most rows of a layer have, working in `crs`."""
    found, _ = names.match(role, layer.columns)
    code = ""
    for standard in (fields.ZLDWDM, fields.XZQDM):
        if found.get(standard) in raw.table:
            codes = raw.table[found[standard]].str.strip().str[:CODE_DIGITS]
            code = str(codes.mode().iloc[0]) if codes.notna().any() else code
    return County(
        root=Path(), name="", code=code, crs=crs,
        previous=ANY_DAY, ledger=ANY_DAY, deadline=ANY_DAY, rules="", publisher="",
        mode=Mode.DERIVE, sample=False, layers={}, phases={}, thresholds=Thresholds(),
        towns=(), targets=(),
    )  # fmt: skip


def working_crs(epsg: int, x: float) -> str:
    """Return the 3° zone in which data of this CRS, around `x`, would be worked on."""
    central = x if epsg == GEOGRAPHIC_EPSG else float(meridian(epsg) or 0)
    return f"EPSG:{PREFIXED_EPSG + round(central / ZONE_DEGREES) - ZONES[0]}"

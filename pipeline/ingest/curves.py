"""Arcs to chords: curve geometry as GDAL strokes it, with the area they had beside the result.

GDAL strokes an arc to the same vertices from either side, so that neighbours keep their border.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyogrio
import shapely

from pipeline.errors import Finding, InputError
from pipeline.storage import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipeline.ingest.raw import Delivery, RawLayer

CURVES = range(8, 15)  # ISO WKB: CircularString to Surface
STEP = 0.1  # degrees of arc per chord: a circle loses 5e-7 of its area
EWKB_FLAGS, DIMENSIONS = 0x1FFFFFFF, 1000
READ_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    ValueError,
)


def wkb_types(heads: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the geometry type of each WKB (1 point … 7 collection, 8 … 14 curves), 0 for none.

    heads: its first five bytes (n, 5).
    """
    code = np.ascontiguousarray(heads[:, 1:])
    little, big = code.view("<u4").ravel(), code.view(">u4").ravel()
    return (np.where(heads[:, 0] == 1, little, big) & EWKB_FLAGS).astype(np.int64) % DIMENSIONS


def straighten(raw: RawLayer, delivery: Delivery, layer: str) -> RawLayer:
    """Return the layer with chords for arcs; `arcs` says what that did to each area.

    Raises InputError when GDAL can't stroke them.
    """
    if raw.wkb is None:
        return raw
    at = np.flatnonzero(np.isin(wkb_types(raw.wkb.heads), CURVES))
    if not len(at):
        return raw
    chords = _stroked(raw.rows[at], delivery, layer, STEP)
    after = shapely.area(shapely.from_wkb(chords, on_invalid="ignore"))
    coarse = _stroked(raw.rows[at], delivery, layer, 2 * STEP)
    # the area that chords miss goes with the square of the step
    before = after + (after - shapely.area(shapely.from_wkb(coarse, on_invalid="ignore"))) / 3
    wkb = raw.wkb.replaced(at, Shelf.lay([chords]))
    pairs = zip(at.tolist(), before.tolist(), after.tolist(), strict=True)
    return replace(raw, wkb=wkb, arcs={row: (was, now) for row, was, now in pairs})


def _stroked(
    fids: NDArray[np.int64], delivery: Delivery, layer: str, step: float
) -> NDArray[np.object_]:
    """Return these features with chords of `step` degrees of arc, as WKB, in their order."""
    try:
        with _steps(step), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, found, wkb, _ = pyogrio.raw.read(
                delivery.copy, layer=layer, columns=[], fids=fids, return_fids=True
            )
    except READ_ERRORS as error:
        raise _lost(delivery, layer, str(error)) from error
    chords = dict(zip(found.tolist(), wkb, strict=True))
    missing = set(fids.tolist()) - chords.keys()
    if missing:
        raise _lost(delivery, layer, f"读不出 {len(missing)} 个，如第 {min(missing)} 个")
    out = np.empty(len(fids), dtype=object)
    out[:] = [chords[fid] for fid in fids.tolist()]
    return out


def _lost(delivery: Delivery, layer: str, why: str) -> InputError:
    found = f"图层 {layer} 的曲线图形无法化为折线（{why}）"
    return InputError(Finding(delivery.where, found, "用“增密”把曲线转为折线后重新导出"))


@contextmanager
def _steps(step: float) -> Iterator[None]:
    """Have GDAL stroke in these steps for the moment."""
    before = pyogrio.get_gdal_config_option("OGR_ARC_STEPSIZE")
    pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": str(step)})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": before})

"""Arcs to chords: curve geometry as GDAL strokes it, with the exact area beside the result.

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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pipeline.ingest.raw import Delivery, RawLayer

CURVES = range(8, 15)  # ISO WKB: CircularString to Surface
STEP = "0.1"  # degrees of arc per chord: a circle loses 5e-7 of its area
CHUNK = 500  # feature ids per query
HEAD = 5  # bytes of WKB that tell the type
EWKB_FLAGS, DIMENSIONS = 0x1FFFFFFF, 1000


def wkb_types(wkb: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the geometry type of each WKB (1 point … 7 collection, 8 … 14 curves), 0 for none."""
    heads = b"".join((data or b"")[:HEAD].ljust(HEAD, b"\0") for data in wkb)
    table = np.frombuffer(heads, np.uint8).reshape(-1, HEAD)
    code = np.ascontiguousarray(table[:, 1:])
    little, big = code.view("<u4").ravel(), code.view(">u4").ravel()
    return (np.where(table[:, 0] == 1, little, big) & EWKB_FLAGS).astype(np.int64) % DIMENSIONS


def straighten(raw: RawLayer, delivery: Delivery, layer: str) -> RawLayer:
    """Return the layer with chords for arcs; `arcs` says what that did to each area.

    Raises InputError when GDAL can't stroke them.
    """
    if raw.wkb is None:
        return raw
    at = np.flatnonzero(np.isin(wkb_types(raw.wkb), CURVES))
    if not len(at):
        return raw
    wkb = raw.wkb.copy()
    arcs: dict[int, tuple[float, float]] = {}
    for start in range(0, len(at), CHUNK):
        rows = at[start : start + CHUNK]
        chords, exact = _stroked(raw.rows[rows], delivery, layer)
        wkb[rows] = chords
        after = shapely.area(shapely.from_wkb(chords, on_invalid="ignore"))
        arcs |= {
            int(row): (float(was), float(now))
            for row, was, now in zip(rows, exact, after, strict=True)
        }
    return replace(raw, wkb=wkb, arcs=arcs)


def _stroked(
    fids: NDArray[np.int64], delivery: Delivery, layer: str
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Return chords (WKB) and exact planar area of these features, in their order."""
    quoted = layer.replace('"', '\\"')
    listed = ",".join(map(str, fids.tolist()))
    query = f'SELECT OGR_GEOM_AREA AS area FROM "{quoted}" WHERE FID IN ({listed})'  # noqa: S608 - numbers and a quoted name
    try:
        with _steps(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, found, wkb, _ = pyogrio.raw.read(
                delivery.copy, layer=layer, columns=[], fids=fids, return_fids=True
            )
            _, measured, _, columns = pyogrio.raw.read(
                delivery.copy,
                sql=query,
                sql_dialect="OGRSQL",
                return_fids=True,
                read_geometry=False,
            )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError, ValueError) as error:
        raise _lost(delivery, layer, str(error)) from error
    if sorted(found) != sorted(fids) or sorted(measured) != sorted(fids):
        raise _lost(delivery, layer, f"应有 {len(fids)} 个，只读出 {len(found)} 个")
    chords = dict(zip(found.tolist(), wkb, strict=True))
    area = dict(zip(measured.tolist(), columns[0], strict=True))
    out = np.empty(len(fids), dtype=object)
    out[:] = [chords[fid] for fid in fids.tolist()]
    return out, np.array([area[fid] for fid in fids.tolist()], dtype=np.float64)


def _lost(delivery: Delivery, layer: str, why: str) -> InputError:
    found = f"图层 {layer} 的曲线图形无法化为折线（{why}）"
    return InputError(Finding(delivery.where, found, "用“增密”把曲线转为折线后重新导出"))


@contextmanager
def _steps() -> Iterator[None]:
    """Have GDAL stroke finely for the moment."""
    before = pyogrio.get_gdal_config_option("OGR_ARC_STEPSIZE")
    pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": STEP})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_ARC_STEPSIZE": before})

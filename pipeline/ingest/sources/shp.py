"""Shapefile: every length in it checked against every other, attributes from the raw DBF."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyogrio

from pipeline.errors import Finding, InputError
from pipeline.ingest import dbf, shapeparts
from pipeline.ingest.mapped import content, let_go
from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer
from pipeline.ingest.rings import drawn_areas
from pipeline.storage import Shelf, row_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pipeline.ingest.encoding import Decision

SUFFIXES = (".shp",)
MARKS: tuple[bytes, ...] = (b"\x00\x00\x27\x0a",)
CONTRADICTORY = "图形记录自相矛盾：环数、点数与记录长度不符"
LOST = "图形记录读不成图形"


def layers(delivery: Delivery) -> tuple[LayerInfo, ...]:
    """Return the one layer of a shapefile. Raises InputError when a part is missing or damaged."""
    table = _table(delivery)
    decision = _names_encoding(table, delivery)
    return (
        LayerInfo(name=delivery.name, columns=tuple(_columns(table, decision, delivery.where))),
    )


def read(delivery: Delivery, layer: str, columns: Sequence[str]) -> RawLayer:
    """Read a shapefile. Raises InputError for truncated parts or parts that don't fit together."""
    del layer  # a shapefile has only one
    table = _table(delivery)
    names = _columns(table, _names_encoding(table, delivery), delivery.where)
    wanted = {name: names[name] for name in columns}
    decision = dbf.choose_encoding(
        table, delivery, wanted=frozenset(wanted.values()), cpg=_sidecar(delivery, ".cpg")
    )
    parts, losses = shapeparts.open_shapes(delivery)
    findings = list(decision.findings)
    if len(parts) != len(table.records):
        found = f".shp 有 {len(parts)} 个图形，.dbf 有 {len(table.records)} 条记录，二者不符"
        findings.append(Finding(delivery.where, found, dbf.RE_EXPORT))
    if findings:
        raise InputError(findings)
    frame, kinds, lost = dbf.texts(table, wanted, decision.encoding)
    live = ~table.deleted
    if table.deleted.any():
        losses.append(f".dbf 中 {int(table.deleted.sum())} 条记录已标记删除，未读入")
    read = _geometry(delivery, parts, losses)
    place = np.cumsum(live) - 1
    return RawLayer(
        table=frame,
        rows=np.flatnonzero(live) + 1,
        wkb=read.shapes.select(live),
        broken={int(place[at]): why for at, why in read.broken.items() if live[at]},
        drawn={int(place[at]): area for at, area in read.drawn.items() if live[at]},
        claimed=len(parts) - int(table.deleted.sum()),
        deleted=int(table.deleted.sum()),
        crs_wkt=_sidecar(delivery, ".prj"),
        kinds=kinds,
        widths={name: (column.width, column.decimals) for name, column in wanted.items()},
        encoding=decision.evidence,
        losses=(*table.notes, *losses, *lost),
        encoding_warning=decision.warning,
    )


def _sidecar(delivery: Delivery, suffix: str) -> str | None:
    path = delivery.copy.with_suffix(suffix)
    text = path.read_bytes().decode("utf-8", errors="replace").strip() if path.is_file() else ""
    return text or None


def _table(delivery: Delivery) -> dbf.Dbf:
    path = delivery.copy.with_suffix(".dbf")
    where = shapeparts.part(delivery.where, ".dbf")
    if not path.is_file():
        found = "缺少 .dbf 文件，图形没有属性"
        raise InputError(Finding(where, found, "把同名的 .dbf 放到 .shp 旁边"))
    return dbf.parse(content(path), where)


def _names_encoding(table: dbf.Dbf, delivery: Delivery) -> Decision:
    wanted = frozenset(table.fields) if _chinese_names(table) else frozenset()
    decision = dbf.choose_encoding(table, delivery, wanted=wanted, cpg=_sidecar(delivery, ".cpg"))
    if decision.findings:
        raise InputError(decision.findings)
    return decision


def _chinese_names(table: dbf.Dbf) -> bool:
    return any(not f.raw_name.isascii() for f in table.fields)


def _columns(table: dbf.Dbf, decision: Decision, where: str) -> dict[str, dbf.DbfField]:
    """Return the fields by name. Raises InputError for names that the cut has made alike."""
    # a Chinese name may be cut inside its last character; the rest still tells the field
    names = [f.raw_name.decode(decision.encoding, errors="ignore") for f in table.fields]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        found = f"字段名截短后重名或为空：{'、'.join(name or '（空）' for name in doubled)}"
        advice = "在原数据中把字段改成英文名（如 ZLDWDM）后重新导出"
        raise InputError(Finding(shapeparts.part(where, ".dbf"), found, advice))
    return dict(zip(names, table.fields, strict=True))


class _Read(NamedTuple):
    """Shapes by record, why some are damaged (none there), areas as drawn of several rings."""

    shapes: Shelf
    broken: dict[int, str]
    drawn: dict[int, float]


def _geometry(delivery: Delivery, parts: shapeparts.Shapes, losses: list[str]) -> _Read:
    """Read WKB by GDAL from .shp and .shx alone, so that no attribute and no .prj interferes."""
    broken = dict.fromkeys(np.flatnonzero(shapeparts.contradictory(parts)).tolist(), CONTRADICTORY)
    shaped = parts.ints(parts.offset + shapeparts.RECORD_HEADER) != 0
    odd: list[int] = []
    drawn: dict[int, float] = {}

    def blocks() -> Iterator[NDArray[np.object_]]:
        for rows, wkb in _read_alone(delivery, len(parts)):
            there = np.array([bool(data) for data in wkb], dtype=np.bool_)
            for at in (np.flatnonzero(shaped[rows] & ~there) + rows.start).tolist():
                broken.setdefault(at, LOST)
            damaged = [at - rows.start for at in broken if rows.start <= at < rows.stop]
            wkb[damaged], there[damaged] = None, False
            odd.extend((np.flatnonzero(parts.outside_box(rows, wkb)) + rows.start).tolist())
            drawn.update(drawn_areas(parts, np.flatnonzero(there) + rows.start))
            let_go(parts.data)
            yield wkb

    shapes = Shelf.lay(blocks())
    if odd:
        found = f"{len(odd)} 个图形的坐标与记录里写明的外接框不符（首个第 {odd[0] + 1} 条）"
        losses.append(f"{found}，可能在拷贝中损坏，请与原数据核对")
    return _Read(shapes, broken, drawn)


def _read_alone(delivery: Delivery, count: int) -> Iterator[tuple[slice, NDArray[np.object_]]]:
    """Yield the shapes block by block. Raises InputError where GDAL reads fewer, or more."""
    alone = delivery.copy.parent / "shapes"
    alone.mkdir(exist_ok=True)
    for part in (delivery.copy, delivery.copy.with_suffix(".shx")):
        (alone / part.name).unlink(missing_ok=True)
        os.link(part, alone / part.name)
    have = 0
    for rows in row_blocks(count + 1):  # one more than there are, to see that there are no more
        fids, wkb = _read_rows(delivery, alone / delivery.copy.name, rows)
        have += len(fids)
        if not np.array_equal(fids, np.arange(rows.start, min(rows.stop, count))):
            found = f"应有 {count} 个图形，只读出 {have} 个"
            raise InputError(Finding(delivery.where, found, dbf.RE_EXPORT))
        if len(fids):
            yield slice(rows.start, rows.start + len(fids)), wkb


def _read_rows(
    delivery: Delivery, path: Path, rows: slice
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what GDAL would warn of is checked record by record
            _, fids, wkb, _ = pyogrio.raw.read(
                path, columns=[], return_fids=True, force_2d=False,
                skip_features=rows.start, max_features=rows.stop - rows.start,
            )  # fmt: skip
    except (pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError) as error:
        found = f"图形读不出来（{error}）"
        raise InputError(Finding(delivery.where, found, dbf.RE_EXPORT)) from error
    return fids, np.asarray(wkb, dtype=object)

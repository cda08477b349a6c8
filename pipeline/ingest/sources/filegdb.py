"""FileGDB: read by GDAL, and every table's own header checked against bytes and rows read."""

from __future__ import annotations

import struct
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyogrio

from pipeline.errors import Finding, InputError
from pipeline.ingest.arrow import to_texts, to_wkb
from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SUFFIXES = (".gdb",)
MARKS: tuple[bytes, ...] = ()
CATALOG = "GDB_SystemCatalog"
HEADER = 40
ADVICE = "在 ArcGIS 中检查该库(若为压缩库先解压缩),复制整个 .gdb 文件夹,或导出为 GPKG 或 SHP"
READ_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FieldError,
    pyogrio.errors.FeatureError,
    pa.ArrowException,
    UnicodeDecodeError,
)


def layers(delivery: Delivery) -> tuple[LayerInfo, ...]:
    """Return the layers of the database. Raises InputError when a table file is damaged."""
    _check_tables(delivery)
    with _listening(delivery):
        return tuple(
            LayerInfo(
                name=name,
                columns=tuple(pyogrio.read_info(delivery.copy, layer=name)["fields"]),
                spatial=kind is not None,
            )
            for name, kind in pyogrio.list_layers(delivery.copy)
        )


@contextmanager
def _listening(delivery: Delivery) -> Iterator[list[str]]:
    """Yield a list that holds GDAL's warnings afterwards. Raises InputError for corruption."""
    said: list[str] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield said
    except READ_ERRORS as error:
        raise _damaged(delivery, str(error)) from error
    said += sorted({str(w.message).replace(str(delivery.copy), delivery.where) for w in caught})
    corrupt = [text for text in said if "corrupt" in text.lower()]
    if corrupt:
        raise _damaged(delivery, corrupt[0])


def read(delivery: Delivery, layer: str, columns: Sequence[str]) -> RawLayer:
    """Read one layer. Raises InputError for fewer rows than the table's header says."""
    try:
        with _listening(delivery) as said:
            meta, table = pyogrio.read_arrow(
                delivery.copy, layer=layer, columns=list(columns), return_fids=True
            )
            texts, kinds = to_texts(table, columns)
    except NotImplementedError as error:
        found = f"图层 {layer} 含曲线图形"
        advice = "在 ArcGIS 中用“增密”把曲线转为折线后重新导出"
        raise InputError(Finding(delivery.where, found, advice)) from error
    claimed = _claimed(delivery, layer)
    if claimed != table.num_rows:
        why = f"图层 {layer} 的表头记 {claimed} 行,只读出 {table.num_rows} 行"
        raise _damaged(delivery, why)
    return RawLayer(
        table=texts,
        rows=_fids(table, meta),
        wkb=_geometry(table, meta),
        claimed=claimed,
        crs_wkt=meta["crs"],
        kinds=kinds,
        encoding="UTF-16:FileGDB 内部规定",
        losses=tuple(f"GDAL 提示:{text}" for text in said),
    )


def _fids(table: pa.Table, meta: dict[str, str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.asarray(table[meta["fid_column"]].to_numpy(), dtype=np.int64)


def _geometry(
    table: pa.Table, meta: dict[str, str]
) -> np.ndarray[tuple[int], np.dtype[np.object_]] | None:
    name = meta.get("geometry_name") or "wkb_geometry"
    return to_wkb(table[name]) if name in table.column_names else None


def _damaged(delivery: Delivery, why: str) -> InputError:
    return InputError(Finding(delivery.where, f"FileGDB 损坏或读不出来({why})", ADVICE))


def _header(path: Path) -> tuple[int, int]:
    """Return (rows, bytes) as a .gdbtable's header states them.

    Layout (public reverse engineering of FileGDB): int32 at 4 = valid rows, int64 at 24 = size.
    """
    with path.open("rb") as handle:
        data = handle.read(HEADER)
    if len(data) < HEADER:
        return 0, HEADER
    return struct.unpack("<i", data[4:8])[0], struct.unpack("<q", data[24:32])[0]


def _check_tables(delivery: Delivery) -> None:
    tables = sorted(delivery.copy.glob("a*.gdbtable"))
    findings = []
    if not tables:
        found = "不是 FileGDB:文件夹中没有 .gdbtable 文件"
        findings.append(Finding(delivery.where, found, ADVICE))
    for table in tables:
        where = f"{delivery.where}/{table.name}"
        _, size = _header(table)
        actual = table.stat().st_size
        if actual < size:
            found = f"文件被截断:文件头记 {size} 字节,实有 {actual} 字节"
            findings.append(Finding(where, found, ADVICE))
        if not table.with_suffix(".gdbtablx").is_file():
            findings.append(Finding(where, "缺少同名的 .gdbtablx 索引", ADVICE))
    if findings:
        raise InputError(findings)


def _claimed(delivery: Delivery, layer: str) -> int:
    """Return the rows of a layer by its table's header, found through the system catalogue."""
    with _listening(delivery):
        catalog = pyogrio.read_dataframe(
            delivery.copy, layer=CATALOG, columns=["Name"], fid_as_index=True, read_geometry=False
        )
    numbers = catalog.index[catalog["Name"] == layer]
    if len(numbers) != 1:
        raise _damaged(delivery, f"系统目录中没有图层 {layer}")
    return _header(delivery.copy / f"a{int(numbers[0]):08x}.gdbtable")[0]

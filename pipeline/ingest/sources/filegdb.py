"""FileGDB: read by GDAL, and every table's own header checked against bytes and rows read."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyogrio

from pipeline.errors import Finding, InputError
from pipeline.ingest.arrow import kinds_of, to_texts
from pipeline.ingest.gdbtables import ADVICE, check_files, rows_in
from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer
from pipeline.storage import BLOCK_ROWS, Laying, Register, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SUFFIXES = (".gdb",)
MARKS: tuple[bytes, ...] = ()
CATALOG, CATALOG_FILE = "GDB_SystemCatalog", "a00000001.gdbtable"
ITEMS = "GDB_Items"
COLUMN = re.compile(
    r"<GPFieldInfoEx\b.*?<Name>([^<]*)</Name>.*?<FieldType[^>]*>esriFieldType(\w+)<", re.DOTALL
)
OWN_COLUMNS = ("Geometry", "OID")
SYSTEM = re.compile(r"GDB_.*|T_[0-9]+_.*|(fras|fids)_.*|VAT_.*", re.IGNORECASE)
"""Tables that ArcGIS keeps for itself: catalogue, topology, rasters."""
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
    check_files(delivery.copy, delivery.where)
    catalog = _catalog(delivery)
    with _listening(delivery):
        try:
            infos = tuple(
                LayerInfo(name=name, columns=_columns(delivery, name), spatial=kind is not None)
                for name, kind in pyogrio.list_layers(delivery.copy).tolist()
            )
        except pyogrio.errors.GeometryError:  # it holds a multipatch, on which listing stumbles
            infos = _by_definition(delivery)
    listed = {info.name for info in infos}
    hidden = [n for n in catalog if n not in listed and not SYSTEM.fullmatch(n)]
    if hidden:
        raise _damaged(delivery, f"系统目录里的图层 {'、'.join(hidden)} 打不开")
    return infos


def _columns(delivery: Delivery, layer: str) -> tuple[str, ...]:
    return tuple(pyogrio.read_info(delivery.copy, layer=layer)["fields"])


def _by_definition(delivery: Delivery) -> tuple[LayerInfo, ...]:
    """Return the layers as the database's own catalogue describes them."""
    items = pyogrio.read_dataframe(
        delivery.copy, layer=ITEMS, columns=["Name", "Definition"], read_geometry=False
    ).dropna()
    return tuple(
        LayerInfo(
            name=name,
            columns=tuple(c for c, kind in COLUMN.findall(text) if kind not in OWN_COLUMNS),
            spatial="<ShapeType>" in text,
        )
        for name, text in zip(items["Name"], items["Definition"], strict=True)
        if COLUMN.search(text)
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
    with _listening(delivery) as said:
        try:
            streamed = _streamed(delivery, layer, columns)
        except pyogrio.errors.GeometryError as error:
            found = f"图层 {layer} 的图形不是面，是多面体（multipatch）"
            advice = "在 ArcGIS 中用“多面体轮廓”转换为面后重新导出"
            raise InputError(Finding(delivery.where, found, advice)) from error
    claimed = _claimed(delivery, layer)
    if claimed != len(streamed.rows):
        why = f"图层 {layer} 的表头记 {claimed} 行，只读出 {len(streamed.rows)} 行"
        raise _damaged(delivery, why)
    return RawLayer(
        **streamed._asdict(),
        claimed=claimed,
        encoding="UTF-16:FileGDB 内部规定",
        losses=tuple(f"GDAL 提示：{text}" for text in said),
    )


class _Streamed(NamedTuple):
    """What one pass over a layer gives; the names are RawLayer's."""

    table: Register
    rows: NDArray[np.int64]
    wkb: Shelf | None
    crs_wkt: str | None
    kinds: dict[str, str]


def _streamed(delivery: Delivery, layer: str, columns: Sequence[str]) -> _Streamed:
    """Read a layer batch by batch: attributes with fids, and its shapes if it has any."""
    with pyogrio.open_arrow(
        delivery.copy, layer=layer, columns=list(columns), return_fids=True, use_pyarrow=True,
        batch_size=BLOCK_ROWS,
    ) as (meta, reader):  # fmt: skip
        geometry = meta.get("geometry_name") or "wkb_geometry"
        texts, fids = Laying(), [np.empty(0, np.int64)]
        texts.add(to_texts(reader.schema.empty_table(), columns))

        def shapes() -> Iterator[pa.Array]:
            for batch in reader:
                texts.add(to_texts(batch, columns))
                # a copy: whatever looks into a batch of GDAL's keeps all of it
                fids.append(np.array(batch.column(meta["fid_column"]), dtype=np.int64))
                yield batch.column(geometry) if spatial else pa.nulls(len(batch), pa.binary())

        spatial = geometry in reader.schema.names
        shelf = Shelf.lay(shapes())
        return _Streamed(
            table=Register.joined(texts.laid),
            rows=np.concatenate(fids),
            wkb=shelf if spatial else None,
            crs_wkt=meta["crs"],
            kinds=kinds_of(reader.schema, columns),
        )


def _damaged(delivery: Delivery, why: str) -> InputError:
    return InputError(Finding(delivery.where, f"FileGDB 损坏或读不出来（{why}）", ADVICE))


def _catalog(delivery: Delivery) -> dict[str, int]:
    """Return the tables of the database: name → number of their files.

    Raises InputError when the catalogue itself has lost an entry: its layer would just be gone.
    """
    stated = rows_in(delivery.copy / CATALOG_FILE, delivery.where)
    with _listening(delivery):
        catalog = pyogrio.read_dataframe(
            delivery.copy, layer=CATALOG, columns=["Name"], fid_as_index=True, read_geometry=False
        )
    names = catalog["Name"].dropna()
    if len(names) != stated:
        raise _damaged(delivery, f"系统目录记 {stated} 个表，只读出 {len(names)} 个")
    return dict(zip(names.astype(str), names.index.astype(int), strict=True))


def _claimed(delivery: Delivery, layer: str) -> int:
    """Return the rows of a layer by header, index and rows of its table, which must agree."""
    number = _catalog(delivery).get(layer)
    if number is None:
        raise _damaged(delivery, f"系统目录中没有图层 {layer}")
    return rows_in(delivery.copy / f"a{number:08x}.gdbtable", delivery.where)

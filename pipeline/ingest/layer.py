"""One delivered file to rows: copied, opened, columns named, values parsed, geometry placed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from pipeline import fields
from pipeline.errors import Finding, InputError
from pipeline.ingest import balance, names
from pipeline.ingest.curves import straighten
from pipeline.ingest.drawn import measured, nothing
from pipeline.ingest.files import shown
from pipeline.ingest.mending import REPAIRED
from pipeline.ingest.placing import Task, place
from pipeline.ingest.result import WARNING, Problem
from pipeline.ingest.sources import formats
from pipeline.ingest.units import stated_area
from pipeline.ingest.values import Reader
from pipeline.ingest.workcopy import work_copy
from pipeline.storage import give_back

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ingest.drawn import Drawn
    from pipeline.ingest.geometry import Fault
    from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer
    from pipeline.ingest.workcopy import WorkCopy
    from pipeline.storage import Register

CHECKED = {None: "没有清单", True: "全部相符", False: "有文件未列入"}
"""What the log says about a file's checksum list."""


@dataclass(slots=True)
class Rows:
    """The rows of one file: standard columns, shapes in the county's CRS.

    spatial: whether the layer carries geometry at all; faults by position say why a row has no
    usable one, repairs what was mended; wkb: as delivered, of the rows that are or may be set
    aside; digests, remarks: as in IngestResult.
    """

    table: Register
    drawn: Drawn
    spatial: bool
    faults: dict[int, Fault] = field(default_factory=dict)
    repairs: dict[int, Fault] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    log: dict[str, Any] = field(default_factory=dict)
    wkb: dict[int, bytes] = field(default_factory=dict)
    digests: dict[Path, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Taken:
    """What one delivered path gave.

    parts: a Rows per file read; ignored: files that hold only layers of other roles; digests:
    sha256 of the user's files as they were read; remarks: for the log line, in no product.
    """

    parts: list[Rows] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    digests: dict[Path, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def read_file(path: Path, task: Task) -> Taken:
    """Read one delivered path: a file, or all an archive holds.

    Plots are taken from every file of an archive, as from a folder; any other role from the one
    layer that fits. Raises InputError with all findings of the path.
    """
    stated = task.source
    with work_copy(path, task.county.root, stated.encoding if stated else None) as work:
        chosen = _choose(work, task, shown(path, task.county.root))
        taken = Taken(digests=dict(work.digests), remarks=list(work.remarks))
        findings: list[Finding] = []
        for delivery, layers, layer in chosen:
            if layer is None:
                taken.ignored.append(delivery.where)
                continue
            try:
                taken.parts.append(_read_layer(delivery, layers, layer, task))
            except InputError as error:
                findings += error.findings
    if findings:
        raise InputError(findings)
    return taken


Choice: TypeAlias = "tuple[Delivery, tuple[LayerInfo, ...], LayerInfo | None]"


def _choose(work: WorkCopy, task: Task, where: str) -> list[Choice]:
    """Return, per file to be read, its layers and the one that holds the role (None: others)."""
    stated = task.source.layer if task.source else None
    offered: list[tuple[Delivery, tuple[LayerInfo, ...]]] = []
    findings: list[Finding] = []
    for copied in work.deliveries:
        delivery = replace(copied, words=names.vocabulary(task.county))
        try:
            offered.append((delivery, formats()[delivery.kind].layers(delivery)))
        except InputError as error:
            findings += error.findings
    if findings:
        raise InputError(findings)
    if task.role == names.PARCELS:
        return [
            (delivery, layers, names.choose_layer(task.role, layers, stated, delivery.where))
            for delivery, layers in offered
        ]
    everything = [layer for _, layers in offered for layer in layers]
    layer = names.choose_layer(task.role, everything, stated, where)
    return [(d, layers, layer) for d, layers in offered if any(one is layer for one in layers)]


def _read_layer(
    delivery: Delivery, layers: tuple[LayerInfo, ...], layer: LayerInfo, task: Task
) -> Rows:
    """Read one layer of one file. Raises InputError with its findings."""
    found = fields_of(layer, task, delivery.where)
    columns = tuple(found.values())
    return rows_of(read_raw(delivery, layer, columns), delivery, layers, layer, task)


def fields_of(layer: LayerInfo, task: Task, where: str) -> dict[fields.Field, str]:
    """Return field → delivered column of a layer's role. Raises InputError for missing ones."""
    dated = task.source is not None and task.source.dated
    return names.resolve(task.role, layer, where, dated=dated)


def read_raw(delivery: Delivery, layer: LayerInfo, columns: tuple[str, ...]) -> RawLayer:
    """Read a layer's columns as delivered. Raises InputError where rows are missing."""
    raw = formats()[delivery.kind].read(delivery, layer.name, columns)
    raw = straighten(raw, delivery, layer.name)
    if raw.claimed != len(raw.table):
        text = f"图层 {layer.name} 应有 {raw.claimed} 行，只读出 {len(raw.table)} 行"
        raise InputError(Finding(delivery.where, text, "文件可能损坏，请重新导出"))
    return raw


def rows_of(
    raw: RawLayer,
    delivery: Delivery,
    layers: tuple[LayerInfo, ...],
    layer: LayerInfo,
    task: Task,
) -> Rows:
    """Return a layer's rows as the role wants them. Raises InputError with all its findings."""
    where = delivery.where
    found = fields_of(layer, task, where)
    rows = _values(raw, found, task, where)
    rows.log |= {"file": where, "layer": layer.name, "deleted": raw.deleted}
    rows.log["read"] = balance.entry(rows.table) | {"rows": raw.claimed}
    rows.log |= {"sha256": delivery.digest, "sha256sums": CHECKED[delivery.verified]}
    rows.log |= _column_log(layers, layer, found, raw)
    rows.log["losses"] = list(raw.losses)
    rows.problems += note_losses(raw, where)
    rows.problems += [
        Problem(where, None, None, "FILE_NOTE", WARNING, "", *note) for note in delivery.notes
    ]
    untidy = names.untidy(layer, found)
    if untidy:
        said = f"{'、'.join(untidy)}的名称带有空格、BOM 或全角字符，已按规范名称认出"
        advice = "在原数据中改为规范名称"
        rows.problems.append(Problem(where, None, None, "NAME_TIDIED", WARNING, "", said, advice))
    if rows.spatial:
        _draw(rows, raw, task, where)
    give_back()
    return rows


def _draw(rows: Rows, raw: RawLayer, task: Task, where: str) -> None:
    """Place, mend and measure the shapes of a layer; raises InputError where that can't be done.

    Only plots must agree with TBMJ when mended: the figures of a zone may be of another unit or
    outline, and a zone set aside for them would leave ground outside it.
    """
    stated = stated_area(rows.table)
    placed = place(raw, task, where, stated)
    wanted = stated if task.role == names.PARCELS else np.full(len(stated), np.nan)
    found = measured(placed, wanted, task.county)
    rows.drawn, rows.wkb = found.drawn, found.wkb
    rows.repairs = {at: fault for at, fault in found.mended.items() if fault.rule == REPAIRED}
    rows.faults = placed.faults | {
        at: fault for at, fault in found.mended.items() if fault.rule != REPAIRED
    }
    rows.problems += placed.problems
    rows.log |= placed.log


def _column_log(
    layers: tuple[LayerInfo, ...], layer: LayerInfo, found: dict[fields.Field, str], raw: RawLayer
) -> dict[str, Any]:
    taken = set(found.values())
    personal = names.personal(layer.columns)
    return {
        "encoding": raw.encoding,
        "columns": {f.national: column for f, column in found.items() if f.national != column},
        "personal_dropped": personal,
        "unused": [c for c in layer.columns if c not in taken and c not in personal],
        "other_layers": [other.name for other in layers if other.name != layer.name],
    }


def _values(raw: RawLayer, found: dict[fields.Field, str], task: Task, where: str) -> Rows:
    reader = Reader(raw, found, where)
    table = reader.table(task.role)
    if reader.findings:
        raise InputError(reader.findings)
    file = pd.Series(where, index=pd.RangeIndex(len(table)), dtype="str")
    table = table.assign(file.to_frame(fields.SOURCE_FILE.name))
    table = table.assign(pd.DataFrame({fields.SOURCE_ROW.name: raw.rows}))
    table = table.assign(reader.tbmj_text().to_frame("tbmj_text"))
    spatial = raw.wkb is not None
    if not spatial and task.role in (*names.ZONES, names.PARCELS):
        advice = "改为带图形的 SHP、GPKG、FileGDB、GeoJSON 或 GeoParquet"
        raise InputError(Finding(where, "没有图形，只是一张表", advice))
    return Rows(table, nothing(len(table)), spatial=spatial, problems=reader.problems)


def note_losses(raw: RawLayer, where: str) -> list[Problem]:
    """Return a warning for what reading a layer lost or had to infer."""
    losses = [
        Problem(where, None, None, "FORMAT_LOSS", WARNING, "", loss, "核对原数据；需要时重新导出")
        for loss in raw.losses
    ]
    if not raw.encoding_warning:
        return losses
    advice = "核对中文是否正确；正确则可不处理，最好由原单位补上 .cpg"
    found = raw.encoding_warning
    return [
        Problem(where, None, None, "ENCODING_INFERRED", WARNING, "", found, advice),
        *losses,
    ]

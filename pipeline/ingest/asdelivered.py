"""A delivery as it came, for those who judge it: nothing set aside, nothing refused as a whole.

What reading for the ledger would refuse is a problem here, and the rest is looked at all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from pipeline import fields, measure
from pipeline.errors import Finding, InputError
from pipeline.ingest import geometry as geometry_room
from pipeline.ingest import names
from pipeline.ingest.anywhere import Frame, local_frame
from pipeline.ingest.crs import decide
from pipeline.ingest.files import shown
from pipeline.ingest.layer import note_losses, read_raw
from pipeline.ingest.mending import REPAIRED, mend
from pipeline.ingest.placing import Task, place
from pipeline.ingest.result import ERROR, WARNING, Problem, problem_frame
from pipeline.ingest.sift import ADVICE, GEOMETRY_ADVICE
from pipeline.ingest.sources import formats
from pipeline.ingest.standin import stand_in, working_crs
from pipeline.ingest.units import stated_area
from pipeline.ingest.values import Reader
from pipeline.ingest.workcopy import work_copy
from pipeline.model import Thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.ingest.geometry import Fault, Shapes
    from pipeline.ingest.place import TownShapes
    from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer
    from pipeline.model import County, LayerSource

BSM, FILE, ROW = (f.name for f in (fields.BSM, fields.SOURCE_FILE, fields.SOURCE_ROW))
CHECKED_ROLES = (names.PARCELS, "pbf", "target")
ANYWHERE = "EPSG:4534"
"""Official areas are told in it where a layer lies in no CRS we know: true to 0.1 %."""
READING, VALUES, PLACE = "READ_REFUSED", "VALUES_REFUSED", "CRS_REFUSED"


class Column(NamedTuple):
    """A delivered column: the national field it is taken for, how it is stored, declared widths."""

    file: str
    name: str
    national: str | None
    kind: str
    width: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AsDelivered:
    """All rows of a role as they came.

    table: standard columns, parsed, source_file, source_row, index 0..n-1; raw: the delivered ones
    of them exactly as delivered; drawn: polygons on the grid, as delivered (None: unusable);
    shapes: the same, mended where ingest would (None: not usable); problems: the columns of
    Problem; columns: every delivered column; frame: from the working plane to where it lies.
    """

    role: str
    table: pd.DataFrame
    raw: pd.DataFrame
    drawn: Shapes
    shapes: Shapes
    problems: pd.DataFrame
    columns: tuple[Column, ...]
    frame: Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose data is read, and what for: the county and its towns (None: anybody's), the role."""

    county: County | None = None
    towns: TownShapes | None = None
    role: str | None = None
    source: LayerSource | None = None


@dataclass(slots=True)
class _Part:
    """One layer of one file."""

    role: str
    table: pd.DataFrame
    raw: pd.DataFrame
    columns: list[Column]
    geometry: Shapes
    frame: Frame
    faults: dict[int, Fault] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_as_delivered(paths: Sequence[Path], asked: Asked) -> tuple[list[AsDelivered], list[str]]:
    """Read files for their findings, one `AsDelivered` per role; also the names of files passed by.

    Without a stated role a layer is read for what it seems made for, else as plots. Never raises
    for what is in a file: where it can't be read at all, that is a problem of its role.
    """
    parts: list[_Part] = []
    ignored: list[str] = []
    lost: list[Problem] = []
    for path in paths:
        found, passed, refused = _read_path(path, asked)
        parts += found
        ignored += passed
        lost += refused
    roles = [role for role in CHECKED_ROLES if any(part.role == role for part in parts)]
    roles = roles or [asked.role or names.PARCELS]
    groups = [[part for part in parts if part.role == role] for role in roles]
    crs = asked.county.crs if asked.county else None
    return [
        _joined(role, group, lost if at == 0 else [], crs)
        for at, (role, group) in enumerate(zip(roles, groups, strict=True))
    ], ignored


def _read_path(path: Path, asked: Asked) -> tuple[list[_Part], list[str], list[Problem]]:
    county = asked.county
    root = county.root if county else path.parent
    where = shown(path, root)
    words = names.vocabulary(county) if county else frozenset()
    parts: list[_Part] = []
    ignored: list[str] = []
    lost: list[Problem] = []
    try:
        with work_copy(path, root, asked.source.encoding if asked.source else None) as work:
            for copied in work.deliveries:
                delivery = replace(copied, words=words)
                try:
                    layers = formats()[delivery.kind].layers(delivery)
                    chosen = _choose(layers, asked, delivery.where)
                except InputError as error:
                    lost += _refused(error, delivery.where, READING)
                    continue
                if not chosen:
                    ignored.append(delivery.where)
                for layer, role in chosen:
                    try:
                        parts.append(_part(delivery, layer, role, asked))
                    except InputError as error:
                        lost += _refused(error, delivery.where, READING)
    except InputError as error:
        lost += _refused(error, where, READING)
    return parts, ignored, lost


def _choose(layers: tuple[LayerInfo, ...], asked: Asked, where: str) -> list[tuple[LayerInfo, str]]:
    """Return the layers to look at and their roles. Raises InputError where it can't be told."""
    if asked.role is not None:
        stated = asked.source.layer if asked.source else None
        layer = names.choose_layer(asked.role, layers, stated, where)
        return [] if layer is None else [(layer, asked.role)]
    spatial = [layer for layer in layers if layer.spatial]
    if not spatial:
        advice = "换成带图形的 SHP、GPKG、FileGDB、GeoJSON 或 GeoParquet"
        raise InputError(Finding(where, "没有带图形的图层", advice))
    known = [(layer, names.role_of(layer)) for layer in spatial]
    ours = [(layer, role) for layer, role in known if role in CHECKED_ROLES]
    return ours or [(spatial[0], names.PARCELS)]


def _refused(error: InputError, where: str, rule: str) -> list[Problem]:
    return [
        Problem(
            where, None, None, rule, ERROR, "",
            f.found if f.where == where else f"{f.where}：{f.found}", f.advice,
        )
        for f in error.findings
    ]  # fmt: skip


def _part(delivery: Delivery, layer: LayerInfo, role: str, asked: Asked) -> _Part:
    """Read one layer; raises InputError where not even its shapes can be read."""
    where = delivery.where
    found, doubled = names.match(role, layer.columns)
    problems = [
        Problem(
            where, None, None, "FIELD_DOUBLED", ERROR, standard.national,
            f"字段 {column} 与 {found[standard]} 都像是{standard.label}", "删去或改名其中一个",
        )
        for standard, column in doubled
    ]  # fmt: skip
    raw, taken = None, found
    try:
        raw = read_raw(delivery, layer, tuple(found.values()))
    except InputError as error:
        problems += _refused(error, where, READING)
        taken = {}
    if raw is None:
        raw = read_raw(delivery, layer, ())
    reader = Reader(raw, taken, where)
    table = reader.table(role).frame()
    problems += reader.problems
    if reader.findings:
        problems += _refused(InputError(reader.findings), where, VALUES)
    table[FILE] = pd.Series(where, index=table.index, dtype="str")
    table[ROW] = raw.rows
    problems += note_losses(raw, where)
    problems += [
        Problem(where, None, None, "FILE_NOTE", WARNING, "", *note) for note in delivery.notes
    ]
    delivered = reader.raw_values().rename(columns=str.lower)
    part = _Part(
        role=role, table=table, raw=delivered, columns=_columns(raw, layer, found, where),
        geometry=np.full(len(table), None, dtype=object), frame=Frame(crs=None), problems=problems,
    )  # fmt: skip
    if not len(table):
        empty = Finding(where, "图层是空的，一行也没有", "核对文件，重新导出")
        part.problems += _refused(InputError(empty), where, READING)
    elif raw.wkb is not None:
        _place(part, raw, layer, asked, where)
    return part


def _columns(
    raw: RawLayer, layer: LayerInfo, found: dict[fields.Field, str], where: str
) -> list[Column]:
    national = {column: standard.national for standard, column in found.items()}
    return [
        Column(where, name, national.get(name), raw.kinds.get(name, ""), raw.widths.get(name))
        for name in layer.columns
    ]


def _place(part: _Part, raw: RawLayer, layer: LayerInfo, asked: Asked, where: str) -> None:
    """Bring a layer's geometry onto the working plane: the county's, else one of its own."""
    county = asked.county or _county_of(raw, layer, part.role, where)
    if county is not None:
        task = Task(county=county, role=part.role, source=asked.source, towns=asked.towns)
        try:
            placed = place(raw, task, where, stated_area(part.table))
            part.geometry = np.concatenate([geometry for _, geometry in placed.blocks()])
        except InputError as error:
            part.problems += _refused(error, where, PLACE)
        else:
            part.faults = placed.faults
            part.problems += placed.problems
            part.frame = Frame(crs=county.crs)
            return
    assert raw.wkb is not None  # noqa: S101 - by the caller
    seen = geometry_room.look(raw.wkb)
    part.faults = seen.faults
    part.frame = local_frame(raw.crs_wkt, seen.boxes)
    unusable = np.asarray(np.isnan(seen.boxes[:, 0]))
    blocks = geometry_room.again(raw.wkb, unusable)
    part.geometry = np.concatenate([part.frame.worked(shapes) for _, shapes in blocks])


def _county_of(raw: RawLayer, layer: LayerInfo, role: str, where: str) -> County | None:
    """Return a county for data of nobody's, None where its CRS is none we work in."""
    assert raw.wkb is not None  # noqa: S101 - by the caller
    boxes = geometry_room.look(raw.wkb).boxes
    if np.isnan(boxes).all():
        return stand_in(raw, layer, role, ANYWHERE)
    frame, odd, extent = geometry_room.frame_of(boxes)
    decision = decide(raw.crs_wkt, stated=None, frame=frame, extent=extent, where=where)
    x = geometry_room.middle(boxes[~odd])[0] if (~odd).any() else 0.0
    crs = working_crs(decision.epsg, x) if decision.epsg else ANYWHERE
    return stand_in(raw, layer, role, crs)


def _joined(role: str, parts: list[_Part], lost: list[Problem], crs: str | None) -> AsDelivered:
    """Return the rows of all parts; of parts in different frames only those of the first count."""
    frame = next((part.frame for part in parts if part.frame.local is None), None)
    frame = frame or next((part.frame for part in parts), Frame(crs=crs))
    tables = [part.table for part in parts]
    geometry = [
        part.geometry if part.frame == frame else np.full(len(part.table), None, dtype=object)
        for part in parts
    ]
    table = pd.concat(tables, ignore_index=True) if tables else _no_rows(role)
    raw = pd.concat([part.raw for part in parts], ignore_index=True) if parts else pd.DataFrame()
    drawn = np.concatenate(geometry) if parts else np.empty(0, dtype=object)
    starts = np.cumsum([0, *map(len, tables)]).tolist()
    faults = {
        start + at: fault
        for start, part in zip(starts, parts, strict=False)
        for at, fault in part.faults.items()
    }
    given = stated_area(table) if role == names.PARCELS else np.full(len(table), np.nan)
    rings = measure.rings_of(drawn)
    shapes, mended = mend(drawn, rings, given, Thresholds(), frame.crs_for_areas(ANYWHERE))
    problems = [*lost, *(problem for part in parts for problem in part.problems)]
    problems += _row_problems(table, faults | mended)
    return AsDelivered(
        role=role, table=table, raw=raw.reset_index(drop=True), drawn=drawn, shapes=shapes,
        problems=problem_frame(problems),
        columns=tuple(column for part in parts for column in part.columns), frame=frame,
    )  # fmt: skip


def _row_problems(table: pd.DataFrame, faults: dict[int, Fault]) -> Iterator[Problem]:
    order = sorted(faults)
    rows = table.iloc[order]
    keys = rows[BSM] if BSM in rows else pd.Series(pd.NA, index=rows.index)
    for at, file, row, bsm in zip(order, rows[FILE], rows[ROW], keys, strict=True):
        fault = faults[at]
        yield Problem(
            file, int(row), None if pd.isna(bsm) else str(bsm), fault.rule,
            WARNING if fault.rule == REPAIRED else ERROR, fields.GEOMETRY.label,
            fault.found, ADVICE.get(fault.rule, GEOMETRY_ADVICE), fault.x, fault.y,
        )  # fmt: skip


def _no_rows(role: str) -> pd.DataFrame:
    columns = [standard.name for standard in names.role_fields(role)]
    table = pd.DataFrame({name: pd.Series(dtype="str") for name in [*columns, FILE]})
    return table.assign(**{ROW: pd.Series(dtype="int64")})

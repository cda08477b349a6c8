"""One layer as ingest sees it: its bytes read once, judged by ingest's own functions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.doctor.seen import FieldSeen, LayerSeen, Tally
from pipeline.doctor.tallies import of_losses, of_problems, of_rejects
from pipeline.errors import InputError
from pipeline.ingest import crs as crs_room
from pipeline.ingest import geometry as shapes
from pipeline.ingest import names
from pipeline.ingest.ground import GAP
from pipeline.ingest.layer import Taken, read_raw, rows_of
from pipeline.ingest.parameters import PREFIXED_EPSG
from pipeline.ingest.parts import joined
from pipeline.ingest.place import TownShapes, town_shapes
from pipeline.ingest.placing import Task
from pipeline.ingest.plots import TOWN_NOTES
from pipeline.ingest.read import TOWNS, finish_plots, finish_role
from pipeline.ingest.result import AllRejectedError
from pipeline.ingest.standin import stand_in, working_crs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pipeline.doctor.places import Claim
    from pipeline.errors import Finding
    from pipeline.fields import Field
    from pipeline.ingest.raw import Delivery, LayerInfo, RawLayer
    from pipeline.ingest.result import IngestResult
    from pipeline.model import County
    from pipeline.storage import Shelf

KINDS = {
    0: "点", 1: "线", 2: "线环", 3: "面", 4: "多点", 5: "多线", 6: "多部件面", 7: "混合图形",
}  # fmt: skip
EMPTY, UNREADABLE = "空", "无法解析"
STORED = {"text": "文本", "number": "数值", "float": "浮点数", "unreadable": "不是文字"}
PERSONAL = "涉及个人信息，不读"
NOT_CHECKED = ("县代码与位置", "镇办（坐落单位代码）", "行政区范围")
NOWHERE = TownShapes(np.empty(0, dtype=object), np.empty(0, dtype=object))
ALONE = frozenset({GAP})
"""What only the files of an export together can tell."""
TOWN_RULES = frozenset(TOWN_NOTES)
"""What only a county can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a layer is looked at for: its claim (None: nothing), the county and its towns."""

    claim: Claim | None
    county: County | None = None
    towns: TownShapes | None = None


@dataclass(slots=True)
class _Sight:
    """What has been seen of a layer so far."""

    raw: RawLayer | None = None
    findings: list[Finding] = field(default_factory=list)
    notes: list[Tally] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    working_crs: str = f"EPSG:{PREFIXED_EPSG}"
    crs: str | None = None
    refused_crs: list[Finding] = field(default_factory=list)


def look(
    delivery: Delivery, layers: tuple[LayerInfo, ...], layer: LayerInfo, wanted: Wanted
) -> tuple[LayerSeen, IngestResult | None]:
    """Return what ingest sees in one layer, and what it would hand on; None where it refuses."""
    role = wanted.claim.role if wanted.claim else None
    sight = _Sight()
    if wanted.claim is not None:
        try:
            dated = wanted.claim.source is not None and wanted.claim.source.dated
            found = names.resolve(wanted.claim.role, layer, delivery.where, dated=dated)
            sight.raw = read_raw(delivery, layer, tuple(found.values()))
        except InputError as error:
            sight.findings += error.findings
    if sight.raw is None:
        _read_anyhow(sight, delivery, layer, wanted=role is not None)
    _look_at_geometry(sight, delivery, wanted.claim)
    seen, result = _facts(sight, layer, role), None
    if role is None:
        sight.findings += sight.refused_crs
        sight.notes += of_losses(sight.raw) if sight.raw else []
    elif sight.raw is not None and not sight.findings:
        seen, result = _judge(sight, delivery, layers, layer, wanted, seen)
    findings = tuple(dict.fromkeys(sight.findings))
    return replace(seen, findings=findings, notes=(*seen.notes, *sight.notes)), result


def _read_anyhow(sight: _Sight, delivery: Delivery, layer: LayerInfo, *, wanted: bool) -> None:
    """Read a layer no role asks for, or that lacks what its role needs, for the facts alone.

    All columns but those about persons; where some can't be read, none of them.
    """
    private = set(names.personal(layer.columns))
    columns = tuple(column for column in layer.columns if column not in private)
    for attempt in (columns, ()):
        try:
            sight.raw = read_raw(delivery, layer, attempt)
        except InputError as error:
            if wanted:  # why it can't be read has been said
                continue
            if attempt:
                trouble = error.findings
            else:
                sight.findings += error.findings
            continue
        if columns and not attempt and not wanted:
            sight.notes += [
                Tally(
                    rule="COLUMNS_UNREAD", count=1, row=None, bsm=None, field="",
                    found=finding.found, advice=finding.advice,
                )
                for finding in trouble
            ]  # fmt: skip
        return


def _facts(sight: _Sight, layer: LayerInfo, role: str | None) -> LayerSeen:
    found, _ = names.match(role or names.PARCELS, layer.columns)
    raw = sight.raw
    return LayerSeen(
        name=layer.name,
        spatial=layer.spatial,
        role=role,
        rows=None if raw is None else raw.claimed,
        read=None if raw is None else len(raw.table),
        encoding=None if raw is None else raw.encoding,
        crs_declared=None if raw is None else raw.crs_wkt,
        crs=sight.crs,
        fields=_fields(layer, found, {} if raw is None else raw.kinds),
        geometry=sight.kinds,
    )


def _fields(
    layer: LayerInfo, found: Mapping[Field, str], stored: Mapping[str, str]
) -> tuple[FieldSeen, ...]:
    taken = {column: standard for standard, column in found.items()}
    private = set(names.personal(layer.columns))
    return tuple(
        FieldSeen(
            name=column,
            national=taken[column].national if column in taken else None,
            label=taken[column].label if column in taken else None,
            stored=STORED.get(stored.get(column, "")),
            note=PERSONAL if column in private else "",
        )
        for column in layer.columns
    )


def _look_at_geometry(sight: _Sight, delivery: Delivery, claim: Claim | None) -> None:
    """Note kinds and CRS, with the evidence for it; faults where no role will tell them."""
    raw = sight.raw
    if raw is None or raw.wkb is None:
        return
    boxes = _seen(sight, raw.wkb, judge=claim is None)
    if np.isnan(boxes).all():
        return
    frame, odd, extent = shapes.frame_of(boxes)
    decision = crs_room.decide(
        raw.crs_wkt,
        stated=claim.source.crs if claim and claim.source else None,
        frame=frame,
        extent=extent,
        where=delivery.where,
    )
    sight.refused_crs = list(decision.findings)
    sight.crs = decision.evidence or None
    if decision.epsg:
        sight.working_crs = working_crs(decision.epsg, shapes.middle(boxes[~odd])[0])


def _seen(sight: _Sight, shelf: Shelf, *, judge: bool) -> NDArray[np.float64]:
    """Return the extents of all rows; note their kinds and, where asked to judge, their faults."""
    boxes = np.full((len(shelf), 4), np.nan)
    kinds: Counter[str] = Counter()
    wrong: list[tuple[int, str]] = []
    for rows, wkb in shelf.blocks():
        geometry, counts = _parsed(wkb)
        boxes[rows] = shapes.extents(geometry)
        kinds.update(counts)
        if judge:
            wrong += [(rows.start + at, why) for at, why in _invalid(geometry)]
    names = (*KINDS.values(), EMPTY, UNREADABLE)
    sight.kinds = {name: kinds[name] for name in names if kinds[name]}
    if wrong and sight.raw is not None:
        sight.notes.append(_fault(sight.raw, wrong))
    return boxes


def _parsed(wkb: NDArray[np.object_]) -> tuple[NDArray[np.object_], dict[str, int]]:
    """Return geometries of any kind (None: none, empty or unreadable), and rows by kind."""
    given = np.array([bool(data) for data in wkb], dtype=np.bool_)
    with np.errstate(invalid="ignore"):  # a NaN coordinate is a finding, no warning
        geometry = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
        lost = int((shapely.is_missing(geometry) & given).sum())
        geometry = np.asarray(shapely.force_2d(geometry), dtype=object)
        geometry[shapely.is_empty(geometry)] = None
    empty = int(shapely.is_missing(geometry).sum()) - lost
    kinds = Counter(shapely.get_type_id(geometry).tolist())
    counts = {name: kinds[kind] for kind, name in KINDS.items()}
    counts |= {EMPTY: empty, UNREADABLE: lost}
    return geometry, counts


def _invalid(geometry: NDArray[np.object_]) -> list[tuple[int, str]]:
    """Return place and reason of each invalid shape."""
    with np.errstate(invalid="ignore"):
        wrong = np.flatnonzero(~shapely.is_missing(geometry) & ~shapely.is_valid(geometry))
    return list(zip(wrong.tolist(), shapely.is_valid_reason(geometry[wrong]), strict=True))


def _fault(raw: RawLayer, wrong: list[tuple[int, str]]) -> Tally:
    """Return the faults of a layer that no role asks for; any kind of geometry is fine there."""
    at, reason = wrong[0]
    return Tally(
        rule="GEOM_INVALID", count=len(wrong), row=int(raw.rows[at]), bsm=None, field="图形",
        found=f"图形有错（{reason}）", advice="在原数据中修正",
    )  # fmt: skip


def _judge(
    sight: _Sight,
    delivery: Delivery,
    layers: tuple[LayerInfo, ...],
    layer: LayerInfo,
    wanted: Wanted,
    seen: LayerSeen,
) -> tuple[LayerSeen, IngestResult | None]:
    """Return the layer with what ingest would make of its rows."""
    claim, raw = wanted.claim, sight.raw
    assert claim is not None and raw is not None  # noqa: PT018, S101 - by the caller
    county = wanted.county or stand_in(raw, layer, claim.role, sight.working_crs)
    task = Task(county=county, role=claim.role, source=claim.source, towns=wanted.towns)
    known = (delivery.where, delivery.where)
    try:
        part = rows_of(raw, delivery, layers, layer, task)
        rows = joined(Taken(parts=[part]), task)
        if claim.role == names.PARCELS:
            result = finish_plots(county, rows, wanted.towns or NOWHERE, known)
        else:
            result = finish_role(county, rows, claim.role, known)
            if wanted.county and claim.role == TOWNS:
                town_shapes(county, result.frame, delivery.where)
    except AllRejectedError as error:
        sight.findings += error.findings
        rejects = tuple(of_rejects(error.result))
        return replace(seen, accepted=0, rejected=len(error.result.rejects), rejects=rejects), None
    except InputError as error:
        sight.findings += error.findings
        return seen, None
    return replace(
        seen,
        accepted=len(result.frame),
        rejected=len(result.rejects),
        crs=part.log.get("crs", seen.crs),
        rejects=tuple(of_rejects(result)),
        notes=tuple(of_problems(result, without=ALONE if wanted.county else {*ALONE, *TOWN_RULES})),
        not_checked=() if wanted.county else NOT_CHECKED,
    ), result

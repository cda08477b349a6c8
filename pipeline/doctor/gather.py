"""Every file at the paths looked at, one after another; a broken one never stops the rest."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline import fields
from pipeline.doctor.layers import Wanted, look
from pipeline.doctor.places import Claim, Place, county_of, find
from pipeline.doctor.seen import Checkup, FileSeen, LayerSeen, Tally
from pipeline.errors import Finding, GengbaoError, InputError
from pipeline.ingest import names
from pipeline.ingest.files import file_group
from pipeline.ingest.layer import CHECKED
from pipeline.ingest.read import TOWNS, read_towns
from pipeline.ingest.sources import formats
from pipeline.ingest.workcopy import work_copy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.ingest.place import TownShapes
    from pipeline.ingest.raw import Delivery, LayerInfo
    from pipeline.ingest.result import IngestResult
    from pipeline.model import County

log = logging.getLogger("gengbao")

BSM = fields.BSM.name
TWICE = "只留一份（如压缩包已解开，移走压缩包）"


@dataclass(slots=True)
class _Round:
    """One checkup under way: the county with its towns, what files of one export share."""

    county: County | None
    towns: TownShapes | None
    first_copy: dict[tuple[str, str], str] = field(default_factory=dict)
    owners: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))


def examine(paths: Sequence[Path], county_root: Path | None = None) -> Checkup:
    """Look at every data file at the paths as ingest would; write nothing.

    county_root: whose settings count; else those of the county the paths lie in, if any. Never
    raises for a file: what is wrong with it is in the checkup.
    """
    county, findings = county_of(paths, county_root)
    towns, trouble = read_towns(county, county.newest) if county else (None, [])
    if trouble:
        findings += trouble
        county = None
    found = find(paths, county)
    under_way = _Round(county, towns)
    files: list[FileSeen] = []
    for number, place in enumerate(found.places, 1):
        if len(found.places) > 1:
            log.info("检查 %d/%d %s", number, len(found.places), place.where)
        files += _file(place, under_way)
    return Checkup(
        files=tuple(files),
        county=None if county is None else f"{county.name}（{county.code}）",
        findings=tuple(dict.fromkeys([*findings, *found.findings])),
        passed_over=found.passed_over,
    )


def _file(place: Place, under_way: _Round) -> list[FileSeen]:
    """Return what is seen in one file, once per encoding that the county states for it."""
    seen: list[FileSeen] = []

    def stated(claim: Claim) -> str:
        return (claim.source.encoding if claim.source else None) or ""

    claims = sorted(place.claims, key=stated)
    for encoding, group in [(k, [*g]) for k, g in groupby(claims, key=stated)] or [("", [])]:
        try:
            seen += _copied(place, group, encoding or None, under_way)
        except GengbaoError as error:
            seen.append(FileSeen(path=place.where, size=_size(place.path), findings=error.findings))
        except Exception as error:  # the rest must go on, and this one must not pass
            log.exception("调试信息")
            text = f"检查时程序出错（{type(error).__name__}：{error}）"
            finding = Finding(place.where, text, "请保留文件并联系开发者")
            seen.append(FileSeen(path=place.where, size=_size(place.path), findings=(finding,)))
    return seen


def _size(path: Path) -> int:
    try:
        return sum(member.stat().st_size for member in file_group(path))
    except OSError:
        return 0


def _copied(
    place: Place, claims: Sequence[Claim], encoding: str | None, under_way: _Round
) -> list[FileSeen]:
    """Look at the private copies of one delivered path: one, or all an archive holds."""
    words = names.vocabulary(under_way.county) if under_way.county else frozenset()
    with work_copy(place.path, place.root, encoding) as work:
        offered = [_layers(replace(one, words=words)) for one in work.deliveries]
        asked, findings = _ask(place, claims, offered)
        seen = []
        for delivery, layers, wrong in offered:
            wanted = {id(layer): asked.get(id(layer)) for layer in layers}
            parts: list[LayerSeen] = []
            twice: list[Finding] = []
            for layer in layers:
                claim = wanted[id(layer)]
                part, result = look(delivery, layers, layer, _wanted(claim, under_way))
                if claim is not None and claim.group and result is not None:
                    twice += _twice(delivery, claim, under_way)
                    part = _repeated(part, result, delivery.where, under_way.owners[claim.group])
                parts.append(part)
            seen.append(
                FileSeen(
                    path=delivery.where,
                    kind=delivery.kind.removeprefix(".").upper(),
                    size=_size(place.path),
                    sha256=delivery.digest,
                    verified=CHECKED[delivery.verified],
                    layers=tuple(parts),
                    remarks=tuple(note.found for note in delivery.notes) + work.remarks,
                    findings=tuple(dict.fromkeys([*wrong, *twice])),
                )
            )
    if findings and seen:
        seen[0] = replace(seen[0], findings=(*seen[0].findings, *findings))
    return seen


Offer = tuple["Delivery", "tuple[LayerInfo, ...]", "list[Finding]"]


def _layers(delivery: Delivery) -> Offer:
    try:
        return delivery, formats()[delivery.kind].layers(delivery), []
    except InputError as error:
        return delivery, (), list(error.findings)


def _wanted(claim: Claim | None, under_way: _Round) -> Wanted:
    own = claim is not None and claim.role == TOWNS
    return Wanted(claim=claim, county=under_way.county, towns=None if own else under_way.towns)


def _ask(
    place: Place, claims: Sequence[Claim], offered: Sequence[Offer]
) -> tuple[dict[int, Claim], list[Finding]]:
    """Return which layer is read for which claim, chosen as ingest chooses."""
    asked: dict[int, Claim] = {}
    findings: list[Finding] = []
    everything = [layer for _, layers, _ in offered for layer in layers]
    if not claims:
        return _guess(offered)
    for claim in claims:
        stated = claim.source.layer if claim.source else None
        several = claim.role == names.PARCELS
        each = [(delivery.where, layers) for delivery, layers, _ in offered if layers]
        groups = each if several else [(place.where, tuple(everything))]
        for where, layers in groups:
            try:
                layer = names.choose_layer(claim.role, layers, stated, where)
            except InputError as error:
                findings += error.findings
                continue
            if layer is not None:
                asked[id(layer)] = claim
    return asked, findings


def _guess(offered: Sequence[Offer]) -> tuple[dict[int, Claim], list[Finding]]:
    """Return what files that no county claims would be read for, by names and fields."""
    asked: dict[int, Claim] = {}
    findings: list[Finding] = []
    for delivery, layers, _ in offered:
        roles = {id(layer): names.role_of(layer) for layer in layers}
        if names.PARCELS in roles.values():
            try:
                chosen = names.choose_layer(names.PARCELS, layers, None, delivery.where)
            except InputError as error:
                findings += error.findings
                continue
            roles = {k: r for k, r in roles.items() if r != names.PARCELS or k == id(chosen)}
        asked |= {k: Claim(role=role, source=None) for k, role in roles.items() if role}
    return asked, findings


def _twice(delivery: Delivery, claim: Claim, under_way: _Round) -> Iterable[Finding]:
    """Yield a finding for a file that is, byte for byte, another one of the same export."""
    first = under_way.first_copy.setdefault((claim.group, delivery.digest), delivery.where)
    if first != delivery.where:
        yield Finding(delivery.where, f"与 {first} 逐字节相同，同一份数据放了两次", TWICE)


def _repeated(
    part: LayerSeen, result: IngestResult, where: str, owners: dict[str, str]
) -> LayerSeen:
    """Count the plots whose BSM an earlier file of the same export has: ingest sets them aside."""
    frame = result.frame
    again = frame[frame[BSM].isin(owners.keys())]
    for bsm in frame[BSM]:
        owners.setdefault(bsm, where)
    if not len(again):
        return part
    bsm, row = str(again[BSM].iloc[0]), int(again[fields.SOURCE_ROW.name].iloc[0])
    tally = Tally(
        rule="BSM_DUPLICATE", count=len(again), row=row, bsm=bsm, field=fields.BSM.national,
        found=f"标识码 {bsm} 与 {owners[bsm]} 中的重复",
        advice="在原数据中改正标识码，或删去重复的图斑",
    )  # fmt: skip
    return replace(
        part,
        accepted=(part.accepted or 0) - len(again),
        rejected=(part.rejected or 0) + len(again),
        rejects=(*part.rejects, tally),
    )

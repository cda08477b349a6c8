"""What was seen, as plain values: a checkup of files, their layers, fields and faults."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.errors import Finding


class Verdict(StrEnum):
    """What would become of a layer, a file or a folder; the worst of its parts."""

    OTHER = "other"
    ACCEPTED = "accepted"
    NOTED = "noted"
    REJECTS = "rejects"
    REFUSED = "refused"


ORDER = tuple(Verdict)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Return the gravest verdict; of nothing: OTHER."""
    return max(verdicts, key=ORDER.index, default=Verdict.OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSeen:
    """A column as delivered: the national field it is taken for, how it is stored, Chinese note."""

    name: str
    national: str | None = None
    label: str | None = None
    stored: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Rows with the same remark: rule, how many, the first of them with its text and remedy."""

    rule: str
    count: int
    row: int | None
    bsm: str | None
    field: str
    found: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSeen:
    """A layer: role it would be read for (None: none), counts, evidence, remarks.

    rows: by the container's own count; read: as read; accepted, rejected: as ingest would; None
    where it didn't come to that. geometry: Chinese kind → rows. not_checked: Chinese, what only a
    county could tell.
    """

    name: str
    spatial: bool
    role: str | None = None
    rows: int | None = None
    read: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    encoding: str | None = None
    crs_declared: str | None = None
    crs: str | None = None
    fields: tuple[FieldSeen, ...] = ()
    geometry: Mapping[str, int] = field(default_factory=dict)
    rejects: tuple[Tally, ...] = ()
    notes: tuple[Tally, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_checked: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Return what would become of the layer."""
        if self.findings:
            return Verdict.REFUSED
        if self.role is None:
            return Verdict.OTHER
        if self.rejects:
            return Verdict.REJECTS
        return Verdict.NOTED if self.notes else Verdict.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen:
    """A data file (or one inside an archive): format by its bytes, size of all its parts, layers.

    sha256: of its bytes as ingest records it; verified: whether a checksum list vouches for it.
    """

    path: str
    kind: str | None = None
    size: int = 0
    sha256: str | None = None
    verified: str = ""
    layers: tuple[LayerSeen, ...] = ()
    remarks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Return what would become of the file."""
        own = [Verdict.REFUSED] if self.findings else []
        noted = [Verdict.NOTED] if self.remarks and self.layers else []
        inside = [layer.verdict for layer in self.layers]
        if set(inside) <= {Verdict.OTHER}:
            noted = []
        return worst([*own, *noted, *inside])


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """Everything seen: files in order, what is wrong beyond a single file, what was passed over.

    county: the county whose settings were used, None without one.
    """

    files: tuple[FileSeen, ...]
    county: str | None = None
    findings: tuple[Finding, ...] = ()
    passed_over: int = 0

    @property
    def verdict(self) -> Verdict:
        """Return the gravest verdict of all."""
        own = [Verdict.REFUSED] if self.findings else []
        return worst([*own, *(file.verdict for file in self.files)])


def plain(value: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return a value as JSON holds it; dataclasses with their verdict."""
    if is_dataclass(value) and not isinstance(value, type):
        document = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        if hasattr(value, "verdict"):
            document = {"verdict": value.verdict.value, **document}
        return document
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value

"""What every format hands over: text exactly as delivered, WKB, and what the container claims."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from pipeline.storage import Register, Shelf

TEXT, NUMBER, FLOAT, UNREADABLE = "text", "number", "float", "unreadable"
"""How a column was stored: text; a number with all its digits; a binary float; no text at all."""


class Note(NamedTuple):
    """Something about a delivery that a person should know but that stops nothing; Chinese."""

    found: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivered file as a private copy.

    name, where: the user's file, for layer names and messages; kind: the suffix of its format, by
    its bytes; digest: of all its bytes; encoding: as the county states it; words: known beforehand
    (land classes, towns, statuses), to tell text from look-alikes; verified: whether a checksum
    list vouches for every byte (None: there is no list).
    """

    copy: Path
    name: str
    where: str
    kind: str
    digest: str = ""
    encoding: str | None = None
    words: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()
    verified: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerInfo:
    """A layer of a container: its name, its columns as delivered, whether it carries geometry."""

    name: str
    columns: tuple[str, ...]
    spatial: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLayer:
    """A layer as delivered.

    table: text columns under their delivered names (missing = NA); rows: record numbers as a
    person finds them in the file (from 1); wkb: on a shelf, none for some; None for a plain list;
    crs_wkt: as declared; kinds: column → text / number / float; claimed: rows by the container's
    own count, deleted ones not counted; encoding, losses: Chinese, for log and report;
    encoding_warning: what .cpg and LDID got wrong, "" if nothing; broken: position → why its shape
    can't be read at all (wkb None); deleted: rows flagged as deleted, not in the table; arcs:
    position → planar area before and after curves became chords, drawn: position → planar area by
    the direction of its rings, both in the layer's units; widths: column → (characters, decimals)
    where the container declares them.
    """

    table: Register
    rows: NDArray[np.int64]
    wkb: Shelf | None
    claimed: int
    crs_wkt: str | None = None
    kinds: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "由文件格式规定"
    losses: tuple[str, ...] = ()
    encoding_warning: str = ""
    broken: Mapping[int, str] = field(default_factory=dict)
    deleted: int = 0
    arcs: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    drawn: Mapping[int, float] = field(default_factory=dict)
    widths: Mapping[str, tuple[int, int]] = field(default_factory=dict)

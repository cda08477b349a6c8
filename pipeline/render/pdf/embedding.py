"""Fonts inside a PDF: only the outlines that are needed, under the numbers they always have.

A character's code in the text is its own UTF-16 unit; a rare one beyond the first 65,536 has a
unit of the surrogates or the private area instead, which no text of ours has.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from fontTools.ttLib import TTFont
from fontTools.ttLib.sfnt import SFNTWriter
from matplotlib.font_manager import get_font

from pipeline.render.typesetting import width_em

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

_KEPT = ("cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep")
"""Tables that a reader needs of a TrueType font it is given the glyphs' numbers for."""
_BEYOND, _FIRST_CODE = 0xFFFF, 0xD800
_EM = 1000
"""Units of an em in a PDF."""
_SHORT = 2
"""Divisor of the offsets in a short loca table."""
_MORE, _WORDS, _SCALE, _XY_SCALE, _TWO_BY_TWO = 0x20, 0x1, 0x8, 0x40, 0x80
"""Flags of a component glyph (OpenType 1.9, table glyf)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A font as it goes into a file.

    name: its PostScript name with the tag of a subset; program: TrueType; glyph_of: number of the
    glyph by code; widths: by code, in thousandths of an em; unicode_of: text by code; bounds,
    ascent, descent: in thousandths.
    """

    name: str
    program: bytes
    glyph_of: Mapping[int, int]
    widths: Mapping[int, int]
    unicode_of: Mapping[int, str]
    bounds: tuple[int, ...]
    ascent: int
    descent: int


def resource_name(file: str) -> str:
    """Return the name that a page's operators have for a font file: the same in every process."""
    return re.sub(r"[^A-Za-z0-9-]", "-", Path(file).stem)


def encoded(text: str, file: str) -> str:
    """Return a text's codes in hexadecimal."""
    if not text.isascii() and max(text) > chr(_BEYOND):
        text = text.translate(_codes_beyond(file))
    return text.encode("utf-16-be", "surrogatepass").hex()


def embed(file: str, characters: str) -> Embedded:
    """Return the font of some characters; the same bytes for the same characters."""
    font: Any = get_font(file)
    beyond = _codes_beyond(file) if characters and max(characters) > chr(_BEYOND) else {}
    unicode_of = {beyond.get(ord(char), ord(char)): char for char in sorted(characters)}
    glyph_of = {code: font.get_char_index(ord(char)) for code, char in unicode_of.items()}
    per_em = _EM / font.units_per_EM
    tag = hashlib.sha256(characters.encode("utf-8")).digest()
    letters = "".join(chr(ord("A") + byte % 26) for byte in tag[:6])
    return Embedded(
        name=f"{letters}+{font.postscript_name}",
        program=program(file, set(glyph_of.values())),
        glyph_of=glyph_of,
        widths={code: round(width_em(char, file) * _EM) for code, char in unicode_of.items()},
        unicode_of=unicode_of,
        bounds=tuple(round(edge * per_em) for edge in font.bbox),
        ascent=round(font.ascender * per_em),
        descent=round(font.descender * per_em),
    )


def program(file: str, glyphs: Iterable[int]) -> bytes:
    """Return a TrueType font with the outlines of some glyphs; all keep their numbers.

    Reading the tables as they are takes a hundredth of the time of a library that parses each.
    """
    tables = _tables(file)
    places = _offsets(tables)
    outlines = tables["glyf"]
    kept = sorted(_with_components(outlines, places, {0, *glyphs}))
    sizes = np.zeros(len(places) - 1, dtype=np.int64)
    sizes[kept] = np.diff(places)[kept]
    loca = np.concatenate([[0], np.cumsum(sizes)])
    head = bytearray(tables["head"])
    head[50:52] = struct.pack(">h", 1)  # indexToLocFormat: long
    made = {
        **tables,
        "head": bytes(head),
        "glyf": b"".join(outlines[places[n] : places[n + 1]] for n in kept),
        "loca": loca.astype(">u4").tobytes(),
        "hmtx": _metrics(tables, kept),
    }
    target = io.BytesIO()
    writer: Any = SFNTWriter(target, len(made))
    for name in sorted(made):
        writer[name] = made[name]
    writer.close()
    return target.getvalue()


@lru_cache(maxsize=4)
def _tables(file: str) -> dict[str, bytes]:
    """Return the tables of a font file that are embedded."""
    with TTFont(file, lazy=True) as font:
        reader: Any = font.reader
        return {name: reader[name] for name in _KEPT if name in reader}


@lru_cache(maxsize=4)
def _codes_beyond(file: str) -> dict[int, int]:
    """Return the codes of a font's characters that one UTF-16 unit can't hold, by character."""
    font: Any = get_font(file)
    rare = sorted(char for char in font.get_charmap() if char > _BEYOND)
    return {char: _FIRST_CODE + n for n, char in enumerate(rare)}


def _offsets(tables: Mapping[str, bytes]) -> NDArray[np.int64]:
    """Return where each glyph's outline starts, and where the last one ends."""
    if struct.unpack(">h", tables["head"][50:52])[0]:
        return np.frombuffer(tables["loca"], dtype=">u4").astype(np.int64)
    return np.frombuffer(tables["loca"], dtype=">u2").astype(np.int64) * _SHORT


def _with_components(outlines: bytes, places: NDArray[np.int64], glyphs: Iterable[int]) -> set[int]:
    """Return glyphs and all that they are put together from."""
    found: set[int] = set()
    waiting = list(glyphs)
    while waiting:
        glyph = waiting.pop()
        if glyph in found:
            continue
        found.add(glyph)
        start, end = places[glyph], places[glyph + 1]
        if end > start and struct.unpack_from(">h", outlines, start)[0] < 0:
            waiting += _components(outlines, int(start) + 10)
    return found


def _components(outlines: bytes, at: int) -> list[int]:
    """Return the glyphs that a composite glyph, whose parts begin there, is put together from."""
    found, flags = [], _MORE
    while flags & _MORE:
        flags, glyph = struct.unpack_from(">HH", outlines, at)
        found.append(glyph)
        at += 8 if flags & _WORDS else 6
        at += 2 if flags & _SCALE else 4 if flags & _XY_SCALE else 8 if flags & _TWO_BY_TWO else 0
    return found


def _metrics(tables: Mapping[str, bytes], kept: list[int]) -> bytes:
    """Return the horizontal metrics, 0 for the glyphs that are not kept: nothing to compress."""
    full = struct.unpack(">H", tables["hhea"][34:36])[0]  # numberOfHMetrics
    both = np.frombuffer(tables["hmtx"][: full * 4], dtype=">u4").copy()
    rest = np.frombuffer(tables["hmtx"][full * 4 :], dtype=">u2").copy()
    stays = np.zeros(len(both) + len(rest), dtype=bool)
    stays[kept] = True
    both[:-1][~stays[: full - 1]] = 0  # the last one stands for all that follow
    rest[~stays[full:]] = 0
    return both.tobytes() + rest.tobytes()


def runs(codes: Iterable[int]) -> list[tuple[int, int]]:
    """Return codes as runs (first, last) that go up by one and share their high byte."""
    ordered = sorted(codes)
    breaks = [n for n, (a, b) in enumerate(pairwise(ordered), 1) if b != a + 1 or b % 256 == 0]
    edges = [0, *breaks, len(ordered)]
    return [(ordered[a], ordered[b - 1]) for a, b in pairwise(edges) if b > a]

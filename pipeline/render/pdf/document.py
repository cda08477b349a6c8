"""Pages as one PDF 1.7 file (ISO 32000-1): fonts embedded once, jumps, bookmarks; same bytes."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from pipeline.render.pdf.embedding import embed, resource_name, runs
from pipeline.render.pdf.leaf import PAGE_URL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.render.pdf.embedding import Embedded
    from pipeline.render.pdf.leaf import Leaf, Link

_HEAD = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
_SYMBOLIC = 4
"""Flag of a font whose characters go beyond the standard Latin ones."""
_STEM = 80
"""Width of upright stems, which readers ask for and don't use where a font is embedded."""
_CMAP = """/CIDInit /ProcSet findresource begin
12 dict begin begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange <0000> <ffff> endcodespacerange
{ranges}
endcmap CMapName currentdict /CMap defineresource pop end end
"""
_RANGES_AT_ONCE = 100
"""How many ranges a block of a character map may have."""


class _Objects:
    """The numbered objects of a file, in the order of their numbers."""

    def __init__(self) -> None:
        """Begin without any."""
        self._bodies: list[bytes] = []

    def reserve(self) -> int:
        """Return the number of an object that is written later."""
        self._bodies.append(b"")
        return len(self._bodies)

    def put(self, number: int, body: str | bytes) -> int:
        """Write an object under its number."""
        self._bodies[number - 1] = body.encode("ascii") if isinstance(body, str) else body
        return number

    def add(self, body: str | bytes) -> int:
        """Write an object; return its number."""
        return self.put(self.reserve(), body)

    def stream(self, data: bytes, entries: str = "", *, packed: bool = False) -> int:
        """Write a stream; return its number. packed: it is compressed already."""
        data = data if packed else zlib.compress(data, 9)
        head = f"<< {entries} /Filter /FlateDecode /Length {len(data)} >>\nstream\n"
        return self.add(head.encode("ascii") + data + b"\nendstream")

    def file(self, root: int, info: int) -> bytes:
        """Return all as a file."""
        parts, places, at = [_HEAD], [], len(_HEAD)
        for number, body in enumerate(self._bodies, 1):
            part = b"%d 0 obj\n%b\nendobj\n" % (number, body)
            places.append(at)
            parts.append(part)
            at += len(part)
        size = len(places) + 1
        table = "".join(f"{place:010d} 00000 n \n" for place in places)
        end = f"trailer\n<< /Size {size} /Root {root} 0 R /Info {info} 0 R >>\nstartxref\n{at}\n"
        parts.append(f"xref\n0 {size}\n0000000000 65535 f \n{table}{end}%%EOF\n".encode("ascii"))
        return b"".join(parts)


def document(
    leaves: Sequence[Leaf],
    particulars: Mapping[str, str | datetime],
    bookmarks: Sequence[tuple[str, int, int]] = (),
) -> bytes:
    """Return pages as a PDF.

    particulars: the document information; bookmarks: title, page from 1, level 0 or 1. A link to
    `PAGE_URL` and a number is a jump to that page.
    """
    objects = _Objects()
    root, tree, info = objects.reserve(), objects.reserve(), objects.reserve()
    resources = objects.add(_resources(objects, leaves))
    pages = [objects.reserve() for _ in leaves]
    for number, leaf in zip(pages, leaves, strict=True):
        size = f"{leaf.width_pt:.3f} {leaf.height_pt:.3f}"
        notes = " ".join(f"{objects.add(_note(link, pages))} 0 R" for link in leaf.links)
        objects.put(
            number,
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {size}] /Resources {resources} 0 R"
            f" /Contents {objects.stream(leaf.content, packed=True)} 0 R"
            + (f" /Annots [{notes}] >>" if notes else " >>"),
        )
    kids = " ".join(f"{number} 0 R" for number in pages)
    objects.put(tree, f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>")
    outline = f" /Outlines {_outline(objects, bookmarks, pages)} 0 R" if bookmarks else ""
    objects.put(root, f"<< /Type /Catalog /Pages {tree} 0 R{outline} >>")
    entries = " ".join(f"/{name} {_text(value)}" for name, value in particulars.items())
    objects.put(info, f"<< {entries} >>")
    return objects.file(root, info)


def _resources(objects: _Objects, leaves: Iterable[Leaf]) -> str:
    """Write fonts, hatches and marks; return the dictionary of their names, one for all pages."""
    characters: dict[str, set[str]] = {}
    patterns: dict[str, int] = {}
    marks: dict[str, int] = {}
    for leaf in leaves:
        for file, written in leaf.characters.items():
            characters.setdefault(file, set()).update(written)
        for name, drawn in leaf.patterns.items():
            if name not in patterns:
                matrix = f"[1 0 0 1 0 {leaf.height_pt:.3f}]"
                entries = (
                    "/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 72 72]"
                    f" /XStep 72 /YStep 72 /Resources << >> /Matrix {matrix}"
                )
                patterns[name] = objects.stream(drawn.encode("ascii"), entries)
        for name, (drawn, bounds) in leaf.marks.items():
            if name not in marks:
                box = " ".join(map(str, bounds))
                entries = f"/Type /XObject /Subtype /Form /BBox [{box}] /Resources << >>"
                marks[name] = objects.stream(drawn.encode("ascii"), entries)
    fonts = {
        resource_name(file): _font(objects, embed(file, "".join(sorted(characters[file]))))
        for file in sorted(characters)
    }
    kinds = {"Font": fonts, "Pattern": patterns, "XObject": marks}
    entries = " ".join(f"/{kind} << {_named(numbers)} >>" for kind, numbers in kinds.items())
    return f"<< {entries} >>"


def _named(numbers: Mapping[str, int]) -> str:
    return " ".join(f"/{name} {number} 0 R" for name, number in sorted(numbers.items()))


def _font(objects: _Objects, font: Embedded) -> int:
    """Write a font: a composite one, whose codes are the characters' own."""
    program = objects.stream(font.program, f"/Length1 {len(font.program)}")
    descriptor = objects.add(
        f"<< /Type /FontDescriptor /FontName /{font.name} /Flags {_SYMBOLIC} /ItalicAngle 0"
        f" /FontBBox [{' '.join(map(str, font.bounds))}] /Ascent {font.ascent}"
        f" /Descent {font.descent} /CapHeight {font.ascent} /StemV {_STEM}"
        f" /FontFile2 {program} 0 R >>"
    )
    glyphs = np.zeros(max(font.glyph_of, default=0) + 1, dtype=">u2")
    glyphs[list(font.glyph_of)] = list(font.glyph_of.values())
    glyph_map = objects.stream(glyphs.tobytes())
    widths = " ".join(
        f"{first} [{' '.join(str(font.widths[code]) for code in range(first, last + 1))}]"
        for first, last in runs(font.widths)
    )
    cid_font = objects.add(
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{font.name}"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
        f" /FontDescriptor {descriptor} 0 R /W [{widths}] /CIDToGIDMap {glyph_map} 0 R >>"
    )
    unicode_map = objects.stream(_unicode_map(font).encode("ascii"))
    return objects.add(
        f"<< /Type /Font /Subtype /Type0 /BaseFont /{font.name} /Encoding /Identity-H"
        f" /DescendantFonts [{cid_font} 0 R] /ToUnicode {unicode_map} 0 R >>"
    )


def _unicode_map(font: Embedded) -> str:
    """Return which text each code stands for, so that a page can be searched."""
    own = [code for code, char in font.unicode_of.items() if code == ord(char)]
    ranges = [f"<{first:04x}> <{last:04x}> <{first:04x}>" for first, last in runs(own)]
    ranges += [
        f"<{code:04x}> <{code:04x}> <{char.encode('utf-16-be').hex()}>"
        for code, char in sorted(font.unicode_of.items())
        if code != ord(char)
    ]
    blocks = [ranges[n : n + _RANGES_AT_ONCE] for n in range(0, len(ranges), _RANGES_AT_ONCE)]
    lines = ["\n".join([f"{len(block)} beginbfrange", *block, "endbfrange"]) for block in blocks]
    return _CMAP.format(ranges="\n".join(lines))


def _note(link: Link, pages: Sequence[int]) -> str:
    """Return the annotation of a link."""
    box = " ".join(f"{edge:.2f}" for edge in link.box)
    head = f"<< /Type /Annot /Subtype /Link /Rect [{box}] /Border [0 0 0]"
    if link.address.startswith(PAGE_URL):
        target = pages[int(link.address.removeprefix(PAGE_URL)) - 1]
        return f"{head} /Dest [{target} 0 R /Fit] >>"
    return f"{head} /A << /S /URI /URI {_text(link.address)} >> >>"


def _outline(
    objects: _Objects, bookmarks: Sequence[tuple[str, int, int]], pages: Sequence[int]
) -> int:
    """Write the bookmarks, those of level 1 below the one of level 0 before them."""
    root = objects.reserve()
    numbers = [objects.reserve() for _ in bookmarks]
    above, children = root, {root: list[int]()}
    parents = []
    for number, (_, _, level) in zip(numbers, bookmarks, strict=True):
        above = above if level else number
        parents.append(above if level else root)
        children.setdefault(parents[-1], []).append(number)
    for number, parent, (title, page, _) in zip(numbers, parents, bookmarks, strict=True):
        beside, own = children[parent], children.get(number)
        at = beside.index(number)
        entries = [f"/Title {_text(title)} /Parent {parent} 0 R /Dest [{pages[page - 1]} 0 R /Fit]"]
        entries += [f"/Prev {beside[at - 1]} 0 R"] if at else []
        entries += [f"/Next {beside[at + 1]} 0 R"] if at + 1 < len(beside) else []
        entries += [f"/First {own[0]} 0 R /Last {own[-1]} 0 R /Count {len(own)}"] if own else []
        objects.put(number, f"<< {' '.join(entries)} >>")
    top = children[root]
    ends = f"/First {top[0]} 0 R /Last {top[-1]} 0 R /Count {len(bookmarks)}"
    return objects.put(root, f"<< /Type /Outlines {ends} >>")


def _text(value: str | datetime) -> str:
    """Return a text string or a date (UTC) as PDF has them."""
    if isinstance(value, str):
        return _plain(value) if value.isascii() else f"<feff{value.encode('utf-16-be').hex()}>"
    return f"(D:{value:%Y%m%d%H%M%SZ})"


def _plain(text: str) -> str:
    for mark in "\\()":
        text = text.replace(mark, f"\\{mark}")
    return f"({text})"

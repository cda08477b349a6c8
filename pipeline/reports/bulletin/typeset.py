"""A bulletin as PDF: the document as data for layout.typ, set by Typst; the same bytes always.

No text is ever Typst source: whatever a survey file holds stands on the page as it is.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import UTC, datetime, time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typst

from pipeline.render.fonts import faces
from pipeline.reports.bulletin.document import (
    WHOLE_ROWS,
    Heading,
    Notes,
    Paragraph,
    Table,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.reports.bulletin.document import Block, Document

LAYOUT = "layout.typ"
LACKING = "〓"
"""Stands for a character that the fonts don't have, as in print shops; the DOCX holds it."""


def typeset(document: Document, maps: Mapping[str, bytes]) -> bytes:
    """Return a PDF; maps: A3 PDFs by the names that the document's 附件 give them."""
    fonts = faces()
    data = _printable(_data(document), fonts.characters)
    layout = resources.files("pipeline.reports.bulletin") / LAYOUT
    with tempfile.TemporaryDirectory() as name:  # Typst takes pictures and fonts from files alone
        folder = Path(name)
        (folder / LAYOUT).write_bytes(layout.read_bytes())
        for stem, content in maps.items():
            (folder / _file(stem)).write_bytes(content)
        for face in (fonts.regular, fonts.bold):
            shutil.copyfile(face, folder / face.name)
        return typst.compile(
            folder / LAYOUT,
            root=folder,
            font_paths=typst.Fonts(
                include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder]
            ),
            sys_inputs={"document": json.dumps(data, ensure_ascii=False)},
            timestamp=datetime.combine(document.export, time(), UTC),
        )


def _file(name: str) -> str:
    return f"{name}.pdf"


def _data(document: Document) -> dict[str, Any]:
    """Return the document as plain data."""
    return {
        "title": list(document.title),
        "period": document.period,
        "publisher": document.publisher,
        "addressee": document.addressee,
        "signed": document.signed,
        "sample": document.sample,
        "stamp": document.stamp,
        "blocks": [_block(block) for block in document.blocks],
        "listed": list(document.listed()),
        "annexes": [
            {
                "mark": document.annex_mark(number),
                "title": annex.title,
                "map": _file(annex.map_name) if annex.map_name else "",
                "blocks": [_block(block) for block in annex.blocks],
            }
            for number, annex in enumerate(document.annexes, 1)
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Heading(text, level):
            return {"kind": "heading", "text": text, "level": level}
        case Paragraph(text):
            return {"kind": "paragraph", "text": text}
        case Table():
            return _table(block)
        case Notes(title, items):
            return {"kind": "notes", "title": title, "items": list(items)}


def _table(table: Table) -> dict[str, Any]:
    groups = [{"name": name, "span": span} for name, span in table.grouped()]
    return {
        "kind": "table",
        "title": table.title,
        "unit": table.unit,
        "sums": table.sums,
        "whole": len(table.rows) <= WHOLE_ROWS,
        "columns": [{"head": c.head, "width": c.width_mm, "align": c.align} for c in table.columns],
        "groups": groups if any(group["name"] for group in groups) else [],
        "rows": [list(row) for row in table.rows],
        "notes": list(table.notes),
    }


def _printable(value: Any, known: frozenset[int]) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return data with every character replaced that can't be printed."""
    if isinstance(value, str):
        return "".join(char if ord(char) in known else LACKING for char in plain(value))
    if isinstance(value, list):
        return [_printable(item, known) for item in value]
    if isinstance(value, dict):
        return {key: _printable(item, known) for key, item in value.items()}
    return value

"""A bulletin as its two files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.reports.bulletin.typeset import typeset
from pipeline.reports.bulletin.word import word

if TYPE_CHECKING:
    from pipeline.reports.bulletin.document import Document
    from pipeline.reports.data import ReportData

FOLDER = "data/processed/reports/通报"


def bulletin_files(data: ReportData, name: str, document: Document) -> dict[str, bytes]:
    """Return a bulletin's PDF and DOCX by path below the out folder; data: maps, both kinds."""
    shown = [annex.map_name for annex in document.annexes if annex.map_name]
    pdf, png = ({n: data.maps[f"{n}.{end}"] for n in shown} for end in ("pdf", "png"))
    return {
        f"{FOLDER}/{name}.pdf": typeset(document, pdf),
        f"{FOLDER}/{name}.docx": word(document, png),
    }

"""A bulletin as an editable DOCX: styles, real headings and tables, page numbers, fixed bytes."""

from __future__ import annotations

import io
from datetime import datetime, time
from typing import TYPE_CHECKING

import docx
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK, WD_TAB_ALIGNMENT
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

from pipeline.reports.bulletin.document import Heading, Notes, Paragraph, Table, plain
from pipeline.reports.bulletin.styles import (
    ANNEX_MARK,
    BODY,
    CAPTION,
    NOTE,
    RED_HEAD,
    SMALL_PRINT,
    SUBTITLE,
    TABLE_HEAD,
    TABLE_TEXT,
    UNINDENTED,
    add_styles,
)
from pipeline.reports.bulletin.wordml import (
    as_east_asian,
    behind_text,
    element,
    page_field,
    table_element,
)
from pipeline.reports.data import SAMPLE_MARK
from pipeline.storage import package_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docx.document import Document as WordDocument
    from docx.section import Section
    from docx.text.paragraph import Paragraph as WordParagraph

    from pipeline.reports.bulletin.document import Annex, Block, Document

A4, A3 = (Mm(210), Mm(297)), (Mm(420), Mm(297))
LINE_PITCH = "579"
"""22 lines on 225 mm, in twentieths of a point."""
_FONT_PT, _PROPERTY = 40, 255
_TYPE_AREA_PT = 442


def word(document: Document, maps: Mapping[str, bytes]) -> bytes:
    """Return a DOCX; maps: A3 pictures (PNG) by the names that the document's 附件 give them."""
    made = docx.Document()
    add_styles(made)
    _properties(made, document)
    made.settings.odd_and_even_pages_header_footer = True
    _page_setup(made.sections[0], document)
    _head(made, document)
    for block in document.blocks[:-1]:
        _block(made, block)
    before = len(made.paragraphs)
    _block(made, document.blocks[-1])
    _closing(made, document)
    for line in made.paragraphs[before:-1]:  # 附件 list and date stay with the last of the text
        line.paragraph_format.keep_with_next = True
    for number, annex in enumerate(document.annexes, 1):
        _annex(made, annex, document, number, maps)
    raw = io.BytesIO()
    made.save(raw)
    return package_bytes(raw.getvalue(), datetime.combine(document.export, time()))


def _properties(made: WordDocument, document: Document) -> None:
    """Fill in what a file says of itself; its dates are the data date."""
    stamp = datetime.combine(document.export, time())
    about = made.core_properties
    about.title, about.subject = (
        plain(text)[:_PROPERTY] for text in ("".join(document.title), document.stamp)
    )
    about.author = about.last_modified_by = plain(document.publisher)[:_PROPERTY]
    about.comments, about.keywords = "", ""
    about.created = about.modified = about.last_printed = stamp
    about.revision, about.language = 1, "zh-CN"


def _page_setup(section: Section, document: Document) -> None:
    """Set the type area of 156 mm × 225 mm and the page number below it, outside edges."""
    section.page_width, section.page_height = A4
    section.orientation = WD_ORIENT.PORTRAIT
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(15), Mm(22)
    grid = section._sectPr.find(qn("w:docGrid"))  # noqa: SLF001 - python-docx has no grid
    if grid is not None:
        section._sectPr.remove(grid)  # noqa: SLF001 - python-docx has no other way
    section._sectPr.append(  # noqa: SLF001 - python-docx has no other way
        element("docGrid", type="lines", linePitch=LINE_PITCH)
    )
    for footer, odd in ((section.footer, True), (section.even_page_footer, False)):
        footer.is_linked_to_previous = False
        _footer(footer.paragraphs[0], document.stamp, odd=odd)


def _footer(paragraph: WordParagraph, stamp: str, *, odd: bool, width_mm: float = 156) -> None:
    """Write the stamp and — 1 —, the number on the outside."""
    paragraph.style = "Footer"
    paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(width_mm), WD_TAB_ALIGNMENT.RIGHT)
    if odd:
        _small(paragraph, stamp)
        paragraph.add_run("\t")
    as_east_asian(paragraph.add_run("— " if odd else "　— "))
    page_field(paragraph)
    as_east_asian(paragraph.add_run(" —　" if odd else " —"))
    if not odd:
        paragraph.add_run("\t")
        _small(paragraph, stamp)


def _small(paragraph: WordParagraph, text: str) -> None:
    run = as_east_asian(paragraph.add_run(text))
    run.font.size, run.font.color.rgb = Pt(7.5), RGBColor(0x59, 0x59, 0x59)


def _line(
    made: WordDocument, text: str, style: str, align: WD_ALIGN_PARAGRAPH | None = None
) -> WordParagraph:
    """Add a paragraph."""
    paragraph = made.add_paragraph(style=style)
    as_east_asian(paragraph.add_run(plain(text)))
    if align is not None:
        paragraph.alignment = align
    return paragraph


def _head(made: WordDocument, document: Document) -> None:
    """Write 版头, title and addressee; without a publisher 版头 is left to the office."""
    if document.sample:
        _line(made, SAMPLE_MARK, ANNEX_MARK)
    if document.publisher:
        _red_head(made, document)
    _line(made, "", UNINDENTED)
    title = made.add_paragraph(style="Title")
    for number, line in enumerate(document.title):
        run = as_east_asian(title.add_run(plain(line)))
        if number < len(document.title) - 1:
            run.add_break(WD_BREAK.LINE)
    _line(made, document.period, SUBTITLE)
    _line(made, "", UNINDENTED)
    if document.addressee:
        _line(made, document.addressee, UNINDENTED)


def _red_head(made: WordDocument, document: Document) -> None:
    """Write the publisher in red, room for the document number, the red line."""
    name = _line(made, document.publisher, RED_HEAD)
    name.runs[0].font.size = Pt(min(_FONT_PT, int(_TYPE_AREA_PT / len(document.publisher))))
    name.paragraph_format.space_before = Mm(25 if document.sample else 35)
    _line(made, "", UNINDENTED)
    rule = _line(made, "", UNINDENTED)
    rule._p.get_or_add_pPr().append(  # noqa: SLF001 - python-docx has no borders
        element("pBdr", element("bottom", val="single", sz="12", space="1", color="D7000F"))
    )


def _block(made: WordDocument, block: Block) -> None:
    """Write one block."""
    match block:
        case Heading(text, level):
            _line(made, text, f"Heading {level}")
        case Paragraph(text):
            _line(made, text, BODY)
        case Notes(title, items):
            _line(made, f"{title}：", SMALL_PRINT).paragraph_format.keep_with_next = True
            for number, item in enumerate(items, 1):
                _line(made, f"{number}. {item}", SMALL_PRINT)
        case Table():
            _table(made, block)


def _table(made: WordDocument, table: Table) -> None:
    """Write a table with its title above and its notes below."""
    if table.title or table.unit:
        caption = _line(made, table.title, CAPTION)
        if table.unit:
            run = as_east_asian(caption.add_run(f"　　单位：{table.unit}"))
            run.font.size, run.font.bold = Pt(9), False
    made.element.body.insert_element_before(
        table_element(table, TABLE_HEAD, TABLE_TEXT), "w:sectPr"
    )
    for number, note in enumerate(table.notes, 1):
        _line(made, f"注{number}：{note}", NOTE)
    if not table.notes:
        _line(made, "", NOTE)


def _closing(made: WordDocument, document: Document) -> None:
    """List the 附件, then leave room to sign and date."""
    if document.annexes:
        _line(made, "", UNINDENTED)
    for number, text in enumerate(document.listed()):
        line = _line(made, text if number else f"附件：{text}", UNINDENTED)
        line.paragraph_format.left_indent = Pt(80)
        line.paragraph_format.first_line_indent = Pt(0 if number else -48)
    if document.signed:
        for _ in range(2):
            _line(made, "", UNINDENTED)
        right = WD_ALIGN_PARAGRAPH.RIGHT
        if document.publisher:
            name = _line(made, document.publisher, UNINDENTED, right)
            name.paragraph_format.right_indent = Pt(32)
        day = _line(made, "　　　　年　　月　　日", UNINDENTED, right)
        day.paragraph_format.right_indent = Pt(64)


def _annex(
    made: WordDocument, annex: Annex, document: Document, number: int, maps: Mapping[str, bytes]
) -> None:
    """Write an 附件 on pages of its own."""
    mark = document.annex_mark(number)
    if annex.map_name:
        _map_page(made, annex, document, mark, maps[annex.map_name])
        return
    if made.sections[-1].page_width != A4[0]:
        _page_setup(made.add_section(WD_SECTION.NEW_PAGE), document)
    line = _line(made, mark, ANNEX_MARK)
    line.paragraph_format.page_break_before = True
    _line(made, "", UNINDENTED)
    _line(made, annex.title, "Title")
    _line(made, "", UNINDENTED)
    for block in annex.blocks:
        _block(made, block)


def _map_page(
    made: WordDocument, annex: Annex, document: Document, mark: str, picture: bytes
) -> None:
    """Write a map in its true size on an A3 page."""
    section = made.add_section(WD_SECTION.NEW_PAGE)
    section.page_width, section.page_height = A3
    section.orientation = WD_ORIENT.LANDSCAPE
    section.left_margin = section.right_margin = Mm(9)
    section.top_margin, section.bottom_margin = Mm(2), Mm(9)
    section.footer_distance = Mm(1)
    for footer in (section.footer, section.even_page_footer):
        footer.is_linked_to_previous = False
        for paragraph in footer.paragraphs:
            _footer(paragraph, document.stamp, odd=True, width_mm=402)
    line = _line(made, f"{mark}　{annex.title}", NOTE)
    shape = line.add_run().add_picture(io.BytesIO(picture), *A3)
    inline = shape._inline  # noqa: SLF001 - python-docx has no anchored pictures
    inline.docPr.set("descr", annex.title)
    inline.getparent().replace(inline, behind_text(inline))

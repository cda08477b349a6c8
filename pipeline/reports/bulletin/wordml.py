"""WordprocessingML that python-docx has no words for: fonts, fields, tables, anchors."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from pipeline.reports.bulletin.document import WHOLE_ROWS, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from docx.oxml.xmlchemy import BaseOxmlElement
    from docx.text.paragraph import Paragraph
    from docx.text.run import Run

    from pipeline.reports.bulletin.document import Column, Table

LATIN = "Times New Roman"
_TWIPS_PER_MM = 1440 / 25.4


def element(name: str, *children: BaseOxmlElement, **attributes: str) -> BaseOxmlElement:
    """Return an element of the w: namespace with w: attributes."""
    made = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), value)
    made.extend(children)
    return made


def twips(millimetres: float) -> str:
    """Return a length as Word counts it."""
    return str(round(millimetres * _TWIPS_PER_MM))


def fonts(east_asia: str) -> BaseOxmlElement:
    """Return rFonts: the Chinese font by name, Latin letters and digits in their own."""
    return element(
        "rFonts", ascii=LATIN, hAnsi=LATIN, cs=LATIN, eastAsia=east_asia, hint="eastAsia"
    )


def set_fonts(properties: BaseOxmlElement, east_asia: str) -> None:
    """Set the fonts of run properties, theme fonts (which would win) removed."""
    for old in properties.findall(qn("w:rFonts")):
        properties.remove(old)
    properties.insert(0, fonts(east_asia))


def as_east_asian(run: Run) -> Run:
    """Let quotation marks and dashes of a run stand in the Chinese font."""
    properties = run._r.get_or_add_rPr()  # noqa: SLF001 - python-docx has no other way
    properties.insert(0, element("rFonts", hint="eastAsia"))
    return run


def page_field(paragraph: Paragraph) -> None:
    """Add the number of the page."""
    for kind in ("begin", None, "separate", "1", "end"):
        run = paragraph.add_run()
        inside = run._r  # noqa: SLF001 - python-docx has no fields
        if kind is None:
            instruction = element("instrText")
            instruction.text = "PAGE"
            inside.append(instruction)
        elif kind == "1":
            run.text = kind
        else:
            inside.append(element("fldChar", fldCharType=kind))


def table_element(table: Table, head_style: str, text_style: str) -> BaseOxmlElement:
    """Return a real table: head rows repeated on every page, rows that aren't torn apart."""
    edges = ("top", "left", "bottom", "right", "insideH", "insideV")
    made = element(
        "tbl",
        element(
            "tblPr",
            element("tblW", w="5000", type="pct"),
            element("jc", val="center"),
            element(
                "tblBorders",
                *(element(edge, val="single", sz="4", space="0", color="000000") for edge in edges),
            ),
            element("tblLayout", type="fixed"),
            element(
                "tblCellMar",
                *(element(side, w="40", type="dxa") for side in ("left", "right")),
            ),
        ),
        element("tblGrid", *(element("gridCol", w=twips(c.width_mm)) for c in table.columns)),
    )
    made.extend(_head_rows(table, head_style))
    last, sums = len(table.rows) - 1, len(table.rows) - table.sums
    for number, cells in enumerate(table.rows):
        style = head_style if number >= sums else text_style
        keep = len(table.rows) <= WHOLE_ROWS and number < last
        pairs = zip(cells, table.columns, strict=True)
        made.append(_row([_cell(text, column, style, keep=keep) for text, column in pairs]))
    return made


def _head_rows(table: Table, style: str) -> list[BaseOxmlElement]:
    """Return one row of heads, or two where columns are grouped."""
    groups = list(table.grouped())
    if not any(name for name, _ in groups):
        return [_row([_cell(c.head, c, style, "center") for c in table.columns], head=True)]
    above, below, at = [], [], 0
    for name, span in groups:
        own = table.columns[at : at + span]
        if name:
            above.append(_group_cell(name, own, style))
            below += [_cell(column.head, column, style, "center") for column in own]
        else:
            above.append(_cell(own[0].head, own[0], style, "center", merge="restart"))
            below.append(_cell("", own[0], style, "center", merge="continue"))
        at += span
    return [_row(above, head=True), _row(below, head=True)]


def _group_cell(name: str, columns: Sequence[Column], style: str) -> BaseOxmlElement:
    made = _cell(name, columns[0], style, "center")
    properties = made[0]
    properties[0].set(qn("w:w"), twips(sum(c.width_mm for c in columns)))
    properties.insert(1, element("gridSpan", val=str(len(columns))))
    return made


def _row(cells: Sequence[BaseOxmlElement], *, head: bool = False) -> BaseOxmlElement:
    properties = element("trPr", element("cantSplit"))
    if head:
        properties.append(element("tblHeader"))
    return element("tr", properties, *cells)


def _cell(
    text: str,
    column: Column,
    style: str,
    align: str | None = None,
    *,
    merge: str | None = None,
    keep: bool = False,
) -> BaseOxmlElement:
    properties = element("tcPr", element("tcW", w=twips(column.width_mm), type="dxa"))
    if merge:
        properties.append(element("vMerge", val=merge))
    properties.append(element("vAlign", val="center"))
    words = element("t")
    words.text = plain(text)
    words.set(qn("xml:space"), "preserve")
    run = element("r", element("rPr", element("rFonts", hint="eastAsia")), words)
    looks = element("pPr", element("pStyle", val=style))
    if keep:
        looks.append(element("keepNext"))
    looks.append(element("jc", val=align or column.align))
    return element("tc", properties, element("p", looks, run))


def behind_text(inline: BaseOxmlElement) -> BaseOxmlElement:
    """Turn a picture in the line into one that fills the page from its corner, behind the text."""
    anchor = OxmlElement("wp:anchor")
    settings = {
        "distT": "0", "distB": "0", "distL": "0", "distR": "0", "simplePos": "0",
        "relativeHeight": "0", "behindDoc": "1", "locked": "0", "layoutInCell": "1",
        "allowOverlap": "1",
    }  # fmt: skip
    for key, value in settings.items():
        anchor.set(key, value)
    origin = OxmlElement("wp:simplePos")
    origin.set("x", "0")
    origin.set("y", "0")
    anchor.append(origin)
    for name in ("positionH", "positionV"):
        position, offset = OxmlElement(f"wp:{name}"), OxmlElement("wp:posOffset")
        position.set("relativeFrom", "page")
        offset.text = "0"
        position.append(offset)
        anchor.append(position)
    anchor.append(deepcopy(inline.find(qn("wp:extent"))))
    anchor.append(OxmlElement("wp:wrapNone"))
    for name in ("wp:docPr", "wp:cNvGraphicFramePr", "a:graphic"):
        anchor.append(deepcopy(inline.find(qn(name))))
    return anchor

"""Styles of a public document in Word: 小标宋, 仿宋, 黑体, 楷体 by the names that offices have."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from pipeline.reports.bulletin.wordml import element, set_fonts

if TYPE_CHECKING:
    from docx.document import Document
    from docx.styles.style import ParagraphStyle

SONG, HEI, KAI, FANG, XIAOBIAO = (
    "宋体", "黑体", "楷体_GB2312", "仿宋_GB2312", "方正小标宋简体",
)  # fmt: skip
BODY, UNINDENTED, SUBTITLE = "公文正文", "公文顶格", "公文副题"
RED_HEAD, ANNEX_MARK = "发文机关标志", "附件标记"
CAPTION, TABLE_HEAD, TABLE_TEXT, NOTE, SMALL_PRINT = (
    "表题", "表头", "表文", "表注", "说明文字",
)  # fmt: skip
PITCH_PT, BODY_PT, TIGHTER = 28.95, 16, "-5"
"""22 lines of 28 characters of 三号 on 225 mm × 156 mm: points, points, twentieths of a point."""
_LEFT, _CENTRE, _BOTH = (
    WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY,
)  # fmt: skip


class _Look(NamedTuple):
    """A style: font, size and line pitch in points (0: single), alignment, indent in characters."""

    name: str
    font: str
    size: float
    pitch: float = PITCH_PT
    align: WD_ALIGN_PARAGRAPH = _BOTH
    indent: int = 0
    keep: bool = False
    """Stay with the next paragraph."""
    space: float = 0
    """Points above."""


LOOKS = (
    _Look("Normal", FANG, 16),
    _Look("Title", XIAOBIAO, 22, 35, _CENTRE),
    _Look("Heading 1", HEI, 16, indent=2, keep=True),
    _Look("Heading 2", KAI, 16, indent=2, keep=True),
    _Look("Footer", SONG, 14, 0, _LEFT),
    _Look(BODY, FANG, 16, indent=2),
    _Look(UNINDENTED, FANG, 16, align=_LEFT),
    _Look(SUBTITLE, FANG, 16, align=_CENTRE),
    _Look(RED_HEAD, XIAOBIAO, 40, 0, _CENTRE),
    _Look(ANNEX_MARK, HEI, 16, align=_LEFT),
    _Look(CAPTION, HEI, 12, 24, _CENTRE, keep=True),
    _Look(TABLE_HEAD, HEI, 10.5, 15),
    _Look(TABLE_TEXT, FANG, 10.5, 15),
    _Look(NOTE, FANG, 9, 13, _LEFT),
    _Look(SMALL_PRINT, FANG, 10.5, 17, _LEFT),
)
OFF_THE_GRID = (CAPTION, TABLE_HEAD, TABLE_TEXT, NOTE, SMALL_PRINT, "Footer", RED_HEAD, "Title")


def add_styles(made: Document) -> None:
    """Set the styles that stand in python-docx's template and add ours; language Chinese."""
    defaults = made.styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault"))[0]
    set_fonts(defaults, FANG)
    for old in defaults.findall(qn("w:lang")):
        defaults.remove(old)
    defaults.append(element("lang", val="en-US", eastAsia="zh-CN", bidi="ar-SA"))
    known = {style.name for style in made.styles}
    for look in LOOKS:
        if look.name not in known:
            made.styles.add_style(look.name, WD_STYLE_TYPE.PARAGRAPH)
        _apply(made.styles[look.name], look)


def _apply(style: ParagraphStyle, look: _Look) -> None:
    """Give a style its look."""
    set_fonts(style.element.get_or_add_rPr(), look.font)
    style.font.size, style.font.bold, style.font.italic = Pt(look.size), False, False
    style.font.color.rgb = RGBColor(0xD7, 0, 0x0F) if look.name == RED_HEAD else RGBColor(0, 0, 0)
    style.quick_style = True
    if look.size == BODY_PT:
        style.element.get_or_add_rPr().append(element("spacing", val=TIGHTER))
    form = style.paragraph_format
    form.space_before, form.space_after = Pt(look.space), Pt(0)
    form.alignment, form.keep_with_next, form.widow_control = look.align, look.keep, False
    if look.pitch:
        form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(look.pitch)
    else:
        form.line_spacing = 1.0
    looks = style.element.get_or_add_pPr()
    for name in ("pBdr", "ind", "snapToGrid", "tabs"):
        for old in looks.findall(qn(f"w:{name}")):
            looks.remove(old)
    plain = ["autoSpaceDE", "autoSpaceDN", *(["snapToGrid"] if look.name in OFF_THE_GRID else [])]
    for name in plain:
        looks.insert_element_before(
            element(name, val="0"), "w:snapToGrid", "w:spacing", "w:ind", "w:contextualSpacing",
            "w:jc", "w:outlineLvl",
        )  # fmt: skip
    if look.indent:
        indent = element(
            "ind", firstLineChars=str(look.indent * 100),
            firstLine=str(round(look.indent * look.size * 20)),
        )  # fmt: skip
        looks.insert_element_before(indent, "w:contextualSpacing", "w:jc", "w:outlineLvl")

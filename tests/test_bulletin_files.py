"""Bulletins as files: PDF and DOCX hold the same words, hostile ones too, and the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import date

import docx
import pytest
from bulletin_world import Task, towns, world
from command_line import read_csv
from docx.oxml.ns import qn
from pypdf import PdfReader

from pipeline.ingest.county import load_county
from pipeline.reports.bulletin import half_month, monthly, sources, weekly
from pipeline.reports.bulletin.document import Heading, Notes, Paragraph, Table
from pipeline.reports.bulletin.files import bulletin_files
from pipeline.stages import Desk, tracing

D = [date(2023, 9, 30), date(2023, 10, 15), date(2023, 10, 31)]
A, B = "990001001", "990001002"
HOSTILE = (
    "<script>alert(1)</script>", '#import "x"', "$x$ *b* _i_ @a", "= 1+1", "]]>&amp;{p}\\n",
    "\u0007甲\u202e乙村",
)  # fmt: skip
LONG = '= 镇 "#[x]" <b>'
A4, A3 = (595, 842), (1191, 842)


def files(module, data):
    """Return PDF and DOCX of a bulletin, read back, and their bytes by name."""
    made = module.make(data)
    (pdf,), (word,) = (
        [content for name, content in made.items() if name.endswith(end)] for end in ("pdf", "docx")
    )
    return PdfReader(io.BytesIO(pdf)), docx.Document(io.BytesIO(word)), made


def packed(text):
    """Return text without what a line break may have put in or taken out."""
    return re.sub(r"\s", "", text)


def words_of(document):
    """Return every text of a document that both files must hold."""
    blocks = [*document.blocks, *(b for annex in document.annexes for b in annex.blocks)]
    for block in blocks:
        match block:
            case Heading(text) | Paragraph(text):
                yield text
            case Notes(_, items):
                yield from items
            case Table():
                yield from (cell for row in block.rows for cell in row)
                yield from block.notes


def pdf_text(reader):
    return packed("".join(page.extract_text() for page in reader.pages))


def docx_text(made):
    return packed("".join(node.text or "" for node in made.element.body.iter(qn("w:t"))))


@pytest.fixture(scope="module")
def hostile(county):
    """Villages, a town, the county and its publisher with names that mean to be run."""
    some = (replace(county.towns[0], name=LONG), *county.towns[1:])
    tasks = [Task(f"{n}", A, village=village) for n, village in enumerate(HOSTILE)]
    exports = {
        D[0]: tasks,
        D[1]: [task.now("closed") for task in tasks],
        D[2]: [task.now("reopened", 5.0) for task in tasks],
    }
    return world(
        county, exports, towns=some, name="#测[试]县", publisher='<a> #set "府"', sample=False
    )


@pytest.mark.parametrize("module", [weekly, half_month, monthly])
def test_pdf_and_docx_hold_every_word_of_the_text_model(hostile, module):
    pdf, word, _ = files(module, hostile)
    document = module.document(hostile)
    typeset, written = pdf_text(pdf), docx_text(word)
    wanted = [*words_of(document), *document.title, document.publisher]
    for text in wanted:
        plain = packed(text.replace("\u0007", "").replace("\u202e", ""))
        assert plain in written
        assert plain in typeset
    for name in HOSTILE[:5] if module is half_month else ():
        assert packed(name) in typeset
        assert packed(name) in written
    assert packed(LONG) in typeset


def test_a_character_that_the_fonts_lack_is_marked_in_print_and_kept_in_the_docx(county):
    task = Task("1", A, village="\U0001f98a村")
    data = world(
        county, {D[0]: [task], D[1]: [task.now("closed")], D[2]: [task.now("reopened", 1)]}
    )
    pdf, word, _ = files(half_month, data)
    assert "〓村" in pdf_text(pdf)
    assert "\U0001f98a村" in docx_text(word)


@pytest.fixture(scope="module")
def made(county):
    """A bulletin of sixty towns with figures."""
    many = towns(60, groups=3)
    start = [Task(f"{n:02d}", town.code) for n, town in enumerate(many)]
    now = [t.now("closed") if n % 2 else t for n, t in enumerate(start)]
    data = world(county, {D[0]: start, D[1]: now}, towns=many)
    return data, *files(monthly, data)


def test_the_same_figures_give_the_same_bytes_dated_with_the_data(made):
    data, pdf, _, before = made
    again = monthly.make(data)
    assert again == before
    assert pdf.metadata.creation_date.date() == D[1]
    (name,) = [name for name in before if name.endswith("docx")]
    with zipfile.ZipFile(io.BytesIO(before[name])) as parts:
        assert {info.date_time for info in parts.infolist()} == {(2023, 10, 15, 0, 0, 0)}
        about = parts.read("docProps/core.xml").decode()
    assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+Z", about)) == {"2023-10-15T00:00:00Z"}


def test_the_page_is_that_of_public_documents(made):
    data, pdf, _, _ = made
    sizes = [(round(p.mediabox.width), round(p.mediabox.height)) for p in pdf.pages]
    assert set(sizes) == {A4, A3}
    assert sizes.count(A3) == 3
    for number, page in enumerate(pdf.pages, 1):
        text = packed(page.extract_text())
        assert f"—{number}—" in text
        if sizes[number - 1] == A4:
            assert packed(data.stamp) in text
    fonts = {
        str(font.get_object()["/BaseFont"])
        for page in pdf.pages
        for font in page["/Resources"].get("/Font", {}).values()
    }
    assert {name.split("+")[1] for name in fonts} == {"NotoSansSC-Regular", "NotoSansSC-Bold"}
    first = packed(pdf.pages[0].extract_text())
    assert first.startswith("示例数据")
    assert pdf.outline[0].title == "一、总体进展"


def test_a_long_table_repeats_its_head_on_every_page(made):
    _, pdf, word, _ = made
    pages = [page.extract_text() for page in pdf.pages]
    assert sum("未销号" in page and "低于计划" in page for page in pages) > 3
    long = [table for table in word.tables if len(table.rows) > 60]
    assert len(long) == 3
    for table in long:
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None


def test_the_docx_is_one_an_office_can_edit(made):
    data, _, word, _ = made
    document = monthly.document(data)
    headings = [p.text for p in word.paragraphs if p.style.name == "Heading 1"]
    assert headings == [b.text for b in document.blocks if isinstance(b, Heading)]
    fonts = {
        style.name: style.element.rPr.rFonts.get(qn("w:eastAsia"))
        for style in word.styles
        if style.name in {"Normal", "Title", "Heading 1", "Heading 2", "公文正文"}
    }
    assert fonts == {
        "Normal": "仿宋_GB2312", "公文正文": "仿宋_GB2312", "Title": "方正小标宋简体",
        "Heading 1": "黑体", "Heading 2": "楷体_GB2312",
    }  # fmt: skip
    first, *_, last = word.sections
    assert [round(length.mm) for length in (first.top_margin, first.left_margin)] == [37, 28]
    assert [round(length.mm) for length in (first.right_margin, first.bottom_margin)] == [26, 35]
    assert (round(last.page_width.mm), round(last.page_height.mm)) == (420, 297)
    for footer in (first.footer, first.even_page_footer):
        assert "PAGE" in footer._element.xml
        assert data.stamp in footer.paragraphs[0].text
    assert word.core_properties.language == "zh-CN"


def test_the_red_head_is_the_publishers_and_else_left_to_the_office(hostile, made):
    red = "0.84313"
    pdf = files(weekly, hostile)[0]
    assert red in pdf.pages[0].get_contents().get_data().decode("latin-1")
    _, plain, word, _ = made
    assert red not in plain.pages[0].get_contents().get_data().decode("latin-1")
    assert "发文机关标志" not in [p.style.name for p in word.paragraphs]
    text = packed(plain.pages[-4].extract_text() + plain.pages[-5].extract_text())
    assert "gengbaotrace" in text


def test_documents_without_annexes_or_with_one_number_them_as_offices_do(county):
    data = world(county, {D[0]: [Task("1", A)]})
    document = replace(weekly.document(data), annexes=())
    (pdf, _) = sorted(bulletin_files(data, "x", document).items(), key=lambda item: item[0])[::-1]
    assert "附件" not in pdf_text(PdfReader(io.BytesIO(pdf[1])))
    one = replace(document, annexes=weekly.document(data).annexes[:1])
    assert one.listed() == ("数字出处与核查办法",)
    assert one.annex_mark(1) == "附件"


def test_every_trace_that_a_bulletin_names_is_understood_and_gives_its_figure(tiny, finished):
    """All are asked for as the 附件 says; of each figure one is traced: test_trace has the rest."""
    county = load_county(tiny)
    desk, day = Desk(county, finished), county.newest
    named = {
        (one.figure, one.measure)
        for one in (*sources.RANKED, *sources.PROJECTED, *sources.VISITED)
        if one.figure
    }
    assert len(named) > 3
    asked = {pair: tracing.ask(desk, [f"全县 {pair[0]}"], pair[1]) for pair in sorted(named)}
    assert all(one.measure is not None for one in asked.values())
    for one in {figure: one for (figure, _), one in asked.items()}.values():
        assert tracing.trace_figure(desk, one, day).found.checked


def test_the_bulletins_of_a_run_print_the_figures_of_its_tables(tiny, finished):
    folder = finished / "data" / "processed" / "reports" / "通报"
    names = sorted(path.name for path in folder.iterdir())
    day = load_county(tiny).newest
    assert [name for name in names if day.isoformat() in name] == [
        f"周排名_{day}.docx", f"周排名_{day}.pdf",
    ]  # fmt: skip
    assert len(names) == 6
    rows = read_csv(finished / "data" / "processed" / "gaps.csv")
    own = [row for row in rows if row["export"] == day.isoformat()]
    for path in folder.glob("[周月]*"):
        whole = (
            pdf_text(PdfReader(path)) if path.suffix == ".pdf" else docx_text(docx.Document(path))
        )
        assert "示例数据" in whole
        for row in own:
            if row["level"] != "group":
                assert f"{row['done_pct']}%" in whole, (path.name, row["town"])

"""Office products: found by themselves, made one by one, only what changed made again."""

from __future__ import annotations

import html
import importlib
import io
import json
import re

import docx
import openpyxl
import pytest
from pypdf import PdfReader

from pipeline.errors import GengbaoError
from pipeline.reports import ReportData, ReportSpec, discover, make


def test_every_product_has_its_own_words_and_something_that_makes_it():
    specs = discover()
    assert len({spec.name for spec in specs}) == len({spec.title for spec in specs}) == len(specs)
    for spec in specs:
        assert callable(importlib.import_module(f"pipeline.reports.{spec.module}").make)
        assert set(spec.needs) <= set(ReportData.__slots__), spec.name


def sheets_of(file):
    """Return by sheet, page or section what a product says of itself where it is printed."""
    content = file.read_bytes()
    if file.suffix == ".xlsx":
        book = openpyxl.load_workbook(io.BytesIO(content))
        return {page.title: page.oddFooter.left.text for page in book}
    if file.suffix == ".docx":
        made = docx.Document(io.BytesIO(content))
        ends = [end for s in made.sections for end in (s.footer, s.even_page_footer)]
        return {n: "".join(p.text for p in end.paragraphs) for n, end in enumerate(ends)}
    if file.suffix == ".pdf":  # a map on A3 has its own stamp
        pages = [page for page in PdfReader(io.BytesIO(content)).pages if page.mediabox.width < 600]
        return {n: page.extract_text() for n, page in enumerate(pages)}
    return {"page": re.sub("<[^>]+>", " ", html.unescape(content.decode().partition("<form")[0]))}


def test_every_sheet_and_page_of_every_product_says_date_product_and_sample(finished):
    """From a printed number to the run: the manifest lists it beside the run_id."""
    manifest = json.loads((finished / "data/processed/manifest.json").read_text())
    assert re.fullmatch("[0-9a-f]{64}", manifest["run_id"])
    seen = set()
    for name in (spec.name for spec in discover()):
        product = manifest["facts"][f"报表 {name}"]["products"][name]
        for file in (finished / path for path in product["files"]):
            seen.add(file.suffix)
            for where, said in sheets_of(file).items():
                words = re.sub(r"\s", "", said)
                for stamp in ("数据日期2023-10-31", f"产品编号{product['id']}", "示例数据"):
                    assert stamp in words, (file.name, where)
    assert seen == {".xlsx", ".docx", ".pdf", ".html"}


@pytest.mark.parametrize("place", ["data/raw/x.xlsx", "../x.xlsx", "maps/../../x", "/etc/x"])
def test_a_product_lands_in_the_products_folders_or_not_at_all(county, monkeypatch, place):
    spec = ReportSpec(name="x", title="甲", answers="乙", needs=(), module="tasklist")
    monkeypatch.setattr("pipeline.reports.tasklist.make", lambda _data: {place: b""})
    data = ReportData(
        county=county, classes=(), pack=None, export=county.newest, product_id="0" * 12
    )
    with pytest.raises(GengbaoError, match="文件写到了别处"):
        make(spec, data)

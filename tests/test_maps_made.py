"""The maps of a finished run as files: searchable, with their fonts, asking for nothing outside."""

from __future__ import annotations

import json
import shutil

import pytest
from command_line import gengbao
from pypdf import PdfReader

from pipeline.ingest.county import load_county
from pipeline.render import discover

OF_TOWNS = [spec for spec in discover() if spec.command == "maps"]


@pytest.mark.parametrize("spec", OF_TOWNS, ids=lambda spec: spec.name)
def test_every_town_is_found_in_a_pdf_whose_fonts_are_inside(spec, finished, tiny):
    file = finished / "maps" / f"{spec.stem}.pdf"
    reader = PdfReader(file)
    said = "".join(page.extract_text() for page in reader.pages)
    assert [town.name for town in load_county(tiny).towns if town.name not in said] == []
    fonts = [
        font.get_object()
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    ]  # fmt: skip
    assert fonts
    for font in fonts:
        assert font["/Subtype"] == "/Type0"
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert "/FontFile2" in descriptor
        assert "/ToUnicode" in font
    # the two weights of one face, each embedded once
    names = {font["/BaseFont"].split("+")[-1] for font in fonts}
    assert names <= {"NotoSansSC-Regular", "NotoSansSC-Bold"}
    assert b"/URI" not in file.read_bytes()


def test_maps_that_somebody_removed_are_not_missed_when_one_is_asked_for(
    finished, tiny, tmp_path, monkeypatch
):
    monkeypatch.setenv("GENGBAO_WORKERS", "1")
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    shutil.rmtree(out / "maps")
    done = gengbao("maps", "ranking", "--county", tiny, "--out", out)
    assert done.returncode == 0, done.stderr
    spec = next(spec for spec in OF_TOWNS if spec.name == "ranking")
    assert (out / "maps" / f"{spec.stem}.pdf").is_file()
    kept = json.loads((out / "data/processed/.state.json").read_text(encoding="utf-8"))
    assert {
        name for name in kept["stages"]["制图"]["products"] if not (out / name).is_file()
    } == set()

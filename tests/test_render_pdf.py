"""PDF of our own: what another reader finds in it."""

from __future__ import annotations

import io
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, IdentityTransform
from pypdf import PdfReader

from pipeline.render.fonts import PACKAGE, VARIABLE_FACE, faces, shipped
from pipeline.render.pdf import PAGE_URL, document, leaf_of
from pipeline.render.pdf.embedding import program
from pipeline.render.pdf.operators import path_operators
from pipeline.render.sheet import Ink, new_sheet
from pipeline.render.style import Page
from pipeline.render.typesetting import Line, font_of

PARTICULARS = {"Title": "图（一）", "CreationDate": datetime(2023, 11, 30, tzinfo=UTC)}


def written(*texts, file=None, url=None):
    """A page of 100 × 50 mm with lines of text, in a font file if given."""
    sheet = new_sheet(Page("试", 100, 50))
    for n, text in enumerate(texts):
        if file is None:
            line = sheet.text((10, 40 - 6 * n), text, Ink(9))
        else:
            line = sheet.add(Line(10, 40 - 6 * n, text, fontproperties=font_of(str(file), 9)))
        line.set_url(url)
    return leaf_of(sheet.figure)


def test_a_reader_finds_the_words_the_particulars_and_the_size():
    content = document([written("杏坪镇 1,234.5亩"), written("第2页")], PARTICULARS)
    reader = PdfReader(io.BytesIO(content))
    assert [page.extract_text() for page in reader.pages] == ["杏坪镇 1,234.5亩", "第2页"]
    assert reader.metadata.title == "图（一）"
    assert reader.metadata.creation_date == datetime(2023, 11, 30, tzinfo=UTC)
    # 100 × 50 mm in points of 1/72 inch, to a pixel of 300 dpi
    assert [float(n) for n in reader.pages[0].mediabox[2:]] == pytest.approx(
        [283.46, 141.73], abs=0.24
    )
    assert document([written("杏坪镇 1,234.5亩"), written("第2页")], PARTICULARS) == content


def test_a_village_written_with_a_rare_character_is_found():
    # 𬒈 U+2C488 takes two units of UTF-16; 垯 is in the basic plane
    leaf = written("𬒈垯村", file=shipped(PACKAGE, VARIABLE_FACE))
    reader = PdfReader(io.BytesIO(document([leaf], PARTICULARS)))
    assert reader.pages[0].extract_text() == "𬒈垯村"


def test_jumps_lead_to_pages_and_bookmarks_stand_below_each_other():
    leaves = [written("见第2页", url=f"{PAGE_URL}2"), written("乙")]
    marks = [("封面", 1, 0), ("某镇", 2, 0), ("图幅 1–3", 2, 1)]
    reader = PdfReader(io.BytesIO(document(leaves, PARTICULARS, marks)))
    (note,) = (note.get_object() for note in reader.pages[0]["/Annots"])
    assert reader.get_page_number(note["/Dest"][0].get_object()) == 1
    assert "/A" not in note
    first, second, (below,) = reader.outline
    assert [item.title for item in (first, second, below)] == ["封面", "某镇", "图幅 1–3"]
    assert [reader.get_destination_page_number(item) for item in (first, second, below)] == [
        0,
        1,
        1,
    ]


def test_an_embedded_font_keeps_the_outlines_asked_for_and_their_numbers():
    file = faces().common_regular
    own = TTFont(file)
    wanted = [own.getBestCmap()[ord(char)] for char in "柞½"]
    numbers = [own.getGlyphID(name) for name in wanted]
    cut = TTFont(io.BytesIO(program(str(file), numbers)))
    cut.setGlyphOrder(own.getGlyphOrder())
    for name in wanted:
        assert cut["glyf"][name] == own["glyf"][name]
        assert cut["hmtx"][name] == own["hmtx"][name]
    assert cut["glyf"][own.getBestCmap()[ord("水")]].numberOfContours == 0
    assert cut["maxp"].numGlyphs == own["maxp"].numGlyphs


def test_paths_are_written_in_hundredths_of_a_point_quadratic_curves_as_cubic():
    path = Path(
        [[0, 0], [1, 0], [1, 3], [4, 3], [0, 0]],
        [Path.MOVETO, Path.LINETO, Path.CURVE3, Path.CURVE3, Path.CLOSEPOLY],
    )
    # control points two thirds of the way from (1, 0) and from (4, 3) to (1, 3): (1, 2), (2, 3)
    assert path_operators(path, IdentityTransform()) == (
        "0 0 m\n100 0 l\n100 200 200 300 400 300 c\nh\n"
    )
    assert path_operators(Path([[0.004, 1], [2, 2]]), Affine2D().scale(10)) == (
        "4 1000 m\n2000 2000 l\n"
    )


def test_a_colour_that_lets_the_ground_shine_through_is_refused():
    figure = Figure()
    figure.add_artist(Rectangle((0, 0), 1, 1, facecolor=(1, 0, 0, 0.5)))
    with pytest.raises(ValueError, match="can't be written"):
        leaf_of(figure)


def test_a_text_that_is_half_transparent_is_refused_and_one_wholly_so_is_left_out():
    figure = Figure()
    word = figure.text(0.1, 0.5, "A", alpha=0.5)
    with pytest.raises(ValueError, match="can't be written"):
        leaf_of(figure)
    word.set_alpha(0)
    assert not leaf_of(figure).characters


def test_what_a_frame_cuts_off_is_refused():
    figure = Figure()
    shape = figure.add_artist(Rectangle((0, 0), 1, 1))
    shape.set_clip_path(figure.patch)
    with pytest.raises(ValueError, match="cut off"):
        leaf_of(figure)


def test_a_single_dashed_or_hatched_shape_keeps_its_dashes_and_its_hatch():
    figure = Figure(figsize=(2, 2))
    line = LineCollection([[(20, 20), (100, 100)]], linestyles=[(0, (4, 2))], linewidths=2)
    shape = PathCollection([Path.unit_rectangle()], hatch="////", facecolors="none", edgecolors="k")
    for drawn in (line, shape):
        drawn.set_transform(IdentityTransform())
        figure.add_artist(drawn)
    leaf = leaf_of(figure)
    assert b"[800 400] 0 d" in zlib.decompress(leaf.content)  # 4 and 2 widths of 2 pt
    assert len(leaf.patterns) == 1
    assert not leaf.marks


def test_hatches_and_marks_are_written_once():
    figure = Figure(figsize=(2, 2))
    square = Path.unit_rectangle()
    for at in (0.1, 0.5):
        shape = PathPatch(Affine2D().scale(0.3).translate(at, at).transform_path(square))
        shape.set(hatch="////", facecolor="none", edgecolor="none", transform=figure.transFigure)
        figure.add_artist(shape)
    leaf = leaf_of(figure)
    assert len(leaf.patterns) == 1
    page = PdfReader(io.BytesIO(document([leaf, leaf], PARTICULARS))).pages[1]
    assert page.get_contents().get_data().count(b"scn") == 1  # the colour stays the pattern
    assert list(page["/Resources"]["/Pattern"]) == [f"/{name}" for name in leaf.patterns]
    assert np.asarray(page.mediabox)[2:].astype(float).tolist() == [144, 144]

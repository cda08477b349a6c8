"""Breaks, colours, fonts: what every choropleth stands on."""

from __future__ import annotations

import io
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables.TupleVariation import TupleVariation
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigError, OutputError
from pipeline.render import fonts
from pipeline.render.breaks import half_up, load_breaks
from pipeline.render.style import STYLE, on_dark, page

if TYPE_CHECKING:
    from pathlib import Path

BREAKS = load_breaks("cropland_gap")

# Machado, Oliveira, Fernandes 2009, severity 1.0, for linear RGB
MACHADO = {
    "normal": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}  # fmt: skip


def lab(colour, matrix):
    """CIE L*a*b* (D65) of an sRGB colour seen through a matrix."""
    rgb = np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(matrix) @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ratio = np.array(to_xyz) @ seen / [0.95047, 1.0, 1.08883]
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize(
    ("sight", "least"), [("normal", 25), ("deutan", 16), ("protan", 18), ("tritan", 13)]
)
def test_neighbouring_classes_differ_for_every_sight(sight, least):
    seen = [lab(item.colour, MACHADO[sight]) for item in BREAKS.classes]
    nearest = min(np.linalg.norm(a - b) for n, a in enumerate(seen) for b in seen[:n])
    assert nearest >= least


def test_classes_above_zero_darken_on_a_grey_copier():
    light = [lab(item.colour, np.eye(3))[0] for item in BREAKS.classes[1:]]
    assert all(a - b > 8 for a, b in pairwise(light))


@pytest.mark.parametrize(
    ("mu", "label"),
    [
        ("0", "0（无缺口）"), ("0.000015", "1–50"), ("0.4", "1–50"), ("1", "1–50"),
        ("50.499999", "1–50"), ("50.5", "51–150"), ("150", "51–150"), ("151", "151–400"),
        ("400.4", "151–400"), ("401", "401–800"), ("800", "401–800"), ("800.5", ">800"),
    ],
)  # fmt: skip
def test_classes_at_their_edges(mu, label):
    assert BREAKS.of(Decimal(mu)).label == label


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.decimals(0, 100_000, places=6))
def test_an_amount_is_in_the_class_whose_bounds_hold_its_printed_figure(mu):
    found = BREAKS.of(mu)
    assert (found.lower == 0) == (mu == 0)
    assert found.holds(int(half_up(mu, 0))) or 0 < mu < Decimal("0.5")
    assert sum(item.holds(int(half_up(mu, 0))) for item in BREAKS.classes) == 1


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "breaks.csv"
    path.write_text("\n".join(["map,indicator,lower,upper,colour,label", *rows, ""]), "utf-8-sig")
    return path


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((), "没有分级"),
        (("m,cropland,0,0,#E3EEF4,零", "m,cropland,2,,#FFF3BF,多"), "分级不相接"),
        (("m,cropland,0,5,#E3EEF4,零", "m,cropland,6,,#FFF3BF,多"), "分级不相接"),
        (("m,cropland,0,0,#E3EEF4,零", "m,cropland,1,9,#FFF3BF,多"), "最高级有上限 9"),
        (("m,cropland,0,0,#E3EEF4,零", "m,cropland,1.5,,#FFF3BF,多"), "不是整数"),
        (("m,cropland,0,0,red,零", "m,cropland,1,,#FFF3BF,多"), "颜色“red”无法识别"),
        (("m,cropland,0,0,#E3EEF4,", "m,cropland,1,,#FFF3BF,多"), "没有图例文字"),
    ],
)
def test_each_fault_of_the_break_table_is_named(tmp_path, rows, message):
    with pytest.raises(ConfigError, match=message):
        load_breaks("m", table(tmp_path, *rows))


def test_all_faults_of_the_break_table_come_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_breaks("m", table(tmp_path, "m,cropland,0,0,red,", "m,cropland,x,,blue,多"))
    assert len(caught.value.findings) == 4


def test_a_changed_break_changes_the_printed_hash(tmp_path):
    rows = ["m,cropland,0,0,#E3EEF4,零", "m,cropland,1,,#FFF3BF,多"]
    first = load_breaks("m", table(tmp_path, *rows)).fingerprint
    second = load_breaks("m", table(tmp_path, rows[0], rows[1].replace("BF", "BE"))).fingerprint
    assert first != second


def test_pages_lie_and_stand():
    assert (page("A0").width_mm, page("A0").height_mm) == (1189, 841)
    assert (page("A4", landscape=False).width_mm, page("A4", landscape=False).height_mm) == (
        210,
        297,
    )


def test_white_text_on_dark_fills():
    assert [on_dark(item.colour) for item in BREAKS.classes] == [False] * 4 + [True, True]
    sizes = [value for name in STYLE.__slots__ if name.endswith("_pt")
             for value in [getattr(STYLE, name)] if name not in PEN_WIDTHS]  # fmt: skip
    assert min(sizes) >= 5.5


PEN_WIDTHS = {
    "neatline_outer_pt", "neatline_inner_pt", "frame_pt", "county_pt", "town_pt", "hair_pt",
    "rule_pt", "leader_pt", "label_sizes_pt",
}  # fmt: skip


@pytest.fixture
def variable(tmp_path):
    """A variable font of two glyphs whose A widens from 500 (wght 100) to 900 (wght 900)."""
    build = FontBuilder(1000, isTTF=True)
    build.setupGlyphOrder([".notdef", "A"])
    build.setupCharacterMap({65: "A"})
    pen = TTGlyphPen(None)
    for step, point in enumerate([(0, 0), (0, 700), (400, 700)]):
        (pen.moveTo if step == 0 else pen.lineTo)(point)
    pen.closePath()
    build.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "A": pen.glyph()})
    build.setupHorizontalMetrics({".notdef": (500, 0), "A": (500, 0)})
    build.setupHorizontalHeader(ascent=800, descent=-200)
    build.setupNameTable({"familyName": "Test", "styleName": "Thin"})
    build.setupOS2()
    build.setupPost()
    build.setupFvar([("wght", 100, 100, 900, "Weight")], [])
    moves = [(0, 0), (0, 0), (400, 0), (0, 0), (400, 0), (0, 0), (0, 0)]
    build.setupGvar({"A": [TupleVariation({"wght": (0, 1, 1)}, moves)]})
    path = tmp_path / "face.ttf"
    build.font["head"].created = build.font["head"].modified = 0
    build.save(path)
    return path


def test_instances_are_real_weights_with_their_own_name(variable):
    bold = fonts.instance(variable.read_bytes(), "Bold")
    with TTFont(io.BytesIO(bold)) as font:
        assert font["hmtx"]["A"][0] == 800  # 500 + 400 × (700 − 100) / (900 − 100)
        assert font["OS/2"].usWeightClass == 700
        assert font["name"].getDebugName(6) == "NotoSansSC-Bold"
        assert "fvar" not in font
    assert bold == fonts.instance(variable.read_bytes(), "Bold")
    assert bold != fonts.instance(variable.read_bytes(), "Regular")


def test_a_damaged_cache_is_made_anew(variable, tmp_path):
    first = fonts.cached(variable, "Bold", [tmp_path / "cache"])
    good = first.read_bytes()
    assert fonts.whole(good)
    first.write_bytes(good[:-40])
    assert fonts.cached(variable, "Bold", [tmp_path / "cache"]).read_bytes() == good


def test_a_cache_is_used_when_it_is_there(variable, tmp_path):
    path = fonts.cached(variable, "Bold", [tmp_path / "cache"])
    stamp = path.stat().st_mtime_ns
    assert fonts.cached(variable, "Bold", [tmp_path / "other", tmp_path / "cache"]) == path
    assert path.stat().st_mtime_ns == stamp


def test_an_unwritable_cache_falls_back_and_two_are_an_error(variable, tmp_path):
    wall = tmp_path / "wall"
    wall.write_text("a file where a folder should be", "utf-8")
    assert fonts.cached(variable, "Bold", [wall / "in", tmp_path / "spare"]).is_file()
    with pytest.raises(OutputError, match="无法写入"):
        fonts.cached(variable, "Regular", [wall / "in", wall / "too"])


def test_a_missing_font_package_is_named():
    with pytest.raises(ConfigError, match="字体包 no_such_font_package"):
        fonts.shipped("no_such_font_package", "face.ttf")


def test_missing_characters_are_named():
    with pytest.raises(ConfigError, match=r"没有字符“✔”（U\+2714）") as caught:
        fonts.check_characters(["完成✔", "正常"], fonts.faces().characters)
    assert len(caught.value.findings) == 1


def test_rare_village_characters_and_signs_are_there():
    fonts.check_characters(
        ["圲垯塬垴峁畈𬒈", "㎡²㎥㎢㏊亩①⑩ⅠⅤ〔〕∶▲●√‰→—－，；：（）“”°′"], fonts.faces().characters
    )

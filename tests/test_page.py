"""The offline page as bytes: what is in it, what must not be, and that it can be read back."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import string
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from page_data import page_data

from pipeline import reports
from pipeline.errors import GengbaoError
from pipeline.explain import explain
from pipeline.freshness import code_files
from pipeline.reports.page import FILES, make
from pipeline.reports.page.assemble import LEAFLET, TABULATOR, css_string, json_block
from pipeline.reports.page.ground import KINDS
from pipeline.reports.page.shapes import coded_rings, inner_points, numbers_text, to_degrees
from pipeline.reports.products.plots_page import PRODUCTS

PLOTS, PLAIN = FILES
PERSONAL = ("ZRRZJHM", "ZRRMC", "LXDH", "QLR", "zrrzjhm", "lxdh")


@pytest.fixture(scope="module")
def data(tiny, finished):
    return page_data(tiny, finished)


@pytest.fixture(scope="module")
def pages(data):
    return make(data)


def document_of(page):
    """Return the JSON a browser finds in the page: what it starts with, and `why`."""
    text = page.decode()
    block = '<script type="application/json" id="{}">(.*?)</script>'
    data, why = (json.loads(re.search(block.format(n), text)[1]) for n in ("data", "why-data"))
    return data | {"why": why}


def test_a_run_makes_the_page_with_its_own_id_and_links_it_from_the_list_of_contents(
    finished, pages
):
    manifest = json.loads((finished / "data/processed/manifest.json").read_text())
    product = manifest["facts"]["报表 plots_page"]["products"]["plots_page"]
    page = (finished / PLOTS).read_bytes()
    assert product["files"] == sorted(FILES)
    assert f"产品编号 {product['id']}".encode() in page
    index = (finished / "maps/index.html").read_text()
    assert 'href="plots.html"' in index
    assert "plots_%E6%97%A0%E5%9D%90%E6%A0%87.html" in index
    stamped = page.decode().replace(product["id"], "0123456789ab")
    heads = (text.partition("<script")[0] for text in (stamped, pages[PLOTS].decode()))
    ours, theirs = document_of(pages[PLOTS]), document_of(page)
    del ours["why"]["sheet"], theirs["why"]["sheet"]
    assert ours == theirs
    ours, theirs = (re.sub("'sha256-[^']+'", "", head) for head in heads)  # the stamp is hashed
    assert ours == theirs


def test_the_same_data_gives_the_same_bytes(data, pages):
    assert make(data) == pages


@pytest.mark.parametrize("name", FILES)
def test_every_script_and_style_is_allowed_by_its_hash_and_nothing_else_is(pages, name):
    text = pages[name].decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "unsafe" not in policy
    for element, rule in (("script", "script-src"), ("style", "style-src")):
        blocks = re.findall(rf"<{element}>(.*?)</{element}>", text, flags=re.DOTALL)
        digests = [hashlib.sha256(block.encode()).digest() for block in blocks]
        wanted = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
        assert rules[rule].split() == wanted
        json_blocks = 2 if element == "script" else 0
        assert len(re.findall(rf"<{element}[ >]", text)) == len(blocks) + json_blocks
    assert not re.search(r"\son\w+=|\sstyle=", text.partition("<script")[0])


@pytest.mark.parametrize("library", [LEAFLET, TABULATOR], ids=["leaflet", "tabulator"])
def test_an_inlined_library_looks_for_no_other_file_and_bears_its_licence(pages, library):
    assert "sourceMappingURL" not in library.script_text + library.style_text
    assert not re.search(r"url\((?!data:)", library.style_text)
    assert "</script" not in library.script_text.lower()
    assert f"{library.name} {library.version}（".encode() in pages[PLOTS]
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", library.version)


def test_the_page_to_be_mailed_holds_no_coordinate(data, pages):
    document, mapped = document_of(pages[PLAIN]), document_of(pages[PLOTS])
    assert mapped.keys() - document.keys() == {"origin", "extent", "shapes", "points", "ground"}
    assert (document["tasks"], document["why"]) == (mapped["tasks"], mapped["why"])
    west, south, east, north = data.towns.to_crs("EPSG:4490").total_bounds
    plane = data.towns.total_bounds
    numbers = [float(n) for n in re.findall(r"(?<![\w.])[0-9]+\.[0-9]{3,}", json.dumps(document))]
    assert not [n for n in numbers if west <= n <= east or south <= n <= north]
    whole = {int(n) for n in re.findall(r"(?<!\w)[0-9]{6,8}(?!\w)", json.dumps(document))}
    assert not [n for n in whole if plane[0] <= n <= plane[2] or plane[1] <= n <= plane[3]]
    assert b"L.Path" in pages[PLOTS]
    assert b"L.Path" not in pages[PLAIN]
    assert b"Leaflet" not in pages[PLAIN]


def test_no_column_of_persons_reaches_a_page(data):
    """Names of columns as deliveries carry them; the values must not show up either."""
    marked = dict.fromkeys(PERSONAL, "机密甲乙丙")
    frames = ("ledger", "opened", "land", "towns", "history", "summary", "sheets")
    loaded = replace(data, **{name: getattr(data, name).assign(**marked) for name in frames})
    for page in make(loaded).values():
        assert "机密甲乙丙".encode() not in page
        assert not [name for name in PERSONAL if f'"{name}"'.encode() in page]


def test_hostile_text_stays_text(data):
    evil = "</script><script>alert(1)</script><!--\u2028'\"&{}"
    hostile = replace(data, ledger=data.ledger.assign(village=evil))
    page = make(hostile)[PLOTS]
    assert page.count(b"<script>alert(1)") == 0
    assert page.lower().count(b"</script") == len(re.findall(rb"<script[ >]", page))
    assert evil in document_of(page)["villages"]


def test_a_page_that_does_not_add_up_to_the_summary_is_not_made(data):
    ledger = data.ledger.copy()
    place = int(np.flatnonzero(ledger["status"] == "open")[0])
    ledger.loc[place, "area_m2"] += 0.01
    with pytest.raises(GengbaoError, match="图斑合计"):
        make(replace(data, ledger=ledger))


def test_a_task_whose_pieces_are_gone_is_named(data):
    gone = data.ledger["task_id"].iloc[0]
    opened = data.opened[data.opened["bsm"] != data.ledger["bsm"].iloc[0]]
    with pytest.raises(GengbaoError, match=gone):
        make(replace(data, opened=opened))


def test_the_reasons_are_those_of_explain_word_for_word(data, pages):
    document = document_of(pages[PLOTS])
    told, lines = document["why"], document["why"]["lines"]
    for place in range(0, len(told["pieces"]), 17):
        row = data.ledger.iloc[place]
        pieces = data.opened[data.opened["first_seen"] == row["first_seen"]]
        plot = data.land.iloc[[0]].assign(bsm=row["bsm"])  # the head's words aren't compared
        said = explain(
            row["bsm"], pieces=gpd.GeoDataFrame(pieces), parcels=plot, pack=data.pack,
            classes=data.classes, county=data.county,
        )  # fmt: skip
        words = {line.strip() for line in said.splitlines()}
        for piece in told["pieces"][place]:
            why = told["reasons"][piece[0]]
            numbers = [*why["evidence"], *why["tried"], *why["verdict"], why["runner_up"]]
            assert {lines[n] for n in [*numbers, *why["flags"]]} <= words


def numbers_in(text):
    """Return the numbers of base64 VLQ, read one digit after the other as source maps are."""
    digits = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    numbers, value, shift = [], 0, 0
    for sign in text:
        digit = digits.index(sign)
        value += (digit & 31) << shift
        shift += 5
        if digit < 32:
            numbers.append(-(value >> 1) if value & 1 else value >> 1)
            value, shift = 0, 0
    return numbers


def decoded(text, origin):
    """Return coded rings as polygons united by the even-odd rule, in degrees."""
    shape = shapely.Polygon()
    for ring in text.split(" "):
        points = np.cumsum(np.array(numbers_in(ring)).reshape(-1, 2), axis=0) + origin
        shape = shape.symmetric_difference(shapely.Polygon(points / 1e6))
    return shape


@given(st.lists(st.integers(-180_000_000, 180_000_000), min_size=1))
def test_whole_numbers_come_back_from_their_text(numbers):
    text, ends = numbers_text(np.array(numbers))
    assert numbers_in(text) == numbers
    assert [len(numbers_in(text[:end])) for end in ends] == list(range(1, len(numbers) + 1))


def test_shapes_with_holes_and_parts_come_back_within_a_millionth_of_a_degree():
    holed = shapely.box(0, 0, 1, 1) - shapely.box(0.25, 0.25, 0.5, 0.5)
    parts = shapely.MultiPolygon([holed, shapely.box(2.0000004, 0, 3, 1)])
    shapes = np.array([holed, None, shapely.Polygon(), parts], dtype=object)
    coded = coded_rings(shapes, [-7, 3])
    assert [len(text.split()) for text in coded] == [2, 0, 0, 3]
    for shape, rings in ((holed, coded[0]), (parts, coded[3])):
        assert decoded(rings, [-7, 3]).symmetric_difference(shape).area < 1e-6
    points = inner_points(shapes)
    assert [point is None for point in points] == [False, True, True, False]
    assert holed.contains(shapely.Point(np.array(points[0]) / 1e6))


def test_a_shape_smaller_than_a_millionth_of_a_degree_has_no_ring():
    speck = shapely.box(0, 0, 1e-8, 1e-8)
    assert coded_rings(np.array([speck, shapely.box(0, 0, 1, 1)], dtype=object), [0, 0])[0] == ""


def test_the_degrees_are_those_of_the_survey_s_datum():
    """CGCS2000 zone 36 has its meridian at 108°E, false easting 36,500,000 m: x there is 108°."""
    point = to_degrees(np.array([shapely.Point(36_500_000, 0)], dtype=object), "EPSG:4524")[0]
    assert (point.x, point.y) == pytest.approx((108, 0), abs=1e-12)


@given(st.recursive(
    st.text() | st.integers() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
))  # fmt: skip
def test_a_block_of_json_reads_back_and_cannot_end_its_element(value):
    block = json_block({"value": value})
    assert json.loads(block) == {"value": value}
    assert not set("<>&\u2028\u2029") & set(block)


@given(st.text())
def test_a_css_string_reads_back_and_cannot_end_its_element(text):
    string = css_string(text)
    read = re.sub(r"\\([0-9a-f]+) ", lambda sign: chr(int(sign[1], 16)), string[1:-1])
    assert read == text
    assert not set(string[1:-1]) & set('"<>\n\r\f{}')


def test_sheets_and_course_stand_with_their_task(data, pages):
    document = document_of(pages[PLOTS])
    tasks, told = document["tasks"], document["why"]
    assert told["sheet"][:2] == [None, [4, 7]]
    history = data.history[data.history["entry"].notna()]
    assert sum(map(len, told["course"])) == len(history)
    for place in (0, 40, len(tasks["id"]) - 1):
        own = history[history["task_id"] == tasks["id"][place]]
        days = [document["days"][row[0]] for row in told["course"][place]]
        assert days == list(own["export"])
    closed = pd.Series(tasks["closed"]) >= 0
    assert closed.tolist() == data.ledger["closed_on"].notna().tolist()


def test_what_the_page_is_assembled_from_counts_as_code_of_the_reports():
    """A changed script or style makes the page anew."""
    static = Path(reports.__file__).parent / "page" / "static"
    assert set(static.iterdir()) <= set(code_files(("reports",)))


def test_the_page_reads_of_the_land_what_it_shows_and_is_the_one_of_all_the_land(data, pages):
    (spec,) = PRODUCTS
    assert set(spec.land) == {start for _, starts, _, _ in KINDS for start in starts}
    shown = data.land["dlbm"].str.startswith(spec.land).to_numpy()
    assert 0 < shown.sum() < len(shown)
    read = data.land[["dlbm", "geometry"]].copy()
    read.loc[~shown, "geometry"] = None
    assert make(replace(data, land=read)) == pages


def test_a_product_that_needs_the_land_must_say_which():
    with pytest.raises(ValueError, match="needs and land disagree"):
        replace(PRODUCTS[0], land=())

"""The offline page as people use it, in real headless Chromium, opened from file://."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from page_data import page_data
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

from pipeline.explain import explain
from pipeline.measure import mu_text, to_cm2, to_mu
from pipeline.reports.page import FILES, make

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
LAPTOP = {"width": 1366, "height": 768}
PLOTS, PLAIN = FILES

pytestmark = pytest.mark.skipif(
    not CHROMIUM.exists(),
    reason="没有 /usr/bin/chromium：离线页的浏览器测试一个也没有跑！装上：apt-get install chromium",
)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=list(FLAGS)
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def data(tiny, finished):
    return page_data(tiny, finished)


@pytest.fixture(scope="module")
def site(data, tmp_path_factory):
    """A folder with a name as offices have them, the pages in it."""
    folder = tmp_path_factory.mktemp("site") / "成果 #1"
    folder.mkdir()
    for name, content in make(data).items():
        (folder / Path(name).name).write_bytes(content)
    return folder


@pytest.fixture
def visit(browser):
    """Return a function that opens a file offline; at the end nothing may have gone wrong."""
    seen = []
    context = browser.new_context(viewport=LAPTOP, offline=True, locale="zh-CN")

    def opened(file):
        page = context.new_page()
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: request.url == file.as_uri() or seen.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    context.close()
    assert seen == [], "requests, console messages, violations of the policy, dialogs"


@pytest.fixture
def page(visit, site):
    return visit(site / "plots.html")


def rows_of(page):
    """Return the BSMs in the list, from top to bottom as far as they are drawn."""
    return page.locator('.tabulator-cell[tabulator-field="bsm"]').all_inner_texts()


def counts_of(page):
    """Return the line of counts as numbers by their words."""
    text = page.inner_text("#counts")
    return dict(re.findall(r"(任务|图斑|面积|已恢复|剩余|撤出) ([0-9.]+)", text))


def expected(tasks):
    """Return what the line of counts must say of tasks of the ledger, from integer sums."""
    here = tasks[tasks["status"] != "withdrawn"]
    said = {"任务": str(len(here)), "图斑": str(here["bsm"].nunique())}
    for word, column in (("面积", "area_m2"), ("已恢复", "restored_m2"), ("剩余", "remaining_m2")):
        said[word] = mu_text(int(to_cm2(here[column]).sum()))
    gone = len(tasks) - len(here)
    return said | ({"撤出": str(gone)} if gone else {})


def tick(page, name):
    page.check(f'#filter input[value="{name}"]')


def centre_of(page):
    """Return what the line under the map says is in its middle: degrees east and north."""
    page.locator("#where", has_text="图中心").wait_for()
    east, north = re.search(r"（([0-9.]+), ([0-9.]+)）", page.inner_text("#where")).groups()
    return float(east), float(north)


@pytest.mark.parametrize("name", ["plots.html", "plots_无坐标.html"])
def test_a_page_opens_offline_stamped_and_fits_an_office_laptop(visit, site, name):
    page = visit(site / name)
    head = page.inner_text("header")
    for words in ("清石县", "数据日期 2023-10-31", "产品编号 0123456789ab", "示例数据", "密级："):
        assert words in head
    assert page.evaluate("document.documentElement.scrollWidth") <= LAPTOP["width"]
    assert page.evaluate("document.documentElement.scrollHeight") <= LAPTOP["height"]
    assert page.locator("canvas").count() == (2 if name == "plots.html" else 0)
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    head = page.locator(".tabulator-header")
    assert head.evaluate("e => e.scrollWidth <= e.clientWidth"), "every column is in sight"


def test_without_a_filter_every_sum_is_that_of_summary_csv(page, data):
    page.click("#tab-sums")
    columns = (
        "plots", "area_mu", "closed_plots", "restored_mu", "open_plots", "remaining_mu",
        "withdrawn_plots", "withdrawn_mu",
    )  # fmt: skip
    summary = data.table("summary")
    county = summary[summary["level"] == "county"].set_index("category")
    towns = summary[(summary["level"] == "town") & (summary["category"] == "total")]
    rows = {name: county.loc[name] for name in county.index}
    rows |= {row["town"]: row for _, row in towns.iterrows()} | {"county": county.loc["total"]}
    compared = 0
    for row in page.locator("#sums tr[data-item]").all():
        wanted = rows[row.get_attribute("data-item")]
        cells = row.locator("td").all_inner_texts()
        assert cells == [
            f"{to_mu(Decimal(wanted[c]) * 2000 / 3):.2f}" if c.endswith("_mu") else wanted[c]
            for c in columns
        ], row.inner_text()
        compared += len(cells)
    assert compared == (7 + 4 + len(data.county.towns) + 1) * len(columns)
    assert counts_of(page) == expected(data.ledger)


def test_search_finds_plots_by_part_of_the_bsm_by_village_and_in_full_width(page, data):
    bsm = data.ledger["bsm"].iloc[5]
    wide = "".join(chr(ord(sign) + 0xFEE0) for sign in bsm[-9:])
    for words in (bsm, wide, f"  {bsm[-9:]} 河口"):
        page.fill("#words", words)
        assert rows_of(page) == [bsm], words
        assert counts_of(page) == expected(data.ledger[data.ledger["bsm"] == bsm])
    page.fill("#words", "新坪村")
    own = data.ledger[data.ledger["village"].str.endswith("新坪村")]
    assert counts_of(page) == expected(own)
    assert own["status"].eq("withdrawn").any(), "the sums leave them apart"
    page.fill("#words", "没有这个村")
    assert rows_of(page) == []
    assert "没有符合条件的图斑" in page.inner_text("#table")
    page.click("#filter button[type=reset]")
    assert counts_of(page) == expected(data.ledger)


def test_filters_work_together_and_the_numbers_beside_them_follow(page, data):
    tick(page, "in_out_balance")
    tick(page, "pbf_relocate")
    tick(page, "closed")
    page.select_option("#town", label="河口镇")
    ledger = data.ledger
    here = ledger["category"].isin(["in_out_balance", "pbf_relocate"]) & (
        ledger["town"] == "河口镇"
    )
    assert counts_of(page) == expected(ledger[here & (ledger["status"] == "closed")])
    assert rows_of(page) == list(ledger[here & (ledger["status"] == "closed")]["bsm"])
    chip = page.locator('label:has(input[value="open"]) output').inner_text()
    assert int(chip) == (here & (ledger["status"] == "open")).sum()
    chip = page.locator('label:has(input[value="outflow_restore"]) output').inner_text()
    others = (ledger["town"] == "河口镇") & (ledger["status"] == "closed")
    assert int(chip) == (others & (ledger["category"] == "outflow_restore")).sum()


def test_withdrawn_tasks_are_listed_when_they_are_asked_for(page, data):
    gone = data.ledger[data.ledger["status"] == "withdrawn"]
    assert not set(gone["bsm"]) & set(rows_of(page)) - set(
        data.ledger.loc[data.ledger["status"] != "withdrawn", "bsm"]
    )
    tick(page, "withdrawn")
    assert rows_of(page) == list(gone["bsm"])
    assert counts_of(page)["撤出"] == str(len(gone))
    assert counts_of(page)["任务"] == "0"


def test_the_list_is_sorted_by_a_click_and_by_a_key(page, data):
    head = page.locator('.tabulator-col[tabulator-field="area"]')
    here = data.ledger[data.ledger["status"] != "withdrawn"]
    sizes = [mu_text(cm2) for cm2 in sorted(to_cm2(here["area_m2"]).tolist())]
    first = page.locator('.tabulator-cell[tabulator-field="area"]').first
    head.click()
    assert (first.inner_text(), head.get_attribute("aria-sort")) == (sizes[0], "ascending")
    head.focus()
    page.keyboard.press("Enter")
    assert (first.inner_text(), head.get_attribute("aria-sort")) == (sizes[-1], "descending")


OVERLAPPING = """() => {
  const shown = [...document.querySelectorAll('.town-name')].filter((e) => e.checkVisibility(
    { visibilityProperty: true }));
  const boxes = shown.map((e) => e.firstChild.getBoundingClientRect());
  const pairs = boxes.flatMap((a, n) => boxes.slice(n + 1).map((b) => [a, b]));
  const over = pairs.filter(([a, b]) => a.left < b.right && b.left < a.right
    && a.top < b.bottom && b.top < a.bottom);
  return [shown.length, over.length];
}"""
"""How many names of towns are shown, how many pairs of them stand one over the other."""


def test_names_of_sixty_towns_never_stand_one_over_the_other(visit, data, tmp_path):
    copies = [
        data.towns.assign(town=data.towns["town"] + f"第{n}") for n in range(60 // len(data.towns))
    ]
    many = pd.concat([data.towns, *copies], ignore_index=True)
    (tmp_path / "plots.html").write_bytes(make(replace(data, towns=many))[PLOTS])
    page = visit(tmp_path / "plots.html")
    shown, over = page.evaluate(OVERLAPPING)
    assert len(data.towns) <= shown < len(many)
    assert over == 0


def test_a_click_on_a_row_zooms_to_its_plot(page, data):
    before = centre_of(page)
    row = page.locator(".tabulator-row").nth(3)
    bsm = row.locator('[tabulator-field="bsm"]').inner_text()
    row.click()
    page.wait_for_timeout(700)  # the zoom is drawn
    east, north = centre_of(page)
    shape = data.ledger.to_crs("EPSG:4490").set_index("bsm").geometry[bsm]
    west, south, far_east, far_north = shape.bounds
    assert (west, south) <= (east, north) <= (far_east, far_north)
    assert before != (east, north)
    assert page.locator(".plot-name").count() >= 1, "near enough to tell plots by their letters"
    assert "tabulator-selected" in row.get_attribute("class")


def test_a_click_on_a_plot_says_why_in_the_words_of_explain(page, data):
    page.locator(".tabulator-row").nth(2).click()  # brings a plot into the middle
    page.wait_for_timeout(700)
    page.keyboard.press("Escape")
    assert page.inner_text("#chosen") == ""
    box = page.locator("#map").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    brief = page.locator(".leaflet-tooltip").inner_text()
    page.mouse.click(*middle)
    assert page.inner_text("#chosen") == brief
    assert page.locator("#tab-why").get_attribute("aria-selected") == "true"
    page.click("#why summary")
    told = re.sub(r"\s+", "", page.inner_text("#why")).replace("：", "")
    task = page.inner_text("#why .code").split()[1]
    row = data.ledger.set_index("task_id").loc[task]
    pieces = data.opened[data.opened["first_seen"] == row["first_seen"]]
    plot = data.land.iloc[[0]].assign(bsm=row["bsm"])
    said = explain(
        row["bsm"], pieces=gpd.GeoDataFrame(pieces), parcels=plot, pack=data.pack,
        classes=data.classes, county=data.county,
    )  # fmt: skip
    body = said.partition("\n\n")[2].splitlines()
    assert len(body) > 12
    for line in body[1:]:
        words = re.sub(r"\s+", "", line).replace("：", "")
        assert words.removesuffix("逐条判定") in told, line
    assert row["bsm"] in told
    assert mu_text(int(to_cm2(row["area_m2"]))) in told


def test_the_keyboard_alone_finds_a_plot_and_its_reasons(page, data):
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "words"
    page.keyboard.type("新坪村")
    page.focus(".tabulator-tableholder")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    listed = rows_of(page)
    assert data.ledger.set_index("bsm").loc[listed[1], "town"] in page.inner_text("#chosen")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "why"
    assert listed[1] in page.inner_text("#why")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "list"
    page.focus("#tab-list")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-sums"
    assert page.is_visible("#sums")
    page.click("#tab-list")
    assert rows_of(page)[:2] == listed[:2]
    page.focus("#map")
    before = centre_of(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(400)
    assert centre_of(page)[0] > before[0]


def test_paper_holds_the_filter_the_sums_the_map_and_every_listed_plot(page, data):
    tick(page, "in_out_balance")
    page.locator(".tabulator-row").nth(1).click()
    page.wait_for_timeout(700)
    paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    sheet = paper.pages[0].mediabox
    assert (round(sheet.width), round(sheet.height)) == (842, 595), "A4, landscape"
    text = "".join(leaf.extract_text() for leaf in paper.pages)
    text = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))  # fonts map 示 to a radical
    own = data.ledger[data.ledger["category"] == "in_out_balance"]
    here = own[own["status"] != "withdrawn"]
    assert len(here) > 20, "more than the list on screen draws"
    for bsm in here["bsm"]:
        assert bsm in text
    for words in ("类别进出平衡", "密级", "示例数据", "数据日期2023-10-31", "逐条判定", "历次变动"):
        assert words in text.replace(":", "")
    assert expected(own)["面积"] in text
    assert re.search(rf"第1.,共{len(paper.pages)}.", text), "numbered"
    assert text.count("产品编号0123456789ab") == len(paper.pages) + 1, "every sheet says what it is"
    assert any(leaf.images for leaf in paper.pages), "the map"
    assert page.locator("#print-list").inner_text() == ""


HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    "\"' onmouseover=alert(4) '\"",
    "村\u2028\u2029换行",
    "<!--<script>",
    "=1+1",
    "${data}{{1}}&lt;b&gt;",
)


def test_hostile_text_is_shown_as_text_wherever_it_stands(visit, data, tmp_path):
    count = len(data.ledger)
    villages = [HOSTILE[n % len(HOSTILE)] for n in range(count)]
    sources = data.opened.assign(approved_source=HOSTILE[0], approved_m2=1.0, tbbh=HOSTILE[2])
    history = data.history.assign(reason=HOSTILE[1])
    county = replace(data.county, name="<b onload=alert(5)>县</b>")
    hostile = replace(
        data, county=county, ledger=data.ledger.assign(village=villages), opened=sources,
        history=history,
    )  # fmt: skip
    for name, content in make(hostile).items():
        (tmp_path / Path(name).name).write_bytes(content)
        page = visit(tmp_path / Path(name).name)
        assert county.name in page.inner_text("h1")
        assert county.name in page.title()
        cells = page.locator('.tabulator-cell[tabulator-field="village"]').all_text_contents()
        assert set(HOSTILE) <= {cell.strip() for cell in cells}
        page.locator(".tabulator-row").nth(0).click()
        page.keyboard.press("Escape")
        page.locator(".tabulator-row").nth(1).click()
        page.click("#tab-why")
        for words in (HOSTILE[0], HOSTILE[1], HOSTILE[2]):
            assert words in page.inner_text("#why")
        assert page.locator("img").count() == 0
        page.fill("#words", HOSTILE[0])
        if name == PLOTS:
            page.click("#tab-list")
        assert len(rows_of(page)) >= 1
        page.pdf()


CONTRAST = """() => {
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) =>
    0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const channels = (text) => text.match(/[0-9.]+/g).map(Number);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const [r, g, b, a = 1] = channels(getComputedStyle(at).backgroundColor);
      if (a > 0) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    const aside = node.closest('#map, script, dialog:not([open])');
    if (!text || aside || !node.checkVisibility()) continue;
    const own = light(channels(getComputedStyle(node).color));
    const [one, two] = [own, light(ground(node))].sort((a, b) => b - a);
    if ((one + 0.05) / (two + 0.05) < 4.5) poor.push(text);
  }
  return poor;
}"""
"""Visible texts whose contrast is below WCAG 2's 4.5."""
NAMELESS = """() => {
  const asked = 'button, input, select, [role=tabpanel], dialog, section:not([aria-hidden])';
  const named = (e) => e.textContent.trim() || e.labels?.length || e.ariaLabel
    || e.getAttribute('aria-labelledby');
  return [...document.querySelectorAll(asked)].filter((e) => !named(e)).map((e) => e.outerHTML);
}"""
"""Controls and regions a screen reader has no name for."""


def test_controls_have_names_text_has_contrast_and_nothing_is_told_by_colour_alone(page, data):
    assert page.evaluate(NAMELESS) == []
    for tab in ("list", "why", "sums"):
        page.click(f"#tab-{tab}")
        assert page.evaluate(CONTRAST) == []
    page.click("#help-button")
    assert page.evaluate(CONTRAST) == []
    assert "BSD 2-Clause" in page.inner_text("#help")
    page.keyboard.press("Escape")
    chips = page.locator(".chip").all_inner_texts()
    assert len({chip.split()[0] for chip in chips}) == len(chips) == 7 + 5, "letters and marks"
    for category in (category for category in data.classes if category.task):
        assert f"{category.short} {category.label}" in page.inner_text("#classes")


def test_a_narrow_window_keeps_everything_within_reach(page):
    page.set_viewport_size({"width": 420, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    listed = page.locator("#list").bounding_box()
    assert listed["height"] <= 0.7 * 800, "the list scrolls within itself"
    for part in ("#words", "#map", "#counts", "#table"):
        page.locator(part).scroll_into_view_if_needed()
        assert page.locator(part).is_visible()


def test_the_page_to_be_mailed_lists_searches_and_explains_without_a_map(visit, site, data):
    page = visit(site / "plots_无坐标.html")
    assert page.locator("#map").count() == 0
    assert counts_of(page) == expected(data.ledger)
    page.locator(".tabulator-row").nth(0).click()
    assert "为什么归入这一类" in page.inner_text("#why")
    assert "坐标" not in page.inner_text("#why")
    page.fill("#words", data.ledger["bsm"].iloc[9])
    assert len(rows_of(page)) == 1
    assert page.is_visible("#list")

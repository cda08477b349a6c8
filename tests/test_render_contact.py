"""The contact sheet: every product linked, hostile names harmless, nothing fetched."""

from __future__ import annotations

import re
from datetime import date
from urllib.parse import unquote

from test_render import LEDGER, county_of

from pipeline.render.contact import Shown, contact_sheet

NEWEST = date(2023, 11, 15)


def shown(day=NEWEST, title="耕地缺口分布图", folder=""):
    return Shown(
        day=day, title=title, answers="缺口在哪里", product_id="ab12cd34ef56",
        files=(f"{folder}{title}_A3.pdf", f"{folder}{title}_A3.png", f"{folder}thumbs/gap.png"),
    )  # fmt: skip


def test_every_product_and_table_is_linked_and_the_picture_is_the_small_one():
    page = contact_sheet(
        county_of(), [shown(), shown(LEDGER, folder="2023-09-30/")],
        [("../data/processed/summary.csv", "分镇分类汇总")],
    )  # fmt: skip
    links = [unquote(link) for link in re.findall(r'href="([^"]+)"', page)]
    assert links.count("耕地缺口分布图_A3.png") == 2
    assert "2023-09-30/耕地缺口分布图_A3.pdf" in links
    assert "../data/processed/summary.csv" in links
    assert re.findall(r'src="([^"]+)"', page) == ["thumbs/gap.png", "2023-09-30/thumbs/gap.png"]
    assert "示例数据" in page
    assert "2023年11月15日" in page
    assert "产品编号 ab12cd34ef56" in page


def test_hostile_names_stay_text_and_nothing_is_fetched():
    bad = '<script>alert("x")</script>'
    page = contact_sheet(county_of(name=bad), [shown(title=f"{bad}#1")], [])
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "%23" in page
    assert not re.search(r"https?://|//cdn", page)
    assert "default-src 'none'" in page


def test_a_real_county_is_not_marked_as_sample():
    assert "示例数据" not in contact_sheet(county_of(sample=False), [shown()], [])

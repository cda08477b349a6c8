"""Office products: found by themselves, made one by one, only what changed made again."""

from __future__ import annotations

import importlib

import pytest

from pipeline.errors import GengbaoError
from pipeline.reports import ReportData, ReportSpec, discover, make


def test_every_product_has_its_own_words_and_something_that_makes_it():
    specs = discover()
    assert len({spec.name for spec in specs}) == len({spec.title for spec in specs}) == len(specs)
    for spec in specs:
        assert callable(importlib.import_module(f"pipeline.reports.{spec.module}").make)
        assert set(spec.needs) <= set(ReportData.__slots__), spec.name


@pytest.mark.parametrize("place", ["data/raw/x.xlsx", "../x.xlsx", "maps/../../x", "/etc/x"])
def test_a_product_lands_in_the_products_folders_or_not_at_all(county, monkeypatch, place):
    spec = ReportSpec(name="x", title="甲", answers="乙", needs=(), module="tasklist")
    monkeypatch.setattr("pipeline.reports.tasklist.make", lambda _data: {place: b""})
    data = ReportData(
        county=county, classes=(), pack=None, export=county.newest, product_id="0" * 12
    )
    with pytest.raises(GengbaoError, match="文件写到了别处"):
        make(spec, data)

"""Products read the land they show and no more: with all of it they come out the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline import render, storage
from pipeline.ingest.county import load_county
from pipeline.stages import Desk
from pipeline.stages.pictured import map_data

SPECS = {spec.name: spec for spec in render.discover() if "land" in spec.needs}


@pytest.mark.parametrize(
    ("name", "part"),
    [("wall", None), ("before_after", None), ("book", "front"), ("book", 1)],
)
def test_land_that_is_not_read_is_nowhere_on_the_product(tiny, finished, name, part):
    desk, spec = Desk(load_county(tiny), finished), SPECS[name]
    day = desk.county.newest
    read = map_data(desk, spec, day, "0" * 12)
    assert read.land.geometry.isna().any()  # else there is nothing to be seen here
    every = storage.read_frame(desk.export(day, "parcels.parquet"), ["dlbm", "geometry"])
    assert len(every) == len(read.land)
    if spec.book and isinstance(part, int):
        part = spec.book.parts(read)[part]  # a town's sheets
    once, again = (
        render.render(spec, data) if part is None else render.render_part(spec, data, part)
        for data in (read, replace(read, land=every))
    )
    assert once == again


def test_every_product_with_land_is_looked_at():
    assert set(SPECS) == {"wall", "before_after", "book"}


def test_a_product_that_needs_the_land_must_say_which():
    with pytest.raises(ValueError, match="map wall: give land or windows"):
        replace(SPECS["wall"], land=())

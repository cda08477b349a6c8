"""Every product, found by itself, of every county that sheets are likely to break on."""

from __future__ import annotations

from itertools import islice

import pytest
from gallery import CASES, county_data
from sheets import faults

from pipeline.render import discover, style

PLAIN = "plain"
PAGES = 2
PRODUCTS = [spec for spec in discover() if spec.command == "maps"]
"""Those of other commands are drawn from data of their own, and tested there."""


def look(spec):
    """What products of one family share: the function that draws them, and what of."""
    own = spec.draw
    return (own.func, *map(callable_name, own.keywords.values())) if hasattr(own, "func") else own


def callable_name(value):
    return value.__name__ if callable(value) else ""


def figures(spec, case):
    """The first pages; of a book those of its ends, of all its parts where the ground is odd."""
    data = county_data(case)
    if spec.book is None:
        yield from islice(spec.draw(data), PAGES)
        return
    parts = list(spec.book.parts(data))
    for part in parts if CASES[case].shapes else dict.fromkeys([*parts[:2], parts[-1]]):
        yield from islice(spec.book.draw(data, part), PAGES)


FIRST = list({look(spec): spec for spec in reversed(PRODUCTS)}.values())[::-1]
DRAWN = [(PLAIN, spec) for spec in PRODUCTS] + [
    (case, spec) for case in CASES if case != PLAIN for spec in FIRST
]


@pytest.mark.parametrize(("case", "spec"), DRAWN, ids=lambda value: getattr(value, "name", value))
def test_texts_are_whole_apart_and_in_place(case, spec):
    with style.context():
        said = {n: bad for n, page in enumerate(figures(spec, case), 1)
                if (bad := faults(page))}  # fmt: skip
    assert said == {}


def test_every_product_is_drawn():
    assert {spec.name for case, spec in DRAWN if case == PLAIN} == {s.name for s in PRODUCTS}
    assert {look(spec) for spec in FIRST} == {look(spec) for spec in PRODUCTS}

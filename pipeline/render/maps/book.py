"""图册: the map book inspectors carry; every task plot on exactly one sheet, and indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError
from pipeline.render.book import detail, front, overview
from pipeline.render.book.plan import plan_book
from pipeline.render.book.words import words
from pipeline.render.data import Book, MapSpec
from pipeline.render.ground import WATER_CODES
from pipeline.render.style import page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from pipeline.render.book.plan import Plan
    from pipeline.render.data import MapData

FRONT, INDEX = "front", "index"


def _plan(data: MapData) -> Plan:
    """Return the plan that every part agrees on."""
    if data.tasks is None:
        raise GengbaoError(Finding("制图数据", "缺少 tasks", "请先运行前面的步骤"))
    return plan_book(data.tasks, data.county.towns)


def parts(data: MapData) -> tuple[str, ...]:
    """Return front, the sections by town code, index."""
    return (FRONT, *(section.town_code for section in _plan(data).sections), INDEX)


def draw_part(data: MapData, part: str) -> Iterator[Figure]:
    """Yield the pages of a part."""
    plan, said = _plan(data), words()
    if part == FRONT:
        yield front.cover(data, plan)
        yield front.county_map(data, plan, said)
    elif part == INDEX:
        yield from front.index(data, plan)
    else:
        section = next(item for item in plan.sections if item.town_code == part)
        yield overview.draw(data, plan, section, said)
        yield from detail.pages(data, plan, section, said)


def bookmarks(data: MapData) -> list[tuple[str, int, int]]:
    """Return cover, overview, towns with their frames, index."""
    plan = _plan(data)
    found = [("封面与目录", 1, 0), ("全县总图", 2, 0)]
    for section in plan.sections:
        found.append((section.town, section.page, 0))
        for number, frames in section.detail_pages:
            found.append((f"图幅 {frames[0].number}–{frames[-1].number}", number, 1))
    return [*found, ("标识码索引", plan.index_page, 0)]


def draw(data: MapData) -> Iterator[Figure]:
    """Yield all pages, part by part."""
    for part in parts(data):
        yield from draw_part(data, part)


SPECS = (
    MapSpec(
        name="book",
        title="整改任务图册",
        size=page("A3"),
        needs=("towns", "summary", "tasks", "land"),
        land=WATER_CODES,
        windows=lambda data: detail.grounds(_plan(data)),
        draw=draw,
        answers="每一个任务图斑在哪里、多少亩、属哪一类、销号没有；按标识码查到图幅",
        newest_only=True,
        png=False,
        book=Book(parts=parts, draw=draw_part, bookmarks=bookmarks),
        file="图册",
    ),
)

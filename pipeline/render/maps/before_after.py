"""整改前后对照图: the ledger's opening beside today, same frame, same scale, tasks by state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.render import changes
from pipeline.render import furniture as kit
from pipeline.render.book import callouts
from pipeline.render.chart import chart_page
from pipeline.render.data import Book, MapSpec
from pipeline.render.frame import MapFrame, fit_frame, grid_north, neat_grid, scale_bar, scale_text
from pipeline.render.ground import WATER_CODES, water
from pipeline.render.labels import name_around
from pipeline.render.marks import draw_marks
from pipeline.render.sheet import Box, Ink, Sheet
from pipeline.render.style import PT_MM, STYLE, page
from pipeline.tables import statuses

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd
    from matplotlib.figure import Figure

    from pipeline.render.data import MapData

_BEFORE, _AFTER = Box(20.0, 74.0, 205.0, 243.0), Box(216.0, 74.0, 401.0, 243.0)
_TABLE, _AREAS, _PARTICULARS = (
    Box(14.0, 17.0, 150.0, 61.0), Box(154.0, 17.0, 280.0, 61.0), Box(284.0, 17.0, 404.0, 61.0),
)  # fmt: skip
_MARGIN_MM = 7.0
_MARK_MM = 1.9
_LISTED = 6
PAGES = 12
"""Pages of a part: what one process draws at a time."""
_ORDER = ("closed", "withdrawn", "open", "partial", "reopened")
"""Of drawing: what needs work comes on top."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page: name, town code (None: the county), tasks (of changes.pairs), bounds in m."""

    name: str
    code: str | None
    tasks: gpd.GeoDataFrame
    bounds: tuple[float, float, float, float]


def draw(data: MapData) -> Iterator[Figure]:
    """Yield the county's page, then the towns' in order of their code."""
    for part in parts(data):
        yield from draw_part(data, part)


def parts(data: MapData) -> tuple[str, ...]:
    """Return the numbers of the parts."""
    return tuple(str(n) for n in range(-(-(1 + len(data.county.towns)) // PAGES)))


def draw_part(data: MapData, part: str) -> Iterator[Figure]:
    """Yield the pages of a part."""
    first = int(part) * PAGES
    tasks = _tasks(data)
    ground = None if data.land is None else data.land[data.land["dlbm"].isin(WATER_CODES)]
    for code in (None, *(town.code for town in data.county.towns))[first : first + PAGES]:
        yield _page(data, _place(data, tasks, code), ground)


def bookmarks(data: MapData) -> list[tuple[str, int, int]]:
    """Return county and towns with their pages."""
    names = ["全县", *(town.name for town in data.county.towns)]
    return [(name, number, 0) for number, name in enumerate(names, 1)]


def _tasks(data: MapData) -> gpd.GeoDataFrame:
    if data.tasks is None:
        raise GengbaoError(Finding("制图数据", "缺少 tasks", "请先运行前面的步骤"))
    return changes.pairs(data)


def _place(data: MapData, tasks: gpd.GeoDataFrame, code: str | None) -> Place:
    """Return a town or the county; its map shows its ground and all its tasks."""
    if code is None:
        shown, own, name = data.towns, tasks, "全县"
    else:
        shown = data.towns[data.towns["town_code"] == code]
        own = tasks[tasks["town_code"] == code].reset_index(drop=True)
        name = next(town.name for town in data.county.towns if town.code == code)
    bounds = np.vstack([shown.total_bounds, own.total_bounds])
    if np.isnan(bounds).all():
        bounds = data.towns.total_bounds[None]
    low, high = np.nanmin(bounds[:, :2], axis=0), np.nanmax(bounds[:, 2:], axis=0)
    return Place(name, code, own, (float(low[0]), float(low[1]), float(high[0]), float(high[1])))


def _page(data: MapData, place: Place, water_plots: gpd.GeoDataFrame | None) -> Figure:
    """Draw a place's page."""
    found, first = changes.change(place.tasks), data.export == data.county.ledger
    finding = changes.headline(place.name, found, first=first)
    title = "整改前后对照图" if place.code is None else f"{place.name}整改前后对照图"
    sheet = chart_page(data, title, finding)
    by, what = ("village", "村") if place.code else ("town", "镇办")
    listed = changes.most_left(place.tasks, by, _LISTED)
    for box, name, day, tally in (
        (_BEFORE, "before", data.county.ledger, found.was),
        (_AFTER, "after", data.export, found.now),
    ):
        if name == "after" and first:
            _empty(sheet, box)
            continue
        head = Ink(STYLE.panel_pt + 1.5, bold=True)
        words = "台账首期" if name == "before" else "最新一期"
        sheet.text((box.left, box.top + 6.6), f"{kit.chinese_date(day)}（{words}）", head)
        said = f"{tally.plots:,}个任务，剩余{tally.left}亩"
        ink = Ink(STYLE.panel_pt, bold=True, colour=STYLE.accent, ha="right")
        sheet.text((box.right, box.top + 6.6), said, ink)
        frame = fit_frame(box, place.bounds, _MARGIN_MM)
        _map(sheet, frame, data, place, name, water_plots, listed if name == "after" else [])
    left = _BEFORE.left
    y = _BEFORE.bottom - 9.6
    sheet.text((left, y), scale_text(frame.scale), Ink(11, bold=True))
    scale_bar(sheet, frame, left + 34, y - 0.6)
    note = f"两图同图幅、同比例尺；符号为图斑位置，大图斑另按实形着色。{kit.BOUNDARY_NOTE}"
    sheet.text((_AFTER.left, y), note, Ink(STYLE.note_pt + 0.6, colour=STYLE.quiet))
    _table(sheet, found, kit.band(sheet, _TABLE, "任务状态变化（剩余为尚未恢复的亩数）"))
    _areas(sheet, listed, kit.band(sheet, _AREAS, f"剩余最多的{what}（号与右图相同）"))
    block = kit.band(sheet, _PARTICULARS, "图件信息")
    kit.title_block(sheet, block, data, frame.scale)
    return sheet.figure


def _empty(sheet: Sheet, box: Box) -> None:
    """Fill the second frame while there is nothing to compare with."""
    sheet.rect(box, STYLE.around, STYLE.ink, STYLE.frame_pt)
    ink = Ink(STYLE.headline_pt, colour=STYLE.quiet, ha="center")
    sheet.text(box.centre, "下一期成果入库后在此对照", ink)


def _map(  # noqa: PLR0913, PLR0917 - a map is drawn from all of these
    sheet: Sheet,
    frame: MapFrame,
    data: MapData,
    place: Place,
    when: str,
    water_plots: gpd.GeoDataFrame | None,
    listed: Sequence[tuple[str, np.ndarray, changes.Tally]],
) -> None:
    """Draw ground, tasks by their state and, with leaders, the areas with most left."""
    sheet.rect(frame.box, STYLE.around)
    view = frame.box.shape()
    known = data.towns[~(data.towns.geometry.isna() | data.towns.geometry.is_empty)]
    rows = known[shapely.intersects(known.geometry.to_numpy(), shapely.box(*frame.ground))]
    outlines = shapely.simplify(frame.to_page(rows.geometry.to_numpy()), STYLE.generalise_mm)
    towns = shapely.intersection(shapely.make_valid(outlines), view)
    own = np.full(len(rows), fill_value=True)
    if place.code is not None:
        own = (rows["town_code"] == place.code).to_numpy()
    sheet.fill(towns[own], STYLE.paper, "town")
    water(sheet, water_plots, frame)
    sheet.lines(list(shapely.boundary(towns)), STYLE.town_pt, STYLE.town_line, "towns")
    if own.any():
        edge = shapely.boundary(shapely.union_all(towns[own]))
        sheet.lines(shapely.intersection(edge, view), STYLE.county_pt, STYLE.ink, "border")
    marks = _tasks_on(sheet, frame, place, when)
    north = grid_north(sheet, frame, data.county.crs, (frame.box.right - 12, frame.box.top - 20))
    taken = [north]
    if listed:
        taken += _callouts(sheet, frame, marks, listed, north)
    names, named = rows["town"].to_numpy(), own if place.code is None else ~own
    spots = np.unique(marks[~np.isnan(marks[:, 0])].round(), axis=0)  # many lie on each other
    busy = [*taken, *(Box(x, y, x, y).inset(-_MARK_MM) for x, y in spots)]
    around = dict(zip(names[named], towns[named], strict=True))
    taken += name_around(sheet, around, busy)
    neat_grid(sheet, frame, data.county.crs, taken)
    sheet.rect(frame.box, "none", STYLE.ink, STYLE.frame_pt)


def _tasks_on(sheet: Sheet, frame: MapFrame, place: Place, when: str) -> np.ndarray:
    """Draw tasks in the colour and with the mark of their state; return all marks' places."""
    shapes = np.asarray(frame.to_page(place.tasks.geometry.to_numpy()), dtype=object)
    drawable = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    points = np.full((len(shapes), 2), np.nan)
    points[drawable] = shapely.get_coordinates(shapely.point_on_surface(shapes[drawable]))
    large = np.asarray(shapely.area(shapes)) > _MARK_MM**2
    signs = {status.name: status for status in statuses()}
    status = place.tasks[when].to_numpy()
    for name in _ORDER:
        here = drawable & (status == name)
        sheet.fill(shapes[here & large], signs[name].colour, f"plots:{name}")
        if (here & large).any():
            edges = list(shapely.boundary(shapes[here & large]))
            sheet.lines(edges, STYLE.hair_pt, STYLE.ink, "plot-edge")
    for name in _ORDER:
        here = drawable & (status == name)
        if here.any():
            draw_marks(sheet, points[here], signs[name], _MARK_MM)
    return points


def _callouts(
    sheet: Sheet,
    frame: MapFrame,
    marks: np.ndarray,
    listed: Sequence[tuple[str, np.ndarray, changes.Tally]],
    north: Box,
) -> list[Box]:
    """Write the areas' numbers beside the task in their middle; return the boxes."""
    discs = [shapely.Point(at).buffer(_MARK_MM / 2, 4) for at in marks if not np.isnan(at[0])]
    anchors, texts = [], []
    for number, (_, rows, tally) in enumerate(listed, 1):
        at = marks[rows]
        at = at[~np.isnan(at[:, 0])]
        if len(at):
            middle = at[np.argmin(np.hypot(*(at - np.median(at, axis=0)).T))]
            anchors.append(shapely.Point(middle).buffer(_MARK_MM / 2, 4))
            texts.append((str(number), f"{tally.left}亩", STYLE.ink))
    obstacles = np.array([*anchors, *discs, north.shape()], dtype=object)
    placed = callouts.place(sheet, obstacles, texts, frame.box.inset(0.8))
    callouts.write(sheet, placed)
    return [item.box for item in placed]


def _table(sheet: Sheet, found: changes.Change, panel: Box) -> None:
    """Write the tallies by state: mark, word, tasks and 亩 before, after, and the change."""
    heads = ("原个数", "现个数", "增减", "原剩余亩", "现剩余亩")
    stops = [panel.right - 3 - 20.5 * n for n in reversed(range(len(heads)))]
    y, step = panel.top - 3.6, 4.7
    for stop, head in zip(stops, heads, strict=True):
        sheet.text((stop, y), head, Ink(STYLE.note_pt, colour=STYLE.quiet, ha="right"))
    none = changes.Tally(0, 0)
    for status in statuses():
        y -= step
        draw_marks(sheet, [(panel.left + 5, y + 1.1)], status, 2.4)
        before, after = (t.get(status.name, none) for t in (found.before, found.after))
        _line(sheet, (panel.left + 9, y), status.label, before, after, stops)
    y -= step
    sheet.line([(panel.left + 3, y + 3.9), (panel.right - 3, y + 3.9)], STYLE.rule_pt, STYLE.ink)
    _line(sheet, (panel.left + 9, y), "合计（撤出除外）", found.was, found.now, stops, bold=True)


def _line(  # noqa: PLR0913 - a line of the table
    sheet: Sheet, at: tuple[float, float], label: str, before: changes.Tally,
    after: changes.Tally, stops: Sequence[float], *, bold: bool = False,
) -> None:  # fmt: skip
    """Write a line of the table."""
    size = STYLE.note_pt + 1
    sheet.text(at, label, Ink(size, bold=bold))
    step = after.plots - before.plots
    way = "0" if not step else f"{'+' if step > 0 else '−'}{abs(step):,}"
    texts = (f"{before.plots:,}", f"{after.plots:,}", way, before.left, after.left)
    for stop, text in zip(stops, texts, strict=True):
        sheet.text((stop, at[1]), text, Ink(size, bold=bold, ha="right"))


def _areas(
    sheet: Sheet, listed: Sequence[tuple[str, np.ndarray, changes.Tally]], panel: Box
) -> None:
    """List the areas with most left: number, name, tasks, 亩; a long name takes two lines."""
    if not listed:
        ink = Ink(STYLE.body_pt, colour=STYLE.quiet)
        sheet.text((panel.left + 3, panel.top - 8), "没有剩余任务", ink)
        return
    stops = (panel.right - 21, panel.right - 3)
    y = panel.top - 3.6
    for stop, head in zip(stops, ("个数", "剩余亩"), strict=True):
        sheet.text((stop, y), head, Ink(STYLE.note_pt, colour=STYLE.quiet, ha="right"))
    size, room = STYLE.note_pt + 1, stops[0] - panel.left - 18
    for number, (name, rows, tally) in enumerate(listed, 1):
        y -= 5.2
        strong = Ink(size, bold=True, ha="right")
        sheet.text((panel.left + 6, y), str(number), strong)
        lines = [name]
        if sheet.width(name, Ink(size)) > room:
            lines = sheet.wrapped(name, Ink(STYLE.small_pt), room)[:2]
        for n, line in enumerate(lines):
            ink = Ink(size if len(lines) == 1 else STYLE.small_pt)
            lift = 0.0 if len(lines) == 1 else 1.2 - n * STYLE.small_pt * PT_MM * 1.15
            sheet.fitted((panel.left + 8, y + lift), line, ink, room)
        for stop, text in zip(stops, (f"{len(rows):,}", tally.left), strict=True):
            sheet.text((stop, y), text, Ink(size, ha="right"))


SPECS = (
    MapSpec(
        name="before_after",
        title="整改前后对照图",
        size=page("A3"),
        needs=("towns", "tasks", "land", "history"),
        land=WATER_CODES,
        draw=draw,
        answers="台账首期和现在比，每个镇办哪里销号了、哪里还没完、哪里反弹",
        newest_only=True,
        book=Book(parts=parts, draw=draw_part, bookmarks=bookmarks),
    ),
)

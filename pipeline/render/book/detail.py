"""Detail pages of the map book: four frames, each a map at a true scale and a list of plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.render import furniture as kit
from pipeline.render.backdrop import Backdrop, paled
from pipeline.render.book import callouts
from pipeline.render.book.plan import WINDOW_MM
from pipeline.render.book.words import Words, plot_mu, sum_mu
from pipeline.render.frame import MapFrame, neat_grid, scale_bar, scale_text
from pipeline.render.sheet import Box, Ink, new_sheet
from pipeline.render.style import PT_MM, STYLE, on_dark, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd
    from matplotlib.figure import Figure

    from pipeline.render.book.plan import Frame, Plan, Section
    from pipeline.render.data import MapData
    from pipeline.render.sheet import Sheet

NEIGHBOUR = "#8A9299"
_CELL = (194.0, 123.0)
_ROW_MM = 3.18
_DONE = 0.72


def pages(data: MapData, plan: Plan, section: Section, words: Words) -> Iterator[Figure]:
    """Yield a town's detail pages."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    assert data.land is not None  # noqa: S101 - needs guarantees it
    backdrop = Backdrop(data.land, words.land)
    shapes = np.asarray(data.tasks.geometry.to_numpy(), dtype=object)
    near = shapely.STRtree(shapes)
    numbers = dict(zip(plan.index["row"], plan.index["number"], strict=True))
    towns = np.asarray(data.towns.geometry.to_numpy(), dtype=object)
    for number, frames in section.detail_pages:
        sheet = new_sheet(page("A3"))
        _head(sheet, data, section, frames, words)
        for place, frame in enumerate(frames):
            cell = _cell(place)
            window = _window(cell, frame)
            _caption(sheet, cell, data.tasks, frame)
            others = near.query(shapely.box(*window.ground))
            own = np.array(frame.rows)
            rest = np.setdiff1d(others, own)
            _map(sheet, window, data, own, rest, numbers, words, backdrop, shapes, towns)
            _list(sheet, cell, data.tasks, frame, numbers, words)
        kit.page_foot(sheet, data, number, plan.pages)
        yield sheet.figure


def _cell(place: int) -> Box:
    """Return the box of the first to fourth frame on a page."""
    column, row = place % 2, place // 2
    left = 14 + column * (_CELL[0] + 4)
    top = 270 - row * (_CELL[1] + 3)
    return Box(left, top - _CELL[1], left + _CELL[0], top)


def _window(cell: Box, frame: Frame) -> MapFrame:
    left, top = cell.left + 4.5, cell.top - 11.5
    box = Box(left, top - WINDOW_MM[1], left + WINDOW_MM[0], top)
    return MapFrame(box, frame.scale, frame.east_m, frame.north_m)


def _head(
    sheet: Sheet, data: MapData, section: Section, frames: tuple[Frame, ...], words: Words
) -> None:
    """Draw neatline, running title and the legend of categories and states."""
    room = kit.neatlines(sheet)
    span = f"图幅 {frames[0].number}" + (f"–{frames[-1].number}" if len(frames) > 1 else "")
    title = f"{data.county.name}整改任务图册 · {section.town} · {span}"
    sheet.text((room.left + 4, room.top - 8.2), title, Ink(13, bold=True))
    right = f"数据截至{kit.chinese_date(data.export)}"
    if data.county.sample:
        right = f"{kit.SAMPLE_MARK} · {right}"
    colour = STYLE.accent if data.county.sample else STYLE.quiet
    ink = Ink(STYLE.body_pt, bold=data.county.sample, colour=colour, ha="right")
    sheet.text((room.right - 4, room.top - 7.4), right, ink)
    x, y = room.left + 4, room.top - 13.6
    for label, fill, edge in words.legend():
        sheet.rect(Box(x, y - 0.4, x + 4.5, y + 2.3), fill, edge, STYLE.frame_pt)
        sheet.text((x + 5.6, y), label, Ink(STYLE.note_pt))
        x += 5.6 + sheet.width(label, Ink(STYLE.note_pt)) + 4


def _caption(sheet: Sheet, cell: Box, tasks: gpd.GeoDataFrame, frame: Frame) -> None:
    """Draw a frame's heading: number, scale, plots and 亩."""
    own = tasks.iloc[list(frame.rows)]
    bar = Box(cell.left, cell.top - 6.2, cell.right, cell.top)
    sheet.rect(bar, STYLE.band)
    ink = Ink(9.5, bold=True, colour=STYLE.paper)
    sheet.text((bar.left + 2.5, bar.bottom + 1.8), f"图幅 {frame.number}", ink)
    text = f"{scale_text(frame.scale)}    {len(own)}个图斑  {sum_mu(own)}亩"
    sheet.text(
        (bar.right - 2.5, bar.bottom + 1.8), text,
        Ink(STYLE.body_pt, colour=STYLE.paper, ha="right"),
    )  # fmt: skip


def _map(  # noqa: PLR0913, PLR0917 - a map is drawn from all of these
    sheet: Sheet,
    window: MapFrame,
    data: MapData,
    own: np.ndarray,
    rest: np.ndarray,
    numbers: Mapping[int, int],
    words: Words,
    backdrop: Backdrop,
    shapes: np.ndarray,
    towns: np.ndarray,
) -> None:
    """Draw backdrop, neighbours in grey, the frame's plots, numbers, grid and scale bar."""
    tasks = data.tasks
    assert tasks is not None  # noqa: S101 - needs guarantees it
    sheet.rect(window.box, STYLE.paper)
    on_page = window.to_page(shapes[own])
    fills = [
        words.fill(category, status)
        for category, status in zip(
            tasks["category"].iloc[own], tasks["status"].iloc[own], strict=True
        )
    ]
    texts = [
        (str(numbers[int(row)]), f"{plot_mu(tasks['area_m2'].iloc[int(row)])}亩",
         STYLE.paper if on_dark(fill) else STYLE.ink)
        for row, (fill, _) in zip(own, fills, strict=True)
    ]  # fmt: skip
    placed = callouts.place(sheet, on_page, texts, window.box.inset(0.8))
    backdrop.draw(sheet, window, [item.box for item in placed])
    grey = shapely.clip_by_rect(window.to_page(shapes[rest]), *window.box)
    grey = grey[~np.asarray(shapely.is_empty(grey), dtype=bool)]
    if len(grey):
        sheet.fill(grey, paled(NEIGHBOUR, 0.45), "neighbour")
        sheet.lines(shapely.union_all(shapely.boundary(grey)), STYLE.rule_pt, NEIGHBOUR, "grey")
    for shape, (fill, edge) in zip(on_page, fills, strict=True):
        sheet.fill([shape], fill, "plot")
        sheet.lines(shapely.boundary(shape), STYLE.frame_pt, edge, "plot-edge")
    _town_lines(sheet, window, data, towns, [item.box for item in placed])
    neat_grid(sheet, window, data.county.crs, [item.box for item in placed])
    callouts.write(sheet, placed)
    sheet.rect(window.box, "none", STYLE.ink, STYLE.frame_pt)
    scale_bar(sheet, window, window.box.left + 2, window.box.bottom - 8.6)


def _town_lines(
    sheet: Sheet, window: MapFrame, data: MapData, towns: np.ndarray, taken: list[Box]
) -> None:
    """Draw town borders within the window and name the towns on either side."""
    view = shapely.box(*window.ground)
    hit = [n for n, town in enumerate(towns) if town is not None and town.intersects(view)]
    if len(hit) < 2:  # noqa: PLR2004 - no border without a neighbour
        return
    edges = shapely.clip_by_rect(
        window.to_page(shapely.union_all(shapely.boundary(towns[hit]))), *window.box
    )
    sheet.lines(edges, STYLE.county_pt, STYLE.paper, "town-border")
    sheet.lines(edges, STYLE.frame_pt, STYLE.accent, "town-border")
    ink = Ink(STYLE.body_pt, bold=True, colour=STYLE.accent, ha="center")
    for n in hit:
        part = window.to_page(shapely.intersection(towns[n], view))
        name = str(data.towns["town"].iloc[n])
        half = sheet.width(name, ink) / 2 + 1
        inner = window.box.inset(2)
        room = shapely.intersection(
            part, Box(inner.left + half, inner.bottom, inner.right - half, inner.top - 3).shape()
        )
        # where the whole name stands on the town's ground and on no number
        kept = [Box(b.left - half, b.bottom - 4, b.right + half, b.top + 1).shape() for b in taken]
        room = shapely.difference(room, shapely.union_all(kept))
        if room.area > 4 * half:
            part = max(shapely.get_parts(room), key=shapely.area)
            at = shapely.get_point(shapely.maximum_inscribed_circle(part, tolerance=0.5), 0)
            sheet.text((at.x, at.y), name, ink, gid="town-name")


def _list(
    sheet: Sheet,
    cell: Box,
    tasks: gpd.GeoDataFrame,
    frame: Frame,
    numbers: Mapping[int, int],
    words: Words,
) -> None:
    """Write the frame's plots: number, BSM, category, 亩, state."""
    left, right = cell.left + 4.5 + WINDOW_MM[0] + 5.2, cell.right
    quiet = Ink(STYLE.small_pt, colour=STYLE.quiet)
    stops = (left, left + 4.6, left + 24.4, right - 5.2, right)
    y = cell.top - 10
    for x, text, ha in zip(
        stops, ("号", "标识码", "类别", "亩", "状态"), ("left", "left", "left", "right", "right"),
        strict=True,
    ):  # fmt: skip
        sheet.text((x, y), text, Ink(quiet.size_pt, colour=quiet.colour, ha=ha))  # type: ignore[arg-type]  # three words of the type
    sheet.line([(left, y - 1), (right, y - 1)], STYLE.rule_pt, STYLE.rule)
    size = STYLE.small_pt
    step = min(_ROW_MM, (_CELL[1] - 13) / max(1, len(frame.rows)))
    y -= 0.6
    for row in frame.rows:
        task = tasks.iloc[row]
        y -= step
        foot = y + (step - size * PT_MM) / 2
        sheet.text((stops[0], foot), str(numbers[row]), Ink(size, bold=True))
        sheet.text((stops[1], foot), str(task["bsm"]), Ink(size), gid=f"task:{task['task_id']}")
        label = words.labels[task["category"]]
        fill, edge = words.fill(task["category"], task["status"])
        sheet.rect(Box(stops[2], foot - 0.1, stops[2] + 1.8, foot + 1.7), fill, edge, STYLE.hair_pt)
        sheet.fitted((stops[2] + 2.4, foot), label, Ink(size), 19.8)
        mu = Ink(size, ha="right")
        sheet.text((stops[3], foot), plot_mu(task["area_m2"]), mu)
        sheet.text((stops[4], foot), words.states[task["status"]], mu)

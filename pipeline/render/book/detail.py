"""Detail pages of the map book: four frames, each a map at a true scale and a list of plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
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
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from pipeline.render.book.plan import Frame, Plan, Section
    from pipeline.render.data import MapData
    from pipeline.render.sheet import Sheet

NEIGHBOUR = "#8A9299"
_CELL = (194.0, 123.0)
_ROW_MM = 3.18
_COLUMNS = ("task_id", "bsm", "category", "status", "area_m2")


@dataclass(frozen=True, slots=True)
class Shown:
    """What all detail pages are drawn from.

    tasks, shapes: the ledger's rows; numbers, frames: of each drawn row, within its town and the
    book.
    """

    data: MapData
    tasks: Sequence[Mapping[Hashable, Any]]
    words: Words
    backdrop: Backdrop
    shapes: NDArray[np.object_]
    towns: NDArray[np.object_]
    numbers: Mapping[int, int]
    frames: Mapping[int, int]


def pages(data: MapData, plan: Plan, section: Section, words: Words) -> Iterator[Figure]:
    """Yield a town's detail pages."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    assert data.land is not None  # noqa: S101 - needs guarantees it
    shown = Shown(
        data, data.tasks[list(_COLUMNS)].to_dict("records"), words, Backdrop(data.land, words.land),
        np.asarray(data.tasks.geometry.to_numpy(), dtype=object),
        np.asarray(data.towns.geometry.to_numpy(), dtype=object),
        dict(zip(plan.index["row"], plan.index["number"], strict=True)),
        dict(zip(plan.index["row"], plan.index["frame"], strict=True)),
    )  # fmt: skip
    near = shapely.STRtree(shown.shapes)
    for number, frames in section.detail_pages:
        sheet = new_sheet(page("A3"))
        _head(sheet, data, section, frames, words)
        for place, frame in enumerate(frames):
            cell = _cell(place)
            window = _window(cell, frame)
            _caption(sheet, cell, shown.tasks, frame)
            own = np.array(frame.rows)
            rest = np.setdiff1d(near.query(shapely.box(*window.ground)), own)
            _map(sheet, window, shown, own, rest)
            _list(sheet, cell, shown, frame)
        kit.page_foot(sheet, data, number, plan.pages)
        yield sheet.figure


def grounds(plan: Plan) -> NDArray[np.float64]:
    """Return the ground of every frame (n, 4: west, south, east, north in m)."""
    frames = [frame for section in plan.sections for frame in section.frames]
    return np.array([_window(_cell(0), frame).ground for frame in frames]).reshape(-1, 4)


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


def _caption(
    sheet: Sheet, cell: Box, tasks: Sequence[Mapping[Hashable, Any]], frame: Frame
) -> None:
    """Draw a frame's heading: number, scale, plots and 亩."""
    own = pd.DataFrame([tasks[row] for row in frame.rows])
    bar = Box(cell.left, cell.top - 6.2, cell.right, cell.top)
    sheet.rect(bar, STYLE.band)
    ink = Ink(9.5, bold=True, colour=STYLE.paper)
    sheet.text((bar.left + 2.5, bar.bottom + 1.8), f"图幅 {frame.number}", ink)
    text = f"{scale_text(frame.scale)}    {len(own)}个图斑  {sum_mu(own)}亩"
    sheet.text(
        (bar.right - 2.5, bar.bottom + 1.8), text,
        Ink(STYLE.body_pt, colour=STYLE.paper, ha="right"),
    )  # fmt: skip


def _map(
    sheet: Sheet,
    window: MapFrame,
    shown: Shown,
    own: NDArray[np.int64],
    rest: NDArray[np.int64],
) -> None:
    """Draw backdrop, neighbours in grey, the frame's plots, numbers, grid and scale bar."""
    tasks = shown.tasks
    sheet.rect(window.box, STYLE.paper)
    on_page = window.to_page(shown.shapes[own])
    fills = [shown.words.fill(tasks[row]["category"], tasks[row]["status"]) for row in own]
    texts = [
        (str(shown.numbers[int(row)]), f"{plot_mu(tasks[row]['area_m2'])}亩",
         STYLE.paper if on_dark(fill) else STYLE.ink)
        for row, (fill, _) in zip(own, fills, strict=True)
    ]  # fmt: skip
    placed = callouts.place(sheet, on_page, texts, window.box.inset(0.8))
    grey = shapely.clip_by_rect(window.to_page(shown.shapes[rest]), *window.box)
    boxes = [item.box for item in placed]
    names = shown.backdrop.draw(sheet, window, [*on_page, *grey, *(box.shape() for box in boxes)])
    _neighbours(sheet, grey, [shown.frames[int(row)] for row in rest], boxes)
    for look in dict.fromkeys(sorted(fills)):
        alike = [n for n, found in enumerate(fills) if found == look]
        sheet.fill(on_page[alike], look[0], "plot")
        sheet.lines(list(shapely.boundary(on_page[alike])), STYLE.frame_pt, look[1], "plot-edge")
    _town_lines(sheet, window, shown, [*boxes, *names])
    neat_grid(sheet, window, shown.data.county.crs, [*boxes, *names])
    callouts.write(sheet, placed)
    sheet.rect(window.box, "none", STYLE.ink, STYLE.frame_pt)
    scale_bar(sheet, window, window.box.left + 2, window.box.bottom - 8.6)


def _neighbours(
    sheet: Sheet, shapes: NDArray[np.object_], frames: Sequence[int], taken: Sequence[Box]
) -> None:
    """Draw the plots of other frames in grey, with the frame's number where it has room."""
    drawn = [(shape, n) for shape, n in zip(shapes, frames, strict=True) if not shape.is_empty]
    if not drawn:
        return
    grey = [shape for shape, _ in drawn]
    sheet.fill(grey, paled(NEIGHBOUR, 0.45), "neighbour")
    edges = shapely.union_all(shapely.boundary(np.array(grey, dtype=object)))
    sheet.lines(edges, STYLE.rule_pt, NEIGHBOUR, "grey")
    ink = Ink(STYLE.small_pt, colour=STYLE.quiet, ha="center")
    for shape, number in drawn:
        text = f"见图幅{number}"
        half = sheet.width(text, ink) / 2 + 0.4
        part = max(shapely.get_parts(shape), key=shapely.area)
        if part.area < half:  # no circle worth a look
            continue
        at = shapely.get_point(shapely.maximum_inscribed_circle(part, tolerance=0.3), 0)
        box = Box(at.x - half, at.y - 1.2, at.x + half, at.y + 1.6)
        if part.contains(box.shape()) and not any(box.meets(other) for other in taken):
            sheet.text((at.x, at.y - 0.7), text, ink, gid="neighbour-frame")


def _town_lines(sheet: Sheet, window: MapFrame, shown: Shown, taken: list[Box]) -> None:
    """Draw town borders within the window and name the towns on either side."""
    view, towns = shapely.box(*window.ground), shown.towns
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
        name = str(shown.data.towns["town"].iloc[n])
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
            box = Box(at.x - half, at.y - 0.8, at.x + half, at.y + 3)
            if not shapely.intersects(edges, box.shape()):
                sheet.text((at.x, at.y), name, ink, gid="town-name")


def _list(sheet: Sheet, cell: Box, shown: Shown, frame: Frame) -> None:
    """Write the frame's plots: number, BSM, category, 亩, state."""
    tasks, words = shown.tasks, shown.words
    left, right = cell.left + 4.5 + WINDOW_MM[0] + 4.6, cell.right
    stops = (left, left + 4.5, left + 24.8, right - 5.0, right)
    y = cell.top - 10
    for x, text, ha in zip(
        stops, ("号", "标识码", "类别", "亩", "状态"), ("left", "left", "left", "right", "right"),
        strict=True,
    ):  # fmt: skip
        sheet.text((x, y), text, Ink(STYLE.small_pt, colour=STYLE.quiet, ha=ha))  # type: ignore[arg-type]  # three words of the type
    sheet.line([(left, y - 1), (right, y - 1)], STYLE.rule_pt, STYLE.rule)
    size = STYLE.small_pt
    step = min(_ROW_MM, (_CELL[1] - 13) / max(1, len(frame.rows)))
    y -= 1.1
    plain, right_hand = Ink(size), Ink(size, ha="right")
    swatches, looks = [], []
    for row in frame.rows:
        task = tasks[row]
        y -= step
        foot = y + (step - size * PT_MM) / 2
        sheet.text((stops[0], foot), str(shown.numbers[row]), Ink(size, bold=True))
        sheet.text((stops[1], foot), str(task["bsm"]), plain, gid=f"task:{task['task_id']}")
        swatches.append(Box(stops[2], foot - 0.1, stops[2] + 1.8, foot + 1.7))
        looks.append(words.fill(task["category"], task["status"]))
        label = words.labels[task["category"]]
        sheet.fitted((stops[2] + 2.4, foot), label, plain, 19.8)
        free = stops[3] - stops[2] - 3 - sheet.width(label, plain)
        sheet.text((stops[3], foot), _mu_within(sheet, task["area_m2"], plain, free), right_hand)
        sheet.text((stops[4], foot), words.states[task["status"]], right_hand)
    fills, edges = zip(*looks, strict=True)
    sheet.rects(swatches, fills, edges, STYLE.hair_pt)


def _mu_within(sheet: Sheet, area_m2: float, ink: Ink, width_mm: float) -> str:
    """Return a plot's 亩 with as many decimals as there is room for, two at most."""
    texts = [plot_mu(area_m2, places) for places in (2, 1, 0)]
    return next((text for text in texts if sheet.width(text, ink) <= width_mm), texts[-1])

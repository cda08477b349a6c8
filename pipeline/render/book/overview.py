"""A town's first page: where its frames lie, what they hold, and the town's figures."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.measure import to_cm2
from pipeline.render import furniture as kit
from pipeline.render.book.plan import WINDOW_MM
from pipeline.render.book.words import Words, sum_mu
from pipeline.render.data import table_of
from pipeline.render.frame import fit_frame, grid_north, neat_grid, scale_bar, scale_text
from pipeline.render.gap_table import percent
from pipeline.render.ground import water
from pipeline.render.labels import name_around
from pipeline.render.sheet import Box, Ink, Sheet, new_sheet
from pipeline.render.style import PT_MM, STYLE, page

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import pandas as pd
    from matplotlib.figure import Figure

    from pipeline.render.book.plan import Frame, Plan, Section
    from pipeline.render.data import MapData
    from pipeline.render.frame import MapFrame

_MAP = Box(20.0, 29.0, 280.0, 258.0)
_SIDE = Box(288.0, 20.0, 406.0, 262.0)
_RADIUS_MM = (2.7, 7.5)
_LEAST_ROW_MM = 3.1
_RINGS_MM = (0.0, 2.0, 4.0, 7.0, 10.0, 14.0, 19.0, 25.0, 32.0)


def draw(data: MapData, plan: Plan, section: Section, words: Words) -> Figure:
    """Draw the page."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    rows = [row for frame in section.frames for row in frame.rows]
    tasks = data.tasks.iloc[rows]
    sheet = new_sheet(page("A3"))
    room = kit.neatlines(sheet)
    title = f"{section.town}整改任务分布与图幅索引"
    sheet.text((room.left + 4, room.top - 12), title, Ink(20, bold=True))
    finding = _headline(tasks, words)
    ink = Ink(11, bold=True, colour=STYLE.accent)
    sheet.fitted((room.left + 4, room.top - 19.5), finding, ink, room.width - 60)
    if data.county.sample:
        kit.sample_mark(sheet, (room.right - 50, room.top - 18))
    frame = fit_frame(_MAP, _bounds(data, section, tasks), 8.0)
    _map(sheet, data, section, frame, words)
    y = _table(sheet, data, section, words)
    _frames(sheet, data.tasks, section, y)
    kit.page_foot(sheet, data, section.page, plan.pages)
    return sheet.figure


def _headline(tasks: gpd.GeoDataFrame, words: Words) -> str:
    """Say how many tasks, how much, and which category is largest, from the ledger alone."""
    if tasks.empty:
        return "没有整改任务"
    cm2 = to_cm2(tasks["area_m2"])
    sums = {name: int(cm2[(tasks["category"] == name).to_numpy()].sum()) for name in words.labels}
    first = max(sums, key=lambda name: sums[name])
    share = percent(Decimal(sums[first]), Decimal(int(cm2.sum())))
    closed = int((tasks["status"] == "closed").sum())
    return (
        f"{len(tasks):,}个任务图斑{sum_mu(tasks)}亩，已销号{closed:,}个；"
        f"面积最大的是{words.labels[first]}，占{share}"
    )


def _bounds(
    data: MapData, section: Section, tasks: gpd.GeoDataFrame
) -> tuple[float, float, float, float]:
    """Return what the map must show: the town, and its tasks where it has no outline."""
    own = data.towns[data.towns["town_code"] == section.town_code]
    shapes = own if len(own) else (tasks if len(tasks) else data.towns)
    west, south, east, north = shapes.total_bounds
    return float(west), float(south), float(east), float(north)


def _map(sheet: Sheet, data: MapData, section: Section, frame: MapFrame, words: Words) -> None:
    """Draw town, neighbours by name, water, plots as specks, frames with numbered donuts."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    sheet.rect(frame.box, STYLE.around)
    view = frame.box.shape()
    towns = {
        code: shapely.intersection(frame.to_page(shape), view)
        for code, shape in zip(data.towns["town_code"], data.towns.geometry, strict=True)
    }
    own = towns.get(section.town_code)
    if own is not None:
        sheet.fill([own], STYLE.paper, "town")
    water(sheet, data.land, frame)
    edges = shapely.union_all([shapely.boundary(shape) for shape in towns.values()])
    sheet.lines(edges, STYLE.town_pt, STYLE.town_line, "towns")
    if own is not None:
        sheet.lines(shapely.boundary(own), STYLE.county_pt, STYLE.ink, "town-border")
    north = grid_north(sheet, frame, data.county.crs, (frame.box.right - 13, frame.box.top - 22))
    circles = _circles(data.tasks, section.frames, frame, [north])
    neat_grid(sheet, frame, data.county.crs, [north, *(box for box, _ in circles)])
    names = dict(zip(data.towns["town_code"], data.towns["town"], strict=True))
    around = {names[code]: shape for code, shape in towns.items() if code != section.town_code}
    name_around(sheet, around, [north, *(box for box, _ in circles)])
    for item in section.frames:
        _frame_box(sheet, frame, item)
    shapes = frame.to_page(data.tasks.geometry.to_numpy())
    categories = data.tasks["category"].to_numpy()
    drawn = np.array([row for item in section.frames for row in item.rows], dtype=int)
    for name, colour in words.colours.items():
        rows = drawn[categories[drawn] == name]
        sheet.fill(shapes[rows], colour, f"plots:{name}")
        if len(rows):
            sheet.lines(shapely.union_all(shapely.boundary(shapes[rows])), 1.0, colour, "specks")
    for (box, anchor), item in zip(circles, section.frames, strict=True):
        _donut(sheet, data.tasks, item, box, anchor, words)
    sheet.rect(frame.box, "none", STYLE.ink, STYLE.frame_pt)
    scale = scale_text(frame.scale)
    y = frame.box.bottom - 10.6
    sheet.text((frame.box.left, y), scale, Ink(11, bold=True))
    scale_bar(sheet, frame, frame.box.left + 40, y - 0.6)


def _frame_box(sheet: Sheet, window: MapFrame, item: Frame) -> None:
    """Outline the ground of a frame."""
    half = np.array(WINDOW_MM) * item.scale / 2000
    low = np.array([item.east_m, item.north_m]) - half
    box = window.to_page(shapely.box(*low, *(low + 2 * half)))
    sheet.lines(shapely.boundary(box), STYLE.rule_pt, STYLE.band, "frame")


def _circles(
    tasks: gpd.GeoDataFrame, frames: Sequence[Frame], window: MapFrame, taken: list[Box]
) -> list[tuple[Box, tuple[float, float]]]:
    """Place a circle per frame, its area by its 亩, none on another: (box, centre of the frame)."""
    amounts = np.array([tasks["area_m2"].iloc[list(frame.rows)].sum() for frame in frames])
    low, high = _RADIUS_MM
    sizes = np.clip(np.sqrt(amounts / max(amounts.max(initial=0.0), 1.0)) * high, low, high)
    placed: dict[int, Box] = {}
    busy = list(taken)
    for n in np.argsort(-sizes, kind="stable"):
        at = window.to_page(shapely.Point(frames[n].east_m, frames[n].north_m))
        box = _nearest((at.x, at.y), float(sizes[n]), busy, window.box)
        placed[int(n)] = box
        busy.append(box)
    grounds = np.array([(f.east_m, f.north_m) for f in frames]).reshape(-1, 2)
    centres = window.to_page(shapely.points(grounds))
    return [(placed[n], (float(c.x), float(c.y))) for n, c in enumerate(centres)]


def _nearest(at: tuple[float, float], radius: float, busy: Sequence[Box], room: Box) -> Box:
    """Return the nearest place where a circle is free of others; its own place if none is."""
    for ring in _RINGS_MM:
        for turn in np.arange(12) * np.pi / 6:
            x, y = at[0] + ring * np.cos(turn), at[1] + ring * np.sin(turn)
            box = Box(x - radius, y - radius, x + radius, y + radius)
            inner = room.inset(0.5).shape().contains(box.shape())
            far = all(
                np.hypot(x - other.centre[0], y - other.centre[1]) >= radius + other.width / 2 + 0.4
                for other in busy
            )
            if inner and far:
                return box
    return Box(at[0] - radius, at[1] - radius, at[0] + radius, at[1] + radius)


def _donut(
    sheet: Sheet,
    tasks: gpd.GeoDataFrame,
    item: Frame,
    box: Box,
    anchor: tuple[float, float],
    words: Words,
) -> None:
    """Draw a frame's donut with its number, and a leader where it was moved."""
    own = tasks.iloc[list(item.rows)]
    sums = own.groupby("category")["area_m2"].sum()
    whole = float(sums.sum()) or 1.0
    parts = [(float(sums[name]) / whole, words.colours[name]) for name in words.colours
             if name in sums]  # fmt: skip
    centre, radius = box.centre, box.width / 2
    if np.hypot(centre[0] - anchor[0], centre[1] - anchor[1]) > 1:
        sheet.line([anchor, centre], STYLE.rule_pt, STYLE.band)
    sheet.disc(centre, radius, STYLE.paper)
    sheet.ring(centre, radius, parts, hole=0.68)
    size = 8.5 if radius > 4 else (7.0 if item.number < 100 else STYLE.small_pt)  # noqa: PLR2004 - mm, and three digits
    ink = Ink(size, bold=True, ha="center")
    sheet.text((centre[0], centre[1] - size * PT_MM * 0.37), str(item.number), ink, gid="frame")


def _table(sheet: Sheet, data: MapData, section: Section, words: Words) -> float:
    """Write the town's figures by category, those of summary.csv; return the y beneath."""
    panel = kit.band(sheet, _SIDE, f"{section.town}任务（{data.export.isoformat()}）")
    rows = _summary_rows(data, section)
    heads = ("图斑", "任务亩", "已销号", "撤出", "剩余亩")
    lines = [
        kit.LegendRow(words.colours[name], words.labels[name], _cells(rows.get(name)))
        for name in words.labels
    ]
    total = kit.LegendRow(STYLE.paper, "合计", _cells(rows.get("total")))
    return kit.legend(sheet, panel, ("类别", *heads), lines, total, step=13.0)


def _summary_rows(data: MapData, section: Section) -> dict[str, pd.Series]:
    """Return the town's rows of summary.csv by category."""
    table = table_of(data, "summary")
    own = table[table["level"] == "town"]
    own = own[own["town_code"].fillna("") == section.town_code]
    return {str(row["category"]): row for _, row in own.iterrows()}


def _cells(row: pd.Series | None) -> tuple[str, ...]:
    """Return a row's printed cells: 亩 with one decimal as in 附件2."""
    if row is None:
        return ("0", "0.0", "0", "0", "0.0")
    tenth = Decimal("0.1")
    return (
        f"{int(row['plots']):,}",
        kit.decimal_text(Decimal(row["area_mu"]), tenth),
        f"{int(row['closed_plots']):,}",
        f"{int(row['withdrawn_plots']):,}",
        kit.decimal_text(Decimal(row["remaining_mu"]), tenth),
    )


def _frames(sheet: Sheet, tasks: gpd.GeoDataFrame, section: Section, top: float) -> None:
    """List the frames: number, page, scale, plots, 亩; every line links to its page."""
    panel = kit.band(sheet, _SIDE._replace(top=top - 3), "图幅（点击跳到该页）")
    note = "圆环按类别分色，大小表示任务亩数；细框为图幅范围。"
    sheet.text((panel.left + 3, panel.bottom + 1), note, Ink(STYLE.note_pt, colour=STYLE.quiet))
    pages = {f.number: number for number, frames in section.detail_pages for f in frames}
    room = panel.height - 11
    columns = 2 if len(section.frames) <= 2 * int(room / _LEAST_ROW_MM) else 3
    per = -(-len(section.frames) // columns) or 1
    step, width = min(5.2, room / per), (panel.width - 4) / columns
    size = max(STYLE.small_pt, min(7.5, step / PT_MM * 0.66))
    stops = tuple(share * (width - 7) for share in (0.14, 0.34, 0.6, 0.76, 1.0))
    heads = ("图幅", "页", "比例尺", "图斑", "亩")
    for n in range(-(-len(section.frames) // per)):
        x = panel.left + 3 + n * width
        kit.columns(sheet, panel.top - 4, [x + stop for stop in stops], heads,
                    Ink(STYLE.small_pt, colour=STYLE.quiet, ha="right"))  # fmt: skip
    for n, item in enumerate(section.frames):
        x = panel.left + 3 + (n // per) * width
        y = panel.top - 5 - (n % per + 1) * step
        own = tasks.iloc[list(item.rows)]
        page_number = pages[item.number]
        figures = (
            f"{page_number}", scale_text(item.scale).replace(" ", ""), f"{len(own)}", sum_mu(own, 1)
        )  # fmt: skip
        number = sheet.text((x + stops[0], y), str(item.number), Ink(size, bold=True, ha="right"))
        number.set_url(kit.page_url(page_number))
        number.set_gid("frame-row")
        kit.columns(sheet, y, [x + stop for stop in stops[1:]], figures, Ink(size, ha="right"))

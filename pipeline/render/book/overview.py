"""A town's first page: where its frames lie, what they hold, and the town's figures."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.measure import to_cm2
from pipeline.render import furniture as kit
from pipeline.render.backdrop import land_legend, legend_height
from pipeline.render.book.donuts import circles_of, draw_donut, outlines
from pipeline.render.book.words import Words, sum_mu
from pipeline.render.data import table_of
from pipeline.render.frame import fit_frame, grid_north, neat_grid, scale_bar, scale_text
from pipeline.render.gap_table import percent
from pipeline.render.ground import water
from pipeline.render.labels import name_around
from pipeline.render.sheet import Box, Ink, Sheet, new_sheet
from pipeline.render.style import PT_MM, STYLE, page

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from matplotlib.figure import Figure

    from pipeline.render.book.plan import Plan, Section
    from pipeline.render.data import MapData
    from pipeline.render.frame import MapFrame

_MAP = Box(20.0, 29.0, 280.0, 258.0)
_SIDE = Box(288.0, 20.0, 406.0, 262.0)
_LEAST_ROW_MM = 3.1
_BAND_MM = 8.0


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
    _land(sheet, data, words, _frames(sheet, data.tasks, section, y))
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
    closed, out = (int((tasks["status"] == name).sum()) for name in ("closed", "withdrawn"))
    gone = f"、已撤出{out:,}个" if out else ""
    return (
        f"{len(tasks):,}个任务图斑{sum_mu(tasks)}亩，已销号{closed:,}个{gone}；"
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
    circles = circles_of(data.tasks, section.frames, frame, [north])
    names = dict(zip(data.towns["town_code"], data.towns["town"], strict=True))
    around = {names[code]: shape for code, shape in towns.items() if code != section.town_code}
    taken = [north, *(box for box, _ in circles)]
    taken += name_around(sheet, around, taken)
    neat_grid(sheet, frame, data.county.crs, taken)
    for ground in outlines(frame, section.frames):
        sheet.lines(shapely.boundary(ground), STYLE.rule_pt, STYLE.band, "frame")
    shapes = frame.to_page(data.tasks.geometry.to_numpy())
    categories = data.tasks["category"].to_numpy()
    drawn = np.array([row for item in section.frames for row in item.rows], dtype=int)
    for name, colour in words.colours.items():
        rows = drawn[categories[drawn] == name]
        sheet.fill(shapes[rows], colour, f"plots:{name}")
        if len(rows):
            sheet.lines(shapely.union_all(shapely.boundary(shapes[rows])), 1.0, colour, "specks")
    for (box, anchor), item in zip(circles, section.frames, strict=True):
        draw_donut(sheet, data.tasks, item, box, anchor, words)
    sheet.rect(frame.box, "none", STYLE.ink, STYLE.frame_pt)
    scale = scale_text(frame.scale)
    y = frame.box.bottom - 10.6
    sheet.text((frame.box.left, y), scale, Ink(11, bold=True))
    scale_bar(sheet, frame, frame.box.left + 40, y - 0.6)


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


def _land(sheet: Sheet, data: MapData, words: Words, top: float) -> None:
    """Draw the legend of the survey's classes on detail pages, where there is room for it."""
    if data.land is None:
        return
    codes = sorted(set(data.land["dlbm"].dropna()))
    height = legend_height(len(codes))
    if top - _SIDE.bottom > height + _BAND_MM:
        bottom = _SIDE.bottom
        box = _SIDE._replace(top=bottom + height + _BAND_MM)
        land_legend(sheet, kit.band(sheet, box, "详图底图（本期调查地类）"), codes, words.land)


def _frames(sheet: Sheet, tasks: gpd.GeoDataFrame, section: Section, top: float) -> float:
    """List the frames: number, page, scale, plots, 亩; numbers link to pages; return the y."""
    panel = kit.band(sheet, _SIDE._replace(top=top - 3), "图幅（点击跳到该页）")
    note = "圆环按类别分色，大小表示任务亩数；细框为图幅范围。"
    pages = {f.number: number for number, frames in section.detail_pages for f in frames}
    room = panel.height - 11
    columns = 2 if len(section.frames) <= 2 * int(room / _LEAST_ROW_MM) else 3
    per = -(-len(section.frames) // columns) or 1
    step, width = min(5.6, room / per), (panel.width - 4) / columns
    size = max(STYLE.small_pt, min(7.5, step / PT_MM * 0.66))
    stops = tuple(share * (width - 7) for share in (0.12, 0.27, 0.6, 0.76, 1.0))
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
            f"{page_number}", scale_text(item.scale), f"{len(own)}", sum_mu(own, 1)
        )  # fmt: skip
        number = sheet.text((x + stops[0], y), str(item.number), Ink(size, bold=True, ha="right"))
        number.set_url(kit.page_url(page_number))
        number.set_gid("frame-row")
        kit.columns(sheet, y, [x + stop for stop in stops[1:]], figures, Ink(size, ha="right"))
    y = panel.top - 5 - per * step - 5.5
    sheet.text((panel.left + 3, y), note, Ink(STYLE.note_pt, colour=STYLE.quiet))
    return y - 2

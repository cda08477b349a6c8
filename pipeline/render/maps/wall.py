"""挂图 A0: the whole county with every task plot, for the wall; read at one metre."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.errors import Finding, GengbaoError
from pipeline.model import Indicator
from pipeline.render import furniture as kit
from pipeline.render.book.plan import WINDOW_MM, plan_book
from pipeline.render.book.words import Words, sum_mu, words
from pipeline.render.context import CODES, draw_context
from pipeline.render.data import MapSpec
from pipeline.render.frame import (
    distance_text,
    fit_frame,
    grid_north,
    neat_grid,
    scale_bar,
    scale_text,
)
from pipeline.render.gap_table import COUNTY_ROW, gap_table, percent, town_lines
from pipeline.render.ground import borders, free_part, glow, ground
from pipeline.render.labels import Wanted, place, write
from pipeline.render.layout import layout_of
from pipeline.render.sheet import Box, Ink, Sheet, new_sheet
from pipeline.render.style import PT_MM, STYLE, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from pipeline.render.book.plan import Frame
    from pipeline.render.data import MapData
    from pipeline.render.frame import MapFrame

PAGE = page("A0")
LEAST_PT = 0.75
"""Width in pt of the design (2.1 pt on paper) that shows the smallest plot."""
_FRAME_PT = 2.6
_CLEAR_MM = 1.5
_TRIES = 6
_LEAST_ROW_MM = 2.4
_INDICATORS = (
    (Indicator.CROPLAND, "耕地"), (Indicator.PBF, "永农"), (Indicator.IN_OUT_BALANCE, "进出平衡"),
)  # fmt: skip


def draw(data: MapData) -> Iterator[Figure]:
    """Yield the sheet."""
    if data.tasks is None or data.land is None:
        raise GengbaoError(Finding("制图数据", "缺少 tasks 或 land", "请先运行前面的步骤"))
    layout, said = layout_of(PAGE), words()
    tasks = data.tasks[data.tasks["status"] != "withdrawn"].reset_index(drop=True)
    sheet = new_sheet(PAGE, layout.zoom)
    room = kit.neatlines(sheet)
    county = data.county
    kit.titles(
        sheet, room,
        f"{county.name}耕地保护整改任务挂图（{county.ledger.year}年度）",
        _headline(tasks),
        kit.subtitle(data),
    )  # fmt: skip
    west, south, east, north = (float(v) for v in data.towns.total_bounds)
    frame = fit_frame(layout.map, (west, south, east, north), 6.0, layout.zoom)
    context = _map(sheet, data, tasks, frame, said)
    y = _legend(sheet, tasks, said, layout.legend, context)
    _gaps(sheet, data, Box(layout.legend.left, layout.foot.top + 3, layout.legend.right, y - 2))
    _foot(sheet, data, frame, layout.foot)
    kit.run_line(sheet, room, data.product_id)
    yield sheet.figure


def _headline(tasks: gpd.GeoDataFrame) -> str:
    """Say how much is done, from the ledger alone."""
    if tasks.empty:
        return "全县没有整改任务"
    closed = int((tasks["status"] == "closed").sum())
    share = percent(Decimal(closed), Decimal(len(tasks)))
    return f"整改任务{len(tasks):,}个图斑{sum_mu(tasks, 0)}亩，已销号{closed:,}个（{share}）"


def _map(
    sheet: Sheet, data: MapData, tasks: gpd.GeoDataFrame, frame: MapFrame, said: Words
) -> list[tuple[str, str]]:
    """Draw context, borders, plots, sheet index, labels, grid; return the context's legend."""
    assert data.land is not None  # noqa: S101 - draw checked it
    land = ground(data.towns, frame)
    sheet.rect(frame.box, STYLE.around)
    glow(sheet, land.county, frame)
    sheet.fill(list(land.shapes.values()), STYLE.paper, "towns")
    context = draw_context(sheet, data.land, frame)
    borders(sheet, land)
    plots = np.asarray(frame.to_page(tasks.geometry.to_numpy()), dtype=object)
    for name, colour in said.colours.items():
        own = plots[(tasks["category"] == name).to_numpy()]
        own = own[~shapely.is_missing(own) & ~shapely.is_empty(own)]
        if len(own):
            sheet.fill(own, colour, f"plots:{name}")
            sheet.lines(list(shapely.boundary(own)), LEAST_PT, colour, f"rims:{name}")
    corner = (frame.box.right - 12, frame.box.top - 20)
    kept = [grid_north(sheet, frame, data.county.crs, corner)]
    if data.county.sample:
        at = (frame.box.left + 4, frame.box.top - 19)
        kept.append(kit.sample_mark(sheet, at))
    items, boxes = _book_frames(data, frame)
    kept += _sheet_index(sheet, items, boxes, plots)
    names = dict(zip(data.towns["town_code"], data.towns["town"], strict=True))
    counts = tasks["town_code"].value_counts()
    busy = shapely.union_all(
        [*shapely.buffer(plots[~shapely.is_missing(plots)], _CLEAR_MM), *boxes]
    )
    wanted = [
        Wanted(
            free_part(shape, busy),
            names[code],
            f"{int(counts.get(code, 0)):,}个图斑",
            "",
            STYLE.paper,
        )
        for code, shape in land.shapes.items()
    ]
    placed = place(sheet, wanted, frame.box, kept)
    step = neat_grid(sheet, frame, data.county.crs, [*kept, *(item.box for item in placed)])
    write(sheet, placed)
    sheet.rect(frame.box, "none", STYLE.ink, STYLE.frame_pt)
    y = frame.box.bottom - 11.2
    note = f"2000国家大地坐标系 · 公里网间距{distance_text(step)}"
    sheet.text((frame.box.left, y), note, Ink(STYLE.body_pt))
    left = frame.box.left + sheet.width(note, Ink(STYLE.body_pt)) + 8
    sheet.text((left, y), scale_text(frame.scale), Ink(12, bold=True))
    scale_bar(sheet, frame, left + 34, y - 0.6)
    return context


def _book_frames(data: MapData, frame: MapFrame) -> tuple[list[Frame], list[shapely.Polygon]]:
    """Return the map book's frames and their outlines on the page."""
    assert data.tasks is not None  # noqa: S101 - draw checked it
    plan = plan_book(data.tasks, data.county.towns)
    items = [item for section in plan.sections for item in section.frames]
    boxes = []
    for item in items:
        half = np.array(WINDOW_MM) * item.scale / 2000
        low = np.array([item.east_m, item.north_m]) - half
        boxes.append(frame.to_page(shapely.box(*low, *(low + 2 * half))))
    return items, boxes


def _sheet_index(
    sheet: Sheet,
    items: Sequence[Frame],
    boxes: Sequence[shapely.Polygon],
    drawn: NDArray[np.object_],
) -> list[Box]:
    """Outline the map book's frames with their numbers; return where the numbers stand."""
    sheet.lines([box.exterior for box in boxes], 0.2, STYLE.quiet, "index")
    ink = Ink(_FRAME_PT, bold=True, colour=STYLE.quiet)
    plots = shapely.STRtree(drawn)
    taken: list[shapely.Polygon] = []
    for item, box in zip(items, boxes, strict=True):
        text = str(item.number)
        at = _corner(box, sheet.width(text, ink), plots, taken)
        taken.append(at)
        left, bottom, *_ = at.bounds
        sheet.text((left, bottom + 0.12), text, ink, gid="frame-number")
    return [Box(*at.bounds) for at in taken]


def _corner(
    box: shapely.Polygon, width: float, plots: shapely.STRtree, taken: Sequence[shapely.Polygon]
) -> shapely.Polygon:
    """Return where a frame's number stands: at a corner, clear of plots and other numbers.

    Where no corner is clear, it stands further to the side; where that isn't either, the first
    place that is clear of numbers; else the first corner.
    """
    west, south, east, north = box.bounds
    height, gap = _FRAME_PT * PT_MM, 0.15
    places = [
        shapely.box(x, y, x + width, y + height)
        for away in range(_TRIES)
        for y in (north - height - gap, north + gap, south + gap, south - height - gap)
        for x in (
            west + gap,
            east - width - gap,
            west - width * (1 + away) - gap,
            east + width * away + gap,
        )
    ]
    numbers = shapely.STRtree(list(taken))
    apart = [place for place in places if not len(numbers.query(place, predicate="intersects"))]
    clear = (place for place in apart if not len(plots.query(place, predicate="intersects")))
    return next(clear, apart[0] if apart else places[0])


def _legend(
    sheet: Sheet, tasks: gpd.GeoDataFrame, said: Words, panel: Box, context: list[tuple[str, str]]
) -> float:
    """Write categories with plots, 亩 and closed plots, then the context; return the y beneath."""
    room = kit.band(sheet, panel, "图例（台账任务，不含已撤出）")

    def cells(own: gpd.GeoDataFrame) -> tuple[str, str, str]:
        return f"{len(own):,}", sum_mu(own), f"{int((own['status'] == 'closed').sum()):,}"

    rows = [
        kit.LegendRow(colour, said.labels[name], cells(tasks[tasks["category"] == name]))
        for name, colour in said.colours.items()
    ]
    total = kit.LegendRow(STYLE.paper, "合计", cells(tasks))
    y = kit.legend(sheet, room, ("类别", "图斑", "亩", "已销号"), rows, total, step=17.0)
    x, y = panel.left + 3, y - 4.6
    for label, colour in context:
        sheet.rect(Box(x, y - 0.2, x + 6, y + 2.4), colour, STYLE.rule, STYLE.hair_pt)
        sheet.text((x + 7.2, y), label, Ink(STYLE.note_pt))
        x += 7.2 + sheet.width(label, Ink(STYLE.note_pt)) + 4
    return y - 3


def _gaps(sheet: Sheet, data: MapData, panel: Box) -> None:
    """Write every town's remaining 亩 and rate for the three indicators."""
    room = kit.band(sheet, panel, "各镇剩余（亩）与完成率")
    tables = [gap_table(data, indicator.value) for indicator, _ in _INDICATORS]
    most = kit.bar_rows(room, len(tables[0].towns), _LEAST_ROW_MM)
    lines = town_lines(tables, most)
    step = min(7.0, (room.height - 9) / (len(lines) + 1))
    size = min(STYLE.body_pt, max(STYLE.small_pt, step * 1.6))
    left, width = panel.left + 3, (panel.width - 6 - 20) / 3
    y = room.top - 5
    for n, (_, label) in enumerate(_INDICATORS):
        right = left + 20 + (n + 1) * width
        sheet.text((right, y), label, Ink(size, bold=True, ha="right"))
    for name, figures in lines:
        y -= step
        bold = name == COUNTY_ROW
        sheet.fitted((left, y), name, Ink(size, bold=bold), 20)
        for n, (rest, rate) in enumerate(figures):
            right = left + 20 + (n + 1) * width
            sheet.text((right - 12.2, y), rest, Ink(size, bold=bold, ha="right"))
            sheet.text((right, y), rate, Ink(size, colour=STYLE.quiet, ha="right"))
        sheet.line([(left, y - step * 0.28), (panel.right - 3, y - step * 0.28)], STYLE.hair_pt,
                   STYLE.rule)  # fmt: skip


def _foot(sheet: Sheet, data: MapData, frame: MapFrame, panel: Box) -> None:
    """Write notes and title block."""
    room = kit.band(sheet, panel, "说明")
    block = Box(room.left, room.bottom, room.right, room.bottom + 36)
    kit.title_block(sheet, block, data, frame.scale)
    assert data.tasks is not None  # noqa: S101 - draw checked it
    gone = int((data.tasks["status"] == "withdrawn").sum())
    texts = [
        f"图斑按任务类别着色，最小以可见尺寸表示；台账另有已撤出{gone:,}个，不画。",
        "细框和小号数字为图册的图幅及编号，逐图斑的编号、面积和标识码见图册。",
        "面积为任务面积（椭球面积）；剩余为缺口中尚未恢复的亩数，四舍五入，完成率=已恢复÷应恢复。",
        kit.BOUNDARY_NOTE,
    ]
    if data.county.sample:
        texts.append(f"{kit.SAMPLE_MARK}：界线与图斑均为合成，非真实成果。")
    kit.notes(sheet, Box(room.left, block.top + 2, room.right, room.top - 2.2), texts)


SPECS = (
    MapSpec(
        name="wall",
        title="整改任务挂图",
        size=PAGE,
        needs=("towns", "gaps", "tasks", "land"),
        land=CODES,
        draw=draw,
        answers="全县每个任务图斑在哪里，各镇还剩多少（挂墙用）",
        newest_only=True,
    ),
)

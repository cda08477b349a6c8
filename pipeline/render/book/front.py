"""The book's first pages, cover with contents and county overview; and its last, the index."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import shapely

from pipeline.render import furniture as kit
from pipeline.render.book.plan import INDEX_COLUMNS, INDEX_ROWS
from pipeline.render.book.words import Words, sum_mu
from pipeline.render.frame import fit_frame, grid_north, neat_grid, scale_bar, scale_text
from pipeline.render.ground import borders, free_part, glow, ground, water
from pipeline.render.labels import Wanted, place, write
from pipeline.render.sheet import Box, Ink, Sheet, new_sheet
from pipeline.render.style import PT_MM, STYLE, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from pipeline.render.book.plan import Plan
    from pipeline.render.data import MapData

_CLEAR_MM = 1.2
"""Between a town's name and the plots."""
_ROW_MM = 2.9
"""Height of a line of the smallest print; a longer list of towns goes in two columns."""
_STOPS = (44 / 98, 58 / 98, 74 / 98, 95 / 98)
"""Where the figures of a town end, as shares of the list's width."""
_MAP = Box(20.0, 29.0, 300.0, 258.0)
_INDEX_PT = 6.6


def cover(data: MapData, plan: Plan) -> Figure:
    """Draw the cover: title at the left, contents at the right."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    sheet = new_sheet(page("A3"))
    room = kit.neatlines(sheet)
    county = data.county
    left = room.left + 18
    sheet.rect(Box(room.left, 170, 226, 226), STYLE.band)
    white = STYLE.paper
    sheet.fitted((left, 200), f"{county.name}耕地保护", Ink(34, bold=True, colour=white), 196)
    sheet.text((left, 180), "整改任务图册", Ink(34, bold=True, colour=white))
    drawn = data.tasks.iloc[plan.index["row"]]
    frames = sum(len(section.frames) for section in plan.sections)
    lines = [
        f"{county.ledger.year}年度 · {kit.issue_text(data)}",
        f"数据截至{kit.chinese_date(data.export)} · 整改期限{kit.chinese_date(county.deadline)}",
        f"任务图斑{len(drawn):,}个（含已销号、已撤出），{sum_mu(drawn)}亩；图幅{frames:,}幅",
    ]
    if county.publisher:
        lines.append(f"编制单位：{county.publisher}")
    lines += ["密级：", "审图号："]
    y = 156.0
    for text in lines:
        sheet.fitted((left, y), text, Ink(13), 200)
        y -= 10
    notes = [
        "每个任务图斑只在一幅图上编号、列表；在邻幅中以灰色表示。销号的为浅色，撤出的为白色。",
        "号为本镇顺序号；按标识码查图幅用书末索引。地类底图取自本期调查成果，色样按三调样式表。",
        "面积为任务面积（椭球面积），1亩=2000/3平方米。",
        kit.BOUNDARY_NOTE,
    ]
    kit.notes(sheet, Box(left, 20, 222, 62), notes)
    if county.sample:
        kit.sample_mark(sheet, (left, 66))
    _contents(sheet, data, plan)
    kit.page_foot(sheet, data, 1, plan.pages)
    return sheet.figure


def _contents(sheet: Sheet, data: MapData, plan: Plan) -> None:
    """List the sections with their pages; every line links to its page."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    sheet.text((240, 262), "目录", Ink(20, bold=True))
    rows = [("全县总图", "", 2)]
    for section in plan.sections:
        count = sum(len(frame.rows) for frame in section.frames)
        numbers = [frame.number for frame in section.frames]
        span = f"图幅{numbers[0]}–{numbers[-1]}，" if numbers else ""
        rows.append((section.town, f"{span}{count:,}个图斑", section.page))
    rows.append(("标识码索引", f"{len(plan.index):,}个", plan.index_page))
    step = min(18.0, 226 / len(rows))
    size = max(STYLE.small_pt, min(13.0, step * 1.6))
    for n, (name, what, number) in enumerate(rows):
        y = 252 - (n + 1) * step
        sheet.text((242, y), name, Ink(size, bold=True)).set_url(kit.page_url(number))
        sheet.text(
            (352, y), what, Ink(max(STYLE.small_pt, size * 0.8), colour=STYLE.quiet, ha="right")
        )
        end = sheet.text((398, y), f"第{number}页", Ink(size, ha="right"))
        end.set_url(kit.page_url(number))
        sheet.line([(240, y - step * 0.3), (400, y - step * 0.3)], STYLE.hair_pt, STYLE.rule)


def county_map(data: MapData, plan: Plan, words: Words) -> Figure:
    """Draw the county overview: every task as a speck, towns with their pages."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    sheet = new_sheet(page("A3"))
    room = kit.neatlines(sheet)
    sheet.text((room.left + 4, room.top - 12), f"{data.county.name}全县总图", Ink(20, bold=True))
    text = "任务图斑的位置与各镇所在页，图斑以最小可见尺寸表示"
    sheet.text((room.left + 4, room.top - 19), text, Ink(STYLE.subtitle_pt, colour=STYLE.quiet))
    west, south, east, north = (float(v) for v in data.towns.total_bounds)
    frame = fit_frame(_MAP, (west, south, east, north), 10.0)
    land = ground(data.towns, frame)
    sheet.rect(frame.box, STYLE.around)
    glow(sheet, land.county, frame)
    sheet.fill(list(land.shapes.values()), STYLE.paper, "towns")
    water(sheet, data.land, frame)
    borders(sheet, land)
    shapes = frame.to_page(data.tasks.geometry.to_numpy())
    for name, colour in words.colours.items():
        own = shapes[(data.tasks["category"] == name).to_numpy()]
        own = own[~shapely.is_empty(own)]
        if len(own):
            sheet.lines(list(shapely.boundary(own)), 1.3, colour, f"specks:{name}")
    north_box = grid_north(
        sheet, frame, data.county.crs, (frame.box.right - 13, frame.box.top - 22)
    )
    kept = [north_box]
    if data.county.sample:
        kept.append(kit.sample_mark(sheet, (frame.box.left + 4, frame.box.top - 19)))
    pages = {section.town_code: section for section in plan.sections}
    seen = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    busy = shapely.union_all(shapely.buffer(seen, _CLEAR_MM))
    wanted = [
        Wanted(free_part(shape, busy), pages[code].town,
               f"{pages[code].page}–{pages[code].last_page}页", "", STYLE.paper)
        for code, shape in land.shapes.items()
        if code in pages
    ]  # fmt: skip
    placed = place(sheet, wanted, frame.box, kept)
    neat_grid(sheet, frame, data.county.crs, [*kept, *(item.box for item in placed)])
    write(sheet, placed)
    sheet.rect(frame.box, "none", STYLE.ink, STYLE.frame_pt)
    y = frame.box.bottom - 10.6
    sheet.text((frame.box.left, y), scale_text(frame.scale), Ink(11, bold=True))
    scale_bar(sheet, frame, frame.box.left + 40, y - 0.6)
    _county_side(sheet, data, plan, words)
    kit.page_foot(sheet, data, 2, plan.pages)
    return sheet.figure


def _county_side(sheet: Sheet, data: MapData, plan: Plan, words: Words) -> None:
    """Write the legend with plots and 亩 on sheets, and the title block."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    drawn = data.tasks.iloc[plan.index["row"]]
    panel = kit.band(sheet, Box(308, 20, 406, 262), "图例（图册中的任务）")
    members = {name: drawn[drawn["category"] == name] for name in words.colours}
    rows = [
        kit.LegendRow(words.colours[name], words.labels[name], (f"{len(own):,}", sum_mu(own)))
        for name, own in members.items()
    ]
    total = kit.LegendRow(STYLE.paper, "合计", (f"{len(drawn):,}", sum_mu(drawn)))
    y = kit.legend(sheet, panel, ("类别", "图斑", "亩"), rows, total)
    _towns(sheet, data, plan, Box(308, 78, 406, y - 4))
    west, south, east, north = (float(v) for v in data.towns.total_bounds)
    scale = fit_frame(_MAP, (west, south, east, north), 10.0).scale
    block = kit.band(sheet, Box(308, 20, 406, 72), "图件信息")
    kit.title_block(sheet, block, data, scale)


def _towns(sheet: Sheet, data: MapData, plan: Plan, box: Box) -> None:
    """List the towns: pages, plots on their sheets, closed ones, 亩."""
    assert data.tasks is not None  # noqa: S101 - needs guarantees it
    panel = kit.band(sheet, box, "各镇（点击跳到该镇）")
    head = ("镇办", "页", "图斑", "已销号", "亩", 0)
    rows = []
    for section in plan.sections:
        own = data.tasks.iloc[[row for frame in section.frames for row in frame.rows]]
        closed = int((own["status"] == "closed").sum())
        rows.append((section.town, f"{section.page}–{section.last_page}", f"{len(own):,}",
                     f"{closed:,}", sum_mu(own, 1), section.page))  # fmt: skip
    sides = 1 if (len(rows) + 1) * _ROW_MM < panel.height - 3 else 2
    length = -(-len(rows) // sides)
    step = min(9.5, (panel.height - 3) / (length + 1))
    size = max(STYLE.small_pt, min(STYLE.body_pt, step / PT_MM * 0.62))
    width = panel.width / sides
    for side in range(sides):
        left = panel.left + side * width
        for n, row in enumerate([head, *rows[side * length : (side + 1) * length]]):
            y = panel.top - 1 - (n + 0.75) * step
            _town_row(sheet, (left, y, width), row, size)


def _town_row(
    sheet: Sheet,
    at: tuple[float, float, float],
    row: tuple[str, str, str, str, str, int],
    size: float,
) -> None:
    """Write a line of the towns' list; at: left, baseline, width; without a page: the head."""
    left, y, width = at
    name, *figures, number = row
    ink = Ink(size, bold=bool(number), colour=STYLE.ink if number else STYLE.quiet)
    text = sheet.fitted((left + width * 3 / 98, y), name, ink, width * 26 / 98)
    if number:
        text.set_url(kit.page_url(int(number)))
    for share, figure in zip(_STOPS, figures, strict=True):
        sheet.text((left + share * width, y), str(figure), Ink(size, colour=ink.colour, ha="right"))


def index(data: MapData, plan: Plan) -> Iterator[Figure]:
    """Yield the index pages: BSM → frame, number, page; every frame's number links to its page."""
    per_page = INDEX_ROWS * INDEX_COLUMNS
    count = plan.pages - plan.index_page + 1
    for n in range(count):
        sheet = new_sheet(page("A3"))
        room = kit.neatlines(sheet)
        title = "标识码索引" + (f"（{n + 1}/{count}）" if count > 1 else "")
        sheet.text((room.left + 4, room.top - 8), title, Ink(13, bold=True))
        own = plan.index.iloc[n * per_page : (n + 1) * per_page]
        width = (room.width - 8) / INDEX_COLUMNS
        for column in range(-(-len(own) // INDEX_ROWS)):
            x = room.left + 4 + column * width
            head = Ink(STYLE.small_pt, colour=STYLE.quiet, ha="right")
            sheet.text((x, room.top - 12.4), "标识码", replace(head, ha="left"))
            kit.columns(sheet, room.top - 12.4, _stops(x, width), ("图幅", "号", "页"), head)
            if column:
                ends = [(x - 3, room.top - 12), (x - 3, room.bottom + 10)]
                sheet.line(ends, STYLE.hair_pt, STYLE.rule)
        for line, row in enumerate(own.to_dict("records")):
            x = room.left + 4 + (line // INDEX_ROWS) * width
            y = room.top - 16.4 - (line % INDEX_ROWS) * 3.74
            frame, *rest = _stops(x, width)
            code = sheet.fitted((x, y), str(row["bsm"]), Ink(_INDEX_PT), frame - x - 7)
            code.set_gid("index")
            link = Ink(_INDEX_PT, bold=True, colour=STYLE.link, ha="right")
            sheet.text((frame, y), str(row["frame"]), link).set_url(kit.page_url(row["page"]))
            figures = (str(row["number"]), str(row["page"]))
            kit.columns(sheet, y, rest, figures, Ink(_INDEX_PT, ha="right"))
        kit.page_foot(sheet, data, plan.index_page + n, plan.pages)
        yield sheet.figure


def _stops(x: float, width: float) -> tuple[float, float, float]:
    """Return where frame, number and page of an index column end."""
    return x + width - 24, x + width - 14, x + width - 5

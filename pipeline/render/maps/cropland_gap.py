"""耕地缺口分布图: what remains of each town's gap in the cropland target, A3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.model import Indicator
from pipeline.render import furniture as kit
from pipeline.render.breaks import half_up, load_breaks
from pipeline.render.data import MapSpec
from pipeline.render.frame import (
    distance_text,
    fit_frame,
    grid_north,
    neat_grid,
    scale_bar,
    scale_text,
)
from pipeline.render.gap_table import (
    GapTable,
    done,
    gap_table,
    headline,
    percent,
    whole_mu,
)
from pipeline.render.ground import borders, glow, ground, water
from pipeline.render.labels import Wanted, place, write
from pipeline.render.locator import locator
from pipeline.render.sheet import Box, Ink, Sheet, new_sheet
from pipeline.render.style import STYLE, page

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pipeline.render.breaks import Breaks
    from pipeline.render.data import MapData
    from pipeline.render.frame import MapFrame
    from pipeline.render.gap_table import TownGap
    from pipeline.render.ground import Ground

SPEC = MapSpec("cropland_gap", "耕地缺口分布图", page("A3"), ("towns", "gaps"))

_MAP = Box(20.0, 30.0, 297.0, 253.0)
_SIDE = Box(304.0, 14.0, 407.0, 253.0)
_MARGIN_MM = 12.0
_LOWEST_MM = 84.0
_MOST_BARS = 26


@dataclass(frozen=True, slots=True)
class Scene:
    """What all parts of this sheet are drawn from."""

    data: MapData
    table: GapTable
    breaks: Breaks
    frame: MapFrame
    land: Ground

    def colour(self, town: TownGap) -> str:
        """Return a town's fill."""
        if town.remaining is None:
            return STYLE.nodata
        return self.breaks.of(town.remaining).colour


def draw(data: MapData) -> Figure:
    """Draw the sheet: choropleth of remaining_mu of indicator cropland at data.export."""
    west, south, east, north = data.towns.total_bounds
    bounds = (float(west), float(south), float(east), float(north))
    frame = fit_frame(_MAP, bounds, _MARGIN_MM)
    scene = Scene(
        data,
        gap_table(data, Indicator.CROPLAND.value),
        load_breaks(SPEC.name),
        frame,
        ground(data.towns, frame),
    )
    sheet = new_sheet(SPEC.size)
    room = kit.neatlines(sheet)
    county = data.county
    kit.titles(
        sheet, room,
        f"{county.name}耕地保护目标缺口分布图（{county.ledger.year}年度）",
        headline(scene.table),
        f"数据截至{kit.chinese_date(data.export)} · {kit.issue_text(data)}"
        f" · 整改期限{kit.chinese_date(county.deadline)}",
    )  # fmt: skip
    _draw_map(sheet, scene)
    y = _draw_legend(sheet, scene)
    _draw_ranking(sheet, scene, Box(_SIDE.left, _SIDE.bottom + _LOWEST_MM, _SIDE.right, y - 2))
    _draw_foot(sheet, scene)
    kit.run_line(sheet, room, data.run_id, scene.breaks.fingerprint)
    return sheet.figure


def _draw_map(sheet: Sheet, scene: Scene) -> None:
    """Draw everything within and along the map frame."""
    data, frame, land = scene.data, scene.frame, scene.land
    sheet.rect(frame.box, STYLE.around)
    glow(sheet, land.county, frame)
    towns = {town.code: town for town in scene.table.towns if town.code in land.shapes}
    for code, town in towns.items():
        hatch = STYLE.nodata_hatch if town.remaining is None else ""
        sheet.fill([land.shapes[code]], scene.colour(town), f"town:{code}", hatch)
    water(sheet, data.land, frame)
    borders(sheet, land)
    blocked = _corners(sheet, scene)
    labels = [
        Wanted(land.shapes[code], *_label(town), scene.colour(town)) for code, town in towns.items()
    ]
    placed = place(sheet, labels, frame.box, blocked)
    step = neat_grid(sheet, frame, data.county.crs, [*blocked, *(p.box for p in placed)])
    write(sheet, placed)
    sheet.rect(frame.box, "none", STYLE.ink, STYLE.frame_pt)
    _draw_scale(sheet, scene, step)


def _label(town: TownGap) -> tuple[str, str, str]:
    """Return the three lines on a town."""
    if town.remaining is None:
        return town.town, "无数据", ""
    return (
        town.town,
        f"{whole_mu(town.remaining)} 亩",
        f"占任务 {percent(town.remaining, town.target)}",
    )


def _corners(sheet: Sheet, scene: Scene) -> list[Box]:
    """Put the north arrow and the sample mark into the corners where least of the county lies."""
    box = scene.frame.box.inset(4)
    kept: list[Box] = []
    north = _emptiest(scene, Box(0, 0, 18, 22), box, kept)
    kept.append(
        grid_north(sheet, scene.frame, scene.data.county.crs, (north.left + 9, north.bottom + 5))
    )
    if scene.data.county.sample:
        stamp = _emptiest(scene, Box(0, 0, 46, 15), box, kept)
        kept.append(kit.sample_mark(sheet, (stamp.left, stamp.bottom)))
    return kept


def _emptiest(scene: Scene, size: Box, room: Box, kept: list[Box]) -> Box:
    """Return the corner of the room (upper right first) that covers least county, none kept."""
    corners = [
        Box(x, y, x + size.width, y + size.height)
        for y in (room.top - size.height, room.bottom)
        for x in (room.right - size.width, room.left)
    ]
    free = [c for c in corners if not any(c.shape().intersects(k.shape()) for k in kept)]
    county = scene.land.county
    return min(free, key=lambda corner: county.intersection(corner.shape()).area)


def _draw_scale(sheet: Sheet, scene: Scene, step_m: float) -> None:
    """Write scale, bar, grid distance and publisher beneath the frame."""
    box, y = scene.frame.box, scene.frame.box.bottom - 11.2
    note = f"2000国家大地坐标系 · 公里网间距{distance_text(step_m)}"
    sheet.text((box.left, y), note, Ink(STYLE.body_pt))
    left = box.centre[0] - 52
    sheet.text((left, y), scale_text(scene.frame.scale), Ink(12, bold=True))
    scale_bar(sheet, scene.frame, left + 34, y - 0.6)
    if scene.data.county.publisher:
        ink = Ink(STYLE.body_pt, bold=True, ha="right")
        sheet.fitted((box.right, y), f"{scene.data.county.publisher} 编制", ink, 78)


def _draw_legend(sheet: Sheet, scene: Scene) -> float:
    """Write the classes with number of towns and 亩, worst first; return the y beneath."""
    table, panel = scene.table, kit.band(sheet, _SIDE, "图例（剩余缺口，亩）")
    rows = [
        kit.LegendRow(item.colour, item.label, (f"{count} 个", f"{whole_mu(total)} 亩"))
        for item, count, total in reversed(table.sums(scene.breaks))
    ]
    missing = len(table.towns) - len(table.known)
    rows.append(kit.LegendRow(STYLE.nodata, "无数据", (f"{missing} 个", "—"), STYLE.nodata_hatch))
    columns = (f"{len(table.towns)} 个", f"{whole_mu(table.remaining)} 亩" if table.known else "—")
    total_row = kit.LegendRow(STYLE.paper, "合计", columns)
    y = kit.legend(sheet, panel, ("镇办数", "缺口合计"), rows, total_row)
    lines = [("县界", STYLE.county_pt, STYLE.ink), ("镇（办）界", STYLE.town_pt, STYLE.town_line)]
    if any(artist.get_gid() == "water" for artist in sheet.axes.collections):
        lines.append(("河流、水库", 2.0, STYLE.water))
    return kit.line_legend(sheet, panel, y, lines)


def _draw_ranking(sheet: Sheet, scene: Scene, panel: Box) -> None:
    """Draw the bars of all towns by printed 亩; the smallest share a row where there are many."""
    table = scene.table
    ranked = table.ranked()
    longest = ranked[0][1].remaining if ranked else None
    shown = ranked if len(ranked) <= _MOST_BARS else ranked[: _MOST_BARS - 1]
    rows = [
        kit.BarRow(
            str(rank), town.town,
            float((town.remaining or 0) / longest) if longest else 0.0,
            scene.colour(town), whole_mu(town.remaining),
            (percent(town.remaining, town.target), done(town)),
        )
        for rank, town in shown
    ]  # fmt: skip
    rest = GapTable(tuple(town for _, town in ranked[len(shown) :]), None)
    if rest.towns:
        columns = (percent(rest.remaining, rest.target), "—")
        name = f"其余{len(rest.towns)}个镇办"
        rows.append(kit.BarRow("", name, 0.0, "", whole_mu(rest.remaining), columns))
    value = whole_mu(table.remaining) if table.known else "无数据"
    if table.target is not None:
        value += f"（任务{whole_mu(table.target)}）"
    columns = (percent(table.remaining, table.target), done(table.county) if table.county else "—")
    total = kit.BarRow("", "合计", 0.0, "", value, columns)
    kit.bars(
        sheet,
        kit.band(sheet, panel, "缺口排名"),
        ("剩余缺口（亩）", "占任务", "完成率"),
        rows,
        total,
    )


def _draw_foot(sheet: Sheet, scene: Scene) -> None:
    """Draw the lowest panel: locator at the left, notes and title block at the right."""
    panel = _SIDE._replace(top=_SIDE.bottom + _LOWEST_MM)
    sums = scene.table.by_group()
    title = "督导组分区与说明" if any(sums) else "位置与说明"
    room = kit.band(sheet, panel, title)
    split = room.left + 42
    top = room.top - 2.2
    locator(sheet, Box(room.left, room.bottom, split, top), scene.data, sums)
    block = Box(split + 3, room.bottom, room.right, room.bottom + 34)
    kit.title_block(sheet, block, scene.data, scene.frame.scale)
    kit.notes(sheet, Box(block.left, block.top + 2, block.right, top), note_texts(scene))


def note_texts(scene: Scene) -> list[str]:
    """Return the notes: what is shown, how it is classed, and every difference there is."""
    table, data = scene.table, scene.data
    first = next(item for item in scene.breaks.classes if item.lower > 0)
    texts = [
        "缺口为台账中计入耕地保护目标、尚未完成的任务面积。完成率=已恢复÷应恢复。",
        f"分级和名次按四舍五入后的整亩数，分级界限各期不变；大于0而不足0.5亩的列入{first.label}级。",
    ]
    total = int(half_up(table.remaining, 0))
    sums = {
        "各镇": sum(town.shown for town in table.known),
        "各级": sum(int(half_up(mu, 0)) for _, _, mu in table.sums(scene.breaks)),
    }
    for what, printed in sums.items():
        if printed == total:
            continue
        texts.append(
            f"{what}整亩数相加为{printed:,}，合计为{total:,}，差{abs(printed - total)}系取整。"
        )
    compared = [t for t in table.towns if t.published is not None and t.gap is not None]
    if data.export == data.county.ledger and compared:
        same = sum(half_up(t.gap, 0) == half_up(t.published, 0) for t in compared)  # type: ignore[arg-type]  # both known
        texts.append(f"与已公布缺口逐镇核对：{same}个一致，{len(compared) - same}个不一致。")
    unplaced = [t.town for t in table.towns if t.code not in scene.land.shapes]
    if unplaced:
        texts.append(f"{'、'.join(unplaced)}没有界线，只列入图例和排名。")
    texts.append(kit.BOUNDARY_NOTE)
    if data.county.sample:
        texts.append(f"{kit.SAMPLE_MARK}：界线与图斑均为合成，非真实成果。")
    return texts

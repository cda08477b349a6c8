"""A choropleth sheet: towns by class, legend with sums, ranking, locator, notes; A0 to A4.

What is shown is a `Theme`, worked out beforehand; here it is only laid out and drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.render import furniture as kit
from pipeline.render.frame import (
    fit_frame,
    grid_north,
    scale_bar,
    scale_text,
)
from pipeline.render.graticule import grid
from pipeline.render.ground import borders, glow, ground, water
from pipeline.render.labels import Wanted, place, write
from pipeline.render.layout import layout_of
from pipeline.render.locator import locator
from pipeline.render.sheet import Box, Ink, Sheet, new_sheet
from pipeline.render.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from matplotlib.figure import Figure

    from pipeline.render.breaks import Break, Breaks
    from pipeline.render.data import MapData
    from pipeline.render.frame import MapFrame
    from pipeline.render.ground import Ground
    from pipeline.render.layout import Layout
    from pipeline.render.style import Page

_MARGIN_MM = 12.0
_FOOT_ROWS_MM = 34.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A town as it is shown.

    value: what its colour stands for, None without data; label: up to three lines on the map;
    length: of its bar, 0 to 1; bar: figure at the bar; columns: figures beside it.
    """

    code: str
    town: str
    value: Decimal | None
    label: tuple[str, str, str]
    rank: str
    length: float
    bar: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """All words and figures of a choropleth sheet.

    towns: worst first, those without data last; classes: each class of `breaks` with its columns,
    worst first; rest: bar figure and columns of the towns (codes) that share a row; groups: 督导组
    → (towns, 亩).
    """

    title: str
    headline: str
    breaks: Breaks
    towns: tuple[Ranked, ...]
    legend_title: str
    legend_heads: tuple[str, ...]
    classes: tuple[tuple[Break, tuple[str, ...]], ...]
    missing: tuple[str, ...]
    whole: tuple[str, ...]
    bars_title: str
    bar_heads: tuple[str, ...]
    bars_total: tuple[str, ...]
    rest: Callable[[Sequence[str]], tuple[str, ...]]
    groups: dict[str, tuple[int, Decimal | None]]
    notes: tuple[str, ...]

    def colour(self, town: Ranked) -> str:
        """Return a town's fill."""
        return STYLE.nodata if town.value is None else self.breaks.of(town.value).colour


@dataclass(frozen=True, slots=True)
class Scene:
    """What all parts of the sheet are drawn from."""

    data: MapData
    theme: Theme
    frame: MapFrame
    land: Ground
    layout: Layout


def draw(theme: Theme, data: MapData, page: Page) -> Figure:
    """Draw the sheet on a page of any size, lying or standing."""
    layout = layout_of(page)
    west, south, east, north = data.towns.total_bounds
    bounds = (float(west), float(south), float(east), float(north))
    frame = fit_frame(layout.map, bounds, _MARGIN_MM, layout.zoom)
    scene = Scene(data, theme, frame, ground(data.towns, frame), layout)
    sheet = new_sheet(page, layout.zoom)
    room = kit.neatlines(sheet)
    kit.titles(sheet, room, theme.title, theme.headline, kit.subtitle(data))
    ranks = draw_map(sheet, scene)
    y = _draw_legend(sheet, scene)
    if layout.ranking is not None:
        beneath = layout.ranking.left == layout.legend.left
        top = min(layout.ranking.top, y - 2) if beneath else layout.ranking.top
        _draw_ranking(sheet, scene, layout.ranking._replace(top=top))
    _draw_foot(sheet, scene, note_texts(scene, ranks=ranks))
    kit.run_line(sheet, room, data.product_id, theme.breaks.fingerprint)
    return sheet.figure


def draw_map(sheet: Sheet, scene: Scene) -> bool:
    """Draw everything within and along the map frame; tell whether ranks stand for names."""
    data, frame, land, theme = scene.data, scene.frame, scene.land, scene.theme
    sheet.rect(frame.box, STYLE.around)
    glow(sheet, land.county, frame)
    towns = {town.code: town for town in theme.towns if town.code in land.shapes}
    for code, town in sorted(towns.items()):
        hatch = STYLE.nodata_hatch if town.value is None else ""
        sheet.fill([land.shapes[code]], theme.colour(town), f"town:{code}", hatch)
    water(sheet, data.land, frame)
    borders(sheet, land)
    blocked = _corners(sheet, scene)
    labels = [
        Wanted(
            land.shapes[code], *town.label, theme.colour(town),
            (town.rank or "—") if data.scope.crowded else "",
        )
        for code, town in sorted(towns.items())
    ]  # fmt: skip
    placed = place(sheet, labels, frame.box, blocked)
    spacing = grid(sheet, frame, data.county.crs, [*blocked, *(p.box for p in placed)])
    write(sheet, placed)
    sheet.rect(frame.box, "none", STYLE.ink, STYLE.frame_pt)
    _draw_scale(sheet, scene, spacing)
    named = {item.wanted.name.replace("\n", "") for item in placed}
    return not named.issuperset(town.town for town in towns.values())


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


def _draw_scale(sheet: Sheet, scene: Scene, spacing: str) -> None:
    """Write scale, bar, grid distance and publisher beneath the frame."""
    box, y = scene.frame.box, scene.frame.box.bottom - 11.2
    note = f"2000国家大地坐标系 · {spacing}"
    sheet.text((box.left, y), note, Ink(STYLE.body_pt))
    left = max(box.centre[0] - 52, box.left + sheet.width(note, Ink(STYLE.body_pt)) + 6)
    sheet.text((left, y), scale_text(scene.frame.scale), Ink(12, bold=True))
    end = scale_bar(sheet, scene.frame, left + 34, y - 0.6)
    publisher = scene.data.county.publisher
    if publisher:
        ink = Ink(STYLE.body_pt, bold=True, ha="right")
        sheet.fitted((box.right, y), f"{publisher} 编制", ink, min(78.0, box.right - end - 4))


def _draw_legend(sheet: Sheet, scene: Scene) -> float:
    """Write the classes with number of towns and their column, worst first; return the y."""
    theme, panel = scene.theme, kit.band(sheet, scene.layout.legend, scene.theme.legend_title)
    rows = [kit.LegendRow(item.colour, item.label, columns) for item, columns in theme.classes]
    rows.append(kit.LegendRow(STYLE.nodata, "无数据", theme.missing, STYLE.nodata_hatch))
    total = kit.LegendRow(STYLE.paper, "合计", theme.whole)
    y = kit.legend(sheet, panel, ("分级", *theme.legend_heads), rows, total)
    outer, inner = scene.data.scope.lines
    lines = [(outer, STYLE.county_pt, STYLE.ink), (inner, STYLE.town_pt, STYLE.town_line)]
    if any(artist.get_gid() == "water" for artist in sheet.figure.artists):
        lines.append(("河流、水库", 2.0, STYLE.water))
    return kit.line_legend(sheet, panel, y, lines)


def _draw_ranking(sheet: Sheet, scene: Scene, panel: Box) -> None:
    """Draw the bars of all towns, worst first; the last share a row where there are many."""
    theme = scene.theme
    ranked = [town for town in theme.towns if town.value is not None]
    shown = ranked[: kit.bar_rows(panel, len(ranked), scene.layout.least_row_mm)]
    rows = [
        kit.BarRow(town.rank, town.town, town.length, theme.colour(town), town.bar, town.columns)
        for town in shown
    ]
    if len(shown) < len(ranked):
        name = f"其余{len(ranked) - len(shown)}个{scene.data.scope.part}"
        value, *columns = theme.rest([town.code for town in ranked[len(shown) :]])
        rows.append(kit.BarRow("", name, 0.0, "", value, tuple(columns)))
    total = kit.BarRow("", "合计", 0.0, "", theme.bars_total[0], theme.bars_total[1:])
    kit.bars(sheet, kit.band(sheet, panel, theme.bars_title), theme.bar_heads, rows, total)


def _draw_foot(sheet: Sheet, scene: Scene, notes: Sequence[str]) -> None:
    """Draw the lowest panel: locator where there is room, notes and title block."""
    layout, theme, data = scene.layout, scene.theme, scene.data
    inset = None if data.scope.crowded else layout.locator
    named = any(theme.groups) and inset is not None
    room = kit.band(sheet, layout.foot, "督导组分区与说明" if named else "说明")
    left = room.left
    if inset is not None:
        split = room.left + inset
        locator(sheet, Box(room.left, room.bottom, split, room.top - 2.2), scene.data, theme.groups)
        left = split + 3
    block = Box(left, room.bottom, room.right, room.bottom + _FOOT_ROWS_MM)
    kit.title_block(sheet, block, data, scene.frame.scale)
    kit.notes(sheet, Box(left, block.top + 2, block.right, room.top - 2.2), notes)


def note_texts(scene: Scene, *, ranks: bool = False) -> list[str]:
    """Return the theme's notes and those every sheet has; ranks: of names that didn't fit."""
    unplaced = [t.town for t in scene.theme.towns if t.code not in scene.land.shapes]
    texts = list(scene.theme.notes)
    if unplaced:
        texts.append(f"{'、'.join(unplaced)}没有界线，只列入图例和排名。")
    if ranks:
        texts.append("图上放不下名称处注名次，名称见排名。")
    texts.append(scene.data.scope.note)
    if scene.data.county.sample:
        texts.append(f"{kit.SAMPLE_MARK}：界线与图斑均为合成，非真实成果。")
    return texts

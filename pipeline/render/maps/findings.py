"""质量问题分布图: a page per town with findings of a quality check, numbered and listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from pipeline.render import furniture as kit
from pipeline.render.book import callouts
from pipeline.render.data import MapSpec
from pipeline.render.frame import fit_frame, grid_north, neat_grid, scale_bar, scale_text
from pipeline.render.sheet import Box, Ink, new_sheet
from pipeline.render.style import PT_MM, STYLE, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd
    from matplotlib.figure import Figure

    from pipeline.render.data import MapData
    from pipeline.render.frame import MapFrame
    from pipeline.render.sheet import Sheet

_MAP = Box(20.0, 24.0, 262.0, 252.0)
_SIDE = Box(268.0, 20.0, 406.0, 258.0)
_LEVELS = (("错误", "#C8102E", 1.3), ("警告", "#E8A33D", 0.9))
"""Level, colour, radius of its mark in mm; errors are drawn last, on top."""
_LISTED = 45
_RULES = 14
_DRAWN = 5000
"""Marks of a level on a page: more would hide the map and swell the file."""
_ROW_MM = 3.8


def draw(data: MapData) -> Iterator[Figure]:
    """Yield a page per town that has new findings with a place, in the order of codes."""
    findings = data.findings
    assert findings is not None  # noqa: S101 - needs guarantees it
    towns = sorted(set(findings["town_code"].dropna()) & set(data.towns["town_code"]))
    for number, code in enumerate(towns, 1):
        own = findings[(findings["town_code"] == code).to_numpy(dtype=bool)]
        yield _page(data, code, own.reset_index(drop=True), (number, len(towns)))


def _page(data: MapData, code: str, findings: gpd.GeoDataFrame, number: tuple[int, int]) -> Figure:
    """Draw a town's page: map left; counts by rule and the first findings right."""
    sheet = new_sheet(page("A3"))
    room = kit.neatlines(sheet)
    town = data.towns[data.towns["town_code"] == code]
    name = str(town["town"].iloc[0])
    sheet.text((room.left + 4, room.top - 12), f"{name}质量问题分布图", Ink(20, bold=True))
    ink = Ink(11, bold=True, colour=STYLE.accent)
    sheet.fitted((room.left + 4, room.top - 19.5), _headline(findings), ink, room.width - 60)
    if data.county.sample:
        kit.sample_mark(sheet, (room.right - 50, room.top - 18))
    west, south, east, north = town.total_bounds
    frame = fit_frame(_MAP, (float(west), float(south), float(east), float(north)), 6.0)
    listed = findings.head(_LISTED)
    _map(sheet, data, town, (findings, listed), frame)
    y = _counts(sheet, findings, data)
    _list(sheet, listed, len(findings), y)
    kit.page_foot(sheet, data, *number)
    return sheet.figure


def _headline(findings: gpd.GeoDataFrame) -> str:
    """Say how many of each level, and which rule is broken most, from the findings alone."""
    counts = {level: int((findings["severity"] == level).sum()) for level, _, _ in _LEVELS}
    rules = findings["rule"].value_counts()
    most = min(rules[rules == rules.max()].index)
    return (
        f"错误 {counts['错误']:,} 处，警告 {counts['警告']:,} 处，涉及 {len(rules)} 条规则；"
        f"最多的是 {most}，{int(rules.max()):,} 处"
    )


def _map(
    sheet: Sheet,
    data: MapData,
    town: gpd.GeoDataFrame,
    shown: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame],
    frame: MapFrame,
) -> None:
    """Draw the town among its neighbours, every finding, numbers on those that are listed."""
    findings, listed = shown
    view = frame.box.shape()
    sheet.rect(frame.box, STYLE.around)
    own = shapely.intersection(frame.to_page(town.geometry.to_numpy()), view)
    sheet.fill(own, STYLE.paper, "town")
    towns = shapely.intersection(frame.to_page(data.towns.geometry.to_numpy()), view)
    sheet.lines(shapely.union_all(shapely.boundary(towns)), STYLE.town_pt, STYLE.town_line, "towns")
    sheet.lines(shapely.union_all(shapely.boundary(own)), STYLE.county_pt, STYLE.ink, "town-border")
    for level, colour, radius in reversed(_LEVELS):
        rows = findings[(findings["severity"] == level).to_numpy(dtype=bool)]
        _marks(sheet, rows, frame, colour, radius)
    north = grid_north(sheet, frame, data.county.crs, (frame.box.right - 13, frame.box.top - 22))
    spots = frame.to_page(shapely.points(listed[["x", "y"]].to_numpy()))
    texts = [(str(n), rule, STYLE.ink) for n, rule in enumerate(listed["rule"], 1)]
    inside = shapely.buffer(spots, 0.3)
    placed = callouts.place(sheet, inside, texts, frame.box.inset(0.8)) if len(listed) else []
    neat_grid(sheet, frame, data.county.crs, [north, *(item.box for item in placed)])
    callouts.write(sheet, placed)
    sheet.rect(frame.box, "none", STYLE.ink, STYLE.frame_pt)
    y = frame.box.bottom - 8.4
    sheet.text((frame.box.left, y), scale_text(frame.scale), Ink(11, bold=True))
    scale_bar(sheet, frame, frame.box.left + 40, y - 0.6)


def _marks(
    sheet: Sheet, findings: gpd.GeoDataFrame, frame: MapFrame, colour: str, radius: float
) -> None:
    """Draw findings of a level: areas as they are, a disc on each so that it is seen."""
    findings = findings.head(_DRAWN)
    shapes = frame.to_page(findings.geometry.to_numpy())
    clipped = shapely.clip_by_rect(shapes[~shapely.is_missing(shapes)], *frame.box)
    areas = clipped[np.asarray(shapely.area(clipped)) > 0]
    if len(areas):
        sheet.fill(areas, colour, "areas")
    for x, y in shapely.get_coordinates(
        frame.to_page(shapely.points(findings[["x", "y"]].to_numpy()))
    ).tolist():
        sheet.disc((x, y), radius, colour)


def _counts(sheet: Sheet, findings: gpd.GeoDataFrame, data: MapData) -> float:
    """Write how often which rule is broken, the most broken first; return the y beneath."""
    panel = kit.band(sheet, _SIDE, f"按规则（{data.export.isoformat()}）")
    kinds = findings.groupby(["severity", "rule", "text"], sort=True)
    counted = kinds.size().rename("count").reset_index()
    counted = counted.sort_values(["severity", "count"], ascending=[False, False], kind="stable")
    colours = {level: colour for level, colour, _ in _LEVELS}
    ink, width = Ink(STYLE.body_pt), panel.width - 62
    rows = [
        kit.LegendRow(
            colours[level], _short(sheet, f"{rule} {text}", ink, width), (level, f"{count:,}")
        )
        for level, rule, text, count in counted.head(_RULES).itertuples(index=False, name=None)
    ]
    rest = int(counted["count"].iloc[_RULES:].sum())
    if rest:
        rows.append(kit.LegendRow(STYLE.paper, "其余规则", ("", f"{rest:,}")))
    total = kit.LegendRow(STYLE.paper, "合计", ("", f"{len(findings):,}"))
    return kit.legend(sheet, panel, ("规则", "级别", "处数"), rows, total, step=20.0)


def _list(sheet: Sheet, listed: gpd.GeoDataFrame, count: int, top: float) -> None:
    """Write the numbered findings: number, rule, plot, what was found."""
    more = f"（共 {count:,} 处，编号前 {len(listed)} 处，其余见 problems.csv）"
    heading = "图上编号" + (more if count > len(listed) else "")
    panel = kit.band(sheet, _SIDE._replace(top=top - 2), heading)
    stops = (panel.left + 1, panel.left + 6, panel.left + 35, panel.left + 61)
    step = min(_ROW_MM, (panel.height - 3) / max(1, len(listed)))
    size = max(STYLE.small_pt, min(STYLE.note_pt, step / PT_MM * 0.62))
    quiet = Ink(size, colour=STYLE.quiet)
    y = panel.top - 1
    columns = ("rule", "bsm", "found", "severity")
    for number, (rule, bsm, found, level) in enumerate(_cells(listed, columns), 1):
        y -= step
        foot = y + (step - size * PT_MM) / 2
        colour = next(colour for name, colour, _ in _LEVELS if name == level)
        sheet.text((stops[0], foot), str(number), Ink(size, bold=True, colour=colour))
        sheet.text((stops[1], foot), rule, Ink(size))
        sheet.text((stops[2], foot), bsm, quiet)
        width = panel.right - stops[3] - 1
        sheet.text((stops[3], foot), _short(sheet, found, Ink(size), width), Ink(size))


def _cells(listed: gpd.GeoDataFrame, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    texts = listed[list(columns)].astype(object)
    yield from texts.where(texts.notna(), "").itertuples(index=False, name=None)


def _short(sheet: Sheet, text: str, ink: Ink, width_mm: float) -> str:
    """Return the text, cut with an ellipsis where it is wider than its column."""
    if sheet.width(text, ink) <= width_mm:
        return text
    kept = next(n for n in range(len(text), 0, -1) if sheet.width(f"{text[:n]}…", ink) <= width_mm)
    return f"{text[:kept]}…"


SPECS = (
    MapSpec(
        name="findings",
        title="质量问题分布图",
        size=page("A3"),
        needs=("towns", "findings"),
        draw=draw,
        answers="各镇的质量问题在哪里、违反哪条规则",
        png=False,
        file="质量问题分布图",
        command="quality",
    ),
)

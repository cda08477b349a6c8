"""缺口变动图: from the ledger's gap to today's, step by step; county on top, towns on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import accumulate, pairwise
from math import ceil, sqrt
from typing import TYPE_CHECKING

from pipeline.errors import Finding, GengbaoError
from pipeline.render import furniture as kit
from pipeline.render.chart import (
    INDICATORS,
    Amounts,
    cells,
    chart_page,
    rules,
)
from pipeline.render.data import MapSpec
from pipeline.render.gap_table import COUNTY_ROW, gap_table, percent, whole_mu
from pipeline.render.sheet import Box, Ink, Sheet
from pipeline.render.style import PT_MM, STYLE, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from pipeline.model import Indicator
    from pipeline.render.data import MapData

LEVEL, FALL, RISE = STYLE.band, "#6FA8CF", "#F3D2CB"
HATCH = "//////"
STEPS = (
    ("restored", "恢复"), ("newly_lost", "新流出"), ("relapsed", "反弹"),
    ("reclassified", "改类"), ("revised", "修订"), ("withdrawn", "撤出"),
)  # fmt: skip
"""Steps of waterfall.csv in the order drawn, and their names."""
MOST = 24
"""Towns a page holds so that every bar can have its figure."""
_ALL, _LAST = Box(14.0, 168.0, 404.0, 250.0), 150.0
_TOWNS_BOTTOM = 26.0
_BAR = 0.62
_HEADROOM = 1.12
"""So that a figure stands above the highest bar."""


@dataclass(frozen=True, slots=True)
class Fall:
    """A place's way from one gap to another: 亩 and tasks of each step, in the order of STEPS."""

    name: str
    opening: Decimal
    steps: tuple[Decimal, ...]
    closing: Decimal
    tasks: tuple[int, ...]

    @property
    def levels(self) -> list[Decimal]:
        """What is left before the first step and after each."""
        return list(accumulate(self.steps, initial=self.opening))


def draw(data: MapData) -> Iterator[Figure]:
    """Yield a page per indicator; more where there are more than MOST towns."""
    for indicator, label in INDICATORS:
        rows = _rows(data, indicator)
        towns = [_fall(data, rows, town.name, indicator) for town in data.county.towns]
        whole = _fall(data, rows, COUNTY_ROW, indicator)
        newest = rows[rows["export"] == data.export.isoformat()]
        last = _fall(data, newest, COUNTY_ROW, indicator) if len(set(rows["export"])) > 1 else None
        for first in range(0, max(1, len(towns)), MOST):
            shown = towns[first : first + MOST]
            yield _page(data, label, whole, last, towns, shown)


def _rows(data: MapData, indicator: Indicator) -> pd.DataFrame:
    """Return an indicator's rows of waterfall.csv up to the export, in order of time."""
    table = data.waterfall
    if table is None:
        raise GengbaoError(Finding("制图数据", "缺少 waterfall", "请先运行前面的步骤"))
    own = (table["indicator"] == indicator.value) & table["level"].isin(["county", "town"])
    return table[own & (table["export"] <= data.export.isoformat())].sort_values(
        "export", kind="stable"
    )


def _fall(data: MapData, rows: pd.DataFrame, name: str, indicator: Indicator) -> Fall:
    """Add up a place's rows; a ledger's first export has no steps, its gap stands in gaps.csv.

    Raises GengbaoError unless opening and steps give the closing, to the last decimal.
    """
    own = rows[rows["town"] == name].to_dict("records")
    if not own:
        left = _gap(data, name, indicator)
        return Fall(name, left, (Decimal(0),) * len(STEPS), left, (0,) * len(STEPS))
    fall = Fall(
        name, Decimal(own[0]["opening_mu"]),
        tuple(sum((Decimal(r[f"{step}_mu"]) for r in own), Decimal(0)) for step, _ in STEPS),
        Decimal(own[-1]["closing_mu"]),
        tuple(sum(int(r[f"{step}_tasks"]) for r in own) for step, _ in STEPS),
    )  # fmt: skip
    if fall.levels[-1] != fall.closing:
        found = f"{name}期初加各步为 {fall.levels[-1]}，期末为 {fall.closing}"
        raise GengbaoError(
            Finding(f"waterfall {indicator.value}", found, "请把运行日志交给维护人员")
        )
    return fall


def _gap(data: MapData, name: str, indicator: Indicator) -> Decimal:
    """Return what a place lacks at the export by gaps.csv; 0 where it has no row."""
    table = gap_table(data, indicator.value)
    town = next((t for t in table.towns if t.town == name), table.county)
    return (town.remaining if town else None) or Decimal(0)


def _page(
    data: MapData, label: str, whole: Fall, last: Fall | None, towns: Sequence[Fall],
    shown: Sequence[Fall],
) -> Figure:  # fmt: skip
    """Draw one page: the county's two charts on top, the towns beneath."""
    sheet = chart_page(data, f"{label}缺口变动图", headline(whole, label))
    span = f"{data.county.ledger.isoformat()}至{data.export.isoformat()}"
    left = _ALL if last is None else _ALL._replace(right=_ALL.right - _LAST - 4)
    _county(sheet, left, f"全县，台账以来（{span}，亩）", whole)
    if last is not None:
        days = [day for day in data.county.exports if day < data.export]
        since = f"{days[-1].isoformat()}至{data.export.isoformat()}"
        _county(sheet, _ALL._replace(left=_ALL.right - _LAST), f"全县，本期（{since}，亩）", last)
    area = Box(_ALL.left, _TOWNS_BOTTOM, _ALL.right, _ALL.bottom - 4)
    columns = min(4, ceil(sqrt(len(shown))))
    for town, box in zip(shown, cells(area, len(shown), columns), strict=True):
        sheet.rect(box, "none", STYLE.rule, STYLE.rule_pt)
        name = Ink(STYLE.body_pt, bold=True)
        sheet.fitted((box.left + 2, box.top - 4.0), town.name, name, box.width * 0.5)
        said = f"{whole_mu(town.opening)} → {whole_mu(town.closing)}亩"
        ink = Ink(STYLE.note_pt, colour=STYLE.quiet, ha="right")
        sheet.fitted((box.right - 2, box.top - 4.0), said, ink, box.width * 0.45)
        plot = Box(box.left + 9, box.bottom + 4.6, box.right - 1, box.top - 7.5)
        _bars(sheet, _scale(plot, towns), town, STYLE.small_pt)
    _legend(sheet, len(shown), len(towns))
    return sheet.figure


def headline(whole: Fall, label: str) -> str:
    """Say how far the gap came and what was lost on the way, from the figures alone."""
    steps = dict(zip((step for step, _ in STEPS), whole.steps, strict=True))
    was, now = (f"{whole_mu(mu)}亩" for mu in (whole.opening, whole.closing))
    if not any(whole.steps):
        return f"{label}缺口{now}，台账以来没有变动"
    way = "降到" if whole.closing < whole.opening else "升到"
    text = f"{label}缺口由{was}{way}{now}"
    if whole.closing == whole.opening:
        text = f"{label}缺口仍为{now}"
    text += f"：恢复{whole_mu(-steps['restored'])}亩"
    lost = steps["newly_lost"] + steps["relapsed"]
    if lost <= 0:
        return f"{text}，没有新流出和反弹"
    text += f"，新流出和反弹{whole_mu(lost)}亩"
    return text + (f"，抵消恢复的{percent(lost, -steps['restored'])}" if steps["restored"] else "")


def _scale(plot: Box, falls: Sequence[Fall]) -> Amounts:
    """Return the scale of charts that are compared: from 0, or below where a way leads there."""
    levels = [float(level) for fall in falls for level in fall.levels]
    high, low = max(levels, default=0.0), min(levels, default=0.0)
    top = high * _HEADROOM or 1.0
    return Amounts(area=plot, top=top, low=low * _HEADROOM if low < 0 else 0.0)


def _county(sheet: Sheet, box: Box, title: str, fall: Fall) -> None:
    """Draw a chart of the county with the number of tasks beneath every step."""
    room = kit.band(sheet, box, title)
    plot = Box(room.left + 14, room.bottom + 11, room.right - 2, room.top - 7)
    _bars(sheet, _scale(plot, [fall]), fall, STYLE.body_pt)
    width = plot.width / (len(STEPS) + 2)
    ink = Ink(STYLE.note_pt, colour=STYLE.quiet, ha="center")
    for n, count in enumerate(fall.tasks, 1):
        x = plot.left + (n + 0.5) * width
        sheet.text((x, room.bottom + 2), f"{count:,}个", ink)


def _bars(sheet: Sheet, scale: Amounts, fall: Fall, size_pt: float) -> None:
    """Draw opening, steps and closing: falls plain with ▼, rises hatched with ▲, levels dark."""
    rules(sheet, scale, STYLE.small_pt)
    plot, levels = scale.area, [float(level) for level in fall.levels]
    names = ("期初", *(name for _, name in STEPS), "期末")
    spans = [(0.0, levels[0]), *pairwise(levels), (0.0, levels[-1])]
    width = plot.width / len(spans)
    label = Ink(size_pt, ha="center")
    for n, ((before, after), name) in enumerate(zip(spans, names, strict=True)):
        x = plot.left + (n + 0.5) * width
        left, right = x - width * _BAR / 2, x + width * _BAR / 2
        foot, head = sorted((scale.y(before), scale.y(after)))
        colour, hatch = (FALL, "") if after < before else (RISE, HATCH)
        if n in {0, len(spans) - 1}:
            colour, hatch = LEVEL, ""
        if head > foot:
            sheet.rect(Box(left, foot, right, head), colour, STYLE.ink, STYLE.hair_pt, hatch=hatch)
        else:
            sheet.line([(left, foot), (right, foot)], STYLE.frame_pt, STYLE.quiet)
        if n < len(spans) - 1:
            ends = [(right, scale.y(after)), (right + width * (1 - _BAR), scale.y(after))]
            sheet.line(ends, STYLE.hair_pt, STYLE.quiet)
        bold = Ink(size_pt, bold=n in {0, len(spans) - 1}, ha="center")
        half = min(width, sheet.width(_figure(fall, n), bold) + 1) / 2
        sheet.rect(Box(x - half, head + 0.4, x + half, head + size_pt * PT_MM + 0.9), STYLE.paper)
        sheet.fitted((x, head + 0.9), _figure(fall, n), bold, width - 0.4)
        foot_mm = plot.bottom - 0.9 - size_pt * PT_MM
        sheet.fitted((x, foot_mm), name, label, width - 0.4)


def _figure(fall: Fall, bar: int) -> str:
    """Return what a bar says: 亩 of a level, or of a step with the way it goes."""
    if bar in {0, len(STEPS) + 1}:
        return whole_mu(fall.opening if not bar else fall.closing)
    step = fall.steps[bar - 1]
    sign = "" if not step else "▼" if step < 0 else "▲"
    return f"{sign}{whole_mu(abs(step))}"


def _legend(sheet: Sheet, shown: int, count: int) -> None:
    """Write the signs beneath the charts."""
    x, y = 16.0, 18.0
    ink = Ink(STYLE.note_pt)
    signs = (("缺口（剩余亩数）", LEVEL, ""), ("▼减少", FALL, ""), ("▲增加", RISE, HATCH))
    for label, colour, hatch in signs:
        box = Box(x, y - 0.4, x + 8, y + 2.2)
        sheet.rect(box, colour, STYLE.ink, STYLE.hair_pt, hatch=hatch)
        sheet.text((x + 9.5, y), label, ink)
        x += 9.5 + sheet.width(label, ink) + 5
    note = (
        "各镇同一刻度，均为台账以来累计。期初加各步恰为期末；印出的亩数各自四舍五入。"
        "个数为各期变动的任务数之和。改类：同一块地换了任务类别；修订：界线或首次入库。"
    )
    if shown < count:
        note += f"全县{count}个镇办，本页{shown}个。"
    sheet.fitted((x, y), note, Ink(STYLE.note_pt, colour=STYLE.quiet), 404 - x)


SPECS = (
    MapSpec(
        name="waterfall",
        title="缺口变动图",
        size=page("A3"),
        needs=("towns", "gaps", "waterfall"),
        draw=draw,
        answers="缺口为什么变：恢复了多少，又新流出、反弹了多少",
        newest_only=True,
    ),
)

"""进度燃尽图: what is left against the plan, county and towns, one page per indicator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.render import furniture as kit
from pipeline.render.chart import (
    INDICATORS,
    Scales,
    axes,
    cells,
    chart_page,
    dashed,
    nice_top,
    path,
)
from pipeline.render.data import MapSpec
from pipeline.render.gap_table import whole_mu
from pipeline.render.sheet import Box, Ink, Sheet
from pipeline.render.style import STYLE, page

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from matplotlib.figure import Figure

    from pipeline.model import Indicator
    from pipeline.render.data import MapData

LEFT, PLAN = "#97131F", "#5A636B"
MOST = 25
"""Towns a page holds so that every chart has its words."""
_SAID = 0.56
"""Share of a chart's width for what is left; its name has the rest."""
_TOWNS = Box(186.0, 28.0, 406.0, 250.0)
OUTLOOK = {
    "done": "已完成",
    "overdue": "期限已到未完成",
    "too_few": "期数太少，无法推算",
    "on_course": "按现进度可如期完成",
    "uncertain": "能否如期尚不确定",
    "will_miss": "按现进度不能如期完成",
}


SIGNS = (
    ("剩余亩数（各期调查成果）", "left"),
    ("按倒排工期应剩", "plan"),
    ("整改期限", "deadline"),
    ("按现进度推算的期限余量（80%区间）", "fan"),
)


@dataclass(frozen=True, slots=True)
class Course:
    """A place's way: (day, 亩 left) at each export and by plan; rows of progress.csv."""

    name: str
    left: tuple[tuple[date, Decimal], ...]
    plan: tuple[tuple[date, Decimal], ...]
    now: Mapping[Hashable, Any]

    @property
    def most(self) -> float:
        """The largest amount drawn."""
        return max((float(mu) for _, mu in (*self.left, *self.plan)), default=0.0)


def draw(data: MapData) -> Iterator[Figure]:
    """Yield a page per indicator; more where there are more than MOST towns."""
    if data.progress is None:
        raise GengbaoError(Finding("制图数据", "缺少 progress", "请先运行前面的步骤"))
    for indicator, label in INDICATORS:
        rows = data.progress[data.progress["indicator"] == indicator.value]
        courses = _courses(data, rows, indicator)
        for first in range(1, max(2, len(courses)), MOST):
            yield _page(data, courses, courses[first : first + MOST], label)


def _courses(data: MapData, rows: pd.DataFrame, indicator: Indicator) -> list[Course]:
    """Return the county's course, then the towns' in order of their code."""
    names = ["全县", *(town.name for town in data.county.towns)]
    found = []
    for name in names:
        own = rows[(rows["town"] == name) & rows["level"].isin(["county", "town"])]
        records = own.sort_values("export").to_dict("records")
        left = tuple((date.fromisoformat(r["export"]), Decimal(r["open_mu"])) for r in records)
        if not records:
            continue
        whole = [
            (day, Decimal(r["done_mu"]) + mu) for (day, mu), r in zip(left, records, strict=True)
        ]
        found.append(Course(name, left, _planned(data, name, indicator, whole), records[-1]))
    return found


def _planned(
    data: MapData, name: str, indicator: Indicator, whole: list[tuple[date, Decimal]]
) -> tuple[tuple[date, Decimal], ...]:
    """Return what should be left by plan.csv, as steps; towns add up to the county.

    whole: 亩 of all tasks at each export. A step of the plan is due on its date and until the next
    (as in progress.csv); new tasks raise the line on the export that brings them.
    """
    steps = [row for row in data.county.plan if row.indicator is indicator]
    own = [row for row in steps if row.town == name]
    if not own and name == "全县":
        own = steps
    if not own:
        return ()
    towns = sorted({row.town for row in own})
    planned: list[tuple[date, Decimal]] = []
    for day in sorted({day for day, _ in whole} | {row.date for row in own}):
        due = sum(
            (
                max((r.planned_mu for r in own if r.town == town and r.date <= day),
                    default=Decimal(0))
                for town in towns
            ),
            Decimal(0),
        )  # fmt: skip
        known = [mu for seen, mu in whole if seen <= day] or [whole[0][1]]
        if planned:
            planned.append((day, planned[-1][1]))
        planned.append((day, max(known[-1] - due, Decimal(0))))
    return tuple(planned)


def _page(data: MapData, courses: list[Course], shown: list[Course], label: str) -> Figure:
    """Draw an indicator's page: the county, and the towns shown on the scale of all."""
    sheet = chart_page(data, f"{label}整改燃尽图", _headline(courses, label))
    if courses:
        whole = courses[0]
        box = kit.band(sheet, Box(14, 28, 180, 250), f"{whole.name}（亩）")
        _chart(sheet, data, whole, Box(box.left, box.bottom, box.right, box.top - 2),
               nice_top(whole.most), 7.5)  # fmt: skip
        top = nice_top(max((course.most for course in courses[1:]), default=1.0))
        _grid(sheet, data, shown, top)
    _legend(sheet, data)
    return sheet.figure


def _headline(courses: list[Course], label: str) -> str:
    """Say what is left, and what the projection says, from progress.csv alone."""
    if not courses:
        return f"{label}没有进度数据"
    now = courses[0].now
    text = f"全县{label}剩余{whole_mu(Decimal(now['open_mu']))}亩"
    if pd.notna(now["behind_mu"]) and Decimal(now["behind_mu"]) > 0:
        text += f"，低于计划{whole_mu(Decimal(now['behind_mu']))}亩"
    return f"{text}，{OUTLOOK[now['outlook']]}"


def _grid(sheet: Sheet, data: MapData, towns: list[Course], top: float) -> None:
    """Draw the towns on one scale, in as many columns as keep them wide."""
    if not towns:
        return
    columns = ceil(sqrt(len(towns)))
    for town, box in zip(towns, cells(_TOWNS, len(towns), columns), strict=True):
        sheet.rect(box, "none", STYLE.rule, STYLE.rule_pt)
        _chart(sheet, data, town, box, top, STYLE.small_pt)


def _chart(
    sheet: Sheet, data: MapData, course: Course, box: Box, top: float, size_pt: float
) -> None:
    """Draw one chart: heading, axes, plan, what is left, deadline, projection."""
    large = size_pt > STYLE.small_pt
    name = Ink(STYLE.panel_pt if large else STYLE.body_pt, bold=True)
    sheet.fitted((box.left + 2, box.top - 4.4), course.name, name, box.width * 0.38)
    ink = Ink(STYLE.body_pt if large else STYLE.small_pt, colour=LEFT, ha="right")
    long, short = _said(course)
    said = long if sheet.width(long, ink) <= box.width * _SAID else short
    sheet.fitted((box.right - 2, box.top - 4.2), said, ink, box.width * _SAID)
    area = Box(box.left + (14 if large else 10), box.bottom + (10 if large else 6),
               box.right - 4, box.top - (12 if large else 7.5))  # fmt: skip
    left, days = Decimal(course.now["open_mu"]), [day for day, _ in course.left]
    end = max([data.county.deadline, *days, *(day for day, _ in course.plan)])
    scales = Scales(area=area, first=days[0], last=end, top=top)
    axes(sheet, scales, sorted({days[0], data.export, data.county.deadline}), size_pt)
    x = scales.x(data.county.deadline)
    sheet.line([(x, area.bottom), (x, area.top)], STYLE.rule_pt, STYLE.accent)
    if course.plan:
        steps = [scales.at(day, float(mu)) for day, mu in course.plan]
        dashed(sheet, steps, STYLE.rule_pt * 1.4, PLAN)
    low, high = course.now["low_mu"], course.now["high_mu"]
    if pd.notna(low) and pd.notna(high):
        low_y, high_y = (scales.y(max(0.0, min(float(v), top))) for v in (low, high))
        start = scales.at(days[-1], float(left))
        sheet.triangle([start, (x, low_y), (x, high_y)], STYLE.glow[0])
    path(sheet, [scales.at(day, float(mu)) for day, mu in course.left], 1.4, LEFT)


def _said(course: Course) -> tuple[str, str]:
    """Return what is left and how far behind the plan, in a long and in a short form."""
    left = whole_mu(Decimal(course.now["open_mu"]))
    behind = course.now["behind_mu"]
    if pd.isna(behind) or Decimal(behind) <= 0:
        return f"剩余{left}亩", f"余{left}亩"
    late = whole_mu(Decimal(behind))
    return f"剩余{left}亩 ▲低于计划{late}", f"余{left}亩 ▲{late}"


def _legend(sheet: Sheet, data: MapData) -> None:
    """Write the signs beneath the charts."""
    x, y = 16.0, 19.0
    ink = Ink(STYLE.note_pt)
    for label, kind in SIGNS:
        if kind == "left":
            path(sheet, [(x, y + 0.9), (x + 8, y + 0.9)], 1.4, LEFT)
        elif kind == "plan":
            dashed(sheet, [(x, y + 0.9), (x + 8, y + 0.9)], STYLE.rule_pt * 1.4, PLAN)
        elif kind == "deadline":
            sheet.line([(x + 4, y - 0.6), (x + 4, y + 2.4)], STYLE.rule_pt, STYLE.accent)
        else:
            sheet.rect(Box(x, y - 0.4, x + 8, y + 2.2), STYLE.glow[0])
        sheet.text((x + 9.5, y), label, ink)
        x += 9.5 + sheet.width(label, ink) + 6
    note = "各镇同一刻度；剩余（余）含部分恢复和反弹的任务尚未恢复的面积，▲为低于计划的亩数。"
    if not data.county.plan:
        note += "没有 plan.csv，不画计划线。"
    sheet.text((x, y), note, Ink(STYLE.note_pt, colour=STYLE.quiet))


SPECS = (
    MapSpec(
        name="burn_down",
        title="整改燃尽图",
        size=page("A3"),
        needs=("towns", "progress"),
        draw=draw,
        answers="剩下的亩数按计划该是多少、实际是多少，到期限能不能完成",
        newest_only=True,
    ),
)

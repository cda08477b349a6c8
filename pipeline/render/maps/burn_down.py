"""进度燃尽图: what is left against the plan, county and towns, one page per indicator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.model import Indicator
from pipeline.render import furniture as kit
from pipeline.render.chart import Scales, axes, dashed, nice_top, path
from pipeline.render.data import MapSpec
from pipeline.render.gap_table import whole_mu
from pipeline.render.sheet import Box, Ink, Sheet, new_sheet
from pipeline.render.style import STYLE, page

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from matplotlib.figure import Figure

    from pipeline.render.data import MapData

INDICATORS = (
    (Indicator.CROPLAND, "耕地保护目标"),
    (Indicator.PBF, "永久基本农田"),
    (Indicator.IN_OUT_BALANCE, "进出平衡"),
)
LEFT, PLAN = "#97131F", "#5A636B"
_WHOLE = Box(24.0, 40.0, 176.0, 232.0)
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
    ("未销号亩数（各期调查成果）", "left"),
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
    """Yield a page per indicator."""
    if data.progress is None:
        raise GengbaoError(Finding("制图数据", "缺少 progress", "请先运行前面的步骤"))
    for indicator, label in INDICATORS:
        rows = data.progress[data.progress["indicator"] == indicator.value]
        courses = _courses(data, rows, indicator)
        yield _page(data, courses, label)


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


def _page(data: MapData, courses: list[Course], label: str) -> Figure:
    """Draw an indicator's page."""
    sheet = new_sheet(page("A3"))
    room = kit.neatlines(sheet)
    county = data.county
    kit.titles(
        sheet, room,
        f"{county.name}{label}整改燃尽图（{county.ledger.year}年度）",
        _headline(courses, label),
        f"数据截至{kit.chinese_date(data.export)} · {kit.issue_text(data)}"
        f" · 整改期限{kit.chinese_date(county.deadline)}",
    )  # fmt: skip
    if data.county.sample:
        kit.sample_mark(sheet, (room.right - 50, room.top - 17))
    if courses:
        whole, *towns = courses
        box = kit.band(sheet, Box(14, 28, 180, 250), f"{whole.name}（亩）")
        _chart(sheet, data, whole, Box(box.left, box.bottom, box.right, box.top - 2),
               nice_top(whole.most), 7.5)  # fmt: skip
        _grid(sheet, data, towns)
    _legend(sheet, data)
    kit.run_line(sheet, room, data.product_id, "—")
    return sheet.figure


def _headline(courses: list[Course], label: str) -> str:
    """Say what is left, and what the projection says, from progress.csv alone."""
    if not courses:
        return f"{label}没有进度数据"
    now = courses[0].now
    text = f"全县{label}未销号{whole_mu(Decimal(now['open_mu']))}亩"
    if pd.notna(now["behind_mu"]) and Decimal(now["behind_mu"]) > 0:
        text += f"，低于计划{whole_mu(Decimal(now['behind_mu']))}亩"
    return f"{text}，{OUTLOOK[now['outlook']]}"


def _grid(sheet: Sheet, data: MapData, towns: list[Course]) -> None:
    """Draw the towns on one scale, in as many columns as keep them wide."""
    if not towns:
        return
    columns = next(n for n in range(1, 9) if n * n * 1.0 >= len(towns))
    rows = -(-len(towns) // columns)
    width = (_TOWNS.width - 3 * (columns - 1)) / columns
    height = (_TOWNS.height - 3 * (rows - 1)) / rows
    top = nice_top(max(town.most for town in towns))
    for n, town in enumerate(towns):
        left = _TOWNS.left + (n % columns) * (width + 3)
        high = _TOWNS.top - (n // columns) * (height + 3)
        box = Box(left, high - height, left + width, high)
        sheet.rect(box, "none", STYLE.rule, STYLE.rule_pt)
        _chart(sheet, data, town, box, top, STYLE.small_pt)


def _chart(
    sheet: Sheet, data: MapData, course: Course, box: Box, top: float, size_pt: float
) -> None:
    """Draw one chart: heading, axes, plan, what is left, deadline, projection."""
    large = size_pt > STYLE.small_pt
    name = Ink(STYLE.panel_pt if large else STYLE.body_pt, bold=True)
    sheet.fitted((box.left + 2, box.top - 4.4), course.name, name, box.width * 0.45)
    left = Decimal(course.now["open_mu"])
    said = f"未销号{whole_mu(left)}亩"
    behind = course.now["behind_mu"]
    if pd.notna(behind) and Decimal(behind) > 0:
        said += f" ▲低于计划{whole_mu(Decimal(behind))}"
    ink = Ink(STYLE.body_pt if large else STYLE.small_pt, colour=LEFT, ha="right")
    sheet.fitted((box.right - 2, box.top - 4.2), said, ink, box.width * 0.52)
    area = Box(box.left + (14 if large else 10), box.bottom + (10 if large else 6),
               box.right - 4, box.top - (12 if large else 7.5))  # fmt: skip
    days = [day for day, _ in course.left]
    end = max([data.county.deadline, *days, *(day for day, _ in course.plan)])
    scales = Scales(area, days[0], end, top)
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
    note = "各镇同一刻度；未销号含部分恢复和反弹的任务剩余面积。"
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

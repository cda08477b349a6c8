"""完成率排名变化图: rank and rate of every town from export to export, a page per indicator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import Finding, GengbaoError
from pipeline.render import furniture as kit
from pipeline.render.chart import INDICATORS, Scales, axes, chart_page, spread
from pipeline.render.data import MapSpec
from pipeline.render.gap_table import amount, rate_text, whole_mu
from pipeline.render.sheet import Box, Ink, Sheet
from pipeline.render.style import PT_MM, STYLE, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from pipeline.render.data import MapData

RISEN, FALLEN, SAME = "#0072B2", "#97131F", "#8A9299"
TIED = "#E3E8EC"
_RANKS, _RATES = Box(14.0, 28.0, 268.0, 250.0), Box(272.0, 28.0, 404.0, 250.0)
_NAMES_MM = (34.0, 58.0)
_MOST_ROW_MM, _MOST_DISC_MM = 50.0, 3.0
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Stand:
    """A town at an export: rank as printed, place from 0, rate, change, reopened, 亩 left."""

    rank: int
    place: int
    pct: Decimal
    rate: str
    change: Decimal | None
    risen: int
    reopened: int
    left: Decimal


@dataclass(frozen=True, slots=True)
class Track:
    """A town's way through the exports."""

    name: str
    stands: tuple[Stand, ...]

    @property
    def now(self) -> Stand:
        """Where it stands at the newest export."""
        return self.stands[-1]

    @property
    def colour(self) -> str:
        """Its colour, by what its rank did since the export before."""
        return RISEN if self.now.risen > 0 else FALLEN if self.now.risen < 0 else SAME


def draw(data: MapData) -> Iterator[Figure]:
    """Yield a page per indicator."""
    if data.progress is None:
        raise GengbaoError(Finding("制图数据", "缺少 progress", "请先运行前面的步骤"))
    for indicator, label in INDICATORS:
        rows = data.progress[data.progress["indicator"] == indicator.value]
        days, found = tracks(rows[rows["level"] == "town"])
        yield _page(data, label, days, found)


def tracks(rows: pd.DataFrame) -> tuple[list[date], list[Track]]:
    """Return the exports and every town's way; the newest export's first comes first.

    rows: an indicator's towns of progress.csv, as text. Ties share a rank; their places are in
    order of their code.
    """
    days = sorted(set(rows["export"]))
    by_code: dict[str, list[Stand]] = {}
    names: dict[str, str] = {}
    for day in days:
        now = rows[rows["export"] == day].to_dict("records")
        now.sort(key=lambda row: (int(row["rank"]), str(row["town_code"])))
        for place, row in enumerate(now):
            code = str(row["town_code"])
            names[code] = str(row["town"])
            pct, left = Decimal(row["done_pct"]), Decimal(row["remaining_mu"])
            risen, again = (amount(row[name]) for name in ("rank_change", "newly_reopened_plots"))
            stand = Stand(
                int(row["rank"]), place, pct, rate_text(pct, left),
                amount(row["done_pct_change"]), int(risen or 0), int(again or 0), left,
            )  # fmt: skip
            by_code.setdefault(code, []).append(stand)
    found = [Track(names[code], tuple(stands)) for code, stands in by_code.items()]
    return [date.fromisoformat(day) for day in days], sorted(found, key=lambda t: t.now.place)


def _page(data: MapData, label: str, days: Sequence[date], found: Sequence[Track]) -> Figure:
    """Draw an indicator's page."""
    sheet = chart_page(data, f"{label}整改完成率排名变化图", headline(found))
    if len(days) == 1:
        _first(sheet, found)
    elif found:
        room = kit.band(sheet, _RANKS, "名次逐期变化（完成率由高到低）")
        _ranks(sheet, room, days, found)
        room = kit.band(sheet, _RATES, "完成率（%）")
        _rates(sheet, room, days, found)
    _legend(sheet, days)
    return sheet.figure


def headline(found: Sequence[Track]) -> str:
    """Say who leads, who is last, who rose and fell most since the export before."""
    if not found:
        return "没有进度数据"
    first = [t for t in found if t.now.rank == 1]
    last = [t for t in found if t.now.rank == found[-1].now.rank]
    if len(first) == len(found):
        return f"{'各镇办完成率相同' if len(found) > 1 else found[0].name}，均为{first[0].now.rate}"
    text = f"{_names(first)}居首（{first[0].now.rate}），{_names(last)}居末（{last[0].now.rate}）"
    for way, word in ((1, "上升"), (-1, "下降")):
        most = max(way * t.now.risen for t in found)
        movers = [t for t in found if way * t.now.risen == most]
        if most > 0:
            text += f"；{_names(movers)}{word}{most}位"
    if len(found[0].stands) > 1 and not any(t.now.risen for t in found):
        text += "；名次与上期相同"
    return text


def _names(found: Sequence[Track]) -> str:
    """Name up to three towns; more are counted."""
    if len(found) > _NAMED:
        return f"{len(found)}个镇办"
    return "、".join(t.name for t in found)


def _ranks(sheet: Sheet, box: Box, days: Sequence[date], found: Sequence[Track]) -> None:
    """Draw the ranks: a column of discs per export, a line per town, names at both ends."""
    left, right = _NAMES_MM
    plot = Box(box.left + left + 8, box.bottom + 2, box.right - right - 8, box.top - 9)
    step = min(_MOST_ROW_MM, plot.height / len(found))
    radius = min(_MOST_DISC_MM, step * 0.4)
    size = max(STYLE.small_pt, min(STYLE.body_pt, step / PT_MM * 0.5))
    xs = [plot.left + n * plot.width / (len(days) - 1) for n in range(len(days))]
    ys = [plot.top - (n + 0.5) * step for n in range(len(found))]
    for x, day in zip(xs, days, strict=True):
        head = Ink(STYLE.small_pt, colour=STYLE.quiet, ha="center")
        sheet.text((x, plot.top + 2.2), f"{day.month}/{day.day}", head)
    _ties(sheet, xs, ys, found, radius)
    for track in sorted(found, key=lambda t: t.colour != SAME):
        points = [(x, ys[s.place]) for x, s in zip(xs, track.stands, strict=True)]
        sheet.line(_curve(points), 1.4 if track.colour == SAME else 2.4, track.colour)
    for track in found:
        for n, (x, stand) in enumerate(zip(xs, track.stands, strict=True)):
            y = ys[stand.place]
            sheet.disc((x, y), radius, track.colour)
            ink = Ink(min(size, 7.5), bold=True, colour=STYLE.paper, ha="center")
            sheet.text((x, y - ink.size_pt * PT_MM * 0.37), str(stand.rank), ink)
            if stand.reopened:
                _reopened(sheet, (x + radius, y), stand.reopened, step)
            if not n:
                name = Ink(size, ha="right")
                foot = y - size * PT_MM * 0.37
                sheet.fitted((x - radius - 1.6, foot), track.name, name, left)
        _end(sheet, (xs[-1] + radius, ys[track.now.place]), track, size, right)


def _first(sheet: Sheet, found: Sequence[Track]) -> None:
    """Draw the ledger's first export, which nothing can be compared with, as plain bars."""
    room = kit.band(sheet, _RANKS._replace(right=_RATES.right), "首期名次（完成率）")
    most = kit.bar_rows(room, len(found))
    rows = [
        kit.BarRow(str(n.rank), t.name, float(n.pct) / 100, SAME, n.rate, (whole_mu(n.left),))
        for t in found[:most]
        for n in (t.now,)
    ]
    name = f"其余{len(found) - most}个镇办" if most < len(found) else f"共{most}个镇办"
    total = kit.BarRow("", name, 0.0, "", "", ("",))
    kit.bars(sheet, room, ("完成率", "剩余亩"), rows, total)


def _curve(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a line through points that leaves and reaches each level (smoothstep)."""
    t = np.linspace(0, 1, 41)
    ease = t * t * (3 - 2 * t)
    found = []
    for (x0, y0), (x1, y1) in pairwise(points):
        found += [*zip(x0 + (x1 - x0) * t, y0 + (y1 - y0) * ease, strict=True)]
    return found


def _ties(
    sheet: Sheet, xs: Sequence[float], ys: Sequence[float], found: Sequence[Track], radius: float
) -> None:
    """Draw a pale bar behind the discs that share a rank."""
    for n, x in enumerate(xs):
        ranks: dict[int, list[int]] = {}
        for track in found:
            ranks.setdefault(track.stands[n].rank, []).append(track.stands[n].place)
        for places in ranks.values():
            if len(places) > 1:
                wide, air = radius + 0.9, radius + 0.5
                box = Box(x - wide, ys[max(places)] - air, x + wide, ys[min(places)] + air)
                sheet.rect(box, TIED, SAME, STYLE.hair_pt)


def _reopened(sheet: Sheet, at: tuple[float, float], count: int, step: float) -> None:
    """Mark that tasks were reopened here: a triangle and their number, over white."""
    ink = Ink(STYLE.small_pt, bold=True, colour=STYLE.accent)
    text = f"▲{count}"
    x, y = at[0] + 0.9, at[1] + min(1.4, step * 0.12)
    height = STYLE.small_pt * PT_MM
    sheet.rect(Box(x - 0.2, y - 0.3, x + sheet.width(text, ink) + 0.2, y + height), STYLE.paper)
    sheet.text((x, y), text, ink)


def _end(sheet: Sheet, at: tuple[float, float], track: Track, size: float, width: float) -> None:
    """Write name, rate and what changed at the right end of a town's line."""
    x, y = at[0] + 7.5, at[1] - size * PT_MM * 0.37
    sheet.fitted((x, y), track.name, Ink(size, bold=True), width - 34)
    right = at[0] + 8 + width - 22
    sheet.text((right, y), track.now.rate, Ink(size, ha="right"))
    change, risen = track.now.change, track.now.risen
    if change is None:
        return
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    said = f"{sign}{abs(change):.1f}" + (
        f" {'↑' if risen > 0 else '↓'}{abs(risen)}" if risen else ""
    )
    sheet.text((right + 1.6, y), said, Ink(max(STYLE.small_pt, size * 0.8), colour=track.colour))


def _rates(sheet: Sheet, box: Box, days: Sequence[date], found: Sequence[Track]) -> None:
    """Draw the rates over time on 0–100 %, with the towns' names at the ends of their lines."""
    plot = Box(box.left + 9, box.bottom + 8, box.right - 40, box.top - 6)
    scales = Scales(area=plot, top=100.0, first=days[0], last=days[-1])
    axes(sheet, scales, days, STYLE.small_pt)
    for track in sorted(found, key=lambda t: t.colour != SAME):
        points = [scales.at(d, float(s.pct)) for d, s in zip(days, track.stands, strict=True)]
        sheet.line(points, 1.0 if track.colour == SAME else 1.6, track.colour)
        for stand, (x, y) in zip(track.stands, points, strict=True):
            if stand.reopened:
                sheet.polygon([(x - 1, y - 0.8), (x + 1, y - 0.8), (x, y + 1)], STYLE.accent, 0.3)
            else:
                sheet.disc((x, y), 0.7, track.colour)
    step = min(4.0, plot.height / max(1, len(found) - 1))
    size = max(STYLE.small_pt, min(STYLE.note_pt + 0.6, step / PT_MM * 0.8))
    ends = [scales.y(float(track.now.pct)) for track in reversed(found)]
    end = scales.x(days[-1])
    for track, was, y in zip(
        reversed(found), ends, spread(ends, step, plot.bottom, plot.top + 2), strict=True
    ):
        sheet.line([(end + 1, was), (end + 3, y), (end + 4, y)], STYLE.hair_pt, track.colour)
        text = f"{track.name} {track.now.rate}"
        ink = Ink(size, colour=track.colour if track.colour != SAME else STYLE.ink)
        sheet.fitted((end + 4.6, y - size * PT_MM * 0.37), text, ink, box.right - end - 5)


def _legend(sheet: Sheet, days: Sequence[date]) -> None:
    """Write the signs beneath the charts."""
    x, y = 16.0, 19.0
    ink = Ink(STYLE.note_pt)
    if len(days) > 1:
        for label, colour in (("比上期上升", RISEN), ("下降", FALLEN), ("不变", SAME)):
            sheet.line([(x, y + 0.9), (x + 7, y + 0.9)], 2.0, colour)
            sheet.disc((x + 3.5, y + 0.9), 1.3, colour)
            sheet.text((x + 8.4, y), label, ink)
            x += 8.4 + sheet.width(label, ink) + 4
    sheet.rect(Box(x, y - 0.6, x + 3, y + 2.4), TIED, SAME, STYLE.hair_pt)
    sheet.text((x + 4.2, y), "并列", ink)
    x += 4.2 + sheet.width("并列", ink) + 4
    strong, text = Ink(STYLE.note_pt, bold=True, colour=STYLE.accent), "▲数字 该期新反弹的任务数"
    sheet.text((x, y), text, strong)
    x += sheet.width(text, strong) + 5
    more = "右端为最新完成率、比上期增减的百分点和升（↑）降（↓）位数。"
    note = "完成率=已恢复÷应恢复，同率同名次，并列者按镇办代码排列。"
    note += more if len(days) > 1 else "首期，尚无名次变化可比。"
    sheet.fitted((x, y), note, Ink(STYLE.note_pt, colour=STYLE.quiet), 404 - x)


SPECS = (
    MapSpec(
        name="ranking",
        title="完成率排名变化图",
        size=page("A3"),
        needs=("towns", "progress"),
        draw=draw,
        answers="哪些镇办领先、哪些落后，名次和完成率一期一期怎么变，哪里反弹",
        newest_only=True,
    ),
)

"""Gap sheets' words and figures: what remains of an indicator's gap, and how much is done."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from pipeline.render.breaks import half_up, load_breaks
from pipeline.render.choropleth import Ranked, Theme
from pipeline.render.gap_table import (
    GapTable,
    TownGap,
    done,
    gap_table,
    headline,
    percent,
    whole_mu,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.render.breaks import Breaks
    from pipeline.render.data import MapData
    from pipeline.render.scope import Scope

_TOP = 3


@dataclass(frozen=True, slots=True)
class Named:
    """An indicator in words: of gaps.csv; its gap; its task or target; what its gap sums up."""

    indicator: str
    gap: str
    target: str
    counts: str


def remaining_theme(data: MapData, named: Named, name: str) -> Theme:
    """Return the sheet of what remains; name: of its classes in breaks.csv (whole 亩)."""
    scope = data.scope
    table, breaks = gap_table(data, named.indicator), load_breaks(f"{scope.breaks}{name}")
    ranked = table.ranked()
    longest = ranked[0][1].remaining if ranked else None
    shares = table.target is not None
    towns = [
        Ranked(
            code=town.code, town=town.town, value=town.remaining,
            label=(
                town.town, f"{whole_mu(town.remaining)} 亩",
                f"占{named.target} {percent(town.remaining, town.target)}"
                if town.target is not None else f"完成 {done(town)}",
            ),
            rank=str(rank), length=float((town.remaining or 0) / longest) if longest else 0.0,
            bar=whole_mu(town.remaining),
            columns=((percent(town.remaining, town.target),) if shares else ()) + (done(town),),
        )
        for rank, town in ranked
    ]  # fmt: skip
    total = whole_mu(table.remaining) if table.known else "无数据"
    if table.target is not None:
        total += f"（{named.target}{whole_mu(table.target)}）"
    missing = len(table.towns) - len(table.known)
    return Theme(
        title=f"{data.county.name}{named.gap}分布图（{data.county.ledger.year}年度）",
        headline=headline(table, named.gap, scope),
        breaks=breaks,
        towns=(*towns, *_without_data(table)),
        legend_title="图例（剩余，亩）",
        legend_heads=(f"{data.scope.part}数", "剩余合计"),
        classes=tuple(
            (item, (f"{count} 个", f"{whole_mu(mu)} 亩"))
            for item, count, mu in reversed(table.sums(breaks))
        ),
        missing=(f"{missing} 个", "—"),
        whole=(
            f"{len(table.towns)} 个", f"{whole_mu(table.remaining)} 亩" if table.known else "—",
        ),
        bars_title=f"{named.gap}排名",
        bar_heads=("剩余（亩）", *((f"占{named.target}",) if shares else ()), "完成率"),
        bars_total=(
            total,
            *((percent(table.remaining, table.target),) if shares else ()),
            done(table.county) if table.county else "—",
        ),
        rest=partial(_rest_remaining, table, shares=shares),
        groups=table.by_group(),
        notes=(
            f"{named.counts}完成率=已恢复÷应恢复。",
            (f"分级和名次按四舍五入后的整亩数，分级界限各期不变；"
            f"大于0而不足0.5亩的列入{next(c for c in breaks.classes if c.lower > 0).label}级。"),
            *_rounding(table, breaks, scope),
            *_published(data, table),
        ),
    )  # fmt: skip


def rate_theme(data: MapData, named: Named, name: str) -> Theme:
    """Return the sheet of completion rates; name: of its classes in breaks.csv (whole ‰)."""
    table, breaks = gap_table(data, named.indicator), load_breaks(name)
    order = sorted(table.known, key=lambda town: (town.permille or Decimal(0), town.code))
    rates = [town.permille or Decimal(0) for town in order]
    towns = [
        Ranked(
            code=town.code, town=town.town, value=rate,
            label=(town.town, done(town), f"剩余 {whole_mu(town.remaining)} 亩"),
            rank=str(1 + sum(other > rate for other in rates)), length=float(rate / 1000),
            bar=done(town), columns=(whole_mu(town.restored), whole_mu(town.remaining)),
        )
        for town, rate in zip(order, rates, strict=True)
    ]  # fmt: skip
    county, missing = table.county, len(table.towns) - len(table.known)
    members = {item: [t for t, r in zip(order, rates, strict=True) if breaks.of(r) == item]
               for item in breaks.classes}  # fmt: skip
    whole = done(county) if county else "—"
    return Theme(
        title=f"{data.county.name}{named.gap.removesuffix('缺口').removesuffix('剩余任务')}"
        f"整改完成率图（{data.county.ledger.year}年度）",
        headline=_rate_headline(table, order, data.scope),
        breaks=breaks,
        towns=(*towns, *_without_data(table)),
        legend_title="图例（完成率=已恢复÷应恢复）",
        legend_heads=(f"{data.scope.part}数", "剩余合计"),
        classes=tuple(
            (item, (f"{len(own)} 个", f"{whole_mu(_remaining(own))} 亩"))
            for item, own in members.items()
        ),
        missing=(f"{missing} 个", "—"),
        whole=(
            f"{len(table.towns)} 个", f"{whole_mu(table.remaining)} 亩" if table.known else "—",
        ),
        bars_title="完成率，由低到高",
        bar_heads=("完成率", "已恢复亩", "剩余亩"),
        bars_total=(
            whole, whole_mu(county.restored if county else None), whole_mu(table.remaining),
        ),
        rest=partial(_rest_rate, table),
        groups=table.by_group(),
        notes=(
            f"{named.counts}应恢复为已恢复与剩余之和。",
            "完成率印一位小数；仍有剩余的不印100%。应恢复为0的按100%计。名次由高到低，并列同名次。",
            "分级界限各期不变。",
        ),
    )  # fmt: skip


def _without_data(table: GapTable) -> Sequence[Ranked]:
    """Return the towns without data, in order of their code."""
    return [
        Ranked(
            code=town.code, town=town.town, value=None, label=(town.town, "无数据", ""),
            rank="", length=0.0, bar="无数据", columns=(),
        )
        for town in table.towns
        if town.remaining is None
    ]  # fmt: skip


def _rest_remaining(table: GapTable, codes: Sequence[str], *, shares: bool) -> tuple[str, ...]:
    """Return figure and columns of the towns that share the last row."""
    rest = GapTable(tuple(town for town in table.towns if town.code in codes), None)
    share = (percent(rest.remaining, rest.target),) if shares else ()
    return (whole_mu(rest.remaining), *share, "—")


def _rest_rate(table: GapTable, codes: Sequence[str]) -> tuple[str, ...]:
    """Return figure and columns of the towns that share the last row."""
    own = [town for town in table.towns if town.code in codes]
    restored = sum((town.restored or Decimal(0) for town in own), Decimal(0))
    return ("—", whole_mu(restored), whole_mu(_remaining(own)))


def _remaining(towns: Sequence[TownGap]) -> Decimal:
    """Return the exact sum of what remains."""
    return sum((town.remaining or Decimal(0) for town in towns), Decimal(0))


def _rate_headline(table: GapTable, order: Sequence[TownGap], scope: Scope) -> str:
    """Say in one sentence how far the whole is and who is behind, from the figures alone."""
    if not order or table.county is None:
        return f"各{scope.part}均无完成率数据"
    if not table.remaining:
        return f"{scope.whole}已全部完成"
    text = f"{scope.whole}完成{done(table.county)}"
    behind = [town for town in order if town.remaining]
    slowest = [town for town in behind if town.permille == behind[0].permille]
    if len(slowest) == len(order):
        return f"{text}，各{scope.part}进度相同" if len(order) > 1 else text
    names = "、".join(town.town for town in slowest[:_TOP])
    more = f"等{len(slowest)}个{scope.part}" if len(slowest) > _TOP else ""
    text += f"，{names}{more}最慢（{done(slowest[0])}）"
    finished = len(order) - len(behind)
    return text + (f"，已完成的{scope.part}{finished}个" if finished else "")


def _rounding(table: GapTable, breaks: Breaks, scope: Scope) -> list[str]:
    """Name every printed sum that differs from the printed total."""
    total = int(half_up(table.remaining, 0))
    sums = {
        scope.each: sum(town.shown for town in table.known),
        "各级": sum(int(half_up(mu, 0)) for _, _, mu in table.sums(breaks)),
    }
    return [
        f"{what}整亩数相加为{printed:,}，合计为{total:,}，差{abs(printed - total)}系取整。"
        for what, printed in sums.items()
        if printed != total
    ]


def _published(data: MapData, table: GapTable) -> list[str]:
    """Say how many towns agree with the published figures, at the ledger's export."""
    compared = [t for t in table.towns if t.published is not None and t.gap is not None]
    if data.export != data.county.ledger or not compared:
        return []
    same = sum(half_up(t.gap, 0) == half_up(t.published, 0) for t in compared)  # type: ignore[arg-type]  # both known
    return [f"与已公布缺口逐镇核对：{same}个一致，{len(compared) - same}个不一致。"]

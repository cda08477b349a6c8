"""A traced figure as an inspector reads it, and its plots as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.explain import course, listing, movement, stated, wording
from pipeline.explain.adding import SUMS, counted
from pipeline.explain.cells import AGAIN, PROGRESS, RANK, RANK_AREA
from pipeline.explain.figure import UNCOUNTED, weights
from pipeline.explain.table import unit_of
from pipeline.explain.words import COUNTY, LEVELS, TOWN
from pipeline.measure import mu_text
from pipeline.tables.figures import load_measures

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from pipeline.explain.cells import Cell
    from pipeline.explain.figure import Trace
    from pipeline.explain.table import Provenance
    from pipeline.model import Category, County

VERDICTS = {"equal": "相等", "rounding": "取整", "definition": "口径", "real": "真差"}
CHECKS = {"printed-internal": "文件自身", "printed-computed": "与图斑加出来的数"}


def report(
    found: Trace,
    table: pd.DataFrame,
    *,
    county: County,
    classes: Sequence[Category],
    provenance: Provenance,
    limit: int | None,
) -> str:
    """Return in Chinese the figure, its formula, terms, plots, sources and what was checked.

    table: `plot_table`'s rows; limit: how many plots are listed (None: all).
    """
    lines = [
        *_head(found, county, provenance),
        *_cells(found),
        *_formula(found, classes),
        *_terms(found, county, classes),
        *_steps(found),
        *_rests(found, county),
        *_stated(found),
        *_published(found),
        *listing.rules(table),
        *listing.sources(table),
        *listing.plots(table, county, limit),
        *_checked(found),
    ]
    return "\n".join(lines) + "\n"


def _head(found: Trace, county: County, provenance: Provenance) -> Iterator[str]:
    asked = found.asked
    level = LEVELS[asked.place.level]
    place = county.name if asked.place.level == COUNTY else f"{asked.place.name}（{level}）"
    sample = "（示例数据）" if county.sample else ""
    measure = f" · {asked.measure.label}" if asked.measure else ""
    yield f"{place} · {asked.figure.label}（{asked.figure.name}）{measure}{sample}"
    run_id = provenance.run_id or "不明（没有 manifest.json，运行 gengbao all 后才有）"
    yield f"  数据日期：{found.case.export}；run_id：{run_id}"
    yield f"  规则包：{provenance.pack}（版本 {provenance.version}）"
    if provenance.changed:
        files = "、".join(provenance.changed)
        yield f"  注意：{files} 与清单（manifest.json）记录的不一致，run_id 不作数；{AGAIN}"
    sums = {name: int(amount.sum()) for name, amount in counted(found.case.rows).items()}
    yield f"  图斑 {sums['plots']} 个；面积 {_area(sums['area_mu'])}"
    if asked.measure and found.measure in (*SUMS, *course.CHANGES, *movement.MEASURES):
        amount = int(weights(found.case, found.measure).sum())
        of_area = found.measure.endswith(("_mu", "_m2"))
        said = _area(amount) if of_area else f"{amount} {asked.measure.unit}"
        yield f"  其中{asked.measure.label.split('（')[0]}：{said}"


def _area(cm2: int) -> str:
    """Return an area exact and as it is printed."""
    exact, whole, tenth = (mu_text(cm2, places) for places in (6, 0, 1))
    return f"{exact} 亩（{cm2 / 100:.2f} ㎡），印作 {whole} 亩或 {tenth} 亩"


def _cells(found: Trace) -> Iterator[str]:
    labels = {measure.name: measure for measure in load_measures()}
    asked = found.asked.measure
    own = [c for c in found.cells if (c.column == asked.name if asked else c.product != PROGRESS)]
    if not own:
        return
    yield "成果中的数："
    for product, row in dict.fromkeys((cell.product, cell.row) for cell in own):
        said = "；".join(
            f"{labels[cell.column].label.split('（')[0]} {_said(cell, labels[cell.column].unit)}"
            for cell in own
            if (cell.product, cell.row) == (product, row)
        )
        yield f"  {product} {row}：{said}"


def _said(cell: Cell, unit: str) -> str:
    if cell.stated is None:
        return "无"
    if cell.column == wording.OUTLOOK:
        return f"{cell.stated}（{wording.OUTLOOKS.get(str(cell.stated), '不认识')}）"
    return f"{cell.stated} {unit}".rstrip() if unit != "%" else f"{cell.stated}%"


def _formula(found: Trace, classes: Sequence[Category]) -> Iterator[str]:
    asked = found.asked
    labels = {c.name: c.label_long for c in classes}
    parts = " + ".join(labels[name] for name in asked.figure.parts)
    yield "公式："
    if asked.figure.parts != (asked.figure.name,):
        yield f"  {asked.figure.label} = {parts}"
    shown = [asked.measure.name] if asked.measure else ["plots", "area_m2", "area_mu"]
    for measure in load_measures():
        if measure.name in shown:
            yield f"  {measure.label} = {measure.formula}"


def _terms(found: Trace, county: County, classes: Sequence[Category]) -> Iterator[str]:
    place, figure, rows = found.asked.place, found.asked.figure, found.case.rows
    if found.measure in UNCOUNTED:
        return
    if found.measure in (RANK, RANK_AREA) and found.ranks is not None:
        by_area = found.measure != RANK
        yield "各镇办已恢复面积：" if by_area else "各镇办完成率："
        for town in found.ranks.to_dict("records"):
            said = f"{town['restored_mu']} 亩" if by_area else f"{town['done_pct']}%"
            yield f"  第 {town['rank']} 名 {town['town']}：{said}"
        return
    parts = {c.name: c.label_long for c in classes if c.name in figure.parts}
    if len(parts) > 1 and found.measure != "distinct_plots":
        yield "按类别："
        for name, label in parts.items():
            yield f"  {label}：{_amount(found, rows['category'] == name)}"
    if place.level != TOWN:
        yield "按镇办："
        towns = {town.code: town.name for town in county.towns}
        for code in place.towns:
            own = rows["town_code"] == code
            if code in towns or own.any():
                yield f"  {towns.get(code, code)}：{_amount(found, own)}"


def _amount(found: Trace, own: pd.Series) -> str:
    """Return what some rows add: plots that count, and the area if the measure is one."""
    inside = own.to_numpy()
    if found.measure == "done_pct":
        sums = counted(found.case.rows[inside])
        done, gap = (int(sums[name].sum()) for name in ("restored_mu", "gap_mu"))
        return f"已恢复 {mu_text(done, 6)} 亩，缺口 {mu_text(gap, 6)} 亩"
    asked = found.measure if found.asked.measure else "area_mu"
    amounts = weights(found.case, asked)[inside]
    if not unit_of(asked).endswith(("_mu", "_m2")):
        return f"{int(amounts.sum())} 个"
    cm2, plots = int(amounts.sum()), int((amounts != 0).sum())
    return f"{plots} 个，{mu_text(cm2, 6)} 亩（{cm2 / 100:.2f} ㎡）"


def _steps(found: Trace) -> Iterator[str]:
    """Yield the net work of every step, for measures that come from it."""
    paced = (*course.PACES, *course.ESTIMATES, "left_mu", wording.OUTLOOK, wording.NOTE)
    if found.measure not in paced or not found.steps:
        return
    yield "各步净进度（未销号面积的减少）："
    for end, days, work in found.steps:
        yield f"  到 {end}：{days} 天，{mu_text(work, 6)} 亩"


def _rests(found: Trace, county: County) -> Iterator[str]:
    """Yield what a word, a date or a phase of progress.csv rests on."""
    if found.measure == wording.PHASE:
        yield "各阶段（county.toml 的 [phases]）："
        for name, (first, last) in county.phases.items():
            yield f"  {name}：{first} 至 {last}"
        if not county.phases:
            yield "  没有写"
    elif found.measure == wording.SINCE:
        yield f"各期：{'、'.join(map(str, (*found.case.earlier, found.case.export)))}"
    names = wording.RESTS.get(found.measure, ())
    if not names:
        return
    labels = {measure.name: measure for measure in load_measures()}
    yield "所依据的数（progress.csv 同一行）："
    own = {c.column: c for c in found.cells if c.product == PROGRESS}
    for name in names:
        yield f"  {labels[name].label}：{_said(own[name], labels[name].unit)}"


def _stated(found: Trace) -> Iterator[str]:
    name = found.asked.measure.name if found.asked.measure else None
    kinds = {"target": "任务数", "gap": "公布缺口"}
    rows = [t for t in found.targets if stated.TARGETS.get(name or "", t.kind) == t.kind]
    if rows and (name is None or name in stated.TARGETS):
        yield "任务与公布缺口（targets.csv）："
        for t in rows:
            said = f"{kinds[t.kind.value]} {t.value} {t.unit}；来源：{t.source or '未写来源'}"
            yield f"  {t.town} {t.indicator.value} {said}"
    if found.plan and name in (*stated.PLANNED, "behind_mu"):
        yield "倒排工期（plan.csv）："
        for step in found.plan:
            yield f"  {step.town} 到 {step.date}：{step.planned_mu} 亩"
    if name in UNCOUNTED:
        yield "  这是文件下达、公布或计划的数，背后没有图斑"


def _published(found: Trace) -> Iterator[str]:
    if found.printed.empty:
        return
    yield "公布的数（published.csv 与 reconcile.csv）："
    units = {"plots": "个", "area_mu": "亩"}
    for line in found.printed.to_dict("records"):
        unit = units[line["measure"]]
        against = f"{CHECKS[line['check']]}核对 {line['computed']} {unit}"
        verdict = f"{VERDICTS[line['verdict']]}（{line['reason']}）"
        printed_as = f"公布 {line['published']} {unit}"
        yield f"  {line['table']} {line['item']}：{printed_as}，{against}，{verdict}"


def _checked(found: Trace) -> Iterator[str]:
    said = "、".join(f"{product} {count} 个数" for product, count in found.checked.items())
    yield f"核对：由图斑重新加总，与成果逐一相等（{said}）"

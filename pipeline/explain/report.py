"""A traced figure as an inspector reads it, and its plots as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.explain.adding import LEDGER, counted, printed
from pipeline.explain.figure import AGAIN, RANK, STATED
from pipeline.explain.ground import JOIN, SUPPLEMENT
from pipeline.explain.plot import village_name
from pipeline.explain.words import COUNTY, LEVELS, TOWN
from pipeline.measure import mu_text
from pipeline.tables.figures import load_measures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.explain.figure import Cell, Trace
    from pipeline.model import Category, County

STATUS = {
    "open": "待整改", "partial": "部分恢复", "closed": "已销号", "reopened": "反弹",
    "withdrawn": "撤出", "": "非任务",
}  # fmt: skip
VERDICTS = {"equal": "相等", "rounding": "取整", "definition": "口径", "real": "真差"}
CHECKS = {"printed-internal": "文件自身", "printed-computed": "与图斑加出来的数"}
SOURCE = ("bsm", "tbbh", "source_file", "source_row")
"""Columns of parcels that say where a plot comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """The run that made the products, the rules it used.

    run_id: missing where there is no manifest; changed: products and rule files that aren't as the
    manifest lists them.
    """

    run_id: str | None
    pack: str
    version: str
    changed: tuple[str, ...] = ()


def plot_table(
    found: Trace,
    sources: Mapping[str, pd.DataFrame],
    classes: Sequence[Category],
    provenance: Provenance,
) -> pd.DataFrame:
    """Return the listed plots with their source, one row per task, ready to write.

    sources: per export (ISO date) the SOURCE columns of its parcels; a task's source is the plot
    of the export it was first seen in. `counted` is what the row adds to the figure, in its unit.
    Areas are text with their exact decimals. Raises GengbaoError for a plot that has no source.
    """
    rows = found.listed
    known = pd.concat(
        [table.assign(first_seen=day) for day, table in sources.items()], ignore_index=True
    ).drop_duplicates(["first_seen", "bsm"])
    table = rows.merge(known, on=["first_seen", "bsm"], how="left", validate="many_to_one")
    lost = table[table["source_file"].isna()]
    if len(lost):
        raise GengbaoError(
            Finding(f"图斑 {bsm}", f"{day} 的入库成果中没有这个图斑", AGAIN)
            for bsm, day in zip(lost["bsm"], lost["first_seen"], strict=True)
        )
    asked = found.asked
    measure = asked.measure.name if asked.measure else "plots"
    labels = {c.name: c.label_long for c in classes}
    areas = ("area", "restored", "remaining")
    table = table.assign(
        export=found.export.isoformat(),
        place=asked.place.name,
        figure=asked.figure.name,
        measure=measure,
        counted=[format(printed(amount, _unit(measure)), "f") for amount in table["counted"]],
        label=table["category"].map(labels),
        area_mu=[mu_text(cm2, 6) for cm2 in table["area_cm2"]],
        status_label=table["status"].map(STATUS),
        run_id=provenance.run_id,
        **{f"{name}_m2": [f"{cm2 / 100:.2f}" for cm2 in table[f"{name}_cm2"]] for name in areas},
    )
    head = ("export", "place", "figure", "measure", "counted")
    named = ("label", "area_mu", "status_label", "tbbh", "source_file", "source_row", "run_id")
    return table[[*head, *LEDGER, *named]]


def _unit(measure: str) -> str:
    """Return the measure whose unit a row's share is in."""
    return "gap_mu" if measure in ("done_pct", RANK) else measure


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
        *_stated(found),
        *_published(found),
        *_rules(table),
        *_sources(table),
        *_plots(table, county, limit),
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
    yield f"  数据日期：{found.export}；run_id：{run_id}"
    yield f"  规则包：{provenance.pack}（版本 {provenance.version}）"
    if provenance.changed:
        files = "、".join(provenance.changed)
        yield f"  注意：{files} 与清单（manifest.json）记录的不一致，run_id 不作数；{AGAIN}"
    sums = {name: int(amount.sum()) for name, amount in counted(found.rows).items()}
    yield f"  图斑 {sums['plots']} 个；面积 {_area(sums['area_mu'])}"
    if asked.measure and asked.measure.name in sums:
        amount = sums[asked.measure.name]
        of_area = asked.measure.name.endswith(("_mu", "_m2"))
        said = _area(amount) if of_area else f"{amount} {asked.measure.unit}"
        yield f"  其中{asked.measure.label.split('（')[0]}：{said}"


def _area(cm2: int) -> str:
    """Return an area exact and as it is printed."""
    exact, whole, tenth = (mu_text(cm2, places) for places in (6, 0, 1))
    return f"{exact} 亩（{cm2 / 100:.2f} ㎡），印作 {whole} 亩或 {tenth} 亩"


def _cells(found: Trace) -> Iterator[str]:
    labels = {measure.name: measure for measure in load_measures()}
    own = [
        c for c in found.cells if not found.asked.measure or c.column == found.asked.measure.name
    ]
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
    return f"{cell.stated} {unit}" if unit != "%" else f"{cell.stated}%"


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
    asked = found.asked
    if asked.measure and asked.measure.name in STATED:
        return
    measure = asked.measure.name if asked.measure else "area_mu"
    if measure == RANK:
        yield "各镇办完成率："
        for town in found.ranks.itertuples():
            yield f"  第 {town.rank} 名 {town.town}：{town.done_pct}%"
        return
    names = [c for c in classes if c.name in asked.figure.parts]
    if len(names) > 1:
        yield "按类别："
        for category in names:
            own = found.rows[found.rows["category"] == category.name]
            yield f"  {category.label_long}：{_amount(own, measure)}"
    if asked.place.level != TOWN:
        yield "按镇办："
        towns = {town.code: town.name for town in county.towns}
        for code in asked.place.towns:
            own = found.rows[found.rows["town_code"] == code]
            if code in towns or len(own):
                yield f"  {towns.get(code, code)}：{_amount(own, measure)}"


def _amount(rows: pd.DataFrame, measure: str) -> str:
    """Return what some rows add: plots that count, and the area if the measure is one."""
    if measure == "done_pct":
        sums = counted(rows)
        done, gap = (int(sums[name].sum()) for name in ("restored_mu", "gap_mu"))
        return f"已恢复 {mu_text(done, 6)} 亩，缺口 {mu_text(gap, 6)} 亩"
    weights = counted(rows)[measure]
    if not measure.endswith(("_mu", "_m2")):
        return f"{int(weights.sum())} 个"
    cm2 = int(weights.sum())
    plots = int((weights != 0).sum())
    return f"{plots} 个，{mu_text(cm2, 6)} 亩（{cm2 / 100:.2f} ㎡）"


def _stated(found: Trace) -> Iterator[str]:
    name = found.asked.measure.name if found.asked.measure else None
    kinds = {"target": "任务数", "gap": "公布缺口"}
    rows = [t for t in found.targets if name is None or STATED.get(name, t.kind) == t.kind]
    if rows:
        yield "任务与公布缺口（targets.csv）："
    for t in rows:
        said = f"{kinds[t.kind.value]} {t.value} {t.unit}；来源：{t.source or '未写来源'}"
        yield f"  {t.town} {t.indicator.value} {said}"
    if name in STATED:
        yield "  这是文件下达或公布的数，背后没有图斑"


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


def _rules(table: pd.DataFrame) -> Iterator[str]:
    if table.empty:
        return
    yield "规则与依据："
    keys = ["rule_id", "case_no", "basis"]
    said = table[keys].fillna("").groupby(keys).size().reset_index(name="plots")
    for line in said.to_dict("records"):
        case = f"情形 {line['case_no']}；" if line["case_no"] else ""
        yield f"  {line['rule_id'] or '无规则'}（{line['plots']} 个）：{case}{line['basis']}"


def _sources(table: pd.DataFrame) -> Iterator[str]:
    if table.empty:
        return
    yield "来源文件（首次入账那一期）："
    for file, count in table.groupby("source_file").size().items():
        yield f"  {file}：{count} 行"


def _plots(table: pd.DataFrame, county: County, limit: int | None) -> Iterator[str]:
    if table.empty:
        return
    shown = table if limit is None else table.head(limit)
    rest = len(table) - len(shown)
    yield f"图斑（共 {len(table)} 个{f'，列出前 {len(shown)} 个' if rest else ''}）："
    for number, row in enumerate(shown.to_dict("records"), 1):
        name = row["bsm"] if pd.isna(row["task_id"]) else f"{row['task_id']}（BSM {row['bsm']}）"
        place = f"{row['town']} {village_name(county, row['town'], row['village'])}".strip()
        share = "" if row["counted"] in ("1", row["area_mu"]) else f"（本项计 {row['counted']}）"
        kind = f"{row['label']} {row['status_label']} {row['rule_id']}"
        yield f"  {number}. {name} {place} {row['area_mu']} 亩{share} {kind}"
        yield f"     来源：{row['source_file']} 第 {row['source_row']} 行"
        for column, said in ((SUPPLEMENT, "补划"), ("now", "本期"), ("now_source", "本期来源")):
            if isinstance(row.get(column), str):
                yield f"     {said}：{row[column].replace(JOIN, '；')}"
    if rest:
        yield f"  ……另有 {rest} 个未列出：--all 全部列出，--csv、--gpkg 写成文件"


def _checked(found: Trace) -> Iterator[str]:
    said = "、".join(f"{product} {count} 个数" for product, count in found.checked.items())
    yield f"核对：由图斑重新加总，与成果逐一相等（{said}）"

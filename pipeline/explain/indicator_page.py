"""A traced indicator as an inspector reads it, and what stands behind it as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.explain import listing
from pipeline.explain.cells import AGAIN
from pipeline.explain.indicator import INDICATORS, TERMS, amount, behind, target_of
from pipeline.explain.plot import village_name
from pipeline.explain.words import COUNTY, LEVELS, TOWN
from pipeline.tables.indicators import MEASURED, STATED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.explain.indicator import Appraisal, Appraised
    from pipeline.explain.table import Provenance
    from pipeline.model import Category, County
    from pipeline.tables.indicators import Term

PIECES = (
    "bsm", "piece", "town", "village", "category", "dlbm", "dlbm_prev", "in_pbf", "in_target",
    "rule_id", "basis", "case_no", "flags", "base_m2",
)  # fmt: skip
"""Columns of classified pieces that are told of a piece."""
SOURCED = ("tbbh", "source_file", "source_row")
COLUMNS = (
    "export", "place", "indicator", "term", "term_label", "counted", "unit", "task_id",
    *PIECES[:2], "town_code", *PIECES[2:5], "label", *PIECES[5:], "first_seen", *SOURCED, "run_id",
)  # fmt: skip
UNMET = {"at_least": "不少于", "at_most": "不大于", "below": "小于"}


def piece_table(
    found: Appraisal,
    pieces: pd.DataFrame,
    sources: Mapping[str, pd.DataFrame],
    classes: Sequence[Category],
    provenance: Provenance,
) -> pd.DataFrame:
    """Return the pieces and tasks behind an indicator with their source, ready to write: COLUMNS.

    pieces: PIECES of the export; sources: per export (ISO date) bsm and SOURCED of its parcels. A
    piece's source is its plot in this export, a task's the plot of the export it was first seen
    in. `counted` is what the row adds to its term, in the term's unit. Raises GengbaoError for a
    row that has no source.
    """
    question = found.question
    day = question.export.isoformat()
    listed, terms = found.listed, {term.name: term for term in question.tested.terms}
    plain = listed["task_id"].isna()
    own = listed[plain].merge(pieces[list(PIECES)], on=["bsm", "piece"], how="left")
    tasks = question.tasks.drop(columns=["bsm", "town_code"])
    own_tasks = listed[~plain].merge(tasks, on="task_id", how="left")
    own_tasks = own_tasks.assign(base_m2=own_tasks["area_cm2"] / 100)
    parts = [part for part in (own.assign(first_seen=day), own_tasks) if len(part)]
    table = pd.concat(parts, ignore_index=True) if parts else own.assign(first_seen=day)
    known = pd.concat([t.assign(first_seen=d) for d, t in sources.items()], ignore_index=True)
    table = table.merge(known, on=["first_seen", "bsm"], how="left", validate="many_to_one")
    _sourced(table)
    labels = {c.name: c.label_long for c in classes}
    table = table.assign(
        export=day,
        place=question.asked.place.name,
        indicator=question.tested.indicator.value,
        term_label=table["term"].map({name: term.label for name, term in terms.items()}),
        counted=[
            format(amount(int(n), unit), "f")
            for n, unit in zip(table["counted"], table["unit"], strict=True)
        ],
        label=table["category"].map(labels),
        base_m2=[f"{m2:.2f}" for m2 in table["base_m2"].astype(float)],
        piece=table["piece"].astype("Int64"),
        run_id=provenance.run_id,
    )
    return table.reindex(columns=list(COLUMNS))


def _sourced(table: pd.DataFrame) -> None:
    lost = table[table["source_file"].isna()]
    if len(lost):
        raise GengbaoError(
            Finding(f"图斑 {bsm}", f"{day} 的入库成果中没有这个图斑", AGAIN)
            for bsm, day in zip(lost["bsm"], lost["first_seen"], strict=True)
        )


def indicator_report(
    found: Appraisal,
    table: pd.DataFrame,
    *,
    county: County,
    provenance: Provenance,
    limit: int | None,
) -> str:
    """Return in Chinese an indicator: figures, verdict, formula, terms, pieces and their sources.

    table: `piece_table`'s rows; limit: how many are listed per term (None: all).
    """
    lines = [
        *_head(found.question, provenance),
        *_verdict(found.question),
        *_terms(found.question),
        *_towns(found.question),
        *listing.rules(table),
        *listing.sources(table, "来源文件（图块为本期，任务为首次入账那一期）"),
        *_pieces(found.question, table, county, limit),
        *_checked(found),
    ]
    return "\n".join(lines) + "\n"


def _head(question: Appraised, provenance: Provenance) -> Iterator[str]:
    asked, tested, county = question.asked, question.tested, question.county
    level = LEVELS[asked.place.level]
    place = county.name if asked.place.level == COUNTY else f"{asked.place.name}（{level}）"
    sample = "（示例数据）" if county.sample else ""
    term = f" · {question.term.label}" if question.term else ""
    yield f"{place} · 指标{tested.number} {tested.name}：{tested.label}{term}{sample}"
    run_id = provenance.run_id or "不明（没有 manifest.json，运行 gengbao all 后才有）"
    yield f"  数据日期：{question.export}；run_id：{run_id}"
    yield f"  规则包：{provenance.pack}（版本 {provenance.version}）"
    if provenance.changed:
        files = "、".join(provenance.changed)
        yield f"  注意：{files} 与清单（manifest.json）记录的不一致，run_id 不作数；{AGAIN}"


def _verdict(question: Appraised) -> Iterator[str]:
    """Yield the county's value against its limit, the formula, the words beside it, the clause."""
    line, tested = question.line, question.tested
    cells = {name: "缺" if pd.isna(cell) else str(cell) for name, cell in line.items()}
    unit = tested.unit
    room = " 个百分点" if unit == "%" else f" {unit}"
    limit = f"应{UNMET[tested.test]} {cells['limit']} {unit}"
    left = f"余量 {cells['headroom']}{room}（负数为不足）"
    yield f"全县：{cells['value']} {unit}，{limit}，{left}；{cells['verdict']}"
    if cells["overall"] != cells["verdict"]:
        yield f"  指标{tested.number} {tested.name}两项中较差的一项：{cells['overall']}"
    yield "公式："
    yield f"  {cells['formula']}"
    for name, label in (("missing", "缺数"), ("note", "说明"), ("basis", "依据")):
        if not pd.isna(line[name]):
            yield f"  {label}：{line[name]}"


def _terms(question: Appraised) -> Iterator[str]:
    """Yield every term with its value and where it comes from; only the asked one if one is."""
    own = question.terms[question.terms["indicator"] == question.tested.indicator.value]
    asked = question.asked
    shown = question.tested.terms if question.term is None else (question.term,)
    place = own[(own["level"] == asked.place.level) & (own["town"] == asked.place.name)]
    yield "各项："
    for term in shown:
        for line in place[place["term"] == term.name].to_dict("records"):
            value = "缺" if pd.isna(line["value"]) else f"{line['value']} {term.unit}"
            plots = "" if pd.isna(line["plots"]) else f"，{line['plots']} 个图斑"
            source = "" if pd.isna(line["source"]) else f"；{line['source']}"
            yield f"  {term.label}（{term.name}）：{value}{plots}{source}"
            target = target_of(question, term) if term.origin == STATED else None
            if target is not None and not target.source:
                yield "    targets.csv 未写来源"


def _towns(question: Appraised) -> Iterator[str]:
    """Yield the asked measured term by town."""
    term = question.term
    if term is None or term.origin != MEASURED or question.asked.place.level == TOWN:
        return
    own = question.terms[
        (question.terms["indicator"] == question.tested.indicator.value)
        & (question.terms["term"] == term.name)
        & (question.terms["level"] == TOWN)
    ]
    codes = {town.name: town.code for town in question.county.towns}
    yield "按镇办："
    for line in own.to_dict("records"):
        if codes.get(str(line["town"]), line["town"]) in question.asked.place.towns:
            yield f"  {line['town']}：{line['plots']} 个，{line['value']} {term.unit}"


def _pieces(
    question: Appraised, table: pd.DataFrame, county: County, limit: int | None
) -> Iterator[str]:
    """Yield term by term the first pieces or tasks with their source; the rest are counted."""
    term = question.term
    wanted = behind(question.tested, term.name if term else question.tested.value)
    if not wanted:
        yield "这是文件下达或填报的数，背后没有图斑"
    for one in wanted:
        own = table[table["term"] == one.name]
        yield from _of_term(one, own, county, limit)


def _of_term(term: Term, own: pd.DataFrame, county: County, limit: int | None) -> Iterator[str]:
    shown = own if limit is None else own.head(limit)
    rest = len(own) - len(shown)
    what = "图块" if term.origin == MEASURED else "任务"
    yield f"{term.label}（共 {len(own)} 个{what}{f'，列出前 {len(shown)} 个' if rest else ''}）："
    for number, row in enumerate(shown.to_dict("records"), 1):
        place = (
            f"{_said(row['town'], '镇办未定')} {village_name(county, row['town'], row['village'])}"
        )
        if term.origin == MEASURED:
            name = f"BSM {row['bsm']} 图块 {row['piece']}"
            land = f"{_said(row['dlbm_prev'], '上年不明')} → {_said(row['dlbm'], '地类不明')} "
        else:
            name, land = f"{row['task_id']}（BSM {row['bsm']}）", ""
        kind = f"{land}{row['label']} {_said(row['rule_id'], '无规则')}"
        share = f"本项计 {row['counted']} {term.unit}（面积 {row['base_m2']} ㎡）"
        yield f"  {number}. {name} {place.strip()} {share} {kind}"
        yield f"     来源：{row['source_file']} 第 {row['source_row']} 行"
    if rest:
        yield f"  ……另有 {rest} 个未列出：--all 全部列出，--csv、--gpkg 写成文件"


def _said(cell: object, otherwise: str) -> str:
    return cell if isinstance(cell, str) else otherwise


def _checked(found: Appraisal) -> Iterator[str]:
    counts = found.checked
    said = "、".join(f"{name} {counts[name]} 个数" for name in (INDICATORS, TERMS))
    yield f"核对：由图块、任务和 targets.csv 重新算出，与成果逐一相等（{said}）"

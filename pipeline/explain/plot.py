"""Why a plot is what it is: evidence, rules tried, the one that won, in an inspector's words."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError, UsageError
from pipeline.measure import mu_text, round_half_up, to_cm2
from pipeline.model import Mode
from pipeline.tables import grammar
from pipeline.tables.packs import DELIVERED
from pipeline.tables.vocabulary import MISSING, NO, YES, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import geopandas as gpd

    from pipeline.model import Category, County
    from pipeline.tables import Rule, RulePack

LISTS = (
    "monitoring", "self_submitted", "moved_out", "relocation", "supplement", "scheme_known",
    "balance",
)  # fmt: skip
OVERLAPS = ("prev_cultivated_m2", "to_construction_m2", "approved_m2", "illegal_m2")
NEAREST = 3
_CLOSE = 40
_TOWN_ENDS = ("镇", "乡", "街道", "街办", "办事处")


def explain(
    bsm: str,
    *,
    pieces: gpd.GeoDataFrame,
    parcels: gpd.GeoDataFrame,
    pack: RulePack,
    classes: Iterable[Category],
    county: County,
) -> str:
    """Return in Chinese why a plot is what it is, one paragraph per piece, ready to print.

    pieces: `classify`'s result; parcels: the same export; pack: the rules that made the pieces
    (where they no longer give the same answer, the text says so). 亩 are of base_m2, shares of
    overlaps are of the piece's area_m2.
    Raises UsageError naming the nearest BSMs when no plot has this one.
    """
    plot = parcels.loc[parcels["bsm"] == bsm]
    if plot.empty:
        raise UsageError(_not_found(bsm, parcels["bsm"]))
    own = pieces.loc[pieces["bsm"] == bsm].sort_values("piece")
    if own.empty:
        found = f"图斑 {bsm} 在入库成果中，分类成果中却没有"
        raise GengbaoError(Finding("explain", found, "重新运行 gengbao all；仍如此则是程序问题"))
    labels = {category.name: category.label_long for category in classes}
    lines = _head(plot.iloc[0], own, pack, county)
    for number in range(len(own)):
        lines += ["", *_piece(own.iloc[[number]], plot.iloc[0], pack, labels, county.mode)]
    return "\n".join(lines) + "\n"


def _not_found(bsm: str, known: pd.Series) -> Finding:
    near = "、".join(nearest(bsm, known)) or "无"
    advice = f"最接近的标识码：{near}；入库时被剔除的图斑见该期的 rejects.gpkg 与 problems.csv"
    return Finding("explain", f"没有标识码为 {bsm or '（空）'} 的图斑", advice)


def nearest(bsm: str, known: pd.Series) -> list[str]:
    """Return up to three known ids most like `bsm`.

    Digits that agree counted from the left or from the right choose the candidates in one
    vectorised pass (difflib over 250,000 ids takes a minute); difflib orders those few.
    """
    ids = known.dropna().astype("str").to_numpy(dtype=str)
    if not len(ids) or not bsm:
        return []
    width = max(int(np.strings.str_len(ids).max()), len(bsm))
    agree = [
        (side(ids, width).view("U1").reshape(len(ids), width) == np.array(list(text))[None, :]).sum(
            axis=1
        )
        for side, text in (
            (np.strings.ljust, bsm.ljust(width)),
            (np.strings.rjust, bsm.rjust(width)),
        )
    ]
    likely = ids[np.argsort(-sum(agree), kind="stable")[:_CLOSE]]
    return difflib.get_close_matches(bsm, likely.tolist(), n=NEAREST, cutoff=0.5)


def village_name(county: County, town: str | None, village: str | None) -> str:
    """Return a village without the county's and the town's name before it, "" where it has none.

    ZLDWMC comes as 新坪村, 河口镇新坪村 or 某县河口镇新坪村. A town is cut off by its name or by an
    alias that says what it is: 小岭 alone may be the village 小岭村.
    """
    if not isinstance(village, str):
        return ""
    rest = village.partition(county.name)[2] if county.name in village else village
    names = [name for t in county.towns if t.name == town for name in (t.name, *t.aliases)]
    whole = [name for name in names if name.endswith(_TOWN_ENDS)]
    head = max((name for name in whole if rest.startswith(name)), key=len, default="")
    return rest.removeprefix(head)


def _head(plot: pd.Series, own: pd.DataFrame, pack: RulePack, county: County) -> list[str]:
    base = int(to_cm2(own["base_m2"]).sum())
    town = _text(plot["town"])
    village = village_name(county, town, _text(plot["village"]))
    place = " ".join(filter(None, (town or "镇办未定", village)))
    sample = "（示例数据）" if county.sample else ""
    land = vocabulary()["dlbm"].say(_text(plot["dlbm"]) or MISSING)
    reason = _text(plot["base_reason"]) or "计算基数"
    lines = [
        f"图斑 {plot['bsm']}（图斑编号 {_text(plot['tbbh']) or '空'}）{sample}",
        f"  位置：{county.name} {place}（坐落单位代码 {_text(plot['zldwdm']) or '空'}）",
        f"  现状：{land}；种植属性：{_planting(plot['zzsxdm'])}",
        f"  面积：{mu_text(base)} 亩（{base / 100:.2f} ㎡）；{reason}",
    ]
    for column in ("in_pbf", "in_target"):
        inside = own.loc[own[column].astype("boolean").fillna(value=False), "base_m2"]
        lines.append(f"  {vocabulary()[column].label}：{_share(int(to_cm2(inside).sum()), base)}")
    lines.append(f"  分为 {len(own)} 块逐块判定；规则包 {pack.name}（版本 {pack.version}）")
    return lines


def _piece(
    piece: pd.DataFrame,
    plot: pd.Series,
    pack: RulePack,
    labels: Mapping[str, str],
    mode: Mode,
) -> list[str]:
    row = piece.iloc[0]
    base, whole = (int(to_cm2(area)) for area in (row["base_m2"], plot["base_m2"]))
    states = grammar.judge([rule.when for rule in pack.rules], piece)[:, 0]
    winner = int(grammar.first(states[:, None])[0])
    return [
        f"第 {row['piece']} 块：{_share(base, whole)}，{labels[row['category']]}",
        f"  范围：{_said('in_pbf', row)}，{_said('in_target', row)}",
        *_previous(row),
        *_overlaps(row),
        f"  清单：{'；'.join(_said(column, row) for column in LISTS if column in row)}",
        "  逐条判定：",
        *(f"    {_tried(rule, piece, labels)}" for rule in pack.rules[: winner + 1]),
        *_verdict(row, pack.rules, winner, labels, mode),
        *_runner_up(row, pack.rules, labels),
        *_flags(row, pack),
    ]


def _previous(row: pd.Series) -> list[str]:
    before = _said("dlbm_prev", row)
    return [f"  上年：{before}；{_said('cultivated_prev', row)}；{_said('prev_source', row)}"]


def _overlaps(row: pd.Series) -> list[str]:
    area = int(to_cm2(row["area_m2"]))
    lines = []
    for column in (name for name in OVERLAPS if name in row):
        label = vocabulary()[column].label.split("（")[0]
        amount = row[column]
        share = "不明" if pd.isna(amount) else _share(int(to_cm2(amount)), area)
        source = _text(row["approved_source"]) if column == "approved_m2" else None
        lines.append(f"  {label}：{share}" + (f"；批准来源：{source}" if source else ""))
    return lines


def _tried(rule: Rule, piece: pd.DataFrame, labels: Mapping[str, str]) -> str:
    name = f"{rule.rule_id}（{labels[rule.category]}）"
    states = grammar.term_states(rule.when, piece)
    row = piece.iloc[0]
    for term, state in states.items():
        if state[0] == grammar.FALSE:
            return f"{name}不成立：要求{term.words}，实际{_said(term.column, row)}"
    unknown = [
        vocabulary()[term.column].label for term, s in states.items() if s[0] == grammar.UNKNOWN
    ]
    if unknown:
        return f"{name}无法判定：{'、'.join(dict.fromkeys(unknown))}不明"
    return f"{name}成立：{rule.when.words}"


def _verdict(
    row: pd.Series, rules: Sequence[Rule], winner: int, labels: Mapping[str, str], mode: Mode
) -> list[str]:
    category = labels[row["category"]]
    delivered = row["rule_id"] == DELIVERED
    by = "下发的任务图层" if delivered else f"规则 {row['rule_id']} "
    lines = [f"  结论：按{by}归入“{category}”", f"  依据：{row['basis']}"]
    if _text(row["case_no"]):
        lines.append(f"  情形编号：{row['case_no']}")
    if mode is Mode.TRUST and "rule_category" in row:
        lines.append(f"  规则核对：规则判定为“{labels[row['rule_category']]}”")
    used = row["runner_up"] if delivered else row["rule_id"]
    if rules[winner].rule_id != used:
        now = rules[winner].rule_id
        lines.append(f"  注意：现行规则包改由 {now} 判定，成果由旧规则作出，请重新运行 gengbao all")
    return lines


def _runner_up(row: pd.Series, rules: Sequence[Rule], labels: Mapping[str, str]) -> list[str]:
    name = _text(row["runner_up"])
    rule = next((rule for rule in rules if rule.rule_id == name), None)
    if rule is None:
        return [f"  次选：{'无' if name is None else name}"]
    return [f"  次选：{name}（{labels[rule.category]}）：{rule.when.words}"]


def _flags(row: pd.Series, pack: RulePack) -> list[str]:
    flags = _text(row["flags"])
    if flags is None:
        return ["  标记：无"]
    said = dict(vocabulary()["flags"].values) | {flag.flag: flag.label for flag in pack.flags}
    return [
        "  标记：",
        *(f"    {name}：{said.get(name, '（未登记说法）')}" for name in flags.split("|")),
    ]


def _said(column: str, row: pd.Series) -> str:
    """Return the Chinese phrase of what a piece has in a column."""
    return vocabulary()[column].say(_value(row[column]))


def _value(value: Any) -> str:  # noqa: ANN401 - one cell of any column
    """Return a cell as the vocabulary writes it: yes/no, a number, a word, or ``?``."""
    if pd.isna(value):
        return MISSING
    if isinstance(value, bool | np.bool_):
        return YES if value else NO
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _text(value: Any) -> str | None:  # noqa: ANN401 - one cell of a text column
    return None if pd.isna(value) or not str(value) else str(value)


def _planting(code: Any) -> str:  # noqa: ANN401 - one cell of a text column
    text = _text(code)
    if text is None:
        return "未填"
    return f"{text} {vocabulary()['zzsxdm'].values.get(text, '（不在编码表内）')}"


def _share(part_cm2: int, whole_cm2: int) -> str:
    """Return hundredths of a m² as 亩 with the share of the whole in %."""
    if not whole_cm2:
        return f"{mu_text(part_cm2)} 亩"
    return f"{mu_text(part_cm2)} 亩（{float(round_half_up(100 * part_cm2 / whole_cm2, 1)):.1f}%）"

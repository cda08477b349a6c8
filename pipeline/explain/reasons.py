"""Why a piece is what it is, in words without figures: evidence, rules tried, the one that won."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.model import Mode
from pipeline.tables import grammar
from pipeline.tables.packs import DELIVERED
from pipeline.tables.vocabulary import MISSING, NO, YES, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.model import Category
    from pipeline.tables import Rule, RulePack

ZONES = ("in_pbf", "in_target")
PREVIOUS = ("dlbm_prev", "cultivated_prev", "prev_source")
LISTS = (
    "monitoring", "self_submitted", "moved_out", "relocation", "supplement", "scheme_known",
    "balance",
)  # fmt: skip
VERDICT = ("category", "rule_id", "basis", "case_no", "runner_up", "flags", "rule_category")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why a piece is what it is, as lines of Chinese text.

    evidence: 范围, 上年, 清单; tried: each rule up to the one that won; verdict: 结论, 依据,
    情形编号, what doesn't agree; flags: empty where the piece has none.
    """

    evidence: tuple[str, str, str]
    tried: tuple[str, ...]
    verdict: tuple[str, ...]
    runner_up: str
    flags: tuple[str, ...]


def reasons(
    pieces: pd.DataFrame, pack: RulePack, classes: Iterable[Category], mode: Mode
) -> tuple[NDArray[np.intp], tuple[Reasons, ...]]:
    """Return for every piece the number of its reasons, and the reasons, first come first.

    pieces: `classify`'s result, geometry not needed; pack: the rules that made them. Pieces that
    agree in all that is told are judged once, so that a county's pieces take a second.
    """
    labels = {category.name: category.label_long for category in classes}
    told = [*ZONES, *PREVIOUS, *LISTS, *pack.columns, *VERDICT]
    asked = [name for name in dict.fromkeys(told) if name in pieces]
    alike = pieces[asked].astype("string").fillna(MISSING)
    number = np.asarray(alike.groupby(asked, sort=False).ngroup(), dtype=np.intp)
    _, first = np.unique(number, return_index=True)
    return number, judged(pieces.iloc[first], pack, labels, mode)


def judged(
    pieces: pd.DataFrame, pack: RulePack, labels: Mapping[str, str], mode: Mode
) -> tuple[Reasons, ...]:
    """Return the reasons of each piece; labels: category → Chinese name."""
    rules = pack.rules
    winners = grammar.first(grammar.judge([rule.when for rule in rules], pieces))
    terms = [grammar.term_states(rule.when, pieces) for rule in rules]
    found = []
    for place, winner in enumerate(winners):
        row = pieces.iloc[place]
        tried = [
            _tried(rule, {term: state[place] for term, state in states.items()}, row, labels)
            for rule, states in zip(rules[: winner + 1], terms, strict=False)
        ]
        found.append(
            Reasons(
                evidence=_evidence(row),
                tried=tuple(tried),
                verdict=tuple(_verdict(row, rules, winner, labels, mode)),
                runner_up=_runner_up(row, rules, labels),
                flags=tuple(_flags(row, pack)),
            )
        )
    return tuple(found)


def _evidence(row: pd.Series) -> tuple[str, str, str]:
    """Return what is known of a piece besides its areas: zones, last year, lists."""
    return (
        f"范围：{'，'.join(said(column, row) for column in ZONES)}",
        f"上年：{'；'.join(said(column, row) for column in PREVIOUS)}",
        f"清单：{'；'.join(said(column, row) for column in LISTS if column in row)}",
    )


def _tried(
    rule: Rule, states: Mapping[grammar.Term, int], row: pd.Series, labels: Mapping[str, str]
) -> str:
    """Return how a rule came out: the first term that doesn't hold, else the unknown ones."""
    name = f"{rule.rule_id}（{labels[rule.category]}）"
    for term, state in states.items():
        if state == grammar.FALSE:
            return f"{name}不成立：要求{term.words}，实际{said(term.column, row)}"
    unknown = [
        vocabulary()[term.column].label for term, s in states.items() if s == grammar.UNKNOWN
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
    lines = [f"结论：按{by}归入“{category}”", f"依据：{row['basis']}"]
    if text_of(row["case_no"]):
        lines.append(f"情形编号：{row['case_no']}")
    if mode is Mode.TRUST and "rule_category" in row:
        lines.append(f"规则核对：规则判定为“{labels[row['rule_category']]}”")
    used = row["runner_up"] if delivered else row["rule_id"]
    if rules[winner].rule_id != used:
        now = rules[winner].rule_id
        lines.append(f"注意：现行规则包改由 {now} 判定，成果由旧规则作出，请重新运行 gengbao all")
    return lines


def _runner_up(row: pd.Series, rules: Sequence[Rule], labels: Mapping[str, str]) -> str:
    name = text_of(row["runner_up"])
    rule = next((rule for rule in rules if rule.rule_id == name), None)
    if rule is None:
        return f"次选：{'无' if name is None else name}"
    return f"次选：{name}（{labels[rule.category]}）：{rule.when.words}"


def _flags(row: pd.Series, pack: RulePack) -> list[str]:
    flags = text_of(row["flags"])
    if flags is None:
        return []
    known = dict(vocabulary()["flags"].values) | {flag.flag: flag.label for flag in pack.flags}
    return [f"{name}：{known.get(name, '（未登记说法）')}" for name in flags.split("|")]


def said(column: str, row: pd.Series) -> str:
    """Return the Chinese phrase of what a piece has in a column."""
    return vocabulary()[column].say(_value(row[column]))


def _value(value: Any) -> str:  # noqa: ANN401 - one cell of any column
    """Return a cell as the vocabulary writes it: yes/no, a number, a word, or ``?``."""
    if pd.isna(value):
        return MISSING
    if isinstance(value, bool | np.bool_):
        return YES if value else NO
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def text_of(value: Any) -> str | None:  # noqa: ANN401 - one cell of a text column
    """Return a cell of text, None where it is missing or empty."""
    return None if pd.isna(value) or not str(value) else str(value)

"""Put every piece into exactly one category: first match wins, no gap in the data decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.tables import grammar
from pipeline.tables.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pipeline.tables import Rule, RulePack

    Bools = NDArray[np.bool_]

REVIEW = "review"
JUDGED = ("category", "rule_id", "basis", "case_no", "runner_up", "flags")
"""What `classify` adds to the evidence, or puts in place of its own."""


def classify(evidence: pd.DataFrame, pack: RulePack) -> pd.DataFrame:
    """Return the evidence with category, rule_id, basis, case_no, runner_up and flags extended.

    Same rows, order, index and areas as `evidence`; docs/architecture.md has its columns. Each row
    is judged by itself: the first rule that isn't false decides: true → its category; unknown →
    review, with that rule and the missing columns named in the basis. runner_up is the next rule
    that isn't false (missing for the catch-all). Flags hold where their condition is true, whatever
    rule won.
    Raises GengbaoError when a column the pack asks is missing or holds a word outside the
    vocabulary, or a piece gets no rule.
    """
    states = grammar.judge([rule.when for rule in pack.rules], evidence)
    winner = grammar.first(states)
    _check_decided(winner, len(pack.rules), evidence)
    runner = grammar.first(states, winner + 1)
    undecided = states[winner, np.arange(len(evidence))] == grammar.UNKNOWN

    category = pd.Series([rule.category for rule in pack.rules], dtype="str")[winner]
    basis = pd.Series([rule.basis for rule in pack.rules], dtype="str")[winner]
    case_no = pd.Series([rule.case_no or None for rule in pack.rules], dtype="str")[winner]
    ids = pd.Series([*(rule.rule_id for rule in pack.rules), None], dtype="str")
    index = evidence.index
    basis = basis.set_axis(index)
    for number in np.unique(winner[undecided]):
        rows = undecided & (winner == number)
        basis[rows] = _why_undecided(evidence[rows], pack.rules[number])
    return evidence.assign(
        category=category.set_axis(index).mask(undecided, REVIEW),
        rule_id=ids[winner].set_axis(index),
        basis=basis,
        case_no=case_no.set_axis(index),
        runner_up=ids[runner].set_axis(index),
        flags=add_flags(evidence["flags"], _pack_flags(evidence, pack)),
    )


def _check_decided(winner: NDArray[np.intp], rules: int, evidence: pd.DataFrame) -> None:
    lost = evidence.loc[winner == rules, "bsm"]
    if len(lost):
        found = f"{len(lost)} 个图块没有任何规则判定，如 {lost.iloc[0]}"
        raise GengbaoError(Finding("分类", found, "规则包末行应为 else；这是程序问题"))


def _why_undecided(pieces: pd.DataFrame, rule: Rule) -> pd.Series:
    """Return the Chinese reason per piece: the rule and what it asks that is missing."""
    columns = dict.fromkeys(term.column for term in rule.when.terms)
    missing = pd.Series("", index=pieces.index, dtype="str")
    for name in columns:
        label = vocabulary()[name].label
        missing += np.where(pieces[name].isna(), f"、{label}", "")
    return f"规则 {rule.rule_id} 无法判定，资料缺：" + missing.str.removeprefix("、")


def _pack_flags(evidence: pd.DataFrame, pack: RulePack) -> dict[str, Bools]:
    """Return flag → where it holds; a flag of several rows holds where any of them is true."""
    holds = grammar.judge([flag.when for flag in pack.flags], evidence) == grammar.TRUE
    found: dict[str, Bools] = {}
    for flag, rows in zip(pack.flags, holds, strict=True):
        found[flag.flag] = found.get(flag.flag, np.zeros(len(evidence), dtype=bool)) | rows
    return found


def add_flags(flags: pd.Series, more: Mapping[str, Bools]) -> pd.Series:
    """Return `|` joined, sorted flags with more of them set; missing where there is none."""
    # few distinct combinations stand on many pieces: each is put together once
    combination, before = pd.factorize(flags.astype("str").fillna(""))
    for rows in more.values():
        combination = combination * 2 + rows
    _, first, number = np.unique(combination, return_index=True, return_inverse=True)
    texts = [before[combination[at] >> len(more)] for at in first]
    for name, rows in more.items():
        texts = [
            f"{text}|{name}" if rows[at] else text for at, text in zip(first, texts, strict=True)
        ]
    tidy = ["|".join(sorted(set(filter(None, text.split("|"))))) or None for text in texts]
    return pd.Series(tidy, dtype="str")[number].set_axis(flags.index)

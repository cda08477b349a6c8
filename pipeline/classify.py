"""Put every piece into exactly one category: first match wins, a missing value never falls through.

`classify` is mode derive; in mode trust `apply_delivered` then lets the delivered task layers
decide and keeps what the rules said as a cross-check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.tables import grammar
from pipeline.tables.packs import DELIVERED
from pipeline.tables.reader import hint
from pipeline.tables.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from pipeline.model import Category
    from pipeline.tables import Rule, RulePack

    Bools = NDArray[np.bool_]

REVIEW, NONE = "review", "none"
MULTI_CLASS, RULE_MISMATCH = "MULTI_CLASS", "RULE_MISMATCH"


def classify(evidence: gpd.GeoDataFrame, pack: RulePack) -> gpd.GeoDataFrame:
    """Return the evidence with category, rule_id, basis, case_no, runner_up and flags extended.

    Same rows, order, index and areas as `evidence`; docs/architecture.md has its columns. The
    first rule that isn't false decides: true → its category; unknown → review, with that rule and
    the missing columns named in the basis. runner_up is the next rule that isn't false (missing
    for the catch-all). Flags hold where their condition is true, whatever rule won.
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
        flags=_add_flags(evidence["flags"], _pack_flags(evidence, pack)),
    )


def _check_decided(winner: NDArray[np.intp], rules: int, evidence: gpd.GeoDataFrame) -> None:
    lost = evidence.loc[winner == rules, "bsm"]
    if len(lost):
        found = f"{len(lost)} 个图块没有任何规则判定，如 {lost.iloc[0]}"
        raise GengbaoError(Finding("分类", found, "规则包末行应为 else；这是程序问题"))


def _why_undecided(pieces: gpd.GeoDataFrame, rule: Rule) -> pd.Series:
    """Return the Chinese reason per piece: the rule and what it asks that is missing."""
    columns = dict.fromkeys(term.column for term in rule.when.terms)
    missing = pd.Series("", index=pieces.index, dtype="str")
    for name in columns:
        label = vocabulary()[name].label
        missing += np.where(pieces[name].isna(), f"、{label}", "")
    return f"规则 {rule.rule_id} 无法判定，资料缺：" + missing.str.removeprefix("、")


def _pack_flags(evidence: gpd.GeoDataFrame, pack: RulePack) -> dict[str, Bools]:
    """Return flag → where it holds; a flag of several rows holds where any of them is true."""
    holds = grammar.judge([flag.when for flag in pack.flags], evidence) == grammar.TRUE
    found: dict[str, Bools] = {}
    for flag, rows in zip(pack.flags, holds, strict=True):
        found[flag.flag] = found.get(flag.flag, np.zeros(len(evidence), dtype=bool)) | rows
    return found


def _add_flags(flags: pd.Series, more: Mapping[str, Bools]) -> pd.Series:
    """Return `|` joined, sorted flags with more of them set; missing where there is none."""
    text = flags.astype("str").fillna("")
    for name, rows in more.items():
        text += np.where(rows, f"|{name}", "")
    # few distinct combinations stand on many pieces: sort each combination once
    tidy = {joined: "|".join(sorted(set(filter(None, joined.split("|"))))) for joined in set(text)}
    return text.map({joined: parts or None for joined, parts in tidy.items()}).astype("str")


def apply_delivered(pieces: gpd.GeoDataFrame, classes: Iterable[Category]) -> gpd.GeoDataFrame:
    """Return classified pieces as the delivered task layers decide (mode trust).

    In: `classify`'s result with a column `delivered` (task categories, ``|`` joined; missing: in
    no layer). Out: rule_category keeps what the rules said; one layer decides; two or more →
    review, flagged MULTI_CLASS; in no layer but a task by the rules → none. Pieces without a town
    stay in review, since no town can be charged with them; pieces in no layer that are no task by
    the rules keep what the rules said. RULE_MISMATCH flags a decided piece whose rules decided
    otherwise. rule_id is DELIVERED where a layer (or its absence) decided; the rule's own id is
    then the runner_up. Raises GengbaoError when `delivered` names anything but a task category.
    """
    labels = {category.name: category.label for category in classes}
    tasks = {category.name for category in classes if category.task}
    delivered, ruled = pieces["delivered"].astype("str"), pieces["category"]
    _check_delivered(delivered, tasks)
    count = delivered.str.count(r"\|").add(1).fillna(0)
    town_known = pieces["town_known"].astype("bool")
    several = town_known & (count > 1)
    single = town_known & (count == 1)
    denied = town_known & (count == 0) & ruled.isin(tasks)
    decided = several | single | denied

    spoken = {text: _labels(text, labels) for text in set(delivered.dropna())}
    # a map without any match would turn to floats
    said = delivered.map(spoken).astype("str")
    judged = ruled.map(labels).astype("str")
    category = ruled.mask(single, delivered).mask(several, REVIEW).mask(denied, NONE)
    mismatch = (single | denied) & (category != ruled) & (ruled != REVIEW)
    flags = {MULTI_CLASS: several.to_numpy(), RULE_MISMATCH: mismatch.to_numpy()}
    return pieces.assign(
        category=category,
        rule_id=pieces["rule_id"].mask(decided, DELIVERED),
        basis=pieces["basis"]
        .mask(single, "下发的任务图层：" + said)
        .mask(several, "同时落入下发的任务图层：" + said + "，须核实归属")
        .mask(denied, "未列入任何下发的任务图层；规则判定为" + judged),
        case_no=pieces["case_no"].mask(decided),
        runner_up=pieces["runner_up"].mask(decided, pieces["rule_id"]),
        flags=_add_flags(pieces["flags"], flags),
        rule_category=ruled,
    )


def _labels(delivered: str, labels: Mapping[str, str]) -> str:
    return "、".join(labels[name] for name in delivered.split("|"))


def _check_delivered(delivered: pd.Series, tasks: set[str]) -> None:
    named = {name for text in set(delivered.dropna()) for name in text.split("|")}
    findings = [
        Finding("证据表 delivered 列", f"{name or '（空）'} 不是任务类别", hint(name, tasks))
        for name in sorted(named - tasks)
    ]
    if findings:
        raise GengbaoError(findings)

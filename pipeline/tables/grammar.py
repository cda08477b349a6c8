"""The closed grammar of conditions: parsed against the vocabulary, judged in three-valued logic.

A condition is `else` or terms joined by ``&``; a term is ``column = value``, ``column != value``,
``column in a|b``, ``column not in a|b`` or, for numbers, ``column >= 1.5`` (>, <=, <).
Kleene's strong logic: FALSE < UNKNOWN < TRUE, a conjunction is the least of its terms. Nothing is
ever evaluated as code.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.errors import Finding, GengbaoError
from pipeline.tables.lists import zero_hint
from pipeline.tables.reader import hint
from pipeline.tables.vocabulary import MISSING, YES, Column, vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

FALSE, UNKNOWN, TRUE = np.int8(0), np.int8(1), np.int8(2)
ELSE = "else"
COMPARE = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt}
_TERM = re.compile(r"(\w+)\s*(!=|>=|<=|=|>|<|(?<=\s)not\s+in(?=\s)|(?<=\s)in(?=\s))\s*(.*)")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_SAID = {">=": "不小于", ">": "大于", "<=": "不大于", "<": "小于"}

Fault = tuple[str, str]
"""What was found, what to do: a Finding without its place."""


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of an evidence column; op is =, !=, in, not in, >=, >, <= or <."""

    column: str
    op: str
    values: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return the term in Chinese words."""
        column = vocabulary()[self.column]
        if self.op in COMPARE:
            return f"{column.label}{_SAID[self.op]} {self.values[0]}"
        said = "或".join(column.say(value) for value in self.values)
        if self.op in {"=", "in"}:
            return said
        if column.kind in {"bool", "word"}:
            return "或".join(column.say(v) for v in column.values if v not in self.values)
        return f"不是“{said}”"


@dataclass(frozen=True, slots=True)
class Condition:
    """A conjunction of terms; no terms is `else`, which always holds."""

    text: str
    terms: tuple[Term, ...]

    @property
    def words(self) -> str:
        """Return the condition in Chinese words."""
        return "，".join(term.words for term in self.terms) or "以上各条都不成立"


def parse(text: str) -> tuple[Condition, list[Fault]]:
    """Return a condition and every fault in its text; a faulty term is left out."""
    if text == ELSE:
        return Condition(text, ()), []
    terms, faults = [], []
    for part in text.split("&"):
        term, wrong = _term(part.strip())
        faults += wrong
        if term is not None and not wrong:
            terms.append(term)
    return Condition(text, tuple(terms)), faults


def _term(text: str) -> tuple[Term | None, list[Fault]]:
    match = _TERM.fullmatch(text)
    if match is None:
        advice = "写成 列 = 值、列 != 值、列 in 甲|乙、列 not in 甲|乙 或 列 >= 数，各项用 & 相连"
        return None, [(f"看不懂条件“{text}”", advice)]
    name, op, right = match.group(1), " ".join(match.group(2).split()), match.group(3).strip()
    values = tuple(v.strip() for v in right.split("|")) if op.endswith("in") else (right,)
    column, faults = ask(name)
    if column is None:
        return None, faults
    if (column.kind == "number") != (op in COMPARE):
        allowed = "、".join(COMPARE) if column.kind == "number" else "=、!=、in、not in"
        return None, [(f"条件“{text}”中 {name} 不能用 {op}", f"{name} 只能用 {allowed}")]
    if column.kind == "bool" and op.endswith("in"):
        return None, [(f"条件“{text}”中 {name} 不能用 {op}", f"写成 {name} = yes 或 {name} = no")]
    faults = [fault for value in values for fault in check_value(column, value)]
    return Term(name, op, values), faults


def ask(name: str) -> tuple[Column | None, list[Fault]]:
    """Return the column a rule asks, or the fault of asking it."""
    askable = {key: column for key, column in vocabulary().items() if column.askable}
    if name in askable:
        return askable[name], []
    return None, [(f"规则不能问 {name} 列", hint(name, askable))]


def check_value(column: Column, value: str) -> list[Fault]:
    """Return the fault of a value that a column can't have, or nothing."""
    if column.kind == "number":
        if _NUMBER.fullmatch(value):
            return []
        return [(f"{column.name} 的 {value or '（空）'} 不是数", "写成如 100 或 0.5")]
    if value in column.values:
        return []
    if column.kind == "code:dlbm":
        ask_zero = zero_hint(value, column.values)
        found = f"{value or '（空）'} 不在地类编码表{ask_zero}"
    else:
        found = f"{column.name} = {value or '（空）'} 不是允许的值"
    return [(found, hint(value, column.values))]


def judge(conditions: Sequence[Condition], frame: pd.DataFrame) -> NDArray[np.int8]:
    """Return the states of conditions over rows: int8, conditions x rows, FALSE/UNKNOWN/TRUE.

    The frame holds every column that is asked, missing values as NA; a missing column or a word
    outside the vocabulary is our own fault: GengbaoError naming all of them.
    """
    terms = {term for condition in conditions for term in condition.terms}
    _check_frame({term.column for term in terms}, frame)
    known = {term: _state(term, frame[term.column]) for term in terms}
    states = np.full((len(conditions), len(frame)), TRUE, dtype=np.int8)
    for row, condition in enumerate(conditions):
        for term in condition.terms:
            np.minimum(states[row], known[term], out=states[row])
    return states


def first(states: NDArray[np.int8], start: NDArray[np.intp] | int = 0) -> NDArray[np.intp]:
    """Return per column the first row at or after `start` that isn't FALSE, or the row count."""
    rows = np.arange(len(states))[:, None]
    open_ = (states != FALSE) & (rows >= np.asarray(start))
    return np.where(open_.any(axis=0), open_.argmax(axis=0), len(states))


def term_states(condition: Condition, frame: pd.DataFrame) -> dict[Term, NDArray[np.int8]]:
    """Return the state of every term of a condition over rows."""
    return {term: _state(term, frame[term.column]) for term in condition.terms}


def _state(term: Term, values: pd.Series) -> NDArray[np.int8]:
    kind = vocabulary()[term.column].kind
    missing = values.isna().to_numpy(dtype=bool)
    if kind == "number":
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        with np.errstate(invalid="ignore"):
            holds = COMPARE[term.op](numbers, float(term.values[0]))
    elif kind == "bool":
        truth = values.astype("boolean").to_numpy(dtype=bool, na_value=False)
        holds = truth == ((term.values[0] == YES) == (term.op == "="))
    else:
        inside = values.isin(term.values).to_numpy(dtype=bool)
        holds = inside == (term.op in {"=", "in"})
    return np.where(missing, UNKNOWN, np.where(holds, TRUE, FALSE)).astype(np.int8)


def _check_frame(asked: Iterable[str], frame: pd.DataFrame) -> None:
    findings = []
    for name in sorted(asked):
        if name not in frame.columns:
            findings.append(
                Finding("证据表", f"缺少规则要问的 {name} 列", "重新运行取证；这是程序问题")
            )
            continue
        column = vocabulary()[name]
        if column.kind == "word":
            strange = set(frame[name].dropna().unique()) - set(column.values)
            findings += [
                Finding(
                    f"证据表 {name} 列", f"{value!r} 不是允许的值", hint(str(value), column.values)
                )
                for value in sorted(strange, key=str)
            ]
    if findings:
        raise GengbaoError(findings)


def example_frame(examples: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Return examples as evidence rows: columns not named take their usual value, ``?`` is NA."""
    data = {}
    for name, column in vocabulary().items():
        if not column.askable:
            continue
        texts = [example.get(name, column.usual) for example in examples]
        data[name] = _typed(texts, column.kind)
    return pd.DataFrame(data, index=range(len(examples)))


def _typed(texts: list[str], kind: str) -> pd.Series:
    if kind == "number":
        return pd.Series([np.nan if t == MISSING else float(t) for t in texts], dtype="float64")
    if kind == "bool":
        truth = [None if text == MISSING else text == YES for text in texts]
        return pd.Series(truth, dtype="boolean")
    return pd.Series([None if text == MISSING else text for text in texts], dtype="object")

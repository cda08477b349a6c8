"""Rule packs: ordered rules and flags from CSV, each row proved by its own examples at load."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, Finding
from pipeline.tables import grammar
from pipeline.tables.lists import load_classes
from pipeline.tables.reader import Row, hint, one_of, package_file, raise_all, read_rows, unique
from pipeline.tables.vocabulary import MISSING, vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable

    import numpy as np
    from numpy.typing import NDArray

COLUMNS = (
    "order", "rule_id", "when", "category", "basis", "case_no", "example_yes", "example_no", "note",
)  # fmt: skip
FLAG_COLUMNS = ("flag", "when", "label")
DELIVERED = "DELIVERED"
"""The rule_id of a piece that a delivered task layer decided (mode trust); no rule may bear it."""

Example = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of a rule pack."""

    order: int
    rule_id: str
    when: grammar.Condition
    category: str
    basis: str
    case_no: str
    example_yes: tuple[Mapping[str, str], ...]
    example_no: tuple[Mapping[str, str], ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagRule:
    """One row of a flag table: the flag is set where the condition holds, whatever rule won."""

    flag: str
    when: grammar.Condition
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePack:
    """Rules in their order, the last of them the catch-all, and flags.

    version: the first 12 hex digits of the sha256 over the pack's files.
    """

    name: str
    version: str
    rules: tuple[Rule, ...]
    flags: tuple[FlagRule, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the evidence columns the pack asks, sorted."""
        conditions = [rule.when for rule in self.rules] + [flag.when for flag in self.flags]
        return tuple(sorted({term.column for when in conditions for term in when.terms}))


def pack_names() -> tuple[str, ...]:
    """Return the names of the packs in this package, sorted."""
    files = [file.name for file in package_file("rules").iterdir() if file.name.endswith(".csv")]
    return tuple(sorted(f[:-4] for f in files if not f.endswith("_flags.csv")))


def load_pack(rules: str, root: Path | None = None) -> RulePack:
    """Return a rule pack, every row proved.

    rules: the name of a pack of this package, or the path of a CSV table (ends with .csv) below
    `root`, the county's folder, with an optional NAME_flags.csv beside it.
    Raises ConfigError with all findings: an unknown pack or a path outside root; and per row, a
    wrong order, id, condition, category, example, an example that the row or the pack judges
    otherwise, a rule that no example can reach.
    """
    if not rules.endswith(".csv"):
        if rules not in pack_names():
            advice = hint(rules, pack_names()) + "；或写自己的规则表路径（以 .csv 结尾）"
            raise ConfigError(Finding("county.toml rules", f"没有规则包 {rules}", advice))
        return _shipped(rules)
    base = (root or Path()).resolve()
    path = (base / rules).resolve()
    if not path.is_relative_to(base):
        advice = "把规则表放进县资料文件夹，写相对路径"
        raise ConfigError(Finding("county.toml rules", f"{rules} 不在县资料文件夹之内", advice))
    return _read(path.stem, "", path, path.with_name(f"{path.stem}_flags.csv"))


@cache
def _shipped(name: str) -> RulePack:
    """Return a pack of this package, proved once: every office product asks for it."""
    files = package_file("rules", f"{name}.csv"), package_file("rules", f"{name}_flags.csv")
    return _read(name, "rules/", *files)


def _read(name: str, folder: str, source: Traversable, flag_source: Traversable) -> RulePack:
    findings: list[Finding] = []
    rows = read_rows(source, f"{folder}{source.name}", COLUMNS, findings)
    rules = _rules(rows, findings)
    flags: tuple[FlagRule, ...] = ()
    has_flags = flag_source.is_file()
    if has_flags:
        label = f"{folder}{flag_source.name}"
        flags = _flags(read_rows(flag_source, label, FLAG_COLUMNS, findings), findings)
    if not rows and not findings:
        findings.append(Finding(f"{folder}{source.name}", "没有一条规则", "至少写一行 when = else"))
    if not findings:
        _check_reach(rows, rules, findings)
    raise_all(findings)
    content = source.read_bytes() + (flag_source.read_bytes() if has_flags else b"")
    version = hashlib.sha256(content).hexdigest()[:12]
    return RulePack(name=name, version=version, rules=rules, flags=flags)


def _rules(rows: Sequence[Row], findings: list[Finding]) -> tuple[Rule, ...]:
    unique(rows, "rule_id", findings)
    categories = [category.name for category in load_classes()]
    rules = []
    last_order = -1
    for number, row in enumerate(rows, 1):
        one_of(row, "category", categories, findings)
        _check_id(row, findings)
        order = _order(row, last_order, findings)
        last_order = max(order, last_order)
        if (row["when"] == grammar.ELSE) != (number == len(rows)):
            found = "最后一行不是 else" if number == len(rows) else "else 只能是最后一行"
            findings.append(row.finding("when", found, "把兜底的 else 行放在最后，且只有一行"))
        rules.append(_rule(row, order, findings))
    return tuple(rules)


def _check_id(row: Row, findings: list[Finding]) -> None:
    name = row["rule_id"]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or name == DELIVERED:
        found = f"{name or '（空）'} 不能作规则号"
        findings.append(row.finding("rule_id", found, f"用字母、数字、_、-，不用 {DELIVERED}"))
    if not row["basis"]:
        findings.append(row.finding("basis", "没有依据", "写明文件和条款；没有公开条文的写“推定”"))


def _order(row: Row, last: int, findings: list[Finding]) -> int:
    text = row["order"]
    if not (text.isascii() and text.isdigit()):
        findings.append(row.finding("order", f"{text or '（空）'} 不是整数", "写成如 10、20、30"))
        return last
    if int(text) <= last:
        found = f"{text} 不大于前面的 {last}"
        findings.append(row.finding("order", found, "各行按 order 从小到大排列，不得重复"))
    return int(text)


def _rule(row: Row, order: int, findings: list[Finding]) -> Rule:
    before = len(findings)
    when, faults = grammar.parse(row["when"])
    findings += [row.finding("when", *fault) for fault in faults]
    yes = _examples(row, "example_yes", findings)
    no = _examples(row, "example_no", findings)
    if len(findings) == before:
        _check_examples(row, when, yes, no, findings)
    return Rule(
        order=order,
        rule_id=row["rule_id"],
        when=when,
        category=row["category"],
        basis=row["basis"],
        case_no=row["case_no"],
        example_yes=yes,
        example_no=no,
        note=row["note"],
    )


def _examples(row: Row, column: str, findings: list[Finding]) -> tuple[Example, ...]:
    if not row[column]:
        findings.append(row.finding(column, "没有示例", "写成 列=值; 列=值，多个示例用 | 隔开"))
        return ()
    examples = []
    for text in row[column].split("|"):
        example: Example = {}
        for pair in text.split(";"):
            name, equals, value = (part.strip() for part in pair.partition("="))
            faults = _pair_faults(name, equals, value)
            if name in example:
                faults.append((f"示例中 {name} 写了两次", "删去一处"))
            findings += [row.finding(column, *fault) for fault in faults]
            example[name] = value
        examples.append(example)
    return tuple(examples)


def _pair_faults(name: str, equals: str, value: str) -> list[grammar.Fault]:
    if not equals:
        return [(f"看不懂示例“{name}”", "写成 列=值; 列=值，缺失写 ?")]
    column, faults = grammar.ask(name)
    if column is None or value == MISSING:
        return faults
    return grammar.check_value(column, value)


def _check_examples(
    row: Row,
    when: grammar.Condition,
    yes: tuple[Example, ...],
    no: tuple[Example, ...],
    findings: list[Finding],
) -> None:
    states = grammar.judge([when], grammar.example_frame([*yes, *no]))[0]
    for number, example in enumerate((*yes, *no)):
        column = "example_yes" if number < len(yes) else "example_no"
        wanted, holds = column == "example_yes", states[number] == grammar.TRUE
        if not when.terms or holds == wanted:
            continue
        found = f"示例“{_said(example)}”{'不符合' if wanted else '符合'}本行条件"
        findings.append(row.finding(column, found, "改正示例或条件；未写的列取平常值"))


def _check_reach(rows: Sequence[Row], rules: Sequence[Rule], findings: list[Finding]) -> None:
    """Append a finding for a rule that decides none of its examples, and for a bad catch-all."""
    for number, (row, rule) in enumerate(zip(rows, rules, strict=True)):
        winners = decide(rules, rule.example_yes)
        if number not in winners:
            by = rules[winners[0]].rule_id
            found = f"{rule.rule_id} 的示例都先由 {by} 判定，本行轮不到"
            advice = "调整顺序或条件，或补一个由本行判定的示例"
            findings.append(row.finding("example_yes", found, advice))
    last = len(rules) - 1
    for example, winner in zip(
        rules[last].example_no, decide(rules, rules[last].example_no), strict=True
    ):
        if winner == last:
            found = f"示例“{_said(example)}”没有被前面的行判定"
            findings.append(rows[last].finding("example_no", found, "换成由前面某一行判定的示例"))


def decide(rules: Sequence[Rule], examples: Sequence[Mapping[str, str]]) -> NDArray[np.intp]:
    """Return for each example the number of the rule that decides it (true or unknown)."""
    frame = grammar.example_frame(examples)
    return grammar.first(grammar.judge([rule.when for rule in rules], frame))


def _said(example: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in example.items())


def _flags(rows: Sequence[Row], findings: list[Finding]) -> tuple[FlagRule, ...]:
    taken = vocabulary()["flags"].values
    labels: dict[str, Row] = {}
    flags = []
    for row in rows:
        name = row["flag"]
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name) or name in taken:
            found = f"{name or '（空）'} 不能作标记名" + ("，取证已用" if name in taken else "")
            findings.append(row.finding("flag", found, "用大写字母、数字和 _，另取一个名字"))
        first = labels.setdefault(name, row)
        if not row["label"] or row["label"] != first["label"]:
            found = f"{name} 的说法为“{row['label']}”，第 {first.line} 行为“{first['label']}”"
            findings.append(row.finding("label", found, "填写说法；同一标记的各行说法相同"))
        when, faults = grammar.parse(row["when"])
        findings += [row.finding("when", *fault) for fault in faults]
        if row["when"] == grammar.ELSE:
            findings.append(row.finding("when", "标记不能用 else", "写明条件"))
        flags.append(FlagRule(flag=name, when=when, label=row["label"]))
    return tuple(flags)

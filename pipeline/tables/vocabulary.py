"""The closed vocabulary: what rules may ask, the values there are, both in Chinese words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from pipeline.tables.lists import list_names, load_codes, load_land_codes
from pipeline.tables.reader import Row, hint, one_of, package_file, raise_all, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

    from pipeline.errors import Finding

COLUMNS = ("column", "kind", "value", "label", "usual")
KINDS = ("bool", "word", "number", "info", "flag")
YES, NO, MISSING = "yes", "no", "?"


@dataclass(frozen=True, slots=True)
class Column:
    """One evidence column. kind: bool, word, code:LIST, number (rules may ask these), info, flag.

    values: allowed value → Chinese phrase (empty for number and info); usual: the value an
    example means when it doesn't name the column.
    """

    name: str
    kind: str
    label: str
    usual: str
    values: Mapping[str, str]

    @property
    def askable(self) -> bool:
        """Whether a rule may ask this column."""
        return self.kind not in {"info", "flag"}

    def say(self, value: str) -> str:
        """Return the Chinese phrase of a value of this column."""
        if value == MISSING:
            return f"{self.label}不明"
        if self.kind.startswith("code:"):
            return f"{self.label}为 {value} {self.values.get(value, '（不在编码表内）')}"
        return self.values.get(value, f"{self.label}为 {value}")


@cache
def vocabulary() -> dict[str, Column]:
    """Return vocabulary.csv by column name; ConfigError with every fault in it."""
    return read_vocabulary(package_file("vocabulary.csv"))


def read_vocabulary(source: Traversable) -> dict[str, Column]:
    """Return a vocabulary table by column name; ConfigError with every fault in it.

    Checked: every column has one head row (no value) before its values, one kind, no value
    twice, every cell a label, a usual value that is allowed; bools have exactly yes and no.
    """
    findings: list[Finding] = []
    rows = read_rows(source, "vocabulary.csv", COLUMNS, findings)
    heads = {row["column"]: row for row in reversed(rows) if not row["value"]}
    values: dict[str, dict[str, str]] = {name: {} for name in heads}
    kinds = [*KINDS, "code:dlbm", *(f"code:{name}" for name in list_names())]
    for row in rows:
        one_of(row, "kind", kinds, findings)
        _check_row(row, heads, values, findings)
    columns = {}
    for name in dict.fromkeys(row["column"] for row in rows if row["column"] in heads):
        row = heads[name]
        if row["kind"].startswith("code:") and row["kind"] in kinds:
            values[name] = _codes(row["kind"].removeprefix("code:"))
        columns[name] = Column(name, row["kind"], row["label"], row["usual"], values[name])
        _check_column(row, columns[name], findings)
    raise_all(findings)
    return columns


def _check_row(
    row: Row, heads: dict[str, Row], values: dict[str, dict[str, str]], findings: list[Finding]
) -> None:
    name, value = row["column"], row["value"]
    head = heads.get(name)
    if head is None:
        findings.append(
            row.finding("column", f"{name or '（空）'} 没有表头行", "先写 value 为空的一行")
        )
        return
    if not row["label"]:
        findings.append(row.finding("label", "没有中文说法", "填写 label"))
    if row["kind"] != head["kind"]:
        found = f"{name} 的 kind 与第 {head.line} 行的 {head['kind']} 不同"
        findings.append(row.finding("kind", found, "同一列只有一个 kind"))
    if (not value and head.line != row.line) or value in values[name]:
        findings.append(row.finding("value", f"{name} 的 {value or '表头行'} 重复", "删去一行"))
    elif value and head["kind"] not in {"bool", "word", "flag"}:
        findings.append(row.finding("value", f"{head['kind']} 列不列出值", "清空 value"))
    elif value:
        values[name][value] = row["label"]


def _check_column(row: Row, column: Column, findings: list[Finding]) -> None:
    if column.kind == "bool" and set(column.values) != {YES, NO}:
        findings.append(row.finding("value", f"{column.name} 应有且仅有 yes、no 两行", "补齐"))
    if not column.askable:
        return
    if column.kind == "number":
        if not column.usual.replace(".", "", 1).isdigit():
            findings.append(row.finding("usual", f"{column.usual} 不是数", "写成如 0 或 1.5"))
    elif column.usual not in column.values:
        found = f"{column.usual or '（空）'} 不是 {column.name} 的值"
        findings.append(row.finding("usual", found, hint(column.usual, column.values)))


def _codes(name: str) -> dict[str, str]:
    if name == "dlbm":
        return {code.code: code.name for code in load_land_codes()}
    return {code.code: code.label for code in load_codes(name)}

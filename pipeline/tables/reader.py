"""Tables as text: every cell a string, every row with its line, every fault collected."""

from __future__ import annotations

import csv
import difflib
import io
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.resources.abc import Traversable

NEAR = 0.6
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: its file, its line in the file (the header is line 1), its cells."""

    file: str
    line: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """Return the cell as text without surrounding blanks; an empty cell is ""."""
        return self.cells[column]

    def where(self, column: str) -> str:
        """Return the Chinese place of a cell, for a Finding."""
        return f"{self.file} 第 {self.line} 行 {column} 列"

    def finding(self, column: str, found: str, advice: str) -> Finding:
        """Return a Finding placed at a cell."""
        return Finding(self.where(column), found, advice)


def package_file(*parts: str) -> Traversable:
    """Return a file or folder of this package, wherever it is installed."""
    return resources.files("pipeline.tables").joinpath(*parts)


def hint(value: str, allowed: Iterable[str]) -> str:
    """Return Chinese advice: the nearest allowed value and what is allowed."""
    names = sorted(allowed)
    near = difflib.get_close_matches(value, names, n=1, cutoff=NEAR)
    shown = "、".join(names[:SHOWN]) + (" 等" if len(names) > SHOWN else "")
    listed = f"允许的值：{shown}" if shown else "没有允许的值"
    return f"最接近的是 {near[0]}；{listed}" if near else listed


def read_rows(
    source: Traversable, name: str, columns: Sequence[str], findings: list[Finding]
) -> list[Row]:
    """Return the rows of a CSV table, all cells as stripped text.

    Appends to findings when the file can't be read or decoded (UTF-8, else GB18030, as a
    spreadsheet saves it), the header isn't exactly `columns`, or a row has too many or too few
    cells; such rows are left out. Blank lines are skipped.
    """
    text = _text(source, name, findings)
    if text is None:
        return []
    reader = csv.reader(io.StringIO(text, newline=""))
    header = [cell.strip() for cell in next(reader, [])]
    wrong = _header_findings(name, header, columns)
    findings += wrong
    if wrong:
        return []
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            where = f"{name} 第 {reader.line_num} 行"
            found = f"有 {len(cells)} 列，表头有 {len(header)} 列"
            findings.append(Finding(where, found, "补齐或删去多余的逗号；含逗号的文字用双引号括起"))
            continue
        stripped = (cell.strip() for cell in cells)
        rows.append(Row(name, reader.line_num, dict(zip(header, stripped, strict=True))))
    return rows


def _text(source: Traversable, name: str, findings: list[Finding]) -> str | None:
    try:
        content = source.read_bytes()
    except OSError as error:
        findings.append(
            Finding(name, f"无法读取（{error.strerror}）", "检查文件是否存在、能否打开")
        )
        return None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    findings.append(
        Finding(name, "既不是 UTF-8 也不是 GB18030 编码", "用表格软件另存为 UTF-8 的 CSV")
    )
    return None


def _header_findings(name: str, header: list[str], columns: Sequence[str]) -> list[Finding]:
    where = f"{name} 第 1 行"
    missing = [column for column in columns if column not in header]
    findings = [
        Finding(where, f"缺少 {column} 列", f"表头应为 {','.join(columns)}") for column in missing
    ]
    findings += [
        Finding(where, f"不认识的列 {column or '（空）'}", hint(column, columns))
        for column in header
        if column not in columns
    ]
    if len(set(header)) < len(header):
        findings.append(Finding(where, "表头有重复的列名", f"表头应为 {','.join(columns)}"))
    return findings


def unique(rows: Iterable[Row], column: str, findings: list[Finding]) -> None:
    """Append a finding for every value of a column that stands in an earlier row too."""
    seen: dict[str, int] = {}
    for row in rows:
        first = seen.setdefault(row[column], row.line)
        if first != row.line:
            found = f"{row[column]} 与第 {first} 行重复"
            findings.append(row.finding(column, found, "每个值只能出现一次，删去或改名"))


def one_of(row: Row, column: str, allowed: Iterable[str], findings: list[Finding]) -> bool:
    """Append a finding unless the cell is one of the allowed values; return whether it is."""
    names = tuple(allowed)
    if row[column] in names:
        return True
    found = f"{row[column] or '（空）'} 不是允许的值"
    findings.append(row.finding(column, found, hint(row[column], names)))
    return False


def raise_all(findings: list[Finding]) -> None:
    """Raise ConfigError with all findings, if there are any."""
    if findings:
        raise ConfigError(findings)

"""Text files a county writes itself: bytes to text to checked rows. Stdlib only."""

from __future__ import annotations

import csv
import difflib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import Finding

if TYPE_CHECKING:
    import _csv
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SHOWN_NAMES = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its number in the file (1 = header) and its cells by column."""

    line: int
    cells: Mapping[str, str]


def decode(data: bytes, where: str) -> tuple[str, list[Finding]]:
    """Return the text of `data`: strict UTF-8 (with or without BOM), else strict GB18030.

    Never replaces a character. A file in neither encoding gives a finding and no text.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, []
    advice = "用文本编辑器或电子表格另存为 UTF-8（或 GBK）编码后重试"
    return "", [Finding(where, "文件编码既不是 UTF-8 也不是 GB18030，无法可靠读取", advice)]


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Return Chinese advice: the nearest allowed name, and the allowed ones."""
    names = list(allowed)
    lowered = {n.lower(): n for n in reversed(names)}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.5)
    shown = "、".join(names[:SHOWN_NAMES])
    if len(names) > SHOWN_NAMES:
        shown += f" 等 {len(names)} 个"
    guess = f"是否应为“{lowered[close[0]]}”?" if close else ""
    return f"{guess}可用的有：{shown}" if names else "目前没有可用的名称"


def read_rows(path: Path, columns: tuple[str, ...]) -> tuple[list[Row], list[Finding]]:
    """Read a CSV with exactly `columns` (any order); cells stripped; blank lines skipped.

    Findings: missing file, encoding, unknown/missing/repeated column, ragged line, bad quoting.
    """
    where = path.name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        advice = f"请在 {path.parent} 中放入 {where}，列为 {','.join(columns)}"
        return [], [Finding(where, "文件不存在", advice)]
    except OSError as error:
        return [], [Finding(where, f"文件读不出来（{error.strerror}）", "检查文件及其权限后重试")]
    text, findings = decode(data, where)
    if findings:
        return [], findings
    try:
        return _rows(csv.reader(io.StringIO(text, newline=""), strict=True), where, columns)
    except csv.Error as error:
        advice = "检查该处的引号是否成对、单元格中是否有多余换行"
        return [], [Finding(where, f"不是规范的 CSV（{error}）", advice)]


def _rows(
    reader: _csv.Reader, where: str, columns: tuple[str, ...]
) -> tuple[list[Row], list[Finding]]:
    header = [cell.strip() for cell in next(reader, [])]
    findings = _check_header(header, where, columns)
    if findings:
        return [], findings
    rows = []
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if not any(stripped):
            continue
        if len(stripped) != len(header):
            found = f"应有 {len(header)} 列，实有 {len(stripped)} 列"
            advice = "补齐或删去多余的列；内容本身含逗号时，用英文双引号括起"
            findings.append(Finding(f"{where} 第 {reader.line_num} 行", found, advice))
            continue
        rows.append(Row(reader.line_num, dict(zip(header, stripped, strict=True))))
    return rows, findings


def _check_header(header: list[str], where: str, columns: tuple[str, ...]) -> list[Finding]:
    place = f"{where} 第 1 行"
    findings = []
    for name in dict.fromkeys(header):
        if name not in columns:
            findings.append(Finding(place, f"列名“{name}”不认识", nearest(name, columns)))
        elif header.count(name) > 1:
            findings.append(Finding(place, f"列名“{name}”重复", "只保留一列"))
    missing = [name for name in columns if name not in header]
    if missing:
        advice = f"表头应为 {','.join(columns)}（英文逗号分隔）"
        findings.append(Finding(place, f"缺少列 {'、'.join(missing)}", advice))
    return findings

"""Errors a person can act on, one exit code per kind.

::

    GengbaoError                 1  our own fault (an account that doesn't close, a broken promise)
    ├── UsageError               2  the command line
    ├── ConfigError              3  county.toml, towns.csv, targets.csv, rule packs, code tables
    ├── InputError               4  the survey data
    └── OutputError              5  files we can't write

An error carries *all* findings of its stage, never only the first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SHOWN = 20


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing a clerk must mend.

    where: file, layer, row, plot (BSM), field, as far as known; found: what stands there;
    advice: what to do. All three in Chinese.
    """

    where: str
    found: str
    advice: str

    def __str__(self) -> str:
        """Return the finding as one Chinese line."""
        return f"{self.where}：{self.found}；处理办法：{self.advice}"


class GengbaoError(Exception):
    """A failure that ends the run; our own fault unless a subclass says otherwise."""

    exit_code = 1
    title = "程序内部错误"

    def __init__(self, findings: Finding | Iterable[Finding]) -> None:
        """Keep all findings, in order, without repetition."""
        found = (findings,) if isinstance(findings, Finding) else tuple(findings)
        self.findings = tuple(dict.fromkeys(found))
        super().__init__(self.message())

    def __reduce__(self) -> tuple[type[GengbaoError], tuple[tuple[Finding, ...]]]:
        """Travel between processes with all findings."""
        return type(self), (self.findings,)

    def message(self) -> str:
        """Return the Chinese message: a title and one numbered line per finding."""
        count = len(self.findings)
        lines = [f"{self.title}：发现 {count} 处问题"]
        lines += [f"  {n}. {finding}" for n, finding in enumerate(self.findings[:SHOWN], 1)]
        if count > SHOWN:
            lines.append(f"  ……另有 {count - SHOWN} 处同批问题未列出，改正后重新运行可见")
        return "\n".join(lines)


class UsageError(GengbaoError):
    """The command line asks for something that doesn't exist."""

    exit_code = 2
    title = "命令用法有误"


class ConfigError(GengbaoError):
    """county.toml, a county table, a rule pack or a code table is wrong."""

    exit_code = 3
    title = "配置或表格有误"


class InputError(GengbaoError):
    """The survey data can't be read without guessing."""

    exit_code = 4
    title = "输入数据有误"


class OutputError(GengbaoError):
    """A product can't be written; the last good one is untouched."""

    exit_code = 5
    title = "成果写出失败"

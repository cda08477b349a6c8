"""The command line's grammar in Chinese: argparse knows it, but speaks English of it."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from pipeline.errors import Finding, UsageError
from pipeline.terminal import width

if TYPE_CHECKING:
    from typing import Any, NoReturn

_HEADS = {
    "usage: ": "用法：",
    "\npositional arguments:\n": "\n参数：\n",
    "\noptions:\n": "\n选项：\n",
    "show this help message and exit": "显示这份说明",
    "show program's version number and exit": "显示版本",
}
"""What argparse writes on a help page by itself."""
_SAID = (
    (r"argument ([^:]+): (.*)", r"\1：\2"),
    (r"(.*)the following arguments are required: (.*)", r"\1缺少 \2"),
    (r"(.*)one of the arguments (.*) is required", r"\1缺少其中之一：\2"),
    (r"(.*)unrecognized arguments: (.*)", r"\1不认识：\2"),
    (r"(.*)invalid choice: '?(.*?)'? \(choose from (.*)\)", r"\1没有“\2”，可用：\3"),
    (r"(.*)invalid int value: '(.*)'", r"\1“\2”不是整数"),
    (r"(.*)expected (?:one|1) argument", r"\1后面要写一个值"),
    (r"(.*)expected at least one argument", r"\1后面至少要写一个值"),
    (r"(.*)not allowed with argument (.*)", r"\1不能与 \2 同时写"),
    (r"(.*)ignored explicit argument '?(.*?)'?", r"\1后面不写值，却写了“\2”"),
    (r"(.*)ambiguous option: (\S+) could match (.*)", r"\1\2 说的可能是 \3"),
)
"""What argparse says of a wrong command line, and how it is said here."""
_LISTED = re.compile(r"(?:are required: |choose from |could match ).*", re.DOTALL)
"""Where argparse lists words, a comma and a blank between them."""

_NOTHING = "\u200b"
"""Takes no room, but argparse counts it: so what it sets in columns lines up in Chinese too."""


class _Aligned(argparse.HelpFormatter):
    """A help page on which a Chinese character is two columns wide."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        said = super()._format_action_invocation(action)
        return said + _NOTHING * (width(said) - len(said))


class Grammar(argparse.ArgumentParser):
    """A parser whose help is Chinese and that raises UsageError instead of ending the process."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - argparse's own
        """Begin a grammar, given what argparse takes by name."""
        super().__init__(formatter_class=_Aligned, **given)

    def format_help(self) -> str:
        """Return the help page."""
        text = super().format_help().replace(_NOTHING, "")
        for english, chinese in _HEADS.items():
            text = text.replace(english, chinese)
        return text

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with what is wrong and how the command is written."""
        usage = " ".join(self.format_usage().removeprefix("usage: ").split())
        advice = f"写法：{usage}；说明见 {self.prog} --help"
        raise UsageError(Finding(self.prog, in_chinese(message), advice))


def in_chinese(message: str) -> str:
    """Return a message of argparse's in Chinese; one that isn't known stays as it is."""
    message = _LISTED.sub(lambda found: found[0].replace(", ", "、"), message)
    for pattern, said in _SAID:
        message = re.sub(f"^{pattern}$", said, message, flags=re.DOTALL)
    return message.replace("'", "")

"""The command line: the one room that prints, and that turns errors into exit codes.

A command is one file in `commands/`, found by itself: it holds COMMANDS, a tuple of `Command`.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.cli import commands
from pipeline.cli.command import DEFAULT_COUNTY, Command
from pipeline.cli.grammar import Grammar
from pipeline.errors import GengbaoError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Command", "discover", "run"]

log = logging.getLogger("gengbao")

EXIT_CODES = "退出码：0 完成，2 用法，3 配置或表格，4 输入数据，5 写出，1 程序自身错误"


def main() -> int:
    """Run the command this process was started for; return its exit code."""
    code = run()
    gc.freeze()  # else the interpreter looks through all the libraries once more: 0.2 seconds
    return code


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (a user's mistake prints no traceback)."""
    _speak_utf8()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    for library in ("pyogrio", "fontTools", "tornado", "bokeh"):
        logging.getLogger(library).setLevel(logging.WARNING)
    debug = False
    try:
        args = _parser().parse_args(argv)
        debug = args.debug
        code: int = args.command.run(args)
        sys.stdout.flush()
    except BrokenPipeError:  # `gengbao … | head`: whoever reads has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except GengbaoError as error:
        print(error, file=sys.stderr)
        if debug or error.exit_code == 1:
            log.exception("调试信息")
        return error.exit_code
    return code


def discover() -> list[Command]:
    """Return every command, in the order of the help page."""
    modules = (
        importlib.import_module(f"{commands.__name__}.{module.name}")
        for module in pkgutil.iter_modules(commands.__path__)
    )
    found: list[Command] = [command for module in modules for command in module.COMMANDS]
    return sorted(found, key=lambda command: (command.order, command.name))


def _speak_utf8() -> None:
    """Print Chinese on any console (a Windows code page must not stop a run)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _parser() -> Grammar:
    """Return the command line's grammar."""
    parser = Grammar(
        prog="gengbao", description="耕保：从调查成果到分类、台账与地图", epilog=EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"gengbao {__version__}")
    common = Grammar(add_help=False)
    common.add_argument("--debug", action="store_true", help="出错时显示调用栈")
    where = Grammar(add_help=False, parents=[common])
    where.add_argument(
        "--county",
        type=Path,
        default=DEFAULT_COUNTY,
        metavar="文件夹",
        help="县文件夹（默认 data/raw）",
    )
    where.add_argument(
        "--out", type=Path, default=Path(), metavar="文件夹", help="成果文件夹（默认当前文件夹）"
    )
    asked = parser.add_subparsers(required=True, metavar="命令")
    for command in discover():
        parents = [where if command.on_county else common]
        own = asked.add_parser(
            command.name, parents=parents, help=command.text, description=command.text
        )
        command.arguments(own)
        own.set_defaults(command=command)
    return parser

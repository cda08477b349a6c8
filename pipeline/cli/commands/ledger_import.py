"""`gengbao ledger-import`: what filled ledgers would bring, cell by cell; nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import Command, open_desk
from pipeline.errors import InputError

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take files that aren't in returned/ yet."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="台账",
        help="还没放进 returned/ 的台账，和里面的一起看；不写就只看 returned/",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Print what would be taken; InputError where a file can't be read or isn't ours."""
    from pipeline.reports.importing import import_text
    from pipeline.stages import returning

    found = returning.examine(open_desk(args), args.files)
    print(import_text(found.books, found.merged))
    print(f"什么也没有写；放进 {args.county / 'returned'} 后运行 gengbao all 即并入。")
    if found.unreadable:
        raise InputError(found.unreadable)
    return 0


COMMANDS = (
    Command(
        name="ledger-import", text="先看交回的台账能收什么、收不了什么（不写任何文件）", order=27,
        run=run, arguments=arguments,
    ),
)  # fmt: skip

"""`gengbao doctor FILE|DIR…`: what ingest sees in any vector file or table; writes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import Command
from pipeline.errors import InputError

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for what is to be looked at."""
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="文件或文件夹", help="要看的数据，哪里来的都行"
    )
    parser.add_argument("--json", action="store_true", help="输出 JSON，供程序读取")
    parser.add_argument(
        "--county",
        type=Path,
        metavar="文件夹",
        help="按哪个县核对（默认：文件所在的县文件夹；没有就不核对县）",
    )


def run(args: argparse.Namespace) -> int:
    """Print what is seen; 0 where all can be read without guessing, else 4."""
    from pipeline.doctor import Verdict, as_document, as_text, examine

    checkup = examine(args.paths, args.county)
    if args.json:
        print(json.dumps(as_document(checkup), ensure_ascii=False, indent=1))
    else:
        print(as_text(checkup), end="")
    return InputError.exit_code if checkup.verdict is Verdict.REFUSED else 0


COMMANDS = (
    Command(
        name="doctor",
        text="检查任何矢量文件或表：入库会看到什么、能不能入库（不写任何文件）",
        order=22,
        run=run,
        arguments=arguments,
        on_county=False,
    ),
)

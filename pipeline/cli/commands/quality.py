"""`gengbao quality`: every fault of an export, zones or any file, with code, place and advice."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import Command, find_county
from pipeline.errors import Finding, InputError, UsageError

if TYPE_CHECKING:
    import argparse

log = logging.getLogger("gengbao")

EXIT = "退出码：0 没有新的错误（只有警告也是 0），4 有未认可的错误；其余同各命令"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for what is to be checked."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="文件", help="代替县里的一期：任何面图层或其文件夹"
    )
    parser.add_argument("--export", metavar="日期", help="查哪一期（默认最新一期）")
    parser.add_argument("--zones", action="store_true", help="也查永农和耕地保护目标图层")
    parser.add_argument("--against", metavar="日期", help="与这一期对照，查两期之间的变化")
    parser.add_argument(
        "--baseline", type=Path, metavar="文件", help="已认可的问题（CSV，每行写明理由）"
    )
    parser.epilog = EXIT


def run(args: argparse.Namespace) -> int:
    """Check, print what was found; 4 where an error isn't acknowledged."""
    from pipeline.quality import ERROR
    from pipeline.quality.summary import as_text
    from pipeline.stages import checking, problems

    if args.files and args.export:
        advice = "查文件时去掉 --export；查某一期时不写文件"
        raise UsageError(Finding("quality", "文件与 --export 不能同时写", advice))
    started = time.monotonic()
    nobody = args.files and not (args.county / "county.toml").is_file()
    county = None if nobody else find_county(args.county)
    request = checking.Request(
        files=tuple(args.files),
        export=args.export,
        against=args.against,
        zones=args.zones,
        baseline=args.baseline,
    )
    done = checking.check(county, args.out, request)
    print(f"run_id {done.run_id[: problems.SHORT]}")
    print(as_text(done.findings, len(done.stale)))
    log.info("质量检查 %s 用时=%.1f秒", done.folder, time.monotonic() - started)
    new = done.findings[done.findings["known"].isna()]
    return InputError.exit_code if (new["severity"] == ERROR).any() else 0


COMMANDS = (
    Command(
        name="quality",
        text="质量检查：一期、范围、两期或任何面图层，列出每处问题的编号、图斑、位置和处理办法",
        order=23,
        run=run,
        arguments=arguments,
    ),
)

"""`gengbao compare A B`: what became of every plot between two exports; or a list's plots."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import Command, find_county
from pipeline.errors import Finding, UsageError

if TYPE_CHECKING:
    import argparse

    from pipeline.stages.comparing import Compared

log = logging.getLogger("gengbao")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the two sides."""
    what = "县里某一期的日期（年-月-日），或图斑文件、文件夹"
    parser.add_argument("old", metavar="前期", nargs="?", help=what)
    parser.add_argument("new", metavar="后期", nargs="?", help=what)
    listed = parser.add_argument_group("督导组清单（代替前期、后期）")
    listed.add_argument(
        "--list", type=Path, metavar="文件", help="图斑清单（XLSX、CSV），与台账对照"
    )
    listed.add_argument("--export", metavar="日期", help="与哪一期的台账对照（默认最新一期）")
    listed.add_argument("--open", action="store_true", help="只与未销号的任务对照")


def run(args: argparse.Namespace) -> int:
    """Compare them, print what was found."""
    if args.list is not None:
        return of_list(args)
    if args.old is None or args.new is None:
        advice = "写两期：gengbao compare 前期 后期；或一份清单：gengbao compare --list 文件"
        raise UsageError(Finding("compare", "没有写明比较什么", advice))
    if args.export or args.open:
        advice = "对照清单时写 --list 文件；比较两期时去掉这两个选项"
        raise UsageError(Finding("compare", "--export、--open 只用于清单", advice))
    return of_exports(args)


def of_list(args: argparse.Namespace) -> int:
    """Hold a list against the ledger."""
    from pipeline import inspection, stages
    from pipeline.stages import inspecting

    if args.old is not None:
        advice = "对照清单用 --list 文件；比较两期不写 --list"
        raise UsageError(Finding(f"compare {args.old}", "两期与 --list 不能同时写", advice))
    started = time.monotonic()
    desk = stages.Desk(find_county(args.county), args.out)
    done = inspecting.inspect_list(desk, args.list, args.export, open_only=args.open)
    print(f"run_id {done.run_id[: inspecting.SHORT]}")
    print(inspection.summary_text(done.found, str(done.folder)))
    log.info("清单对照 %s 用时=%.1f秒", done.folder, time.monotonic() - started)
    return 0


def of_exports(args: argparse.Namespace) -> int:
    """Compare two exports."""
    from pipeline import stages
    from pipeline.stages import comparing

    started = time.monotonic()
    desk = stages.Desk(find_county(args.county), args.out)
    done = comparing.compare(desk, *comparing.sides(desk, args.old, args.new))
    print(_text(done))
    log.info("对比 %s 用时=%.1f秒", done.folder, time.monotonic() - started)
    return 0


def _text(done: Compared) -> str:
    """Return the answer: what was compared, what was found."""
    from pipeline.compare import summary_text
    from pipeline.stages.publishing import SHORT

    lines = [f"对比 {done.sides[0].name} → {done.sides[1].name}（run_id {done.run_id[:SHORT]}）"]
    for place, side, account in zip(("前期", "后期"), done.sides, done.accounts, strict=True):
        line = f"{place} {side.name}：{account.accepted_plots} 个图斑"
        if account.rejected_plots:
            listed = f"exports/{side.name}/" if side.day else f"{place}剔除.gpkg、{place}问题.csv"
            line += f"；另有 {account.rejected_plots} 个被剔除，不参与对比，见 {listed}"
        lines.append(line)
    return "\n".join([*lines, "", summary_text(done.found)])


COMMANDS = (
    Command(
        name="compare",
        text="对比两期图斑（来龙去脉、各镇变化、地类流量），或把督导组清单与台账对照",
        order=25,
        run=run,
        arguments=arguments,
    ),
)

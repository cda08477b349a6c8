"""`gengbao compare A B`: what became of every plot between two exports."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from pipeline.cli.command import Command, find_county

if TYPE_CHECKING:
    import argparse

    from pipeline.stages.comparing import Compared

log = logging.getLogger("gengbao")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the two sides."""
    what = "县里某一期的日期（年-月-日），或图斑文件、文件夹"
    parser.add_argument("old", metavar="前期", help=what)
    parser.add_argument("new", metavar="后期", help=what)


def run(args: argparse.Namespace) -> int:
    """Compare them, print what was found."""
    return of_exports(args)


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
        text="对比两期图斑：每个图斑的来龙去脉、各镇变化、地类流量",
        order=25,
        run=run,
        arguments=arguments,
    ),
)

"""`gengbao all` and the stages it consists of."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from pipeline.cli.command import Command, find_county
from pipeline.errors import Finding, UsageError

if TYPE_CHECKING:
    import argparse

log = logging.getLogger("gengbao")


def arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Let maps be drawn one by one."""
    if name == "maps":
        parser.add_argument("only", nargs="*", metavar="图名", help="只画这几种（名称见 --list）")
        parser.add_argument("--list", action="store_true", help="列出全部图名")


def run(args: argparse.Namespace, until: str) -> int:
    """Run the stages up to the one asked for."""
    from pipeline import stages

    only = getattr(args, "only", ())
    if getattr(args, "list", False) or only:
        from pipeline import render

        known = {spec.name: spec for spec in render.discover()}
        if args.list:
            for spec in known.values():
                print(f"{spec.name:<24}{spec.title}（{spec.size.name}）：{spec.answers}")
            return 0
        unknown = [name for name in only if name not in known]
        if unknown:
            raise UsageError(
                Finding("maps", f"没有这种图：{'、'.join(unknown)}", f"可用：{'、'.join(known)}")
            )
    started = time.monotonic()
    county = find_county(args.county)
    done = stages.run(stages.Desk(county, args.out), until, only)
    said = f"重做 {done} 步" if done else "成果已是最新，无需重做"
    log.info("%s %s 用时=%.1f秒", county.name, said, time.monotonic() - started)
    return 0


COMMANDS = tuple(
    Command(
        name=name,
        text=text,
        order=order,
        run=partial(run, until=name),
        arguments=partial(arguments, name=name),
    )
    for order, (name, text) in enumerate(
        {
            "all": "全部：入库、分类、台账、汇总、制图（没有县级数据时先造示例县）",
            "ingest": "只读入各期调查成果与图层",
            "classify": "做到图斑分类",
            "ledger": "做到台账开账",
            "aggregate": "做到镇办汇总与缺口",
            "maps": "做到地图",
        }.items()
    )
)

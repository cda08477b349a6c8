"""`gengbao all` and the stages it consists of."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from pipeline.cli.command import Command, county_or_sample
from pipeline.cli.showing import shown
from pipeline.errors import Finding, UsageError

if TYPE_CHECKING:
    import argparse

log = logging.getLogger("gengbao")

PRODUCTS = {"maps": "图名", "report": "报表名"}
"""Stages whose products can be asked for by name, and what such a name is called."""


def arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Let maps and office products be made one by one."""
    if name in PRODUCTS:
        what = PRODUCTS[name]
        parser.add_argument("only", nargs="*", metavar=what, help="只做这几种（名称见 --list）")
        parser.add_argument("--list", action="store_true", help=f"列出全部{what}")


def _known(stage: str) -> dict[str, str]:
    """Return what every product of a stage is, by its name."""
    if stage == "maps":
        from pipeline import render

        return {
            spec.name: f"{spec.title}（{spec.size.name}）：{spec.answers}"
            for spec in render.discover()
            if spec.command == stage
        }
    from pipeline import reports

    return {spec.name: f"{spec.title}：{spec.answers}" for spec in reports.discover()}


def run(args: argparse.Namespace, until: str) -> int:
    """Run the stages up to the one asked for."""
    from pipeline import stages

    only = getattr(args, "only", ())
    if getattr(args, "list", False) or only:
        known = _known(until)
        if args.list:
            for name, words in known.items():
                print(f"{name:<24}{words}")
            return 0
        unknown = [name for name in only if name not in known]
        if unknown:
            found = f"没有这种{PRODUCTS[until]}：{'、'.join(unknown)}"
            raise UsageError(Finding(until, found, f"可用：{'、'.join(known)}"))
    started = time.monotonic()
    county = county_or_sample(args.county)
    pace = stages.Pace()
    with shown(pace):
        done = stages.run(stages.Desk(county, args.out), until, only, pace)
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
            "all": "全部：入库、分类、台账、汇总、制图、报表（没有县级数据时先造示例县）",
            "ingest": "只读入各期调查成果与图层",
            "classify": "做到图斑分类",
            "ledger": "做到台账开账",
            "aggregate": "做到镇办汇总与缺口",
            "maps": "做到地图",
            "report": "做到报表：任务清单、台账、通报、离线网页",
        }.items()
    )
)

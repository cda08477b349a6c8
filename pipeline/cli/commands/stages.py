"""`gengbao all` and the stages it consists of."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from pipeline.cli.command import Command, find_county

if TYPE_CHECKING:
    import argparse

log = logging.getLogger("gengbao")


def run(args: argparse.Namespace, until: str) -> int:
    """Run the stages up to the one asked for."""
    from pipeline import stages

    started = time.monotonic()
    county = find_county(args.county)
    done = stages.run(stages.Desk(county, args.out), until)
    said = f"重做 {done} 步" if done else "成果已是最新，无需重做"
    log.info("%s %s 用时=%.1f秒", county.name, said, time.monotonic() - started)
    return 0


COMMANDS = tuple(
    Command(name=name, text=text, order=order, run=partial(run, until=name))
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

"""`gengbao province`: many counties on a Dask cluster, then the tables over all of them."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from pipeline.cli.command import Command

log = logging.getLogger("gengbao")

FIRST = (1, 5, 3, 4)
"""Of several exit codes the one that is told: the one that more hangs on."""
LEAST_BYTES = 100 * 2**20
"""Less than the libraries alone take: every worker would be ended before it has begun."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the counties, the place of the products, and the cluster."""
    parser.add_argument("counties", type=Path, metavar="文件夹", help="放各县文件夹的文件夹")
    parser.add_argument("--out", type=Path, required=True, metavar="文件夹", help="成果文件夹")
    parser.add_argument(
        "--scheduler", metavar="地址", help="已有 Dask 调度器的地址，如 tcp://10.0.0.1:8786"
    )
    parser.add_argument(
        "--workers", type=_positive, default=os.cpu_count() or 1, metavar="个数",
        help="本机起几个工作进程（默认：处理器个数；写了 --scheduler 时不用）",
    )  # fmt: skip
    parser.add_argument(
        "--memory", type=_memory, metavar="上限",
        help="每个工作进程的内存上限，如 2GiB（默认：3GiB；本机内存平分下来不到这么多的，按平分）",
    )  # fmt: skip
    parser.add_argument("--name", default="全省", metavar="省名", help="印在全省图上（默认“全省”）")
    drawn = parser.add_mutually_exclusive_group()
    drawn.add_argument("--maps", action="store_true", help="各县的图件、报表也一起做")
    drawn.add_argument("--no-maps", action="store_true", help="只做数和表，全省图也不画")


def _positive(text: str) -> int:
    if not text.isdigit() or text.strip("0") == "":
        raise argparse.ArgumentTypeError(f"应为正整数：{text}")
    return int(text)


def _memory(text: str) -> str:
    from dask.utils import parse_bytes

    try:
        good = parse_bytes(text) >= LEAST_BYTES
    except ValueError:
        good = False
    if not good:
        raise argparse.ArgumentTypeError(f"应写成 3GiB、800MiB 这样（至少 100MiB）：{text}")
    return text


def run(args: argparse.Namespace) -> int:
    """Run all counties; print how each ended; return the exit code that matters most."""
    from pipeline import province

    cluster = province.Cluster(scheduler=args.scheduler, workers=args.workers, memory=args.memory)
    wanted = province.Wanted(name=args.name, maps=not args.no_maps, county_maps=args.maps)
    runs = province.run_province(args.counties, args.out, cluster, wanted)
    print(province.as_text(runs))
    for one in runs:
        if one.refused:
            log.error("%s %s", one.folder, one.refused)
    codes = {one.exit_code for one in runs}
    return next((code for code in FIRST if code in codes), max(codes))


COMMANDS = (
    Command(
        name="province",
        text="一省各县一起做（Dask）：各县的数、台账，全省汇总、缺口、排名、分布图",
        order=70,
        run=run,
        arguments=arguments,
        on_county=False,
    ),
)

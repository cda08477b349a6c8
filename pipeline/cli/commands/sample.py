"""`gengbao sample`: make the synthetic county."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

from pipeline.cli.command import DEFAULT_COUNTY, Command

log = logging.getLogger("gengbao")

OPTIONS = ("scale", "exports", "every", "code", "name", "seed", "defects", "centre")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for everything the sample county can be."""
    parser.add_argument(
        "--county",
        type=Path,
        default=DEFAULT_COUNTY,
        metavar="文件夹",
        help="写到哪里（默认 data/raw）",
    )
    parser.add_argument(
        "--scale",
        choices=("tiny", "small", "medium", "large", "county", "stress"),
        default="small",
        help="多大的县（默认 small）",
    )
    parser.add_argument(
        "--exports", type=int, default=2, metavar="期数", help="台账期之后再造几期（默认 2）"
    )
    parser.add_argument(
        "--every",
        choices=("month", "half-month", "week"),
        help="各期间隔：月、半月、周（默认：2 期以内按月，6 期以内按半月，更多按周）",
    )
    parser.add_argument("--code", metavar="代码", help="县代码（6 位）")
    parser.add_argument("--name", metavar="县名", help="县的名称")
    parser.add_argument("--seed", type=int, default=611026, metavar="整数", help="随机种子")
    parser.add_argument(
        "--centre", type=_degrees, metavar="经度,纬度",
        help="县的中心（度），所在 3° 带就是它的坐标系，如 109.8,33.6（默认：第 36 带）",
    )  # fmt: skip
    parser.add_argument(
        "--defects", type=int, nargs="?", const=34, default=0, metavar="个数",
        help="每种错误埋几个（不写个数：34），真值写入 truth.csv",
    )  # fmt: skip


def _degrees(text: str) -> tuple[float, float]:
    try:
        longitude, latitude = map(float, text.replace("，", ",").split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"应为“经度,纬度”：{text}") from None
    return longitude, latitude


def run(args: argparse.Namespace) -> int:
    """Make it."""
    from pipeline.sample import make_sample

    started = time.monotonic()
    make_sample(args.county, **{name: getattr(args, name) for name in OPTIONS})
    log.info("示例县 %s 位置=%s 用时=%.1f秒", args.scale, args.county, time.monotonic() - started)
    return 0


COMMANDS = (
    Command(
        name="sample", text="造示例县", order=80, run=run, arguments=arguments, on_county=False
    ),
)

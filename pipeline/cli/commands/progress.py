"""`gengbao progress`: who is ahead, who is below the plan, whether the deadline will be met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command, judged_export, open_desk
from pipeline.errors import Finding, OutputError

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for an export, if wanted."""
    parser.add_argument("--export", metavar="日期", help="哪一期（年-月-日），默认最新一期")


def run(args: argparse.Namespace) -> int:
    """Print the standings."""
    from pipeline import storage
    from pipeline.aggregate import standings

    desk = open_desk(args)
    day = judged_export(desk, args.export, desk.county.newest)
    product = desk.processed / "progress.csv"
    table = storage.read_table(product) if product.is_file() else None
    rows = None if table is None else table[table["export"] == day.isoformat()]
    if rows is None or rows.empty:
        raise OutputError(
            Finding(str(product), f"还没有 {day} 的进度", "请先运行 gengbao aggregate")
        )
    print(standings(rows, county=desk.county))
    return 0


COMMANDS = (
    Command(
        name="progress", text="排名、倒排工期与期限预测", order=25, run=run, arguments=arguments
    ),
)

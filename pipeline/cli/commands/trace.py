"""`gengbao trace PLACE FIGURE`: which plots stand behind a figure, from the last run's products."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.command import Command, judged_export, open_desk

if TYPE_CHECKING:
    import argparse
    from datetime import date

    from pipeline.explain import Asked
    from pipeline.stages import Desk

SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for place and figure, an export, a measure, and where the plots go."""
    parser.add_argument(
        "words", nargs="+", metavar="地名 数字名",
        help="如：小岭镇 cropland；杏坪镇 永农就地恢复；全县 合计（督导组、流域也行）；"
        "全县 违法占用比例；小岭镇 耕地 新流出",
    )  # fmt: skip
    parser.add_argument(
        "--export",
        metavar="日期",
        help="哪一期（年-月-日），附件2有的项默认台账期，进度、变动、指标默认最新一期",
    )
    parser.add_argument(
        "--measure", metavar="项目", help="哪一项：图斑数、面积、已恢复、剩余、完成率……"
    )
    parser.add_argument("--all", action="store_true", help=f"列出全部图斑（默认前 {SHOWN} 个）")
    parser.add_argument("--csv", type=Path, metavar="文件", help="把图斑写成 CSV")
    parser.add_argument("--gpkg", type=Path, metavar="文件", help="把图斑写成 GeoPackage")


def run(args: argparse.Namespace) -> int:
    """Print the answer, write the plots."""
    from pipeline import explain
    from pipeline.stages import tracing

    desk = open_desk(args)
    asked = tracing.ask(desk, args.words, args.measure)
    day = judged_export(desk, args.export, explain.default_export(asked, desk.county))
    limit = None if args.all else SHOWN
    answer = _indicator if explain.INDICATOR in asked.figure.kinds else _figure
    print(answer(desk, asked, day, args, limit), end="")
    return 0


def _figure(
    desk: Desk, asked: Asked, day: date, args: argparse.Namespace, limit: int | None
) -> str:
    """Return the answer for a line of the town tables."""
    from pipeline import explain, tables
    from pipeline.stages import tracing

    traced = tracing.trace_figure(desk, asked, day)
    shapes = partial(tracing.shapes, desk, traced)
    tracing.write(desk, traced.table, shapes, csv=args.csv, gpkg=args.gpkg)
    return explain.report(
        traced.found,
        traced.table,
        county=desk.county,
        classes=tables.classes(),
        provenance=traced.provenance,
        limit=limit,
    )


def _indicator(
    desk: Desk, asked: Asked, day: date, args: argparse.Namespace, limit: int | None
) -> str:
    """Return the answer for one of the five indicators."""
    from pipeline import explain
    from pipeline.stages import appraising, tracing

    done = appraising.appraise(desk, asked, day)
    shapes = partial(appraising.shapes, desk, done)
    tracing.write(desk, done.table, shapes, csv=args.csv, gpkg=args.gpkg)
    return explain.indicator_report(
        done.found, done.table, county=desk.county, provenance=done.provenance, limit=limit
    )


COMMANDS = (
    Command(name="trace", text="一个数字背后是哪些图斑", order=22, run=run, arguments=arguments),
)

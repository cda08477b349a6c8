"""`gengbao reconcile`: the published figures against themselves and against the plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command, find_county
from pipeline.errors import ConfigError, Finding

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Let the cells that are equal be printed too."""
    parser.add_argument("--all", action="store_true", help="相等的也逐格列出")


def run(args: argparse.Namespace) -> int:
    """Bring reconcile.csv up to date, print what it finds."""
    from pipeline import stages, storage
    from pipeline.reconcile import findings_text
    from pipeline.tables.figures import figure_labels

    county = find_county(args.county)
    if not county.published:
        advice = "公布的表格按 data/raw/README.md 写成 published.csv 后再运行"
        raise ConfigError(Finding("published.csv", "没有公布的数，无从核对", advice))
    desk = stages.Desk(county, args.out)
    stages.run(desk, "aggregate")
    table = storage.read_table(desk.processed / "reconcile.csv")
    print(findings_text(table, figure_labels(), sample=county.sample, equal=args.all))
    return 0


COMMANDS = (
    Command(
        name="reconcile", text="公布的数自己对不对、与图斑加出来的数对不对", order=24, run=run,
        arguments=arguments,
    ),
)  # fmt: skip

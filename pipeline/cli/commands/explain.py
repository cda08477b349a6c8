"""`gengbao explain BSM`: why a plot is what it is, from the products of the last run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command, judged_export, open_desk

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for a plot and, if wanted, an export."""
    parser.add_argument("bsm", help="图斑标识码（BSM）")
    parser.add_argument("--export", help="哪一期（年-月-日），默认台账期")


def run(args: argparse.Namespace) -> int:
    """Print the answer."""
    from pipeline import storage, tables
    from pipeline.explain import explain

    desk = open_desk(args)
    day = judged_export(desk, args.export, desk.county.ledger)
    print(
        explain(
            args.bsm,
            pieces=storage.read_frame(desk.export(day, "pieces.parquet")),
            parcels=storage.read_frame(desk.export(day, "parcels.parquet")),
            pack=tables.load_pack(desk.county.rules, desk.county.root),
            classes=tables.classes(),
            county=desk.county,
        )
    )
    return 0


COMMANDS = (
    Command(
        name="explain", text="说明一个图斑为什么是这一类", order=20, run=run, arguments=arguments
    ),
)

"""`gengbao explain BSM`: why a plot is what it is, from the products of the last run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.command import Command, judged_export, open_desk

if TYPE_CHECKING:
    import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for a plot and, if wanted, an export."""
    parser.add_argument("bsm", metavar="标识码", help="图斑的标识码（BSM）")
    parser.add_argument("--export", metavar="日期", help="哪一期（年-月-日），默认台账期")


def run(args: argparse.Namespace) -> int:
    """Print the answer."""
    from pipeline import storage, tables
    from pipeline.explain import explain

    desk = open_desk(args)
    day = judged_export(desk, args.export, desk.county.ledger)
    files = [desk.export(day, f"{name}.parquet") for name in ("parcels", "pieces")]
    parcels, pieces = (storage.read_columns(file, only={"bsm": [args.bsm]}) for file in files)
    if parcels.empty:  # the answer names the ids that come near
        parcels = storage.read_columns(files[0], ["bsm"])
    print(
        explain(
            args.bsm,
            pieces=pieces,
            parcels=parcels,
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

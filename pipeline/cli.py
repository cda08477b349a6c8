"""The command line: the one place that prints, and that turns errors into exit codes."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__
from pipeline.errors import ConfigError, Finding, GengbaoError, OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.model import County

log = logging.getLogger("gengbao")

DEFAULT_COUNTY = Path("data/raw")
EXIT_CODES = "退出码:0 完成,2 用法,3 配置或表格,4 输入数据,5 写出,1 程序自身错误"
COMMANDS = {
    "all": "全部:入库、分类、台账、汇总、制图(没有县级数据时先造示例县)",
    "ingest": "只读入各期调查成果与图层",
    "classify": "做到图斑分类",
    "ledger": "做到台账开账",
    "aggregate": "做到镇办汇总与缺口",
    "maps": "做到地图",
}


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (a user's mistake prints no traceback)."""
    _speak_utf8()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr, force=True)
    for library in ("pyogrio", "fontTools"):
        logging.getLogger(library).setLevel(logging.WARNING)
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        _dispatch(args)
    except GengbaoError as error:
        print(error, file=sys.stderr)
        if args.debug or error.exit_code == 1:
            log.exception("调试信息")
        return error.exit_code
    return 0


def _speak_utf8() -> None:
    """Print Chinese on any console (a Windows code page must not stop a run)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _parser() -> argparse.ArgumentParser:
    """Return the command line's grammar."""
    parser = argparse.ArgumentParser(
        prog="gengbao", description="耕保:从调查成果到分类、台账与地图", epilog=EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"gengbao {__version__}")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--debug", action="store_true", help="出错时显示调用栈")
    where = argparse.ArgumentParser(add_help=False, parents=[common])
    where.add_argument(
        "--county", type=Path, default=DEFAULT_COUNTY, help="县文件夹(默认 data/raw)"
    )
    where.add_argument("--out", type=Path, default=Path(), help="成果文件夹(默认当前文件夹)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="命令")
    for name, text in COMMANDS.items():
        commands.add_parser(name, parents=[where], help=text)
    asked = commands.add_parser("explain", parents=[where], help="说明一个图斑为什么是这一类")
    asked.add_argument("bsm", help="图斑标识码(BSM)")
    asked.add_argument("--export", help="哪一期(年-月-日),默认台账期")
    _sample_grammar(commands.add_parser("sample", parents=[common], help="造示例县"))
    commands.add_parser("docs", parents=[common], help="重新生成 docs/ 里由表格生成的文档")
    return parser


def _sample_grammar(parser: argparse.ArgumentParser) -> None:
    """Add what the sample county can be asked for."""
    parser.add_argument(
        "--county", type=Path, default=DEFAULT_COUNTY, help="写到哪里(默认 data/raw)"
    )
    parser.add_argument("--scale", choices=("tiny", "small", "county", "stress"), default="small")
    parser.add_argument("--exports", type=int, default=2, help="台账期之后再造几期(默认 2)")
    parser.add_argument("--code", help="县代码(6 位)")
    parser.add_argument("--name", help="县名")
    parser.add_argument("--seed", type=int, default=611026, help="随机种子")


def _dispatch(args: argparse.Namespace) -> None:
    """Do what was asked."""
    if args.command == "sample":
        _sample(args)
    elif args.command == "docs":
        _docs()
    elif args.command == "explain":
        print(_explain(args))
    else:
        _stages(args)


def _sample(args: argparse.Namespace) -> None:
    """Make the sample county."""
    from pipeline.sample import make_sample

    started = time.monotonic()
    options = {name: getattr(args, name) for name in ("scale", "exports", "code", "name", "seed")}
    make_sample(args.county, **options)
    log.info("示例县 %s 位置=%s 用时=%.1f秒", args.scale, args.county, time.monotonic() - started)


def _stages(args: argparse.Namespace) -> None:
    """Run the stages up to the one asked for."""
    from pipeline import stages

    started = time.monotonic()
    county = _county(args.county)
    done = stages.run(stages.Desk(county, args.out), args.command)
    said = f"重做 {done} 步" if done else "成果已是最新,无需重做"
    log.info("%s %s 用时=%.1f秒", county.name, said, time.monotonic() - started)


def _county(root: Path) -> County:
    """Read the county; make the sample where the default folder holds nothing at all."""
    from pipeline.ingest.county import load_county

    if not (root / "county.toml").is_file():
        brought = [p.name for p in root.iterdir() if p.name != "README.md"] if root.is_dir() else []
        if root != DEFAULT_COUNTY or brought:
            raise ConfigError(
                Finding(
                    f"{root}/county.toml",
                    f"没有这个文件(文件夹里有:{'、'.join(sorted(brought)) or '无'})",
                    "按 data/raw/README.md 写一份 county.toml;"
                    "想先看示例县,请清空 data/raw 后运行 gengbao sample",
                )
            )
        log.info("data/raw 里没有县级数据,先造示例县(约一分钟)……")
        from pipeline.sample import make_sample

        make_sample(root, scale="small", exports=2, code=None, name=None, seed=611026)
    return load_county(root)


def _explain(args: argparse.Namespace) -> str:
    """Answer why a plot is what it is, from the products of the last run."""
    from datetime import date

    from pipeline import stages, storage, tables
    from pipeline.explain import explain

    county = _county(args.county)
    desk = stages.Desk(county, args.out)
    try:
        day = date.fromisoformat(args.export) if args.export else county.ledger
    except ValueError:
        day = date.min
    if day not in desk.judged:
        have = "、".join(d.isoformat() for d in desk.judged)
        raise UsageError(Finding("--export", f"{args.export} 不是已分类的一期", f"可用:{have}"))
    if not desk.export(day, "pieces.parquet").is_file():
        raise OutputError(Finding(str(desk.processed), "还没有分类成果", "请先运行 gengbao all"))
    return explain(
        args.bsm,
        pieces=storage.read_frame(desk.export(day, "pieces.parquet")),
        parcels=storage.read_frame(desk.export(day, "parcels.parquet")),
        pack=tables.load_pack(county.rules, county.root),
        classes=tables.classes(),
        county=county,
    )


def _docs() -> None:
    """Write the documents that are generated from tables."""
    from pipeline import storage
    from pipeline.tables.docs import documents

    for name, text in documents().items():
        storage.write_bytes(Path(name), text.encode())
        log.info("文档 %s", name)

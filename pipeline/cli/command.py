"""What a command is, and how commands find the county they work on. Quick to import."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ConfigError, Finding, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from datetime import date

    from pipeline.model import County
    from pipeline.stages import Desk

log = logging.getLogger("gengbao")

DEFAULT_COUNTY = Path("data/raw")


def _no_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: --county and --out are enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One word of the command line.

    text: Chinese help line; order: place on the help page; on_county: takes --county and --out;
    arguments: adds its own; run: does it, returns the exit code, raises GengbaoError.
    """

    name: str
    text: str
    order: int
    run: Callable[[argparse.Namespace], int]
    arguments: Callable[[argparse.ArgumentParser], None] = _no_arguments
    on_county: bool = True


def find_county(root: Path) -> County:
    """Read the county. Raises ConfigError where there is none."""
    from pipeline.ingest.county import load_county

    if not (root / "county.toml").is_file():
        found = "、".join(_brought(root)) or "无"
        raise ConfigError(
            Finding(
                f"{root}/county.toml",
                f"没有这个文件（文件夹里有：{found}）",
                "按 data/raw/README.md 写一份 county.toml；"
                "想先看示例县，请清空 data/raw 后运行 gengbao sample",
            )
        )
    return load_county(root)


def county_or_sample(root: Path) -> County:
    """Read the county; make the sample where the default folder holds nothing at all."""
    if root == DEFAULT_COUNTY and not _brought(root):
        log.info("data/raw 里没有县级数据，先造示例县（约一分钟）……")
        from pipeline.sample import make_sample
        from pipeline.stages.workers import compile_beside

        compile_beside()
        make_sample(root, scale="small", exports=2, code=None, name=None, seed=611026)
    return find_county(root)


def _brought(root: Path) -> list[str]:
    """Return what a person has put into a county's folder."""
    return sorted(p.name for p in root.iterdir() if p.name != "README.md") if root.is_dir() else []


def open_desk(args: argparse.Namespace) -> Desk:
    """Return the county's desk for a command that asks about products of an earlier run.

    Raises UsageError where the county has not been classified yet.
    """
    from pipeline import stages

    desk = stages.Desk(find_county(args.county), args.out)
    stages.finish_exchange(desk)
    if not desk.export(desk.county.ledger, "pieces.parquet").is_file():
        raise UsageError(Finding(str(desk.processed), "还没有分类成果", "请先运行 gengbao all"))
    return desk


def judged_export(desk: Desk, text: str | None, default: date) -> date:
    """Return the classified export a user names by its date; UsageError lists those there are."""
    from datetime import date

    try:
        day = date.fromisoformat(text) if text else default
    except ValueError:
        day = date.min
    if day not in desk.judged or not desk.export(day, "pieces.parquet").is_file():
        have = "、".join(d.isoformat() for d in desk.judged)
        raise UsageError(Finding("--export", f"{text} 不是已分类的一期", f"可用：{have}"))
    return day

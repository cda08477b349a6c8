"""A province's run from its folder to its products, and its page for the terminal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.disk import locked
from pipeline.model import WHOLE_PROVINCE
from pipeline.province.cluster import connected
from pipeline.province.folders import find
from pipeline.province.run import run
from pipeline.terminal import aligned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.province.cluster import Cluster
    from pipeline.province.run import CountyRun

HEAD = ("县", "代码", "状态", "退出码", "做了几步", "工作进程", "用时（秒）", "内存峰值（MB）")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to make besides tables: the province's maps under its name, each county's own too."""

    name: str = WHOLE_PROVINCE
    maps: bool = True
    county_maps: bool = False


def run_province(root: Path, out: Path, cluster: Cluster, wanted: Wanted) -> list[CountyRun]:
    """Run the counties below `root`, write the province's products; return how each ended.

    Raises UsageError (no counties, no cluster), OutputError (another run on `out`, no room).
    """
    folders = find(root)
    with locked(out), ThreadPoolExecutor(1) as aside:
        opened = ExitStack()
        try:
            needed = any(folder.county for folder in folders)
            coming = aside.submit(opened.enter_context, connected(cluster)) if needed else None
            from pipeline.province.products import write_products  # noqa: PLC0415 - meanwhile

            client = coming.result() if coming else None
            runs = run(folders, out, client, maps=wanted.county_maps)
        finally:
            closing = aside.submit(opened.close)  # it goes while the products are written
        write_products(runs, out, wanted.name, drawn=wanted.maps)
        closing.result()
    return runs


def as_text(runs: Sequence[CountyRun]) -> str:
    """Return how every county ended, one line each, in the order of their codes."""
    rows = [
        (
            one.county.name if one.county else one.folder,
            one.county.code if one.county else "—",
            "未完成" if one.refused else "完成",
            one.exit_code,
            one.steps,
            one.workers,
            f"{one.seconds:.1f}",
            f"{one.peak_mb:.0f}",
        )
        for one in runs
    ]
    done = sum(not one.refused for one in runs)
    return (
        f"{aligned(HEAD, rows)}\n  {len(runs)} 个县，完成 {done} 个，未完成 {len(runs) - done} 个"
    )

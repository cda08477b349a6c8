"""Processes that work for a run: how many, and that they end with it, however it ends."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pkgutil
import threading

from pipeline.errors import Finding, UsageError

WORKERS = "GENGBAO_WORKERS"


def die_with_parent() -> None:
    """Let this worker process end as soon as the process that started it is gone.

    A pool's workers wait for work for ever when their parent is killed: they hold the other end
    of their own pipe, and a few hundred MB each.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def compile_beside() -> None:
    """Let another process compile what the stages need, where this one has work to do first.

    The first run on a machine waits some ten seconds for it otherwise, in every process at once.
    """
    if most_workers() > 1:
        multiprocessing.get_context("spawn").Process(target=_compile, daemon=True).start()


def _compile() -> None:
    """Load the rooms with compiled functions: those not in the cache are put there."""
    die_with_parent()
    from pipeline import measure, overlay

    for room in (overlay, measure):
        for module in pkgutil.iter_modules(room.__path__):
            importlib.import_module(f"{room.__name__}.{module.name}")


def most_workers() -> int:
    """Return how many processes may work at once: GENGBAO_WORKERS, else two where there are cores.

    A daemon, such as a worker of a cluster, may have none of its own. Raises UsageError where the
    variable is no whole number.
    """
    if multiprocessing.current_process().daemon:
        return 1
    asked = os.environ.get(WORKERS, "") or "0"
    if not asked.isdecimal():
        advice = "写正整数，或取消这个环境变量（默认：至多两个进程）"
        raise UsageError(Finding(f"环境变量 {WORKERS}", f"“{asked}”不是进程数", advice))
    return int(asked) or min(2, os.cpu_count() or 1)

"""Processes that work for a run: how many, and that they end with it, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import threading

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


def most_workers() -> int:
    """Return how many processes may work at once: GENGBAO_WORKERS, else two where there are cores.

    A daemon, such as a worker of a cluster, may have none of its own.
    """
    if multiprocessing.current_process().daemon:
        return 1
    return int(os.environ.get(WORKERS, "0")) or min(2, os.cpu_count() or 1)

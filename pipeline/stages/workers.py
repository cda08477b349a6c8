"""Processes that draw for a run: they end with it, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import threading


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

"""The Dask cluster a province runs on: one that is there, or one of processes on this machine."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dask
from dask.utils import parse_bytes
from distributed import Client, LocalCluster
from distributed.system import MEMORY_LIMIT

from pipeline.errors import Finding, UsageError
from pipeline.measure import THREADS

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS = 10
MEMORY = "3GiB"
"""What a worker may use where nothing else is said: enough for a county of a million plots."""
QUIET = {
    "distributed.worker.memory.target": False,  # results are names and hashes: nothing to spill
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,  # it would wait for ever: nothing is given back
    "distributed.worker.profile.enabled": False,  # a hundred looks a second at a worker's stack
    "distributed.admin.tick.interval": "1s",  # each process would wake fifty times a second
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Which cluster to use.

    scheduler: address of one that is running (its workers see the same folders under the same
    names); else workers: how many processes of one thread, so of one core, to start here, memory:
    what each may use, as Dask writes it, before it is ended and its task tried elsewhere; None:
    MEMORY, or an even share of this machine's where that is less.
    """

    scheduler: str | None = None
    workers: int = 1
    memory: str | None = None

    def bound(self, machine_bytes: int = MEMORY_LIMIT) -> int:
        """Return what each process started here may use, in bytes."""
        if self.memory is not None:
            return int(parse_bytes(self.memory))
        return min(int(parse_bytes(MEMORY)), machine_bytes // self.workers)


@contextmanager
def connected(cluster: Cluster) -> Iterator[Client]:
    """Yield a client of the cluster. Raises UsageError where the scheduler doesn't answer."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what ends a step we tell
    with dask.config.set(QUIET):
        if cluster.scheduler is None:
            with (
                LocalCluster(
                    n_workers=cluster.workers,
                    threads_per_worker=1,
                    env={THREADS: "1"},
                    memory_limit=cluster.bound(),
                    dashboard_address="127.0.0.1:0",
                ) as local,
                Client(local) as client,
            ):
                yield client
            return
        try:
            client = Client(cluster.scheduler, timeout=CONNECT_SECONDS)
        except (OSError, ValueError) as error:
            advice = "确认调度器已启动、地址写成 tcp://主机:端口、防火墙放行；或不写 --scheduler"
            where = f"--scheduler {cluster.scheduler}"
            raise UsageError(Finding(where, f"连不上（{error}）", advice)) from error
        with client:
            yield client

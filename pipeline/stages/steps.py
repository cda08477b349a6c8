"""One job carried out in whatever process this is: its record and the hashes it knew go home.

A step keeps nothing: a worker that dies takes nothing with it, and who does the step again writes
the same bytes.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.stages.carrying import carry_out

if TYPE_CHECKING:
    from pipeline.freshness import State
    from pipeline.stages.desk import Desk, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished step: record for the state, known file hashes, log line, worker and its peak.

    said: empty where the step was fresh. peak_mb: the most memory the worker's process has held.
    """

    name: str
    record: dict[str, Any]
    files: dict[str, list[Any]] = field(repr=False)
    said: str
    worker: int
    peak_mb: float


def carried(desk: Desk, state: State, job: Job, key: str) -> Done:
    """Carry out a job unless it is fresh. Raises what `carry_out` raises."""
    if state.fresh(job.name, key, desk.out):
        record, said = state.stages[job.name], ""
    else:
        record, said = carry_out(desk, state, job, key)
        from pipeline.storage import give_back

        give_back()
    files = {
        name: marks for name, marks in state.contents.known.items() if name in state.contents.seen
    }
    return Done(
        name=job.name, record=record, files=files, said=said, worker=os.getpid(), peak_mb=_peak_mb()
    )


def keep(state: State, done: Done) -> None:
    """Remember a finished step and the hashes it knew: an interrupted run resumes behind it.

    What was fresh stands in the state already: it is saved with the next that wasn't.
    """
    state.contents.known |= done.files
    state.contents.seen |= done.files.keys()
    if done.said:
        state.keep(done.name, done.record)
    else:
        state.stages[done.name] = done.record


def _peak_mb() -> float:
    """Return the most memory this process has held, in MB."""
    if sys.platform == "win32":
        import psutil

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

"""What a worker does: one stage of one county, in the work folder that its run has laid out.

A step gets the records of the steps it stands on and returns its own. It keeps nothing: a worker
that dies takes nothing with it, and who does the step again writes the same bytes.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.errors import GengbaoError
from pipeline.freshness import State
from pipeline.stages import plan, publishing
from pipeline.stages.carrying import carry_out, job_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.stages import Desk
    from pipeline.stages.desk import Job


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


@dataclass(frozen=True, slots=True)
class Stopped:
    """A step that ended with findings, or stands on one that did: returned, not raised.

    A user's mistake is no failure of the cluster, which would log it with a traceback.
    """

    error: GengbaoError


def step(desk: Desk, name: str, *before: Done | Stopped) -> Done | Stopped:
    """Carry out the job of that name unless it is fresh."""
    state = _state(desk, before)
    if isinstance(state, Stopped):
        return state
    try:
        job = next(job for job in plan(desk) if job.name == name)
        return _carried(desk, state, job)
    except GengbaoError as error:
        return Stopped(error)


def close(desk: Desk, maps: bool, *before: Done | Stopped) -> list[Done] | Stopped:  # noqa: FBT001 - Dask passes by position
    """Carry out what stands on all the rest: maps and reports if wanted, account and manifest."""
    state = _state(desk, before)
    if isinstance(state, Stopped):
        return state
    done = []
    try:
        for job in publishing.jobs(desk, state, [job.name for job in plan(desk)]):
            if maps or job.name == publishing.MANIFEST:
                done.append(_carried(desk, state, job))
                state.stages[job.name] = done[-1].record
    except GengbaoError as error:
        return Stopped(error)
    return done


def _state(desk: Desk, before: Iterable[Done | Stopped]) -> State | Stopped:
    """Return the notes of the run so far: what stood, and what the steps before have made.

    Where one of them was stopped: that.
    """
    state = State.load(desk.state_file)
    for done in before:
        if isinstance(done, Stopped):
            return done
        state.stages[done.name] = done.record
        state.contents.known |= done.files
    return state


def _carried(desk: Desk, state: State, job: Job) -> Done:
    key = job_key(desk, state, job)
    if state.fresh(job.name, key, desk.out):
        record, said = state.stages[job.name], ""
    else:
        record, said = carry_out(desk, state, job, key)
    files = {
        name: marks for name, marks in state.contents.known.items() if name in state.contents.seen
    }
    return Done(
        name=job.name, record=record, files=files, said=said, worker=os.getpid(), peak_mb=_peak_mb()
    )


def _peak_mb() -> float:
    """Return the most memory this process has held, in MB."""
    if sys.platform == "win32":
        import psutil  # noqa: PLC0415 - only there

        return float(psutil.Process().memory_info().peak_wset) / 1e6
    import resource  # noqa: PLC0415 - not on Windows

    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

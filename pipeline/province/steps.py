"""What a worker does: one stage of one county, in the work folder that its run has laid out.

A step gets the records of the steps it stands on and returns its own. It keeps nothing: a worker
that dies takes nothing with it, and who does the step again writes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import GengbaoError
from pipeline.freshness import State
from pipeline.stages import plan, publishing
from pipeline.stages.carrying import job_key
from pipeline.stages.steps import Done, carried

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.stages import Desk
    from pipeline.stages.planning import Planned


@dataclass(frozen=True, slots=True)
class Stopped:
    """A step that ended with findings, or stands on one that did: returned, not raised.

    A user's mistake is no failure of the cluster, which would log it with a traceback.
    """

    error: GengbaoError


def step(planned: Planned, name: str, *before: Done | Stopped) -> Done | Stopped:
    """Carry out the job of that name unless it is fresh."""
    desk = planned.desk
    state = _state(desk, before)
    if isinstance(state, Stopped):
        return state
    try:
        job = planned.job(name)
        return carried(desk, state, job, job_key(desk, state, job))
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
                done.append(carried(desk, state, job, job_key(desk, state, job)))
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

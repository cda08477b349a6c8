"""The stages in their order: fresh? read → pure function → check → write → one log line.

Everything heavy is imported inside the stage that needs it, so that a run with nothing to do
stays under two seconds. Products are written to a work folder: bad input leaves the last good
outputs untouched, and a clerk sees the findings of all files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stages import exports, publishing
from pipeline.stages.bench import bench, finish_exchange
from pipeline.stages.desk import Desk
from pipeline.stages.hands import carry_out_all
from pipeline.stages.pace import Pace
from pipeline.stages.planning import plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.freshness import State

__all__ = ["STAGES", "Desk", "Pace", "finish_exchange", "plan", "ready", "run"]

STAGES = ("ingest", "classify", "ledger", "aggregate", "maps", "report", "all")


def run(desk: Desk, until: str = "all", only: Sequence[str] = (), pace: Pace | None = None) -> int:
    """Bring everything up to a stage up to date; return how many stages had work to do.

    only: names of the products to make of the last stage, maps or reports; none: all; pace: keeps
    count, for whoever shows it.

    Products are made in a work folder and take their places all together at the end. Raises what
    the stages raise, and OutputError when another run is under way or a place is taken; then no
    product has changed.
    """
    with bench(desk) as (inside, state):
        wanted = STAGES[: STAGES.index(until) + 1]
        first = list(plan(inside))
        last = publishing.jobs(
            inside,
            state,
            [job.name for job in first],
            maps=only if until == "maps" else (),
            reports=only if until == "report" else (),
        )
        pace = pace or Pace()
        planned = [job for job in first if job.stage in wanted]
        names = [job.name for job in planned]
        done = carry_out_all(inside, state, planned, pace)
        for job in last:  # each is made up from what the one before has written
            if job.stage in wanted:
                names.append(job.name)
                done += carry_out_all(inside, state, [job], pace)
        if until == "all":
            state.retire(names)
    return done


def ready(desk: Desk, days: Iterable[date]) -> State:
    """Bring the parcels of these exports up to date, and nothing else; return the run's notes.

    Raises InputError with the findings of all of them; then none of them has changed.
    """
    with bench(desk) as (inside, state):
        jobs = [job for day in days for job in exports.export_jobs(inside, day)]
        carry_out_all(inside, state, jobs, Pace())
    return state

"""The stages in their order: fresh? read → pure function → check → write → one log line.

Everything heavy is imported inside the stage that needs it, so that a run with nothing to do
stays under two seconds. Products are written to a work folder: bad input leaves the last good
outputs untouched, and a clerk sees the findings of all files.
"""

from __future__ import annotations

import logging
from itertools import chain, groupby
from typing import TYPE_CHECKING

from pipeline.disk import require_room
from pipeline.errors import Finding, InputError
from pipeline.stages import figures, judging, publishing, returning, survey
from pipeline.stages.bench import bench, finish_exchange
from pipeline.stages.carrying import carry_out, job_key
from pipeline.stages.desk import Desk
from pipeline.stages.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from pipeline.freshness import State
    from pipeline.stages.desk import Job

__all__ = ["STAGES", "Desk", "Pace", "finish_exchange", "plan", "ready", "run"]

log = logging.getLogger("gengbao")

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
        jobs_in_order = chain(first, last)
        done, names = 0, []
        for reads_survey, batch in groupby(
            (job for job in jobs_in_order if job.stage in wanted), key=lambda job: job.reads_survey
        ):
            for jobs in [list(batch)] if reads_survey else ([job] for job in batch):
                names += [job.name for job in jobs]
                done += _run_together(inside, state, jobs, pace or Pace())
        if until == "all":
            state.retire(names)
    return done


def plan(desk: Desk) -> Iterator[Job]:
    """Yield the jobs up to the figures, each behind those whose products it reads."""
    yield from survey.jobs(desk)
    yield from returning.reading(desk)
    yield from judging.jobs(desk)
    yield from figures.jobs(desk)


def ready(desk: Desk, days: Iterable[date]) -> State:
    """Bring the parcels of these exports up to date, and nothing else; return the run's notes.

    Raises InputError with the findings of all of them; then none of them has changed.
    """
    with bench(desk) as (inside, state):
        _run_together(inside, state, [survey.export_job(inside, day) for day in days], Pace())
    return state


def _run_together(desk: Desk, state: State, jobs: Sequence[Job], pace: Pace) -> int:
    """Carry out the stale jobs; collect what is wrong with the input of all of them."""
    findings: list[Finding] = []
    stale: list[tuple[Job, str]] = []
    for job in jobs:
        try:
            key = job_key(desk, state, job)
        except InputError as error:
            findings += error.findings
            continue
        if not state.fresh(job.name, key, desk.out):
            stale.append((job, key))
    if stale:
        require_room(desk.out, _room([job for job, _ in stale], state, desk), "本次成果")
    for job, key in stale:
        try:
            with pace.at(job.name, sum(p.stat().st_size for p in job.inputs if p.is_file())):
                record, said = carry_out(desk, state, job, key)
        except InputError as error:
            findings += error.findings
            continue
        state.keep(job.name, record)
        log.info("%s", said)
    if findings:
        raise InputError(findings)
    return len(stale)


def _room(jobs: Iterable[Job], state: State, desk: Desk) -> int:
    """Return the bytes these jobs will need at least: as last time, else as much as they read."""
    size = 0
    for job in jobs:
        record = state.stages.get(job.name, {"products": ()})
        before = [desk.out / name for name in record["products"]]
        size += sum(p.stat().st_size for p in before or job.inputs if p.is_file())
    return size

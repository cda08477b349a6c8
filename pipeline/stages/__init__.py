"""The stages in their order: fresh? read → pure function → check → write → one log line.

Everything heavy is imported inside the stage that needs it, so that a run with nothing to do
stays under two seconds. All of the user's files are read before the first product is replaced:
bad input leaves the last good outputs untouched, and a clerk sees the findings of all files.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from itertools import chain, groupby
from typing import TYPE_CHECKING

from pipeline.disk import require_room
from pipeline.errors import Finding, GengbaoError, InputError
from pipeline.freshness import PACKAGE, code_files, key_of
from pipeline.stages import figures, judging, publishing, survey
from pipeline.stages.bench import bench, finish_exchange
from pipeline.stages.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.freshness import State
    from pipeline.model import AccountRow
    from pipeline.stages.desk import Job, Outcome

__all__ = ["STAGES", "Desk", "finish_exchange", "ready", "run"]

log = logging.getLogger("gengbao")

STAGES = ("ingest", "classify", "ledger", "aggregate", "maps", "report", "all")


def run(desk: Desk, until: str = "all", only: Sequence[str] = ()) -> int:
    """Bring everything up to a stage up to date; return how many stages had work to do.

    only: names of the products to make of the last stage, maps or reports; none: all.

    Products are made in a work folder and take their places all together at the end. Raises what
    the stages raise, and OutputError when another run is under way or a place is taken; then no
    product has changed.
    """
    with bench(desk) as (inside, state):
        wanted = STAGES[: STAGES.index(until) + 1]
        plan = chain(
            survey.jobs(inside),
            judging.jobs(inside),
            figures.jobs(inside),
            publishing.jobs(
                inside,
                state,
                maps=only if until == "maps" else (),
                reports=only if until == "report" else (),
            ),
        )
        done, names = 0, []
        for reads_survey, batch in groupby(
            (job for job in plan if job.stage in wanted), key=lambda job: job.reads_survey
        ):
            for jobs in [list(batch)] if reads_survey else ([job] for job in batch):
                names += [job.name for job in jobs]
                done += _run_together(inside, state, jobs)
        if until == "all":
            state.retire(names)
    return done


def ready(desk: Desk, days: Iterable[date]) -> State:
    """Bring the parcels of these exports up to date, and nothing else; return the run's notes.

    Raises InputError with the findings of all of them; then none of them has changed.
    """
    with bench(desk) as (inside, state):
        _run_together(inside, state, [survey.export_job(inside, day) for day in days])
    return state


def _run_together(desk: Desk, state: State, jobs: Sequence[Job]) -> int:
    """Compute the stale jobs, all before the first writes; collect what is wrong with the input."""
    finished: list[tuple[Job, str, Outcome, float]] = []
    findings: list[Finding] = []
    stale: list[tuple[Job, str]] = []
    for job in jobs:
        try:
            key = _key(desk, state, job)
        except InputError as error:
            findings += error.findings
            continue
        if not state.fresh(job.name, key, desk.out):
            stale.append((job, key))
    if stale:
        require_room(desk.out, _room([job for job, _ in stale], state, desk), "本次成果")
    for job, key in stale:
        started = time.monotonic()
        try:
            outcome = job.compute(state)
        except InputError as error:
            findings += error.findings
            continue
        _check(outcome.account)
        finished.append((job, key, outcome, time.monotonic() - started))
    if findings:
        raise InputError(findings)
    for job, key, outcome, seconds in finished:
        _keep(desk, state, job, key, outcome)
        log.info("%s %s 用时=%.1f秒", job.name, outcome.said, seconds)
    return len(finished)


def _room(jobs: Iterable[Job], state: State, desk: Desk) -> int:
    """Return the bytes these jobs will need at least: as last time, else as much as they read."""
    size = 0
    for job in jobs:
        record = state.stages.get(job.name, {"products": ()})
        before = [desk.out / name for name in record["products"]]
        size += sum(p.stat().st_size for p in before or job.inputs if p.is_file())
    return size


def _key(desk: Desk, state: State, job: Job) -> str:
    """Return what the job's result depends on, as one hash; moved folders keep their keys."""
    own = {path for path in job.inputs if path.is_relative_to(desk.processed)}
    shipped = {path for path in job.inputs if path.is_relative_to(PACKAGE)}
    return key_of(
        {
            "code": state.contents.of_all(code_files(job.rooms), base=PACKAGE),
            "inputs": state.contents.of_all(own, base=desk.out),
            "tables": state.contents.of_all(shipped, base=PACKAGE),
            "brought": desk.brought(state, set(job.inputs) - own - shipped),
            "params": job.params,
        }
    )


def _keep(desk: Desk, state: State, job: Job, key: str, outcome: Outcome) -> None:
    """Write a job's products and remember them with their hashes."""
    products = state.contents.of_all(outcome.write(), base=desk.out)
    state.keep(
        job.name,
        {
            "key": key,
            "products": products,
            "account": [asdict(row) for row in outcome.account],
            "facts": dict(outcome.facts),
        },
    )


def _check(rows: Iterable[AccountRow]) -> None:
    """Fail loudly, before anything is written, when a stage lost a plot or 0.01 m²."""
    wrong = [row for row in rows if row.residual_cm2 or row.residual_plots]
    if wrong:
        raise GengbaoError(
            Finding(
                f"账目 {row.stage} {row.export}",
                f"差额 {row.residual_cm2 / 100:.2f} ㎡、{row.residual_plots} 个图斑",
                "请保留现场文件并联系开发者",
            )
            for row in wrong
        )

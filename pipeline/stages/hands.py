"""Many hands: jobs that don't wait for each other side by side, where there is enough to do.

A job starts when all it reads has been made. Keys are judged here, in the run's own process; a
worker gets a name, carries the job out in the work folder and hands its record back.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import secrets
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.disk import require_room
from pipeline.errors import Finding, GengbaoError, InputError
from pipeline.freshness import State
from pipeline.stages.carrying import job_key
from pipeline.stages.planning import Planned
from pipeline.stages.steps import Done, carried, keep
from pipeline.stages.workers import WORKERS, die_with_parent, most_workers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.stages.desk import Desk, Job
    from pipeline.stages.pace import Pace

log = logging.getLogger("gengbao")

PAYS_BYTES = 64_000_000
"""What reads less is done before a second process has loaded its libraries."""
BROKEN = "内存不够时设环境变量 GENGBAO_WORKERS=1 后重新运行，会接着做；否则查看系统日志"


@dataclass(slots=True)
class _Work:
    """What there is to do: waiting for others, ready with its key, in whose hands.

    needs: what must be done before a job, of what isn't done yet; findings: what is wrong with the
    input of the jobs tried so far (who needs one of those waits for ever).
    """

    desk: Desk
    state: State
    waiting: list[Job]
    needs: dict[str, set[str]] = field(init=False)
    ready: list[tuple[Job, str]] = field(default_factory=list)
    held: dict[Future[tuple[Done, list[str]]], Job] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find out what needs what: the makers of its inputs, and who judges all that reads."""
        makers = {path: job.name for job in self.waiting for path in job.makes}
        reading = {job.name for job in self.waiting if job.reads_survey}
        self.needs = {
            job.name: {makers[path] for path in job.inputs if path in makers}
            | (set() if job.reads_survey else reading)
            for job in self.waiting
        }

    def look(self) -> None:
        """Take the jobs that need none any more: stale ones are ready, fresh ones are done."""
        stale = []
        for job in list(self.waiting):
            if self.needs[job.name]:
                continue
            self.waiting.remove(job)
            try:
                key = job_key(self.desk, self.state, job)
            except InputError as error:
                self.findings += error.findings
                continue
            if self.state.fresh(job.name, key, self.desk.out):
                self.done(job.name)
            else:
                stale.append((job, key))
        if stale:
            room = _room([job for job, _ in stale], self.state, self.desk)
            require_room(self.desk.out, room, "本次成果")
        self.ready += stale

    def done(self, name: str) -> None:
        """Let go of those that need the job."""
        for needed in self.needs.values():
            needed.discard(name)


def carry_out_all(desk: Desk, state: State, jobs: Sequence[Job], pace: Pace) -> int:
    """Carry out the stale ones among these jobs; return how many there were.

    Several are found again in the plan by their names, by whoever does them. Raises InputError
    with what is wrong with the input of all jobs, once what doesn't stand on it is done; any other
    error at once.
    """
    work, count = _Work(desk, state, waiting=list(jobs)), 0
    work.look()
    while work.ready and not _pays(work.ready):
        _do_next(work, pace)
        count += 1
        work.look()
    if work.ready:
        count += _do_together(work, pace)
    if work.findings:
        raise InputError(work.findings)
    return count


def _do_next(work: _Work, pace: Pace) -> None:
    """Carry out one job in this process."""
    job, key = work.ready.pop(0)
    with pace.at(job.name, _size([job])):
        try:
            done = carried(work.desk, work.state, job, key)
        except InputError as error:
            work.findings += error.findings
            return
    work.state.keep(done.name, done.record)
    work.done(job.name)
    log.info("%s", done.said)


def _do_together(work: _Work, pace: Pace) -> int:
    """Carry out all that is left in as many processes as there may be; return how much it was."""
    count, workers = 0, most_workers()
    work.state.save()  # where they look up what stands
    planned = Planned(work.desk, secrets.token_hex(4))
    # spawn: the same on every system, and safe beside the threads of numpy and Arrow
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, die_with_parent) as pool:
        try:
            while work.ready or work.held:
                while work.ready and len(work.held) < workers:
                    job, key = work.ready.pop(0)
                    pace.begin(job.name, _size([job]))
                    work.held[pool.submit(_hand, planned, job.name, key)] = job
                    count += 1
                _take_back(work, pace)
                work.look()
        except BrokenProcessPool as error:
            raise GengbaoError(Finding("并行进程", "有进程被中断", BROKEN)) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return count


def _take_back(work: _Work, pace: Pace) -> None:
    """Wait until a job is done; keep what it made, or what is wrong with its input."""
    finished, _ = wait(work.held, return_when=FIRST_COMPLETED)
    for future in [one for one in work.held if one in finished]:
        job = work.held.pop(future)
        pace.end(job.name)
        try:
            done, remarks = future.result()
        except InputError as error:
            work.findings += error.findings
            continue
        keep(work.state, done)
        work.done(job.name)
        for remark in remarks:
            log.warning("%s", remark)
        log.info("%s", done.said)


def _hand(planned: Planned, name: str, key: str) -> tuple[Done, list[str]]:
    """Carry out the job of that name in a worker; return it with what was noticed on the way."""
    heard: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    log.handlers[:], log.propagate = [handler], False
    desk = planned.desk
    return carried(desk, State.load(desk.state_file), planned.job(name), key), heard


def _pays(ready: Sequence[tuple[Job, str]]) -> bool:
    """Tell whether several processes are worth their start, or asked for."""
    jobs = [job for job, _ in ready]
    if len(jobs) < 2 or most_workers() < 2:  # noqa: PLR2004 - one has nobody beside it
        return False
    return WORKERS in os.environ or _size(jobs) >= PAYS_BYTES


def _size(jobs: Iterable[Job]) -> int:
    return sum(path.stat().st_size for job in jobs for path in job.inputs if path.is_file())


def _room(jobs: Iterable[Job], state: State, desk: Desk) -> int:
    """Return the bytes these jobs will need at least: as last time, else as much as they read."""
    size = 0
    for job in jobs:
        record = state.stages.get(job.name, {"products": ()})
        before = [desk.out / name for name in record["products"]]
        size += sum(p.stat().st_size for p in before or job.inputs if p.is_file())
    return size

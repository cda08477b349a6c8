"""Counties side by side: submit each one's graph, keep what comes back, explain what doesn't."""

from __future__ import annotations

import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from distributed import as_completed
from distributed.scheduler import KilledWorker

from pipeline.errors import Finding, GengbaoError, InputError
from pipeline.province.order import before, priorities, turns
from pipeline.province.steps import Stopped, close, step
from pipeline.stages import Desk, plan
from pipeline.stages.bench import bench
from pipeline.stages.planning import Planned
from pipeline.stages.steps import Done, keep

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from distributed import Client, Future

    from pipeline.freshness import State
    from pipeline.model import County
    from pipeline.province.folders import Folder

T = TypeVar("T")
log = logging.getLogger("gengbao")

COUNTIES = "counties"
"""Where the counties' products lie below the province's folder, one folder per code."""
LAST = "收尾"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountyRun:
    """How a county ended: its products' folder, or why there are none of this run.

    steps: how many had work to do; workers: how many processes did them; peak_mb: the most memory
    one of them had ever held by then.
    """

    folder: str
    county: County | None
    out: Path | None
    refused: GengbaoError | None
    steps: int = 0
    workers: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0

    @property
    def exit_code(self) -> int:
        """0, or the code of what stopped the county."""
        return self.refused.exit_code if self.refused else 0


def run(
    folders: Sequence[Folder], out: Path, client: Client | None, *, maps: bool
) -> list[CountyRun]:
    """Bring every county up to date on a cluster; return how each ended, in the order given.

    client: of the cluster, None where no folder holds a county; maps: with each county's maps and
    reports, else up to its figures, account and manifest. For the holder of the lock on `out`. A
    county that fails keeps its last good products, and stops no other.
    """
    if client is None:
        return [_not_run(folder) for folder in folders]
    with ThreadPoolExecutor(len(folders)) as waiting:
        log.info("Dask 看板 %s", client.dashboard_link)
        turn = turns(folders, len(client.nthreads()))
        runs = [
            waiting.submit(_county, client, folder, out, maps=maps, turn=turn.get(folder.path, 0))
            for folder in folders
        ]
        try:
            return [future.result() for future in runs]
        except BaseException:
            waiting.shutdown(wait=False, cancel_futures=True)
            client.close()  # or the threads would wait for all that is under way
            raise


def _not_run(folder: Folder) -> CountyRun:
    return CountyRun(folder=folder.path.name, county=None, out=None, refused=folder.refused)


def _county(client: Client, folder: Folder, out: Path, *, maps: bool, turn: int) -> CountyRun:
    """Run one county to its end, good or bad."""
    county = folder.county
    if county is None:
        return _not_run(folder)
    home, started, done = out / COUNTIES / county.code, time.monotonic(), list[Done]()
    refused = None
    try:
        with bench(Desk(county, home)) as (inside, state):
            for one in _carried(client, inside, state, maps=maps, turn=turn):
                done.append(one)
                said = one.said or f"{one.name} 已是最新"
                log.info("%s %s（第 %d 步，进程 %d）", county.name, said, len(done), one.worker)
            if maps:
                state.retire([one.name for one in done])
    except GengbaoError as error:
        refused = error
        log.warning("%s 没有完成，退出码 %d", county.name, error.exit_code)
    return CountyRun(
        folder=folder.path.name,
        county=county,
        out=home,
        refused=refused,
        steps=sum(bool(one.said) for one in done),
        workers=len({one.worker for one in done if one.said}),
        seconds=time.monotonic() - started,
        peak_mb=max((one.peak_mb for one in done), default=0.0),
    )


def _carried(client: Client, desk: Desk, state: State, *, maps: bool, turn: int) -> Iterator[Done]:
    """Submit a county's graph; keep and yield every step as it comes back.

    Counties whose turn it is go first, so that they end one after the other, not all at the last
    moment; of their steps, those on which the longest chain stands.
    """
    token = secrets.token_hex(4)  # a scheduler that stays must not answer with an older run's

    def name(part: str) -> str:
        return f"{desk.county.code} {part} {token}"

    state.save()  # where workers look up what stands
    planned = Planned(desk, token)
    futures: dict[str, Future[Done | Stopped]] = {}
    steps = before(list(plan(desk)))
    priority = priorities({**steps, LAST: list(steps)}, turn)
    for job, makers in steps.items():
        futures[job] = client.submit(
            step, planned, job, *(futures[maker] for maker in makers),
            key=name(job), priority=priority[job],
        )  # fmt: skip
    last = client.submit(
        close, desk, maps, *futures.values(), key=name(LAST), priority=priority[LAST]
    )
    for done in _finished(futures):
        keep(state, done)
        yield done
    for done in _result(LAST, last):
        keep(state, done)
        yield done


def _finished(futures: Mapping[str, Future[Done | Stopped]]) -> Iterator[Done]:
    """Yield the steps as they end; then raise what stopped any, with the findings of all."""
    names = {future.key: name for name, future in futures.items()}
    findings: dict[Finding, None] = {}
    worst: GengbaoError | None = None
    for future in as_completed(futures.values()):
        try:
            yield _result(names[future.key], future)
        except InputError as error:
            findings |= dict.fromkeys(error.findings)
        except GengbaoError as error:
            worst = worst or error
    if worst:
        raise worst
    if findings:
        raise InputError(findings)


def _result(name: str, future: Future[T | Stopped]) -> T:
    """Return what a step returned. Raises what stopped it, as an error with findings.

    What a step raises, and doesn't return, is our own fault, or the machine's.
    """
    try:
        result = future.result()
    except KilledWorker as error:
        advice = "内存不够时减少 --workers 或放宽 --memory；否则查看工作进程的日志"
        found = "做这一步的工作进程接连中断，已不再重试"
        raise GengbaoError(Finding(name, found, advice)) from error
    except Exception as error:
        advice = "请保留现场文件并联系开发者"
        raise GengbaoError(Finding(name, f"{type(error).__name__}：{error}", advice)) from error
    if isinstance(result, Stopped):
        raise result.error
    return result

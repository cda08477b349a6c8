"""One job from beginning to end: stale? compute → check → write → a record of it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pipeline.errors import Finding, GengbaoError
from pipeline.freshness import PACKAGE, code_files, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.freshness import State
    from pipeline.model import AccountRow
    from pipeline.stages.desk import Desk, Job

ADVICE = "请保留现场文件并联系开发者"


def job_key(desk: Desk, state: State, job: Job) -> str:
    """Return what the job's result depends on, as one hash; moved folders keep their keys.

    What it makes is part of it: a new town is one more product of jobs that else read the same.
    Raises InputError naming every file of the user's that can't be read.
    """
    own = {path for path in job.inputs if path.is_relative_to(desk.out)}
    shipped = {path for path in job.inputs if path.is_relative_to(PACKAGE)}
    return key_of(
        {
            "code": state.contents.of_all(code_files(job.rooms), base=PACKAGE),
            "inputs": state.contents.of_all(own, base=desk.out),
            "tables": state.contents.of_all(shipped, base=PACKAGE),
            "brought": desk.brought(state, set(job.inputs) - own - shipped),
            "makes": sorted(path.relative_to(desk.out).as_posix() for path in job.makes),
            "params": job.params,
        }
    )


def carry_out(desk: Desk, state: State, job: Job, key: str) -> tuple[dict[str, Any], str]:
    """Compute, check and write a job; return its record for the state, and its log line.

    Writes into the desk's folder only, the state not among it. Raises what the stage raises, and
    GengbaoError when its account doesn't close or it made other files than it says.
    """
    started = time.monotonic()
    outcome = job.compute(state)
    _check_account(outcome.account)
    made = outcome.write()
    _check_products(desk, job, made)
    record = {
        "key": key,
        "products": state.contents.of_all(made, base=desk.out),
        "account": [asdict(row) for row in outcome.account],
        "facts": dict(outcome.facts),
    }
    return record, f"{job.name} {outcome.said} 用时={time.monotonic() - started:.1f}秒"


def _check_account(rows: Iterable[AccountRow]) -> None:
    """Fail loudly, before anything is written, when a stage lost a plot or 0.01 m²."""
    wrong = [row for row in rows if row.residual_cm2 or row.residual_plots]
    if wrong:
        raise GengbaoError(
            Finding(
                f"账目 {row.stage} {row.export}",
                f"差额 {row.residual_cm2 / 100:.2f} ㎡、{row.residual_plots} 个图斑",
                ADVICE,
            )
            for row in wrong
        )


def _check_products(desk: Desk, job: Job, made: Iterable[Path]) -> None:
    """Fail when a job that names its products makes others: who waits for them would go astray."""
    odd = set(made).symmetric_difference(job.makes) if job.makes else set()
    if odd:
        names = "、".join(sorted(str(path.relative_to(desk.out)) for path in odd))
        raise GengbaoError(Finding(job.name, f"写出的文件与声明的不符：{names}", ADVICE))

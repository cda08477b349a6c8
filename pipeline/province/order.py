"""What is done first: which county, and which of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.province.folders import Folder
    from pipeline.stages.desk import Job

LONGEST = 10_000
"""More steps than stand on each other in any county."""


def turns(folders: Sequence[Folder], workers: int) -> dict[Path, int]:
    """Return when each county is to be done: the largest first, the last few all at once.

    A county ends in steps that stand on each other. So as many counties as there are workers are
    done side by side at last, where one alone would keep all workers but one waiting.
    """
    taken = [folder for folder in folders if folder.county]
    largest = sorted(taken, key=lambda folder: folder.size_bytes(), reverse=True)
    last = max(len(taken) - workers, 0)
    return {folder.path: min(place, last) for place, folder in enumerate(largest)}


def before(jobs: Sequence[Job]) -> dict[str, list[str]]:
    """Return per job, in their order, those whose products it reads."""
    makers = {path: job.name for job in jobs for path in job.makes}
    return {
        job.name: list(dict.fromkeys(makers[path] for path in job.inputs if path in makers))
        for job in jobs
    }


def priorities(steps: dict[str, list[str]], turn: int) -> dict[str, int]:
    """Return what Dask sorts by, more being sooner: a county's turn, then how much waits.

    steps: as `before` has them; what waits for a step is the longest chain of others on it.
    """
    behind = dict.fromkeys(steps, 0)
    for step, makers in reversed(steps.items()):
        for maker in makers:
            behind[maker] = max(behind[maker], behind[step] + 1)
    return {step: number - turn * LONGEST for step, number in behind.items()}

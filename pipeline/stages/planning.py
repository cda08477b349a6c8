"""The jobs up to the figures, in their order."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from pipeline.stages import exports, figures, judging, returning, survey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.stages.desk import Desk, Job


def plan(desk: Desk) -> Iterator[Job]:
    """Yield the jobs up to the figures, each behind those whose products it reads."""
    yield from survey.jobs(desk)
    yield from exports.jobs(desk)
    yield from returning.reading(desk)
    yield from judging.jobs(desk)
    yield from figures.jobs(desk)


@dataclass(frozen=True, slots=True)
class Planned:
    """A desk whose plan is the same for one run, named by a token no other run has."""

    desk: Desk = field(compare=False)
    token: str

    def job(self, name: str) -> Job:
        """Return the job of that name; a process plans once, however many jobs it does."""
        return _by_name(self)[name]


@lru_cache(maxsize=8)
def _by_name(planned: Planned) -> Mapping[str, Job]:
    return {job.name: job for job in plan(planned.desk)}

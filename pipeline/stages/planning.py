"""The jobs up to the figures, in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stages import exports, figures, judging, returning, survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.stages.desk import Desk, Job


def plan(desk: Desk) -> Iterator[Job]:
    """Yield the jobs up to the figures, each behind those whose products it reads."""
    yield from survey.jobs(desk)
    yield from exports.jobs(desk)
    yield from returning.reading(desk)
    yield from judging.jobs(desk)
    yield from figures.jobs(desk)

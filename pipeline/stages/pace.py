"""How far a run has got and how fast: written by the stages, shown by whoever runs them.

A stage's size is that of the files it reads. Its rate, and so the time it has left, is that of
stages of its kind earlier in this run: those whose name has the same first word and as many words
(a town's part of an export is another kind than the whole). Standard library only.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MB = 1e6
_LEAST_S = 1e-3
_LEAST_MB = 1.0


@dataclass(slots=True)
class Pace:
    """seconds: by finished stage; step: number of the stage begun last."""

    seconds: dict[str, float] = field(default_factory=dict)
    step: int = 0
    _running: dict[str, tuple[float, float]] = field(default_factory=dict)
    _known: dict[tuple[str, int], tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def at(self, name: str, size_bytes: int) -> Iterator[None]:
        """Count a stage from here to the end of the block, also where it fails."""
        self.begin(name, size_bytes)
        try:
            yield
        finally:
            self.end(name)

    def begin(self, name: str, size_bytes: int) -> None:
        """Count a stage from now on; others may be at work beside it."""
        self.step += 1
        self._running[name] = size_bytes / MB, time.monotonic()

    def end(self, name: str) -> None:
        """Count the stage as done."""
        size, started = self._running.pop(name)
        took = max(time.monotonic() - started, _LEAST_S)
        known, before = self._known.get(_kind(name), (0.0, 0.0))
        self._known[_kind(name)] = known + size, before + took
        self.seconds[name] = took

    @property
    def name(self) -> str:
        """Return what is at work, "" between stages."""
        return "、".join(list(self._running))

    @property
    def elapsed(self) -> float:
        """Return the seconds since the stage at work that began last began, 0 between stages."""
        now = time.monotonic()
        return now - max((started for _, started in list(self._running.values())), default=now)

    def line(self) -> str:
        """Say in one line what is at work: stage, count, rate, time left."""
        running = list(self._running.items())  # whoever shows it is another thread
        first = self.step - len(running) + 1
        return "；".join(
            self._line(name, at, number) for number, (name, at) in enumerate(running, first)
        )

    def slowest(self, count: int = 5) -> str:
        """Say in one line what took the time, the longest first."""
        total = sum(self.seconds.values())
        longest = sorted(self.seconds.items(), key=lambda item: -item[1])[:count]
        return "、".join(f"{name} {took:.1f}秒（{took / total:.0%}）" for name, took in longest)

    def _line(self, name: str, at: tuple[float, float], number: int) -> str:
        size, started = at
        elapsed = time.monotonic() - started
        said = f"{name}：第 {number} 步，读 {size:.0f} MB，已 {elapsed:.0f} 秒"
        known, seconds = self._known.get(_kind(name), (0.0, 0.0))
        if min(known, size) < _LEAST_MB:  # what little it reads says nothing about its time
            return said
        left = max(size * seconds / known - elapsed, 0.0)
        return f"{said}，同类每秒 {known / seconds:.1f} MB，约剩 {left:.0f} 秒"


def _kind(name: str) -> tuple[str, int]:
    words = name.split()
    return words[0], len(words)

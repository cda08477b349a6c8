"""How far a run has got and how fast: written by the stages, shown by whoever runs them.

A stage's size is that of the files it reads. Its rate, and so the time it has left, is that of
stages of its kind (the first word of the name) earlier in this run. Standard library only.
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


@dataclass(slots=True)
class Pace:
    """seconds: by finished stage; step: number of the stage at work; name: "" between stages."""

    seconds: dict[str, float] = field(default_factory=dict)
    step: int = 0
    name: str = ""
    _size: float = 0.0
    _started: float = 0.0
    _known: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def at(self, name: str, size_bytes: int) -> Iterator[None]:
        """Count a stage from here to the end of the block, also where it fails."""
        self.step += 1
        self._size, self._started, self.name = size_bytes / MB, time.monotonic(), name
        try:
            yield
        finally:
            took = max(self.elapsed, _LEAST_S)
            size, before = self._known.get(self._kind, (0.0, 0.0))
            self._known[self._kind] = size + self._size, before + took
            self.seconds[name], self.name = took, ""

    @property
    def elapsed(self) -> float:
        """Return the seconds since the stage at work began."""
        return time.monotonic() - self._started

    def line(self) -> str:
        """Say in one line what is at work: stage, count, rate, time left."""
        said = f"{self.name}：第 {self.step} 步，读 {self._size:.0f} MB，已 {self.elapsed:.0f} 秒"
        size, seconds = self._known.get(self._kind, (0.0, 0.0))
        if not size or not self._size:
            return said
        left = max(self._size * seconds / size - self.elapsed, 0.0)
        return f"{said}，同类每秒 {size / seconds:.1f} MB，约剩 {left:.0f} 秒"

    def slowest(self, count: int = 5) -> str:
        """Say in one line what took the time, the longest first."""
        total = sum(self.seconds.values())
        longest = sorted(self.seconds.items(), key=lambda item: -item[1])[:count]
        return "、".join(f"{name} {took:.1f}秒（{took / total:.0%}）" for name, took in longest)

    @property
    def _kind(self) -> str:
        return self.name.split(" ")[0]

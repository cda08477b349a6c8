"""Shows a run at work: one line that renews itself on a terminal, plain lines in a log."""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.stages.pace import Pace

log = logging.getLogger("gengbao")

QUIET_S = 2.0
"""A stage shorter than this has nothing to say."""
TERMINAL_S, LOG_S = 0.5, 10.0
SAID_S = 5.0
"""A run from here on says at the end what took the time."""


@contextmanager
def shown(pace: Pace) -> Iterator[None]:
    """Show the pace while the block runs; at the end say what took the time."""
    with _on_terminal(pace) if sys.stderr.isatty() else _in_log(pace):
        yield
    if sum(pace.seconds.values()) >= SAID_S:
        log.info("用时最多：%s", pace.slowest())


@contextmanager
def _on_terminal(pace: Pace) -> Iterator[None]:
    from rich.console import Console
    from rich.status import Status

    handlers = [h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler)]
    with Status("", console=Console(stderr=True)) as status:
        streams = [handler.setStream(sys.stderr) for handler in handlers]  # above the status line
        try:
            with _every(TERMINAL_S, lambda: status.update(_line(pace))):
                yield
        finally:
            for handler, stream in zip(handlers, streams, strict=True):
                if stream is not None:
                    handler.setStream(stream)


@contextmanager
def _in_log(pace: Pace) -> Iterator[None]:
    spoken = {"step": 0, "at": 0.0}

    def speak() -> None:
        if pace.step != spoken["step"]:
            spoken.update(step=pace.step, at=QUIET_S - LOG_S)
        if pace.name and pace.elapsed >= spoken["at"] + LOG_S:
            spoken["at"] = pace.elapsed
            log.info("  %s", pace.line())

    with _every(TERMINAL_S, speak):
        yield


def _line(pace: Pace) -> str:
    return pace.line() if pace.name and pace.elapsed >= QUIET_S else ""


@contextmanager
def _every(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Act at intervals, in a thread that ends with the block."""
    over = threading.Event()

    def tick() -> None:
        while not over.wait(seconds):
            act()

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()

"""An engine in a process of its own: its answer, what it took, or why there is no answer."""

from __future__ import annotations

import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from typing import TextIO

ENGINES = Path(__file__).parents[1] / "engines"
ROOT = Path(__file__).parents[2]
OURS = "gengbao"
HOT = ("measure", "overlay")  # the rooms our own engine is made of
SHORT_S, TIMES = 20.0, 3
"""Runs up to so long are done three times; of all figures the run with the median CPU stands."""
LOOK_S, LIST_S = 0.05, 0.5  # between two looks at memory; between two at who its processes are
WORDS = 160  # of a reason: what the table has room for


def measured(engine: str, folder: Path, limit_s: float) -> dict:
    """Return an engine's result on the layers of a folder: of up to three runs the median CPU's.

    The dict as `ran` has it; for ours also first_s, wall seconds of a first run that may compile.
    """
    runs = [ran(engine, folder, limit_s)]
    if engine == OURS and "failed" not in runs[0]:
        first, runs = runs[0], [ran(engine, folder, limit_s)]
    else:
        first = {}
    while runs[-1]["wall_s"] < SHORT_S and len(runs) < TIMES and "failed" not in runs[-1]:
        runs.append(ran(engine, folder, limit_s))
    if "failed" in runs[-1]:
        return runs[-1]
    middle = statistics.median_low(run["cpu_s"] for run in runs)
    chosen = next(run for run in runs if run["cpu_s"] == middle)
    for kind in ("wall_s", "beside"):
        chosen[kind] = statistics.median_low(run[kind] for run in runs)
    return chosen | ({"first_s": first["wall_s"]} if first else {})


def ran(engine: str, folder: Path, limit_s: float) -> dict:
    """Run an engine once, with all its processes.

    Returns its answer (stages, totals, plots), wall_s, cpu_s, beside (cores that others kept busy
    meanwhile), peak_mb and script. Without an answer: failed, the reason in one line, and over_min
    where it was ended after `limit_s`; its seconds are then those spent so far.
    """
    started, busy = time.perf_counter(), _busy_s()
    command = [sys.executable, str(ENGINES / f"{engine}.py"), str(folder)]
    with tempfile.TemporaryFile("w+") as answer, tempfile.TemporaryFile("w+") as complaint:
        with subprocess.Popen(
            command, stdout=answer, stderr=complaint, env=os.environ | {"PYTHONPATH": str(ROOT)}
        ) as process:
            watch = _Watch(process.pid, limit_s)
            watch.start()
            _, status, usage = os.wait4(process.pid, 0)  # its workers' CPU too: it awaits them
            wall_s, busy_s = time.perf_counter() - started, _busy_s() - busy
            process.returncode = os.waitstatus_to_exitcode(status)
            watch.over.set()
            watch.join()
        answer.seek(0)
        complaint.seek(0)
        cpu_s = max(usage.ru_utime + usage.ru_stime, watch.cpu_s)
        took = {
            "wall_s": wall_s,
            "cpu_s": cpu_s,
            "beside": max(busy_s - cpu_s, 0.0) / wall_s,
            "peak_mb": watch.peak / 2**20,  # rusage's would count what we held when it forked
            "script": script(engine),
        }
        if process.returncode == 0:
            return json.load(answer) | took
        failed = {"stages": {}, "totals": {}, "failed": _reason(process.returncode, complaint)}
        return took | failed | ({"over_min": limit_s / 60} if watch.ended else {})


def script(engine: str) -> str:
    """Return a digest of an engine's script, the modules it imports of ours, and how we measure."""
    todo, seen = [engine], {"": Path(__file__).read_text(encoding="utf-8")}
    while todo:
        name = todo.pop()
        text = (ENGINES / f"{name}.py").read_text(encoding="utf-8")
        seen[name] = text
        beside = re.findall(r"^from (\w+) import", text, re.MULTILINE)
        todo += [n for n in beside if n not in seen and (ENGINES / f"{n}.py").is_file()]
        if re.search(r"^from pipeline import", text, re.MULTILINE):
            ours = (path for room in HOT for path in (ROOT / "pipeline" / room).glob("*.py"))
            seen |= {str(path): path.read_text(encoding="utf-8") for path in ours}
    return hashlib.sha256("".join(seen[n] for n in sorted(seen)).encode()).hexdigest()


def _busy_s() -> float:
    """Return the seconds all processors have been busy since the machine started."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0)


def _reason(code: int, complaint: TextIO) -> str:
    """Return why a process ended without an answer: the last line it left, or its signal."""
    lines = [line.strip() for line in complaint if line.strip()]
    if code < 0 or not lines:
        return f"signal {-code}" if code < 0 else f"exit code {code}"
    return lines[-1][:WORDS]


class _Watch(threading.Thread):
    """Follows a process and its children until it is over; ends them after `limit_s`.

    peak: bytes, the most they held together; cpu_s: what they had used when last seen; ended:
    whether the limit was reached.
    """

    def __init__(self, pid: int, limit_s: float) -> None:
        super().__init__(daemon=True)
        self._pid, self._limit_s = pid, limit_s
        self.peak, self.cpu_s, self.ended = 0, 0.0, False
        self.over = threading.Event()

    def run(self) -> None:
        began, listed = time.monotonic(), -LIST_S
        while not self.over.wait(LOOK_S):
            if time.monotonic() - listed > LIST_S:
                own, listed = _family(self._pid), time.monotonic()
            self.peak = max(self.peak, sum(_held(one)[0] for one in own))
            if time.monotonic() - began > self._limit_s:
                own = _family(self._pid)
                self.ended, self.cpu_s = True, sum(_held(one)[1] for one in own)
                for one in own:
                    with suppress(psutil.Error):
                        one.kill()
                return


def _family(pid: int) -> list[psutil.Process]:
    """Return a process and its children; nothing once it has ended."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _held(process: psutil.Process) -> tuple[int, float]:
    """Return a process's memory in bytes and CPU seconds, its ended children's too."""
    try:
        return process.memory_info().rss, sum(process.cpu_times()[:4])
    except psutil.Error:
        return 0, 0.0  # it ended since it was listed

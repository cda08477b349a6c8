"""Run our command line, or a part of `disk`, in a process that dies or fails at its n-th change.

    kill|fail|count|full N FOLDER run ARGS…      the command line
    kill|fail|count N FOLDER exchange|settle

Changes are what Python's audit hooks tell of the file system below FOLDER: files opened for
writing, renamed, linked, removed, truncated; folders made and removed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

MAKES = {"os.rename", "os.link", "os.symlink", "os.mkdir"}
CHANGES = MAKES | {"os.remove", "os.rmdir", "os.truncate"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def arm(mode: str, at: int, folder: str) -> list[int]:
    """Count changes below `folder`; at the n-th die like a power cut, or refuse with disk full."""
    seen = [0]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open":
            if not (set(str(args[1] or "")) & set("wax+") or int(str(args[2])) & WRITES):
                return
        elif event not in (MAKES if mode == "fail" else CHANGES):
            return
        named = [os.path.abspath(os.fsdecode(a)) for a in args if isinstance(a, str | bytes)]  # noqa: PTH100
        if not any(name.startswith(folder) for name in named):
            return
        seen[0] += 1
        if mode == "kill" and seen[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        if mode == "fail" and seen[0] == at:
            raise OSError(28, "No space left on device", named[0])

    sys.addaudithook(hook)
    return seen


APART = multiprocessing.get_context("forkserver")
APART.set_forkserver_preload(
    [f"pipeline.{room}" for room in ("stages", "ingest", "evidence", "classify", "aggregate")]
    + ["pipeline.ledger", "pipeline.reconcile", "pipeline.storage", "pipeline.overlay"]
)


def faulty(mode, at, folder, what, *args):
    """Do it in its own process, a copy of one that has loaded our libraries and done nothing."""
    command = [mode, str(at), str(folder), what, *map(str, args)]
    with tempfile.TemporaryDirectory() as said:
        process = APART.Process(target=apart, args=(said, command))
        process.start()
        process.join()
        out, err = (Path(said, name).read_text(encoding="utf-8") for name in ("out", "err"))
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(command, process.exitcode, out, err)


def apart(said: str, command: list[str]) -> None:
    """End this process with what the arguments lead to; what it says goes into two files."""
    warnings.simplefilter("error")
    out, err = (Path(said, name) for name in ("out", "err"))
    with (
        out.open("w", 1, "utf-8") as stdout, err.open("w", 1, "utf-8") as stderr,
        redirect_stdout(stdout), redirect_stderr(stderr),
    ):  # fmt: skip
        sys.exit(work(*command))


def work(mode: str, at: str, folder: str, what: str, *rest: str) -> int:
    """Do what the arguments say; return the exit code."""
    from pipeline import disk  # noqa: PLC0415 - before the hook
    from pipeline.errors import OutputError  # noqa: PLC0415

    if what == "run":
        from pipeline.cli import run  # noqa: PLC0415

        if mode == "full":  # the disk itself shall refuse, not our look at it beforehand
            from pipeline.stages import hands  # noqa: PLC0415

            hands.require_room = lambda *_: None
        seen = arm(mode, int(at), folder)
        code = run(list(rest))
    else:
        out = Path(folder)
        seen = arm(mode, int(at), folder)
        code = 0
        made = {name: out / ".gengbao/work" / name for name in ("a.csv", "neu/c.csv")}
        try:
            with disk.locked(out):
                if what == "settle":
                    disk.settle(out)
                else:
                    disk.exchange(out, made, ["b.csv"])
        except OutputError as error:
            sys.stderr.write(f"{error}\n")
            code = error.exit_code
    sys.stdout.write(f"{seen[0]}\n")
    return code

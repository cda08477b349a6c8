"""Run our command line, or a part of `disk`, in a process that dies or fails at its n-th change.

    python faulty.py kill|fail|count|full N FOLDER run ARGS…      the command line
    python faulty.py kill|fail|count N FOLDER exchange|settle OUT

Changes are what Python's audit hooks tell of the file system below FOLDER: files opened for
writing, renamed, linked, removed, truncated; folders made and removed.
"""

from __future__ import annotations

import os
import signal
import sys
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


def main() -> int:
    """Do what the arguments say."""
    mode, at, folder, what, *rest = sys.argv[1:]
    from pipeline import disk  # noqa: PLC0415 - before the hook
    from pipeline.errors import OutputError  # noqa: PLC0415

    if what == "run":
        from pipeline.cli import run  # noqa: PLC0415

        if mode == "full":  # the disk itself shall refuse, not our look at it beforehand
            from pipeline import stages  # noqa: PLC0415

            stages.require_room = lambda *_: None
        seen = arm(mode, int(at), folder)
        code = run(rest)
    else:
        out = Path(rest[0])
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


if __name__ == "__main__":
    sys.exit(main())

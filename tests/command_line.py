"""The command line as a clerk runs it, read back from its files."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from pipeline import cli

ROOT = Path(__file__).parent.parent
HIDDEN = ".state.json"


def gengbao(*args):
    """Run the command line in this process, as its entry point does: no library is loaded anew."""
    command = list(map(str, args))
    if command[0] == "province":  # starts processes of its own, and ends them with itself
        return gengbao_apart(*command)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = cli.run(command)
        except SystemExit as usage:  # argparse ends a process that is asked for help, or wrongly
            code = usage.code
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return subprocess.CompletedProcess(command, code or 0, out.getvalue(), err.getvalue())


def gengbao_apart(*args, cwd=ROOT, **environment):
    """Run the command line in its own process, warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "pipeline", *map(str, args)]
    done = subprocess.run(  # noqa: S603 - our own command
        command, cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def hashes(folder):
    """Return the sha256 of every product, by name; the run's own notes left out."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != HIDDEN)
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def read_csv(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))

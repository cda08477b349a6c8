"""The command line as a clerk runs it: in its own process, read back from its files."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HIDDEN = ".state.json"


def gengbao(*args, cwd=ROOT):
    """Run the command line in its own process, warnings as errors."""
    command = [sys.executable, "-W", "error", "-m", "pipeline", *map(str, args)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
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

"""Every check over a county of 2.5·10⁵ plots, from the command line: CPU, wall time, memory.

python benchmarks/quality.py [county folder]; without one it is made (`gengbao sample`, minutes).
Two runs: as it is, and with the unit codes of all plots cut short, so that every plot has findings.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyogrio

LIMIT_S, LIMIT_MB = 90, 3072
DAY = "2023-09-30"


def main() -> None:
    """Make or take a county, check it twice."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        county = Path(sys.argv[1]) if len(sys.argv) > 1 else made(folder / "raw")
        report("as it is", county, folder)
        report("every plot with findings", faulty(county, folder / "faulty"), folder)


def made(county: Path) -> Path:
    """Make the sample county at county scale."""
    words = ("sample", "--county", county, "--scale", "county", "--exports", "1")
    subprocess.run([sys.executable, "-m", "pipeline", *map(str, words)], check=True)
    return county


def faulty(county: Path, copy: Path) -> Path:
    """Return a copy with one export, whose ZLDWDM and QSDWDM have 12 digits only."""
    shutil.copytree(county, copy, ignore=shutil.ignore_patterns("exports"))
    source = next((county / "exports" / DAY).iterdir())
    plots = pyogrio.read_dataframe(source)
    for column in ("ZLDWDM", "QSDWDM"):
        plots[column] = plots[column].str[:12]
    for day in sorted(path.name for path in (county / "exports").iterdir()):
        (copy / "exports" / day).mkdir(parents=True)
        file = copy / "exports" / day / "DLTB.gpkg"
        pyogrio.write_dataframe(plots if day == DAY else plots.head(10), file, layer="DLTB")
    return copy


def report(what: str, county: Path, folder: Path) -> None:
    """Check an export in a process of its own; print what it took."""
    words = ("quality", "--county", county, "--out", folder / "out", "--export", DAY)
    started = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, words)], check=False, capture_output=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = time.perf_counter() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss // 1024
    listed = folder / "out" / "data" / "processed" / "quality" / DAY / "problems.csv"
    with listed.open("rb") as lines:
        findings = sum(1 for _ in lines) - 1
    print(
        f"{what}: exit {done.returncode}, {findings:,} findings, {wall:.0f} s wall, "
        f"{cpu:.0f} s CPU, {peak} MB (limits: {LIMIT_S} s, {LIMIT_MB} MB)"
    )


if __name__ == "__main__":
    main()

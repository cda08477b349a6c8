"""Eight counties of different sizes and zones: what a province's run promises, shown once.

python benchmarks/province_acceptance.py [--data FOLDER]

One worker and two, and two of which one is killed: the same bytes. One county with a truncated
export: seven finished, one explained, exit code 4. Ends with 1 where any of it isn't so.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
DATA = ROOT / ".gengbao" / "bench" / "acceptance"
COUNTIES = (
    ("990001", "柞河县", "small", 0, "109.5,33.6"),
    ("990002", "乾河县", "tiny", 2, "109.15,33.6"),
    ("990003", "金河县", "tiny", 0, "109.88,33.72"),
    ("990004", "银河县", "tiny", 1, "109.88,33.62"),
    ("990005", "社川县", "tiny", 2, "109.88,33.52"),
    ("990006", "洵河县", "tiny", 0, "110.0,33.67"),
    ("990007", "马河县", "tiny", 1, "110.0,33.57"),
    ("990008", "丹河县", "tiny", 0, "106.4,33.7"),
)
"""Code, name, scale, exports after the ledger's, middle: zones 35, 36 and 37."""
BAD = "990004"
NOTES = ".state.json"
LARGE_BYTES = 100_000


def main() -> None:
    """Make the counties, run them four times, say what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="where it all happens")
    asked = parser.parse_args()
    counties, seen = asked.data / "in", []
    for code, name, scale, exports, middle in COUNTIES:
        make(counties / code, name, scale, exports, middle)
    zones = set(map(crs, counties.iterdir()))
    seen.append((len(zones) == 3, f"坐标系：{'、'.join(sorted(zones))}"))  # noqa: PLR2004 - zones
    runs = {}
    for what, workers, kill in (("一个", 1, False), ("两个", 2, False), ("杀掉一个", 2, True)):
        out = asked.data / f"out_{workers}{'k' * kill}"
        shutil.rmtree(out, ignore_errors=True)
        started = time.perf_counter()
        code, _, _ = run(counties, out, workers, kill=kill)
        runs[what] = hashes(out)
        seen.append(
            (code == 0, f"{what}工作进程：退出码 {code}，{time.perf_counter() - started:.0f} 秒")
        )
    first, *others = runs.values()
    seen.append((all(other == first for other in others), f"三次 {len(first)} 个文件逐字节相同"))
    seen += bad_county(asked.data, counties)
    for good, text in seen:
        print("通过" if good else "不对", text)
    sys.exit(not all(good for good, _ in seen))


def make(folder: Path, name: str, scale: str, exports: int, middle: str) -> None:
    """Make a county, unless it is there."""
    if (folder / "county.toml").is_file():
        return
    code = folder.name
    command = [sys.executable, "-m", "pipeline", "sample", "--county", folder, "--code", code]
    command += ["--name", name, "--seed", code, "--scale", scale, "--exports", str(exports)]
    subprocess.run([*command, "--centre", middle], check=True, cwd=ROOT)


def crs(folder: Path) -> str:
    """Return a county's working CRS."""
    lines = (folder / "county.toml").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("crs")).split('"')[1]


def run(counties: Path, out: Path, workers: int, *, kill: bool = False) -> tuple[int, str, str]:
    """Run the province; kill a worker once a step is done, where asked; return code and texts."""
    command = [sys.executable, "-m", "pipeline", "province", counties, "--out", out]
    command += ["--workers", str(workers), "--name", "示例省"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        said = []
        for line in process.stderr:
            said.append(line)
            if kill and "（第 " in line:
                workers_of(process.pid)[0].kill()
                kill = False
        printed = process.stdout.read()
    return process.returncode, printed, "".join(said)


def workers_of(pid: int) -> list[psutil.Process]:
    """Return the worker processes below a run."""
    below = psutil.Process(pid).children(recursive=True)
    return [p for p in below if "spawn_main" in " ".join(p.cmdline())]


def bad_county(data: Path, counties: Path) -> list[tuple[bool, str]]:
    """Cut a county's newest export short and run again on the products that stand."""
    cut, out = data / "in_cut", data / "out_cut"
    for folder, origin in ((cut, counties), (out, data / "out_1")):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(origin, folder)
    newest = max((cut / BAD / "exports").iterdir())
    files = (p for p in sorted(newest.rglob("*")) if p.is_file())
    file = next(p for p in files if p.stat().st_size > LARGE_BYTES)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    code, printed, said = run(cut, out, 2)
    return [
        (code == 4, f"截断 {file.relative_to(cut)}：退出码 {code}"),  # noqa: PLR2004 - input data
        ("8 个县，完成 7 个，未完成 1 个" in printed, printed.strip().splitlines()[-1].strip()),
        (BAD in said and newest.name in said, "说明：" + said.strip().splitlines()[-1].strip()),
        (
            hashes(out / "counties" / BAD / "data")
            == hashes(data / "out_1/counties" / BAD / "data"),
            "它原来的成果没有动",
        ),
    ]


def hashes(folder: Path) -> dict[str, str]:
    """Return the sha256 of every product, by name; the run's own notes left out."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != NOTES)
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


if __name__ == "__main__":
    main()

"""A province's run: speed-up of two workers, cost, memory per plot; writes docs/scale.md's table.

python benchmarks/province.py          4 counties of 10⁴, then of 5·10⁴ plots on 1 and 2 workers
python benchmarks/province.py --scales small medium large county stress    a county of each size
python benchmarks/province.py --scales county --data FOLDER          sizes alone, kept with the rest

What is measured is kept beside the counties in measured.json, so that sizes can be run one by one.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

import pyarrow.compute as pc
import pyarrow.parquet as pq

HERE = Path(__file__).parent
ROOT = HERE.parent
DATA = ROOT / ".gengbao" / "bench" / "province"
PAGE = ROOT / "docs" / "scale.md"
FIRST, LAST = "<!-- 量出来的，由 benchmarks/province.py 写 -->", "<!-- 量完 -->"
SCALES = ("small", "medium", "large", "county", "stress")
DECADES = ("small", "large", "stress")  # 10⁴, 10⁵, 10⁶ plots of about 50 vertices each
EQUAL, EQUAL_SCALES = 4, ("small", "medium")
RUNS = {"small": 3}
SPEED_UP = "speed_up"
GOAL = 1.7
MEMORY = "3GiB"
VERTEX_BYTES = 16  # of WKB; the few of heads and counts are lost in it
MILLION = 1e6


def main() -> None:
    """Measure what was asked, keep it, write the table of all that was ever measured here."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", nargs="*", choices=SCALES, default=[])
    parser.add_argument("--data", type=Path, default=DATA, help="where the counties are kept")
    parser.add_argument("--memory", default=MEMORY, help="bound of a worker")
    asked = parser.parse_args()
    asked.data.mkdir(parents=True, exist_ok=True)
    kept = asked.data / "measured.json"
    results = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    compiled()
    for scale in () if asked.scales else EQUAL_SCALES:
        results.setdefault(SPEED_UP, {})[scale] = speed_up(asked.data, scale)
        print(scale, results[SPEED_UP][scale], flush=True)
        kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
    for scale in asked.scales:
        counties = asked.data / scale
        made(counties / "990001", scale, 1)
        results[scale] = measured(counties, asked.data / f"{scale}_out", 1, asked.memory)
        print(scale, results[scale], flush=True)
        kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
    kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
    written(results)


def compiled() -> None:
    """Have numba's functions compiled beforehand: a checkout's first run would be told too slow."""
    command = [sys.executable, "-c", "import pipeline.measure, pipeline.overlay"]
    subprocess.run(command, check=True, cwd=ROOT)


def made(folder: Path, scale: str, seed: int) -> None:
    """Make a county of two surveys, unless it is there."""
    if not (folder / "county.toml").is_file():
        code = folder.name
        options = ["--scale", scale, "--exports", "0", "--code", code, "--name", f"{code}县"]
        command = [sys.executable, "-m", "pipeline", "sample", "--county", folder, *options]
        subprocess.run([*command, "--seed", str(seed)], check=True, cwd=ROOT)


def measured(counties: Path, out: Path, workers: int, memory: str) -> dict[str, float]:
    """Run a province from nothing: plots, wall and CPU seconds, peak of a worker, disk."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "pipeline", "province", counties, "--out", out, "--no-maps"]
    command += ["--workers", str(workers), "--memory", memory]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(done.stderr)
    number, vertices = drawn(out)
    peaks = re.findall(r"完成 +0 +\d+ +\d+ +[\d.]+ +(\d+)", done.stdout)
    return {
        "plots": number,
        "vertices": vertices,
        "wall_s": wall,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_gb": max(map(int, peaks)) / 1000,
        "in_gb": size_gb(counties),
        "out_gb": size_gb(out),
    }


def drawn(out: Path) -> tuple[int, int]:
    """Return how many plots the counties' newest exports have, and about how many vertices."""
    number, size = 0, 0
    for file in out.glob("counties/*/data/processed/exports/*/pieces.parquet"):
        with pq.ParquetFile(file.with_name("parcels.parquet")) as plots:
            number += plots.metadata.num_rows
            for group in range(plots.num_row_groups):
                wkb = plots.read_row_group(group, ["geometry"])["geometry"]
                size += pc.sum(pc.binary_length(wkb)).as_py()
    return number, size // VERTEX_BYTES


def size_gb(folder: Path) -> float:
    """Return what a folder takes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9


def speed_up(data: Path, scale: str) -> dict[str, float]:
    """Run equal counties on one worker and on two, turn about; return the medians and their ratio.

    The smallest are done three times: on a shared machine their minute varies by a tenth.
    """
    counties = data / f"equal_{scale}"
    for seed in range(EQUAL):
        made(counties / f"99000{seed + 1}", scale, seed + 1)
    turns = RUNS.get(scale, 1)
    runs = [(n, measured(counties, data / "equal_out", n, MEMORY)) for n in (1, 2) * turns]
    one, two = ([run for workers, run in runs if workers == n] for n in (1, 2))
    wall_s = [median(run["wall_s"] for run in own) for own in (one, two)]
    cpu_s = [median(run["cpu_s"] for run in own) for own in (one, two)]
    return {
        "plots": one[0]["plots"],
        "runs": turns,
        "one_s": wall_s[0],
        "two_s": wall_s[1],
        "one_cpu_s": cpu_s[0],
        "two_cpu_s": cpu_s[1],
        "ratio": wall_s[0] / wall_s[1],
        "peak_gb": max(run["peak_gb"] for _, run in runs),
    }


def marginal(results: dict[str, dict[str, float]]) -> list[tuple[str, str, float]]:
    """Return the CPU seconds a million plots more cost, from each decade to the next."""
    sizes = [scale for scale in DECADES if scale in results]
    return [
        (a, b, (results[b]["cpu_s"] - results[a]["cpu_s"])
         / (results[b]["plots"] - results[a]["plots"]) * MILLION)
        for a, b in pairwise(sizes)
    ]  # fmt: skip


def written(results: dict[str, dict[str, float]]) -> None:
    """Put the table into the page, between its marks."""
    text = PAGE.read_text("utf-8")
    head, rest = text.split(FIRST, 1)
    _, tail = rest.split(LAST, 1)
    PAGE.write_text(f"{head}{FIRST}\n\n{table(results)}\n{LAST}{tail}", encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")


def table(results: dict[str, dict[str, float]]) -> str:
    """Return what was measured, as Markdown."""
    heads = (
        "县", "图斑（一期）", "每图斑顶点", "CPU 秒", "每百万图斑 CPU 秒", "每百万顶点 CPU 秒",
        "墙钟秒（1 个工作进程）", "工作进程内存峰值 GB", "读入 GB", "成果 GB",
    )  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "| ---" + " | --:" * (len(heads) - 1) + " |"]
    for scale in SCALES:
        if scale in results:
            own = results[scale]
            lines.append(
                f"| {scale} | {own['plots']:,.0f} | {own['vertices'] / own['plots']:.0f} "
                f"| {own['cpu_s']:.0f} | {own['cpu_s'] / own['plots'] * MILLION:.0f} "
                f"| {own['cpu_s'] / own['vertices'] * MILLION:.1f} | {own['wall_s']:.0f} "
                f"| {own['peak_gb']:.2f} | {own['in_gb']:.2f} | {own['out_gb']:.2f} |"
            )
    steps = marginal(results)
    lines += ["", "| 多出来的图斑 | 每百万图斑 CPU 秒 | 与前一段相差 |", "| --- | --: | --: |"]
    for n, (a, b, cost) in enumerate(steps):
        change = f"{(cost / steps[n - 1][2] - 1) * 100:+.0f} %" if n else "—"
        lines.append(f"| {a} → {b} | {cost:.0f} | {change} |")
    for own in results.get(SPEED_UP, {}).values():
        said = "达到" if own["ratio"] >= GOAL else "没有达到"
        turns = f"，轮流各做 {own['runs']} 遍取中位数" if own["runs"] > 1 else ""
        text = (
            f"{EQUAL} 个一样大的县（共 {own['plots']:,.0f} 个图斑{turns}）：1 个工作进程 "
            f"{own['one_s']:.0f} 秒（CPU {own['one_cpu_s']:.0f} 秒），2 个 {own['two_s']:.0f} 秒"
            f"（CPU {own['two_cpu_s']:.0f} 秒），快 **{own['ratio']:.2f} 倍**，"
            f"{said}目标 {GOAL} 倍；工作进程内存峰值 {own['peak_gb']:.2f} GB。"
        )
        lines += ["", text]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

"""docs/performance.md from the results of a run."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path

LIBRARIES = (
    "geopandas", "shapely", "pyarrow", "pyproj", "numpy", "numba", "duckdb",
    "duckdb-extension-spatial", "sedonadb", "dask-geopandas",
)  # fmt: skip
NAMES = {
    "gengbao": "**耕保**", "shapely_by_hand": "shapely 手工优化，2 线程",
    "duckdb_tuned": "DuckDB spatial，用尽办法", "sedonadb_tuned": "SedonaDB，用尽办法",
    "duckdb_described": "DuckDB spatial，调优", "sedonadb_described": "SedonaDB，调优",
    "duckdb_plain": "DuckDB spatial", "sedonadb_plain": "SedonaDB",
    "dask_geopandas_overlay": "dask-geopandas，2 进程", "geopandas_overlay": "geopandas.overlay",
}  # fmt: skip
PEER_GOALS = {
    "geopandas_overlay": "约 50", "sedonadb_described": "约 14", "duckdb_described": "约 7",
    "shapely_by_hand": "约 4", "sedonadb_tuned": "未定", "duckdb_tuned": "未定",
}  # fmt: skip
"""How many times our time each peer is to need at 2.5·10⁵ plots; the last two came later."""
FLOOR_GOAL, GROWTH_GOAL, MEMORY_GOAL_MB, GEOD_GOAL, AREA_GOAL_M2 = 2.5, 1.25, 2048, 5, 1e-3
CORES = 2
BUSY = 0.2  # where others keep more of a core busy, wall times say nothing
WORDS = Path(__file__).with_name("performance.md")


def page(results: dict) -> str:
    """Return the page; results: (scale, engine) → what engine.measured returned."""
    return "\n".join([WORDS.read_text(encoding="utf-8"), *tables(results)]) + "\n"


def tables(results: dict) -> list[str]:
    """Return the lines of the page's results."""
    scales = list(dict.fromkeys(scale for scale, _ in results))
    parts = ["## 结果\n", _machine(), ""]
    by_scale = {scale: {e: r for (s, e), r in results.items() if s == scale} for scale in scales}
    ours = {
        scale: found["gengbao"]
        for scale, found in by_scale.items()
        if "failed" not in found.get("gengbao", {"failed": ""})
    }
    if "county" in ours:
        parts += _goals(by_scale["county"], ours)
    for scale, found in by_scale.items():
        parts += _table(scale, found)
    return [*parts, *_growth(list(ours.values()))]


def _goals(county: dict, ours: dict) -> list[str]:
    """Return the table of goals at 2.5·10⁵ plots, each as wall and as CPU time has it."""
    own = county["gengbao"]
    rows = [
        (f"{NAMES[name]} ÷ 耕保", goal,
         _times(county[name], own), _times(county[name], own, "cpu_s"))
        for name, goal in PEER_GOALS.items()
        if name in county
    ]  # fmt: skip
    if "failed" not in county.get("floor", {"failed": ""}):
        wall, cpu = _floor(county["floor"])
        times = _times(own, county["floor"] | {"wall_s": wall})
        rows.append(("耕保 ÷ 下限", f"≤ {FLOOR_GOAL}", times, f"{own['cpu_s'] / cpu:.1f}"))
        took, off = county["floor"]["area_us"], county["floor"]["area_off_m2"]["equal"]
        rows += [
            ("pyproj.Geod 逐个算 ÷ 官方面积", f"≥ {GEOD_GOAL}", "",
             f"{took['geod'] / took['official']:.1f}"),
            ("1/k² 加权面积与 GeographicLib 最大差 ㎡", f"≤ {AREA_GOAL_M2:g}", f"{off:.1e}", ""),
        ]  # fmt: skip
    if "medium" in ours:
        each = [
            [r[kind] / r["plots"] for r in (own, ours["medium"])] for kind in ("wall_s", "cpu_s")
        ]
        rows.append(("每图斑用时：2.5·10⁵ ÷ 5·10⁴", f"≤ {GROWTH_GOAL}",
                     *(f"{big / small:.2f}" for big, small in each)))  # fmt: skip
    rows.append(("耕保内存峰值 MB", f"< {MEMORY_GOAL_MB}", f"{own['peak_mb']:.0f}", ""))
    return [
        "### 2.5·10⁵ 个图斑的目标", "", "| | 目标 | 按墙钟 | 按 CPU |", "| --- | --: | --: | --: |",
        *(f"| {' | '.join(row)} |" for row in rows), "",
    ]  # fmt: skip


def _times(result: dict, other: dict, kind: str = "wall_s") -> str:
    """Return how many times the other's time it took, "> n" where it was ended at the limit.

    A dash where it failed, and for wall times where the machine was busy.
    """
    ended = "over_min" in result
    busy = kind == "wall_s" and max(result["beside"], other["beside"]) > BUSY
    if busy or ("failed" in result and not ended):
        return "—"
    return f"{'> ' if ended else ''}{result[kind] / other[kind]:.1f}"


def _floor(floor: dict) -> tuple[float, float]:
    """Return the least wall and CPU seconds the machine can do the job in."""
    cpu = sum(floor["cpu"].values())
    return floor["read_s"] + floor["write_s"] + cpu / CORES, floor["read_cpu_s"] + cpu


def _machine() -> str:
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} 未安装")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        named = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
        model = named[0] if named else model
    return (
        f"{model}，{os.cpu_count()} 核，内存 {memory:.0f} GB，Python {platform.python_version()}；"
        f"{'，'.join(versions)}。"
    )


def _table(scale: str, results: dict) -> list[str]:
    engines = {name: result for name, result in results.items() if name != "floor"}
    ours = engines.get("gengbao") or next(iter(engines.values()))
    out = [
        f"### {scale}：{ours['plots']:,} 个图斑", "",
        "| 引擎 | 墙钟 s | CPU s | 峰值 MB | 墙钟倍数 | CPU 倍数 | 旁占核 | 各步 CPU s |",
        "| --- | --: | --: | --: | --: | --: | --: | --- |",
    ]  # fmt: skip
    ranked = sorted(engines.items(), key=lambda item: ("failed" in item[1], item[1]["cpu_s"]))
    out += [_row(NAMES[engine], result, ours) for engine, result in ranked]
    missing = [label for name, label in NAMES.items() if name not in engines]
    out += ["", f"这一档没有量：{'，'.join(missing)}。"] if missing else []
    out.append("")
    if "first_s" in ours:
        out += [f"耕保第一遍（没有编译缓存时含编译）墙钟 {ours['first_s']:.1f} s。", ""]
    if {"failed"}.isdisjoint(results.get("floor", {"failed": ""}).keys() | ours.keys()):
        out += [*_floor_words(results["floor"], ours), ""]
    return out


def _row(label: str, result: dict, ours: dict) -> str:
    """Return an engine's row; without an answer: what it had used, and why there is none."""
    stages = "，".join(f"{name} {cpu:.2f}" for name, (_, cpu) in result["stages"].items())
    if "over_min" in result:
        stages = f"没有做完：超过 {result['over_min']:g} 分钟"
    elif "failed" in result:
        stages = f"没有做完：`{result['failed'].replace('|', '/').replace('`', ' ')}`"
    more = "> " if "over_min" in result else ""
    cells = (
        label,
        f"{more}{result['wall_s']:.1f}",
        f"{more}{result['cpu_s']:.1f}",
        f"{result['peak_mb']:.0f}",
        _times(result, ours),
        _times(result, ours, "cpu_s"),
        f"{result['beside']:.2f}",
        stages,
    )
    return f"| {' | '.join(cells)} |"


def _floor_words(floor: dict, ours: dict) -> list[str]:
    """Return what the floor is made of, and how far above it we are."""
    wall, cpu = _floor(floor)
    words = {"overlay": "边对求和", "validity": "查图形（GEOS）", "official area": "官方面积"}
    parts = [
        f"读 {floor['read_mb']:.0f} MB {floor['read_s']:.2f} s",
        f"写并落盘 {floor['write_mb']:.0f} MB {floor['write_s']:.2f} s",
        *(f"{words[name]} {spent:.2f} s" for name, spent in floor["cpu"].items()),
    ]
    each = floor["cpu"]["overlay"] / floor["edge_pairs"] * 1e9
    took, off = floor["area_us"], floor["area_off_m2"]
    bound = f"下限：{'，'.join(parts)}；后三项由 {CORES} 个核分担，共 {wall:.2f} s"
    times = f"{_times(ours, floor | {'wall_s': wall})} 倍，CPU 是 {ours['cpu_s'] / cpu:.1f} 倍"
    counted = f"{floor['vertices']:,} 个顶点，外框相交的面对 {floor['pairs']:,}"
    geod = f"1/k² 加权（numpy）{took['equal']:.1f}，pyproj.Geod 逐个算 {took['geod']:.1f}"
    apart = f"官方 {off['official']:.4f} ㎡（B、L 取整到 1e-6 秒），加权 {off['equal']:.1e} ㎡"
    return [
        f"{bound}（CPU {cpu:.2f} s）。耕保墙钟是它的 {times}。",
        f"{counted}，x 范围相交的边对 {floor['edge_pairs']:,}，每边对合 {each:.0f} ns。",
        "",
        f"面积，µs/图斑（{floor['area_sample']:,} 个）：官方 {took['official']:.1f}，{geod}。",
        f"与 GeographicLib 最大差：{apart}。",
    ]


def _growth(ours: list[dict]) -> list[str]:
    out = [
        "### 随规模增长（耕保）",
        "",
        "| 图斑 | 每图斑墙钟 µs | 每图斑 CPU µs | 峰值 MB |",
        "| --: | --: | --: | --: |",
    ]
    out += [
        f"| {r['plots']:,} | {r['wall_s'] / r['plots'] * 1e6:.0f} "
        f"| {r['cpu_s'] / r['plots'] * 1e6:.0f} | {r['peak_mb']:.0f} |"
        for r in ours
    ]
    return out

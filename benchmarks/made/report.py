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
    "duckdb_tuned": "DuckDB spatial，调优", "sedonadb_tuned": "SedonaDB，调优",
    "duckdb_plain": "DuckDB spatial", "sedonadb_plain": "SedonaDB",
    "dask_geopandas_overlay": "dask-geopandas，2 进程", "geopandas_overlay": "geopandas.overlay",
}  # fmt: skip
WORDS = """# 性能（由 `make bench` 生成，勿手改）

同一台机器、同一次运行、同样的文件：读 → 查图形 → 面积 → 与永农、耕地保护目标、上年、镇界叠加
→ 逐图斑、逐镇求和 → 写。县由 `gengbao sample --scale` 生成。各家面积与耕保的相差都不超过
该镇（县）面积的 1e-9，否则 `make bench` 失败。耕保另算每个图斑的 32 号公式椭球面积
（“official area”一步），别家只算平面面积。
CPU 是主进程及其线程的秒数（dask 的工作进程不在内）；机器不空闲时看 CPU，不看墙钟。

## 为什么快

1. 上年图斑与今年逐字节相同的（约 98 %）不叠加，只比地类。
2. 只要面积，不造图形：A∩B 的面积 = Σ σᵢσⱼ∫min(yᵢ, yⱼ)dx，由边两两求和
   （`pipeline/overlay/kernel.py`，numba 编译，不占 GIL，多线程）。公共边、共线、触点都是普通的项，
   不用谓词筛，也不会出错。
   GEOS 只当裁判，并造真正要用的图形。
3. 坐标放在一条平铺的数组里，每 32 条边一个外框：与乡镇上万个顶点的界线叠加，只看碰得着的那几段。
4. 椭球面积用每县一次的多项式 1/k² 加权，不逐点投影；报出的面积仍用 32 号公式。
"""


def page(results: dict) -> str:
    """Return the page; results: (scale, engine) → what core_job measured."""
    scales = list(dict.fromkeys(scale for scale, _ in results))
    parts = [WORDS, "## 结果\n", _machine(), ""]
    for scale in scales:
        parts += _table(scale, {e: r for (s, e), r in results.items() if s == scale})
    parts += _growth([results[s, "gengbao"] for s in scales if (s, "gengbao") in results])
    return "\n".join(parts) + "\n"


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
    ours = results.get("gengbao") or next(iter(results.values()))
    out = [
        f"### {scale}：{ours['plots']:,} 个图斑", "",
        "| 引擎 | 墙钟 s | CPU s | 峰值内存 MB | 墙钟为耕保的 | CPU 为耕保的 | 各步 s |",
        "| --- | --: | --: | --: | --: | --: | --- |",
    ]  # fmt: skip
    for engine, result in sorted(results.items(), key=lambda item: item[1]["wall_s"]):
        stages = "，".join(f"{name} {seconds:.2f}" for name, seconds in result["stages"].items())
        out.append(
            f"| {NAMES[engine]} | {result['wall_s']:.1f} | {result['cpu_s']:.1f} "
            f"| {result['peak_mb']:.0f} | {result['wall_s'] / ours['wall_s']:.1f} 倍 "
            f"| {result['cpu_s'] / ours['cpu_s']:.1f} 倍 | {stages} |"
        )
    kernel = sum(v for name, v in ours["stages"].items() if name.startswith("x "))
    floor = ours["read_s"] + ours["write_s"] + kernel
    read, written = (f"{ours[f'{w}_mb']:.0f} MB {ours[f'{w}_s']:.2f} s" for w in ("read", "write"))
    times = ours["wall_s"] / floor
    said = f"下限：读 {read} + 写并落盘 {written} + 边对求和 {kernel:.2f} s = {floor:.2f} s，"
    out += ["", f"{said}耕保是它的 {times:.1f} 倍。", ""]
    return out


def _growth(ours: list[dict]) -> list[str]:
    out = [
        "### 随规模增长（耕保）",
        "",
        "| 图斑 | 每图斑 CPU µs | 峰值内存 MB |",
        "| --: | --: | --: |",
    ]
    out += [
        f"| {r['plots']:,} | {r['cpu_s'] / r['plots'] * 1e6:.0f} | {r['peak_mb']:.0f} |"
        for r in ours
    ]
    return out

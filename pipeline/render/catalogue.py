"""docs/maps.md: one of each product, what it answers, its files, how to make one alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.render.maps import discover

if TYPE_CHECKING:
    from pipeline.render.data import MapSpec

COMMAND = "gengbao docs"
PICTURES = "images/maps"
"""Below docs/: small pictures of an invented county, the golden images of the tests."""
HEAD = f"""# 图件

本页由 `{COMMAND}` 依 `pipeline/render/maps/` 里各图的说明生成，不要手改。
小图是测试用的虚构县（不是成果），由 `make baselines` 重画，测试逐图比对。

- 全部图件一次做：`make maps`；只做一种：`make map-图名`（或 `gengbao maps 图名`）；
  列出图名：`gengbao maps --list`。
- 成果在 `maps/`，先开 `maps/index.html`；以前各期的图在 `maps/日期/`，注明“只有最新一期”的除外。
- 全省图由 `gengbao province` 做，在成果的 `province/maps/`：缺口分布图、完成率图与各县的画法相同，
  县当作镇，分级用 `province_` 开头的几行；另有下面的县区排名图。
- PDF 是矢量的，印刷用它；PNG 供浏览和插入文稿。
- 字体、分级、比例尺的道理见 [decisions/0020-maps.md](decisions/0020-maps.md)；
  各图的耗时、大小和内存见 [performance-maps.md](performance-maps.md)。
"""
NEEDS = {
    "towns": "镇界",
    "gaps": "gaps.csv",
    "summary": "summary.csv",
    "progress": "progress.csv",
    "history": "history.csv",
    "waterfall": "waterfall.csv",
    "tasks": "台账图斑",
    "land": "本期地类图斑",
    "findings": "质量检查的问题",
}


def documents() -> dict[str, str]:
    """Return the generated document: path from the repository's root → text."""
    return {"docs/maps.md": "\n".join([HEAD, *map(_entry, discover())])}


def _entry(spec: MapSpec) -> str:
    """Return a product's section."""
    lying = "横" if spec.size.width_mm > spec.size.height_mm else "竖"
    files = f"`maps/{spec.stem}.pdf`"
    if spec.png:
        files += "、同名 `.png`（多页的逐页编号）"
    drawn = "、".join(NEEDS.get(name, name) for name in spec.needs)
    when = "只有最新一期" if spec.newest_only else "每期各一份"
    if spec.command != "maps":
        files = files.removeprefix("`maps/").join(("`", ""))
        when = f"要时由 `gengbao {spec.command}` 做"
    return f"""## {spec.title}

![{spec.title}]({PICTURES}/{spec.name}.png)

{spec.answers}。

| 图名 | 图幅 | 文件 | 由什么画成 | 期次 |
| --- | --- | --- | --- | --- |
| `{spec.name}` | {spec.size.name} {lying} | {files} | {drawn} | {when} |
"""
